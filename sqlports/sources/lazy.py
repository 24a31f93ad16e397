"""Records that look at what they were read from only when a field is asked for."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any


class Lazy:
    """What a file tells. Every field is a property, so that a query for one of forty does not take all forty apart.

    Where nothing more than the file's bytes is needed for that, the record is these bytes: thousands of them are made, and
    the garbage collector has no business with bytes.
    """

    __slots__ = ()

    @classmethod
    def known(cls, **fields: object) -> Any:
        """The same record where something else told some of the fields: the others are None. Raises TypeError for no field."""
        names = {name for name, value in vars(cls).items() if isinstance(value, property)}
        if fields.keys() - names:
            raise TypeError(f"{cls.__name__} has no fields {sorted(fields.keys() - names)}")
        return SimpleNamespace(**{**dict.fromkeys(names), **fields})

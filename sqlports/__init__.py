"""Ask SQL of a running machine: processes, sockets, handles and ports as tables."""

from __future__ import annotations

import os

# Not from typing, whose import takes longer than all that is here: who interrupts it is shown where.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from sqlports.engine import Engine, Result
    from sqlports.errors import Error, Interrupted, QueryError, QueryTimeout, Refused

__version__ = "0.1.0"
__all__ = ["Engine", "Error", "Interrupted", "QueryError", "QueryTimeout", "Refused", "Result", "__version__"]

_HOMES = {"Engine": "engine", "Result": "engine"}


def __getattr__(name: str) -> Any:
    """The public names, imported when they are used."""
    from importlib import import_module

    if name not in __all__:
        raise AttributeError(f"module 'sqlports' has no attribute {name!r}")
    return getattr(import_module(f"sqlports.{_HOMES.get(name, 'errors')}"), name)


# In a checkout that is not installed, `tables/` lies beside this package and not in it.
_checkout = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
if not os.path.isdir(os.path.join(__path__[0], "tables")) and os.path.isfile(os.path.join(_checkout, "tables", "__init__.py")):
    __path__.append(_checkout)

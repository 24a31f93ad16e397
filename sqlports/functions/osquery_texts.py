"""Texts put together as osquery does: concat() of nothing is NULL, and no separator an empty one."""

from __future__ import annotations

from collections.abc import Sequence

from sqlports.errors import QueryError
from sqlports.functions import Value, function

# How long a text may be, in bytes, as the engine has it: nothing longer is made first and refused then.
LONGEST = 32 << 20


@function("text")
def concat(*value: Value) -> str | None:
    """The values as one text, NULL as an empty one; NULL without any."""
    return _joined("concat", "", value) if value else None


@function("text")
def concat_ws(*value: Value) -> str:
    """The values behind the first one that are not NULL as one text, with the first between them."""
    if not value:
        raise QueryError("concat_ws: it takes a separator at least")
    from sqlports.functions import values

    return _joined("concat_ws", "" if value[0] is None else values.text(value[0]), value[1:])


def _joined(caller: str, separator: str, parts: Sequence[Value]) -> str:
    from sqlports.functions import values

    texts = [values.text(part) for part in parts if part is not None]
    if sum(map(len, texts)) + len(separator) * len(texts) > LONGEST:
        raise QueryError(f"{caller}: the text would be longer than {LONGEST >> 20} MiB")
    return separator.join(texts)

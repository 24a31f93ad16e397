"""What is particular to a descriptor: what its fdinfo has for its kind, and what its link and its device node tell."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from sqlports.sources import links
from sqlports.sources.fdinfo import as_json
from sqlports.sources.fdinfo_kinds import parse

if TYPE_CHECKING:
    from sqlports.sources.handles import Handle


class Detail(NamedTuple):
    """What is particular to a descriptor, as the text of a JSON object; None for nothing."""

    json: str | None = None


_NOTHING = Detail()


def of(handle: Handle) -> Detail:
    """What is particular to a descriptor."""
    link = handle.link
    if link is None:
        return _NOTHING
    rest = handle.fdinfo.rest
    if not rest and link.startswith(_BARE):
        return _NOTHING
    kind = links.kind(link) or handle.what.type
    if not rest and kind not in _BEYOND:
        return _NOTHING
    found = parse(kind, rest)
    if kind == "namespace":
        found["kind"] = links.namespace(link)
    elif kind == "memfd":
        found["name"] = links.name(link)
    elif kind == "device":
        _add_device(handle, found)
    return Detail(as_json(found)) if found else _NOTHING


# Most handles there are: nothing is known of them but what fdinfo tells.
_BARE = ("socket:", "pipe:", "anon_inode:")
# Of these something is known that is not in fdinfo.
_BEYOND = {"namespace", "memfd", "device"}


def _add_device(handle: Handle, found: dict[str, object]) -> None:
    """Add what is known of a device node; of a terminal also its name."""
    from sqlports.sources.parts.stat import tty

    node, number = handle.file.node, handle.file.number
    if number is None:
        return
    major, minor = os.major(number), os.minor(number)
    found["kind"], found["device"] = node, f"{major}:{minor}"
    if node != "character":
        return
    if 136 <= major <= 143:
        found["index"] = (major - 136) * 256 + minor
    if "index" in found:
        found["name"] = f"pts/{found['index']}"
    elif (terminal := tty(number)) and ":" not in terminal:
        found["name"] = terminal

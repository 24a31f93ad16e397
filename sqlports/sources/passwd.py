"""The parsers of passwd(5) and group(5): text in, records out. Lines that are none (comments, NIS marks) are passed over."""

from __future__ import annotations

from sqlports.sources.records import Group, User

# uid_t and gid_t have 32 bits.
_GREATEST = (1 << 32) - 1


def parse(text: str) -> list[User]:
    """The accounts, in their order."""
    found: dict[tuple[int, str], User] = {}
    for line in text.split("\n"):
        fields = line.split(":")
        if len(fields) == 7 and (uid := _number(fields[2])) is not None and (gid := _number(fields[3])) is not None:
            found.setdefault((uid, fields[0]), User(fields[0], uid, gid, fields[4], fields[5], fields[6]))
    return list(found.values())


def parse_groups(text: str) -> list[Group]:
    """The groups, in their order. One may have several lines: its members are in any of them."""
    found: dict[tuple[int, str], Group] = {}
    for line in text.split("\n"):
        fields = line.split(":")
        if len(fields) in (3, 4) and (gid := _number(fields[2])) is not None:
            members = tuple(name for name in (fields[3] if len(fields) == 4 else "").split(",") if name)
            known = found.get((gid, fields[0]))
            found[gid, fields[0]] = Group(fields[0], gid, known.members + members if known else members)
    return list(found.values())


def _number(text: str) -> int | None:
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else None
    return None if number is None or number > _GREATEST else number

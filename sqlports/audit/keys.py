"""The keys of an audit's header, and what was to be one and is not: a misspelt key, a field in the wrong place or form."""

from __future__ import annotations

import re

from sqlports.errors import nearest
from sqlports.queries.header import Fault, Field, Header

# All keys that an audit heeds, and how one is written for osquery-defense-kit and other collections of queries for osquery.
KEYS = (
    *("id", "title", "severity", "description", "platform", "tags", "requires", "param", "key", "message", "fail_if"),
    *("fix", "references", "false_positives"),
)
# What they say of themselves that is kept and not heeded.
KEPT = ("author", "date", "interval", "license", "oncall", "removed", "shard", "snapshot", "value", "version", "denylist")

# What a platform may be: sys.platform of some system, words for many, and what packs of osquery say.
SYSTEMS = [
    *("linux", "darwin", "win32", "cygwin", "freebsd", "openbsd", "netbsd", "dragonfly", "sunos", "aix", "gnu", "haiku"),
    *("android", "ios", "posix", "any", "all", "windows", "macos", "ubuntu", "centos", "rhel"),
]
_SYSTEM = re.compile(rf"({'|'.join(SYSTEMS)})[\d.]*")

# What people write for a field: with capitals or spaces it is a remark. osquery-defense-kit has a key of two words.
# Set in by more, it is a line of a longer value.
_SLIP = re.compile(r"--\s{0,2}([A-Za-z][\w -]*?)\s*:")
# A key without its colon. What begins a sentence as well is one only beside fields, as a line of prose is not.
_BARE = re.compile(r"--\s?(severity|tags|platform|requires|fail_if|false_positives)\s+\S")
_BARE_BESIDE = re.compile(r"--\s?(title|description|key|message|fix|references)\s+\S")
# In the midst of a longer value there may be other words with a colon, but hardly these.
_VALUE = re.compile(r"(?i:(?:--|\*)?\s*(fail_if\s*:\s*rows\b|severity\s*:\s*(?:info|low|medium|high|critical)\s*$))")


def check(text: str, head: Header) -> None:
    """Add what is wrong with keys to the header's faults."""
    for field in head.fields:
        _check_key(field, head.faults)
    fields = {field.line for field in head.fields}
    is_above = True
    for number, line in enumerate(text.split("\n"), 1):
        said = line.strip()
        is_above = is_above and (not said or said.startswith("--"))
        fault = _slip(said, bool(fields) if is_above else None)
        if fault and number not in fields:
            head.faults.append(Fault(number, fault))


def _slip(line: str, has_fields: bool | None) -> str:
    """What is wrong with a line that is no field: it would be one, were it written as ours are, or where. '' for nothing.

    has_fields  whether the header has fields; None below the header
    """
    slip = _SLIP.match(line)
    meant = re.sub(r"[ -]+", "_", slip[1].lower()) if slip else ""
    if slip and meant in KEYS and (slip[1], meant) != ("false positives", "false_positives"):
        return f"{slip[1]}: did you mean {meant}?" if slip[1] != meant else _how(meant)
    if value := _VALUE.match(line):
        return _how(value[1].partition(":")[0].strip().lower())
    bare = None if has_fields is None else _BARE.match(line) or (has_fields and _BARE_BESIDE.match(line))
    return _how(bare[1]) if bare else ""


def _how(key: str) -> str:
    return f"{key}: write it as `-- {key}: VALUE`, at the top"


def _check_key(field: Field, faults: list[Fault]) -> None:
    """A key that is nearly one of ours is a slip; others may be somebody's own."""
    if field.key in KEYS or field.key in KEPT:
        return
    meant = nearest(field.key, [*KEYS, *KEPT])
    if meant:
        faults.append(Fault(field.line, f"{field.key}: did you mean {meant}?"))


def platforms(head: Header) -> tuple[str, ...]:
    """The systems that an audit is for, in small letters. What is none is added to the header's faults."""
    names = tuple(name.lower() for name in head.words("platform"))
    for name in names:
        if not _SYSTEM.fullmatch(name):
            meant = nearest(name, SYSTEMS)
            hint = f"did you mean {meant}?" if meant else f"it takes {', '.join(SYSTEMS)}"
            head.faults.append(Fault(head.all("platform")[0].line, f"platform: there is no {name}: {hint}"))
    return names

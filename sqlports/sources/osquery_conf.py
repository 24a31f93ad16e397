"""osquery's configuration: the schedule and the packs of its files. What is wrong in a part of it costs that part.

(osquery 5: config/config.cpp, config/packs.cpp, plugins/config/filesystem.cpp.)
"""

from __future__ import annotations

import glob
import hashlib
import os
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from sqlports.audit import osquery_json, osquery_rules
from sqlports.sources import small_files
from sqlports.sources.records import Unsupported
from sqlports.sources.snapshot import Snapshot

# The name of the pack that the schedule itself is.
MAIN = "main"
SOURCE = "osquery's configuration"


class Query(NamedTuple):
    """A query of a schedule: `name` is how osquery calls it in its logs, `interval` is in seconds."""

    name: str
    query: str
    interval: int
    key: str


class Pack(NamedTuple):
    """A pack.

    is_here    whether it is for this machine, by platform, version and shard
    discovery  queries each of which must give a row for it to be active
    queries    those that are for this machine, by name
    """

    name: str
    platform: str
    version: str
    shard: int
    is_here: bool
    discovery: tuple[str, ...]
    queries: tuple[Query, ...]


class Configuration(NamedTuple):
    """What the files say.

    files   their texts by their paths, in the order in which they are merged
    packs   the schedule first, by the name of MAIN
    faults  what is wrong, a line each
    unmet   queries that are never asked, and why, a line each
    """

    files: Mapping[str, str]
    packs: tuple[Pack, ...]
    faults: tuple[str, ...]
    unmet: tuple[str, ...]

    @property
    def digest(self) -> str:
        """The SHA-1 of the files; '' where there is none."""
        text = "".join(self.files.values()).encode("utf-8", "surrogateescape")
        return hashlib.sha1(text, usedforsecurity=False).hexdigest() if self.files else ""


def of(system: Snapshot) -> Configuration:
    """The configuration of a look: the files that osqueryi was given, or the usual ones of the system that is looked at."""
    values = getattr(system.settings, "values", {})
    path = values.get("config_path") or "/etc/osquery/osquery.conf"

    def read_it(root: str) -> list[Configuration]:
        found = read(path, root, values.get("pack_delimiter", "_"), int(values.get("schedule_default_interval", 3600)))
        is_there = found.files or os.path.lexists(os.path.join(root, path.lstrip("/")))
        for fault in (*found.faults, *found.unmet) if is_there else ():
            system.refuse(SOURCE, None, Unsupported(SOURCE, fault))
        return [found]

    return system.ask(SOURCE, read_it)[0]


def read(path: str, root: str = "/", delimiter: str = "_", interval: int = 3600) -> Configuration:
    """The configuration in a file and in the files NAME.d/*.conf beside it."""
    files: dict[str, str] = {}
    faults: list[str] = []
    packs: list[Pack] = []
    # Below another root there may be any link: the names beside are this system's alone.
    beside = sorted(glob.glob(glob.escape(path) + ".d/*.conf")) if root == "/" else []
    if root != "/" or os.path.lexists(path):
        beside.append(path)
    elif not beside:
        faults.append(f"config file does not exist: {path}")
    maker = _Maker(root, delimiter, interval, faults)
    for name in beside:
        text = maker.text(name)
        if text is None:
            continue
        files[name] = text
        parsed = maker.parsed(text, name)
        if "schedule" in parsed:
            packs.append(maker.pack(MAIN, {"queries": parsed["schedule"]}))
        for pack, said in _object(parsed.get("packs")).items():
            packs += maker.packs(pack, said)
    # The last one of a name counts.
    return Configuration(files, tuple({pack.name: pack for pack in packs}.values()), tuple(faults), tuple(maker.unmet))


class _Maker:
    """Makes packs; what is wrong is added to `faults`, and of queries to `unmet`."""

    def __init__(self, root: str, delimiter: str, interval: int, faults: list[str]) -> None:
        self.root = root
        self.delimiter = delimiter
        self.interval = interval
        self.faults = faults
        self.unmet: list[str] = []

    def text(self, path: str) -> str | None:
        try:
            data = small_files.of_system(self.root, os.fsencode(os.path.abspath(path)))
        except (OSError, Unsupported) as error:
            self.faults.append(f"Cannot read {path}: {getattr(error, 'strerror', None) or error}")
            return None
        return data.decode("utf-8-sig", "surrogateescape")

    def parsed(self, text: str, path: str) -> dict[str, Any]:
        try:
            root = osquery_json.parse(text)
        except osquery_json.Broken as error:
            self.faults.append(f"Error parsing the content of {path}, line {error.line}: {error}")
            return {}
        if root.kind != "object":
            self.faults.append(f"Error parsing the content of {path}: it is no object")
            return {}
        return _object(root.plain)

    def packs(self, name: str, said: Any) -> list[Pack]:
        """The pack of a name: itself, its file, or for the name * those of a pattern."""
        if isinstance(said, dict):
            return [self.pack(name, said)]
        if not isinstance(said, str):
            self.faults.append(f"Pack {name} is neither an object nor the path of a file")
            return []
        paths = [said]
        if name == "*":
            paths = sorted(glob.glob(re.sub("%+", "*", said))) if self.root == "/" else []
        found = []
        for path in paths:
            text = self.text(path)
            if text is not None:
                own = os.path.splitext(os.path.basename(path))[0] if name == "*" else name
                found.append(self.pack(own, self.parsed(text, path)))
        return found

    def pack(self, name: str, said: Mapping[str, Any]) -> Pack:
        platform, version, shard = _text(said, "platform"), _text(said, "version"), _number(said.get("shard"), 0)
        is_here = _is_here(platform, version, shard)
        listed = said.get("discovery")
        discovery = tuple(one for one in listed if isinstance(one, str)) if isinstance(listed, list) else ()
        queries = []
        for key, query in sorted(_object(said.get("queries")).items()) if is_here else ():
            one = _object(query)
            every = _number(one.get("interval"), self.interval)
            if not _text(one, "query") or not 0 < every <= osquery_rules.LONGEST_INTERVAL:
                self.unmet.append(f"Query {key} of pack {name} has no SQL, or an interval that is never met")
            elif _is_here(_text(one, "platform"), _text(one, "version"), _number(one.get("shard"), 0)):
                full = key if name == MAIN else self.delimiter.join(("pack", name, key))
                queries.append(Query(full, one["query"], every, key))
        return Pack(name, platform, version, shard, is_here, discovery if is_here else (), tuple(queries))


def active(system: Snapshot) -> dict[str, bool | None]:
    """Of each pack whether its queries are asked here; None where nobody runs its discovery queries, which is counted."""
    return system.memo("active packs", lambda: {pack.name: _is_active(pack, system) for pack in of(system).packs})


def _is_active(pack: Pack, system: Snapshot) -> bool | None:
    # What tells how many rows a query gives; one that fails gives none.
    rows: Callable[[str], int] | None = getattr(system.settings, "rows", None)
    if not pack.is_here or not pack.discovery:
        return pack.is_here
    if rows is None:
        why = f"the discovery queries of pack {pack.name} are not run here"
        system.refuse("discovery", None, Unsupported("discovery", why))
        return None
    return all(rows(sql) for sql in pack.discovery)


def _is_here(platform: str, version: str, shard: int) -> bool:
    return not osquery_rules.not_here(platform, version, shard)


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(said: Mapping[str, Any], key: str) -> str:
    value = said.get(key)
    return value if isinstance(value, str) else ""


def _number(value: Any, default: int) -> int:
    """A number, which may be written as a text; the default where there is none, 0 where it is no number."""
    if value is None:
        return default
    text = str(value).strip()
    return int(text) if re.fullmatch(r"[+-]?\d{1,18}", text) else 0

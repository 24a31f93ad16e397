"""osquery's packs and configurations, whose queries are audits: `sqlports audit pack.conf`.

A row of theirs is what is there and no fault, so that they are of severity info unless a query has a `severity`. Keys that are
ours (convert.py writes them, osquery ignores them) mean what they mean in the header of an audit.
"""

from __future__ import annotations

import glob
import json
import os
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from sqlports.audit import given
from sqlports.audit import osquery_json as js
from sqlports.audit.audit import Audit, BadFile
from sqlports.audit.osquery_json import Member, Value
from sqlports.audit.osquery_queries import Checked, legal_id, numbered, out_of_place, query
from sqlports.cells import safe
from sqlports.errors import Error, Interrupted, file_name

# More than any pack has; osquery's own limit for a configuration is one MiB.
LARGEST = 8 << 20


class Pack(NamedTuple):
    """A pack.

    line       the line of the file in which it begins
    discovery  queries each of which must give a row for the pack to be asked
    skip       why it is not for this machine; '' when it is
    kept       what else it says of itself, by key, as JSON has it
    """

    name: str
    path: str
    line: int
    discovery: tuple[str, ...]
    audits: tuple[Audit, ...]
    skip: str = ""
    kept: Mapping[str, Any] = MappingProxyType({})


class Packs(NamedTuple):
    """What a file gave: its packs, those of the files that it names, and all that is wrong."""

    packs: list[Pack]
    faults: list[BadFile]

    @property
    def audits(self) -> list[Audit]:
        """The audits of all packs."""
        return [audit for pack in self.packs for audit in pack.audits]


def active(pack: Pack, run: Callable[[str], int]) -> str:
    """Why a pack is not asked here; '' when it is. `run` tells how many rows a query gives.

    As osquery does it: the first discovery query without a row, or that fails, ends it. An Interrupted of `run` is passed on.
    """
    if pack.skip:
        return pack.skip
    for sql in pack.discovery:
        try:
            rows = run(sql)
        except Interrupted:
            raise
        except Error as error:
            return f"the pack's discovery query failed: {safe(str(error).split(chr(10))[0])}: {safe(sql)}"
        if not rows:
            return f"the pack's discovery query gave no row: {safe(sql)}"
    return ""


def read(text: str | bytes, name: str, path: str) -> Packs:
    """The packs in a file's text: the file is one, or a configuration, which has a schedule and packs.

    `name` is that of the file. A configuration's other files are looked for in its folder and read.
    """
    found = Packs([], [])
    root = _parsed(text, path, found.faults)
    if root is not None:
        reader = _Reader(path, found)
        reader.file(root, os.path.splitext(name)[0])
        _tell_apart(found)
    found.faults.sort(key=lambda fault: (fault.path, fault.line or 0))
    return found


def _parsed(text: str | bytes, path: str, faults: list[BadFile]) -> Value | None:
    """The object that the file is; None where it is none, which is one fault more."""
    line: int | None = 1
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8-sig")
        text = text.removeprefix("\ufeff")
        if len(text) > LARGEST:
            line, why = None, f"it is larger than {LARGEST >> 20} MiB"
        elif not text.strip():
            why = "it is empty"
        else:
            root = js.parse(text)
            if root.kind == "object":
                return root
            line, why = root.line, f"a pack is an object in braces, and not a {root.kind}"
    except UnicodeDecodeError as error:
        line, why = bytes(error.object).count(b"\n", 0, error.start) + 1, "it is not UTF-8"
    except js.Broken as error:
        line, why = error.line, str(error)
    faults.append(BadFile(path, line, why))
    return None


class _Reader(Checked):
    """Reads one file: what it finds and what is wrong is added to `found`."""

    def __init__(self, path: str, found: Packs) -> None:
        super().__init__(path, found.faults)
        self.found = found

    def file(self, root: Value, name: str) -> None:
        """A pack, or a configuration."""
        had = {member.name for member in root.value}
        if not had & {"queries", "schedule", "packs"}:
            self.fault(root.line, "there are no queries in it: a pack has `queries`, a configuration `schedule` or `packs`")
        if "queries" in had:
            self.pack(root, name)
        for member in self.members(root, "the file"):
            if member.name == "schedule":
                self.add(name, member.line, member.value, {}, ())
            elif member.name == "packs" and self.is_a("object", member):
                for pack in self.members(member.value, "packs"):
                    self.named(pack)

    def named(self, member: Member) -> None:
        """A pack in a configuration: itself, the path of its file, or for the name * a pattern of paths."""
        if member.value.kind == "object":
            self.pack(member.value, member.name)
        elif self.is_a("text", member):
            target = os.path.join(os.path.dirname(self.path), member.value.value)
            if member.name != "*":
                self.other(target, member.name, member.line)
                return
            paths = sorted(glob.glob(re.sub("%%?", lambda found: "*" * len(found[0]), target), recursive=True))
            if not paths:
                self.fault(member.line, f"no file is {safe(target)}")
            for path in paths:
                self.other(path, os.path.splitext(os.path.basename(path))[0], member.line)

    def other(self, path: str, name: str, line: int) -> None:
        """A pack in a file of its own."""
        data = given.text(path, LARGEST)
        if isinstance(data, BadFile):
            self.fault(line, f"{file_name(path)}: {data.message}")
            return
        root = _parsed(data, path, self.found.faults)
        if root is not None:
            _Reader(path, self.found).pack(root, name)

    def pack(self, pack: Value, name: str) -> None:
        """A pack. What is not its queries or discovery is kept."""
        had = {member.name: member for member in self.members(pack, "the pack")}
        discovery: tuple[str, ...] = ()
        if (asked := had.get("discovery")) and self.is_a("list", asked):
            for item in asked.value.value:
                if item.kind != "text":
                    self.fault(item.line, f"discovery: a query is a text, and not a {item.kind}")
            discovery = tuple(item.value for item in asked.value.value if item.kind == "text")
        kept = {key: said for key, said in had.items() if key not in ("queries", "discovery", "schedule", "packs")}
        values = self.checked([kept[key] for key in ("platform", "version", "shard") if key in kept])
        if "queries" in had:
            heeded = {**{key: said.value.plain for key, said in kept.items()}, **values}
            self.add(name, pack.line, had["queries"].value, heeded, discovery)
        else:
            self.fault(pack.line, "the pack has no `queries`")

    def add(self, name: str, line: int, queries: Value, kept: Mapping[str, Any], discovery: tuple[str, ...]) -> None:
        """Make a pack of queries by name."""
        if queries.kind != "object":
            self.fault(queries.line, f"queries are an object, each by its name, and not a {queries.kind}")
            return
        skip = out_of_place(kept)
        audits = [query(self, member, name, skip, kept) for member in self.members(queries, "the queries")]
        made = tuple(audit for audit in audits if audit)
        self.found.packs.append(Pack(name, self.path, line, discovery, made, skip, kept))


def _tell_apart(found: Packs) -> None:
    """Give every audit an id of its own: one that two packs have is PACK.NAME, one that two names come to is numbered."""
    ids = [audit.id for pack in found.packs for audit in {audit.id: audit for audit in pack.audits}.values()]
    shared = {name for name in ids if ids.count(name) > 1}
    taken: set[str] = set()
    for i, pack in enumerate(found.packs):
        audits = []
        for audit in pack.audits:
            name = legal_id(f"{pack.name}.{audit.id}") if audit.id in shared else audit.id
            name = numbered(name, taken)
            kept = audit.kept
            if name != audit.id:
                kept = {**kept, "osquery": json.dumps({"name": audit.id, **json.loads(kept.get("osquery", "{}"))})}
            audits.append(audit._replace(id=name, kept=kept))
        found.packs[i] = pack._replace(audits=tuple(audits))

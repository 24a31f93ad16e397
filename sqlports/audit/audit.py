"""An audit: a .sql file whose header says what its rows mean. Each row is a finding.

    -- title: Database reachable from the network
    -- severity: high
    -- description: What it finds, and why that matters.
    -- requires: root
    -- param: ports text '3306,5432' Ports of databases.
    -- key: protocol, address, port, process
    -- message: {process} (pid {pid}) offers port {port} on {address}
    -- fix: What to do.
    -- false_positives: What is found and is in order.
    SELECT …

docs/audits.md tells all keys. Without a header the file is an audit too: of severity medium, named as the file is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from sqlports.audit import SEVERITIES, keys
from sqlports.errors import QueryError, file_name
from sqlports.queries import parameters
from sqlports.queries.header import Fault, Header, parse
from sqlports.queries.parameters import Parameter

# Columns that a finding may have instead of what the header says.
OVERRIDES = ("status", "reason", "resource", "severity", "message")

# What is another one each time a program starts, whatever table it is of.
VOLATILE = re.compile(
    r"(.*_)?(pid|ppid|tid|fd|inode|cookie)|(net|peer|mnt|pid|ipc|uts|user|cgroup|time)_namespace"
    r"|parent|pgroup|login_session|upid|uppid|start_time|started|elapsed_time",
    re.IGNORECASE,
)

# Characters of a line of a report.
LONGEST = 1000

_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,127}", re.ASCII)
# Two braces are one that is meant as such.
_FIELD = re.compile(r"\{\{|\}\}|\{(\w+)\}")
_TWO_WORDS = re.compile(r"^(\s*--\s?false) (positives:)", re.MULTILINE)
_CONDITION = re.compile(r"rows\s*(>=|<=|<>|!=|==|=|>|<)\s*(\d{1,18})")


class BadFile(NamedTuple):
    """What is wrong with a file: where, from line 1 or None for all of it, and what."""

    path: str
    line: int | None
    message: str

    @property
    def told(self) -> str:
        """As a compiler says it: `FILE:LINE: MESSAGE`."""
        return f"{file_name(self.path)}:{'' if self.line is None else f'{self.line}:'} {self.message}"


class Condition(NamedTuple):
    """When an audit fails: `rows > 0`."""

    sign: str = ">"
    number: int = 0

    def holds(self, rows: int) -> bool:
        """Whether so many rows are a failure."""
        if self.sign in ("=", "=="):
            return rows == self.number
        if self.sign in ("<>", "!="):
            return rows != self.number
        if self.sign.startswith(">"):
            return rows > self.number or (self.sign == ">=" and rows == self.number)
        return rows < self.number or (self.sign == "<=" and rows == self.number)

    @property
    def wants_rows(self) -> bool:
        """Whether no row at all is a failure: the rows are what is to be there, and no findings."""
        return self.holds(0)

    def __str__(self) -> str:
        return f"rows {self.sign} {self.number}"


class Audit(NamedTuple):
    """An audit.

    severity     one of SEVERITIES
    requires     'root', and columns ('handles.target') that must have been readable
    key          the columns by which a finding is known again; () for all that last
    message      what a finding says, with {column} in it; '' for what its row has
    fail_if      when its rows are a failure
    references   addresses of pages
    sql          the statement, in the whole file that it stands in
    line         the line of the file in which the statement begins
    pack         the folder, or the osquery pack, that it is of; '' for none
    kept         what else its header says, by key
    foreign      whether it is osquery's: its columns mean nothing but themselves
    skip         why it is not for this machine; '' when it is
    """

    id: str
    title: str
    severity: str
    sql: str
    path: str
    line: int = 1
    description: str = ""
    platforms: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    key: tuple[str, ...] = ()
    message: str = ""
    fail_if: Condition = Condition()
    fix: str = ""
    references: tuple[str, ...] = ()
    false_positives: str = ""
    pack: str = ""
    kept: Mapping[str, str] = MappingProxyType({})
    foreign: bool = False
    skip: str = ""

    @property
    def fields(self) -> list[str]:
        """The columns that its message has."""
        return [name for name in _FIELD.findall(self.message) if name]


class Read(NamedTuple):
    """What a file gave: the audit, None where it is none, and all that is wrong with it."""

    audit: Audit | None
    faults: list[BadFile]


def read(text: str, name: str, path: str, pack: str = "") -> Read:
    """The audit that a file's text is. `name` is its id unless the header has one."""
    from sqlports.script import split

    head = parse(_TWO_WORDS.sub(r"\1_\2", text))
    faults = head.faults
    keys.check(text, head)
    severity = (head.one("severity") or "medium").lower()
    if severity not in SEVERITIES:
        faults.append(Fault(_line(head, "severity"), f"severity is one of {', '.join(SEVERITIES)}, and not {severity!r}"))
    name = head.one("id") or name
    if not _ID.fullmatch(name):
        faults.append(Fault(_line(head, "id"), f"{name!r} is no id: letters, digits, '-', '_' and '.', the first no sign"))
    declared = parameters.of(head)
    key = head.words("key")
    for column in key:
        if VOLATILE.fullmatch(column):
            faults.append(
                Fault(_line(head, "key"), f"key: {column} is another one at each start, which makes an old finding new")
            )
    statements = []
    try:
        statements = list(split(text))
    except QueryError as error:
        faults.append(Fault(error.place.line if error.place else 1, error.message))
    else:
        if len(statements) != 1:
            second = _place(statements[1]) if statements else len(text.rstrip().split("\n"))
            faults.append(Fault(second, "an audit is one statement" if statements else "there is no statement in it"))
    used = {name for statement in statements for name in statement.names}
    for parameter in declared:
        if parameter.name not in used:
            faults.append(Fault(_line(head, "param"), f"param: its SQL has no :{parameter.name}"))
    meant = {word for field in head.all("param") for word in field.text.split()[:1]}
    for word in sorted(used - meant):
        faults.append(Fault(_place(statements[0]), f":{word} is no parameter: the header has no `param: {word} TYPE DEFAULT`"))
    title, remark = head.one("title"), head.remark
    audit = Audit(
        id=name,
        title=title or sentence(remark) or name,
        severity=severity,
        sql=text,
        path=path,
        line=_place(statements[0]) if statements else 1,
        description=head.one("description") or (remark if title or sentence(remark) != remark else ""),
        platforms=keys.platforms(head),
        tags=head.words("tags"),
        requires=head.words("requires"),
        parameters=declared,
        key=key,
        message=" ".join(head.one("message").split()),
        fail_if=_condition(head, faults),
        fix=head.one("fix"),
        references=tuple(word for word in head.words("references") if re.search(r"\w", word)),
        false_positives=head.one("false_positives"),
        pack=pack,
        kept={field.key: field.text for field in head.fields if field.key not in keys.KEYS},
    )
    return Read(None if faults else audit, [BadFile(path, *fault) for fault in sorted(faults)])


def _condition(head: Header, faults: list[Fault]) -> Condition:
    try:
        return condition(head.one("fail_if"))
    except ValueError as error:
        faults.append(Fault(_line(head, "fail_if"), str(error)))
        return Condition()


def condition(text: str) -> Condition:
    """The condition that a text is; that of an audit that has none for ''. Raises ValueError."""
    if not text:
        return Condition()
    found = _CONDITION.fullmatch(text)
    if not found:
        raise ValueError(f"fail_if is rows, a sign and a number, as in rows > 0, and not {text!r}")
    read = Condition(found[1], int(found[2]))
    if read == Condition("<", 0):
        raise ValueError("fail_if: there are never fewer than 0 rows")
    return read


def _line(head: Header, key: str) -> int:
    return next((field.line for field in head.all(key)), 1)


def _place(statement: Any) -> int:
    """The line in which a statement's first word stands, from 1."""
    from sqlports.script import tokens

    words = tokens(statement.sql)
    start = statement.start + (words[0].start if words else 0)
    return int(statement.script.count("\n", 0, start)) + 1


def sentence(text: str) -> str:
    """The first sentence, without its full stop."""
    found = re.match(r"(.+?)[.?!](\s|$)", text, re.DOTALL)
    return found[1] if found else text


def filled(template: str, row: Mapping[str, Any]) -> str:
    """A message with the values of a row in it, in one line and safe to show; NULL is `unknown`."""
    from sqlports.cells import safe

    def value(found: re.Match[str]) -> str:
        if found[1] is None:
            return found[0][0]
        if found[1] not in row:
            return found[0]
        shown = row[found[1]]
        # Of what a process chose no more than a line of a report has.
        return text_of(shown[:LONGEST] if isinstance(shown, str | bytes) else shown)

    return safe(_FIELD.sub(value, template))


def text_of(value: Any) -> str:
    """A value as people read it, whatever is in it; NULL is `unknown`."""
    from sqlports.cells import shown

    return "unknown" if value is None else shown(value)

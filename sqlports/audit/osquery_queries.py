"""A query of an osquery pack as an audit."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from sqlports.audit import SEVERITIES
from sqlports.audit import osquery_rules as rules
from sqlports.audit.audit import VOLATILE, Audit, BadFile, Condition, condition, sentence
from sqlports.audit.keys import KEPT, KEYS
from sqlports.audit.osquery_json import Member, Value
from sqlports.cells import safe
from sqlports.errors import QueryError, nearest
from sqlports.queries.header import parse
from sqlports.queries.parameters import Parameter

# What a query may have, by kind. All else is kept and not heeded.
TEXTS = (
    "title",
    "severity",
    "description",
    "value",
    "message",
    "fail_if",
    "fix",
    "false_positives",
    "platform",
    "version",
    "sql",
)
LISTS = ("tags", "requires", "key", "references", "params")
NUMBERS = ("interval", "shard")
YES_NO = ("snapshot", "removed", "denylist", "blacklist")
KNOWN = {*TEXTS, *LISTS, *NUMBERS, *YES_NO}


class Checked:
    """What checks the values of one file; what is wrong is added to `faults`."""

    def __init__(self, path: str, faults: list[BadFile]) -> None:
        self.path = path
        self.faults = faults

    def fault(self, line: int, message: str) -> None:
        """One more that is wrong."""
        self.faults.append(BadFile(self.path, line, message))

    def members(self, value: Value, of: str) -> list[Member]:
        """The members of an object. Of two that have one name the first counts; that there is a second is a fault.

        Of queries it is none when both ask the same.
        """
        first: dict[str, Member] = {}
        for member in value.value if value.kind == "object" else ():
            before = first.setdefault(member.name, member)
            if before is not member and _asked(before) != _asked(member):
                self.fault(member.line, f"{of}: a second {safe(member.name)!r}: the first is in line {before.line}")
        return list(first.values())

    def is_a(self, kind: str, member: Member) -> bool:
        """Whether a member is of a kind; a fault where not."""
        if member.value.kind == kind:
            return True
        self.fault(
            member.value.line,
            f"{safe(member.name)} is a {member.value.kind} and has to be {'an' if kind == 'object' else 'a'} {kind}",
        )
        return False

    def checked(self, members: list[Member]) -> dict[str, Any]:
        """What members that we know mean, null ones left out: texts, tuples of texts, numbers, True or False."""
        found: dict[str, Any] = {}
        for member in members:
            key, (kind, value, line) = member.name, member.value
            if kind == "nothing":
                continue
            said = None
            if key in TEXTS and kind == "text":
                said = value
            elif key in LISTS and kind == "list" and all(item.kind == "text" for item in value):
                said = tuple(item.value for item in value)
            elif key in LISTS and kind == "text":
                said = tuple(re.findall(r"[^\s,]+", value))
            elif key in NUMBERS and re.fullmatch(r"\s*\d{1,18}\s*", str(value), re.ASCII) and kind in ("number", "text"):
                said = int(value)
            elif key in YES_NO and kind in ("boolean", "number", "text"):
                said = value.lower() in ("true", "t") if kind == "text" else bool(value)
            if said is None:
                wanted = "text" if key in TEXTS else "list of texts" if key in LISTS else "number"
                shown = f"and not {safe(json.dumps(value))[:60]}" if kind in ("text", "number") else f"and not a {kind}"
                self.fault(line, f"{key} is a {wanted if key not in YES_NO else 'boolean'}, {shown}")
            else:
                found[key] = said
        return found


def _asked(member: Member) -> object:
    """What a query asks, by which two of one name are told apart; for all else the place where it is."""
    asked = [one.value.value for one in member.value.value if one.name == "query"] if member.value.kind == "object" else []
    return asked[0] if asked and isinstance(asked[0], str) else member


def query(checked: Checked, member: Member, pack: str, skip: str, around: Mapping[str, Any]) -> Audit | None:
    """The audit that a query of a pack is; None for one that cannot be asked.

    `around` is what its pack says of itself, and `skip` why the pack is not for this machine.
    """
    if not checked.is_a("object", member):
        return None
    every = checked.members(member.value, safe(member.name))
    asked = next((one for one in every if one.name == "query"), None)
    if asked is None:
        checked.fault(member.line, f"{safe(member.name)}: it has no `query`")
        return None
    before = len(checked.faults)
    values = checked.checked([one for one in every if one.name in KNOWN])
    lines = {one.name: one.line for one in every}
    sql = asked.value.value
    parameters: tuple[Parameter, ...] = ()
    if checked.is_a("text", asked):
        sql, parameters = _statement(checked, asked, values)
    says, severity, fails = values.get("description", ""), values.get("severity", "info").lower(), Condition()
    if severity not in SEVERITIES:
        checked.fault(lines["severity"], f"severity is one of {', '.join(SEVERITIES)}, and not {safe(severity)!r}")
    try:
        fails = condition(values.get("fail_if", ""))
    except ValueError as error:
        checked.fault(lines["fail_if"], safe(str(error)))
    for column in filter(VOLATILE.fullmatch, values.get("key", ())):
        checked.fault(lines["key"], f"key: {safe(column)} is another one at each start, which makes an old finding new")
    if len(checked.faults) > before:
        return None
    platform = values.get("platform") or around.get("platform") or ""
    legal = legal_id(member.name)
    return Audit(
        id=legal,
        title=values.get("title") or " ".join(sentence(says).split()) or member.name,
        severity=severity,
        sql=sql,
        path=checked.path,
        line=asked.value.line,
        description=says,
        platforms=rules.systems(platform),
        tags=values.get("tags", ()),
        requires=values.get("requires", ()),
        parameters=parameters,
        key=values.get("key", ()),
        message=" ".join(values.get("message", "").split()),
        fail_if=fails,
        fix=values.get("fix", ""),
        references=values.get("references", ()),
        false_positives=values.get("false_positives", ""),
        pack=pack,
        kept=_kept(every, values, platform, member.name if legal != member.name else ""),
        foreign=True,
        skip=skip or out_of_place(values),
    )


def _kept(every: list[Member], values: Mapping[str, Any], platform: str, name: str) -> dict[str, str]:
    """What else a query says, as the header of an audit keeps it; what that cannot say as JSON under `osquery`."""
    own = ("interval", "shard", "version", "value", *YES_NO)
    kept = {key: values[key] if isinstance(values[key], str) else json.dumps(values[key]) for key in own if key in values}
    keys: dict[str, Any] = {}
    for one in every:
        if one.name in KNOWN or one.name == "query":
            continue
        if one.value.kind == "text" and _is_header_key(one.name):
            kept[one.name] = one.value.value
        else:
            keys[one.name] = one.value.plain
    exact = {"platform": platform} if rules.platform(rules.systems(platform)) != platform else {}
    # A query with a severity was an audit's file; other people's have the order in which a file is written.
    order = [one.name for one in every if one.name not in ("query", "sql")] if "severity" in values else []
    rest = {key: value for key, value in {"name": name, "keys": keys, "exact": exact, "order": order}.items() if value}
    return {**kept, "osquery": json.dumps(rest)} if rest else kept


def _is_header_key(name: str) -> bool:
    """Whether a header may have a key of this name that is not heeded."""
    if name in (*KEYS, "osquery") or not re.fullmatch("[a-z][a-z0-9_]*", name):
        return False
    return name in KEPT or not nearest(name, [*KEYS, *KEPT])


def _statement(checked: Checked, asked: Member, values: Mapping[str, Any]) -> tuple[str, tuple[Parameter, ...]]:
    """The SQL of a query and its parameters: those with which it was converted, if it is still what they made of it."""
    from sqlports.audit.statements import with_defaults
    from sqlports.queries import parameters
    from sqlports.script import split

    sql = asked.value.value.strip()
    try:
        statements = list(split(sql))
    except QueryError as error:
        checked.fault(asked.value.line, safe(error.message))
        return sql, ()
    if len(statements) != 1:
        checked.fault(asked.value.line, "a query is one statement" if statements else "there is no statement in it")
    elif statements[0].names or "?" in statements[0].bare:
        checked.fault(asked.value.line, "it has a parameter, for which a pack has no value")
    if values.get("params") and values.get("sql"):
        head = parse("".join(f"-- param: {' '.join(text.split())}\n" for text in values["params"]))
        declared = parameters.of(head)
        if not head.faults and with_defaults(values["sql"], declared) == sql:
            return values["sql"], declared
    return sql, ()


def out_of_place(values: Mapping[str, Any]) -> str:
    """Why osquery would not ask what says this of itself; '' when it would."""
    interval = values.get("interval", 1)
    if isinstance(interval, int) and not 0 < interval <= rules.LONGEST_INTERVAL:
        return f"osquery never asks it: its interval is {interval}, and not 1 to {rules.LONGEST_INTERVAL} seconds"
    platform, version, shard = (values.get(key) for key in ("platform", "version", "shard"))
    texts = [said if isinstance(said, str) else "" for said in (platform, version)]
    return safe(rules.not_here(texts[0], texts[1], shard if isinstance(shard, int) else 0))


def legal_id(name: str) -> str:
    """The name as an id may be: ASCII letters, digits, '-', '_' and '.', the first a letter or digit."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", name).lstrip("_.-")[:128] or "query"


def numbered(name: str, taken: set[str]) -> str:
    """The name, or it with a number behind it, that is none of those taken, whatever the case of letters; it is taken then."""

    def tries() -> Iterator[str]:
        yield name
        number = 2
        while True:
            yield f"{name[: 127 - len(str(number))]}-{number}"
            number += 1

    free = next(one for one in tries() if one.lower() not in taken)
    taken.add(free.lower())
    return free

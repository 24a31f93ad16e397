"""Audits as an osquery pack, and packs as audits: `sqlports audit convert`.

What one form cannot say is kept where the other does not look: a pack has our keys, which osquery ignores, and a file has a
key `osquery`, an object of JSON: `name`, `keys` that are not ours, `exact` values that running text cannot be, `query`, `pack`.
The order of a header's keys is that of the pack's, and back.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from textwrap import wrap
from typing import Any

from sqlports import registry
from sqlports.audit import SEVERITIES
from sqlports.audit import osquery_rules as rules
from sqlports.audit.audit import Audit, Condition
from sqlports.audit.keys import KEYS
from sqlports.audit.new_files import ConvertError, write
from sqlports.audit.osquery_packs import Pack
from sqlports.audit.osquery_queries import LISTS, NUMBERS, YES_NO, legal_id, numbered, out_of_place
from sqlports.audit.statements import declaration, relations, statement, with_defaults
from sqlports.cells import safe
from sqlports.queries.header import parse
from sqlports.script import tokens

WIDTH = 122
# What in a header is a line of its own, or a slip.
_KEY = rf"(?i:{'|'.join(KEYS).replace('_', '[_ -]+')})\s*:"


def to_pack(audits: Sequence[Audit]) -> str:
    """A pack with these audits, as JSON. An audit that `misfit` names is left out."""
    queries: dict[str, Any] = {}
    around = [json.dumps(_rest(audit).get("pack", {}), sort_keys=True) for audit in audits]
    pack = json.loads(around[0]) if len(set(around)) == 1 else {}
    for audit in audits:
        if not misfit(audit):
            own = _rest(audit).get("name", "")
            known = own if isinstance(own, str) and own and legal_id(own) in audit.id and own not in queries else audit.id
            queries[known] = _query(audit)
    return json.dumps({**pack, "queries": queries}, indent=2, ensure_ascii=False) + "\n"


def misfit(audit: Audit) -> str:
    """Why an audit cannot be in a pack; '' when it can."""
    needed = [parameter.name for parameter in audit.parameters if parameter.required]
    if needed:
        return f"a pack has no values for {', '.join(f':{name}' for name in needed)}, which have no default"
    if any(token.kind == "parameter" and token.text[0] not in ":@$" for token in tokens(audit.sql)):
        return "a pack has no values for parameters without a name"
    return ""


def _query(audit: Audit) -> dict[str, Any]:
    """The audit as a query of a pack."""
    rest, sql = _rest(audit), audit.sql if audit.foreign else statement(audit.sql)
    if isinstance(was := rest.get("query"), str) and statement(was) == sql:
        sql = was
    said: dict[str, Any] = {
        "query": with_defaults(sql, audit.parameters),
        "platform": rules.platform(audit.platforms),
        "description": audit.description,
        "title": audit.title,
        "severity": audit.severity,
        "tags": audit.tags,
        "requires": audit.requires,
        "key": audit.key,
        "message": audit.message,
        "fail_if": "" if audit.fail_if == Condition() else str(audit.fail_if),
        "fix": audit.fix,
        "references": audit.references,
        "false_positives": audit.false_positives,
        "params": [declaration(parameter) for parameter in audit.parameters],
        "sql": sql if audit.parameters else "",
        **{key: _typed(key, text) for key, text in audit.kept.items() if key != "osquery"},
    }
    for key, value in _object(rest.get("exact")).items():
        if _heard(key, value) == _heard(key, said.get(key, "")):
            said[key] = value
    places = {field.key.replace("param", "params"): place for place, field in enumerate(parse(audit.sql).fields)}
    order = sorted(said, key=lambda key: -1 if key == "query" else places.get(key, len(places)))
    kept = {key: said[key] for key in order if said[key] not in ("", (), [])}
    return {**kept, **{key: value for key, value in _object(rest.get("keys")).items() if key not in kept}}


def _heard(key: str, value: Any) -> Any:
    """A value as it is when a header had it: an exact one holds as long as nobody has changed the header."""
    if key == "platform" and isinstance(value, str):
        return rules.platform(rules.systems(value))
    return _said(value) if isinstance(value, str) else _words(value) if isinstance(value, (list, tuple)) else value


def to_files(packs: Iterable[Pack]) -> dict[str, str]:
    """The files that packs come to, by name; of several packs each in a folder of its own."""
    packs = list(packs)
    files: dict[str, str] = {}
    folders: set[str] = set()
    for pack in packs:
        folder = numbered(legal_id(pack.name), folders) + "/" if len(packs) > 1 else ""
        around = {**pack.kept, **({"discovery": list(pack.discovery)} if pack.discovery else {})}
        taken: set[str] = set()
        for audit in pack.audits:
            stem = numbered(legal_id(audit.id), taken)
            files[f"{folder}{stem}.sql"] = to_file(audit, stem, around)
    return files


def to_file(audit: Audit, stem: str, pack: Mapping[str, Any]) -> str:
    """The text of a file `stem`.sql; `pack` is what its pack says of itself."""
    rest: dict[str, Any] = dict(_rest(audit))
    exact = dict(_object(rest.get("exact")))
    order = rest.pop("order", None)
    fields: list[tuple[str, str]] = []

    def say(key: str, value: str | Sequence[str]) -> None:
        text = _said(value) if isinstance(value, str) else (" " if key == "references" else ", ").join(_words(value))
        if text != value if isinstance(value, str) else _words(value) != tuple(value):
            exact.setdefault(key, value)
        if text:
            fields.append((key, text))

    if stem != audit.id:
        say("id", audit.id)
    say("title", audit.title)
    say("severity", audit.severity if audit.severity in SEVERITIES else "info")
    for key in ("description", "platforms", "tags", "requires", "parameters", "key", "message", "fail_if", "fix", "references"):
        if key == "parameters":
            fields += [("param", _said(declaration(parameter))) for parameter in audit.parameters]
        elif key != "fail_if":
            say(key.replace("platforms", "platform"), getattr(audit, key))
        elif audit.fail_if != Condition():
            say(key, str(audit.fail_if))
    say("false_positives", audit.false_positives)
    for key, text in audit.kept.items():
        if key != "osquery":
            say(key, text)
    if isinstance(order, list):
        places = {str(key).replace("params", "param"): place for place, key in enumerate(order)}
        fields.sort(key=lambda field: places.get(field[0], len(places)))
    query = audit.sql if audit.foreign else statement(audit.sql)
    body = statement(query)
    if _bare(query) != _bare(body):
        rest["query"] = query
    rest = {key: value for key, value in {**rest, "exact": exact, "pack": dict(pack)}.items() if value}
    if rest:
        # Spaces in a row would be one when it is read again.
        shown = re.sub("  +", lambda found: "\\u0020" * len(found[0]), json.dumps(rest))
        fields.append(("osquery", shown.replace("\x7f", "\\u007f")))
    return "\n".join([*(_field(*field) for field in fields), body]) + "\n"


def _bare(sql: str) -> str:
    return " ".join(sql.split()).rstrip("; ")


def _rest(audit: Audit) -> dict[str, Any]:
    """What the key `osquery` of an audit has; {} for none, and for what somebody made no JSON of."""
    try:
        return _object(json.loads(audit.kept.get("osquery", "{}")))
    except (ValueError, RecursionError):
        return {}


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _typed(key: str, text: str) -> Any:
    """The value of a key as osquery has it."""
    if key in NUMBERS and re.fullmatch(r"\d{1,18}", text, re.ASCII):
        return int(text)
    return text.lower() in ("true", "t", "1") if key in YES_NO else re.findall(r"[^\s,]+", text) if key in LISTS else text


def _said(text: str) -> str:
    """The text as a header gives it back: paragraphs of running text, and nothing that a terminal obeys."""
    parts = (" ".join(safe(" ".join(part.split())).split()) for part in re.split(r"\n\n+", text))
    return re.sub(rf"\n\n(?={_KEY})", " ", "\n\n".join(part for part in parts if part))


def _words(texts: Sequence[str]) -> tuple[str, ...]:
    """The texts as a header gives them back as words."""
    return tuple(word for text in texts for word in re.findall(r"[^\s,]+", _said(text)))


def _field(key: str, text: str) -> str:
    """A field of a header, in lines that are not too long."""
    lines: list[str] = []
    for part in text.split("\n\n"):
        first = f"-- {key}: " if not lines else "--   "
        lines += ["--"] * bool(lines) + wrap(
            part, WIDTH, initial_indent=first, subsequent_indent="--   ", break_long_words=False, break_on_hyphens=False
        )
    return re.sub(rf"\n--   (?={_KEY})", " ", "\n".join(lines))


def convert(paths: Sequence[str], output: str | None) -> list[str]:
    """Make osquery's packs into a folder of audits, or audits into a pack; sentences on what is not the same afterwards.

    `output` is the folder, or the file of the pack: None and - are standard output. Raises ConvertError, with nothing written.
    """
    from sqlports.audit import find

    try:
        found = find.find(paths)
    except find.Unknown as error:
        raise ConvertError(str(error)) from None
    if found.faults:
        raise ConvertError("\n".join(fault.told for fault in found.faults))
    own = [audit for audit in found.audits if not audit.foreign]
    # A name brings all packs of the user's own along.
    named = {(audit.path, audit.pack) for audit in found.audits if audit.foreign}
    packs = list({id(pack): pack for pack in found.packs if (pack.path, pack.name) in named}.values())
    if own and packs:
        raise ConvertError("convert packs or audits, and not both at once")
    if packs:
        if output in (None, "-"):
            raise ConvertError("a pack becomes a folder of files: say which with -o FOLDER")
        write(to_files(packs), str(output))
        return _told_of_packs(packs)
    if all(map(misfit, own)):
        raise ConvertError("\n".join(_told_of_audits(own)) or "there is no audit to convert")
    if output in (None, "-"):
        sys.stdout.write(to_pack(own))
    else:
        folder, name = os.path.split(str(output))
        if not name:
            raise ConvertError("a pack is a file: -o FILE.conf")
        write({name: to_pack(own)}, folder or ".")
    return _told_of_audits(own)


def osquerys() -> set[str]:
    """Our tables and views that osquery has too, by its names and with its columns."""
    tables = {name for name in registry.table_names() if registry.table(name).osquery}
    return tables | {"listening_ports", "process_open_sockets"}


def _told_of_packs(packs: Iterable[Pack]) -> list[str]:
    told = []
    for pack in packs:
        name = safe(pack.name)
        if pack.discovery:
            told.append(f"{name}: its discovery queries are kept, and nothing asks them: files are always asked")
        for audit in pack.audits:
            if any(key in audit.kept for key in ("shard", "version")) or any(key in pack.kept for key in ("shard", "version")):
                told.append(f"{name}: its shards and versions are kept, and not heeded in files")
                break
        if never := [audit.id for audit in pack.audits if out_of_place({"interval": _interval(audit)})]:
            told.append(f"{name}: osquery never asks what has such an interval, and files are always asked: {', '.join(never)}")
    return told


def _interval(audit: Audit) -> int:
    return int(audit.kept.get("interval", 1))


def _told_of_audits(audits: Iterable[Audit]) -> list[str]:
    audits = list(audits)
    told = [f"{audit.id} is left out: {reason}" for audit in audits if (reason := misfit(audit))]
    fit = [audit for audit in audits if not misfit(audit)]
    if fixed := [f"{audit.id} ({', '.join(one.name for one in audit.parameters)})" for audit in fit if audit.parameters]:
        told.append(f"osquery asks with the defaults of their parameters: {', '.join(fixed)}")
    if heeded := [audit.id for audit in fit if audit.fail_if != Condition()]:
        told.append(f"osquery gives their rows and does not heed fail_if: {', '.join(heeded)}")
    ours = {*registry.table_names(), *registry.view_names()} - osquerys()
    if alien := sorted({name for audit in fit for name in relations(audit.sql) & ours}):
        which = [audit.id for audit in fit if relations(audit.sql) & ours]
        told.append(f"osquery has no table {', '.join(alien)}: there these fail: {', '.join(which)}")
    if len({json.dumps(_rest(audit).get("pack", {}), sort_keys=True) for audit in audits}) > 1:
        told.append(
            "what the packs said that these came from is left out, as they are of more than one: discovery, platform, shard"
        )
    return told

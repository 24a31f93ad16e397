"""The words of `sqlports audit` that run nothing: list, show and convert; and which audits the command's words name."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from sqlports.audit.audit import Audit
from sqlports.options import USAGE, Misuse

if TYPE_CHECKING:
    from sqlports.audit.find import Found

WORDS = ("list", "show", "convert")
# What of the options of a run these heed too, and the formats of reports in which they can write.
_HEEDED = {"list": ("--tag", "--severity", "--format"), "show": ("--format",), "convert": ()}
_MODES = {"list": ("table", "json", "jsonl", "csv", "markdown", "html"), "show": ("table", "json", "jsonl")}


def misuse(options: Namespace, word: str) -> str | None:
    """What is wrong with the arguments behind one of these words; None for nothing."""
    given = next((name for name, value in options.of_audits.items() if value and name not in _HEEDED[word]), None)
    if given or options.param:
        return f"{given or '--param'} is for a run of audits, and not for sqlports audit {word}"
    if word == "convert":
        return None if len(options.sql) > 2 else "what? sqlports audit convert PACK.conf -o FOLDER, or FOLDER -o PACK.conf"
    wanted = options.format or (options.given_mode if word == "show" else None)
    if wanted and wanted not in _MODES[word]:
        return f"sqlports audit {word} has no format {wanted}: it takes {', '.join(_MODES[word])}"
    if word == "show" and len(options.sql) < 3:
        return "which one? sqlports audit show NAME; sqlports audit list has the names"
    return None


def run(options: Namespace, word: str) -> int:
    """Do what the word says; returns the exit status. Raises Misuse, OSError."""
    return {"list": _list, "show": _show, "convert": _convert}[word](options)


def found(words: Sequence[str]) -> Found:
    """The audits of these paths and names. Raises Misuse."""
    from sqlports.audit import find

    try:
        return find.find(words)
    except find.Unknown as error:
        raise Misuse(str(error)) from None


def tagged(those: Found, tags: Sequence[str]) -> list[Audit]:
    """The audits with a tag that fits one of these patterns; all without patterns. Raises Misuse for one that fits nothing."""
    from fnmatch import fnmatchcase

    from sqlports.errors import nearest

    every = sorted({own for audit in those.audits for own in audit.tags})
    for tag in tags:
        # No audit at all would look like a clean run.
        if not those.faults and not any(fnmatchcase(own.lower(), tag.lower()) for own in every):
            meant = nearest(tag, every)
            raise Misuse(f"none of these audits has a tag {tag}" + (f": did you mean {meant}?" if meant else ""))
    return [
        audit
        for audit in those.audits
        if not tags or any(fnmatchcase(own.lower(), tag.lower()) for own in audit.tags for tag in tags)
    ]


def _list(options: Namespace) -> int:
    """Write a row for each audit."""
    from sqlports import modes
    from sqlports.audit.outcome import rank
    from sqlports.output import Output
    from sqlports.session import remark

    those = found(options.sql[2:])
    every = [one for one in tagged(those, options.tag) if rank(one.severity) >= rank(options.severity)]
    every.sort(key=lambda one: (one.pack, one.id))
    mode = options.format or options.mode
    output = Output(options.output, mode)
    try:
        if mode in ("json", "jsonl"):
            output.write(_json(every, mode))
        else:
            rows = [(audit.id, audit.severity, audit.pack, audit.title) for audit in every]
            remark(modes.write(("id", "severity", "pack", "title"), rows, mode, output, modes.LIST))
        output.close()
    finally:
        output.abandon()
    return _status(those)


def _show(options: Namespace) -> int:
    """Write the page of each audit, with its SQL."""
    from sqlports.audit import page
    from sqlports.output import Output

    those = found(options.sql[2:])
    mode = options.format or options.mode
    output = Output(options.output, mode)
    try:
        if mode in ("json", "jsonl"):
            output.write(_json(those.audits, mode))
        else:
            output.write("\n".join(page.text(audit, output.columns or 100) for audit in those.audits))
        output.close()
    finally:
        output.abandon()
    return _status(those)


def _status(those: Found) -> int:
    """Tell what is wrong with files; the exit status."""
    from sqlports.session import complain

    for fault in those.faults:
        complain(fault.told)
    return USAGE if those.faults else 0


def _json(audits: Iterable[Audit], mode: str) -> str:
    """All there is to know of audits, as a list or a line for each."""
    from sqlports.audit.formats.json import written

    lines = [written(_facts(audit)) for audit in audits]
    return "[" + ",\n ".join(lines) + "]\n" if mode == "json" else "".join(line + "\n" for line in lines)


def _facts(audit: Audit) -> dict[str, Any]:
    parameters = [
        {"name": one.name, "type": one.takes, "default": one.default, "required": one.required, "doc": one.doc}
        for one in audit.parameters
    ]
    return {**audit._asdict(), "parameters": parameters, "fail_if": str(audit.fail_if), "kept": dict(audit.kept)}


def _convert(options: Namespace) -> int:
    from sqlports.audit import convert
    from sqlports.session import complain

    for sentence in convert.convert(options.sql[2:], options.output):
        complain(sentence)
    return 0

"""Baselines: the findings that are known, in a JSON file, so that only what is new counts.

A line for each finding, sorted, so that a version control shows what came and went. What JSON has not is written as
{"bytes": "00ff"} and {"float": "inf"}.
"""

from __future__ import annotations

import contextlib
import errno
import json
import math
import os
import re
import stat
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlports.audit import SEVERITIES, given
from sqlports.audit.audit import BadFile
from sqlports.audit.outcome import Finding, Known, Outcome
from sqlports.cells import safe

FORMAT = "sqlports baseline"
VERSION = 1
LARGEST = 1 << 27
# Whoever has made more mistakes has named another kind of file.
_MOST_FAULTS = 20

_FINGERPRINT = re.compile(r"[0-9a-f]{32}", re.ASCII)
_PIECE = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{},]|[^"\[\]{},\s]+', re.DOTALL)


def compare(outcomes: Sequence[Outcome], known: Sequence[Known]) -> tuple[Outcome, ...]:
    """The outcomes with each finding new or unchanged, and what is gone where the audit saw all. Verdicts stay as they are."""
    by_audit = _by_audit(known)
    compared = []
    for outcome in outcomes:
        before = by_audit.get(outcome.audit.id, {})
        findings = tuple(
            finding._replace(state="unchanged" if finding.fingerprint in before else "new") for finding in outcome.findings
        )
        found = {finding.fingerprint for finding in findings}
        gone = tuple(one for mark, one in before.items() if mark not in found) if outcome.saw_all else ()
        compared.append(outcome._replace(findings=findings, gone=gone))
    return tuple(compared)


def write(
    path: str, outcomes: Sequence[Outcome], before: Sequence[Known] | None = None, *, host: str = "", started: float = 0.0
) -> int:
    """Write the findings that are not waived, and tell how many. Raises OSError, and leaves the file as it was then.

    before   the baseline so far: of audits that did not see all now, its findings stay
    started  when the audits ran, in seconds since 1970
    """
    from datetime import UTC, datetime

    from sqlports import __version__

    findings = _to_write(outcomes, before or ())
    head = {
        "format": FORMAT,
        "version": VERSION,
        "written": datetime.fromtimestamp(int(started), UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "host": host,
        "sqlports": __version__,
    }
    lines = [f"{json.dumps(key)}: {json.dumps(value)}," for key, value in head.items()]
    entries = ",\n".join(_line(one) for one in findings)
    text = "\n".join(["{", *lines, '"findings": [', *([entries] if entries else []), "]", "}", ""])
    _put(path, text.encode("ascii"))
    return len(findings)


def _to_write(outcomes: Sequence[Outcome], before: Sequence[Known]) -> list[Known]:
    """What a baseline is to have, sorted."""
    whole = {outcome.audit.id for outcome in outcomes if outcome.saw_all}
    found = [finding for outcome in outcomes for finding in outcome.findings]
    kept = {(one.audit, one.fingerprint): one for one in before if one.audit not in whole}
    for finding in found:
        kept[finding.audit.id, finding.fingerprint] = _known(finding)
    for finding in found:
        if finding.waiver is not None:
            kept.pop((finding.audit.id, finding.fingerprint), None)
    return [kept[place] for place in sorted(kept)]


def _known(finding: Finding) -> Known:
    return Known(finding.audit.id, finding.fingerprint, finding.key, finding.severity, finding.message)


def _line(one: Known) -> str:
    """A finding as a line of JSON, in ASCII: nothing in it is a control character or ends the line."""
    return json.dumps({**one._asdict(), "key": {column: _packed(value) for column, value in one.key.items()}}, allow_nan=False)


def _packed(value: Any) -> Any:
    """A value of SQLite's as JSON has it."""
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    return {"float": str(value)} if isinstance(value, float) and not math.isfinite(value) else value


def _put(path: str, data: bytes) -> None:
    """Write a file whole or not at all; what is no file, as a pipe, is written to. Raises OSError."""
    from sqlports import own_files
    from sqlports.output import Output

    if len(data) > LARGEST:
        raise OSError(
            errno.EFBIG, f"the baseline would have {len(data):,} bytes, and {LARGEST:,} at most can be read again", path
        )
    before = None
    with contextlib.suppress(FileNotFoundError):
        before = os.stat(path)
    # Of these names a file is one that somebody has open, and goes on to write to.
    is_open = os.path.dirname(os.path.abspath(path)) in ("/dev", "/dev/fd", "/proc/self/fd")
    if is_open or (before is not None and not stat.S_ISREG(before.st_mode)):
        output = Output(path, "json", whole=False)
        try:
            output.write_bytes(data)
            output.close()
        except OSError as error:
            output.abandon()
            raise OSError(error.errno, error.strerror, path) from None
    else:
        own_files.replace(path, data, before)


def read(path: str) -> tuple[list[Known], list[BadFile]]:
    """The findings of a baseline, or what is wrong with it: then there are none."""
    text = given.text(path, LARGEST)
    if isinstance(text, BadFile):
        return [], [text]
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        if not text.strip():
            return [], [BadFile(path, None, "it is empty, and no baseline")]
        # It ends in the middle, or in the middle of a string.
        is_cut = error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated")
        said = error.msg.removesuffix(" starting at").removesuffix(" at")
        what = f"{said[:1].lower()}{said[1:]} at column {error.colno}"
        return [], [BadFile(path, error.lineno, f"it is no JSON{', and may be cut off' if is_cut else ''}: {what}")]
    except (ValueError, RecursionError):
        # A number of thousands of digits, brackets within thousands of others.
        return [], [BadFile(path, None, "it is beyond what can be read as JSON")]
    fault = _other(value)
    if fault:
        return [], [BadFile(path, None, fault)]
    return _findings(text, value["findings"], path)


def _other(value: Any) -> str:
    """Why a value is no baseline that can be read; '' when it is one."""
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        return f'it is no baseline: its "format" is not "{FORMAT}"'
    version = value.get("version")
    if type(version) is not int or version < 1:
        return 'its "version" is no number from 1 on'
    if version > VERSION:
        return f"it is of version {version}, which a newer sqlports writes: this one reads up to version {VERSION}"
    return "" if isinstance(value.get("findings"), list) else 'its "findings" are no list'


def _findings(text: str, entries: list[Any], path: str) -> tuple[list[Known], list[BadFile]]:
    known: dict[tuple[str, str], tuple[int, Known]] = {}
    wrong: list[tuple[int, str, int | None]] = []
    for number, entry in enumerate(entries):
        one = _entry(entry)
        if isinstance(one, str):
            wrong.append((number, one, None))
            continue
        first, _ = known.setdefault((one.audit, one.fingerprint), (number, one))
        if first != number:
            wrong.append((number, "the same finding is in line {}", first))
    if not wrong:
        return [one for _, one in known.values()], []
    lines = _lines(text)
    faults = [
        BadFile(path, lines[number], message if other is None else message.format(lines[other]))
        for number, message, other in wrong[:_MOST_FAULTS]
    ]
    if len(wrong) > _MOST_FAULTS:
        faults.append(BadFile(path, None, f"{len(wrong) - _MOST_FAULTS:,} more findings in it are wrong"))
    return [], faults


def _entry(entry: Any) -> Known | str:
    """A finding, or what is wrong with it."""
    if not isinstance(entry, dict):
        return "a finding is an object"
    texts = []
    for name in ("audit", "fingerprint", "severity", "message"):
        value = entry.get(name)
        if not isinstance(value, str):
            return f'its "{name}" is no text' if name in entry else f'it has no "{name}"'
        texts.append(value)
    audit, fingerprint, severity, message = texts
    if not audit:
        return 'its "audit" is empty'
    if not _FINGERPRINT.fullmatch(fingerprint):
        return 'its "fingerprint" is not 32 hexadecimal digits'
    if severity not in SEVERITIES:
        return f'its "severity" is not one of {", ".join(SEVERITIES)}'
    key = entry.get("key")
    if not isinstance(key, dict):
        return 'its "key" is no object'
    try:
        unpacked = {column: _unpacked(value) for column, value in key.items()}
    except (TypeError, ValueError, KeyError):
        return 'its "key" has a value that SQLite does not have'
    return Known(safe(audit), fingerprint, unpacked, severity, safe(message))


def _unpacked(value: Any) -> Any:
    """A value of SQLite's from JSON. Raises TypeError, KeyError or ValueError for what is none."""
    if isinstance(value, dict):
        if len(value) != 1:
            raise ValueError
        return bytes.fromhex(value["bytes"]) if "bytes" in value else float(value["float"])
    if isinstance(value, bool | list):
        raise TypeError
    return value


def _lines(text: str) -> list[int]:
    """The line of each of the findings of a valid text."""
    places: list[int] = []
    depth, key, is_next, within = 0, "", False, False
    for piece in _PIECE.finditer(text):
        if is_next and piece[0] != "]":
            places.append(piece.start())
            is_next = False
        if depth == 1 and piece[0][0] == '"':
            key = piece[0]
        if piece[0] in ("[", "{"):
            depth += 1
            if depth == 2:
                within = piece[0] == "[" and key == '"findings"'
                # Of two such lists the last counts, as it does for who parsed it.
                places, is_next = ([], True) if within else (places, False)
        elif piece[0] in ("]", "}"):
            depth -= 1
            within = within and depth > 1
        elif piece[0] == "," and depth == 2 and within:
            is_next = True
    lines, line, last = [], 1, 0
    for place in places:
        line += text.count("\n", last, place)
        last = place
        lines.append(line)
    return lines


def _by_audit(known: Sequence[Known]) -> Mapping[str, dict[str, Known]]:
    """What is known of each audit, by fingerprint."""
    by_audit: dict[str, dict[str, Known]] = defaultdict(dict)
    for one in known:
        by_audit[one.audit][one.fingerprint] = one
    return by_audit

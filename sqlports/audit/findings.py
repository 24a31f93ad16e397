"""From the rows of an audit to findings: what each says, what it is about, and by what it is known again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlports.audit import SEVERITIES
from sqlports.audit.audit import LONGEST, VOLATILE, Audit, filled, text_of
from sqlports.audit.outcome import Finding
from sqlports.cells import safe
from sqlports.script import distinct

# What a row may say of itself in a column `status`; the last two are no findings.
STATUSES = ("alarm", "info", "error", "ok", "skip")


class Skipped(Exception):
    """All rows say that there was nothing to ask, and why."""


class Unusable(Exception):
    """A row says something of itself that means nothing, or that the audit failed."""


def findings(audit: Audit, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[Finding]:
    """The findings of an audit that gave these rows. Raises Unusable, and Skipped."""
    names = distinct(columns)
    named = [dict(zip(names, row, strict=True)) for row in rows]
    if named and not audit.foreign and all(str(row.get("status")).lower() == "skip" for row in named):
        raise Skipped(next((_line(text_of(row["reason"])) for row in named if row.get("reason")), "its rows say so"))
    made = [_finding(audit, row) for row in named]
    if audit.fail_if.wants_rows:
        return [_lack(audit, len(rows))] if audit.fail_if.holds(len(rows)) else []
    return [finding for finding in made if finding is not None]


def _finding(audit: Audit, row: dict[str, Any]) -> Finding | None:
    """The finding that a row is; None for one that says that it is none."""
    own = {} if audit.foreign else row
    status = "alarm" if own.get("status") is None else str(own["status"]).lower()
    reason = "" if own.get("reason") is None else _line(text_of(own["reason"]))
    if status not in STATUSES:
        raise Unusable(f"status is one of {', '.join(STATUSES)}, and not {safe(repr(own['status']))}")
    if status == "error":
        raise Unusable(reason or "a row says that it could not be told")
    if status in ("ok", "skip"):
        return None
    severity = audit.severity if own.get("severity") is None else str(own["severity"]).lower()
    if severity not in SEVERITIES:
        raise Unusable(f"severity is one of {', '.join(SEVERITIES)}, and not {safe(repr(own['severity']))}")
    message = own.get("message")
    key = key_of(audit, row)
    return Finding(
        audit=audit,
        row=row,
        key=key,
        fingerprint=fingerprint(audit.id, key),
        severity="info" if status == "info" else severity,
        message=_line(text_of(message) if message is not None else _said(audit, row, reason)),
        resource=_line(text_of(own["resource"]) if own.get("resource") is not None else _resource(row, key)),
        reason=reason,
    )


def _said(audit: Audit, row: Mapping[str, Any], reason: str) -> str:
    """What a row without a message of its own says."""
    if audit.message:
        return filled(audit.message, row)
    return reason or ", ".join(f"{safe(name)}: {text_of(value)}" for name, value in row.items() if value is not None)


def _lack(audit: Audit, rows: int) -> Finding:
    """The finding that there are not as many rows as there are to be."""
    of = "1 row" if rows == 1 else f"{rows:,} rows"
    message = audit.message if audit.message and not audit.fields else f"{audit.title}: {of} ({audit.fail_if})"
    mark = fingerprint(audit.id, {})
    return Finding(audit, {}, {}, mark, audit.severity, _line(safe(message)), resource=audit.id)


def key_of(audit: Audit, row: Mapping[str, Any]) -> dict[str, Any]:
    """The columns by which the same finding is known another time."""
    # A port that the kernel chose is another one tomorrow.
    chosen = {"port", "local_port"} if row.get("autobound") == 1 and not audit.foreign else set()
    if audit.key:
        return {name: None if name in chosen else row[name] for name in audit.key}
    kept = {name: value for name, value in row.items() if not VOLATILE.fullmatch(name) and name not in ("message", "reason")}
    return kept or dict(row)


def fingerprint(audit: str, key: Mapping[str, Any]) -> str:
    """32 hexadecimal digits for an audit's id and the key of a finding."""
    parts = [[name, value.hex() if isinstance(value, bytes) else value] for name, value in key.items()]
    return hashlib.sha256(json.dumps([audit, parts]).encode()).hexdigest()[:32]


def _resource(row: Mapping[str, Any], key: Mapping[str, Any]) -> str:
    """What a row is about: an end of a connection and who has it, a program, a process, or its key."""
    who = next((text_of(row[name]) for name in ("process", "name", "path", "unit") if row.get(name) is not None), "")
    address = next((row[name] for name in ("address", "local_address", "remote_address") if row.get(name) is not None), None)
    port = next((row[name] for name in ("port", "local_port", "remote_port") if row.get(name) is not None), None)
    if port is not None:
        place = "*" if address is None else f"[{text_of(address)}]" if ":" in str(address) else text_of(address)
        return f"{text_of(row.get('protocol') or 'tcp')}/{place}:{text_of(port)} {who}".strip()
    return who or ", ".join(f"{safe(name)}={text_of(value)}" for name, value in key.items())


def _line(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"

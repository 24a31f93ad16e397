"""Reports of audits made by hand: one of each verdict, in good order and hostile."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlports.audit.audit import Audit, BadFile, read
from sqlports.audit.outcome import Finding, Known, Outcome, Report, Waiver

# All that a process or a file may put into a text, as each format would not want it.
HOSTILE = (
    "\x1b[31mred\x00\r\n\x9b2J\u202e| a \\| b `c` ``d`` <script>alert(1)</script> \"q\" 'r' & &lt; ]]> <!-- --> <b onclick=x> "
    "[x](javascript:y) ![i](http://evil.example/i) http://evil.example www.evil.example @everyone #1 GH-2 é日 $x$ "
    "\udcff\ud800 =1+1\u2028# h"
)
ROW: dict[str, Any] = {
    "process": HOSTILE,
    "pid": 2**63,
    "none": None,
    "empty": "",
    "blob": b"\x00\xff<",
    "real": 1.5,
    "huge": float("inf"),
    HOSTILE: 1,
}


def audit(name: str, severity: str = "high", extra: str = "", pack: str = "packs") -> Audit:
    """An audit as its file would give it."""
    text = f"""\
-- title: Title of {name}
-- severity: {severity}
-- description: What {name} finds, and why that matters to somebody who has to decide within a minute.
-- tags: network, attack.T1190
-- key: process
-- message: {{process}}
-- fix: Stop it, or let a firewall pass only those machines that need it, which are few.
-- false_positives: What is meant.
-- references: https://example.org/{name} javascript:alert(1)
{extra}SELECT 'x' AS process
"""
    found, faults = read(text, name, f"/etc/sqlports/{name}.sql", pack)
    assert found is not None, faults
    return found


def finding(of: Audit, message: str, row: Mapping[str, Any] | None = None, **others: Any) -> Finding:
    """A finding of an audit, whose message is safe as the runner makes it."""
    from sqlports.cells import safe

    row = {"process": message} if row is None else row
    key = {name: row[name] for name in of.key if name in row}
    told = {"severity": of.severity, "resource": "tcp/0.0.0.0:5432 postgres", "fingerprint": f"{len(message):032x}"}
    return Finding(audit=of, row=row, key=key, message=safe(message), **{**told, **others})


def waiver(**others: Any) -> Waiver:
    """A waiver, of every finding."""
    told = {"match": {"process": "*"}, "reason": "It is meant", "expires": date(2030, 1, 31), "owner": "ops"}
    return Waiver(**{"audit": "*", **told, "path": "/etc/waivers.toml", "line": 7, **others})


def everything(text: str = "plain") -> Report:
    """A report with all that there can be, and `text` wherever somebody else chooses what stands there."""
    row = {**ROW, "process": text} if text == HOSTILE else {"process": text, "pid": 1}
    found, waived, blind = audit("found-one"), audit("waived-one", "critical"), audit("blind-found", "medium")
    known = Known("found-one", "ab" * 16, {"process": text}, "high", f"gone {text!a}")
    outcomes = (
        Outcome(audit("clean-one", "low"), "clean", rows=0, seconds=0.01),
        Outcome(
            found,
            "found",
            findings=(
                finding(found, f"first {text}", row, state="new", reason=f"because {text!a}"),
                finding(found, f"second {text}", row, severity="critical", state="new"),
                finding(found, f"third {text}", row, state="unchanged"),
            ),
            gone=(known,),
            rows=3,
        ),
        Outcome(
            waived, "clean", findings=(finding(waived, f"fourth {text}", row, waiver=waiver(reason=text, owner=text)),), rows=1
        ),
        Outcome(blind, "found", findings=(finding(blind, f"fifth {text}", row),), unseen=(f"not root {text}",), rows=1),
        Outcome(audit("blind-one"), "degraded", unseen=(f"not root {text}", "handles could not be read")),
        Outcome(audit("blind-two"), "degraded", unseen=(f"not root {text}",)),
        Outcome(audit("failed-one"), "failed", why=f"no such table: {text}"),
        Outcome(audit("slow-one"), "timed out", why="it took longer than 5 s"),
        Outcome(audit("skipped-one"), "skipped", why="it is for darwin"),
        Outcome(audit("skipped-two"), "skipped", why="it is for darwin"),
    )
    return Report(
        outcomes,
        faults=(BadFile(f"/etc/{text}.sql", 3, f"no such key: {text}"), BadFile("/etc/w.toml", None, "truncated")),
        expired=((waiver(expires=date(2020, 1, 1), path=f"/etc/{text}"), 2),),
        unused=(waiver(audit=text, line=9),),
        baseline=f"/tmp/{text}.json",
        host=text,
        system="Linux 6.18.1",
        user="root",
        started=1_700_000_000.5,
        seconds=1.234,
    )

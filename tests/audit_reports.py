"""Reports with everything in them that a report may have, and with what processes choose at its worst."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlports.audit.audit import Audit, BadFile, filled, read
from sqlports.audit.outcome import Finding, Known, Outcome, Report, Waiver
from sqlports.cells import safe

WORST = [
    "line\nfeed\r\n",
    "\x00\x01\x1b[31mred\x1b]0;title\x07\x7f\x9b",
    "]]><x a='1'>&amp;\"",
    "100% %0A %25 %3A",
    "::error file=a,line=1::owned",
    "\n::add-mask::a\n##[error]owned ##vso[task.complete]",
    "\udcff\udc80 half \ud800",
    "\u202eesrever\u2028\u2029\ufeff\ufffe\uffff",
    "[click](http://evil.example/) ![x](y) {0} {{1}} `a` | b",
    "a,b:c=d",
    "é💥" * 50,
    "x" * 300_000,
    "",
]


def audit(name: str = "open-database", severity: str = "high", pack: str = "exposure", path: str = "", more: str = "") -> Audit:
    text = (
        f"-- title: Database open to: the world, 100%\n-- severity: {severity}\n-- description: A database listens.\n"
        "-- tags: attack.t1190, database\n-- key: process\n-- message: {process} is open\n"
        "-- fix: Bind it to 127.0.0.1.\n-- references: https://example.org/why?a=b#c\n"
        f"-- false_positives: A public service.\n{more}SELECT 'a' AS process\n"
    )
    got = read(text, name, path or f"audits/{pack}/{name}.sql", pack)
    assert got.audit, got.faults
    return got.audit


def finding(of: Audit, process: str = "postgres", severity: str = "", **more: Any) -> Finding:
    row = {
        "process": process,
        "pid": 1,
        "raw": process.encode("utf-8", "surrogateescape" if "\ud800" not in process else "replace"),
    }
    row |= {"none": None, "real": 1.5, "endless": float("inf"), "big": 2**63 - 1}
    return Finding(
        **{
            "audit": of,
            "row": row,
            "key": {"process": process},
            "fingerprint": f"{abs(hash((of.id, process))):032x}"[:32],
            "severity": severity or of.severity,
            "message": filled(of.message, row),
            "resource": safe(f"tcp/[::]:5432 {process}"),
        }
        | more
    )


def waiver(name: str = "open-database", reason: str = "known, told to ops") -> Waiver:
    return Waiver(name, {"process": "post*"}, reason, date(2030, 1, 31), "ops", "waivers.toml", 7)


def hostile(**more: Any) -> Report:
    """A report in which all that a process can choose is one of WORST."""
    of = audit()
    return Report((Outcome(of, "found", tuple(finding(of, name) for name in WORST), rows=len(WORST)),), host="h", **more)


def everything(**more: Any) -> Report:
    """A report in which every verdict stands, and all else that there may be."""
    one, low = audit(), audit("quiet-one", "low")
    worst = tuple(finding(one, name) for name in WORST)
    fields: dict[str, Any] = {
        "faults": (BadFile("bad\n.sql", 3, "severity is one of x ]]> ::"), BadFile("none.toml", None, "no such file")),
        "expired": ((waiver(reason="old"), 2),),
        "unused": (waiver("other"),),
        "baseline": "base.json",
        "host": "host/1",
        "system": "Linux 6.1",
        "user": "root",
        "started": 1_700_000_000.25,
        "seconds": 2.5,
    }
    outcomes = (
        Outcome(
            one,
            "found",
            (
                finding(one, state="new"),
                finding(one, "mysqld", "critical", state="unchanged"),
                finding(one, "redis", "medium", waiver=waiver(), state="new"),
                *worst,
            ),
            gone=(Known(one.id, "0" * 32, {"process": "etcd"}, "high", "etcd is open"),),
            unseen=("refused: 3 processes", "no root"),
            rows=3,
            seconds=0.125,
        ),
        Outcome(low, "found", (finding(low, "little"),), rows=1),
        Outcome(audit("blind", pack="privilege"), "degraded", unseen=("requires root",)),
        Outcome(audit("broken", "critical", "privilege"), "failed", why="no such table: x\x1b"),
        Outcome(audit("slow", "info", ""), "timed out", why="longer than 5 s"),
        Outcome(audit("foreign", "medium", ""), "skipped", why="it is for darwin"),
        Outcome(audit("fine"), "clean", seconds=0.5),
    )
    return Report(outcomes, **(fields | more))

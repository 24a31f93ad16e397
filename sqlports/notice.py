"""What to tell people about what could not be seen."""

from __future__ import annotations

import os
from collections.abc import Iterable

from sqlports.cells import shown
from sqlports.sources.refusals import PERMISSION, Refusal

DETAILS = "scan_errors, asked in the same run, has the details."
# More than these are counted and not named.
_FEW = 3

_WHAT = {
    "attr": "security labels",
    "cwd": "directories",
    "descriptors": "handles",
    "exe": "executables",
    "fd": "handles",
    "fdinfo": "handles",
    "io": "I/O counts",
    "net_connections": "sockets",
    "ns": "namespaces",
    "ns/net": "network namespaces",
    "port": "port ranges of the network namespaces",
    "root": "directories",
    "task": "threads",
}


def not_permitted(refusals: Iterable[Refusal], details: str = DETAILS) -> str | None:
    """One sentence on what permission hid, with the remedy and where the details are; None when it hid nothing."""
    of_processes: dict[str, set[int]] = {}
    others: set[str] = set()
    for refusal in refusals:
        if refusal.reason != PERMISSION:
            continue
        if refusal.pid is not None:
            of_processes.setdefault(_what(refusal.source), set()).add(refusal.pid)
        else:
            others.add("processes that are not listed" if refusal.source == "/proc" else shown(refusal.source))
    parts = [f"the {what} of {_processes(len(pids))}" for what, pids in sorted(of_processes.items())]
    parts += sorted(others)[:_FEW] + [f"{len(others) - _FEW} more"] * (len(others) > _FEW)
    if not parts:
        return None
    listed = parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]
    return f"not permitted to read {listed}: what depends on them is NULL or missing. {_remedy(details)}"


def _what(source: str) -> str:
    """What a source about a process ('/proc/PID/fd/FD', '/proc/PID/task/TID/ns/net', 'psutil exe') tells, in a word."""
    asked = source.removeprefix("/proc/PID/").removeprefix("task/TID/").removeprefix("psutil ").split(" ")[0]
    name = asked.split("/")[0]
    return _WHAT.get(asked) or _WHAT.get(name, name)


def _processes(count: int) -> str:
    return "1 process" if count == 1 else f"{count:,} processes"


def _remedy(details: str) -> str:
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return f"Even root needs CAP_SYS_PTRACE and the security modules' consent; {details}"
    return f"Run as root to see all; {details}"

"""What to tell people about what could not be seen."""

from __future__ import annotations

import os
from collections.abc import Iterable

from sqlports.sources.refusals import PERMISSION, Refusal

_WHAT = {
    "cwd": "directories",
    "descriptors": "handles",
    "exe": "executables",
    "fd": "handles",
    "fdinfo": "handles",
    "io": "I/O counts",
    "net_connections": "sockets",
    "root": "directories",
}


def not_permitted(refusals: Iterable[Refusal]) -> str | None:
    """One sentence on what permission hid, with the remedy; None when it hid nothing."""
    hidden: dict[str, set[int | None]] = {}
    for refusal in refusals:
        if refusal.reason == PERMISSION:
            hidden.setdefault(_what(refusal.source), set()).add(refusal.pid)
    if not hidden:
        return None
    parts = [f"{what} of {_processes(len(pids))}" for what, pids in sorted(hidden.items())]
    listed = parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]
    return f"not permitted to read the {listed}: what depends on them is NULL or missing. {_remedy()}"


def _what(source: str) -> str:
    """What a source ('/proc/PID/fd/FD', 'psutil exe') tells, in a word."""
    name = source.removeprefix("/proc/PID/").removeprefix("psutil ").split("/")[0].split(" ")[0]
    return _WHAT.get(name, name)


def _processes(count: int) -> str:
    return "1 process" if count == 1 else f"{count:,} processes"


def _remedy() -> str:
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return "Even root needs CAP_SYS_PTRACE and the security modules' consent; scan_errors has the details."
    return "Run as root to see all; scan_errors has the details."

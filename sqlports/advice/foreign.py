"""How other databases are asked what there is, and what that is here."""

from __future__ import annotations

import re

# A pattern of the statement, and what it is here.
_FOREIGN = (
    (r"SHOW\s+(?:FULL\s+)?PROCESSLIST|PS", "SELECT pid, name, cmdline FROM processes"),
    (r"SHOW\s+(?:FULL\s+)?(?:COLUMNS|FIELDS)\s+(?:FROM|IN)\s+(?P<name>\w+)", ".describe {name}"),
    (r"SHOW\s+CREATE\s+(?:TABLE|VIEW)\s+(?P<name>\w+)", ".schema {name}"),
    (r"SHOW\s+FUNCTIONS?\b.*", ".functions"),
    (r"(?:SHOW|LIST)\s+(?:ALL\s+|FULL\s+)?(?:TABLES|VIEWS|DATABASES|SCHEMAS)\b.*|LS|TABLES|\\d[tv]?\+?|\\l", ".tables"),
    (r"(?:SHOW|DESCRIBE|DESC|\\d[tv]?\+?|INFO|HELP)\s+(?:TABLE\s+|VIEW\s+)?(?P<name>\w+)", ".describe {name}"),
    (r"\\df\+?\b.*", ".functions"),
    (r"\\[?h]\b.*|\\\?|\?", ".help"),
    (r"\\q", ".quit"),
    (r"\\x\b.*", ".mode line"),
    (r"\\timing\b.*", ".timer on"),
    (r"\\e\b.*", "F2 at the prompt"),
    (r"HELP", ".help"),
    (r"\\i\s+(?P<name>\S+)", ".read {name}"),
    (r"\\o\s+(?P<name>\S+)", ".output {name}"),
    (r"\\watch\b.*", ".watch"),
    (r"USE\s+\w+", "not needed: there is one system, and its tables are all here"),
)

# What ps, lsof, ss and netstat call a column, and what it may be here: the first that a table has.
COLUMNS = {
    "args": ("cmdline",),
    "comm": ("name",),
    "command": ("cmdline", "name"),
    "cpu": ("cpu_percent",),
    "dport": ("remote_port",),
    "dst": ("remote_address",),
    "euser": ("euid",),
    "exe": ("path",),
    "foreign_address": ("remote_address",),
    "laddr": ("local_address", "address"),
    "lport": ("local_port", "port"),
    "peer": ("remote_address",),
    "ppid": ("parent",),
    "proto": ("protocol",),
    "raddr": ("remote_address",),
    "recv_q": ("receive_queue",),
    "rport": ("remote_port",),
    "rss": ("resident_size",),
    "send_q": ("send_queue",),
    "sport": ("local_port", "port"),
    "src": ("local_address", "address"),
    "stat": ("state",),
    "stime": ("start_time",),
    "user": ("uid", "username"),
    "vsz": ("total_size",),
}


def hint(whole: str) -> str | None:
    """What to type here for a statement of another database's shell."""
    for pattern, here in _FOREIGN:
        found = re.fullmatch(pattern, whole, re.IGNORECASE | re.DOTALL)
        if not found:
            continue
        name = found.groupdict().get("name") or ""
        told = here.format(name=name)
        word = told.split()[0].lstrip(".")
        if word in ("tables", "describe", "schema", "functions"):
            return f"that is {told} at the prompt, and sqlports {told[1:]} in a shell"
        return f"that is {told}" + (" at the prompt" if told.startswith(".") else "")
    return None

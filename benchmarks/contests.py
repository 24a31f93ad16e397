"""The questions that are put to sqlports and to the tools that tell the same, as whole commands."""

from __future__ import annotations

from typing import NamedTuple

OWNED = "SELECT protocol, state, local_address, local_port, remote_address, remote_port, inode, pid, fd FROM sockets WHERE "


class Contest(NamedTuple):
    """A question put to sqlports and to others: their commands, each with the ratio that is promised, if one is."""

    name: str
    ours: list[str]
    theirs: list[tuple[str, float | None]]


CONTESTS = [
    Contest(
        "every TCP socket with its owner",
        ["--json", OWNED + "protocol = 'tcp'"],
        [("lsof -nP -iTCP", 1.0), ("ss -tanp", 1.3), ("netstat -tanp", None)],
    ),
    Contest(
        "TCP listeners with their owner",
        ["--json", OWNED + "state = 'LISTEN' AND protocol = 'tcp'"],
        [("ss -tlnp", 1.3)],
    ),
]

# Where there are very many processes.
CROWD = [
    Contest(
        "processes",
        ["--json", "SELECT pid, name, uid, cmdline FROM processes"],
        [("ps -eo pid,comm,uid,args", 3.0)],
    ),
    Contest(
        "every handle and its target",
        ["--json", "SELECT pid, fd, target FROM handles"],
        [("lsof -nP", 0.7), ("lsfd", 0.3)],
    ),
]

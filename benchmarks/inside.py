"""Times the engine inside one process, beside psutil or beside itself; run.py starts it anew for each group.

python -P benchmarks/inside.py GROUP REPEAT      prints {name: [seconds, …], …} and what each call counted
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from functools import partial

# Installed or not, it is found; installed, it is that one.
sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from benchmarks.measure import calls_in_turn
from sqlports import Engine

QUERIES = {
    "every socket": (
        "SELECT protocol, state, local_address, local_port, remote_address, remote_port, inode, pid, fd "
        "FROM sockets WHERE protocol IN ('tcp', 'udp')"
    ),
    "listeners": ("SELECT protocol, local_address, local_port, inode FROM sockets WHERE state = 'LISTEN' AND protocol = 'tcp'"),
    "scan": "SELECT pid, parent FROM processes",
    "join upwards": (
        "SELECT count(*) FROM processes a JOIN processes b ON b.pid = a.parent JOIN processes c ON c.pid = b.parent"
    ),
    "join downwards": (
        "SELECT count(*) FROM processes a JOIN processes b ON b.parent = a.pid JOIN processes c ON c.parent = b.pid"
    ),
}
GROUPS = {
    "sockets": ("every socket", "psutil"),
    "listeners": ("listeners",),
    "joins": ("scan", "join upwards", "join downwards"),
}


def calls(group: str) -> Iterator[tuple[str, Callable[[], int]]]:
    """The calls of a group; each gives the number of its rows."""
    engine = Engine()
    for name in GROUPS[group]:
        if name == "psutil":
            import psutil

            yield name, lambda: len(psutil.net_connections("inet"))
        else:
            yield name, partial(ask, engine, QUERIES[name])


def ask(engine: Engine, sql: str) -> int:
    """Run a query and read all its rows, as a user of the library would, one at a time."""
    return sum(sum(1 for _ in result) for result in engine.run(sql))


def main() -> None:
    """Measure one group."""
    group = dict(calls(sys.argv[1]))
    samples = calls_in_turn(group, int(sys.argv[2]))
    print(json.dumps({"samples": samples, "rows": {name: call() for name, call in group.items()}}))


if __name__ == "__main__":
    main()

"""Times the engine inside one process, beside psutil or beside itself; run.py starts it anew for each group.

python -P benchmarks/inside.py GROUP REPEAT      prints {name: [seconds, …], …} and what each call counted

A name that begins with the name of a tool is that command as a whole, start and all.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial

# Installed or not, it is found; installed, it is that one.
sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from benchmarks.measure import calls_in_turn
from sqlports import Engine
from sqlports.ports import assigned, common

EIGHT = "protocol, state, local_address, local_port, remote_address, remote_port, inode, uid"
QUERIES = {
    "states": "SELECT state, count(*) FROM sockets GROUP BY state",
    "eight columns": f"SELECT {EIGHT} FROM sockets WHERE protocol = 'tcp'",
    "owners": f"SELECT {EIGHT}, pid, fd FROM sockets WHERE protocol = 'tcp'",
    "one port": f"SELECT {EIGHT} FROM sockets WHERE local_port = ?",
    "with services": f"SELECT {EIGHT}, service FROM sockets JOIN port_registry USING (port, protocol) WHERE protocol = 'tcp'",
    "service of a port": "SELECT service, description FROM port_registry WHERE port = 443 AND protocol = 'tcp'",
    "every socket": (
        "SELECT protocol, state, local_address, local_port, remote_address, remote_port, inode, pid, fd "
        "FROM sockets WHERE protocol IN ('tcp', 'udp')"
    ),
    "listeners": ("SELECT protocol, local_address, local_port, inode FROM sockets WHERE state = 'LISTEN' AND protocol = 'tcp'"),
    "scan": "SELECT pid, parent FROM processes",
    "number": "SELECT pid FROM processes",
    "four columns": "SELECT pid, name, uid, cmdline FROM processes",
    "tree": "SELECT * FROM process_tree",
    "one process": "SELECT pid, fd, target FROM handles WHERE pid = ?",
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
    "pids": ("number", "psutil: pid name"),
    "four columns": ("four columns", "psutil: pid name uids cmdline"),
    "tree": ("tree", "scan"),
    "one process": ("one process",),
    "joins": ("scan", "join upwards", "join downwards"),
    "states": ("states", "ss -tan"),
    "eight columns": ("eight columns", "ss -tan"),
    "owners": ("owners", "ss -tanp"),
    "one port": ("one port", "eight columns"),
    "services": ("with services", "eight columns"),
    "cold service": ("service of a port",),
    "growth": ("eight columns",),
    "memory": ("eight columns",),
}


def calls(group: str) -> Iterator[tuple[str, Callable[[], int]]]:
    """The calls of a group; each gives the number of its rows."""
    engine = Engine()
    for name in GROUPS[group]:
        if name == "psutil":
            import psutil

            yield name, lambda: len(psutil.net_connections("inet"))
        elif name.startswith("psutil: "):
            yield name, partial(listed, name.split()[1:])
        elif name not in QUERIES:
            yield name, partial(whole, name.split())
        elif name == "one process":
            hold(900)
            yield name, partial(ask, engine, QUERIES[name], (os.getpid(),))
        elif name == "service of a port":
            yield name, partial(ask_anew, engine, QUERIES[name])
        elif name == "one port":
            sql = "SELECT local_port FROM sockets WHERE state = 'LISTEN' AND protocol = 'tcp' LIMIT 1"
            yield name, partial(ask, engine, QUERIES[name], tuple(engine.query(sql)[0].values()))
        else:
            yield name, partial(ask, engine, QUERIES[name])


def ask(engine: Engine, sql: str, parameters: tuple[object, ...] = ()) -> int:
    """Run a query and read all its rows, as a user of the library would, one at a time."""
    return sum(sum(1 for _ in result) for result in engine.run(sql, parameters))


def ask_anew(engine: Engine, sql: str) -> int:
    """Ask when the lists of ports have yet to be read."""
    assigned.shipped.cache_clear()
    common.uses.cache_clear()
    return ask(engine, sql)


def hold(descriptors: int) -> None:
    """Have so many descriptors open, as long as this process lives."""
    for _ in range(descriptors // 2):
        os.pipe()


def listed(wanted: list[str]) -> int:
    """What psutil tells of every process."""
    import psutil

    return len([process.info for process in psutil.process_iter(wanted)])


def whole(argv: list[str]) -> int:
    """Run a command, and give the size of its output."""
    path = shutil.which(argv[0]) or shutil.which(argv[0], path="/usr/sbin:/sbin") or argv[0]
    return len(subprocess.run([path, *argv[1:]], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout)


def peaks(call: Callable[[], int], repeat: int) -> list[float]:
    """The most memory that a call takes beside what is held before it, in bytes (VmHWM of proc_pid_status(5)).

    Each call in a process of its own, forked off: one that was made before leaves room for the next.
    """
    found = []
    for _ in range(repeat):
        reader, writer = os.pipe()
        child = os.fork()
        if not child:
            with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
                file.write("5")
            before = _status("VmRSS")
            call()
            os.write(writer, b"%d" % (_status("VmHWM") - before))
            os._exit(0)
        os.close(writer)
        found.append(float(os.read(reader, 64)))
        os.close(reader)
        os.waitpid(child, 0)
    return found


def _status(name: str) -> int:
    with open("/proc/self/status", encoding="ascii") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith(name + ":"))


def main() -> None:
    """Measure one group."""
    group = dict(calls(sys.argv[1]))
    repeat = int(sys.argv[2])
    if sys.argv[1] == "memory":
        ask(Engine(), QUERIES["listeners"])
        samples = {name: peaks(call, repeat) for name, call in group.items()}
    else:
        samples = calls_in_turn(group, repeat)
    print(json.dumps({"samples": samples, "rows": {name: call() for name, call in group.items()}}))


if __name__ == "__main__":
    main()

"""Measures sqlports on a busy machine, beside the tools that tell the same.

    python -P benchmarks/run.py [--processes N] [--repeat N] [--json FILE]

Which commands are compared is in contests.py, what runs inside one process in inside.py, how it is timed in measure.py, and
what makes the machine busy in busy.py.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from functools import partial
from tempfile import TemporaryDirectory
from typing import Any

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from benchmarks.busy import Load, busy
from benchmarks.contests import CONTESTS, CROWD, Contest
from benchmarks.measure import HEADERS, Comparison, MeasureError, Run, Samples, command, in_turn

CHECKOUT = sys.path[-1]
RESULTS = os.path.join(CHECKOUT, "benchmarks", "results", "latest.json")


def sqlports() -> list[str]:
    """The command: the installed script, or this checkout's module."""
    script = os.path.join(os.path.dirname(sys.executable), "sqlports")
    return [script] if os.access(script, os.X_OK) else [sys.executable, "-P", "-m", "sqlports"]


def as_installed(cache: str) -> dict[str, str]:
    """The environment that commands run in: Python as a user has it, with what it compiled found again, here in `cache`."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    ours["PYTHONPYCACHEPREFIX"] = cache
    return ours if len(sqlports()) == 1 else {**ours, "PYTHONPATH": CHECKOUT}


class Bench:
    """One measurement: what came of it, and what was left out."""

    def __init__(self, repeat: int, environment: dict[str, str]) -> None:
        self.repeat = repeat
        self.environment = environment
        self.found: list[Comparison] = []
        self.left_out: list[str] = []
        self.rows: dict[str, int] = {}

    def run(self, *argv: str) -> Run:
        """Run a command once. Raises MeasureError."""
        return command(argv, self.environment)

    def measure(self, load: Load) -> None:
        """All of it. Raises MeasureError where sqlports does not give the sockets that are there."""
        try:
            self.run(*sqlports(), "SELECT 1")
        except (MeasureError, OSError) as error:
            self.left_out.append(f"all that runs the command: {error}")
        else:
            self.check(load)
            for contest in CONTESTS:
                self.contest(contest)
            self.start_up()
        self.inside()

    def check(self, load: Load) -> None:
        """Fast and wrong is not fast: every socket that is held must be there with an owner. Raises MeasureError."""
        argv = [*sqlports(), *CONTESTS[0].ours]
        done = subprocess.run(argv, env=self.environment, capture_output=True, check=True)
        owned = sum(row["pid"] is not None for row in json.loads(done.stdout))
        if owned < load.sockets:
            raise MeasureError(f"{load.sockets} TCP sockets are held, and sqlports finds an owner for {owned}")

    def contest(self, contest: Contest) -> None:
        """One question, to sqlports and to those of the others that are installed."""
        commands = {"sqlports": partial(self.run, *sqlports(), *contest.ours)}
        rivals = []
        for line, target in contest.theirs:
            name, *rest = line.split()
            # Some of them are where only root's PATH looks.
            path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
            if path is None:
                self.left_out.append(f"{line}: not installed")
                continue
            rivals.append((line, target))
            commands[line] = partial(self.run, path, *rest)
        runs = in_turn(commands, self.repeat)
        ours = [run.seconds for run in runs["sqlports"]]
        for line, target in rivals:
            theirs = [run.seconds for run in runs[line]]
            self.found.append(Comparison(contest.name, line, "ratio", "s", target, ours, theirs))
        if contest is CONTESTS[0]:
            peaks = [float(run.peak) for run in runs["sqlports"]]
            self.found.append(Comparison("peak memory of the same", None, "ours", "bytes", 120e6, peaks, []))

    def start_up(self) -> None:
        """What is there before any work: the interpreter, and what we add to it."""
        python = "python -c pass"
        runs = in_turn(
            {
                "sqlports": partial(self.run, *sqlports(), "SELECT 1"),
                python: partial(self.run, sys.executable, "-c", "pass"),
            },
            self.repeat,
        )
        ours, theirs = ([run.seconds for run in runs[name]] for name in ("sqlports", python))
        self.found.append(Comparison("start: SELECT 1", python, "more", "s", 0.080, ours, theirs))

    def inside(self) -> None:
        """What is timed in the process itself, without its start."""
        if shutil.which("ss") or shutil.which("ss", path="/usr/sbin:/sbin"):
            self.add("engine: sockets by state", "ss -tan", 1.0, self.samples("states"))
            self.add("engine: every TCP socket, 8 columns", "ss -tan", 1.6, self.samples("eight columns"))
            self.add("engine: the same with its owner", "ss -tanp", 1.0, self.samples("owners"))
        else:
            self.left_out.append("the engine beside ss: ss is not installed")
        self.add("engine: one listener's port", "every TCP socket", 0.1, self.samples("one port"))
        self.add("engine: the same, joined with the service of each port", "without", 1.5, self.samples("services"))
        [cold] = self.samples("cold service").values()
        self.found.append(Comparison("engine: the service of a port, from the file", None, "ours", "s", 0.001, cold, []))
        [peaks] = self.samples("memory").values()
        each = [peak / self.rows["eight columns"] for peak in peaks]
        self.found.append(Comparison("engine: memory for each row", None, "ours", "B", 1024, each, []))
        self.add("engine: every TCP and UDP socket with its owner", "psutil.net_connections()", 0.7, self.samples("sockets"))
        [listeners] = self.samples("listeners").values()
        self.found.append(Comparison("engine: TCP listeners, no owner", None, "ours", "s", 0.005, listeners, []))
        joins = self.samples("joins")
        scan = joins.pop("scan")
        for name, ours in joins.items():
            self.add(f"engine: three processes, {name}", "one scan", 5.0, {name: ours, "scan": scan})

    def crowd(self) -> None:
        """What asks for processes and handles, where there are very many."""
        for contest in CROWD:
            self.contest(contest)
        self.add("engine: every process's number", "psutil, number and name", 0.1, self.samples("pids"))
        self.add("engine: number, name, user and arguments", "psutil, the same", 0.5, self.samples("four columns"))
        self.add("engine: every pair of process_tree", "one scan of processes", 3.0, self.samples("tree"))
        [ours] = self.samples("one process").values()
        target = 0.002 + 0.000_003 * self.rows["one process"]
        self.found.append(Comparison("engine: the handles of one process", None, "ours", "s", target, ours, []))

    def samples(self, group: str) -> dict[str, Samples]:
        """What a group of calls takes, in a process of its own. What they counted is noted."""
        program = os.path.join(CHECKOUT, "benchmarks", "inside.py")
        argv = [sys.executable, "-P", program, group, str(self.repeat)]
        found: dict[str, Any] = json.loads(subprocess.run(argv, stdout=subprocess.PIPE, check=True).stdout)
        self.rows.update(found["rows"])
        measured: dict[str, Samples] = found["samples"]
        return measured

    def growth(self, load: Load, few: Samples) -> None:
        """What four times as many sockets take, beside what these took."""
        more = Load(load.processes, load.sockets * 4, load.descriptors + load.sockets * 3)
        with busy(more):
            many = self.samples("growth")["eight columns"]
        name = f"engine: {more.sockets:,} TCP sockets, 8 columns"
        self.add(name, f"{load.sockets:,} of them", 4.4, {"many": many, "few": few})

    def add(self, name: str, rival: str, target: float, samples: dict[str, Samples]) -> None:
        """A ratio of two rows of samples, ours first."""
        ours, theirs = samples.values()
        self.found.append(Comparison(name, rival, "ratio", "s", target, ours, theirs))


def counts() -> dict[str, int]:
    """What there is to be seen."""
    processes, descriptors = 0, 0
    for name in os.listdir("/proc"):
        if name.isdigit():
            processes += 1
            with suppress(OSError):
                descriptors += len(os.listdir(f"/proc/{name}/fd"))
    return {
        "processes": processes,
        "tcp_sockets": sum(_lines("/proc/net", ("tcp", "tcp6"))),
        "udp_sockets": sum(_lines("/proc/net", ("udp", "udp6"))),
        "descriptors": descriptors,
    }


def machine() -> dict[str, Any]:
    """What it was measured on."""
    import apsw

    return {
        "cores": len(os.sched_getaffinity(0)),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "apsw": apsw.apsw_version(),
        "root": os.geteuid() == 0,
        "load_average": os.getloadavg()[0],
    }


def _lines(directory: str, names: Iterable[str]) -> Iterator[int]:
    """How many sockets these files list: a line each, below a heading."""
    for name in names:
        path = os.path.join(directory, name)
        if os.path.exists(path):
            with open(path, "rb") as file:
                yield sum(1 for _ in file) - 1


def describe(facts: dict[str, Any]) -> str:
    """The machine, in a line."""
    return (
        f"{facts['cores']} cores, Linux {facts['kernel']}, Python {facts['python']}, apsw {facts['apsw']}; "
        f"{facts['processes']:,} processes, {facts['tcp_sockets']:,} TCP and {facts['udp_sockets']:,} UDP sockets, "
        f"{facts['descriptors']:,} descriptors" + ("" if facts["root"] else "; not as root")
    )


def report(bench: Bench, facts: dict[str, Any]) -> None:
    """The table for people."""
    from tabulate import tabulate

    cells = [comparison.cells() for comparison in bench.found]
    print(tabulate(cells, headers=HEADERS, disable_numparse=True))
    print(f"\n{describe(facts)}\n{bench.repeat} repetitions in turn; times and figures are medians or made of medians")
    for line in bench.left_out:
        print(f"left out: {line}")


def save(path: str, bench: Bench, load: Load, facts: dict[str, Any]) -> None:
    """Everything, with all samples, as JSON."""
    measured = [{**comparison._asdict(), "value": comparison.value, "met": comparison.met} for comparison in bench.found]
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        json.dump(
            {
                "taken": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
                "command": sqlports(),
                "machine": facts,
                "load": load._asdict(),
                "repeat": bench.repeat,
                "measured": measured,
                "rows": bench.rows,
                "left_out": bench.left_out,
            },
            file,
            indent=1,
        )


def main() -> int:
    """Measure and report. Exit status 1 when nothing could be measured; a missed target is no failure."""
    parser = argparse.ArgumentParser(description="Measure sqlports on a busy machine, beside the tools it replaces.")
    parser.add_argument("--processes", type=int, default=400, help="how busy: 40 TCP sockets each; 0 for as it is")
    parser.add_argument("--repeat", type=int, default=15, help="how often each is measured")
    parser.add_argument("--json", default=RESULTS, metavar="FILE", help="where all samples are written")
    asked = parser.parse_args()
    load = Load.of(asked.processes)
    try:
        with ExitStack() as stack:
            bench = Bench(asked.repeat, as_installed(stack.enter_context(TemporaryDirectory())))
            if not load.processes:
                seen = counts()
                bench.measure(load)
            else:
                with busy(load):
                    seen = counts()
                    bench.measure(load)
                    few = bench.samples("growth")
                bench.growth(load, few["eight columns"])
                with busy(Load.crowd(load)):
                    bench.crowd()
    except (MeasureError, RuntimeError, subprocess.CalledProcessError) as error:
        print(f"run.py: {error}", file=sys.stderr)
        return 1
    # Only now: what this process holds in memory is the least that can be seen of a command that it starts.
    facts = {**machine(), **seen}
    report(bench, facts)
    save(asked.json, bench, load, facts)
    return 0


if __name__ == "__main__":
    sys.exit(main())

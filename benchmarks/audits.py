"""How long all shipped audits take over one look at a busy machine, as a ratio to one look at every socket with its owner.

    python -P benchmarks/audits.py [--processes N] [--repeat N]

Each audit's own time is told too, the dearest first: of what they share, the first that needs it pays for all.
"""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import ExitStack
from statistics import median

# Installed or not, it is found; installed, it is that one.
sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from benchmarks.busy import Load, busy
from benchmarks.measure import HEADERS, Comparison, Samples, amount, calls_in_turn
from sqlports import Engine
from sqlports.audit import find, runner

EVERY_SOCKET = "SELECT * FROM sockets"
TARGET = 4.0


def every_socket(engine: Engine) -> int:
    """Read all rows and columns of sockets, one row at a time."""
    return sum(sum(1 for _ in result) for result in engine.run(EVERY_SOCKET))


class Audits:
    """Those that come with the package, and the seconds that each took, by 'pack/id'."""

    def __init__(self) -> None:
        self.audits = find.path(find.SHIPPED).audits
        self.seconds: dict[str, Samples] = {}

    def run(self, engine: Engine) -> int:
        """Run them over one look, as the command does, and give how many did. Raises RuntimeError for one that fails."""
        checked = runner.check(engine, self.audits, {})
        outcomes = runner.run(engine, checked)
        for outcome in outcomes:
            if outcome.verdict == "failed":
                raise RuntimeError(f"{outcome.audit.id}: {outcome.why}")
            self.seconds.setdefault(f"{outcome.audit.pack}/{outcome.audit.id}", []).append(outcome.seconds)
        return len(outcomes)

    def dearest(self) -> list[tuple[float, str]]:
        """The median of each, the dearest first. The first round does not count."""
        return sorted(((median(samples[1:]), name) for name, samples in self.seconds.items()), reverse=True)


def main() -> None:
    """Print the ratio, and what each audit takes."""
    parser = argparse.ArgumentParser(description="Measure the shipped audits on a busy machine.")
    parser.add_argument("--processes", type=int, default=400, help="how busy: 40 TCP sockets each; 0 for as it is")
    parser.add_argument("--repeat", type=int, default=5, help="how often each is measured")
    asked = parser.parse_args()
    load, audits = Load.of(asked.processes), Audits()
    with ExitStack() as stack:
        if load.processes:
            stack.enter_context(busy(load))
        engine = stack.enter_context(Engine())
        calls = {"audits": lambda: audits.run(engine), "sockets": lambda: every_socket(engine)}
        samples = calls_in_turn(calls, asked.repeat)
    from tabulate import tabulate

    name = f"all {len(audits.seconds)} audits over one look"
    total = Comparison(name, EVERY_SOCKET, "ratio", "s", TARGET, samples["audits"], samples["sockets"])
    print(tabulate([total.cells()], headers=HEADERS, disable_numparse=True))
    print()
    for seconds, audit_name in audits.dearest():
        print(f"{amount(seconds, 's'):>10} {audit_name}")


if __name__ == "__main__":
    main()

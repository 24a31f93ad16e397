"""Timing: commands and calls in turn, and what the samples of the one say beside those of the other.

A machine that does other things too is slow for a second and fast for the next. So two things that are compared are
measured in turn, A B A B …, in one run, and only the ratio of their medians counts.
"""

from __future__ import annotations

import gc
import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from statistics import median, quantiles
from typing import NamedTuple

Samples = list[float]


class MeasureError(Exception):
    """A command that is to be measured does not do its work."""


class Run(NamedTuple):
    """One run of a command: seconds from start to end, the most memory it held at a time (bytes), bytes of output."""

    seconds: float
    peak: int
    output: int


def command(argv: Sequence[str], environment: Mapping[str, str] | None = None) -> Run:
    """Run a command with its output in a pipe that is read and thrown away. Raises MeasureError."""
    started = time.perf_counter()
    with subprocess.Popen(
        argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    ) as process:
        assert process.stdout
        size = 0
        while data := os.read(process.stdout.fileno(), 1 << 20):
            size += len(data)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise MeasureError(f"{' '.join(argv)[:80]}: exit status {process.returncode}")
    return Run(seconds, usage.ru_maxrss * 1024, size)


def in_turn(commands: Mapping[str, Callable[[], Run]], repeat: int) -> dict[str, list[Run]]:
    """Each command so many times, one after the other, after one round that does not count. Raises MeasureError."""
    for run in commands.values():
        run()
    runs: dict[str, list[Run]] = {name: [] for name in commands}
    for _ in range(repeat):
        for name, run in commands.items():
            runs[name].append(run())
    return runs


def calls_in_turn(calls: Mapping[str, Callable[[], int]], repeat: int) -> dict[str, Samples]:
    """The seconds of each call, so many times, one after the other, after one round that does not count."""
    for call in calls.values():
        call()
    samples: dict[str, Samples] = {name: [] for name in calls}
    for _ in range(repeat):
        for name, call in calls.items():
            # One call's garbage is not to be collected in the next one's time.
            gc.collect()
            started = time.perf_counter()
            call()
            samples[name].append(time.perf_counter() - started)
    return samples


class Comparison(NamedTuple):
    """One line of the result.

    figure   'ratio' of the medians, 'more' (their difference), or 'ours' alone, where there is nothing to compare with
    unit     's', 'bytes' or 'B', of the samples and of the target, which of a ratio has none
    target   the most that the figure may be; None where nothing was promised
    """

    name: str
    rival: str | None
    figure: str
    unit: str
    target: float | None
    ours: Samples
    theirs: Samples

    @property
    def value(self) -> float:
        """The figure itself."""
        ours = median(self.ours)
        if self.figure == "ratio":
            return ours / median(self.theirs)
        return ours - median(self.theirs) if self.figure == "more" else ours

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None where there is none."""
        return None if self.target is None else self.value <= self.target

    @property
    def middle(self) -> tuple[float, float] | None:
        """Between which the figures of half of the pairs lie: how steady the run was. None for a single pair."""
        if len(self.ours) < 2:
            return None
        theirs = self.theirs or self.ours
        pairs = [self._replace(ours=[one], theirs=[other]).value for one, other in zip(self.ours, theirs, strict=True)]
        low, _, high = quantiles(pairs, n=4, method="inclusive")
        return low, high

    def shown(self, value: float) -> str:
        """A figure for people."""
        return f"{value:.2f}" if self.figure == "ratio" else amount(value, self.unit)

    def cells(self) -> list[str]:
        """The line for people: name, ours, against, theirs, figure, half of the pairs, target, met."""
        middle = " to ".join(self.shown(edge) for edge in self.middle) if self.middle else ""
        return [
            self.name,
            amount(median(self.ours), self.unit),
            self.rival or "",
            amount(median(self.theirs), self.unit) if self.theirs else "",
            {"ratio": "x ", "more": "+ "}.get(self.figure, "") + self.shown(self.value),
            middle,
            "" if self.target is None else f"≤ {self.shown(self.target)}",
            {None: "", True: "yes", False: "NO"}[self.met],
        ]


HEADERS = ["what", "sqlports", "against", "takes", "figure", "half of the pairs", "target", "met"]


def amount(value: float, unit: str) -> str:
    """Seconds as milliseconds, bytes as megabytes, those of a single thing as they are."""
    if unit == "B":
        return f"{value:.0f} B"
    if unit == "bytes":
        return f"{value / 1e6:.0f} MB"
    return f"{value * 1e3:.1f} ms" if abs(value) < 0.1 else f"{value * 1e3:.0f} ms"

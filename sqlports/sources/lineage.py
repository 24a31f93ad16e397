"""Which process descends from which."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from sqlports.sources.snapshot import Snapshot
from sqlports.sources.subjects import Process


class Kinship(NamedTuple):
    """A process, one of its ancestors, and how many generations are between them (1 for its parent)."""

    ancestor: int
    descendant: int
    depth: int


class Lineage:
    """The processes of a look as a forest. A parent is older than its child: a younger one has been given its number since."""

    def __init__(self, system: Snapshot) -> None:
        self.system = system
        self._children: dict[int, list[int]] | None = None

    def above(self, pid: int) -> Iterator[Kinship]:
        """A process's ancestors, its parent first. Reads these processes alone."""
        process, passed = self.system.process(pid), {pid}
        while process is not None:
            process = self._parent(process)
            if process is None or process.pid in passed:
                return
            yield Kinship(process.pid, pid, len(passed))
            passed.add(process.pid)

    def below(self, pid: int) -> Iterator[Kinship]:
        """A process's descendants, level by level. Reads all processes once."""
        children, depth, passed = self._by_parent(), 0, {pid}
        level = children.get(pid, [])
        while level:
            self.system.check()
            depth += 1
            for child in level:
                yield Kinship(pid, child, depth)
            passed.update(level)
            level = [below for child in level for below in children.get(child, ()) if below not in passed]

    def all(self) -> Iterator[Kinship]:
        """Every pair."""
        for pid in list(self._by_parent()):
            yield from self.below(pid)

    def _parent(self, process: Process) -> Process | None:
        """Its parent; None where there is none, or none that is seen."""
        number = process.stat.parent
        parent = self.system.process(number) if number and number != process.pid else None
        return parent if parent is not None and self._is_older(parent, process) else None

    def _is_older(self, parent: Process, child: Process) -> bool:
        older, younger = parent.stat.started, child.stat.started
        return not parent.ended if older is None or younger is None else bool(older <= younger)

    def _by_parent(self) -> dict[int, list[int]]:
        if self._children is None:
            self._children = {}
            for process in self.system.processes():
                parent = self._parent(process)
                if parent is not None:
                    self._children.setdefault(parent.pid, []).append(process.pid)
        return self._children

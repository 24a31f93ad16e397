"""The rows that tables give out: processes and threads, each reading its parts when they are first asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from sqlports.sources.parts import of
from sqlports.sources.records import Unsupported

if TYPE_CHECKING:
    from sqlports.sources.snapshot import Snapshot


class Task:
    """Somebody of whom there are parts to read (`stat`, `status`, `exe`, …); `ended` turns true when it is found to be gone."""

    tid: int | None = None
    ended = False
    # Whether some part was read already.
    begun = False

    def __init__(self, pid: int, system: Snapshot) -> None:
        self.pid = pid
        self.system = system

    def __getattr__(self, group: str) -> Any:
        """A part that was not read yet, of any task: from now on every task has it as an attribute."""
        if group.startswith("_"):
            raise AttributeError(group)
        setattr(Task, group, _Unread(group))
        return getattr(self, group)


class _Unread:
    """A part that is read when it is first asked for. Then it is in the task's own attributes, which go before this."""

    def __init__(self, group: str) -> None:
        self.group = group
        self.is_read = of(group) is None

    def __get__(self, task: Task, kind: type[Task]) -> Any:
        system, group = task.system, self.group
        if self.is_read:
            system.reads[group] += 1
        try:
            record = system.backend.read(task, group)
            task.begun = True
        except AttributeError as error:
            # Which, let out of here, would say that there is no such part, and have it looked for again.
            raise RuntimeError(f"the part {group}: {error}") from error
        except (OSError, Unsupported) as error:
            record = system.not_read(task, group, error)
        setattr(task, group, record)
        return record


class Process(Task):
    """A process."""


class Thread(Task):
    """A thread of a process: its first one bears its number."""

    def __init__(self, pid: int, tid: int, system: Snapshot) -> None:
        super().__init__(pid, system)
        self.tid = tid


class Listed(Sequence[Process]):
    """The processes that the system lists. One is made of its number when somebody looks at more than that."""

    def __init__(self, system: Snapshot, pids: list[int]) -> None:
        self.system = system
        self.pids = pids

    def __len__(self) -> int:
        return len(self.pids)

    def __getitem__(self, number: Any) -> Any:
        return self.system.listed(self.pids[number])

    def __iter__(self) -> Iterator[Process]:
        for process in map(self.system.listed, self.pids):
            self.system.check()
            yield process

    def column(self, path: str) -> list[int] | None:
        """All numbers; None for what they do not tell."""
        return self.pids if path == "pid" else None

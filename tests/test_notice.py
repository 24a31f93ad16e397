"""What people are told about what permission hid."""

from __future__ import annotations

import errno

import pytest

from sqlports.notice import not_permitted
from sqlports.sources import parts
from sqlports.sources.refusals import PERMISSION, Refusal


def hidden(source: str, pid: int | None = 42) -> Refusal:
    return Refusal(source, pid, errno.EACCES, PERMISSION, 1)


@pytest.mark.parametrize(
    ("source", "word"),
    [
        ("/proc/PID/fd/FD", "handles"),
        ("/proc/PID/fd", "handles"),
        ("/proc/PID/task/TID/fd/FD", "handles"),
        ("/proc/PID/exe", "executables"),
        ("/proc/PID/task/TID/exe", "executables"),
        ("/proc/PID/io", "I/O counts"),
        ("/proc/PID/ns", "namespaces"),
        ("/proc/PID/task/TID/ns", "namespaces"),
        ("/proc/PID/ns/net", "network namespaces"),
        ("/proc/PID/task/TID/ns/net", "network namespaces"),
        ("/proc/PID/attr/current", "security labels"),
        ("/proc/PID/task", "threads"),
        ("/proc/PID/task/TID/stat", "stat"),
        ("/proc/PID/limits", "limits"),
        ("psutil exe", "executables"),
        ("psutil net_connections unix", "sockets"),
    ],
)
def test_a_source_has_a_word_for_people(source: str, word: str) -> None:
    told = not_permitted([hidden(source)])
    assert told
    assert told.startswith(f"not permitted to read the {word} of 1 process: ")


def test_a_process_counts_once_for_what_is_read_of_it_and_of_its_threads() -> None:
    told = not_permitted([hidden("/proc/PID/ns"), hidden("/proc/PID/task/TID/ns"), hidden("/proc/PID/task/TID/ns", 43)])
    assert told
    assert told.startswith("not permitted to read the namespaces of 2 processes: ")


@pytest.mark.parametrize("name", ["exe", "cwd", "root", "io", "namespaces", "descriptors", "environ", "label"])
def test_no_part_of_a_thread_is_called_a_task(name: str) -> None:
    """Whatever permission hides of a process it hides of its threads, in the same words."""
    of_thread, of_process = (
        not_permitted([hidden(prefix + parts.source(name))]) for prefix in ("/proc/PID/task/TID/", "/proc/PID/")
    )
    assert of_thread == of_process
    assert "task" not in (of_thread or "task")


def test_what_has_ended_is_no_matter_of_permission() -> None:
    assert not_permitted([Refusal("/proc/PID/io", 42, errno.ESRCH, "ended", 1)]) is None

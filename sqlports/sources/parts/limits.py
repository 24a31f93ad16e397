"""limits: what a process may use at most (proc_pid_limits(5), getrlimit(2))."""

from __future__ import annotations

import json
import re
from typing import NamedTuple

from sqlports.sources.parts import Place
from sqlports.sources.procfs import Unparsable

# As the kernel words them, fs/proc/base.c.
_NAMES = {
    b"Max cpu time": "RLIMIT_CPU",
    b"Max file size": "RLIMIT_FSIZE",
    b"Max data size": "RLIMIT_DATA",
    b"Max stack size": "RLIMIT_STACK",
    b"Max core file size": "RLIMIT_CORE",
    b"Max resident set": "RLIMIT_RSS",
    b"Max processes": "RLIMIT_NPROC",
    b"Max open files": "RLIMIT_NOFILE",
    b"Max locked memory": "RLIMIT_MEMLOCK",
    b"Max address space": "RLIMIT_AS",
    b"Max file locks": "RLIMIT_LOCKS",
    b"Max pending signals": "RLIMIT_SIGPENDING",
    b"Max msgqueue size": "RLIMIT_MSGQUEUE",
    b"Max nice priority": "RLIMIT_NICE",
    b"Max realtime priority": "RLIMIT_RTPRIO",
    b"Max realtime timeout": "RLIMIT_RTTIME",
}
_LINE = re.compile(rb"(.+?)  +(unlimited|\d+) +(unlimited|\d+)")


class Limits(NamedTuple):
    """The limit on open descriptors, soft and hard, and all as a JSON object: name → [soft, hard], null for no limit."""

    open_files: int | None = None
    open_files_hard: int | None = None
    all: str | None = None


NOTHING = Limits()


def read(place: Place) -> Limits:
    """The part. Raises OSError, Unparsable."""
    return parse(place.file("limits"))


def parse(data: bytes) -> Limits:
    """The file's bytes. Raises Unparsable."""
    found: dict[str, list[int | None]] = {}
    for line in data.splitlines()[1:]:
        words = _LINE.match(line)
        if not words:
            raise Unparsable("/proc/PID/limits", data)
        name = _NAMES.get(words[1]) or words[1].decode()
        found[name] = [None if word == b"unlimited" else int(word) for word in words.groups()[1:]]
    soft, hard = found.get("RLIMIT_NOFILE", (None, None))
    return Limits(soft, hard, json.dumps(found))

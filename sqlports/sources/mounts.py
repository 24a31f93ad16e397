"""What is mounted where, as a process sees it (proc_pid_mountinfo(5)): bytes in, records out, no I/O."""

from __future__ import annotations

import re
from typing import NamedTuple

from sqlports.sources.procfs import Unparsable, text


class Mount(NamedTuple):
    """A mount: its id, its file system's device ('8:1'), what of it is mounted, where, the file system's type and options."""

    id: int
    device: str
    root: bytes
    point: bytes
    type: str
    options: tuple[str, ...] = ()


def parse(data: bytes) -> list[Mount]:
    """The file's bytes. A path may have any other end of line in it, but no line feed and no blank. Raises Unparsable."""
    found = []
    for line in data.split(b"\n"):
        if line:
            before, dash, after = line.partition(b" - ")
            words = before.split(b" ", 5)
            if not dash or len(words) < 5:
                raise Unparsable("/proc/PID/mountinfo", data)
            number, _, device, root, point = words[:5]
            kind, _, options = after.split(b" ", 2) if after.count(b" ") > 1 else (after, b"", b"")
            settings = tuple(text(options).split(","))
            found.append(Mount(int(number), device.decode(), _unescaped(root), _unescaped(point), text(kind), settings))
    return found


def _unescaped(path: bytes) -> bytes:
    """Blanks and backslashes are written as three octal digits."""
    return re.sub(rb"\\([0-7]{3})", lambda found: bytes((int(found[1], 8),)), path) if b"\\" in path else path


def at(mounts: list[Mount], path: bytes) -> Mount | None:
    """The mount that a path is on; None for none."""
    found = None
    for mount in mounts:
        # Of two mounts at one place the later hides the earlier.
        if (path + b"/").startswith(mount.point.rstrip(b"/") + b"/") and (not found or len(mount.point) >= len(found.point)):
            found = mount
    return found


def net_namespaces(data: bytes) -> list[tuple[int, bytes]]:
    """The inodes of the network namespaces that are mounted, and where."""
    return [
        (int(mount.root[5:-1]), mount.point)
        for mount in parse(data)
        if mount.type == "nsfs" and mount.root.startswith(b"net:[")
    ]


def cgroups(mounts: list[Mount]) -> tuple[list[bytes], bool]:
    """Where the unified hierarchy is mounted, and whether there are others besides (cgroups(7))."""
    return [mount.point for mount in mounts if mount.type == "cgroup2"], any(mount.type == "cgroup" for mount in mounts)

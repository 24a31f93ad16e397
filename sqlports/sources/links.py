"""What the text of a link in /proc/PID/fd says (proc_pid_fd(5)): no I/O."""

from __future__ import annotations

import re

# What the kernel adds to the name of a removed file; a name may also end so by itself.
DELETED = " (deleted)"

_OBJECT = re.compile(r"(socket|pipe|mnt|net|pid|user|uts|ipc|cgroup|time|pidfd):\[(\d+)\]$")
_OWN = {"socket", "pipe", "pidfd"}
_ANON = re.compile(r"anon_inode:\[?([^\]]+?)\]?(:\d+)?$")
# What is called otherwise here than in the kernel.
_ANON_TYPES = {
    "bpf_iter": "bpf-iter",
    "bpf_link": "bpf-link",
    "eventpoll": "epoll",
    "landlock-ruleset": "landlock",
    "perf_event": "perf",
    "seccomp notify": "seccomp",
    "syncobj_file": "syncobj",
}


def kind(link: str) -> str | None:
    """The type of what it leads to; None where that is a path, which does not tell."""
    if link.startswith("/"):
        return None
    found = _OBJECT.match(link)
    if found:
        return found[1] if found[1] in _OWN else "namespace"
    anonymous = _ANON.match(link)
    return _ANON_TYPES.get(anonymous[1], anonymous[1]) if anonymous else "other"


def loose(link: str) -> str | None:
    """The type of what may be a file without a directory, unless it is one with such a name; None where it cannot be."""
    if link.startswith("/memfd:") and link.endswith(DELETED):
        return "memfd"
    if link.startswith("/dmabuf:") and not link.endswith(DELETED):
        return "dmabuf"
    return "secretmem" if link == "/secretmem" + DELETED else None


def inode(link: str) -> int | None:
    """The inode of a kernel object that has one of its own."""
    found = None if link.startswith("/") else _OBJECT.match(link)
    return int(found[2]) if found and found[1] != "pidfd" else None


def namespace(link: str) -> str:
    """The kind of namespace: 'net', 'mnt', …"""
    return link.partition(":")[0]


def name(link: str) -> str:
    """The name of a file in memory, as it was given to memfd_create(2)."""
    return link.removeprefix("/memfd:").removesuffix(DELETED)

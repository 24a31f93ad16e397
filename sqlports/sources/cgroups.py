"""Control groups (cgroups(7)): which one a number means, and what a path says of whose it is."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import NamedTuple

from sqlports.sources import procfs, rooted


class Cgroup(NamedTuple):
    """The control group of a process: its path, and whose it is as far as the path says.

    unit        the systemd unit, such as 'nginx.service' or 'session-3.scope': one of this system, none of a container's
    user_unit   below a user's own systemd or a session, the unit there
    container   the id or name of its container
    runtime     what runs the container: 'docker', 'podman', 'containerd', 'cri-o', 'lxc', 'systemd-nspawn' or 'kubernetes'
    pod         the uid of its Kubernetes pod
    data        the file that tells all this, of which other parts are made
    """

    path: str | None = None
    unit: str | None = None
    user_unit: str | None = None
    container: str | None = None
    runtime: str | None = None
    pod: str | None = None
    data: bytes | None = None


# What a path element ends with: another, or the end.
_END = r"(?=/|$)"
_ID = "([0-9a-f]{64})"
# unit_name_is_valid() of systemd's basic/unit-name.c; the instance after an '@' is not empty.
_NAME = r"[\w:.\\-]+"
_SLICE = rf"{_NAME}\.slice"
_UNIT = rf"{_NAME}(?:@[\w:.\\@-]+)?\.(?:service|scope|socket|mount|automount|swap|target|device|timer|path)"
# Who has units below: a user's own systemd, a capsule's, a session.
_MANAGER = r"user@\d+\.service|capsule@[^/]+\.service|session-[^\W_]+\.scope"
_CONTAINERS = (
    (rf"/docker[-/]{_ID}(?:\.scope)?{_END}", "docker"),
    (rf"/libpod-{_ID}(?:\.scope)?{_END}", "podman"),
    (rf"[/:](?:cri-containerd|nerdctl)[-:]{_ID}(?:\.scope)?{_END}", "containerd"),
    (rf"/crio-{_ID}(?:\.scope)?{_END}", "cri-o"),
    (rf"/lxc(?:\.payload[./]|/)([^/]+){_END}", "lxc"),
    (rf"/machine-(?!qemu(?:-|\\x2d))([^/]+)\.scope{_END}", "systemd-nspawn"),
    (rf"/systemd-nspawn@([^/]+)\.service{_END}", "systemd-nspawn"),
    (rf"/kubepods[^/]*/(?:[^/]+/)*{_ID}{_END}", "kubernetes"),
)
RUNTIMES = tuple(dict.fromkeys(runtime for _, runtime in _CONTAINERS))
_UID = "[0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12}|[0-9a-f]{32}"
_POD = rf"kubepods(?:[^/]*/)*(?:[^/]*-)?pod({_UID})(?:\.slice)?(?=/|:|$)"


def parse(path: str | None) -> Cgroup:
    """What a path says. Names are chosen by who may make control groups: mostly root, but also a user below his own."""
    if path is None:
        return Cgroup()
    # The kernel adds this when the group was removed, and it says no less whose it was.
    named = path.removesuffix(" (deleted)")
    # The patterns are compiled, and kept by `re`, when there is a path to look at.
    names = filter(None, named.split("/"))
    unit = _unit(names)
    user_unit = _unit(names) if unit is not None and re.fullmatch(_MANAGER, unit, re.ASCII) else None
    containers = [(found[1], runtime) for pattern, runtime in _CONTAINERS if (found := re.search(pattern, named))]
    container, runtime = containers[0] if containers else (None, None)
    if container is not None and runtime == "systemd-nspawn":
        container = re.sub(r"\\x([0-9a-f]{2})", lambda found: chr(int(found[1], 16)), container)
    pod = re.search(_POD, named)
    uid = pod[1].replace("_", "-") if pod else None
    return Cgroup(path, unit, user_unit, container, runtime, uid)


def _unit(names: Iterator[str]) -> str | None:
    """The next that is no slice, if that is a unit: cg_path_get_unit() of systemd's basic/cgroup-util.c."""
    for escaped in names:
        # One underline is put before what could be taken for a file of the kernel's, and before another underline.
        name = escaped.removeprefix("_")
        if not re.fullmatch(_SLICE, name, re.ASCII):
            return name if re.fullmatch(_UNIT, name, re.ASCII) else None
    return None


class Cgroups:
    """The control groups of the unified hierarchy by number, which is the inode of the directory."""

    def __init__(self, unified: list[bytes], hybrid: bool) -> None:
        """`unified` is where that hierarchy is mounted; `hybrid` tells that there are others besides."""
        self.hybrid = hybrid
        self._paths: dict[int, str] = {}
        for mount in unified[:1]:
            for directory, _, _ in os.walk(mount):
                with suppress(FileNotFoundError):  # groups come and go
                    self._paths[os.stat(directory).st_ino] = procfs.text(directory[len(mount) :]) or "/"

    def path(self, number: int) -> str | None:
        """The path of a control group; None where it is gone, or where another hierarchy has the groups in truth."""
        found = self._paths.get(number)
        return None if found == "/" and self.hybrid else found


def below(root: str, unified: list[bytes], hybrid: bool) -> Cgroups:
    """Those of a system below a root, which no link of its leads out of."""
    with suppress(OSError), closing(rooted.directory(root)) as tree:
        directory = tree.descriptor(next(iter(unified), b""), rooted.READ | os.O_DIRECTORY)
        try:
            return Cgroups([b"/proc/self/fd/%d" % directory], hybrid)
        finally:
            os.close(directory)
    return Cgroups([], hybrid)

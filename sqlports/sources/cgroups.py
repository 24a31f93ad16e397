"""Control groups (cgroups(7)): which one a number means, and what a path says of whose it is."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from typing import NamedTuple

from sqlports.sources import procfs


class Cgroup(NamedTuple):
    """The control group of a process: its path, and whose it is as far as the path says.

    unit        the systemd unit, such as 'nginx.service' or 'session-3.scope'
    container   the id or name of its container
    runtime     what runs the container: 'docker', 'podman', 'containerd', 'cri-o', 'lxc', 'systemd-nspawn' or 'kubernetes'
    pod         the uid of its Kubernetes pod
    """

    path: str | None = None
    unit: str | None = None
    container: str | None = None
    runtime: str | None = None
    pod: str | None = None


# What a path element ends with: another, or the end.
_END = r"(?=/|$)"
_ID = "([0-9a-f]{64})"
_UNIT = rf"([^/]+\.(?:service|scope|socket|mount|swap)){_END}"
_CONTAINERS = (
    (rf"/docker[-/]{_ID}(?:\.scope)?{_END}", "docker"),
    (rf"/libpod-{_ID}(?:\.scope)?{_END}", "podman"),
    (rf"[/:]cri-containerd[-:]{_ID}(?:\.scope)?{_END}", "containerd"),
    (rf"/crio-{_ID}(?:\.scope)?{_END}", "cri-o"),
    (rf"/lxc(?:\.payload[./]|/)([^/]+){_END}", "lxc"),
    (rf"/machine-(?!qemu(?:-|\\x2d))([^/]+)\.scope{_END}", "systemd-nspawn"),
    (rf"/systemd-nspawn@([^/]+)\.service{_END}", "systemd-nspawn"),
    (rf"/kubepods[^/]*/(?:[^/]+/)*{_ID}{_END}", "kubernetes"),
)
_UID = "[0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12}|[0-9a-f]{32}"
_POD = rf"kubepods(?:[^/]*/)*(?:[^/]*-)?pod({_UID})(?:\.slice)?(?=/|:|$)"


def parse(path: str | None) -> Cgroup:
    """What a path says. Names are chosen by who may make control groups: mostly root, but also a user below his own."""
    if path is None:
        return Cgroup()
    # The kernel adds this when the group was removed, and it says no less whose it was.
    named = path.removesuffix(" (deleted)")
    # The patterns are compiled, and kept by `re`, when there is a path to look at.
    units = re.findall(_UNIT, named)
    containers = [(found[1], runtime) for pattern, runtime in _CONTAINERS if (found := re.search(pattern, named))]
    container, runtime = containers[0] if containers else (None, None)
    if container is not None and runtime == "systemd-nspawn":
        container = re.sub(r"\\x([0-9a-f]{2})", lambda found: chr(int(found[1], 16)), container)
    pod = re.search(_POD, named)
    return Cgroup(path, units[-1] if units else None, container, runtime, pod[1].replace("_", "-") if pod else None)


class Cgroups:
    """The control groups of the unified hierarchy by number, which is the inode of the directory."""

    def __init__(self, mounts: tuple[list[bytes], bool], present: bool) -> None:
        """`present` tells that these are directories of the system that runs."""
        unified, self.hybrid = mounts
        self._paths: dict[int, str] = {}
        for mount in unified[:1] if present else ():
            for directory, _, _ in os.walk(mount):
                with suppress(FileNotFoundError):  # groups come and go
                    self._paths[os.stat(directory).st_ino] = procfs.text(directory[len(mount) :]) or "/"

    def path(self, number: int) -> str | None:
        """The path of a control group; None where it is gone, or where another hierarchy has the groups in truth."""
        found = self._paths.get(number)
        return None if found == "/" and self.hybrid else found

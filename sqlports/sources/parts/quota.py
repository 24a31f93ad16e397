"""quota: what the control group of a process may use, and all above it (kernel: admin-guide/cgroup-v2.rst, cgroup-v1/)."""

from __future__ import annotations

import os
from contextlib import suppress
from functools import partial
from typing import NamedTuple

from sqlports.sources.mounts import Mount
from sqlports.sources.parts import Place
from sqlports.sources.records import Unsupported

OF = "cgroup"

# What the older hierarchies say for no limit: the greatest number of pages.
_NO_LIMIT = 1 << 62


class Quota(NamedTuple):
    """Memory in bytes, and processors as a number that may be broken; None for no limit."""

    memory: int | None = None
    cpus: float | None = None


NOTHING = Quota()


def read(place: Place) -> Quota:
    """The part. Raises OSError; Unsupported where the control groups are not to be seen."""
    data = place.part("cgroup").data
    if data is None:
        return NOTHING
    paths: dict[str, bytes] = {}
    for line in filter(None, data.split(b"\n")):
        _, _, named = line.partition(b":")
        controllers, _, path = named.partition(b":")
        paths.update((controller, path) for controller in controllers.decode().split(","))
    remember = place.subject.system.memo
    memory, cpus = (
        remember(("quota", controller, path), partial(_lowest, place, controller, path))
        for controller, path in ((name, paths.get(name, paths.get("", b"/"))) for name in ("memory", "cpu"))
    )
    return Quota(None if memory is None else int(memory), cpus)


def _lowest(place: Place, controller: str, path: bytes) -> float | None:
    """The lowest limit of a group and those above it."""
    mount = _mount(place, controller)
    if mount is None:
        raise Unsupported("cgroup", f"the control groups of {controller} are mounted nowhere that is seen")
    # In a container the upper part of the hierarchy may not be mounted.
    top = mount.root.rstrip(b"/")
    if (path != top and not path.startswith(top + b"/")) or b".." in path.split(b"/"):
        raise Unsupported("cgroup", "a control group is not in the part of the hierarchy that is mounted")
    directory = os.fsencode(place.proc.root).rstrip(b"/") + mount.point
    inner = path.removesuffix(b" (deleted)")[len(top) :].rstrip(b"/")
    limits = []
    while True:
        limit = _limit(directory + inner, controller, mount.type)
        if limit is not None:
            limits.append(limit)
        if not inner:
            return min(limits, default=None)
        inner = inner.rpartition(b"/")[0]


def _mount(place: Place, controller: str) -> Mount | None:
    """Where the hierarchy that has a controller is mounted: an older one of its own, or else the unified one."""
    try:
        mounts = place.proc.mounts
    except FileNotFoundError as error:  # in a copy of another system's /proc
        raise Unsupported("cgroup", f"what is mounted is not known: there is no {error.filename}") from None
    own = [mount for mount in mounts if mount.type == "cgroup" and controller in mount.options]
    return next(iter(own or [mount for mount in mounts if mount.type == "cgroup2"]), None)


def _limit(directory: bytes, controller: str, kind: str) -> float | None:
    """The limit of one group; None for no limit."""
    with suppress(FileNotFoundError):  # the topmost group has none, nor has one that was removed meanwhile
        if controller == "memory":
            word = _read(directory, b"memory.max" if kind == "cgroup2" else b"memory.limit_in_bytes")[0]
            return None if word == b"max" or int(word) > _NO_LIMIT else int(word)
        if kind == "cgroup2":
            quota, period = _read(directory, b"cpu.max")
        else:
            [quota], [period] = (_read(directory, name) for name in (b"cpu.cfs_quota_us", b"cpu.cfs_period_us"))
        return None if quota in (b"max", b"-1") else int(quota) / int(period)
    return None


def _read(directory: bytes, name: bytes) -> list[bytes]:
    with open(os.path.join(directory, name), "rb") as file:
        return file.read().split()

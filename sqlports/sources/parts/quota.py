"""quota: what the control group of a process may use, and all above it (kernel: admin-guide/cgroup-v2.rst, cgroup-v1/)."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from sqlports.sources import small_files
from sqlports.sources.mounts import Mount
from sqlports.sources.parts import Place
from sqlports.sources.procfs import Unparsable, text
from sqlports.sources.records import Unsupported
from sqlports.sources.rooted import Root

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
    tree = place.proc.tree(0)
    inner = path.removesuffix(b" (deleted)")[len(top) :].rstrip(b"/")
    limits = []
    try:
        while True:
            limit = _limit(tree, mount.point.rstrip(b"/") + inner, controller, mount.type)
            if limit is not None:
                limits.append(limit)
            if not inner:
                return min(limits, default=None)
            inner = inner.rpartition(b"/")[0]
    finally:
        tree.close()


def _mount(place: Place, controller: str) -> Mount | None:
    """Where the hierarchy that has a controller is mounted: an older one of its own, or else the unified one."""
    try:
        mounts = place.proc.mounts
    except FileNotFoundError as error:  # in a copy of another system's /proc
        raise Unsupported("cgroup", f"what is mounted is not known: there is no {error.filename}") from None
    own = [mount for mount in mounts if mount.type == "cgroup" and controller in mount.options]
    return next(iter(own or [mount for mount in mounts if mount.type == "cgroup2"]), None)


def _limit(tree: Root, directory: bytes, controller: str, kind: str) -> float | None:
    """The limit of one group; None for no limit. Raises OSError, Unparsable; Unsupported for what is no such file."""
    try:
        if controller == "memory":
            [word] = _read(tree, directory, b"memory.max" if kind == "cgroup2" else b"memory.limit_in_bytes")
            return None if word == b"max" or int(word) > _NO_LIMIT else int(word)
        if kind == "cgroup2":
            quota, period = _read(tree, directory, b"cpu.max")
        else:
            [quota], [period] = (_read(tree, directory, name) for name in (b"cpu.cfs_quota_us", b"cpu.cfs_period_us"))
        return None if quota in (b"max", b"-1") else int(quota) / int(period)
    except FileNotFoundError:
        return None  # the topmost group has none, nor has one that was removed meanwhile
    except (ValueError, ZeroDivisionError):
        raise Unparsable(f"the {controller} limit of {text(directory)}", b"") from None


def _read(tree: Root, directory: bytes, name: bytes) -> list[bytes]:
    return small_files.read(tree, directory + b"/" + name).split()

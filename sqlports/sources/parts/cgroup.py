"""cgroup: the control group, and whose the process is by it (cgroups(7))."""

from __future__ import annotations

from sqlports.sources import cgroups
from sqlports.sources.cgroups import Cgroup
from sqlports.sources.parts import Place
from sqlports.sources.procfs import Unparsable, text

NOTHING = Cgroup()


def read(place: Place) -> Cgroup:
    """The part. Raises OSError, Unparsable."""
    data = place.file("cgroup")
    return cgroups.parse(parse(data))._replace(data=data)


def parse(data: bytes) -> str | None:
    """The file's bytes: the path in the unified hierarchy, or where that is not used, systemd's, or the first."""
    paths: dict[bytes, bytes] = {}
    for line in data.split(b"\n"):
        _, colon, rest = line.partition(b":")
        controllers, second, path = rest.partition(b":")
        if colon and second:
            paths[controllers] = path
        elif line:
            raise Unparsable("/proc/PID/cgroup", data)
    if not paths:
        return None
    unified = paths.get(b"")
    if unified is not None and (unified != b"/" or len(paths) == 1):
        return text(unified)
    return text(paths.get(b"name=systemd") or next(iter(paths.values())))

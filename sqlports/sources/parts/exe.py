"""exe: the executable (proc_pid_exe(5)): its path, and whether it is still what a look at that path would find."""

from __future__ import annotations

import os
from typing import NamedTuple

from sqlports.sources import canonical, mounts, procfs, rooted
from sqlports.sources.links import DELETED
from sqlports.sources.open_files import LOCAL_FILE_SYSTEMS
from sqlports.sources.parts import Place
from sqlports.sources.records import Unsupported
from sqlports.sources.rooted import Below


class Exe(NamedTuple):
    """The executable's path.

    `on_disk` is whether there is a file of that path now, as the process itself would find it; `deleted` whether the file
    that runs was removed or replaced (both 1 or 0).
    """

    path: str | None = None
    on_disk: int | None = None
    deleted: int | None = None


NOTHING = Exe()


def read(place: Place) -> Exe:
    """The part. What only a look that could hang would tell is None, and counted. Raises OSError."""
    raw = place.link("exe")
    if raw is None and (heir := place.heir()):
        return read(heir)
    if raw is None:
        return NOTHING
    path = procfs.text(raw)
    if not path.endswith(DELETED):
        return Exe(path, 1, 0)
    # The kernel says so of a removed file; a name may also end so by itself, and then a look at it finds this very file.
    try:
        known = _look(place, raw)
        if known is not None and (known.st_dev, known.st_ino) == _identity(place):
            return Exe(path, 1, 0)
        named = raw.removesuffix(DELETED.encode())
        return Exe(procfs.text(named), int(_look(place, named) is not None), 1)
    except Unsupported as error:
        # It is one of the two, and the kernel's word is known all the same.
        place.proc.refuse(error.source, place.subject.pid, error)
        return Exe(path)


def _identity(place: Place) -> tuple[int, int]:
    status = os.stat(f"{place.prefix}exe", dir_fd=place.directory)
    return status.st_dev, status.st_ino


def _look(place: Place, path: bytes) -> os.stat_result | None:
    """What the process would find at a path; None for nothing. Raises OSError, Unsupported."""
    # The link is told as it is seen from here: the process's own root is in front of it after a chroot.
    root = (place.link("root") or b"/").rstrip(b"/")
    inner = path.removeprefix(root) if path.startswith(root + b"/") else path
    mount = mounts.at(mounts.parse(place.file("mountinfo")), inner)
    if mount is None and _shares_mounts(place):
        # Its own root need not be where anything is mounted.
        mount = mounts.at(place.proc.mounts, path)
    if mount is None or mount.type not in LOCAL_FILE_SYSTEMS:
        raise Unsupported("/proc/PID/exe", f"not looked at: it could hang on {mount.type if mount else 'a detached mount'}")
    below = _root(place)
    try:
        return canonical.look(below.root, inner, "/proc/PID/exe")
    finally:
        below.close()


def _root(place: Place) -> Below:
    if place.prefix:
        return Below(os.open(f"{place.prefix}root", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=place.directory))
    return rooted.of_process(place.directory, place.proc.root)


def _shares_mounts(place: Place) -> bool:
    """Whether it sees the same mounts as what `place.proc.mounts` was read of."""
    here = os.path.join(place.proc.proc, "self" if place.proc.here else "1")
    return place.proc.live and place.link("ns/mnt") == os.fsencode(os.readlink(f"{here}/ns/mnt"))

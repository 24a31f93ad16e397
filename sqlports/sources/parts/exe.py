"""exe: the executable (proc_pid_exe(5)): its path, and whether its file was removed."""

from __future__ import annotations

import os
from typing import NamedTuple

from sqlports.sources import canonical, mounts, procfs
from sqlports.sources.links import DELETED
from sqlports.sources.mounts import Mount
from sqlports.sources.open_files import LOCAL_FILE_SYSTEMS
from sqlports.sources.parts import Place
from sqlports.sources.records import Unsupported


class Exe(NamedTuple):
    """The executable's path, and whether the file that runs was removed or replaced (1 or 0). `raw` is the path in bytes."""

    path: str | None = None
    deleted: int | None = None
    raw: bytes | None = None


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
        return Exe(path, 0, raw)
    # The kernel says so of a removed file; a name may also end so by itself, and then a look at it finds this very file.
    try:
        known = look(place, raw)
    except Unsupported as error:
        # It is one of the two, and the kernel's word is known all the same.
        place.proc.refuse(error.source, place.subject.pid, error)
        return Exe(path)
    if known is not None and (known.st_dev, known.st_ino) == _identity(place):
        return Exe(path, 0, raw)
    raw = raw.removesuffix(DELETED.encode())
    return Exe(procfs.text(raw), 1, raw)


def _identity(place: Place) -> tuple[int, int]:
    status = os.stat(f"{place.prefix}exe", dir_fd=place.directory)
    return status.st_dev, status.st_ino


def inside(place: Place, path: bytes) -> bytes | None:
    """A path that is told as it is seen from here, as the process sees it; None where it is outside of its root (chroot(2))."""
    root = (place.link("root") or b"/").rstrip(b"/")
    return path.removeprefix(root) if path.startswith(root + b"/") else None


def look(place: Place, path: bytes) -> os.stat_result | None:
    """What there is at the path of an executable; None for nothing. Raises OSError, Unsupported where a look could hang."""
    if not place.proc.live:
        raise Unsupported("/proc/PID/exe", "not looked at: of a copy of /proc there are no files")
    inner, shared = inside(place, path), _shares_mounts(place)
    mount = None if inner is None else mounts.at(_mounts(place), inner)
    if mount is None and shared:
        # Its own root need not be where anything is mounted, nor all that runs be below it.
        mount = mounts.at(place.proc.mounts, path)
    if mount is None or mount.type not in LOCAL_FILE_SYSTEMS:
        raise Unsupported("/proc/PID/exe", f"not looked at: it could hang on {mount.type if mount else 'a detached mount'}")
    if inner is None:
        root = os.open(place.proc.root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    else:
        root = os.open(f"{place.prefix}root", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=place.directory)
    try:
        return canonical.look(root, path if inner is None else inner, "/proc/PID/exe")
    finally:
        os.close(root)


def _mounts(place: Place) -> list[Mount]:
    """What is mounted as the process sees it, once for all that see the same."""
    seen = place.link("ns/mnt"), place.link("root")
    return place.subject.system.memo(("mounts", *seen), lambda: mounts.parse(place.file("mountinfo")))


def _shares_mounts(place: Place) -> bool:
    """Whether it sees the same mounts as what `place.proc.mounts` was read of."""
    here = os.path.join(place.proc.proc, "self" if place.proc.here else "1")
    return place.link("ns/mnt") == os.fsencode(os.readlink(f"{here}/ns/mnt"))

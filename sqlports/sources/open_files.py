"""What a descriptor stands for (proc_pid_fd(5), proc_pid_fdinfo(5)), and where its file is."""

from __future__ import annotations

import errno
import os
import stat as modes
from typing import TYPE_CHECKING

from sqlports.sources import canonical, fdinfo, links, mounts
from sqlports.sources.directories import ProcessDirectories
from sqlports.sources.fdinfo import Fdinfo
from sqlports.sources.links import DELETED
from sqlports.sources.mounts import Mount
from sqlports.sources.records import File, Mounted, Unsupported, What

if TYPE_CHECKING:
    from sqlports.sources.handles import Handle

# A descriptor on these is looked at with stat(); on any other it could hang (a dead NFS server, a stuck FUSE daemon).
LOCAL_FILE_SYSTEMS = {
    "bcachefs", "bpf", "btrfs", "cgroup", "cgroup2", "configfs", "debugfs", "devpts", "devtmpfs", "efivarfs", "erofs", "exfat",
    "ext2", "ext3", "ext4", "f2fs", "hugetlbfs", "iso9660", "mqueue", "nsfs", "overlay", "proc", "pstore", "ramfs", "rootfs",
    "securityfs", "squashfs", "sysfs", "tmpfs", "tracefs", "vfat", "xfs", "zfs",
}  # fmt: skip


class OpenFiles:
    """Looks at descriptors, and through them only where the file system cannot hang."""

    def __init__(self, directories: ProcessDirectories, live: bool) -> None:
        """`live` tells that they are the running kernel's."""
        self._directories = directories
        self._live = live
        # By the mount's id, which is the same to all.
        self._mounts: dict[int, Mount] = {}
        self._asked: set[tuple[int, int | None] | None] = set()
        # The one that was looked at last, and whose it is.
        self._table: tuple[tuple[int, int | None], list[Mount]] | None = None

    def what(self, handle: Handle) -> What:
        """The type and target of a descriptor. Raises OSError."""
        link = handle.link
        if link is None:
            return What()
        kind = links.kind(link)
        if kind is not None:
            return What(kind, link, None)
        loose = links.loose(link)
        if loose and self._is_loose(loose, handle):
            return What(loose, link.removesuffix(DELETED), None)
        flags = handle.fdinfo.flags or ""
        # What O_TMPFILE makes is a file, and that has the bit of O_DIRECTORY too.
        is_directory = "O_DIRECTORY" in flags and "O_TMPFILE" not in flags
        found = "directory" if is_directory else handle.file.type
        if found == "file" and (mount := self._mount(handle)) and mount.type == "mqueue":
            found = "mqueue"
        if not link.endswith(DELETED):
            return What(found, link, 0)
        # The kernel says so of a removed name; a name may also be just that, and then it still leads to the file.
        named = self._is_named(handle, link)
        if named is None:
            return What(found, link, None)
        return What(found, link, 0) if named else What(found, link.removesuffix(DELETED), 1)

    def file(self, handle: Handle) -> File:
        """What the file system says of a descriptor's file. Raises OSError; Unsupported where it might never answer."""
        if not handle.is_path or handle.fdinfo.mount_id is None:
            return File()
        mount = self._mount(handle)
        if mount is None or mount.type not in LOCAL_FILE_SYSTEMS:
            raise Unsupported(
                "/proc/PID/fd/FD", f"not looked at: it could hang on {mount.type if mount else 'a detached mount'}"
            )
        if not self._live:
            # The links of a copy lead to this machine's files, if to any.
            raise Unsupported("/proc/PID/fd/FD", "not looked at: of a copy of /proc there are no files")
        status = os.stat(f"{_task(handle.tid)}fd/{handle.fd}", dir_fd=self._directories.open(handle.pid))
        kind = modes.S_IFMT(status.st_mode)
        node = _NODES.get(kind)
        return File(
            _FILE_TYPES.get(kind, "other"),
            status.st_size if kind in _SIZED else None,
            node,
            status.st_rdev if node else None,
            (status.st_dev, status.st_ino),
            status.st_nlink,
        )

    def mounted(self, handle: Handle) -> Mounted:
        """Where a descriptor's file is. Raises OSError."""
        mount = self._mount(handle) if handle.is_path else None
        return Mounted(mount.type, mount.device) if mount else Mounted()

    def terminals(self, handle: Handle) -> str | None:
        """The device of the pseudo-terminals that belong to an open /dev/ptmx (pts(4)). Raises OSError."""
        mount = self._mount(handle)
        if mount is None or mount.type == "devpts" or handle.link is None:
            return mount.device if mount else None
        # A ptmx elsewhere is that of the instance mounted beside it.
        beside = os.fsencode(os.path.dirname(handle.link)) + b"/pts"
        found = [one for one in self._mounts_of(handle) if one.type == "devpts" and one.point == beside]
        return found[-1].device if found else None

    def fdinfo(self, handle: Handle) -> Fdinfo:
        """The state of a descriptor. Raises OSError."""
        return fdinfo.parse(self.raw(handle.pid, handle.fd, handle.tid))

    def raw(self, pid: int, fd: int, tid: int | None = None) -> bytes:
        """The file that tells of a descriptor. Raises OSError."""
        return self._directories.file(pid, f"{_task(tid)}fdinfo/{fd}")

    def _is_loose(self, kind: str, handle: Handle) -> bool:
        """Whether it is a file without a directory, as its name says that anybody could have given to a file."""
        mount = self._mount(handle)
        if kind == "memfd" and self._live:
            return mount is not None and mount.point == _NOWHERE
        return mount is None and (kind != "dmabuf" or b"exp_name:" in handle.fdinfo.rest)

    def _is_named(self, handle: Handle, path: str) -> bool | None:
        """Whether the path, as the process sees it, is still this file; None where that is not known."""
        file = handle.file
        if file.identity is None or file.links == 0:
            return None if file.identity is None else False
        directory = self._directories.open(handle.pid)
        root = f"{_task(handle.tid)}root"
        # The link is told as it is seen from here: the process's own root is in front of it after a chroot.
        before = os.readlink(root, dir_fd=directory).rstrip("/")
        inner = path.removeprefix(before) if path.startswith(before + "/") else path
        around = mounts.at(self._mounts_of(handle), os.fsencode(inner))
        if around is None or around.type not in LOCAL_FILE_SYSTEMS:
            return None
        below = os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=directory)
        try:
            named = canonical.look(below, os.fsencode(inner), "/proc/PID/fd/FD")
        except Unsupported:
            return None
        finally:
            os.close(below)
        return named is not None and (named.st_dev, named.st_ino) == file.identity

    def _mount(self, handle: Handle) -> Mount | None:
        """The mount that it was opened on; None when that is in no table (detached), so that nobody asks it anything."""
        number = handle.fdinfo.mount_id
        if number is None:
            return None
        if number not in self._mounts and self._live and None not in self._asked:
            # As a rule it is one of ours; and what was opened before its process moved to mounts of its own is on no other.
            self._asked.add(None)
            self._note(mounts.parse(_own_mounts()))
            self._note(_of_memory())
        whose = handle.pid, handle.tid
        if number not in self._mounts and whose not in self._asked:
            self._asked.add(whose)
            self._note(self._mounts_of(handle))
        return self._mounts.get(number)

    def _mounts_of(self, handle: Handle) -> list[Mount]:
        """The mounts of a process. Raises OSError."""
        whose = handle.pid, handle.tid
        if self._table is None or self._table[0] != whose:
            self._table = whose, mounts.parse(self._mountinfo(handle))
        return self._table[1]

    def _mountinfo(self, handle: Handle) -> bytes:
        try:
            return self._directories.file(handle.pid, f"{_task(handle.tid)}mountinfo")
        except FileNotFoundError:
            if self._live:
                raise
            return b""  # a copy may be without it
        except OSError as error:
            if error.errno == errno.EINVAL:  # which is what a zombie's says
                raise ProcessLookupError(errno.ESRCH, "the process ended") from None
            raise

    def _note(self, found: list[Mount]) -> None:
        for mount in found:
            self._mounts.setdefault(mount.id, mount)


# The mounts of which the kernel makes files in memory are mounted nowhere.
_NOWHERE = b""


# Logarithms of the sizes that huge pages have, by architecture; 0 for the ordinary one (MFD_HUGE_SHIFT).
_HUGE = (0, 16, 19, 20, 21, 23, 24, 25, 28, 29, 30, 31, 34)


def _of_memory() -> list[Mount]:
    """The mounts that memfd_create(2) makes files on: it is asked for one of each kind, and they are looked at."""
    found = []
    huge = [os.MFD_CLOEXEC | os.MFD_HUGETLB | size << os.MFD_HUGE_SHIFT for size in _HUGE]
    for flags in (os.MFD_CLOEXEC, *huge):
        try:
            mine = os.memfd_create("", flags)
        except OSError:
            continue  # no such pages
        try:
            with open(f"/proc/self/fdinfo/{mine}", "rb", buffering=0) as file:
                number = fdinfo.parse(file.read()).mount_id
            device = os.fstat(mine).st_dev
            if number is not None:
                kind = "hugetlbfs" if flags & os.MFD_HUGETLB else "tmpfs"
                found.append(Mount(number, f"{os.major(device)}:{os.minor(device)}", b"/", _NOWHERE, kind))
        finally:
            os.close(mine)
    return found


def _own_mounts() -> bytes:
    with open("/proc/self/mountinfo", "rb") as file:
        return file.read()


def _task(tid: int | None) -> str:
    """Where below /proc/PID the files of a thread are; of the process for None."""
    return "" if tid is None else f"task/{tid}/"


_FILE_TYPES = {
    modes.S_IFREG: "file",
    modes.S_IFDIR: "directory",
    modes.S_IFCHR: "device",
    modes.S_IFBLK: "device",
    modes.S_IFIFO: "fifo",
    modes.S_IFLNK: "symlink",
}
_NODES = {modes.S_IFCHR: "character", modes.S_IFBLK: "block"}
# What has a size of its own.
_SIZED = {modes.S_IFREG, modes.S_IFDIR, modes.S_IFLNK}

"""What a descriptor stands for (proc_pid_fd(5), proc_pid_fdinfo(5))."""

from __future__ import annotations

import os
import stat as modes

from sqlports.sources import procfs
from sqlports.sources.directories import ProcessDirectories
from sqlports.sources.procfs import DELETED
from sqlports.sources.records import Fdinfo, Unsupported, What

# A descriptor on these is looked at with stat(); on any other it could hang (a dead NFS server, a stuck FUSE daemon).
LOCAL_FILE_SYSTEMS = {
    "bcachefs", "bpf", "btrfs", "cgroup", "cgroup2", "configfs", "debugfs", "devpts", "devtmpfs", "efivarfs", "erofs", "exfat",
    "ext2", "ext3", "ext4", "f2fs", "hugetlbfs", "iso9660", "mqueue", "nsfs", "overlay", "proc", "pstore", "ramfs", "rootfs",
    "securityfs", "squashfs", "sysfs", "tmpfs", "tracefs", "vfat", "xfs", "zfs",
}  # fmt: skip


class OpenFiles:
    """Looks at descriptors, and through them only where the file system cannot hang."""

    def __init__(self, directories: ProcessDirectories, root: str) -> None:
        self._directories = directories
        self.root = root
        self._mounts: dict[int, str] = {}

    def what(self, pid: int, fd: int, link: str | None, tid: int | None = None) -> What:
        """The type and target of a descriptor. Asks the file system only where that cannot hang. Raises OSError."""
        if link is None:
            return What()
        kind, inode = procfs.descriptor(link)
        if kind == "memfd":
            return What(kind, link.removesuffix(DELETED), None)
        if kind or not link.startswith("/"):
            return What(kind or "other", link, None)
        info, mount = self.fdinfo(pid, fd, tid)
        file_system = self._file_system(pid, mount)
        if file_system not in LOCAL_FILE_SYSTEMS:
            if "O_DIRECTORY" in (info.flags or ""):
                return What("directory", link.removesuffix(DELETED), int(link.endswith(DELETED)))
            raise Unsupported("/proc/PID/fd/FD", f"type not asked for: it could hang on {file_system or 'a detached mount'}")
        status = os.stat(f"{_task(tid)}fd/{fd}", dir_fd=self._directories.open(pid))
        # The kernel says "(deleted)" of a removed name; a name may also be just that, and then it still has a link.
        removed = link.endswith(DELETED) and not self._directories.is_named(pid, link, status)
        return What(
            _FILE_TYPES.get(modes.S_IFMT(status.st_mode), "other"),
            link.removesuffix(DELETED) if removed else link,
            int(removed),
        )

    def fdinfo(self, pid: int, fd: int, tid: int | None = None) -> tuple[Fdinfo, int]:
        """The state of a descriptor and the mount it is on. Raises OSError."""
        return procfs.fdinfo(self.raw(pid, fd, tid))

    def raw(self, pid: int, fd: int, tid: int | None = None) -> bytes:
        """The file that tells of a descriptor. Raises OSError."""
        return self._directories.file(pid, f"{_task(tid)}fdinfo/{fd}")

    def _file_system(self, pid: int, mount: int) -> str | None:
        """The type of file system of a mount; None when it is in no table (detached), so that nobody asks it anything."""
        if mount not in self._mounts:
            self._mounts.update(procfs.mountinfo(self._directories.file(pid, "mountinfo")))
        if mount not in self._mounts and self.root == "/":
            # It may have been opened before the process moved to mounts of its own; then it is one of ours, as a rule.
            self._mounts.update(procfs.mountinfo(_own_mounts()))
        return self._mounts.get(mount)


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

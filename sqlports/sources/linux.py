"""The Linux backend: /proc for processes and descriptors, sock_diag for sockets. All I/O of that platform is here."""

from __future__ import annotations

import os
import stat as modes
import time
from collections.abc import Callable
from functools import cached_property
from typing import Any

from sqlports.sources import descriptors, passwd, proc_net, procfs, sock_diag
from sqlports.sources.directories import ProcessDirectories, whole
from sqlports.sources.procfs import DELETED
from sqlports.sources.records import (
    Cmdline,
    Descriptors,
    Exe,
    Fdinfo,
    Link,
    PortSettings,
    Service,
    SocketRecord,
    Unsupported,
    User,
    What,
)

# A descriptor on these is looked at with stat(); on any other it could hang (a dead NFS server, a stuck FUSE daemon).
LOCAL_FILE_SYSTEMS = {
    "bcachefs", "bpf", "btrfs", "cgroup", "cgroup2", "configfs", "debugfs", "devpts", "devtmpfs", "efivarfs", "erofs", "exfat",
    "ext2", "ext3", "ext4", "f2fs", "hugetlbfs", "iso9660", "mqueue", "nsfs", "overlay", "proc", "pstore", "ramfs", "rootfs",
    "securityfs", "squashfs", "sysfs", "tmpfs", "tracefs", "vfat", "xfs", "zfs",
}  # fmt: skip


class Linux:
    """Reads one system's /proc; `root` is the root of its file system.

    Only with root '/' are sockets asked of the kernel: it would answer for this system, not for another's /proc.
    """

    name = "linux"
    tells_inodes = True

    def __init__(self, root: str = "/") -> None:
        self.root = root
        self.proc = os.path.join(root, "proc")
        self._directories = ProcessDirectories(self.proc, procfs.start_ticks, self._ticks_now)
        self._mounts: dict[int, str] = {}

    def close(self) -> None:
        """Close what is held open."""
        self._directories.close()

    def pids(self) -> list[int]:
        """The processes that /proc lists."""
        return sorted(int(name) for name in os.listdir(self.proc) if name.isascii() and name.isdigit())

    def is_process(self, pid: int) -> bool:
        """Whether the number is a process's, be it listed or hidden; a thread has a directory in /proc too."""
        try:
            return procfs.status(self._file(pid, "status")).tgid == pid
        except OSError:
            return False

    def source(self, group: str) -> str:
        """What `read(pid, group)` reads, as scan_errors names it."""
        return "/proc/PID/" + {"descriptors": "fd"}.get(group, group)

    def read(self, pid: int, group: str) -> tuple[object, ...]:
        """One record of one process. Raises OSError."""
        return _READERS[group](self, pid)

    def descriptors(self, pid: int) -> dict[int, str | None]:
        """What the open descriptors of a process link to. Raises OSError where the directory may not be read."""
        directory = os.open("fd", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=self._directory(pid))
        try:
            return descriptors.links(directory)
        finally:
            os.close(directory)

    def what(self, pid: int, fd: int, link: str | None) -> What:
        """The type and target of a descriptor. Asks the file system only where that cannot hang. Raises OSError."""
        if link is None:
            return What()
        kind, inode = procfs.descriptor(link)
        if kind == "memfd":
            return What(kind, link.removesuffix(DELETED), None)
        if kind or not link.startswith("/"):
            return What(kind or "other", link, None)
        info, mount = procfs.fdinfo(self._file(pid, f"fdinfo/{fd}"))
        file_system = self._file_system(pid, mount)
        if file_system not in LOCAL_FILE_SYSTEMS:
            if "O_DIRECTORY" in (info.flags or ""):
                return What("directory", link.removesuffix(DELETED), int(link.endswith(DELETED)))
            raise Unsupported("/proc/PID/fd/FD", f"type not asked for: it could hang on {file_system or 'a detached mount'}")
        status = os.stat(f"fd/{fd}", dir_fd=self._directory(pid))
        # The kernel says "(deleted)" of a removed name; a name may also be just that, and then it still has a link.
        removed = link.endswith(DELETED) and not self._directories.is_named(pid, link, status)
        return What(
            _FILE_TYPES.get(modes.S_IFMT(status.st_mode), "other"),
            link.removesuffix(DELETED) if removed else link,
            int(removed),
        )

    def is_elsewhere(self, pid: int) -> bool:
        """Whether a process is in another network namespace than the one that is looked at. Raises OSError."""
        if self.net_namespace is None:
            return False
        return os.readlink("ns/net", dir_fd=self._directory(pid)) != f"net:[{self.net_namespace}]"

    def start_ticks(self, pid: int) -> float:
        """When a process started, in ticks since boot. Raises OSError."""
        return procfs.start_ticks(self._file(pid, "stat"))

    def fdinfo(self, pid: int, fd: int) -> Fdinfo:
        """The state of a descriptor. Raises OSError."""
        return procfs.fdinfo(self._file(pid, f"fdinfo/{fd}"))[0]

    def sockets(self, family: str, protocol: str, states: frozenset[str]) -> list[SocketRecord]:
        """The sockets of one family and protocol in these states. Raises OSError, Unsupported."""
        if self.root == "/":
            mask = sock_diag.state_mask(protocol, states)
            if protocol == "unix":
                return sock_diag.parse_unix(sock_diag.exchange(sock_diag.unix_request(mask)), self.net_namespace)
            request = sock_diag.inet_request(family, protocol, mask)
            return sock_diag.parse_inet(sock_diag.exchange(request), protocol, self.net_namespace)
        return self.listed_sockets(family, protocol, states)

    def listed_sockets(self, family: str, protocol: str, states: frozenset[str]) -> list[SocketRecord]:
        """The same from the files of /proc/net. Raises OSError, Unsupported."""
        name = "unix" if protocol == "unix" else proc_net.FILES[family, protocol]
        try:
            data = self._net(name)
        except FileNotFoundError:
            raise Unsupported(f"/proc/net/{name}", "the kernel has no such file") from None
        if protocol == "unix":
            found = proc_net.parse_unix(data, self.net_namespace)
        else:
            found = proc_net.parse_inet(data, family, protocol, self.net_namespace)
        return [record for record in found if record.state in states]

    @cached_property
    def net_namespace(self) -> int | None:
        """The inode of the network namespace that is looked at; None where it may not be read."""
        try:
            return os.stat(os.path.join(self.proc, "self" if self.root == "/" else "1", "ns/net")).st_ino
        except OSError:
            return None

    def users(self, uids: frozenset[int] | None) -> list[User]:
        """The accounts, or those with these uids."""
        if self.root == "/":
            return passwd.system(uids)
        return passwd.parse(self._text("etc/passwd"), uids)

    def services(self) -> list[Service]:
        """The lines of /etc/services; none where there is no such file."""
        from sqlports.sources import services

        try:
            return services.parse(self._text("etc/services"))
        except FileNotFoundError:
            raise Unsupported("/etc/services", "there is no such file") from None

    def port_settings(self) -> PortSettings:
        """The kernel's port ranges, of this network namespace."""
        names = ("ip_local_port_range", "ip_local_reserved_ports", "ip_unprivileged_port_start")
        found: list[bytes | None] = []
        for name in names:
            try:
                found.append(self._path(os.path.join(self.proc, "sys/net/ipv4", name)))
            except FileNotFoundError:
                found.append(None)
        return procfs.port_settings(*found)

    def _path(self, path: str) -> bytes:
        with open(path, "rb", buffering=0) as file:
            return whole(file.fileno())

    def _text(self, name: str) -> str:
        return procfs.text(self._path(os.path.join(self.root, name)))

    def _net(self, name: str) -> bytes:
        """A file of /proc/net; the root's own where that is another system's: `self` there would be us."""
        if self.root != "/" and os.path.exists(os.path.join(self.proc, "1/net")):
            return self._path(os.path.join(self.proc, "1/net", name))
        return self._path(os.path.join(self.proc, "net", name))

    def _directory(self, pid: int) -> int:
        return self._directories.open(pid)

    def _file(self, pid: int, name: str) -> bytes:
        return self._directories.file(pid, name)

    def _file_system(self, pid: int, mount: int) -> str | None:
        """The type of file system of a mount; None when it is in no table (detached), so that nobody asks it anything."""
        if mount not in self._mounts:
            self._mounts.update(procfs.mountinfo(self._file(pid, "mountinfo")))
        if mount not in self._mounts and self.root == "/":
            # It may have been opened before the process moved to mounts of its own; then it is one of ours, as a rule.
            self._mounts.update(procfs.mountinfo(self._path("/proc/self/mountinfo")))
        return self._mounts.get(mount)

    @cached_property
    def clock(self) -> procfs.Clock:
        """How to turn ticks into time of day."""
        boot_time = 0
        for line in self._path(os.path.join(self.proc, "stat")).splitlines():
            if line.startswith(b"btime "):
                boot_time = int(line.split()[1])
        booted = float(boot_time)
        if self.root == "/":
            booted = round(time.clock_gettime(time.CLOCK_REALTIME) - time.clock_gettime(time.CLOCK_BOOTTIME), 2)
        return procfs.Clock(os.sysconf("SC_CLK_TCK"), boot_time, booted)

    def _ticks_now(self) -> float:
        """The present on the clock of process starts; another system's is not known."""
        return time.clock_gettime(time.CLOCK_BOOTTIME) * self.clock.hz if self.root == "/" else float("inf")

    def _read_stat(self, pid: int) -> tuple[object, ...]:
        return procfs.stat(self._file(pid, "stat"), self.clock, time.time() if self.root == "/" else None)

    def _read_exe(self, pid: int) -> tuple[object, ...]:
        try:
            link = procfs.text(os.readlink(b"exe", dir_fd=self._directory(pid)))
        except FileNotFoundError:
            if not self._file(pid, "stat"):
                raise
            return Exe()  # a kernel thread, or a zombie, has none
        if not link.endswith(DELETED):
            return Exe(link, 1)
        try:
            named = self._directories.is_named(pid, link, os.stat("exe", dir_fd=self._directory(pid)))
        except PermissionError:
            named = False
        return Exe(link, 1) if named else Exe(link.removesuffix(DELETED), 0)

    def _read_link(self, pid: int, name: str) -> Link:
        try:
            return Link(procfs.text(os.readlink(name.encode(), dir_fd=self._directory(pid))))
        except FileNotFoundError:
            self._file(pid, "stat")
            return Link()

    def _read_descriptors(self, pid: int) -> Descriptors:
        # The size of the directory is the number of descriptors since Linux 6.2; it was 0 before.
        size = os.stat("fd", dir_fd=self._directory(pid)).st_size
        return Descriptors(size if self._counts else len(self.descriptors(pid)))

    @cached_property
    def _counts(self) -> bool:
        return self.root == "/" and os.stat("/proc/self/fd").st_size > 0

    def _read_cmdline(self, pid: int) -> Cmdline:
        return procfs.cmdline(self._file(pid, "cmdline"))


_FILE_TYPES = {
    modes.S_IFREG: "file",
    modes.S_IFDIR: "directory",
    modes.S_IFCHR: "device",
    modes.S_IFBLK: "device",
    modes.S_IFIFO: "fifo",
    modes.S_IFLNK: "symlink",
}


_READERS: dict[str, Callable[[Linux, int], tuple[Any, ...]]] = {
    "stat": Linux._read_stat,
    "status": lambda self, pid: procfs.status(self._file(pid, "status")),
    "io": lambda self, pid: procfs.io(self._file(pid, "io")),
    "cmdline": Linux._read_cmdline,
    "cgroup": lambda self, pid: Link(procfs.cgroup(self._file(pid, "cgroup"))),
    "exe": Linux._read_exe,
    "cwd": lambda self, pid: self._read_link(pid, "cwd"),
    "root": lambda self, pid: self._read_link(pid, "root"),
    "descriptors": Linux._read_descriptors,
}

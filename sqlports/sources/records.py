"""What is read, one record per thing the system is asked: the contract between the platforms.

A field is None where the system does not say. A whole record is read or none of it: a record of Nones (`Stat()`) stands
for one that could not be read. Text that is not UTF-8 has its bad bytes written as `\\xff`.
"""

from __future__ import annotations

from typing import NamedTuple


class Stat(NamedTuple):
    """What /proc/PID/stat tells (proc_pid_stat(5)). Times in milliseconds, `started` in seconds since 1970, precise."""

    comm: str | None = None
    state: str | None = None
    parent: int | None = None
    pgroup: int | None = None
    session: int | None = None
    tty: str | None = None
    nice: int | None = None
    threads: int | None = None
    user_time: int | None = None
    system_time: int | None = None
    start_time: int | None = None
    started: float | None = None
    elapsed_time: int | None = None
    start_ticks: int | None = None


class Status(NamedTuple):
    """What /proc/PID/status tells (proc_pid_status(5)). Sizes in bytes."""

    uid: int | None = None
    euid: int | None = None
    suid: int | None = None
    gid: int | None = None
    egid: int | None = None
    sgid: int | None = None
    wired_size: int | None = None
    resident_size: int | None = None
    total_size: int | None = None
    tgid: int | None = None


class Io(NamedTuple):
    """What /proc/PID/io tells (proc_pid_io(5)), in bytes. `written` has the bytes that never reached the disk taken off."""

    read: int | None = None
    written: int | None = None


class Cmdline(NamedTuple):
    """The arguments: joined by spaces, and as the text of a JSON array. Both None for a kernel thread."""

    text: str | None = None
    argv: str | None = None


class Exe(NamedTuple):
    """The executable: its path, and whether that is still there (1 or 0)."""

    path: str | None = None
    on_disk: int | None = None


class Link(NamedTuple):
    """A directory of a process: its current one, its root."""

    path: str | None = None


class Descriptors(NamedTuple):
    """How many descriptors are open."""

    open: int | None = None


class Fdinfo(NamedTuple):
    """What /proc/PID/fdinfo/FD tells (proc_pid_fdinfo(5)), and what the descriptor's file is.

    `access` is 'r', 'w', 'rw' or None for O_PATH; `flags` the names of open(2) joined by '|'.
    """

    offset: int | None = None
    flags: str | None = None
    access: str | None = None


class What(NamedTuple):
    """What a descriptor stands for: its type, its target without ' (deleted)', and whether the file was removed (1 or 0)."""

    type: str | None = None
    target: str | None = None
    deleted: int | None = None


class SocketRecord(NamedTuple):
    """One socket, as the system lists it.

    `inode`, `uid` and the remote end are None where the socket has none. Queues in bytes; `backlog` and `backlog_limit` are
    a listener's, in connections. `timer_expires` in milliseconds. `pid` and `fd` only where the system itself tells them.
    `state` is None where the system does not tell it. `abstract`, `v6only` and `subflow` are 1 or 0.
    """

    type: str | None = None
    state: str | None = None
    local_address: str | None = None
    local_port: int | None = None
    remote_address: str | None = None
    remote_port: int | None = None
    path: str | None = None
    abstract: int | None = None
    subprotocol: str | None = None
    ident: int | None = None
    inode: int | None = None
    peer_inode: int | None = None
    cookie: int | None = None
    uid: int | None = None
    receive_queue: int | None = None
    send_queue: int | None = None
    backlog: int | None = None
    backlog_limit: int | None = None
    timer: str | None = None
    timer_expires: int | None = None
    retransmits: int | None = None
    interface: str | None = None
    shutdown: str | None = None
    v6only: int | None = None
    options: str | None = None
    mark: int | None = None
    cgroup_id: int | None = None
    pid: int | None = None
    fd: int | None = None


class Memory(NamedTuple):
    """The memory of a socket, in bytes (SK_MEMINFO_* of linux/sock_diag.h); `drops` are datagrams or packets lost here."""

    receive: int | None = None
    receive_buffer: int | None = None
    send: int | None = None
    send_buffer: int | None = None
    reserved: int | None = None
    queued: int | None = None
    options: int | None = None
    backlog: int | None = None
    drops: int | None = None


class User(NamedTuple):
    """One account of passwd(5)."""

    username: str
    uid: int
    gid: int
    description: str
    directory: str
    shell: str

    @property
    def uid_signed(self) -> int:
        """The uid as a signed 32-bit number: `nobody` of some systems is -2."""
        return signed(self.uid)

    @property
    def gid_signed(self) -> int:
        """The gid as a signed 32-bit number."""
        return signed(self.gid)


def signed(number: int) -> int:
    """An unsigned 32-bit number read as a signed one."""
    return number - (1 << 32) if number >= 1 << 31 else number


class Service(NamedTuple):
    """One line of services(5)."""

    name: str
    port: int
    protocol: str
    aliases: tuple[str, ...]
    comment: str | None


class PortSettings(NamedTuple):
    """The kernel's own port ranges (ip-sysctl.rst), each (low, high) inclusive; None where it does not say.

    ephemeral     ip_local_port_range: handed out by the kernel
    reserved      ip_local_reserved_ports: never handed out
    unprivileged  ip_unprivileged_port_start: from here on anybody may bind
    """

    ephemeral: tuple[int, int] | None = None
    reserved: tuple[tuple[int, int], ...] = ()
    unprivileged: int | None = None


class Unsupported(Exception):
    """The system cannot tell this at all; the message says what is missing. Never the same as "there are none"."""

    def __init__(self, source: str, reason: str) -> None:
        super().__init__(f"{source}: {reason}")
        self.source = source
        self.reason = reason

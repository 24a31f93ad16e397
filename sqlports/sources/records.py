"""What is read, one record per thing the system is asked: the contract between the platforms.

A field is None where the system does not say. A whole record is read or none of it: a record of Nones (`Stat()`) stands
for one that could not be read. Text that is not UTF-8 has its bad bytes written as `\\xff`.
"""

from __future__ import annotations

from typing import NamedTuple


class What(NamedTuple):
    """What a descriptor stands for: its type, its target without ' (deleted)', and whether the file was removed (1 or 0)."""

    type: str | None = None
    target: str | None = None
    deleted: int | None = None


class File(NamedTuple):
    """What stat(2) says of a descriptor's file.

    type      'file', 'directory', 'device', 'fifo', 'symlink'
    size      bytes, of what has a size of its own
    node      'character' or 'block', of a device
    number    the number of that device (makedev(3))
    identity  device and inode, which no other file has
    links     how many names it has
    """

    type: str | None = None
    size: int | None = None
    node: str | None = None
    number: int | None = None
    identity: tuple[int, int] | None = None
    links: int | None = None


class Mounted(NamedTuple):
    """The file system that a descriptor's file is on: its type, and its device like '8:1'."""

    file_system: str | None = None
    device: str | None = None


class Peer(NamedTuple):
    """Who has the other end of something: a process, and its descriptor."""

    pid: int | None = None
    fd: int | None = None


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
    """One account of passwd(5).

    pid_with_namespace  the process as whose container has it; 0 for none
    include_remote      1 where the name service tells of it, 0 where its file does
    """

    username: str
    uid: int
    gid: int
    description: str
    directory: str
    shell: str
    pid_with_namespace: int = 0
    include_remote: int = 0

    @property
    def uid_signed(self) -> int:
        """The uid as a signed 32-bit number: `nobody` of some systems is -2."""
        return signed(self.uid)

    @property
    def gid_signed(self) -> int:
        """The gid as a signed 32-bit number."""
        return signed(self.gid)


class Group(NamedTuple):
    """One group of group(5); `members` are the names of those who are in it beside their primary group."""

    groupname: str
    gid: int
    members: tuple[str, ...]
    pid_with_namespace: int = 0

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

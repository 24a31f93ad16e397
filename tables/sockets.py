"""sockets: every socket that the kernel lists, with its owner or the reason why it has none."""

from __future__ import annotations

from collections.abc import Iterable

from sqlports.schema import Column, Values, table
from sqlports.sources.snapshot import Snapshot
from sqlports.sources.subjects import Socket


@table(
    Column("protocol", str, "kernel.protocol", "'tcp', 'udp' or 'unix'."),
    Column("family", str, "kernel.family", "'ipv4', 'ipv6' or 'unix'."),
    Column("type", str, "kernel.type", "'stream', 'datagram' or 'seqpacket'."),
    Column("state", str, "kernel.state", "'LISTEN', …; 'UNCONNECTED' of UDP and unix; 'BOUND': a port and no more."),
    Column("local_address", str, "kernel.local_address", "Address of this end; NULL for a unix socket."),
    Column("local_port", int, "kernel.local_port", "Port of this end; NULL for a unix socket."),
    Column("remote_address", str, "kernel.remote_address", "Address of the other end; NULL where there is none."),
    Column("remote_port", int, "kernel.remote_port", "Port of the other end; NULL where there is none."),
    Column("path", str, "kernel.path", "Name of a unix socket as it was bound; an abstract name starts with '@'."),
    Column("pid", int, "owner.pid", "Its owner: the oldest process that holds it, but pid 1 only when no other does."),
    Column("fd", int, "owner.fd", "The owner's lowest descriptor of it."),
    Column("owners", int, "owner.owners", "How many processes are seen to hold it; each is in handles."),
    Column("owner_reason", str, "owner.reason", "'owned', or why pid is NULL: 'permission', 'time_wait', 'orphan', …"),
    Column("uid", int, "kernel.uid", "User that made it; NULL where the kernel no longer knows."),
    Column("inode", int, "kernel.inode", "JOIN handles USING (inode); NULL when no process can hold it."),
    Column("peer_inode", int, "kernel.peer_inode", "Inode of the other end of a unix socket."),
    Column("cookie", int, "kernel.cookie", "Unique number since boot (SO_COOKIE); NULL where only /proc/net tells."),
    Column("receive_queue", int, "kernel.receive_queue", "Bytes not read yet; of a listener, connections not accepted yet."),
    Column("send_queue", int, "kernel.send_queue", "Bytes not acknowledged yet; of a listener, its backlog limit."),
    Column("timer", str, "kernel.timer", "Running timer: 'retransmit', 'keepalive', 'timewait', 'probe', 'delayed_ack'."),
    Column("timer_expires", int, "kernel.timer_expires", "Milliseconds until the timer fires."),
    Column("retransmits", int, "kernel.retransmits", "Retransmissions of what is waiting for an answer now."),
    Column("interface", str, "kernel.interface", "Network interface it is bound to; NULL for any."),
    Column("net_namespace", int, "kernel.net_namespace", "Inode of its network namespace."),
    Column("port", int, "kernel.local_port", "local_port: JOIN port_registry USING (port, protocol).", hidden=True),
    Column("address", str, "kernel.local_address", "local_address.", hidden=True),
    rows=1000,
    examples=(
        "SELECT * FROM sockets WHERE port < 1024",
        "SELECT local_port, name, cmdline FROM sockets JOIN processes USING (pid) WHERE sockets.state = 'LISTEN'",
        "SELECT owner_reason, count(*) FROM sockets GROUP BY owner_reason",
    ),
)
def sockets(system: Snapshot, protocol: Values[str] = None, state: Values[str] = None) -> Iterable[Socket]:
    """Sockets, one row each, however many processes hold it."""
    return system.sockets(protocol, state)

"""sockets: every socket that the kernel lists, with its owner or the reason why it has none."""

from __future__ import annotations

from collections.abc import Iterable

from sqlports.schema import Batches, Column, Groups, Once, Search, Values, table
from sqlports.sources import dumps
from sqlports.sources.inet_sockets import SHUT, TIMERS
from sqlports.sources.owners import REASONS
from sqlports.sources.region import Region
from sqlports.sources.snapshot import Snapshot
from sqlports.sources.sockets import FAMILIES, PROTOCOLS, Socket
from sqlports.sources.states import NAMES, STATES
from sqlports.sources.tcp_info import CONGESTION_STATES
from sqlports.sources.unix_diag import TYPES


@table(
    Column(
        "protocol",
        str,
        "protocol",
        "What it speaks.",
        choices=PROTOCOLS,
    ),
    Column("family", str, "family", "'ipv4', 'ipv6', 'unix', 'packet', 'netlink' or 'vsock'.", choices=FAMILIES),
    Column("type", str, "type", "'stream', 'datagram', 'seqpacket' or 'raw'.", choices=tuple(TYPES.values())),
    Column("state", str, "state", "'UNCONNECTED' without a handshake; 'BOUND': a TCP port and no more.", choices=NAMES),
    Column("local_address", str, "local_address", "Address of this end; NULL where the family has none."),
    Column(
        "local_port", int, "local_port", "Port of this end; NULL where the protocol has none.", references="port_registry.port"
    ),
    Column("remote_address", str, "remote_address", "Address of the other end; NULL where there is none."),
    Column(
        "remote_port", int, "remote_port", "Port of the other end; NULL where there is none.", references="port_registry.port"
    ),
    Column("path", str, "path", "Name of a unix socket as it was bound; an abstract name starts with '@'."),
    Column("abstract", int, "abstract", "1 for an abstract unix name, 0 for a path; NULL without a name."),
    Column("subprotocol", str, "subprotocol", "IP protocol of a raw socket, Ethernet's of a packet, or netlink's: 'route', …"),
    Column("ident", int, "ident", "Number that is no port: a netlink socket's port id, the identifier of a ping."),
    Column("interface", str, "interface", "Network interface it is bound to; NULL for any."),
    Column("pid", int, "owner.pid", "Its owner: the oldest process that holds it, but pid 1 only when no other does."),
    Column("fd", int, "owner.fd", "The owner's lowest descriptor of it."),
    Column("owners", int, "owner.owners", "How many processes are seen to hold it; each is in handles."),
    Column(
        "owner_reason",
        str,
        "owner.reason",
        "'owned', or why pid is NULL.",
        choices=REASONS,
    ),
    Column(
        "keeper_pid",
        int,
        "keeper.pid",
        "The owner; without one who answers for it: its listener's owner, its ring's holder.",
        references="processes.pid",
    ),
    Column("uid", int, "uid", "User that made it; NULL where the kernel does not tell, or no longer.", references="users.uid"),
    Column("inode", int, "inode", "JOIN handles USING (inode); NULL when no process can hold it.", references="handles.inode"),
    Column("peer_inode", int, "peer_inode", "Inode of the other end of a unix socket.", references="handles.inode"),
    Column("cookie", int, "cookie", "Unique number since boot (SO_COOKIE); NULL where only /proc/net tells."),
    Column(
        "net_namespace",
        int,
        "net_namespace",
        "Inode of its network namespace; NULL where that may not be read.",
        references="net_namespaces.net_namespace",
    ),
    Column("cgroup_id", int, "cgroup_id", "Number of the control group that it was made in; NULL where not told."),
    Column("cgroup_path", str, "cgroup", "Path of that control group, or where the number tells none, of its owner's."),
    Column("receive_queue", int, "receive_queue", "Bytes not read yet, of datagrams with their overhead; NULL of a listener."),
    Column("send_queue", int, "send_queue", "Bytes not acknowledged, or not taken, by the other end yet; NULL of a listener."),
    Column("backlog", int, "backlog", "Connections of a listener that are not accepted yet."),
    Column("backlog_limit", int, "backlog_limit", "How many may wait; new ones are dropped once there is one more."),
    Column("siblings", int, "siblings", "Others bound to the very same address and port (SO_REUSEPORT); NULL with a peer."),
    Column(
        "timer",
        str,
        "timer",
        "Running timer; NULL for none.",
        choices=tuple(TIMERS.values()),
    ),
    Column("timer_expires", int, "timer_expires", "Milliseconds until the timer fires."),
    Column("retransmits", int, "retransmits", "Retransmissions of what is waiting for an answer now."),
    Column(
        "shutdown",
        str,
        "shutdown",
        "Direction that was shut down: 'receive', 'send' or 'both'; NULL for none.",
        choices=tuple(SHUT.values()),
    ),
    Column("autobound", int, "autobound", "1 when the kernel chose the port, 0 when the program did; NULL if not told."),
    Column("v6only", int, "v6only", "Of a listening or unconnected IPv6 socket: 0 takes IPv4 as well, 1 does not."),
    Column("mark", int, "mark", "Mark for routing (SO_MARK); NULL without CAP_NET_ADMIN."),
    Column("options", str, "options", "Of 'transparent', 'freebind', …: those that are set; 'promiscuous' of a packet socket."),
    Column(
        "drops",
        int,
        "memory.drops",
        "Datagrams, packets, connections dropped here; of TCP also segments of no use.",
    ),
    Column("receive_memory", int, "memory.receive", "Memory taken by what was received, in bytes with its overhead."),
    Column("receive_buffer", int, "memory.receive_buffer", "Limit of that (SO_RCVBUF), in bytes."),
    Column("send_memory", int, "memory.send", "Memory taken by what is on its way through the network device, in bytes."),
    Column("send_buffer", int, "memory.send_buffer", "Limit of what is to be sent (SO_SNDBUF), in bytes."),
    Column("queued_memory", int, "memory.queued", "Memory taken by what is to be sent or acknowledged, in bytes."),
    Column("reserved_memory", int, "memory.reserved", "Memory set aside for more, in bytes."),
    Column("option_memory", int, "memory.options", "Memory taken by its options, in bytes."),
    Column("backlog_memory", int, "memory.backlog", "Memory of packets that came while the socket was busy, in bytes."),
    Column(
        "rtt", float, "info.rtt", "Smoothed round-trip time, in milliseconds; NULL until there is one. TCP, as all from here."
    ),
    Column("rtt_variance", float, "info.rtt_variance", "Mean deviation of that, in milliseconds."),
    Column("min_rtt", float, "info.min_rtt", "Smallest round-trip time lately, in milliseconds."),
    Column("receive_rtt", float, "info.receive_rtt", "Round-trip time as the receiver estimates it, in milliseconds."),
    Column("rto", float, "info.rto", "Time until a retransmission, in milliseconds."),
    Column("ato", float, "info.ato", "Time by which acknowledgements are delayed, in milliseconds."),
    Column("cwnd", int, "info.cwnd", "Congestion window, in segments."),
    Column("ssthresh", int, "info.ssthresh", "Slow-start threshold, in segments; NULL while there is none."),
    Column("send_window", int, "info.send_window", "Window that the other end offers, in bytes."),
    Column("receive_window", int, "info.receive_window", "Window that this end offers, in bytes."),
    Column("mss", int, "info.mss", "Largest segment sent, in bytes."),
    Column("receive_mss", int, "info.receive_mss", "Largest segment received, as estimated, in bytes."),
    Column("advertised_mss", int, "info.advertised_mss", "Largest segment that this end asked for, in bytes."),
    Column("path_mtu", int, "info.path_mtu", "Largest packet on the path, in bytes."),
    Column("bytes_sent", int, "info.bytes_sent", "Bytes of data sent, again or not."),
    Column("bytes_retransmitted", int, "info.bytes_retransmitted", "Bytes of data sent again."),
    Column("bytes_acked", int, "info.bytes_acked", "Bytes acknowledged by the other end; SYN and FIN count one each."),
    Column("bytes_received", int, "info.bytes_received", "Bytes of data received; a FIN counts one."),
    Column("segments_out", int, "info.segments_out", "Segments sent, those without data too."),
    Column("segments_in", int, "info.segments_in", "Segments received, those without data too."),
    Column("data_segments_out", int, "info.data_segments_out", "Segments with data sent."),
    Column("data_segments_in", int, "info.data_segments_in", "Segments with data received."),
    Column("retransmitted", int, "info.retransmitted", "Segments sent again since the connection began."),
    Column("retransmitting", int, "info.retransmitting", "Segments sent again and not acknowledged yet."),
    Column("lost", int, "info.lost", "Segments taken for lost now."),
    Column("unacked", int, "info.unacked", "Segments sent and not acknowledged yet."),
    Column("sacked", int, "info.sacked", "Segments acknowledged out of turn."),
    Column("reordering", int, "info.reordering", "Segments by which the path may change their order."),
    Column("out_of_order", int, "info.out_of_order", "Segments received out of order."),
    Column("delivered", int, "info.delivered", "Segments with data that reached the other end."),
    Column("not_sent", int, "info.not_sent", "Bytes that wait to be sent for the first time."),
    Column("delivery_rate", int, "info.delivery_rate", "Rate at which data lately reached the other end, bytes per second."),
    Column("pacing_rate", int, "info.pacing_rate", "Rate that sending is held to, bytes per second; NULL for none."),
    Column("busy", float, "info.busy", "Time with data to be sent or acknowledged, in milliseconds."),
    Column(
        "window_limited", float, "info.window_limited", "Of that, time when the other end's window was full, in milliseconds."
    ),
    Column(
        "buffer_limited", float, "info.buffer_limited", "Of that, time when the send buffer was too small, in milliseconds."
    ),
    Column("last_send", int, "info.last_send", "Milliseconds since data was sent last."),
    Column("last_receive", int, "info.last_receive", "Milliseconds since data was received last."),
    Column("last_ack", int, "info.last_ack", "Milliseconds since an acknowledgement was received last."),
    Column("congestion", str, "info.congestion", "Congestion control: 'cubic', 'bbr', …"),
    Column(
        "congestion_state",
        str,
        "info.congestion_state",
        "State of congestion control.",
        choices=CONGESTION_STATES,
    ),
    Column("backoff", int, "info.backoff", "How often the time until a retransmission was doubled."),
    Column(
        "ulp",
        str,
        "info.ulp",
        "What sits on top in the kernel: 'tls'; 'mptcp' of a subflow, whose inode the MPTCP row has too.",
    ),
    Column("tos", int, "info.tos", "Type of service, or traffic class of IPv6: what is sent is marked so. UDP too."),
    Column("port", int, "local_port", "local_port: JOIN port_registry USING (port, protocol).", hidden=True),
    Column("address", str, "local_address", "local_address.", hidden=True),
    Column("named_pid", int, "pid", "Its holder where the system itself names one; NULL on Linux.", hidden=True),
    Column("named_fd", int, "fd", "The descriptor of that.", hidden=True),
    rows=1000,
    each={"pid": 5, "inode": 1, "cookie": 1, "local_port": 5, "port": 5},
    examples=(
        "SELECT * FROM sockets WHERE port < 1024",
        "SELECT local_port, name, cmdline FROM sockets JOIN processes USING (pid) WHERE sockets.state = 'LISTEN'",
        "SELECT owner_reason, count(*) FROM sockets GROUP BY owner_reason",
        "SELECT remote_address, rtt, retransmitted, bytes_sent FROM sockets WHERE protocol = 'tcp' ORDER BY rtt DESC",
        "SELECT local_port, backlog, backlog_limit, drops FROM sockets WHERE state = 'LISTEN' AND backlog > backlog_limit",
    ),
)
def sockets(
    system: Snapshot,
    protocol: Values[str] = None,
    family: Values[str] = None,
    state: Values[str] = None,
    net_namespace: Values[int] = None,
    local_port: Once[Search[int]] = None,
    remote_port: Once[Search[int]] = None,
    local_address: Once[Values[str]] = None,
    remote_address: Once[Values[str]] = None,
    cgroup_id: Once[Values[int]] = None,
    port: Once[Search[int]] = None,
    address: Once[Values[str]] = None,
    groups: Groups = frozenset(),
) -> Iterable[Socket]:
    """Sockets of every network namespace that can be reached, one row each, however many processes hold it."""
    region = Region(
        STATES if state is None else state & STATES,
        port if local_port is None else local_port,
        remote_port,
        address if local_address is None else local_address,
        remote_address,
        cgroup_id,
    )
    return Batches(system.network.batches(dumps.Search(protocol, family, net_namespace, region, groups)))

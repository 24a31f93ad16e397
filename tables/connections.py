"""connections: who talks to whom, and where both are on this machine, both."""

from __future__ import annotations

from collections.abc import Iterable

from sqlports.schema import Column, Once, Search, Values, table
from sqlports.sources import connections as found
from sqlports.sources import dumps
from sqlports.sources.connections import DIRECTIONS, PROTOCOLS
from sqlports.sources.owners import REASONS
from sqlports.sources.region import Region
from sqlports.sources.snapshot import Snapshot
from sqlports.sources.sockets import KINDS
from sqlports.sources.states import NAMES, STATES


@table(
    Column(
        "protocol",
        str,
        "socket.protocol",
        "'tcp', 'udp', 'unix', 'udplite', 'sctp', 'mptcp' or 'vsock'.",
        choices=tuple(dict.fromkeys(kind.protocol for kind in KINDS if kind.protocol in PROTOCOLS)),
        references="port_registry.protocol",
    ),
    Column(
        "family",
        str,
        "socket.family",
        "'ipv4', 'ipv6', 'unix' or 'vsock'.",
        choices=tuple(dict.fromkeys(kind.family for kind in KINDS if kind.protocol in PROTOCOLS)),
    ),
    Column("state", str, "socket.state", "State, as in sockets.", choices=NAMES),
    Column(
        "direction",
        str,
        "direction",
        "'inbound', 'outbound', or 'local' when both ends are on this machine.",
        choices=DIRECTIONS,
    ),
    Column("accepted", int, "accepted", "1 when there is a listener at this end, 0 when not; NULL of unix sockets."),
    Column("local_address", str, "socket.local_address", "Address of this end."),
    Column("local_port", int, "socket.local_port", "Port of this end.", references="port_registry.port"),
    Column("remote_address", str, "socket.remote_address", "Address of the other end."),
    Column("remote_port", int, "socket.remote_port", "Port of the other end.", references="port_registry.port"),
    Column("path", str, "path", "Name of the unix socket that was connected to; NULL of a pair without one."),
    Column("pid", int, "pid", "Owner of this end, as in sockets."),
    Column("name", str, "name", "Command name of that process."),
    Column("owner_reason", str, "socket.owner.reason", "'owned', or why pid is NULL.", choices=REASONS),
    Column(
        "peer_pid",
        int,
        "peer_pid",
        "Owner of the other end, when that is here; while it is not accepted its listener's.",
        references="processes.pid",
    ),
    Column("peer_name", str, "peer_name", "Command name of that process."),
    Column("peer_inode", int, "peer_inode", "Inode of the other end's socket.", references="handles.inode"),
    Column("peer_namespace", int, "peer_namespace", "Network namespace of the other end."),
    Column("uid", int, "socket.uid", "User that made the socket of this end.", references="users.uid"),
    Column("inode", int, "socket.inode", "Inode of this end's socket.", references="handles.inode"),
    Column(
        "cookie",
        int,
        "socket.cookie",
        "JOIN sockets USING (cookie) for all else that is known of it.",
        references="sockets.cookie",
    ),
    Column(
        "net_namespace",
        int,
        "socket.net_namespace",
        "Network namespace of this end.",
        references="net_namespaces.net_namespace",
    ),
    rows=800,
    each={"pid": 5, "inode": 1, "cookie": 1, "local_port": 5},
    examples=(
        "SELECT name, peer_name, remote_address, remote_port, direction FROM connections WHERE state = 'ESTABLISHED'",
        "SELECT name, remote_address, count(*) FROM connections WHERE direction = 'outbound' GROUP BY 1, 2 ORDER BY 3 DESC",
        "SELECT pid, name, count(*) FROM connections WHERE state = 'CLOSE_WAIT' GROUP BY pid",
    ),
)
def connections(
    system: Snapshot,
    protocol: Values[str] = None,
    family: Values[str] = None,
    state: Values[str] = None,
    net_namespace: Values[int] = None,
    local_port: Once[Search[int]] = None,
    remote_port: Once[Search[int]] = None,
    local_address: Once[Values[str]] = None,
    remote_address: Once[Values[str]] = None,
) -> Iterable[found.Connection]:
    """Sockets with two ends, one row for each end that is on this machine."""
    region = Region(STATES if state is None else state & STATES, local_port, remote_port, local_address, remote_address)
    return found.connections(system.network, dumps.Search(protocol, family, net_namespace, region))

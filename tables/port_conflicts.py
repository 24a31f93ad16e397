"""port_conflicts: what stands in the way of binding a port, and what would help."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product

from sqlports.ports.binding import VERDICTS
from sqlports.schema import Asked, Column, Values, table
from sqlports.sources import bind_check
from sqlports.sources.bind_check import OBSTACLES, Conflict, Question
from sqlports.sources.owners import REASONS
from sqlports.sources.snapshot import Snapshot
from sqlports.sources.states import NAMES


@table(
    Column("port", int, "question.port", "Port that is asked for: WHERE port = …"),
    Column("protocol", str, "question.protocol", "'tcp' and 'udp'; 'udplite' or 'sctp' where it is asked for."),
    Column(
        "verdict",
        str,
        "ruling.verdict",
        "'blocks', 'blocks unless both set SO_REUSEADDR', 'blocks unless both set SO_REUSEPORT', 'does not block'; "
        "NULL where it is not known.",
        choices=VERDICTS,
    ),
    Column("why", str, "why", "The reason in a sentence, and what else would help."),
    Column(
        "obstacle",
        str,
        "obstacle",
        "What the row is about.",
        choices=OBSTACLES,
    ),
    Column(
        "state", str, "state", "State of the socket, as in sockets; NULL of another obstacle, as are the next.", choices=NAMES
    ),
    Column("local_address", str, "local_address", "Address that it has."),
    Column("remote_address", str, "remote_address", "Address of its other end; NULL where there is none."),
    Column("remote_port", int, "remote_port", "Port of its other end."),
    Column("pid", int, "owner.pid", "Its owner, as in sockets."),
    Column("name", str, "name", "Command name of that process."),
    Column("uid", int, "uid", "User that made it.", references="users.uid"),
    Column("owner_reason", str, "owner_reason", "'owned', or why pid is NULL.", choices=REASONS),
    Column("inode", int, "inode", "JOIN handles USING (inode) for all that hold it.", references="handles.inode"),
    Column(
        "cookie", int, "cookie", "JOIN sockets USING (cookie) for all else that is known of it.", references="sockets.cookie"
    ),
    Column(
        "net_namespace",
        int,
        "net_namespace",
        "Network namespace that is asked about: sqlports' own unless given.",
        references="net_namespaces.net_namespace",
    ),
    Column("address", str, "question.address", "Address to be bound: '::', which takes IPv4 too, unless given.", hidden=True),
    Column(
        "v6only", int, "question.v6only", "1 for an IPv6 socket that takes no IPv4 (IPV6_V6ONLY); 0 unless given.", hidden=True
    ),
    Column("reuse_address", int, "question.reuse_address", "1 with SO_REUSEADDR, 0 without; NULL: either.", hidden=True),
    Column("reuse_port", int, "question.reuse_port", "1 with SO_REUSEPORT, 0 without; NULL: either.", hidden=True),
    Column("as_uid", int, "question.as_uid", "User who is to bind it: who runs sqlports unless given.", hidden=True),
    Column("interface", str, "question.interface", "Interface to be bound to (SO_BINDTODEVICE); NULL: none.", hidden=True),
    rows=50_000,
    each={"port": 4},
    examples=(
        "SELECT verdict, why, state, pid, name FROM port_conflicts WHERE port = 8080 AND protocol = 'tcp'",
        "SELECT * FROM port_conflicts WHERE port = 5432 AND address = '127.0.0.1' AND reuse_address = 1",
        "SELECT count(*) FROM port_conflicts WHERE port IN (80, 443) AND protocol = 'tcp' AND verdict LIKE 'blocks%'",
    ),
)
def port_conflicts(
    system: Snapshot,
    port: Values[int],
    protocol: Asked[str] = None,
    net_namespace: Asked[int] = None,
    address: Asked[str] = None,
    v6only: Asked[int] = None,
    reuse_address: Asked[int] = None,
    reuse_port: Asked[int] = None,
    as_uid: Asked[int] = None,
    interface: Asked[str] = None,
) -> Iterable[Conflict]:
    """What stands or might seem to stand in the way of bind(2) and listen(2) on a port, one row each, with a verdict.

    A query names the port by `=` or IN, and so it says more of what is to be bound: the hidden columns have what was asked. A
    port is free where it has no row but of 'does not block'. Nothing is bound to find that out: what is bound meanwhile may
    be in the way yet.
    """
    questions = [
        Question(*one)
        for one in product(
            sorted(port or ()),
            ("tcp", "udp") if protocol is None else sorted(protocol),
            (bind_check.ANY,) if address is None else sorted(address),
            (0,) if v6only is None else sorted(v6only),
            (None,) if reuse_address is None else sorted(reuse_address),
            (None,) if reuse_port is None else sorted(reuse_port),
            (bind_check.own_uid(),) if as_uid is None else sorted(as_uid),
            (None,) if interface is None else sorted(interface),
        )
    ]
    # All before the first row: the walk that finds the owners is to come after the last list of sockets.
    return [
        conflict
        for check in bind_check.checks(system, net_namespace)
        for question in questions
        for conflict in check.conflicts(question, port or frozenset())
    ]

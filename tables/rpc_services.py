"""rpc_services: the RPC programs that are registered with rpcbind, and their ports."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sqlports.ports.rpc_programs import WELL_KNOWN
from sqlports.schema import Column, table
from sqlports.sources import rpcbind
from sqlports.sources.rpc_messages import FAMILIES, PROTOCOLS, Registration
from sqlports.sources.snapshot import Snapshot


class RpcService(NamedTuple):
    """A registration, and the name of its program."""

    told: Registration
    service: str | None


@table(
    Column("program", int, "told.program", "RPC program number."),
    Column("version", int, "told.version", "Version of the program."),
    Column("service", str, "service", "Name of the program, by /etc/rpc or as it is well known; NULL for none."),
    Column("protocol", str, "told.protocol", "Protocol; NULL for a netid that is not known.", choices=PROTOCOLS),
    Column("family", str, "told.family", "'ipv4', 'ipv6' or 'unix'.", choices=FAMILIES),
    Column(
        "address", str, "told.address", "Address, or path of a unix socket; NULL where it is none, or only version 2 answers."
    ),
    Column("port", int, "told.port", "Port: JOIN sockets USING (protocol, family, port)."),
    Column("owner", str, "told.owner", "Who registered it: 'superuser', or a user's number; NULL where not told."),
    Column("netid", str, "told.netid", "Transport as registered: 'tcp6', 'local', …; NULL where only version 2 answers."),
    Column("universal_address", str, "told.universal_address", "Address as registered, the last two numbers being the port."),
    rows=20,
    examples=(
        "SELECT service, version, protocol, port, owner FROM rpc_services WHERE family = 'ipv4' ORDER BY port",
        # Those of the kernel have no process: nfs and nlockmgr are named by nothing else.
        "SELECT DISTINCT r.service, protocol, port, s.pid, s.owner_reason FROM rpc_services r"
        " JOIN sockets s USING (protocol, family, port) WHERE s.remote_port IS NULL",
    ),
)
def rpc_services(system: Snapshot) -> Iterable[RpcService]:
    """RPC programs that are registered with rpcbind, one row for each registration, in its order.

    It is asked by its unix socket, or on port 111 of the loopback; one that systemd starts when it is asked, is started.
    It can tell the ports that the kernel itself holds, as for nfs. Of another system (`--root`) it is not asked.
    """
    return system.memo("rpc_services", lambda: _rows(system))


def _rows(system: Snapshot) -> list[RpcService]:
    found = system.ask(rpcbind.SOURCE, rpcbind.read)
    names = dict(WELL_KNOWN)
    if found:
        names |= dict(reversed(system.ask("/etc/rpc", rpcbind.names)))
    return [RpcService(one, names.get(one.program)) for one in found]

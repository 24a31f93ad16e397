"""free_ports: ports that nothing uses, and that anybody may use."""

from __future__ import annotations

from collections.abc import Iterable

from sqlports.schema import Column, Search, Values, table
from sqlports.sources import free_ports as free
from sqlports.sources.free_ports import FreePort
from sqlports.sources.known_ports import among
from sqlports.sources.snapshot import Snapshot


@table(
    Column("port", int, "known.port", "Port number."),
    Column("protocol", str, "known.protocol", "'tcp' or 'udp'.", choices=free.PROTOCOLS),
    Column("service", str, "known.named.service", "Name that IANA's registry has for it, as in port_registry; NULL for none."),
    Column("common_use", str, "known.common_use", "What commonly runs there; NULL where nothing is known."),
    Column(
        "bindable",
        int,
        "bindable",
        "1 when binding it, tried as this is asked, succeeds for all addresses, else 0; NULL where it cannot be tried.",
        hidden=True,
    ),
    key=("port", "protocol"),
    rows=70_000,
    each={"port": 1, "protocol": 35_000},
    examples=(
        "SELECT port FROM free_ports "
        "WHERE service IS NULL AND common_use IS NULL AND protocol = 'tcp' AND bindable = 1 LIMIT 3",
        "SELECT count(*) FROM free_ports WHERE port BETWEEN 8000 AND 8999 AND protocol = 'tcp'",
    ),
)
def free_ports(
    system: Snapshot, port: Search[int] = None, protocol: Values[str] = None, bindable: Values[int] = None
) -> Iterable[FreePort]:
    """Ports that no socket has in sqlports' own network namespace, one row for each (port, protocol).

    Left out are those that a socket of any state and address has, that the kernel hands out (ip_local_port_range) or keeps
    (ip_local_reserved_ports), and that take privilege. Only `bindable` tries: it binds the port for a moment, the one place
    where sqlports does so. It is asked of no more rows than a query wants, as with LIMIT.
    """
    # SQLite itself asks the rows whether they are bindable, after all else: no index over that column is made by trying all.
    del bindable
    return free.of(system).rows(among(port), protocol)

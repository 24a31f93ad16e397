"""net_namespaces: the network namespaces whose sockets are listed."""

from __future__ import annotations

from collections.abc import Iterable

from sqlports.schema import Column, Groups, Values, table
from sqlports.sources.namespaces import Namespace
from sqlports.sources.snapshot import Snapshot


@table(
    Column("net_namespace", int, "inode", "Its inode: JOIN sockets USING (net_namespace); NULL where that may not be read."),
    Column("mine", int, "is_mine", "1 for the one that sqlports runs in, else 0."),
    Column("path", str, "path", "Where it is mounted, as `ip netns add` does; NULL for nowhere that is seen from here."),
    Column("processes", int, "members.processes", "How many processes are in it."),
    Column("pid", int, "members.first", "The lowest of them."),
    rows=5,
    each={"net_namespace": 1, "mine": 1},
    examples=(
        "SELECT * FROM net_namespaces",
        "SELECT count(*) FROM sockets WHERE net_namespace = (SELECT net_namespace FROM net_namespaces WHERE mine = 1)",
    ),
)
def net_namespaces(system: Snapshot, mine: Values[int] = None, groups: Groups = frozenset()) -> Iterable[Namespace]:
    """Network namespaces that have a process or a mount, one row each."""
    # To know of mine nothing but its number takes no look at the processes.
    return system.network.namespaces(mine=mine == frozenset((1,)) and "members" not in groups)

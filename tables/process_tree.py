"""process_tree: who descends from whom, so that "all below N" and "who started this" are one WHERE each."""

from __future__ import annotations

from collections.abc import Iterable

from sqlports.schema import Column, Values, table
from sqlports.sources.lineage import Kinship, Lineage
from sqlports.sources.snapshot import Snapshot


@table(
    Column("ancestor", int, "ancestor", "Process id of the parent, its parent, and so on up.", references="processes.pid"),
    Column("descendant", int, "descendant", "Process id of the child, its child, and so on down.", references="processes.pid"),
    Column("depth", int, "depth", "1 for parent and child, 2 for a grandchild, …"),
    key=("ancestor", "descendant"),
    rows=2000,
    each={"ancestor": 4, "descendant": 4},
    examples=(
        "SELECT p.pid, p.name, depth FROM process_tree JOIN processes p ON p.pid = descendant WHERE ancestor = 1",
        "SELECT depth, p.pid, p.name FROM process_tree JOIN processes p ON p.pid = ancestor WHERE descendant = 1",
    ),
)
def process_tree(system: Snapshot, ancestor: Values[int] = None, descendant: Values[int] = None) -> Iterable[Kinship]:
    """Pairs of a process and one of its ancestors, one row each."""
    lineage: Lineage = system.memo(Lineage, lambda: Lineage(system))
    if descendant is not None:
        return (kin for pid in sorted(descendant) for kin in lineage.above(pid))
    if ancestor is not None:
        return (kin for pid in sorted(ancestor) for kin in lineage.below(pid))
    return lineage.all()

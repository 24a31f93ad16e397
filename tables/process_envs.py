"""process_envs: the environment variables of each process. Columns follow osquery."""

from __future__ import annotations

from collections.abc import Iterable

from sqlports.schema import Column, Values, table
from sqlports.sources.parts.environ import Variable
from sqlports.sources.snapshot import Snapshot


@table(
    Column("pid", int, "pid", "Process."),
    Column("key", str, "key", "Name: what stands before the first '='; the whole entry where it has none."),
    Column("value", str, "value", "Value: what stands behind it; NULL for an entry without '='."),
    osquery="value",
    rows=15000,
    each={"pid": 30},
    examples=(
        "SELECT key, value FROM process_envs WHERE pid = 1",
        "SELECT pid, name, value FROM process_envs JOIN processes USING (pid) WHERE key = 'LD_PRELOAD'",
    ),
)
def process_envs(system: Snapshot, pid: Values[int] = None) -> Iterable[Variable]:
    """Environment variables, one row each, in their order.

    That is what a process was started with: what it has set since is not told, unless it wrote it into the same place. An
    entry without '=' is there too (osquery gives it twice, as key and as value), and so is every entry of the same name.
    """
    return (variable for process in system.processes(pid) for variable in process.environ)

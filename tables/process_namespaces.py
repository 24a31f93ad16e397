"""process_namespaces: which namespaces each process is in. Columns follow osquery."""

from __future__ import annotations

from collections.abc import Iterable

from sqlports.schema import Column, Values, table
from sqlports.sources.snapshot import Snapshot
from sqlports.sources.subjects import Process


@table(
    Column("pid", int, "pid", "Process."),
    Column("cgroup_namespace", str, "namespace_texts.cgroup", "Control group namespace, by inode; NULL where not permitted."),
    Column("ipc_namespace", str, "namespace_texts.ipc", "IPC namespace."),
    Column("mnt_namespace", str, "namespace_texts.mnt", "Mount namespace."),
    Column("net_namespace", str, "namespace_texts.net", "Network namespace."),
    Column("pid_namespace", str, "namespace_texts.pid", "PID namespace."),
    Column("user_namespace", str, "namespace_texts.user", "User namespace."),
    Column("uts_namespace", str, "namespace_texts.uts", "Namespace of the host name."),
    key=("pid",),
    osquery="uts_namespace",
    rows=500,
    transient=True,
    examples=(
        "SELECT mnt_namespace, count(*) FROM process_namespaces GROUP BY mnt_namespace",
        "SELECT p.pid, p.name FROM process_namespaces n JOIN processes p USING (pid) "
        "WHERE n.pid_namespace <> (SELECT pid_namespace FROM process_namespaces WHERE pid = 1)",
    ),
)
def process_namespaces(system: Snapshot, pid: Values[int] = None) -> Iterable[Process]:
    """Namespaces of processes, one row for each process: inodes as text. `processes` has them as numbers."""
    return system.processes(pid)

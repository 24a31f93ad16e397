"""threads: every thread of every process, each with its own name, state, times and privileges."""

from __future__ import annotations

from collections.abc import Iterable

from sqlports.schema import Column, Values, table
from sqlports.sources.parts.privileges import SECCOMP
from sqlports.sources.parts.scheduling import POLICIES
from sqlports.sources.parts.stat import STATES
from sqlports.sources.snapshot import Snapshot
from sqlports.sources.subjects import Thread


@table(
    Column("pid", int, "pid", "Process that it belongs to."),
    Column("tid", int, "tid", "Thread id; the first thread of a process has the process's."),
    Column("name", str, "comm.name", "Its own name, at most 15 bytes; a kernel thread's may be longer."),
    Column(
        "state",
        str,
        "stat.state",
        "R running, S sleeping, D deaf to signals (disk, NFS), Z zombie, T stopped, t traced, I idle, P parked, X dead.",
        choices=STATES,
    ),
    Column("user_time", int, "stat.user_time", "CPU time in user space, in milliseconds."),
    Column("system_time", int, "stat.system_time", "CPU time in the kernel, in milliseconds."),
    Column("cpu_percent", float, "stat.cpu_percent", "CPU time since its start, in percent of one processor."),
    Column("started", float, "stat.started", "Start, in seconds since 1970, to a hundredth."),
    Column("start_time", int, "stat.start_time", "Start, in whole seconds since 1970, cut as by ps: up to 2 s early."),
    Column("nice", int, "stat.nice", "Nice value, -20 (first served) to 19."),
    Column("priority", int, "scheduling.priority", "Priority as the kernel counts it: 20 + nice, or below 0 for real time."),
    Column(
        "scheduler",
        str,
        "scheduling.policy",
        "Scheduling policy (sched(7)).",
        choices=POLICIES,
    ),
    Column("realtime_priority", int, "scheduling.realtime_priority", "1 to 99 under SCHED_FIFO and SCHED_RR, else 0."),
    Column("processor", int, "scheduling.processor", "Processor that it last ran on."),
    Column("minor_faults", int, "scheduling.minor_faults", "Page faults that needed no disk."),
    Column("major_faults", int, "scheduling.major_faults", "Page faults that needed one."),
    Column("uid", int, "status.uid", "Real user id.", references="users.uid"),
    Column("euid", int, "status.euid", "Effective user id: the kernel keeps it thread by thread.", references="users.uid"),
    Column("gid", int, "status.gid", "Real group id.", references="groups.gid"),
    Column("egid", int, "status.egid", "Effective group id.", references="groups.gid"),
    Column("tracer", int, "rest.tracer", "Process that traces it (ptrace); NULL for none.", references="processes.pid"),
    Column("voluntary_switches", int, "rest.voluntary", "How often it gave the processor up by itself, to wait."),
    Column("involuntary_switches", int, "rest.involuntary", "How often the processor was taken from it."),
    Column("cap_effective", str, "privileges.effective", "Capabilities that it has now, joined by '|'; '' for none."),
    Column("cap_permitted", str, "privileges.permitted", "Capabilities that it may take up."),
    Column("seccomp", str, "privileges.seccomp", "'disabled', 'strict' or 'filter'.", choices=tuple(SECCOMP.values())),
    Column("no_new_privs", int, "privileges.no_new_privs", "1 when exec gives it no more privileges than it has."),
    Column("lsm_label", str, "label.text", "SELinux context, AppArmor profile, …; NULL without such a module."),
    Column("cgroup_path", str, "cgroup.path", "Path of its control group."),
    Column(
        "net_namespace",
        int,
        "namespaces.net",
        "Its network namespace, which may be another than its process's.",
        references="net_namespaces.net_namespace",
    ),
    Column("wait_channel", str, "wchan.name", "Function of the kernel in which it waits; NULL while it runs."),
    key=("pid", "tid"),
    rows=1500,
    transient=True,
    each={"pid": 3},
    examples=(
        "SELECT p.name, count(*) FROM threads JOIN processes p USING (pid) GROUP BY pid ORDER BY 2 DESC LIMIT 5",
        "SELECT tid, name, state, processor FROM threads WHERE pid = 1",
        "SELECT pid, tid, name FROM threads WHERE state = 'D'",
    ),
)
def threads(system: Snapshot, pid: Values[int] = None) -> Iterable[Thread]:
    """Threads, one row each."""
    return system.threads(pid)

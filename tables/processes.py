"""processes: what the kernel says of each running process. Columns and units follow osquery where it has them."""

from __future__ import annotations

from collections.abc import Iterable

from sqlports.schema import Column, Values, table
from sqlports.sources.snapshot import Snapshot
from sqlports.sources.subjects import Process


@table(
    Column("pid", int, "pid", "Process id."),
    Column("name", str, "stat.comm", "Command name as the process set it, at most 15 bytes; a kernel thread's may be longer."),
    Column("path", str, "exe.path", "Executable; NULL for a kernel thread and a zombie, which have none."),
    Column("cmdline", str, "cmdline.text", "Arguments joined by spaces; NULL for a kernel thread."),
    Column("state", str, "stat.state", "R running, S sleeping, D waiting for a disk, Z zombie, T stopped, t traced, I idle."),
    Column("cwd", str, "cwd.path", "Current directory; the kernel adds ' (deleted)' when it was removed."),
    Column("root", str, "root.path", "Root directory: not '/' after chroot."),
    Column("uid", int, "status.uid", "Real user id."),
    Column("gid", int, "status.gid", "Real group id."),
    Column("euid", int, "status.euid", "Effective user id."),
    Column("egid", int, "status.egid", "Effective group id."),
    Column("suid", int, "status.suid", "Saved user id."),
    Column("sgid", int, "status.sgid", "Saved group id."),
    Column("on_disk", int, "exe.on_disk", "1 while the executable's file exists, 0 when it was removed."),
    Column("wired_size", int, "status.wired_size", "Memory locked into RAM, in bytes; NULL for a kernel thread."),
    Column("resident_size", int, "status.resident_size", "Memory held in RAM, in bytes; NULL for a kernel thread."),
    Column("total_size", int, "status.total_size", "Virtual memory, in bytes; NULL for a kernel thread."),
    Column("user_time", int, "stat.user_time", "CPU time in user space, in milliseconds."),
    Column("system_time", int, "stat.system_time", "CPU time in the kernel, in milliseconds."),
    Column("disk_bytes_read", int, "io.read", "Bytes read from storage."),
    Column("disk_bytes_written", int, "io.written", "Bytes written to storage, less those dropped before."),
    Column("start_time", int, "stat.start_time", "Start, in whole seconds since 1970, cut as by ps: up to 2 s early."),
    Column("parent", int, "stat.parent", "Parent's process id; 0 for the first processes of the system."),
    Column("pgroup", int, "stat.pgroup", "Process group id."),
    Column("threads", int, "stat.threads", "Number of threads."),
    Column("nice", int, "stat.nice", "Nice value, -20 (first served) to 19."),
    Column("cgroup_path", str, "cgroup.path", "Path of its control group."),
    Column("unit", str, "cgroup.unit", "systemd unit by its control group: 'nginx.service', 'session-3.scope'."),
    Column("container_id", str, "cgroup.container", "Id or name of its container by its control group; NULL for none."),
    Column("container_runtime", str, "cgroup.runtime", "'docker', 'podman', 'containerd', 'cri-o', 'lxc', …"),
    Column("pod_uid", str, "cgroup.pod", "Uid of its Kubernetes pod; NULL for none."),
    Column("argv", str, "cmdline.argv", "Arguments as a JSON array: their boundaries are kept."),
    Column("session", int, "stat.session", "Session id."),
    Column("tty", str, "stat.tty", "Controlling terminal, as named in /dev; NULL for none."),
    Column("fd_count", int, "descriptors.open", "Number of open descriptors."),
    Column("started", float, "stat.started", "Start, in seconds since 1970, to a hundredth."),
    Column("elapsed_time", int, "stat.elapsed_time", "Seconds since it started.", hidden=True),
    Column("handle_count", int, "descriptors.open", "fd_count, under the name that Windows has for it.", hidden=True),
    Column("elevated_token", int, None, "Windows only; NULL here.", hidden=True),
    Column("secure_process", int, None, "Windows only; NULL here.", hidden=True),
    Column("protection_type", str, None, "Windows only; NULL here.", hidden=True),
    Column("virtual_process", int, None, "Windows only; NULL here.", hidden=True),
    Column("percent_processor_time", int, None, "Windows only; NULL here.", hidden=True),
    Column("upid", int, None, "macOS only; NULL here.", hidden=True),
    Column("uppid", int, None, "macOS only; NULL here.", hidden=True),
    Column("cpu_type", int, None, "macOS only; NULL here.", hidden=True),
    Column("cpu_subtype", int, None, "macOS only; NULL here.", hidden=True),
    Column("translated", int, None, "macOS only; NULL here.", hidden=True),
    key=("pid",),
    rows=500,
    transient=True,
    examples=(
        "SELECT name, count(*), sum(resident_size) FROM processes GROUP BY name ORDER BY 3 DESC LIMIT 5",
        "SELECT pid, name, path FROM processes WHERE on_disk = 0",
        "SELECT p.pid, p.name, q.name AS started_by FROM processes p JOIN processes q ON q.pid = p.parent",
    ),
)
def processes(system: Snapshot, pid: Values[int] = None) -> Iterable[Process]:
    """Running processes, one row each."""
    return system.processes(pid)

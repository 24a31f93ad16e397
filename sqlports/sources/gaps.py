"""What psutil cannot tell, platform by platform: the rows that scan_errors has of it."""

from __future__ import annotations

# What a platform cannot tell through psutil: the part of a process or the table for which it would be read, the platforms
# (of sys.platform; all but those after a '!'), and the words for scan_errors. Columns "not known", and all others where only
# some "are" known, are NULL in every row.
GAPS = (
    ("stat", "win32", "processes: not known: pgroup, session, tty, nice"),
    ("stat", "darwin win32", "processes: of the states only T and Z are known"),
    ("stat", "! win32", "processes: tty is not known of a terminal younger than this program"),
    ("status", "! win32", "processes: not known: wired_size"),
    ("status", "win32", "processes: not known: wired_size, uid, gid, euid, egid, suid, sgid"),
    ("io", "linux", "processes: not known: disk_bytes_written, cancelled_write_bytes"),
    (
        "io",
        "! linux",
        "processes: not known: disk_bytes_read, disk_bytes_written, rchar, wchar, syscr, syscw, read_bytes, write_bytes, "
        "cancelled_write_bytes",
    ),
    ("cmdline", "linux", "processes: argv is split at blanks where the process wrote it anew"),
    ("cgroup", "!", "processes: not known: cgroup_path, unit, user_unit, container_id, container_runtime, pod_uid"),
    ("exe", "!", "processes: not known: deleted"),
    ("on_disk", "!", "processes: not known: on_disk"),
    ("root", "!", "processes: not known: root"),
    (
        "scheduling",
        "!",
        "processes: not known: kernel_thread, scheduler, priority, realtime_priority, minor_faults, major_faults",
    ),
    ("scheduling", "! linux", "processes: not known: processor"),
    ("rest", "!", "processes: not known: peak_size, swap_size, supplementary_gids, umask, tracer, namespace_pid"),
    ("rest", "! linux", "processes: not known: shared_size, voluntary_switches, involuntary_switches"),
    ("oom", "!", "processes: not known: oom_score, oom_score_adj"),
    ("limits", "!", "processes: not known: limits"),
    ("limits", "! linux", "processes: not known: open_files_limit, open_files_hard_limit"),
    ("quota", "!", "processes: not known: memory_limit, cpu_limit"),
    (
        "privileges",
        "!",
        "processes: not known: cap_effective, cap_permitted, cap_inheritable, cap_bounding, cap_ambient, no_new_privs, "
        "seccomp, seccomp_filters",
    ),
    ("label", "!", "processes: not known: lsm_label"),
    ("audit", "!", "processes: not known: login_uid, login_session"),
    ("wchan", "!", "processes: not known: wait_channel"),
    (
        "namespaces",
        "!",
        "processes: not known: cgroup_namespace, ipc_namespace, mnt_namespace, net_namespace, pid_namespace, time_namespace, "
        "user_namespace, uts_namespace",
    ),
    ("threads", "!", "threads: none are listed"),
    (
        "environ",
        "!",
        "process_envs: of several variables of one name only the last is known, and none without '=' or behind an empty one",
    ),
    ("environ", "win32", "process_envs: names are in capitals"),
    ("maps", "!", "process_memory_map: none are listed"),
    ("namespace_texts", "!", "process_namespaces: none is known"),
    (
        "sockets",
        "!",
        "sockets: only these are known: protocol, family, type, state, local_address, local_port, remote_address, remote_port, "
        "path, pid, fd, owners, owner_reason, keeper_pid, siblings, port, address, named_pid, named_fd",
    ),
    ("sockets", "!", "sockets: of tcp, udp and unix only, and of the network namespace that this program is in"),
    ("sockets", "!", "sockets: the number of owners is not known where there is one"),
    ("sockets", "linux", "sockets: an address is not known while its port is 0"),
    ("sockets", "linux", "sockets: those that are alike and have no known holder are listed as one"),
    ("sockets", "linux", "sockets: of several holders pid is any one"),
    ("sockets", "linux", "sockets: a tcp socket that is bound and no more is not listed"),
    ("sockets", "darwin", "sockets: those that no process holds are not listed"),
    ("sockets", "! linux win32", "sockets: one with several holders is listed for each, unless it is a TCP connection"),
    ("sockets", "win32", "sockets: not known: fd"),
    ("sockets", "win32", "sockets: pid is who made it, ended or not"),
    ("sockets", "win32", "sockets: whether a udp socket is connected is not known"),
    ("unix", "! win32", "sockets: the state of a unix socket is not known"),
    ("unix", "linux", "sockets: the path of a unix socket is not known when it has blanks"),
    ("unix", "linux", "sockets: a unix socket is listed for each of its holder's descriptors"),
    ("unix", "win32", "sockets: unix sockets are not listed"),
    (
        "handles",
        "linux",
        "handles: not known: inode, tid, size, file_inode, device, file_system, mount_id, locks, detail, peer_pid, peer_fd",
    ),
    (
        "handles",
        "! linux",
        "handles: not known: inode, tid, access, flags, offset, size, file_inode, device, file_system, mount_id, "
        "close_on_exec, locks, detail, peer_pid, peer_fd",
    ),
    ("handles", "! win32", "handles: which socket one is is not known; deleted is 0 also when another file has the name now"),
    ("handles", "linux", "handles: of several descriptors for one tcp or udp socket only one is listed"),
    ("handles", "! win32", "handles: only files that still have their name, and tcp, udp and unix sockets are listed"),
    ("handles", "win32", "handles: none are listed, for their numbers are not known"),
    ("port_registry", "!", "port_registry: not known: ephemeral, reserved, privileged"),
)


def gaps(platform: str) -> dict[str, list[str]]:
    """What one platform (`sys.platform`) cannot tell through psutil, by what is read when it is missed."""
    found: dict[str, list[str]] = {}
    for part, platforms, reason in GAPS:
        if (platform in platforms.split()) != platforms.startswith("!"):
            found.setdefault(part, []).append(reason)
    return found

"""What the tables are made of, in words: what is walked for their rows, what is read for the parts of a row."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sqlports import registry
from sqlports.schema import Column

# For each table what its rows take, and what they take of a search that it serves by itself ('' where that spares nothing).
ROWS = {
    "connections": (
        "asks the kernel for all sockets that can be connected (sock_diag)",
        "asks the kernel for these sockets alone (sock_diag)",
    ),
    "coverage": ("looks at processes, handles and sockets, to count what may not be seen", "looks at what these are about"),
    "file": ("looks for files", "looks for the files of these paths"),
    "free_ports": (
        "asks the kernel for its TCP and UDP sockets and settings, and counts through the ports",
        "asks the kernel for its TCP and UDP sockets and settings, and looks at these ports alone",
    ),
    "groups": ("reads the groups of the system", ""),
    "handles": ("walks the handle tables of all processes (/proc/PID/fd)", "reads the handle tables of these processes"),
    "hash": ("looks for files", "looks for the files of these paths"),
    "kernel_info": ("reads what the kernel is and was booted with (/proc/version, /proc/cmdline)", ""),
    "kernel_modules": ("reads the kernel's list of modules (/proc/modules)", ""),
    "load_average": ("reads /proc/loadavg", ""),
    "logged_in_users": ("reads the system's file of logins (utmp)", ""),
    "memory_info": ("reads /proc/meminfo", ""),
    "net_namespaces": (
        "finds the network namespaces, by processes (/proc/PID/ns/net) and mounts",
        "takes the one that sqlports runs in",
    ),
    "osquery_flags": ("tells its flags", ""),
    "osquery_info": ("tells of sqlports itself", ""),
    "osquery_packs": ("reads osquery's configuration", ""),
    "osquery_schedule": ("reads osquery's configuration", ""),
    "port_conflicts": (
        "asks the kernel who has the port, and for its settings",
        "asks the kernel who has these ports, and for its settings",
    ),
    "port_names": (
        "goes through the lists of ports (IANA's, of common use, /etc/services)",
        "looks these ports up in the lists (IANA's, of common use, /etc/services)",
    ),
    "port_ranges": (
        "reads the kernel's settings of port ranges in every network namespace",
        "reads the kernel's settings of port ranges in these network namespaces",
    ),
    "port_registry": (
        "goes through all ports of TCP and UDP, and what the lists have of other protocols (IANA's, /etc/services)",
        "takes these ports, and what the lists have of them in other protocols (IANA's, /etc/services)",
    ),
    "process_envs": ("reads the environment of every process (/proc/PID/environ)", "reads the environment of these processes"),
    "process_memory_map": ("reads the memory map of every process (/proc/PID/maps)", "reads the memory map of these processes"),
    "process_namespaces": ("lists the processes (/proc)", "looks at these processes alone"),
    "process_open_files": (
        "walks the handle tables of all processes (/proc/PID/fd)",
        "reads the handle tables of these processes",
    ),
    "process_open_pipes": (
        "walks the handle tables of all processes (/proc/PID/fd), and reads /proc/PID/fdinfo/FD of their pipes",
        "reads the handle tables of these processes, and where they have pipes walks those of all (/proc/PID/fd)",
    ),
    "process_tree": (
        "reads the parent of every process (/proc/PID/stat)",
        "follows parents up from these processes (/proc/PID/stat)",
    ),
    "processes": ("lists the processes (/proc)", "looks at these processes alone"),
    "rpc_services": ("asks rpcbind what is registered", ""),
    "scan_errors": ("goes through what could not be read", ""),
    "shared_memory": ("reads the kernel's list of segments (/proc/sysvipc/shm)", ""),
    "sockets": ("asks the kernel for all its sockets (sock_diag)", "asks the kernel for these sockets alone (sock_diag)"),
    "system_info": ("takes the machine, of which each part is read when it is asked for (/proc, /sys/class/dmi/id)", ""),
    "threads": ("lists the threads of all processes (/proc/PID/task)", "lists the threads of these processes"),
    "time": ("reads the clock", ""),
    "uptime": ("reads /proc/uptime", ""),
    "user_groups": ("reads the users and groups of the system", ""),
    "users": ("reads the users of the system", ""),
}
# Where it depends on what is searched: the first of these whose columns all are.
_BY: dict[str, dict[tuple[str, ...], str]] = {
    "file": {("path",): ROWS["file"][1], ("directory",): "lists these directories"},
    "hash": {("path",): ROWS["hash"][1], ("directory",): "lists these directories"},
    "free_ports": {
        (
            "port",
            "protocol",
        ): "asks the kernel for the sockets of this protocol and its settings, and looks at these ports alone",
        ("protocol",): "asks the kernel for the sockets of this protocol and its settings, and counts through the ports",
    },
    "port_names": {
        **dict.fromkeys((("port", "source"), ("service", "source")), "looks these up in the lists of these sources"),
        ("port",): ROWS["port_names"][1],
        ("service",): "looks these names up in the lists (IANA's, of common use, /etc/services)",
        ("source",): "goes through these lists of ports",
    },
    "port_registry": {
        ("service",): "finds the ports of these names in IANA's list",
        ("port", "protocol"): "takes these ports of this protocol",
        ("protocol",): "goes through all ports of this protocol",
    },
    "process_tree": {
        ("descendant",): ROWS["process_tree"][1],
        ("ancestor",): "reads the parent of every process (/proc/PID/stat), and follows children down from these",
    },
}

_WALK = "walks the handle tables of all processes (/proc/PID/fd), once"
_WALK_FOR_OWNERS = f"{_WALK}, if a row can have an owner"
_FAR_ENDS = "finds the other end among all sockets of the protocol, listed once"
_FDINFO = "/proc/PID/fdinfo/FD"
_NOT_TOLD = f"{_FDINFO} and stat(2) where the link does not tell"
_NAME = "/proc/PID/comm of its process"
_IANA, _USES, _SERVICES = "IANA's list", "the list of common use", "reads /etc/services, once"
_PORT_SETTINGS = "reads the kernel's settings of port ranges, once"
# What is read for a column, by how its path begins; what is done once for all rows begins with a verb.
_PARTS: dict[str, dict[str, tuple[str, ...]]] = {
    "sockets": {
        "owner": (_WALK,),
        "keeper": (_WALK,),
        "memory": ("asks for the kernel's count of memory and drops (INET_DIAG_SKMEMINFO)",),
        "info": ("asks for TCP's own figures (INET_DIAG_INFO)",),
        "autobound": ("asks the kernel which ports it chose, once",),
        "siblings": ("finds who shares the address among all that is bound, listed once",),
        "cgroup": ("reads the numbers of the control groups, once", f"{_WALK}, if that does not name the group of a socket"),
    },
    "connections": {
        **dict.fromkeys(("socket.owner", "pid"), (_WALK_FOR_OWNERS,)),
        "name": (_WALK_FOR_OWNERS, _NAME),
        **dict.fromkeys(("direction", "accepted", "path", "peer_inode", "peer_namespace"), (_FAR_ENDS,)),
        "peer_pid": (_FAR_ENDS, _WALK_FOR_OWNERS),
        "peer_name": (_FAR_ENDS, _WALK_FOR_OWNERS, _NAME),
    },
    "port_conflicts": {
        **dict.fromkeys(("owner", "owner_reason"), (_WALK_FOR_OWNERS,)),
        "name": (_WALK_FOR_OWNERS, _NAME),
    },
    "port_ranges": {
        "tcp_in_use": ("asks the kernel for all TCP sockets there, once",),
        "udp_in_use": ("asks the kernel for all UDP sockets there, once",),
    },
    "handles": {
        **dict.fromkeys(("what", "target", "deleted"), (_NOT_TOLD,)),
        "fdinfo": (_FDINFO,),
        "file_inode": (f"{_FDINFO} of what has a path",),
        "file": (f"{_FDINFO} of what has a path", "stat(2) of what is on local mounts"),
        "mount": (f"{_FDINFO} of what has a path", "mountinfo where its mount is not known yet"),
        "detail": (_FDINFO, "stat(2) of what is on local mounts"),
        "peer": (
            f"{_WALK}, if a link of theirs may be read",
            "asks the kernel for its unix sockets, once, if a row is a socket",
            f"{_FDINFO} of both ends",
        ),
    },
    "file": {"stat": ("stat(2)",), "birth": ("stat(2)", "statx(2)"), "target": ("stat(2)", "readlink(2) of links")},
    "hash": dict.fromkeys(("md5", "sha1", "sha256"), ("the whole file",)),
    "port_registry": {
        "named": (_IANA,),
        **dict.fromkeys(("common_use", "programs"), (_USES,)),
        **dict.fromkeys(("local_service", "local_aliases"), (_SERVICES,)),
        "source": (_IANA, _USES, _SERVICES),
        **dict.fromkeys(("ephemeral", "reserved", "privileged"), (_PORT_SETTINGS,)),
    },
    "free_ports": {
        "known.named": (_IANA,),
        "known.common_use": (_USES,),
        "bindable": ("bind(2), for a moment",),
    },
}
_OF_PROCESSES = {"processes", "threads", "process_namespaces"}
# Below /proc/PID or /proc/PID/task/TID, where a part takes more than its own file; what begins with a space is none there.
_MORE = {
    "audit": ("loginuid", "sessionid"),
    "on_disk": ("exe", " stat(2) of the executable's path"),
    "oom": ("oom_score", "oom_score_adj"),
    "quota": ("cgroup", " the limits of its control group"),
    "wchan": ("wchan", "stat where that tells nothing"),
}


def does(table: str, searched: Collection[str]) -> str:
    """What the rows of a table take, when it searches by these columns itself."""
    whole, some = ROWS.get(table, ("makes its rows", ""))
    found = (words for columns, words in _BY.get(table, {}).items() if set(columns) <= set(searched))
    return next(found, some or whole) if searched else whole


def is_idle(table: str, column: str, groups: Collection[str]) -> bool:
    """Whether a search by a column spares nothing, although the table says that it makes it itself."""
    return (table, column) == ("free_ports", "bindable") or (
        (table, column) == ("net_namespaces", "mine") and "members" in groups
    )


def reads(table: str, columns: Iterable[Column], wanted: Collection[str] = (), others: Collection[str] = ()) -> list[str]:
    """What is read for columns of a table: files, and what is done once for all rows.

    `wanted` are the parts that are wanted of its rows, `others` those that the rest of the statement wants.
    """
    return list(dict.fromkeys(what for column in columns for what in _of_column(table, column, wanted, others)))


def _of_column(table: str, column: Column, wanted: Collection[str], others: Collection[str]) -> Iterable[str]:
    path = column.path or ""
    if table not in _OF_PROCESSES:
        beginnings = (path, path.rpartition(".")[0], path.partition(".")[0])
        known = _PARTS.get(table, {})
        return next((known[beginning] for beginning in beginnings if beginning in known), ())
    if not column.group:
        return ()
    from sqlports.sources import parts

    within = "/proc/PID/task/TID/" if table == "threads" else "/proc/PID/"
    names = _MORE.get(column.group, (parts.source(parts.of(column.group) or column.group),))
    if column.group == "comm":
        names = (_name(wanted, others),)
    return [name.strip() if name.startswith(" ") else within + name for name in names]


def _name(wanted: Collection[str], others: Collection[str]) -> str:
    """The file that has the name: one that is read anyway, if there is one."""
    for known, text in ((wanted, "{}"), (others, "comm or {}")):
        for other in ("stat", "status"):
            if other in known:
                return text.format(other)
    return "comm"


def is_once(what: str) -> bool:
    """Whether that is done for all rows at once."""
    return what.startswith(("walks ", "asks ", "finds ", "reads "))


def is_shared(what: str) -> bool:
    """Whether all looks of a statement share what they find so."""
    return what.startswith(("walks ", "lists ", "asks the kernel for all "))


def parts_of(table: str) -> dict[str, list[str]]:
    """What is read for which columns of a table."""
    found: dict[str, list[str]] = {}
    for column in registry.table(table).columns:
        for what in () if column.hidden else reads(table, [column]):
            found.setdefault(what, []).append(column.name)
    return found

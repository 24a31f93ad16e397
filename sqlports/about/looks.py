"""What the tables are made of, in words: what is walked for their rows, what is read for the parts of a row."""

from __future__ import annotations

from sqlports import registry

# For each table what its rows take, and what they take of a search that it serves by itself ('' where it makes none).
ROWS = {
    "connections": (
        "asks the kernel for its sockets (sock_diag) and pairs the ends",
        "asks the kernel for some of its sockets",
    ),
    "coverage": ("looks at processes, handles and sockets, to count what may not be seen", "looks at what these are about"),
    "file": ("looks for files", "looks for the files of these paths"),
    "free_ports": ("asks the kernel for its TCP and UDP sockets, and counts through the ports", "counts through these ports"),
    "groups": ("reads the groups of the system", ""),
    "handles": ("walks the handle tables of all processes (/proc/PID/fd)", "reads the handle tables of these processes"),
    "hash": ("looks for files", "looks for the files of these paths"),
    "logged_in_users": ("reads the system's file of logins (utmp)", ""),
    "net_namespaces": ("finds the network namespaces, by processes and mounts", ""),
    "port_conflicts": ("asks the kernel who has the port, and for its settings", "asks the kernel who has these ports"),
    "port_names": ("goes through the lists of ports (IANA's and /etc/services)", "looks these ports up in the lists"),
    "port_ranges": ("reads the kernel's settings of port ranges", ""),
    "port_registry": ("goes through all 65,536 ports by IANA's list and /etc/services", "looks these ports up in the lists"),
    "process_envs": ("reads the environment of every process (/proc/PID/environ)", "reads the environment of these processes"),
    "process_memory_map": ("reads the memory map of every process (/proc/PID/maps)", "reads the memory map of these processes"),
    "process_namespaces": ("lists the processes (/proc)", "looks at these processes alone"),
    "process_open_files": (
        "walks the handle tables of all processes (/proc/PID/fd)",
        "reads the handle tables of these processes",
    ),
    "process_open_pipes": (
        "walks the handle tables of all processes (/proc/PID/fd)",
        "walks the handle tables, for these processes",
    ),
    "process_tree": ("reads the parent of every process (/proc/PID/stat)", "follows parents from these processes"),
    "processes": ("lists the processes (/proc)", "looks at these processes alone"),
    "rpc_services": ("asks rpcbind what is registered", ""),
    "scan_errors": ("goes through what could not be read", ""),
    "sockets": ("asks the kernel for all its sockets (sock_diag)", "asks the kernel for these sockets alone (sock_diag)"),
    "threads": ("lists the threads of all processes (/proc/PID/task)", "lists the threads of these processes"),
    "user_groups": ("reads the users and groups of the system", ""),
    "users": ("reads the users of the system", ""),
}

_HANDLES = "walks the handle tables of all processes (/proc/PID/fd), once"
_SOCKET_PARTS = {
    "owner": _HANDLES,
    "keeper": _HANDLES,
    "memory": "asks for the kernel's count of memory and drops (INET_DIAG_SKMEMINFO)",
    "info": "asks for TCP's own figures (INET_DIAG_INFO)",
}
# What is read for the parts of rows that are no process's, by table; what is done for all rows at once begins with a verb.
_PARTS = {
    "sockets": _SOCKET_PARTS,
    "connections": {"socket": _HANDLES},
    "port_conflicts": {"owner": _HANDLES},
    "handles": {
        "what": "/proc/PID/fdinfo/FD where the link does not tell the type",
        "fdinfo": "/proc/PID/fdinfo/FD",
        "file": "stat(2) of the open file, on local mounts",
        "mount": "/proc/PID/mountinfo",
        "peer": _HANDLES,
        "detail": "/proc/PID/fdinfo/FD",
    },
    "file": {"stat": "stat(2)", "birth": "statx(2)", "target": "readlink(2)"},
    "hash": {"md5": "the whole file", "sha1": "the whole file", "sha256": "the whole file"},
    "port_registry": {"named": "IANA's list"},
    "free_ports": {"known": "IANA's list"},
}
_OF_PROCESSES = {"processes", "threads", "process_namespaces"}


def part(table: str, group: str) -> str:
    """What is read for a part of a row of a table: a file, or what is done for all rows; '' where nothing more is."""
    if table in _OF_PROCESSES:
        from sqlports.sources import parts

        within = "/proc/PID/task/TID/" if table == "threads" else "/proc/PID/"
        return within + parts.source(group)
    return _PARTS.get(table, {}).get(group, "")


def is_once(what: str) -> bool:
    """Whether that is done for all rows at once."""
    return what.startswith(("walks ", "asks "))


def parts_of(table: str) -> dict[str, list[str]]:
    """What is read for which columns of a table."""
    found: dict[str, list[str]] = {}
    for column in registry.table(table).columns:
        what = part(table, column.group) if column.group else ""
        if what and not column.hidden:
            found.setdefault(what, []).append(column.name)
    return found

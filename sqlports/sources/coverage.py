"""How much of the system a look can see, aspect by aspect: what an audit asks before it calls a look clean."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from sqlports.sources.dumps import Search
from sqlports.sources.records import Unsupported
from sqlports.sources.refusals import ENDED, PERMISSION
from sqlports.sources.region import Region
from sqlports.sources.snapshot import Snapshot

# What it takes to see everything: others' handles and executables, other namespaces, the lists of sockets there.
NEEDED = ("CAP_SYS_PTRACE", "CAP_SYS_ADMIN", "CAP_NET_ADMIN", "CAP_DAC_READ_SEARCH")

# More processes than these are counted and not named.
FEW = 5


class Coverage(NamedTuple):
    """One aspect of a look.

    seen, unseen   how many of its things were seen, and how many are there and were not; None for what cannot be counted
    complete       1 where nothing is missing, 0 where something is, None where that is not known
    detail         in words, what is missing or how that is known
    """

    aspect: str
    seen: int | None
    unseen: int | None
    complete: int | None
    detail: str | None


def coverage(system: Snapshot, aspects: frozenset[str] | None = None) -> Iterator[Coverage]:
    """The aspects, or those of these names. Each takes the look that its tables take; what is refused is counted as theirs."""
    return (look(system)._replace(aspect=name) for name, look in _LOOKS.items() if aspects is None or name in aspects)


def _counted(known: int, refused: set[object], detail: str | None = None) -> Coverage:
    return Coverage("", known - len(refused), len(refused), int(not refused), detail)


def _of_processes(system: Snapshot, known: int, *sources: str) -> Coverage:
    """How many of so many processes refused one of these, and which."""
    refused = {one.pid for one in system.refusals() if one.source in sources and one.reason != ENDED and one.pid is not None}
    named = ", ".join(map(str, sorted(refused)[:FEW])) + (f" and {len(refused) - FEW:,} more" if len(refused) > FEW else "")
    return _counted(known, set(refused), f"not permitted, of process {named}" if refused else None)


def _processes(system: Snapshot) -> Coverage:
    setting = system.backend.hidepid()
    detail = None if setting is None else f"/proc is mounted with hidepid={setting}"
    return _among_listed(system, _counted(len(system.pids()), set(), detail))


def _among_listed(system: Snapshot, found: Coverage) -> Coverage:
    """What was found of the processes that are listed: how many there are beside them, nobody tells."""
    system.pids()
    if not system.is_partial and system.backend.sees_all():
        return found
    why = "processes are hidden" if system.is_partial else "only those of this PID namespace are listed"
    return found._replace(unseen=found.unseen or None, complete=0, detail=found.detail or why)


def _details(system: Snapshot) -> Coverage:
    # Whoever may look at the executable may look at directories, environment and memory map (ptrace(2), access modes).
    living = sum(1 for process in system.processes() if process.exe is not None and not process.ended)
    return _among_listed(system, _of_processes(system, living, system.backend.source("exe")))


def _handles(system: Snapshot) -> Coverage:
    tables = sum(1 for process in system.processes() if system.descriptors(process.pid) is not None)
    return _among_listed(system, _of_processes(system, tables, system.backend.source("descriptors"), "/proc/PID/fd/FD"))


def _namespaces(system: Snapshot) -> Coverage:
    barred: set[object] = set()
    known = system.network.namespaces()
    for namespace in known:
        try:
            if system.backend.tells_inodes:
                namespace.netlink.getsockname()
        except (OSError, Unsupported):
            barred.add(namespace)
    found = _counted(len(known), barred)
    if not barred and any(one.source == "/proc/PID/ns/net" and one.reason == PERMISSION for one in system.refusals()):
        # Of some processes it is not even known whether they are in another.
        found = found._replace(unseen=None, complete=0, detail="not known of some processes")
    return _among_listed(system, found)


def _sockets(system: Snapshot) -> Coverage:
    kinds = {kind.protocol for kind in system.backend.kinds}
    # Of each kind those in one state, which is a list as any other and a short one.
    for _ in system.network.sockets(Search(region=Region(frozenset(("LISTEN",))))):
        pass
    missing = {kind for kind in kinds if any(_is_missing(one.source, one.reason, kind) for one in system.refusals())}
    found = _counted(len(kinds), set(missing), ", ".join(sorted(missing)) or None)
    # Where the kernel lists none of a kind there may be none.
    return found._replace(complete=None) if missing else found


def _is_missing(source: str, reason: str, kind: str) -> bool:
    """Whether a refusal says that sockets of a kind were not listed: from /proc/net they were, if with fewer columns."""
    return source in (f"sock_diag {kind}", f"/proc/net/{kind}") and "listed from" not in reason


def _pid_namespace(system: Snapshot) -> Coverage:
    whole = system.backend.sees_all()
    return Coverage("", None, None, int(whole), None if whole else "processes outside of this PID namespace are not listed")


def _capabilities(system: Snapshot) -> Coverage:
    names = system.backend.capabilities()
    if names is None:
        return Coverage("", None, None, None, None)
    held = names.split("|")
    lacking = [name for name in NEEDED if name not in held]
    return _counted(len(NEEDED), set(lacking), f"lacks {', '.join(lacking)}" if lacking else None)


_LOOKS: dict[str, Callable[[Snapshot], Coverage]] = {
    "processes": _processes,
    "process details": _details,
    "handle tables": _handles,
    "network namespaces": _namespaces,
    "socket lists": _sockets,
    "PID namespace": _pid_namespace,
    "capabilities": _capabilities,
}
ASPECTS = tuple(_LOOKS)

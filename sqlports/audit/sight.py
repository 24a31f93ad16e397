"""Whether an audit could see all that it asks about: a blind look is not a clean one."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable

from sqlports import registry
from sqlports.about import costs
from sqlports.audit.audit import Audit
from sqlports.sources.refusals import ENDED, Refusal

ROOT = "root"
_OTHER = "other"

# Where a column says what is read for it: files of a process, and the kernel's lists of sockets.
_FILES = re.compile(r"/proc(?:/PID/[\w/]+)?")
_PROCESSES = "/proc"
# So many processes are named.
_FEW = 3
# A list that the kernel has no handler for has no sockets.
_NO_HANDLER = "the kernel has no handler for it"
# What no table of processes, handles or sockets is made of.
_ELSEWHERE = re.compile(r".*/(utmp|wtmp|passwd|group|services|registry\.tsv)|rpcbind.*|files|.* of files")
# How psutil's backend says of which columns it knows nothing (gaps.py).
_UNKNOWN = re.compile(r"(\w+): (?:not known: (.+))?")


def sources(reads: Iterable[tuple[str, str]]) -> frozenset[str]:
    """What is asked for these columns of tables, as scan_errors names it: '/proc/PID/exe', 'sock_diag'; and the columns.

    Of what a table is made of, in the words of `sqlports explain`. `other` is what these do not name.
    """
    found: set[str] = set()
    tables = set(registry.table_names())
    for name, column in reads:
        if name not in tables:
            continue
        table = registry.table(name)
        wanted = [one for one in table.columns if one.name.lower() == column]
        named: set[str] = set()
        for words in (costs.does(name, ()), *costs.reads(name, wanted)):
            named.update(_of_threads(file) for file in _FILES.findall(words))
            if "sock_diag" in words or "sockets" in words:
                named.update(("sock_diag", "/proc/PID/ns/net", "/proc/PID/net"))
            if "handle tables" in words:
                named.update(("/proc/PID/fd", "/proc/PID/task"))
        found |= named or {_OTHER}
        found |= {name, f"{name}.{column}"}
    return frozenset(found)


def _of_threads(source: str) -> str:
    """What is read of a thread is called as that of a process."""
    return source.replace("/task/TID", "")


def missing(audit: Audit) -> str | None:
    """What an audit says that it needs and is not a column: a word that means nothing; None when all is well."""
    for word in audit.requires:
        table, _, column = word.partition(".")
        if word == ROOT or table in registry.view_names():
            continue
        if table not in registry.table_names():
            return f"requires: there is no table {table}: it takes {ROOT}, or columns as in processes.path"
        if column and column not in {one.name for one in registry.table(table).columns}:
            return f"requires: {table} has no column {column}"
    return None


def required(audit: Audit) -> list[str]:
    """The SQL that reads the columns that must have been readable, a query for each."""
    words = [word.partition(".") for word in audit.requires if word != ROOT]
    return [f"SELECT {_quoted(column) if column else '*'} FROM {_quoted(table)}" for table, _, column in words]  # noqa: S608


def _quoted(name: str) -> str:
    # In double quotes what is no column would be taken for a text.
    return "[" + name.replace("]", "") + "]"


def met(asked: Collection[str], refusals: Iterable[Refusal]) -> frozenset[tuple[str, str]]:
    """The sources that were refused of those that were asked (`sources`), and why."""
    return frozenset((one.source, one.reason) for one in refusals if _is_asked(one.source, one.reason, asked))


def unseen(audit: Audit, kinds: Collection[tuple[str, str]], refusals: Iterable[Refusal]) -> tuple[str, ...]:
    """Why an audit did not see all, a sentence each, by the sources and reasons that it met; () when it did."""
    lacks = ROOT in audit.requires and hasattr(os, "geteuid") and os.geteuid() != 0
    return (("it needs root",) if lacks else ()) + told(one for one in refusals if (one.source, one.reason) in kinds)


def told(refusals: Iterable[Refusal]) -> tuple[str, ...]:
    """What was refused, a sentence for each source; nothing for what only ended, or is not there."""
    processes: dict[tuple[str, str], set[int]] = {}
    others: dict[tuple[str, str], list[str]] = {}
    for refusal in refusals:
        if refusal.reason in (ENDED, _NO_HANDLER):
            continue
        if refusal.pid is None:
            # Of a hundred files in a folder one is enough.
            folder = os.path.dirname(refusal.source) or refusal.source
            others.setdefault((folder, refusal.reason), []).append(refusal.source)
        else:
            processes.setdefault((refusal.source, refusal.reason), set()).add(refusal.pid)
    said = []
    for (source, reason), pids in sorted(processes.items()):
        few = ", ".join(map(str, sorted(pids))) if len(pids) <= _FEW else ""
        of = f"process {few}" if len(pids) == 1 else f"processes {few}" if few else f"{len(pids):,} processes"
        said.append(f"{source} of {of} could not be read: {reason}")
    for (_, reason), names in sorted(others.items()):
        more = f" and {len(names) - 1:,} more there" if len(names) > 1 else ""
        said.append(f"{names[0]}{more} could not be read: {reason}")
    return tuple(said)


def is_gap(refusal: Refusal) -> bool:
    """Whether this is what a backend never knows, which a look comes upon whether or not it wants it."""
    return refusal.source == "psutil" and _UNKNOWN.match(refusal.reason) is not None


def _is_asked(source: str, reason: str, asked: Collection[str]) -> bool:
    """Whether a refused source is one of those that were asked, or lies below one. One of another kind is taken for one."""
    if source == _PROCESSES:
        return any(one.startswith(("/proc", "sock_diag")) for one in asked)
    plain = _of_threads(source)
    if plain.startswith(("/proc/PID/", "sock_diag")):
        return any(plain == one or plain.startswith((one + "/", one + " ")) for one in asked if one != _PROCESSES)
    if _OTHER in asked:
        return True
    if plain == "psutil" and (told := _UNKNOWN.match(reason)):
        table, columns = told[1], (told[2] or "").split(", ")
        if table == "processes" and told[2]:
            return any(f"{table}.{column}" in asked for column in columns)
        return table in asked or {"sockets": "sock_diag", "handles": "/proc/PID/fd"}.get(table) in asked
    if plain.startswith("/") and not plain.startswith("/proc/"):
        # Namespaces of the network are kept in files; they have sockets.
        return "sock_diag" in asked and not _ELSEWHERE.fullmatch(plain)
    return bool(asked) and not _ELSEWHERE.fullmatch(plain)

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

# Where a column says what is read for it: files of a process, and the kernel's lists of sockets.
_FILES = re.compile(r"/proc(?:/PID/[\w/]+)?")
_PROCESSES = "/proc"
# A list that the kernel has no handler for has no sockets.
_NO_HANDLER = "the kernel has no handler for it"


def sources(reads: Iterable[tuple[str, str]]) -> frozenset[str]:
    """What is asked for these columns of tables, as scan_errors names it: '/proc/PID/exe', 'sock_diag'.

    Of what a table is made of, in the words of `sqlports explain`.
    """
    found: set[str] = set()
    tables = set(registry.table_names())
    for name, column in reads:
        if name not in tables:
            continue
        table = registry.table(name)
        wanted = [one for one in table.columns if one.name.lower() == column]
        for words in (costs.does(name, ()), *costs.reads(name, wanted)):
            found.update(_FILES.findall(words))
            if "sock_diag" in words or "sockets" in words:
                found.update(("sock_diag", "/proc/PID/ns/net", "/proc/PID/net"))
            if "handle tables" in words:
                found.update(("/proc/PID/fd", "/proc/PID/task"))
    return frozenset(found)


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


def required(audit: Audit) -> list[tuple[str, str]]:
    """The columns that must have been readable."""
    found = []
    for word in audit.requires:
        table, _, column = word.partition(".")
        if word != ROOT and table in registry.table_names():
            names = [column] if column else [one.name for one in registry.table(table).columns]
            found += [(table, name.lower()) for name in names]
    return found


def unseen(audit: Audit, asked: Collection[str], refusals: Iterable[Refusal]) -> tuple[str, ...]:
    """Why an audit did not see all, a sentence each, by what it asked (`sources`) and what was refused; () when it did."""
    lacks = ROOT in audit.requires and hasattr(os, "geteuid") and os.geteuid() != 0
    return (("it needs root",) if lacks else ()) + told(one for one in refusals if _is_asked(one.source, asked))


def told(refusals: Iterable[Refusal]) -> tuple[str, ...]:
    """What was refused, a sentence for each source; nothing for what only ended, or is not there."""
    processes: dict[str, set[int]] = {}
    others: dict[str, str] = {}
    for refusal in refusals:
        if refusal.reason in (ENDED, _NO_HANDLER):
            continue
        if refusal.pid is None:
            others[refusal.source] = refusal.reason
        else:
            processes.setdefault(refusal.source, set()).add(refusal.pid)
    said = []
    for source, pids in sorted(processes.items()):
        of = "1 process" if len(pids) == 1 else f"{len(pids):,} processes"
        said.append(f"{source} of {of} could not be read")
    return (*said, *(f"{source} could not be read: {reason}" for source, reason in sorted(others.items())))


def _is_asked(source: str, asked: Collection[str]) -> bool:
    """Whether a refused source is one of those that were asked, or lies below one. One of another kind is taken for one."""
    if source == _PROCESSES:
        return bool(asked)
    plain = source.replace("/task/TID", "")
    if not plain.startswith(("/proc/PID/", "sock_diag")):
        return bool(asked)
    return any(plain == one or plain.startswith((one + "/", one + " ")) for one in asked if one != _PROCESSES)

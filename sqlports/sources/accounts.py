"""The accounts and groups of a look: by the name service of this system, by the files of another and of a container."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from operator import attrgetter
from typing import Any, NamedTuple

from sqlports.sources import name_service, passwd, small_files
from sqlports.sources.procfs import text
from sqlports.sources.records import Group, Unsupported, User
from sqlports.sources.refusals import GONE
from sqlports.sources.rooted import Root
from sqlports.sources.snapshot import Snapshot

Ids = frozenset[int] | None
Texts = frozenset[str] | None


class Kind(NamedTuple):
    """Accounts or groups: their file, its parser, who is asked for one by number or name, what these two are of one.

    marks  what one has that the name service tells of
    """

    path: str
    parse: Callable[[str], list[Any]]
    service: Callable[..., list[Any]]
    number: Callable[[Any], int]
    name: Callable[[Any], str]
    marks: dict[str, int]


_USERS = Kind("/etc/passwd", passwd.parse, name_service.users, attrgetter("uid"), attrgetter("username"), {"include_remote": 1})
_GROUPS = Kind("/etc/group", passwd.parse_groups, name_service.groups, attrgetter("gid"), attrgetter("groupname"), {})


class Membership(NamedTuple):
    """That an account is in a group."""

    uid: int
    gid: int


def users(system: Snapshot, uids: Ids, names: Texts, pids: Ids, remote: Ids) -> Iterator[User]:
    """The accounts; those with these uids, or else with these names.

    `pids` are of processes whose own accounts are asked for, as a container has them; 0 is the system. `remote` tells whether
    to ask its name service (1, as for None) or its file alone (0).
    """
    for pid in _places(pids):
        if pid or system.root != "/":
            yield from _in_file(system, _USERS, pid, uids, names)
            if remote is not None and 1 in remote:
                system.ask("passwd", _unasked)
            continue
        if remote is None or 1 in remote:
            yield from _by_service(system, _USERS, uids, names)
        if remote is not None and 0 in remote:
            yield from _in_file(system, _USERS, 0, uids, names)


def groups(system: Snapshot, gids: Ids, names: Texts, pids: Ids) -> Iterator[Group]:
    """The groups; those with these gids, or else with these names. `pids` as of users."""
    for pid in _places(pids):
        if pid or system.root != "/":
            yield from _in_file(system, _GROUPS, pid, gids, names)
        else:
            yield from _by_service(system, _GROUPS, gids, names)


def memberships(system: Snapshot, uids: Ids) -> Iterable[Membership]:
    """Which account is in which group; of the accounts with these uids."""
    found: dict[Membership, None] = {}
    for user in users(system, uids, None, None, None):
        if system.root == "/":
            others = system.memo(("groups of", user), partial(name_service.groups_of, user))
        else:
            others = system.memo("members", partial(_members, system)).get(user.username, [])
        found.update((Membership(user.uid, gid), None) for gid in (user.gid, *others))
    return found


def _members(system: Snapshot) -> dict[str, list[int]]:
    """The gids of the groups that name somebody as their member, by his name."""
    found: dict[str, list[int]] = {}
    for group in _in_file(system, _GROUPS, 0, None, None):
        for name in group.members:
            found.setdefault(name, []).append(group.gid)
    return found


def _unasked(root: str) -> list[User]:
    raise Unsupported("passwd", "the name service can be asked of this system only")


def _places(pids: Ids) -> Iterable[int]:
    return (0,) if pids is None else sorted(pids)


def _by_service(system: Snapshot, kind: Kind, numbers: Ids, names: Texts) -> Iterator[Any]:
    """What the name service says. It is asked for one at a time: an LDAP server has too many to list, or does not list them."""
    source = kind.path.removeprefix("/etc/")
    if numbers is None and names is None:
        yield from system.ask(source, partial(_one, kind, None, None), (None, None))
    for number in sorted(numbers or ()):
        found = system.ask(source, partial(_one, kind, number, None), (number, None))
        yield from _with_likes(system, kind, found, frozenset((number,)), None)
    for name in sorted(names or ()) if numbers is None else ():
        found = system.ask(source, partial(_one, kind, None, name), (None, name))
        yield from _with_likes(system, kind, found, None, frozenset((name,)))


def _one(kind: Kind, number: int | None, name: str | None, root: str) -> list[Any]:
    return kind.service(number, name)


def _with_likes(system: Snapshot, kind: Kind, found: list[Any], numbers: Ids, names: Texts) -> Iterable[Any]:
    """What was found, and others of the same number or name, of which the service gives the first: those of the file."""
    if sys.platform != "linux":
        return found  # macOS has others in its file than in its service
    known = {(kind.number(one), kind.name(one)) for one in found}
    likes = _in_file(system, kind, 0, numbers, names)
    return [*found, *(one._replace(**kind.marks) for one in likes if (kind.number(one), kind.name(one)) not in known)]


def _in_file(system: Snapshot, kind: Kind, pid: int, numbers: Ids, names: Texts) -> Iterable[Any]:
    """What a file says, of a process's root or, for 0, of the system's."""
    listed: list[Any] = system.memo((kind.path, pid), partial(_file, system, kind, pid))
    wanted: frozenset[Any] | None = names if numbers is None else numbers
    if wanted is None:
        return listed
    key = kind.name if numbers is None else kind.number
    index = system.memo((kind.path, pid, key), partial(_index, listed, key))
    return [one for cell in sorted(wanted) for one in index.get(cell, ())]


def _index(listed: list[Any], key: Callable[[Any], Any]) -> dict[Any, list[Any]]:
    found: dict[Any, list[Any]] = {}
    for one in listed:
        found.setdefault(key(one), []).append(one)
    return found


def _file(system: Snapshot, kind: Kind, pid: int) -> list[Any]:
    source = f"/proc/PID/root{kind.path}" if pid else kind.path
    system.reads[source] += 1
    try:
        tree = _tree(system, pid)
        if tree is None:
            return []
        try:
            found = kind.parse(text(small_files.read(tree, kind.path.encode())))
        finally:
            tree.close()
    except (OSError, Unsupported) as error:
        system.refuse(source, pid or None, error)
        return []
    return [one._replace(pid_with_namespace=pid) for one in found]


def _tree(system: Snapshot, pid: int) -> Root | None:
    """The root; None of a process that is not there."""
    if pid and system.process(pid) is None:
        return None
    try:
        return system.backend.tree(pid)
    except OSError as error:
        if pid and error.errno in GONE:
            return None
        raise

"""Accounts and groups from this system's own name service: files, LDAP, … (nsswitch.conf(5), getpwent(3), getgrent(3)).

Every function raises Unsupported on Windows.
"""

from __future__ import annotations

import os
import re
from typing import Any

from sqlports.sources.records import Group, Unsupported, User


def users(uid: int | None = None, name: str | None = None) -> list[User]:
    """The account of this uid, or of this name, if there is one; else all that the service lists, which may be not all."""
    found = [
        User(_clean(e.pw_name), e.pw_uid, e.pw_gid, _clean(e.pw_gecos), _clean(e.pw_dir), _clean(e.pw_shell), include_remote=1)
        for e in _entries("pwd", ("getpwall", "getpwuid", "getpwnam"), uid, name)
    ]
    # Two services may know the same one: the first is asked first.
    return list({(user.uid, user.username): user for user in reversed(found)}.values())[::-1]


def groups(gid: int | None = None, name: str | None = None) -> list[Group]:
    """The group of this gid, or of this name, if there is one; else all that the service lists, which may be not all."""
    found = [
        Group(_clean(e.gr_name), e.gr_gid, tuple(map(_clean, e.gr_mem)))
        for e in _entries("grp", ("getgrall", "getgrgid", "getgrnam"), gid, name)
    ]
    return list({(group.gid, group.groupname): group for group in reversed(found)}.values())[::-1]


def groups_of(user: User) -> list[int]:
    """The gids of all groups that an account is in, its primary one first (getgrouplist(3))."""
    return os.getgrouplist(_raw(user.username), user.gid)


def _entries(module: str, functions: tuple[str, str, str], number: int | None, name: str | None) -> list[Any]:
    try:
        service: Any = __import__(module)
    except ImportError:
        raise Unsupported(module, "this system has no user database that Python can list") from None
    everything, by_number, by_name = (getattr(service, function) for function in functions)
    if number is None and name is None:
        return list(everything())
    try:
        return [by_number(number) if name is None else by_name(_raw(name))]
    except (KeyError, OverflowError, ValueError):
        # There is none; there can be none, of a number beyond 32 bits, or of a name with a NUL.
        return []


def _clean(text: str) -> str:
    """Python keeps bad bytes as surrogates, which no output takes."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _raw(name: str) -> str:
    """What `_clean` made of it, taken back."""
    return re.sub(r"\\x([89a-f][0-9a-f])", lambda found: chr(0xDC00 + int(found[1], 16)), name)

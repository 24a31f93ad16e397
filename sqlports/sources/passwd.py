"""Accounts, from the system's own name service or from the text of a passwd(5) file."""

from __future__ import annotations

from sqlports.sources.records import Unsupported, User


def system(uids: frozenset[int] | None) -> list[User]:
    """The accounts this system knows (files, LDAP, …), or those with these uids. Raises Unsupported on Windows."""
    try:
        import pwd
    except ImportError:
        raise Unsupported("passwd", "this system has no user database that Python can list") from None
    if uids is None:
        entries = pwd.getpwall()
    else:
        entries = []
        for uid in sorted(uids):
            # A uid may have no account: a container's, a deleted one's. A number beyond uid_t has none either.
            try:
                entries.append(pwd.getpwuid(uid))
            except (KeyError, OverflowError):
                continue
    users = {
        # Two name services may know the same account.
        (e.pw_uid, e.pw_name): User(
            _clean(e.pw_name), e.pw_uid, e.pw_gid, _clean(e.pw_gecos), _clean(e.pw_dir), _clean(e.pw_shell)
        )
        for e in reversed(entries)
    }
    return list(reversed(users.values()))


def _clean(text: str) -> str:
    """Python keeps bad bytes as surrogates, which no output takes."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def parse(text: str, uids: frozenset[int] | None = None) -> list[User]:
    """The accounts in the text of a passwd file; lines that are none (comments, NIS marks) are passed over."""
    found: dict[tuple[int, str], User] = {}
    for line in text.splitlines():
        fields = line.split(":")
        if len(fields) != 7 or not fields[2].isdigit() or not fields[3].isdigit():
            continue
        user = User(fields[0], int(fields[2]), int(fields[3]), *fields[4:])
        if uids is None or user.uid in uids:
            found.setdefault((user.uid, user.username), user)
    return list(found.values())

"""Files that this program keeps for its user, where the XDG Base Directory Specification has them.

Root reads and writes none where another user could put a link in its way. What is private to a person, as history is, belongs
to who called sudo: it is then opened by a child with that user's rights and no others, so that nothing there becomes root's
and no link leads further than that user could go.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
from collections.abc import Callable
from typing import Any, NamedTuple, NoReturn, TypeAlias

# What is done with a user's rights gives a value that JSON can tell and, if it is to be kept, an open file.
Act: TypeAlias = Callable[[], tuple[Any, int | None]]

WINDOWS = sys.platform == "win32"
# The permissions of a private file and of its directory.
FILE, DIRECTORY = 0o600, 0o700


class Caller(NamedTuple):
    """Who called this program by sudo: the numbers of the user and of its group, and the home."""

    uid: int
    gid: int
    home: str | None


def own_path(variable: str, below_home: str, name: str) -> str | None:
    """Where a file is kept: below what an environment variable says, else below home. None for who has no home.

    For root never where another user could put a link in its way, as in a home under sudo: then it is root's own home.
    """
    directory = _directory(variable, below_home)
    if not WINDOWS and os.geteuid() == 0 and of_others(os.path.join(directory, "sqlports", name)):
        directory = os.path.expanduser(os.path.join("~root", below_home))
    return os.path.join(directory, "sqlports", name) if os.path.isabs(directory) else None


def private_path(variable: str, below_home: str, name: str) -> str | None:
    """Where a private file of who uses this is kept, to be opened by `open_private`. None for who has no home.

    Under sudo the one who called it uses this, whatever HOME says.
    """
    user = caller()
    if user is None:
        return own_path(variable, below_home, name)
    directory = os.environ.get(variable, "")
    if not os.path.isabs(directory):
        directory = os.path.join(user.home or "", below_home)
    return os.path.join(directory, "sqlports", name) if os.path.isabs(directory) else None


def config_path() -> tuple[str, bool] | None:
    """The configuration file, which need not be readable, and whether SQLPORTS_CONFIG names it. None where there is none."""
    named = os.environ.get("SQLPORTS_CONFIG")
    if named is not None:
        return (named, True) if named else None
    path = plain_path("XDG_CONFIG_HOME", ".config", "config.toml")
    if path is None:
        return None
    # Where one may not even look, as in the home that a process was started from as another user, there is none.
    return (path, False) if os.path.lexists(path) else None


def plain_path(variable: str, below_home: str, name: str) -> str | None:
    """Where a file is by the environment alone, whoever could put a link there. None for who has no home."""
    path = os.path.join(_directory(variable, below_home), "sqlports", name)
    return path if os.path.isabs(path) else None


def _directory(variable: str, below_home: str) -> str:
    directory = os.environ.get(variable, "")
    return directory if os.path.isabs(directory) else os.path.expanduser(os.path.join("~", below_home))


def of_others(path: str) -> bool:
    """Whether a file, a directory above it or a link on the way there belongs to another than root."""
    return _any_of_others(path) or _any_of_others(os.path.realpath(path))


def _any_of_others(path: str) -> bool:
    with contextlib.suppress(OSError):
        if os.lstat(path).st_uid != 0:
            return True
    above = os.path.dirname(path)
    return above != path and _any_of_others(above)


def caller() -> Caller | None:
    """Who called this program by sudo; None when nobody did, or it was root."""
    if WINDOWS or os.geteuid() != 0:
        return None
    numbers = [os.environ.get(name, "") for name in ("SUDO_UID", "SUDO_GID")]
    if not all(number.isascii() and number.isdecimal() and int(number) < 2**32 - 1 for number in numbers):
        return None
    import pwd

    uid, gid = map(int, numbers)
    home = None
    with contextlib.suppress(KeyError):
        home = pwd.getpwuid(uid).pw_dir
    return Caller(uid, gid, home) if uid else None


def open_private(path: str, flags: int) -> tuple[int, bool]:
    """Open a private file of who uses this, making it and its directory where they are missing.

    Its descriptor, and whether others could read or write it until now. Raises OSError, for another's file too.
    """

    def act() -> tuple[bool, int]:
        make_directory(os.path.dirname(path))
        # Not blocking: a pipe of that name would wait for its other end.
        descriptor = os.open(path, flags | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0), FILE)
        found = os.fstat(descriptor)
        if WINDOWS or not stat.S_ISREG(found.st_mode):
            return False, descriptor
        if found.st_uid != os.geteuid():
            os.close(descriptor)
            raise PermissionError(errno.EPERM, "it belongs to another user", path)
        loose = bool(found.st_mode & 0o077)
        if loose and flags & (os.O_WRONLY | os.O_RDWR):
            os.fchmod(descriptor, FILE)
        return loose, descriptor

    loose, descriptor = as_user(act)
    assert descriptor is not None
    return descriptor, loose


def write_private(path: str, data: bytes) -> None:
    """Put a private file of who uses this in its place, whole or not at all. Raises OSError."""

    def act() -> tuple[None, None]:
        make_directory(os.path.dirname(path))
        replace(path, data)
        return None, None

    as_user(act)


def replace(path: str, data: bytes, before: os.stat_result | None = None) -> None:
    """Put a file that its owner alone reads in its place, at a link's end where there is one. Raises OSError.

    before  whose owner and permissions it gets instead
    """
    import tempfile

    place = os.path.realpath(path)
    try:
        descriptor, beside = tempfile.mkstemp(prefix=".sqlports-", dir=os.path.dirname(place))
        try:
            with open(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                if before is not None and not WINDOWS:
                    with contextlib.suppress(OSError):
                        os.fchown(file.fileno(), before.st_uid, before.st_gid)
                    os.fchmod(file.fileno(), stat.S_IMODE(before.st_mode))
                os.fsync(file.fileno())
            os.replace(beside, place)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(beside)
            raise
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from None


def make_directory(path: str) -> None:
    """Make a directory, and those above it, for their owner alone. Raises OSError."""
    above = os.path.dirname(path)
    if above != path and not os.path.isdir(above):
        make_directory(above)
    with contextlib.suppress(FileExistsError):
        os.mkdir(path, DIRECTORY)


def as_user(act: Act) -> tuple[Any, int | None]:
    """What `act` gives when it is done with the rights of who uses this: under sudo of the one who called it.

    Raises the OSError that it raises.
    """
    user = caller()
    if user is None:
        return act()
    import json
    import socket

    here, there = socket.socketpair()
    with here:
        with there:
            # A process of its own: the rights of this one are those of all its threads, which may be reading the system.
            child = os.fork()
            if child == 0:
                _answer(act, user, there)
            there.close()
        answer, descriptors, _, _ = socket.recv_fds(here, 1, 1)
        answer += b"".join(iter(lambda: here.recv(1 << 16), b""))
    os.waitpid(child, 0)
    if not answer:
        raise OSError(errno.EPERM, f"it cannot be opened as user {user.uid}")
    told = json.loads(answer)
    if "fault" in told:
        raise OSError(*told["fault"])
    return told["gave"], next(iter(descriptors), None)


def _answer(act: Act, user: Caller, there: Any) -> NoReturn:
    """In the child: become the user, act, and tell the parent."""
    import json
    import socket

    try:
        os.setgroups([user.gid])
        os.setresgid(user.gid, user.gid, user.gid)
        os.setresuid(user.uid, user.uid, user.uid)
        try:
            gave, descriptor = act()
            socket.send_fds(there, [b" "], [] if descriptor is None else [descriptor])
            there.sendall(json.dumps({"gave": gave}).encode())
        except OSError as error:
            there.sendall(json.dumps({"fault": [error.errno, error.strerror, error.filename]}).encode())
    finally:
        os._exit(0)

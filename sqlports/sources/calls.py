"""Two system calls that Python does not have: openat2(2) and statx(2)."""

from __future__ import annotations

import errno
import os
import struct
import sys
from functools import cache
from typing import Any

# The same on every architecture but alpha, linux/arch/*/kernel/syscalls.
_OPENAT2 = 437
# linux/openat2.h: struct open_how is flags, mode, resolve, 64 bits each.
_HOW = struct.Struct("=QQQ")
RESOLVE_NO_SYMLINKS, RESOLVE_BENEATH, RESOLVE_IN_ROOT = 0x04, 0x08, 0x10

# linux/magic.h
PROC_SUPER_MAGIC = 0x9FA0

# fcntl.h and linux/stat.h
_AT_FDCWD = -100
_AT_SYMLINK_NOFOLLOW, _AT_NO_AUTOMOUNT, _AT_EMPTY_PATH = 0x100, 0x800, 0x1000
_STATX_BTIME = 0x800
# struct statx: the mask of what is told, and 80 bytes further the seconds of the birth.
_STATX = struct.Struct("=I76xq168x")


def openat2(directory: int, path: bytes, flags: int, resolve: int = RESOLVE_IN_ROOT) -> int:
    """Open a file below a directory that is the root for all its links, or as `resolve` says.

    Raises OSError; ENOSYS before Linux 5.6.
    """
    import ctypes

    if not sys.platform.startswith("linux"):
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    if b"\0" in path:
        raise ValueError("embedded null byte")
    how = ctypes.create_string_buffer(_HOW.pack(flags, 0, resolve), _HOW.size)
    call = _library().syscall
    while True:
        file = int(
            call(ctypes.c_long(_OPENAT2), ctypes.c_int(directory), ctypes.c_char_p(path), how, ctypes.c_size_t(_HOW.size))
        )
        if file >= 0:
            return file
        number = ctypes.get_errno()
        if number != errno.EINTR:
            raise OSError(number, os.strerror(number))


def file_system(descriptor: int) -> int:
    """The number of the type of file system that an open file is on (fstatfs(2), linux/magic.h); 0 where that is not told."""
    import ctypes

    answer = (ctypes.c_long * 64)()
    if not sys.platform.startswith("linux") or _library().fstatfs(ctypes.c_int(descriptor), ctypes.byref(answer)):
        return 0
    return int(answer[0])


def born(path: bytes, directory: int | None, follow: bool) -> int | None:
    """When a file was made, in seconds since 1970, of the directory itself for an empty path; None where that is not known.

    Raises OSError.
    """
    if not sys.platform.startswith("linux"):
        status = os.stat(path, dir_fd=directory, follow_symlinks=follow)
        found = getattr(status, "st_birthtime", None)
        return None if found is None else int(found)
    import ctypes

    call = getattr(_library(), "statx", None)
    if call is None:
        return None
    at = _AT_FDCWD if directory is None else directory
    flags = _AT_NO_AUTOMOUNT | (0 if path else _AT_EMPTY_PATH) | (0 if follow else _AT_SYMLINK_NOFOLLOW)
    buffer = ctypes.create_string_buffer(_STATX.size)
    if call(ctypes.c_int(at), ctypes.c_char_p(path), ctypes.c_int(flags), ctypes.c_uint(_STATX_BTIME), buffer):
        number = ctypes.get_errno()
        if number == errno.ENOSYS:
            return None
        raise OSError(number, os.strerror(number))
    told, seconds = _STATX.unpack(buffer.raw)
    # A file system made from an image has zeros.
    return int(seconds) or None if told & _STATX_BTIME else None


@cache
def _library() -> Any:
    import ctypes

    return ctypes.CDLL(None, use_errno=True)

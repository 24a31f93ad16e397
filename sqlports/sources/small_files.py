"""Reading a configuration file below a root, whatever somebody put there in its place."""

from __future__ import annotations

import errno
import os
import stat

from sqlports.sources import rooted
from sqlports.sources.records import Unsupported
from sqlports.sources.rooted import Root

# Far more than any list of accounts has; a container's may be as long as it likes.
GREATEST = 64 << 20


def read(tree: Root, path: bytes) -> bytes:
    """The whole of a file below an open root. Raises OSError; Unsupported for what is no such file."""
    file = tree.open(path)
    try:
        return whole(file)
    except OSError as error:
        if error.errno not in (errno.EISDIR, errno.ENOTSUP, errno.EFBIG):
            raise
        why = f"it is longer than {GREATEST} bytes" if error.errno == errno.EFBIG else "it is no regular file"
        raise Unsupported(os.fsdecode(path), why) from None
    finally:
        os.close(file)


def whole(file: int) -> bytes:
    """The whole of an open file. Raises OSError: EISDIR, ENOTSUP for what is not regular, EFBIG for more than `GREATEST`."""
    mode = os.fstat(file).st_mode
    if not stat.S_ISREG(mode):
        number = errno.EISDIR if stat.S_ISDIR(mode) else errno.ENOTSUP
        raise OSError(number, os.strerror(number))
    data = bytearray()
    while chunk := os.read(file, 1 << 16):
        data += chunk
        if len(data) > GREATEST:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
    return bytes(data)


def of_system(root: str, *paths: bytes) -> bytes:
    """The whole of the first of these files that is there, below the root at a path. Raises as `read`."""
    tree = Root() if root == "/" else rooted.directory(root)
    try:
        for path in paths:
            try:
                return read(tree, path)
            except (FileNotFoundError, NotADirectoryError):
                continue
    finally:
        tree.close()
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))

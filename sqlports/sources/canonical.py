"""Canonical paths, as the kernel tells them of open files: looked at without following a link that has come since."""

from __future__ import annotations

import os
import stat

from sqlports.sources.records import Unsupported


def look(root: int, path: bytes, source: str) -> os.stat_result | None:
    """What is at an absolute path below a directory's descriptor; None for nothing.

    Raises OSError; Unsupported, with this source, where a directory of the path is a link by now: it was none when the file
    was opened, and may lead to whatever hangs.
    """
    *above, last = path.split(b"/")[1:]
    if b".." in (*above, last):
        return None  # no canonical path has one, and it could lead out of the root
    here = os.dup(root)
    try:
        for name in above:
            try:
                nearer = os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=here)
            except NotADirectoryError:
                if stat.S_ISLNK(os.stat(name, dir_fd=here, follow_symlinks=False).st_mode):
                    raise Unsupported(source, "not looked at: a directory of its path is a link now") from None
                return None
            except FileNotFoundError:
                return None
            os.close(here)
            here = nearer
        return os.stat(last, dir_fd=here, follow_symlinks=False)
    except FileNotFoundError:
        return None
    finally:
        os.close(here)

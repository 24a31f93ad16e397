"""label: what a security module calls the process (proc_pid_attr(5)): an SELinux context, an AppArmor profile, …"""

from __future__ import annotations

import errno
from typing import NamedTuple

from sqlports.sources.parts import Missing, Place
from sqlports.sources.procfs import text

SOURCE = "attr/current"


class Label(NamedTuple):
    """The label; None where no module gives any."""

    text: str | None = None


NOTHING = Label()


def read(place: Place) -> Label:
    """The part. Raises OSError."""
    try:
        data = place.file("attr/current")
    except Missing:
        return NOTHING  # a kernel without such modules
    except OSError as error:
        # Where there is no module at work the kernel says that the question is not valid.
        if error.errno != errno.EINVAL:
            raise
        return NOTHING
    return Label(text(data.rstrip(b"\0\n")) or None)

"""How much of a Linux is seen: what its /proc hides, and what this program may do."""

from __future__ import annotations

import os

from sqlports.sources.directories import whole
from sqlports.sources.mounts import Mount
from sqlports.sources.parts import privileges

# PROC_PID_INIT_INO and PROC_USER_INIT_INO of include/linux/proc_ns.h
_FIRST_PID_NAMESPACE, _FIRST_USER_NAMESPACE = 0xEFFFFFFC, 0xEFFFFFFD


def hidepid(proc: str, mounts: list[Mount]) -> str | None:
    """The setting hidepid of a /proc (proc(5)): 'invisible', '2', …; None where nothing is hidden. Raises OSError."""
    number = os.stat(proc).st_dev
    device = f"{os.major(number)}:{os.minor(number)}"
    for mount in mounts:
        if (mount.type, mount.device) == ("proc", device):
            setting = dict(option.partition("=")[::2] for option in mount.options).get("hidepid")
            return None if setting in ("0", "off") else setting
    return None


def capabilities() -> str | None:
    """The capabilities of this program, joined by '|'; '' in a user namespace, where they count for little. Raises OSError."""
    if os.stat("/proc/self/ns/user").st_ino != _FIRST_USER_NAMESPACE:
        return ""
    with open("/proc/thread-self/status", "rb", buffering=0) as file:
        return privileges.parse(whole(file.fileno())).effective


def sees_all(proc: str, here: bool) -> bool:
    """Whether a /proc lists the processes of the first PID namespace; `here` tells that it is of this program's system."""
    try:
        return os.stat(f"{proc}/1/ns/pid").st_ino == _FIRST_PID_NAMESPACE
    except OSError:
        # Our own is told even where the first process's may not be seen.
        try:
            return here and os.stat("/proc/self/ns/pid").st_ino == _FIRST_PID_NAMESPACE
        except OSError:
            return False

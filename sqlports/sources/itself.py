"""What this process knows of itself."""

from __future__ import annotations

import os
import sys
import time
from functools import cache


@cache
def started() -> int:
    """When this process started, in seconds since 1970."""
    try:
        # Field 22 of /proc/PID/stat, in ticks since the start of the system (proc_pid_stat(5)).
        with open("/proc/self/stat", "rb") as file:
            ticks = int(file.read().rpartition(b")")[2].split()[19])
        return round(time.time() - (time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")))
    except (OSError, ValueError, IndexError, AttributeError):
        import psutil

        return int(psutil.Process().create_time())


def platform_mask() -> int:
    """The system as osquery numbers it: 1 POSIX, 2 Windows, 4 BSD, 8 Linux, 16 macOS, together (PlatformType)."""
    if sys.platform == "linux":
        return 9
    return 2 if sys.platform == "win32" else 21 if sys.platform == "darwin" else 5

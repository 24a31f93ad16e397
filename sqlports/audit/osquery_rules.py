"""For which machines osquery keeps a pack or a query, by its own rules (osquery 5: core/system.cpp, config/packs.cpp)."""

from __future__ import annotations

import re
import socket
import sys
from itertools import zip_longest

# The osquery whose tables ours follow.
OSQUERY_VERSION = "5.23.0"
# A week, in seconds: what is asked more seldom is never asked.
LONGEST_INTERVAL = 604800

_SYSTEMS = {"linux": "linux", "darwin": "darwin", "win32": "windows", "freebsd": "freebsd"}
_LINUX = ("linux", "ubuntu", "centos")


def not_here(platform: str, version: str, shard: int) -> str:
    """Why osquery would leave out what has these on this machine; '' when it would not. 0 is no shard."""
    if not fits(platform):
        return f"it is for {platform}"
    if not version_holds(version):
        return f"it needs osquery {version}, and the tables here are those of {OSQUERY_VERSION}"
    if 0 < shard < machine_shard():
        return f"it is for shards up to {shard}, and this machine is in {machine_shard()}"
    return ""


def fits(platform: str, system: str = sys.platform) -> bool:
    """Whether a query for this platform runs on a system (of sys.platform): osquery looks for words in the text."""
    if _everywhere(platform):
        return True
    if system == "linux" and any(word in platform for word in _LINUX):
        return True
    if system != "win32" and "posix" in platform:
        return True
    return next((name for start, name in _SYSTEMS.items() if system.startswith(start)), system) in platform


def _everywhere(platform: str) -> bool:
    return platform in ("", "null") or "any" in platform or "all" in platform


def systems(platform: str) -> tuple[str, ...]:
    """The systems that a platform means, as sys.platform has them; () for all, its own words where it means none of ours."""
    if _everywhere(platform):
        return ()
    return tuple(name for name in _SYSTEMS if fits(platform, name)) or tuple(re.findall(r"[^\s,]+", platform))


def platform(names: tuple[str, ...]) -> str:
    """The platform that means these systems; '' for all."""
    return ",".join(_SYSTEMS.get(name, name) for name in names)


def version_holds(version: str, have: str = OSQUERY_VERSION) -> bool:
    """Whether an osquery of the version that we have is at least of another; a part without a number is compared as text."""
    if version in ("", "null", "0.0.0"):
        return True
    for needed, given in zip_longest(filter(None, version.split(".")), filter(None, have.split("."))):
        if needed is None or given is None:
            return True
        numbers = [re.match(r"\s*[+-]?\d{1,9}", part, re.ASCII) for part in (needed, given)]
        if numbers[0] and numbers[1]:
            if int(numbers[0][0]) != int(numbers[1][0]):
                return int(numbers[1][0]) > int(numbers[0][0])
        elif given < needed:
            return False
    return True


def machine_shard(host: str | None = None) -> int:
    """The shard that a machine of this name is in, 0 to 100; this machine's without one."""
    import hashlib

    name = socket.gethostname() if host is None else host
    return hashlib.sha1(name.encode("utf-8", "surrogateescape"), usedforsecurity=False).digest()[0] * 100 // 255

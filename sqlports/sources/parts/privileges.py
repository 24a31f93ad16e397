"""privileges: what a thread may do beside what its user may, from lines of /proc/PID/status (capabilities(7), seccomp(2))."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from sqlports.sources.parts import Place
from sqlports.sources.parts.status import lines
from sqlports.sources.procfs import Unparsable

OF = "status"

# By number, include/uapi/linux/capability.h.
CAPABILITIES = (
    "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID", "CAP_SETUID",
    "CAP_SETPCAP", "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST", "CAP_NET_ADMIN", "CAP_NET_RAW",
    "CAP_IPC_LOCK", "CAP_IPC_OWNER", "CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_CHROOT", "CAP_SYS_PTRACE", "CAP_SYS_PACCT",
    "CAP_SYS_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_NICE", "CAP_SYS_RESOURCE", "CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG", "CAP_MKNOD",
    "CAP_LEASE", "CAP_AUDIT_WRITE", "CAP_AUDIT_CONTROL", "CAP_SETFCAP", "CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG",
    "CAP_WAKE_ALARM", "CAP_BLOCK_SUSPEND", "CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE",
)  # fmt: skip
SECCOMP = {b"0": "disabled", b"1": "strict", b"2": "filter"}


class Privileges(NamedTuple):
    """Capabilities as names joined by '|', '' for none. `seccomp` is 'disabled', 'strict' or 'filter'."""

    effective: str | None = None
    permitted: str | None = None
    inheritable: str | None = None
    bounding: str | None = None
    ambient: str | None = None
    no_new_privs: int | None = None
    seccomp: str | None = None
    seccomp_filters: int | None = None


NOTHING = Privileges()


def read(place: Place) -> Privileges:
    """The part."""
    return parse(place.part("status").data)


def parse(data: bytes | None) -> Privileges:
    """The file's bytes. Lines that the kernel was built without are None. Raises Unparsable."""
    if data is None:
        return NOTHING
    found = lines(data)
    no_new_privs, seccomp, filters = (found.get(name) for name in (b"NoNewPrivs", b"Seccomp", b"Seccomp_filters"))
    try:
        return Privileges(
            names(found.get(b"CapEff")),
            names(found.get(b"CapPrm")),
            names(found.get(b"CapInh")),
            names(found.get(b"CapBnd")),
            names(found.get(b"CapAmb")),
            None if no_new_privs is None else int(no_new_privs),
            None if seccomp is None else SECCOMP.get(seccomp, seccomp.decode()),
            None if filters is None else int(filters),
        )
    except ValueError:
        raise Unparsable("/proc/PID/status", data) from None


@lru_cache(maxsize=256)
def names(mask: bytes | None) -> str | None:
    """The capabilities of a hexadecimal mask; one newer than this table by its number."""
    if mask is None:
        return None
    number = int(mask, 16)
    held = [bit for bit in range(number.bit_length()) if number >> bit & 1]
    return "|".join(CAPABILITIES[bit] if bit < len(CAPABILITIES) else f"CAP_{bit}" for bit in held)

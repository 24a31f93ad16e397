"""The names of the kernel's numbers and bits that descriptors are told by (include/uapi/linux)."""

from __future__ import annotations


def joined(bits: int, names: dict[int, str]) -> str | None:
    """The names of the bits that are set, joined by '|'; those without a name as one hexadecimal number; None for none."""
    found = [name for bit, name in names.items() if bits & bit]
    unnamed = bits & ~sum(names)
    return "|".join([*found, hex(unnamed)] if unnamed else found) or None


def _bits(prefix: str, names: str, first: int = 0) -> dict[int, str]:
    """Names of bits from `first` on; '-' for one that has none."""
    return {1 << bit: prefix + name for bit, name in enumerate(names.split(), first) if name != "-"}


# eventpoll.h
EPOLL = {
    **_bits("EPOLL", "IN PRI OUT ERR HUP - RDNORM RDBAND WRNORM WRBAND MSG - - RDHUP"),
    **_bits("EPOLL", "EXCLUSIVE WAKEUP ONESHOT ET", 28),
}

# inotify.h
INOTIFY = {
    **_bits(
        "IN_",
        "ACCESS MODIFY ATTRIB CLOSE_WRITE CLOSE_NOWRITE OPEN MOVED_FROM MOVED_TO CREATE DELETE DELETE_SELF MOVE_SELF"
        " - UNMOUNT Q_OVERFLOW IGNORED",
    ),
    **_bits("IN_", "ONLYDIR DONT_FOLLOW EXCL_UNLINK - MASK_CREATE MASK_ADD ISDIR ONESHOT", 24),
}

# fanotify.h: events, flags of fanotify_init(2), flags of a mark
FANOTIFY = {
    **_bits(
        "FAN_",
        "ACCESS MODIFY ATTRIB CLOSE_WRITE CLOSE_NOWRITE OPEN MOVED_FROM MOVED_TO CREATE DELETE DELETE_SELF MOVE_SELF"
        " OPEN_EXEC - Q_OVERFLOW FS_ERROR OPEN_PERM ACCESS_PERM OPEN_EXEC_PERM - PRE_ACCESS - - - MNT_ATTACH MNT_DETACH"
        " - EVENT_ON_CHILD RENAME - ONDIR",
    ),
}
FANOTIFY_INIT = _bits(
    "FAN_",
    "CLOEXEC NONBLOCK CLASS_CONTENT CLASS_PRE_CONTENT UNLIMITED_QUEUE UNLIMITED_MARKS ENABLE_AUDIT REPORT_PIDFD REPORT_TID"
    " REPORT_FID REPORT_DIR_FID REPORT_NAME REPORT_TARGET_FID REPORT_FD_ERROR REPORT_MNT",
)
FANOTIFY_MARK = {0x40: "FAN_MARK_IGNORED_SURV_MODIFY", 0x200: "FAN_MARK_EVICTABLE", 0x400: "FAN_MARK_IGNORE"}

# timerfd.h, time.h
TIMER = {1: "TFD_TIMER_ABSTIME", 2: "TFD_TIMER_CANCEL_ON_SET"}
CLOCKS = {0: "REALTIME", 1: "MONOTONIC", 7: "BOOTTIME", 8: "REALTIME_ALARM", 9: "BOOTTIME_ALARM", 11: "TAI"}

_SIGNALS = [
    "HUP",
    "INT",
    "QUIT",
    "ILL",
    "TRAP",
    "ABRT",
    "BUS",
    "FPE",
    "KILL",
    "USR1",
    "SEGV",
    "USR2",
    "PIPE",
    "ALRM",
    "TERM",
    "STKFLT",
    "CHLD",
    "CONT",
    "STOP",
    "TSTP",
    "TTIN",
    "TTOU",
    "URG",
    "XCPU",
    "XFSZ",
    "VTALRM",
    "PROF",
    "WINCH",
    "IO",
    "PWR",
    "SYS",
]
_RTMIN = 34


def signals(mask: int) -> list[str]:
    """The names of the signals in a mask, ascending (signal(7)); the first real-time ones are the C library's own."""
    return [_signal(number) for number in range(1, mask.bit_length() + 1) if mask >> (number - 1) & 1]


def _signal(number: int) -> str:
    if number <= len(_SIGNALS):
        return "SIG" + _SIGNALS[number - 1]
    if number < _RTMIN:
        return f"SIG{number}"
    return "SIGRTMIN" + (f"+{number - _RTMIN}" if number > _RTMIN else "")


# bpf.h: enum bpf_map_type, enum bpf_prog_type
BPF_MAPS = [
    "unspec",
    "hash",
    "array",
    "prog_array",
    "perf_event_array",
    "percpu_hash",
    "percpu_array",
    "stack_trace",
    "cgroup_array",
    "lru_hash",
    "lru_percpu_hash",
    "lpm_trie",
    "array_of_maps",
    "hash_of_maps",
    "devmap",
    "sockmap",
    "cpumap",
    "xskmap",
    "sockhash",
    "cgroup_storage",
    "reuseport_sockarray",
    "percpu_cgroup_storage",
    "queue",
    "stack",
    "sk_storage",
    "devmap_hash",
    "struct_ops",
    "ringbuf",
    "inode_storage",
    "task_storage",
    "bloom_filter",
    "user_ringbuf",
    "cgrp_storage",
    "arena",
    "insn_array",
]
BPF_PROGRAMS = [
    "unspec",
    "socket_filter",
    "kprobe",
    "sched_cls",
    "sched_act",
    "tracepoint",
    "xdp",
    "perf_event",
    "cgroup_skb",
    "cgroup_sock",
    "lwt_in",
    "lwt_out",
    "lwt_xmit",
    "sock_ops",
    "sk_skb",
    "cgroup_device",
    "sk_msg",
    "raw_tracepoint",
    "cgroup_sock_addr",
    "lwt_seg6local",
    "lirc_mode2",
    "sk_reuseport",
    "flow_dissector",
    "cgroup_sysctl",
    "raw_tracepoint_writable",
    "cgroup_sockopt",
    "tracing",
    "struct_ops",
    "ext",
    "lsm",
    "sk_lookup",
    "syscall",
    "netfilter",
]

"""The parts of a process: the parsers of /proc/PID/* on literal bytes."""

from __future__ import annotations

import json

import pytest

from sqlports.sources.parts import (
    cgroup,
    cmdline,
    io,
    limits,
    privileges,
    rest,
    scheduling,
    stat,
    status,
)
from sqlports.sources.parts.privileges import CAPABILITIES
from sqlports.sources.procfs import Unparsable

CLOCK = stat.Clock(hz=100, boot_time=1_700_000_000, booted=1_700_000_000.37)
TAIL = b" S 1 42 40 34817 -1 4194304 0 0 0 0 150 50 0 0 20 5 3 0 12345 0 0 0"


def named(name: bytes) -> stat.Stat:
    return stat.parse(b"42 (" + name + b")" + TAIL, CLOCK)


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        (b"sh", "sh"),
        (b"web (1)", "web (1)"),
        (b"a) S 1 (b", "a) S 1 (b"),
        (b"two\nlines", "two\nlines"),
        (b"\x1b[31mred", "\x1b[31mred"),
        (b"bad\xff", "bad\\xff"),
        (b"", ""),
        (b") (", ") ("),
        ("日本".encode(), "日本"),
    ],
)
def test_a_name_may_hold_anything(raw: bytes, name: str) -> None:
    assert named(raw).name == name
    assert named(raw).parent == 1


def test_times_and_terminal_of_stat() -> None:
    record = named(b"sh")
    assert (record.user_time, record.system_time) == (1500, 500)
    assert record.start_time == 1_700_000_123
    assert record.started == 1_700_000_123.82
    assert (record.nice, record.threads, record.session, record.pgroup) == (5, 3, 40, 42)
    assert record.tty == "pts/1"
    assert stat.start_ticks(b"42 (a) b)" + TAIL) == 12345


@pytest.mark.parametrize(
    ("number", "name"),
    [
        (0, None),
        (34816, "pts/0"),
        (1025, "tty1"),
        (1088, "ttyS0"),
        (1281, "console"),
        (35072, "pts/256"),
        (7 << 8, "7:0"),
        (0x100000 | 10 | 136 << 8, "pts/266"),
        (188 << 8 | 3, "ttyUSB3"),
        (166 << 8, "ttyACM0"),
        (204 << 8 | 64, "ttyAMA0"),
        (204 << 8, "204:0"),
        (229 << 8 | 1, "hvc1"),
    ],
)
def test_a_terminal_is_named_as_in_dev(number: int, name: str | None) -> None:
    assert stat.tty(number) == name


@pytest.mark.parametrize(
    "data", [b"", b"42", b"42 (sh", b"42 (sh) S 1", b"42 sh" + TAIL, b"42 (sh) S one" + TAIL[4:], b"42 (sh)" + TAIL[:-12]]
)
def test_what_is_no_stat_file_is_refused_by_name(data: bytes) -> None:
    with pytest.raises(Unparsable, match="/proc/PID/stat"):
        assert stat.parse(data, CLOCK).parent is None


STATUS = (
    b"Name:\tx\\ny\nUmask:\t0022\nTgid:\t42\nPPid:\t1\nUid:\t1000\t0\t0\t0\nGid:\t100\t5\t6\t7\n"
    b"VmSize:\t    2048 kB\nVmLck:\t       4 kB\nVmRSS:\t    1024 kB\n"
)


def ids(record: status.Status) -> tuple[int | None, ...]:
    return record.uid, record.euid, record.suid, record.gid, record.egid, record.sgid


def test_status_gives_ids_and_sizes_in_bytes() -> None:
    record = status.parse(STATUS)
    assert ids(record) == (1000, 0, 0, 100, 5, 6)
    assert (record.wired_size, record.resident_size, record.total_size) == (4096, 1 << 20, 1 << 21)


def test_a_kernel_thread_has_no_memory_and_not_zero() -> None:
    record = status.parse(STATUS.split(b"VmSize")[0])
    assert (record.wired_size, record.resident_size, record.total_size) == (None, None, None)


@pytest.mark.parametrize(
    "data",
    [b"", b"Name:\tx\n", STATUS.replace(b"Uid:\t1000\t0", b"Uid:\t"), STATUS.replace(b"2048 kB", b""),
     STATUS.replace(b"\nTgid", b"\nPgid"), STATUS.replace(b"100\t5", b"x\t5")],
)  # fmt: skip
def test_what_is_no_status_file_is_refused_by_name(data: bytes) -> None:
    with pytest.raises(Unparsable, match="/proc/PID/status"):
        every_field(data)


def every_field(data: bytes) -> tuple[int | None, ...]:
    record = status.parse(data)
    return *ids(record), record.wired_size, record.resident_size, record.total_size


def test_a_name_that_looks_like_lines_adds_none() -> None:
    """The kernel writes a line feed in a name as two characters."""
    record = status.parse(STATUS.replace(b"x\\ny", b"x\\nUid:\\t7"))
    assert ids(record) == (1000, 0, 0, 100, 5, 6)


def test_arguments_keep_their_boundaries() -> None:
    record = cmdline.parse(b"cp\0arg arg\0\0\xfe\0")
    assert record.text == "cp arg arg  \\xfe"
    assert json.loads(record.argv or "") == ["cp", "arg arg", "", "\\xfe"]


def test_a_title_written_over_the_arguments_is_one_argument() -> None:
    assert cmdline.parse(b"nginx: master process").argv == '["nginx: master process"]'


def test_no_arguments_are_null() -> None:
    assert (cmdline.parse(b"").text, cmdline.parse(b"").argv) == (None, None)


IO = b"rchar: 9\nwchar: 8\nsyscr: 7\nsyscw: 6\nread_bytes: 4096\nwrite_bytes: 8192\ncancelled_write_bytes: 12288\n"


def test_written_bytes_lack_what_never_reached_the_disk() -> None:
    found = io.parse(IO)
    assert found == (9, 8, 7, 6, 4096, 8192, 12288, -4096)
    assert found.written == -4096


@pytest.mark.parametrize("data", [b"", b"rchar: 9\n", IO.replace(b"9", b"x"), IO.replace(b"wchar", b"other")])
def test_what_are_no_counts_of_io_is_refused_by_name(data: bytes) -> None:
    with pytest.raises(Unparsable, match="/proc/PID/io"):
        io.parse(data)


@pytest.mark.parametrize(
    ("data", "path"),
    [
        (b"0::/user.slice/a.scope\n", "/user.slice/a.scope"),
        (b"0::/\n", "/"),
        (b"12:pids:/a\n1:name=systemd:/b\n0::/\n", "/b"),
        (b"2:cpu,cpuacct:/a:b\n", "/a:b"),
        (b"4:memory:/process\n0::/\n", "/process"),
        (b"1:name=systemd:/\n0::/a\n", "/a"),
        (b"0::/a\rb\x0bc\n", "/a\rb\x0bc"),
        (b"0::/bad\xff\n", "/bad\\xff"),
        (b"", None),
    ],
)
def test_the_control_group_is_the_one_that_is_used(data: bytes, path: str | None) -> None:
    assert cgroup.parse(data) == path


@pytest.mark.parametrize("data", [b"rubbish\n", b"0:/\n", b"0::/\nrubbish\n"])
def test_what_is_no_list_of_control_groups_is_refused_by_name(data: bytes) -> None:
    with pytest.raises(Unparsable, match="/proc/PID/cgroup"):
        cgroup.parse(data)


def test_the_share_of_the_processor_is_that_of_the_time_since_the_start() -> None:
    data = b"42 (sh)" + TAIL
    start = 1_700_000_123.82
    assert stat.parse(data, CLOCK).cpu_percent is None
    assert stat.parse(data, CLOCK).elapsed_time is None
    # Two seconds of a processor's time in eight.
    assert stat.parse(data, CLOCK, start + 8.0).cpu_percent == 25.0
    assert stat.parse(data, CLOCK, start + 8.9).elapsed_time == 8
    # Who started this very moment has no share yet; a clock that was set back makes nothing negative.
    assert stat.parse(data, CLOCK, start).cpu_percent is None
    assert (stat.parse(data, CLOCK, start - 5).cpu_percent, stat.parse(data, CLOCK, start - 5).elapsed_time) == (None, 0)


@pytest.mark.parametrize(("hz", "user_time"), [(100, 1500), (250, 600), (300, 500), (1000, 150), (1024, 146)])
def test_ticks_are_of_any_length(hz: int, user_time: int) -> None:
    found = stat.parse(b"42 (sh)" + TAIL, CLOCK._replace(hz=hz))
    assert found.user_time == user_time
    assert found.started == round(CLOCK.booted + 12345 / hz, 2)


def test_whole_seconds_of_the_start_never_depend_on_the_moment_of_looking() -> None:
    """`booted` is measured and may differ by some microseconds; `boot_time` is the kernel's and does not."""
    looks = [stat.parse(b"42 (sh)" + TAIL, CLOCK._replace(booted=CLOCK.booted + drift)) for drift in (-0.7, 0, 0.7)]
    assert {look.start_time for look in looks} == {1_700_000_123}


# stat, the fields further on.

# Field numbers of proc_pid_stat(5) are three more than the places here.
FULL = [b"0"] * 50


def full(**fields: int) -> list[bytes]:
    """The words of stat after the name, with these at their places of proc_pid_stat(5)."""
    made = FULL.copy()
    for name, value in fields.items():
        places = {"flags": 9, "minflt": 10, "majflt": 12, "priority": 18, "processor": 39, "rt_priority": 40, "policy": 41}
        made[places[name] - 3] = b"%d" % value
    return made


def test_scheduling_is_found_at_its_places() -> None:
    fields = full(flags=0x400040, minflt=11, majflt=12, priority=-51, processor=3, rt_priority=50, policy=1)
    assert scheduling.parse(fields) == ("SCHED_FIFO", -51, 50, 3, 11, 12, 0)


@pytest.mark.parametrize(
    ("number", "policy"),
    [
        (0, "SCHED_OTHER"),
        (1, "SCHED_FIFO"),
        (2, "SCHED_RR"),
        (3, "SCHED_BATCH"),
        (5, "SCHED_IDLE"),
        (6, "SCHED_DEADLINE"),
        (7, "SCHED_EXT"),
        (8, "8"),
        (99, "99"),
        (-1, "-1"),
    ],
)
def test_a_policy_has_its_name_and_one_that_is_not_known_its_number(number: int, policy: str) -> None:
    assert scheduling.parse(full(policy=number)).policy == policy


def test_a_kernel_thread_is_known_by_its_flag() -> None:
    assert scheduling.parse(full(flags=0x00208040)).kernel_thread == 1
    assert scheduling.parse(full(flags=0x00400040)).kernel_thread == 0


def test_where_stat_has_fewer_fields_scheduling_is_not_known() -> None:
    assert scheduling.parse(None) == scheduling.NOTHING
    assert scheduling.parse(full(policy=1)[:38]) == scheduling.NOTHING
    assert scheduling.parse(full(policy=1)[:39]).policy == "SCHED_FIFO"


def test_what_are_no_numbers_of_scheduling_is_refused_by_name() -> None:
    fields = full()
    fields[38] = b"x"
    with pytest.raises(Unparsable, match="/proc/PID/stat"):
        scheduling.parse(fields)


# status, the rest.

REST = (
    b"Name:\tx\nUmask:\t0027\nState:\tS (sleeping)\nTgid:\t42\nNgid:\t0\nPid:\t42\nPPid:\t1\nTracerPid:\t77\n"
    b"Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nFDSize:\t64\nGroups:\t4 24 1000 \nNStgid:\t42\t7\nNSpid:\t42\t7\nNSpgid:\t42\t7\n"
    b"VmPeak:\t    9000 kB\nVmHWM:\t    2000 kB\nVmRSS:\t    1000 kB\nRssAnon:\t     400 kB\nRssFile:\t     500 kB\n"
    b"RssShmem:\t     100 kB\nVmSwap:\t       8 kB\nvoluntary_ctxt_switches:\t12\nnonvoluntary_ctxt_switches:\t34\n"
)


def test_the_rest_of_status() -> None:
    assert rest.parse(REST) == (2000 << 10, 8 << 10, 600 << 10, 77, 7, "[4, 24, 1000]", "0027", 12, 34)


def test_no_tracer_is_null_and_no_groups_are_an_empty_array() -> None:
    found = rest.parse(REST.replace(b"TracerPid:\t77", b"TracerPid:\t0").replace(b"4 24 1000 ", b" "))
    assert (found.tracer, found.supplementary) == (None, "[]")


@pytest.mark.parametrize(
    ("line", "column"),
    [
        (b"Umask", "umask"),  # before 4.7
        (b"NSpid", "namespace_pid"),  # before 4.1
        (b"VmSwap", "swap_size"),  # before 2.6.34, and a kernel thread
        (b"VmHWM", "peak_size"),
        (b"voluntary_ctxt_switches", "voluntary"),  # before 2.6.23
        (b"nonvoluntary_ctxt_switches", "involuntary"),
        (b"Groups", "supplementary"),
        (b"TracerPid", "tracer"),
    ],
)
def test_a_line_that_an_older_kernel_lacks_is_null_alone(line: bytes, column: str) -> None:
    data = b"".join(one for one in REST.splitlines(keepends=True) if not one.startswith(line + b":"))
    assert rest.parse(data) == rest.parse(REST)._replace(**{column: None})


def test_memory_that_may_be_shared_is_not_known_before_the_kernel_told_its_kinds() -> None:
    """RssFile and RssShmem came together, with Linux 4.5."""
    assert rest.parse(REST.replace(b"RssFile", b"Else").replace(b"RssShmem", b"Other")).shared_size is None


def test_no_status_is_nothing() -> None:
    assert rest.parse(None) == rest.NOTHING
    assert privileges.parse(None) == privileges.NOTHING


@pytest.mark.parametrize(
    ("line", "rubbish"),
    [
        (b"TracerPid:\t77", b"TracerPid:\tx"),
        (b"VmSwap:\t       8 kB", b"VmSwap:\tx kB"),
        (b"VmSwap:\t       8 kB", b"VmSwap:"),
        (b"4 24 1000", b"4 x"),
    ],
)
def test_rubbish_in_the_rest_is_refused_by_name(line: bytes, rubbish: bytes) -> None:
    assert line in REST
    with pytest.raises(Unparsable, match="/proc/PID/status"):
        rest.parse(REST.replace(line, rubbish))


# Privileges.


def caps(*bits: int) -> bytes:
    return b"%016x" % sum(1 << bit for bit in bits)


def test_capabilities_by_their_names() -> None:
    assert privileges.names(caps()) == ""
    assert privileges.names(caps(0)) == "CAP_CHOWN"
    assert privileges.names(caps(10, 13)) == "CAP_NET_BIND_SERVICE|CAP_NET_RAW"
    assert privileges.names(caps(21, 19, 40)) == "CAP_SYS_PTRACE|CAP_SYS_ADMIN|CAP_CHECKPOINT_RESTORE"
    assert privileges.names(None) is None
    assert privileges.names(b"000001ffffffffff") == "|".join(CAPABILITIES)


def test_a_capability_that_is_newer_than_this_is_shown_by_its_number() -> None:
    assert privileges.names(caps(0, 41, 63)) == "CAP_CHOWN|CAP_41|CAP_63"
    # Before Linux 2.6.25 all were set of which there were none yet, with 32 bits to a mask.
    assert privileges.names(b"fffffeff") == "|".join(name for bit, name in enumerate(CAPABILITIES[:32]) if bit != 8)


def test_the_numbers_of_capabilities_are_the_kernels() -> None:
    """Of linux/capability.h, those by which one would notice a slip."""
    numbers = {"CAP_SETPCAP": 8, "CAP_NET_ADMIN": 12, "CAP_SYS_PTRACE": 19, "CAP_SYS_ADMIN": 21, "CAP_SETFCAP": 31,
               "CAP_SYSLOG": 34, "CAP_PERFMON": 38, "CAP_BPF": 39, "CAP_CHECKPOINT_RESTORE": 40}  # fmt: skip
    assert {name: CAPABILITIES.index(name) for name in numbers} == numbers


PRIVILEGES = (
    b"Name:\tx\nCapInh:\t%s\nCapPrm:\t%s\nCapEff:\t%s\nCapBnd:\t%s\nCapAmb:\t%s\nNoNewPrivs:\t1\nSeccomp:\t2\n"
    b"Seccomp_filters:\t3\n" % (caps(1), caps(2), caps(3), caps(4), caps(5))
)


def test_each_set_of_capabilities_is_its_own() -> None:
    assert privileges.parse(PRIVILEGES) == (
        "CAP_FOWNER", "CAP_DAC_READ_SEARCH", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_KILL", 1, "filter", 3
    )  # fmt: skip


@pytest.mark.parametrize(
    ("line", "column"),
    [
        (b"CapBnd", "bounding"),  # before 2.6.26
        (b"CapAmb", "ambient"),  # before 4.3
        (b"NoNewPrivs", "no_new_privs"),  # before 4.10
        (b"Seccomp", "seccomp"),  # before 3.8, or built without
        (b"Seccomp_filters", "seccomp_filters"),  # before 5.9
    ],
)
def test_a_privilege_of_which_the_kernel_does_not_tell_is_null_alone(line: bytes, column: str) -> None:
    data = PRIVILEGES.replace(line + b":", b"Else:")
    assert privileges.parse(data) == privileges.parse(PRIVILEGES)._replace(**{column: None})


@pytest.mark.parametrize(("number", "mode"), [(b"0", "disabled"), (b"1", "strict"), (b"2", "filter"), (b"3", "3")])
def test_modes_of_seccomp(number: bytes, mode: str) -> None:
    assert privileges.parse(b"Seccomp:\t" + number + b"\n").seccomp == mode


@pytest.mark.parametrize("data", [b"CapEff:\tx\n", b"CapEff:\t\n", b"NoNewPrivs:\tyes\n", b"Seccomp_filters:\t-\n"])
def test_rubbish_of_privileges_is_refused_by_name(data: bytes) -> None:
    with pytest.raises(Unparsable, match="/proc/PID/status"):
        privileges.parse(data)


# limits.

LIMITS = (
    b"Limit                     Soft Limit           Hard Limit           Units     \n"
    b"Max cpu time              unlimited            unlimited            seconds   \n"
    b"Max core file size        0                    unlimited            bytes     \n"
    b"Max processes             63204                63204                processes \n"
    b"Max open files            1024                 1048576              files     \n"
    b"Max nice priority         0                    0                    \n"
    b"Max realtime timeout      unlimited            18446744073709551614 us        \n"
)


def test_limits_by_the_names_of_getrlimit() -> None:
    found = limits.parse(LIMITS)
    assert (found.open_files, found.open_files_hard) == (1024, 1048576)
    assert json.loads(found.all or "") == {
        "RLIMIT_CPU": [None, None],
        "RLIMIT_CORE": [0, None],
        "RLIMIT_NPROC": [63204, 63204],
        "RLIMIT_NOFILE": [1024, 1048576],
        "RLIMIT_NICE": [0, 0],
        "RLIMIT_RTTIME": [None, 18446744073709551614],
    }


def test_a_limit_that_is_newer_than_this_keeps_the_kernels_words() -> None:
    line = b"Max new thing             5                    unlimited            things    \n"
    assert json.loads(limits.parse(LIMITS + line).all or "")["Max new thing"] == [5, None]


def test_no_limit_on_open_files_and_none_told() -> None:
    data = LIMITS.replace(b"1024                 1048576", b"unlimited            unlimited")
    assert limits.parse(data)[:2] == (None, None)
    assert limits.parse(b"".join(LIMITS.splitlines(keepends=True)[:2]))[:2] == (None, None)


@pytest.mark.parametrize("data", [LIMITS + b"rubbish\n", LIMITS.replace(b"1024 ", b"many ")])
def test_what_are_no_limits_is_refused_by_name(data: bytes) -> None:
    with pytest.raises(Unparsable, match="/proc/PID/limits"):
        limits.parse(data)

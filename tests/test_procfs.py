"""The parsers of /proc on literal bytes."""

from __future__ import annotations

import json

import pytest

from sqlports.sources import passwd, procfs, services
from sqlports.sources.records import Fdinfo, PortSettings

CLOCK = procfs.Clock(hz=100, boot_time=1_700_000_000, booted=1_700_000_000.37)
TAIL = b" S 1 42 40 34817 -1 4194304 0 0 0 0 150 50 0 0 20 5 3 0 12345 0 0 0"


def stat(name: bytes) -> procfs.Stat:
    return procfs.stat(b"42 (" + name + b")" + TAIL, CLOCK)


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
    assert stat(raw).comm == name
    assert stat(raw).parent == 1


def test_times_and_terminal_of_stat() -> None:
    record = stat(b"sh")
    assert (record.user_time, record.system_time) == (1500, 500)
    assert record.start_time == 1_700_000_123
    assert record.started == 1_700_000_123.82
    assert (record.nice, record.threads, record.session, record.pgroup) == (5, 3, 40, 42)
    assert record.tty == "pts/1"
    assert procfs.start_ticks(b"42 (a) b)" + TAIL) == 12345


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
    ],
)
def test_a_terminal_is_named_as_in_dev(number: int, name: str | None) -> None:
    assert procfs.tty(number) == name


@pytest.mark.parametrize("data", [b"", b"42", b"42 (sh", b"42 (sh) S 1"])
def test_what_is_no_stat_file_is_refused_by_name(data: bytes) -> None:
    with pytest.raises(procfs.Unparsable, match="/proc/PID/stat"):
        procfs.stat(data, CLOCK)


STATUS = (
    b"Name:\tx\\ny\nUmask:\t0022\nTgid:\t42\nPPid:\t1\nUid:\t1000\t0\t0\t0\nGid:\t100\t5\t6\t7\n"
    b"VmSize:\t    2048 kB\nVmLck:\t       4 kB\nVmRSS:\t    1024 kB\n"
)


def test_status_gives_ids_and_sizes_in_bytes() -> None:
    record = procfs.status(STATUS)
    assert record[:6] == (1000, 0, 0, 100, 5, 6)
    assert (record.wired_size, record.resident_size, record.total_size) == (4096, 1 << 20, 1 << 21)


def test_a_kernel_thread_has_no_memory_and_not_zero() -> None:
    record = procfs.status(STATUS.split(b"VmSize")[0])
    assert (record.wired_size, record.resident_size, record.total_size) == (None, None, None)


def test_arguments_keep_their_boundaries() -> None:
    record = procfs.cmdline(b"cp\0arg arg\0\0\xfe\0")
    assert record.text == "cp arg arg  \\xfe"
    assert json.loads(record.argv or "") == ["cp", "arg arg", "", "\\xfe"]


def test_a_title_written_over_the_arguments_is_one_argument() -> None:
    assert procfs.cmdline(b"nginx: master process").argv == '["nginx: master process"]'


def test_no_arguments_are_null() -> None:
    assert procfs.cmdline(b"") == (None, None)


def test_written_bytes_lack_what_never_reached_the_disk() -> None:
    data = b"rchar: 9\nread_bytes: 4096\nwrite_bytes: 8192\ncancelled_write_bytes: 4096\n"
    assert procfs.io(data) == (4096, 4096)


@pytest.mark.parametrize(
    ("data", "path"),
    [
        (b"0::/user.slice/a.scope\n", "/user.slice/a.scope"),
        (b"0::/\n", "/"),
        (b"12:pids:/a\n1:name=systemd:/b\n0::/\n", "/b"),
        (b"2:cpu,cpuacct:/a:b\n", "/a:b"),
        (b"", None),
    ],
)
def test_the_control_group_is_the_one_that_is_used(data: bytes, path: str | None) -> None:
    assert procfs.cgroup(data) == path


def test_fdinfo_names_flags_and_access() -> None:
    data = b"pos:\t7\nflags:\t02004002\nmnt_id:\t30\nino:\t5\neventfd-count: 0\n"
    assert procfs.fdinfo(data) == (Fdinfo(7, "O_NONBLOCK|O_CLOEXEC", "rw"), 30)
    assert procfs.fdinfo(b"pos:\t0\nflags:\t010000000\nmnt_id:\t1\n")[0] == Fdinfo(0, "O_PATH", None)
    assert procfs.fdinfo(b"pos:\t0\nflags:\t0100000\nmnt_id:\t1\n")[0].access == "r"


@pytest.mark.parametrize(
    ("link", "found"),
    [
        ("socket:[123]", ("socket", 123)),
        ("pipe:[9]", ("pipe", 9)),
        ("net:[4026531833]", ("namespace", 4026531833)),
        ("anon_inode:[eventfd]", ("eventfd", None)),
        ("anon_inode:[eventpoll]", ("epoll", None)),
        ("anon_inode:inotify", ("inotify", None)),
        ("anon_inode:bpf-map", ("bpf", None)),
        ("/memfd:x (deleted)", ("memfd", None)),
        ("/memfd:x", (None, None)),
        ("/tmp/socket:[123]", (None, None)),
        ("/a (deleted)", (None, None)),
    ],
)
def test_the_text_of_a_link_tells_its_type(link: str, found: tuple[str | None, int | None]) -> None:
    assert procfs.descriptor(link) == found


def test_mounts_by_their_id() -> None:
    data = b"29 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n30 29 0:5 / /a\\040b rw shared:1 master:2 - nfs4 host:/x rw\n"
    assert procfs.mountinfo(data) == {29: "ext4", 30: "nfs4"}


def test_port_settings() -> None:
    assert procfs.port_settings(b"32768\t60999\n", b"8080,9000-9010\n", b"1024\n") == PortSettings(
        (32768, 60999), ((8080, 8080), (9000, 9010)), 1024
    )
    assert procfs.port_settings(b"1 2\n", b"\n", None) == PortSettings((1, 2), (), None)
    assert procfs.port_settings(None, None, None) == PortSettings()


def test_services_with_aliases_remarks_and_rubbish() -> None:
    text = "# head\nhttp 80/tcp www web # World Wide Web\n\nbad\nx 99999/tcp\ny abc/tcp\nsctpd 9/SCTP\n"
    assert services.parse(text) == [
        ("http", 80, "tcp", ("www", "web"), "World Wide Web"),
        ("sctpd", 9, "sctp", (), None),
    ]


def test_accounts_and_lines_that_are_none() -> None:
    text = "root:x:0:0:root:/root:/bin/sh\n+::::::\n# no\nann:x:4294967294:5:A,,:/h:/s\n"
    assert [user.username for user in passwd.parse(text)] == ["root", "ann"]
    ann = passwd.parse(text, frozenset((4294967294,)))[0]
    assert (ann.uid_signed, ann.gid_signed, ann.description) == (-2, 5, "A,,")

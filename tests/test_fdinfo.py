"""fdinfo: what the kernel writes of a descriptor, and what nobody expects, as records and as the details of its kind."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sqlports.sources import fdinfo, links
from sqlports.sources.fdinfo import Fdinfo
from sqlports.sources.fdinfo_kinds import parse
from sqlports.sources.procfs import Unparsable

HEAD = b"pos:\t0\nflags:\t02\nmnt_id:\t9\nino:\t7\n"


def locks(lines: bytes) -> Any:
    found = fdinfo.parse(HEAD + lines).locks
    return None if found is None else json.loads(found)


def test_names_flags_access_and_place() -> None:
    data = b"pos:\t7\nflags:\t02004002\nmnt_id:\t30\nino:\t5\neventfd-count: 0\n"
    assert fdinfo.parse(data) == Fdinfo(7, "O_NONBLOCK|O_CLOEXEC", "rw", 1, 30, 5, None, b"eventfd-count: 0\n")
    assert fdinfo.parse(b"pos:\t0\nflags:\t0100000\nmnt_id:\t1\n").access == "r"
    assert fdinfo.parse(b"pos:\t0\nflags:\t01\nmnt_id:\t1\n")[1:4] == (None, "w", 0)


def test_what_only_names_a_file_has_no_access() -> None:
    assert fdinfo.parse(b"pos:\t0\nflags:\t010000000\nmnt_id:\t1\n")[:4] == (0, "O_PATH", None, 0)


def test_the_inode_is_unknown_before_linux_5_14() -> None:
    found = fdinfo.parse(b"pos:\t0\nflags:\t00\nmnt_id:\t1\neventfd-id: 4\n")
    assert (found.file_inode, found.rest) == (None, b"eventfd-id: 4\n")


def test_a_position_before_the_beginning_as_memory_files_have_it() -> None:
    assert fdinfo.parse(b"pos:\t-4096\nflags:\t00\nmnt_id:\t1\nino:\t3\n").offset == -4096


@pytest.mark.parametrize(
    "data", [b"", b"pos:\t0\n", b"pos:\tx\nflags:\t00\nmnt_id:\t1\n", b"pos:\t0\nflags:\t09\nmnt_id:\t1\n"]
)
def test_what_is_no_fdinfo_is_said_to_be_none(data: bytes) -> None:
    with pytest.raises(Unparsable, match="fdinfo"):
        fdinfo.parse(data)


def test_locks_of_every_kind() -> None:
    lines = (
        b"lock:\t1: FLOCK  ADVISORY  READ 31490 fe:00:2163726 0 EOF\n"
        b"lock:\t2: POSIX  ADVISORY  WRITE 31490 fe:00:2163726 5 14\n"
        b"lock:\t3: OFDLCK ADVISORY  READ -1 fe:00:2163726 100 EOF\n"
        b"lock:\t4: POSIX  MANDATORY WRITE 0 fe:00:2163726 9223372036854775807 9223372036854775807\n"
        b"lock:\t5: LEASE  BREAKING  READ 7 fe:00:2163726 0 EOF\n"
    )
    whole = {"mandatory": False, "start": 0, "end": None}
    assert locks(lines) == [
        {"type": "FLOCK", "mode": "READ", "pid": 31490, **whole},
        {"type": "POSIX", "mode": "WRITE", "mandatory": False, "pid": 31490, "start": 5, "end": 14},
        # A lock of the open file is no process's.
        {"type": "OFDLCK", "mode": "READ", "mandatory": False, "pid": None, "start": 100, "end": None},
        {"type": "POSIX", "mode": "WRITE", "mandatory": True, "pid": None, "start": (1 << 63) - 1, "end": (1 << 63) - 1},
        {"type": "LEASE", "mode": "READ", "state": "BREAKING", "pid": 7, **whole},
    ]
    assert fdinfo.parse(HEAD + lines + b"iff:\ttun0\n").rest == b"iff:\ttun0\n"


def test_no_lock_is_none_and_a_lock_in_another_form_is_kept_as_it_is() -> None:
    assert locks(b"") is None
    strange = b"lock:\t1: SOMETHING\n"
    assert locks(strange) is None
    assert parse(None, fdinfo.parse(HEAD + strange).rest) == {"lock": "1: SOMETHING"}


def test_sockets_registered_with_an_io_uring() -> None:
    data = (
        b"pos:\t0\nflags:\t02000002\nmnt_id:\t15\nino:\t2058\nSqMask:\t0x7\nSqHead:\t0\nUserFiles:\t5\n"
        b"    0: socket:[4711]\n    1: /dev/null\n    2: <none>\n    3: anon_inode:[eventfd]\n  104: socket:[4712]\n"
        b"UserBufs:\t0\nPollList:\n"
    )
    assert fdinfo.registered_sockets(data) == [4711, 4712]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"pos:\t0\nflags:\t02\nmnt_id:\t9\nino:\t7\n",
        b"UserFiles:\t1\n    0: /tmp/socket:[4711]\n",
        b"UserFiles:\t1\n    0: /tmp/\\040\\0120:\\040socket:[4711]\n",
        b"UserFiles:\t1\n    0: socket:[x]\n",
        b"UserFiles:\t1\n    0: socket:\n",
    ],
)
def test_what_is_no_registered_socket(data: bytes) -> None:
    assert fdinfo.registered_sockets(data) == []


def test_a_registered_file_named_like_a_socket_is_none() -> None:
    assert fdinfo.registered_sockets(b"UserFiles:\t1\n    0: socket:[4711]x\n") == []
    assert fdinfo.registered_sockets(b"UserFiles:\t1\n    0: socket:[4711]/below\n") == []


def test_descriptors_in_flight() -> None:
    assert fdinfo.in_flight(HEAD + b"scm_fds: 3\n") == 3
    assert fdinfo.in_flight(HEAD + b"scm_fds: 0\n") == 0
    assert fdinfo.in_flight(HEAD + b"scm_fds:\t253\n") == 253
    assert fdinfo.in_flight(HEAD) == 0
    assert fdinfo.in_flight(b"") == 0


RING = (
    b"SqMask:\t0x7\nSqHead:\t4294967295\nSqTail:\t1\nCachedSqHead:\t0\nCqMask:\t0xf\nCqHead:\t0\nCqTail:\t0\nCachedCqTail:\t0\n"
    b"SQEs:\t1\n    0: opcode:POLL_ADD, fd:3, flags:0, off:0, addr:0x0, rw_flags:0x1, buf_index:0 user_data:7\n"
    b"CQEs:\t0\nSqThread:\t-1\nSqThreadCpu:\t-1\nSqTotalTime:\t0\nSqWorkTime:\t0\n"
    b"UserFiles:\t2\n    0: socket:[4711]\n   10: /a\\040b: c\nUserBufs:\t1\n    0: 0x7f00/4096\n"
    b"PollList:\n  op=6, task_works=0\n  op=6, task_works=0\nCqOverflowList:\n  user_data=1, res=2, flags=0\nNAPI:\tdisabled\n"
)

KINDS: list[tuple[str | None, bytes, dict[str, object]]] = [
    (
        "eventfd",
        b"eventfd-count:                b\neventfd-id: 1\neventfd-semaphore: 0\n",
        {"count": 11, "id": 1, "semaphore": False},
    ),
    ("eventfd", b"eventfd-count: fffffffffffffffe\n", {"count": (1 << 64) - 2}),
    (
        "epoll",
        b"tfd:        6 events: 80002019 data:                6  pos:0 ino:85867f sdev:9\n"
        b"tfd:       -1 events: 0 data: 0  pos:0 ino:0 sdev:0\n"
        b"tfd:        7 events: 21 data: ffffffffffffffff  pos:-3 ino:a sdev:800001\n",
        {
            "targets": [
                {
                    "fd": 6,
                    "events": "EPOLLIN|EPOLLERR|EPOLLHUP|EPOLLRDHUP|EPOLLET",
                    "data": 6,
                    "pos": 0,
                    "ino": 0x85867F,
                    "sdev": "0:9",
                },
                {"fd": 7, "events": "EPOLLIN|0x20", "data": (1 << 64) - 1, "pos": -3, "ino": 10, "sdev": "8:1"},
            ],
            "tfd": "-1 events: 0 data: 0  pos:0 ino:0 sdev:0",
        },
    ),
    ("epoll", b"tfd:        6 events: 1 data: 6\n", {"targets": [{"fd": 6, "events": "EPOLLIN", "data": 6}]}),
    (
        "inotify",
        b"inotify wd:12 ino:13 sdev:fe00000 mask:80000003 ignored_mask:0 fhandle-bytes:8 fhandle-type:1 f_handle:13000000\n"
        b"inotify wd:x\n",
        {
            "watches": [{"wd": 18, "ino": 19, "sdev": "254:0", "mask": "IN_ACCESS|IN_MODIFY|IN_ONESHOT"}],
            "inotify wd": "x",
        },
    ),
    (
        "fanotify",
        b"fanotify flags:601 event-flags:8000\nfanotify mnt_id:1b mflags:0 mask:20 ignored_mask:0\n"
        b"fanotify ino:3f7e8 sdev:fe00000 mflags:40 mask:2 ignored_mask:1 fhandle-bytes:8 fhandle-type:1 f_handle:e8\n"
        b"fanotify sdev:fe00000 mflags:0 mask:8000020 ignored_mask:0\n",
        {
            "flags": "FAN_CLOEXEC|FAN_REPORT_FID|FAN_REPORT_DIR_FID",
            "event_flags": "0100000",
            "marks": [
                {"mnt_id": 27, "mask": "FAN_OPEN", "ignored_mask": None, "flags": None},
                {
                    "ino": 0x3F7E8,
                    "sdev": "254:0",
                    "mask": "FAN_MODIFY",
                    "ignored_mask": "FAN_ACCESS",
                    "flags": "FAN_MARK_IGNORED_SURV_MODIFY",
                },
                {"sdev": "254:0", "mask": "FAN_OPEN|FAN_EVENT_ON_CHILD", "ignored_mask": None, "flags": None},
            ],
        },
    ),
    (
        "timerfd",
        b"clockid: 7\nticks: 3\nsettime flags: 03\nit_value: (99, 500000000)\nit_interval: (0, 0)\n",
        {
            "clock": "CLOCK_BOOTTIME",
            "ticks": 3,
            "flags": "TFD_TIMER_ABSTIME|TFD_TIMER_CANCEL_ON_SET",
            "value": 99.5,
            "interval": 0.0,
        },
    ),
    ("timerfd", b"clockid: 99\nit_value: soon\n", {"clock": "99", "it_value": "soon"}),
    (
        "signalfd",
        b"sigmask:\t8000000380000201\n",
        {"signals": ["SIGHUP", "SIGUSR1", "SIG32", "SIG33", "SIGRTMIN", "SIGRTMIN+30"]},
    ),
    ("signalfd", b"sigmask:\t0000000000000000\n", {"signals": []}),
    ("pidfd", b"Pid:\t31490\nNSpid:\t31490\t7\n", {"pid": 31490, "exited": False, "nspid": [31490, 7]}),
    ("pidfd", b"Pid:\t-1\nNSpid:\t-1\n", {"pid": None, "exited": True, "nspid": None}),
    # Of a process that is not seen from this PID namespace.
    ("pidfd", b"Pid:\t0\nNSpid:\t0\n", {"pid": None, "exited": False, "nspid": None}),
    (
        "bpf-map",
        b"map_type:\t1\nkey_size:\t4\nmap_flags:\t0x80\nmap_extra:\t0x0\nfrozen:\t0\n",
        {"map_type": "hash", "map_type_number": 1, "key_size": 4, "map_flags": 128, "map_extra": 0, "frozen": 0},
    ),
    ("bpf-map", b"map_type:\t999\n", {"map_type_number": 999}),
    (
        "bpf-prog",
        b"prog_type:\t6\nprog_tag:\t0123456789012345\nprog_id:\t9\n",
        {"prog_type": "xdp", "prog_type_number": 6, "prog_tag": "0123456789012345", "prog_id": 9},
    ),
    (
        "bpf-link",
        b"link_type:\txdp\nlink_id:\t89\nprog_tag:\t1234567890123456\nifindex:\t1\n",
        {"link_type": "xdp", "link_id": 89, "prog_tag": "1234567890123456", "ifindex": 1},
    ),
    (
        "io_uring",
        RING,
        {
            "sq_mask": 7,
            "sq_size": 8,
            "sq_head": 4294967295,
            "sq_tail": 1,
            "cached_sq_head": 0,
            "cq_mask": 15,
            "cq_size": 16,
            "cq_head": 0,
            "cq_tail": 0,
            "cached_cq_tail": 0,
            "sqes": 1,
            "cqes": 0,
            "sq_thread": None,
            "sq_thread_cpu": None,
            "sq_total_time": 0,
            "sq_work_time": 0,
            "user_files": 2,
            "files": [{"index": 0, "file": "socket:[4711]"}, {"index": 10, "file": "/a\\040b: c"}],
            "user_bufs": 1,
            "poll_list": 2,
            "cq_overflow_list": 1,
            "napi": "disabled",
        },
    ),
    (
        "userfaultfd",
        b"pending:\t0\ntotal:\t2\nAPI:\taa:0:80000000000001ff\n",
        {"pending": 0, "total": 2, "API": "aa:0:80000000000001ff"},
    ),
    ("device", b"iff:\ttu\x1b\xff\n", {"iff": "tu\x1b\\xff"}),
    ("device", b"iff:\t\n", {"iff": None}),
    ("device", b"tty-index:\t5\n", {"index": 5}),
    (
        "device",
        b"drm-driver:\tamdgpu\ndrm-memory-vram:\t13 KiB\ndrm-client-id:\t7\n",
        {"drm-driver": "amdgpu", "drm-memory-vram": "13 KiB", "drm-client-id": 7},
    ),
    (
        "dmabuf",
        b"size:\t4096\ncount:\t2\nexp_name:\tudmabuf\nname:\tmine\x9b\n",
        {"size": 4096, "count": 2, "exp_name": "udmabuf", "name": "mine\\x9b"},
    ),
    ("socket", b"scm_fds: 3\n", {"scm_fds": 3}),
    (None, b"", {}),
]


@pytest.mark.parametrize(("kind", "rest", "found"), KINDS)
def test_the_details_of_each_kind(kind: str | None, rest: bytes, found: dict[str, object]) -> None:
    assert parse(kind, rest) == found


@pytest.mark.parametrize("kind", sorted({kind for kind, _, _ in KINDS if kind} - {"io_uring"}))
def test_what_a_kernel_to_come_tells_of_a_kind_is_kept(kind: str) -> None:
    rest = b"new-key: 7\nold\nnew-key: 8\nbig: 99999999999999999999\nzeros: 007\nhex: 0x1f\nempty:\n"
    assert (
        parse(kind, rest)
        == {
            "new-key": 7,
            "big": "99999999999999999999",
            "zeros": "007",
            "hex": "0x1f",
            "empty": "",
            "lines": ["old", "new-key: 8"],
        }
        or kind == "io_uring"
    )
    # A ring's numbers are named otherwise, and hexadecimal ones are numbers.
    assert parse("io_uring", b"NewKey: 7\nNewHex: 0x1f\nold\n") == {"new_key": 7, "new_hex": 31, "lines": ["old"]}


@pytest.mark.parametrize(("kind", "rest"), [(kind, rest) for kind, rest, _ in KINDS if kind])
def test_a_line_that_is_cut_off_or_broken_raises_nothing_and_is_kept(kind: str, rest: bytes) -> None:
    for end in range(len(rest)):
        json.dumps(parse(kind, rest[:end]))
    broken = rest.replace(b"0", b"\xff").replace(b"1", b"-")
    assert len(json.dumps(parse(kind, broken))) > 2 or not broken.strip()


@pytest.mark.parametrize(
    ("link", "kind", "inode"),
    [
        ("socket:[123]", "socket", 123),
        ("pipe:[9]", "pipe", 9),
        ("net:[4026531833]", "namespace", 4026531833),
        ("pidfd:[77]", "pidfd", None),
        ("anon_inode:[pidfd]", "pidfd", None),
        ("anon_inode:[eventfd]", "eventfd", None),
        ("anon_inode:[eventpoll]", "epoll", None),
        ("anon_inode:inotify", "inotify", None),
        ("anon_inode:bpf-map", "bpf-map", None),
        ("anon_inode:bpf_link", "bpf-link", None),
        ("anon_inode:kvm-vcpu:3", "kvm-vcpu", None),
        ("anon_inode:seccomp notify", "seccomp", None),
        ("anon_inode:[something-new]", "something-new", None),
        ("something:else", "other", None),
        ("/memfd:x (deleted)", None, None),
        ("/tmp/socket:[123]", None, None),
        ("/a (deleted)", None, None),
    ],
)
def test_the_text_of_a_link_tells_its_type(link: str, kind: str | None, inode: int | None) -> None:
    assert (links.kind(link), links.inode(link)) == (kind, inode)


@pytest.mark.parametrize(
    ("link", "kind"),
    [
        ("/memfd:x (deleted)", "memfd"),
        ("/memfd: (deleted)", "memfd"),
        ("/memfd:x", None),
        ("/dmabuf:", "dmabuf"),
        ("/dmabuf:x (deleted)", None),
        ("/secretmem (deleted)", "secretmem"),
        ("/secretmember (deleted)", None),
        ("/a/memfd:x (deleted)", None),
    ],
)
def test_what_may_be_a_file_without_a_directory(link: str, kind: str | None) -> None:
    assert links.loose(link) == kind


def test_the_name_of_a_memfd_may_end_as_if_it_were_removed() -> None:
    assert links.name("/memfd:a (deleted) (deleted)") == "a (deleted)"

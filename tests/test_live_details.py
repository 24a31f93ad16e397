"""On a real Linux: every kind of descriptor that can be made here is found, with what is particular to it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sqlports import Engine

from .conftest import own

pytestmark = pytest.mark.linux

# System calls that Python 3.11 has no function for; the numbers are those of x86-64, and of all from 424 on.
CALLS = """
import ctypes, fcntl, platform, select, struct
library = ctypes.CDLL(None, use_errno=True)
def call(name, *arguments):
    numbers = dict(signalfd4=289, perf_event_open=298, fanotify_init=300, fanotify_mark=301, pivot_root=155, seccomp=317,
                   bpf=321, userfaultfd=323, io_uring_setup=425, io_uring_register=427, open_tree=428, fsopen=430, fsconfig=431,
                   fsmount=432, landlock_create_ruleset=444, memfd_secret=447)
    number = numbers.get(name)
    if number and number < 424 and platform.machine() != 'x86_64': cannot(f'{name}: its number here is not known')
    found = library.syscall(number, *arguments) if number else getattr(library, name)(*arguments)
    if found < 0: cannot(f'{name}: {os.strerror(ctypes.get_errno())}')
    return found
def control(*arguments):
    try: return fcntl.ioctl(*arguments)
    except OSError as error: cannot(f'ioctl: {error}')
def opened(path, flags):
    try: return os.open(path, flags)
    except OSError as error: cannot(f'{path}: {error}')
def attributes(form, *values): return ctypes.create_string_buffer(struct.pack(form, *values) + bytes(100))
def program(kind, value):
    code = ctypes.create_string_buffer(struct.pack('=BBhiBBhi', 0xb7, 0, 0, value, 0x95, 0, 0, 0))
    license = ctypes.create_string_buffer(b'GPL')
    return call('bpf', 5, attributes('=IIQQ', kind, 2, ctypes.addressof(code), ctypes.addressof(license)), 120)
"""


def detail(engine: Engine, pid: int, fd: int) -> tuple[str | None, Any]:
    """The type of a descriptor and its detail."""
    [(kind, found)] = own(engine, "SELECT type, detail FROM handles WHERE pid = ? AND fd = ?", pid, fd)
    return kind, None if found is None else json.loads(found)


ETC = os.stat("/etc")
ETC_DEVICE = f"{os.major(ETC.st_dev)}:{os.minor(ETC.st_dev)}"

KINDS: dict[str, tuple[str, str, Any]] = {
    "eventfd": ("os.eventfd(11)", "eventfd", {"count": 11, "semaphore": False}),
    "eventfd that counts down": ("os.eventfd(7, os.EFD_SEMAPHORE)", "eventfd", {"count": 7, "semaphore": True}),
    "inotify": (
        "call('inotify_init1', 0); call('inotify_add_watch', fd, b'/etc', 0x80000102)",
        "inotify",
        {"watches": [{"wd": 1, "ino": ETC.st_ino, "mask": "IN_MODIFY|IN_CREATE|IN_ONESHOT"}]},
    ),
    "fanotify": (
        "call('fanotify_init', 1, 0); call('fanotify_mark', fd, 1, ctypes.c_uint64(0x20), -100, b'/etc')",
        "fanotify",
        {"flags": "FAN_CLOEXEC", "marks": [{"ino": ETC.st_ino, "mask": "FAN_OPEN", "ignored_mask": None, "flags": None}]},
    ),
    "timerfd": (
        "call('timerfd_create', 7, 0); call('timerfd_settime', fd, 0, struct.pack('qqqq', 1, 500000000, 1000, 0), None)",
        "timerfd",
        {"clock": "CLOCK_BOOTTIME", "ticks": 0, "flags": None, "interval": 1.5},
    ),
    "timerfd of the time of day": (
        "call('timerfd_create', 0, 0); call('timerfd_settime', fd, 3, struct.pack('qqqq', 0, 0, 1 << 33, 0), None)",
        "timerfd",
        {"clock": "CLOCK_REALTIME", "flags": "TFD_TIMER_ABSTIME|TFD_TIMER_CANCEL_ON_SET", "interval": 0.0},
    ),
    "signalfd": (
        "call('signalfd4', -1, ctypes.create_string_buffer(struct.pack('Q', 1 << 9 | 1 << 33 | 1 << 63 | 1)), 8, 0)",
        "signalfd",
        {"signals": ["SIGHUP", "SIGUSR1", "SIGRTMIN", "SIGRTMIN+30"]},
    ),
    "pidfd": ("os.pidfd_open(1)", "pidfd", {"pid": 1, "exited": False, "nspid": [1]}),
    "pidfd of a process that ended": (
        "0; pid = os.fork(); pid or os._exit(0); fd = os.pidfd_open(pid); os.waitpid(pid, 0)",
        "pidfd",
        {"pid": None, "exited": True, "nspid": None},
    ),
    "bpf map": (
        "call('bpf', 0, attributes('=IIIII', 1, 4, 8, 64, 0), 72)",
        "bpf-map",
        {"map_type": "hash", "map_type_number": 1, "key_size": 4, "value_size": 8, "max_entries": 64, "map_flags": 0},
    ),
    "bpf program": ("program(1, 0)", "bpf-prog", {"prog_type": "socket_filter", "prog_type_number": 1}),
    "bpf link": (
        "0; call('unshare', 0x40000000); fd = call('bpf', 28, attributes('=IIII', program(6, 2), 1, 37, 0), 48)",
        "bpf-link",
        {"link_type": "xdp", "ifindex": 1},
    ),
    "io_uring": (
        "call('io_uring_setup', 8, ctypes.create_string_buffer(120)); s = os.open('/etc', os.O_RDONLY)"
        "; call('io_uring_register', fd, 2, (ctypes.c_int * 3)(s, -1, s), 3)",
        "io_uring",
        {
            "sq_size": 8,
            "cq_size": 16,
            "sq_head": 0,
            "user_files": 3,
            "user_bufs": 0,
            "poll_list": 0,
            "sq_thread": None,
            "files": [{"index": 0, "file": "/etc"}, {"index": 2, "file": "/etc"}],
        },
    ),
    "userfaultfd": ("call('userfaultfd', 0o4001)", "userfaultfd", {"pending": 0, "total": 0}),
    "perf event": (
        "call('perf_event_open', attributes('=IIQ', 1, 112, 0), 0, -1, -1, 0)",
        "perf",
        None,
    ),
    "landlock": ("call('landlock_create_ruleset', ctypes.create_string_buffer(struct.pack('Q', 1)), 8, 0)", "landlock", None),
    "seccomp": (
        "0; drop = ctypes.create_string_buffer(struct.pack('HBBI', 6, 0, 0, 0x7fff0000)); call('prctl', 38, 1, 0, 0, 0)"
        "; fd = call('seccomp', 1, 8, ctypes.create_string_buffer(struct.pack('HxxxxxxQ', 1, ctypes.addressof(drop))))",
        "seccomp",
        None,
    ),
    "virtual machine": ("control(opened('/dev/kvm', os.O_RDWR), 0xAE01, 0)", "kvm-vm", None),
    "file system to be": ("call('fsopen', b'tmpfs', 0)", "fscontext", None),
    "memfd": (r"os.memfd_create('a\x1b\nb (deleted)')", "memfd", {"name": "a\x1b\nb (deleted)"}),
    "memfd of huge pages": ("call('memfd_create', b'huge', 4)", "memfd", {"name": "huge"}),
    "memfd without a name": ("os.memfd_create('')", "memfd", {"name": ""}),
    "secret memory": ("call('memfd_secret', 0)", "secretmem", None),
    "network namespace": ("os.open('/proc/self/ns/net', os.O_RDONLY)", "namespace", {"kind": "net"}),
    "mount namespace": ("os.open('/proc/self/ns/mnt', os.O_RDONLY)", "namespace", {"kind": "mnt"}),
    "character device": ("os.open('/dev/null', os.O_RDONLY)", "device", {"kind": "character", "device": "1:3"}),
    "block device": ("opened('/dev/loop0', os.O_RDONLY)", "device", {"kind": "block", "device": "7:0"}),
    "terminal": (
        "opened('/dev/tty1', os.O_RDONLY | os.O_NOCTTY)",
        "device",
        {"kind": "character", "device": "4:1", "name": "tty1"},
    ),
    "directory": ("os.open('/etc', os.O_RDONLY)", "directory", None),
    "directory that is only named": ("os.open('/etc', os.O_PATH)", "directory", None),
    "symbolic link": ("os.open('/proc/self', os.O_PATH | os.O_NOFOLLOW)", "symlink", None),
    "file without a name": ("opened('/dev/shm', os.O_TMPFILE | os.O_RDWR)", "file", None),
    "file of /proc": ("os.open('/proc/self/stat', os.O_RDONLY)", "file", None),
    "pipe": ("os.pipe()[0]", "pipe", None),
    "netlink socket": ("(s := socket.socket(16, 3, 0)).fileno()", "socket", None),
}


@pytest.mark.parametrize("name", KINDS)
def test_each_kind_and_its_detail(name: str, live: Engine, child: Callable[..., Any]) -> None:
    code, kind, wanted = KINDS[name]
    holder = child(f"{CALLS}\nfd = {code}\ntell(fd)")
    found, told = detail(live, holder.pid, holder.told)
    assert found == kind
    if wanted is None:
        assert told is None
        return
    for key, value in wanted.items():
        if key in ("watches", "marks"):
            [entry] = told[key]
            assert entry["sdev"].count(":") == 1
            assert {name: entry[name] for name in value[0]} == value[0]
        else:
            assert told[key] == value, key
    assert "lines" not in told


def test_the_time_that_is_left_of_a_timer(live: Engine, child: Callable[..., Any]) -> None:
    holder = child(
        f"{CALLS}\nfd = call('timerfd_create', 1, 0)\n"
        "call('timerfd_settime', fd, 0, struct.pack('qqqq', 0, 0, 1000, 0), None); tell(fd)"
    )
    assert 900 < detail(live, holder.pid, holder.told)[1]["value"] <= 1000


def test_what_an_epoll_waits_for(live: Engine, child: Callable[..., Any]) -> None:
    holder = child(
        "import select\ne = select.epoll(); r, w = os.pipe()\n"
        "e.register(r, select.EPOLLIN | select.EPOLLET); e.register(w, select.EPOLLOUT | select.EPOLLONESHOT)\n"
        "tell([e.fileno(), r, w, os.fstat(r).st_ino])"
    )
    epoll, r, w, inode = holder.told
    kind, told = detail(live, holder.pid, epoll)
    assert kind == "epoll"
    assert {target["fd"]: (target["events"], target["ino"]) for target in told["targets"]} == {
        r: ("EPOLLIN|EPOLLERR|EPOLLHUP|EPOLLET", inode),
        w: ("EPOLLOUT|EPOLLERR|EPOLLHUP|EPOLLONESHOT", inode),
    }
    # The targets join the handles.
    sql = (
        "SELECT t.fd, t.type FROM handles e, json_each(e.detail, '$.targets') j JOIN handles t"
        " ON t.pid = e.pid AND t.fd = j.value ->> 'fd' WHERE e.pid = ? AND e.type = 'epoll' ORDER BY 1"
    )
    assert own(live, sql, holder.pid) == [(r, "pipe"), (w, "pipe")]


def test_more_watches_than_ten_have_the_numbers_that_they_were_given(
    live: Engine, child: Callable[..., Any], tmp_path: Path
) -> None:
    # The kernel writes them in hexadecimal.
    for number in range(18):
        (tmp_path / str(number)).mkdir()
    holder = child(
        f"{CALLS}\nfd = call('inotify_init1', 0)\n"
        f"given = [call('inotify_add_watch', fd, os.fsencode({os.fspath(tmp_path)!r} + f'/{{n}}'), 2) for n in range(18)]\n"
        "tell([fd, given])"
    )
    fd, given = holder.told
    told = detail(live, holder.pid, fd)[1]["watches"]
    inodes = {os.stat(tmp_path / str(number)).st_ino: wd for number, wd in enumerate(given)}
    assert {watch["ino"]: watch["wd"] for watch in told} == inodes


def test_a_unix_socket_with_descriptors_on_their_way(live: Engine, child: Callable[..., Any]) -> None:
    holder = child("a, b = socket.socketpair(); socket.send_fds(a, [b'x'], [0, 1, 2]); tell([a.fileno(), b.fileno()])")
    a, b = holder.told
    if detail(live, holder.pid, b) == ("socket", None):
        pytest.skip("this kernel does not tell")
    assert (detail(live, holder.pid, a)[1], detail(live, holder.pid, b)[1]) == ({"scm_fds": 0}, {"scm_fds": 3})


@pytest.mark.root
def test_a_tun_tells_its_interface(live: Engine, child: Callable[..., Any]) -> None:
    holder = child(
        f"{CALLS}\nnew_network(); free, fd = (opened('/dev/net/tun', os.O_RDWR) for _ in 'ab')\n"
        "control(fd, 0x400454ca, struct.pack('16sH22x', b'mine%d', 1)); tell([free, fd])"
    )
    free, fd = holder.told
    assert detail(live, holder.pid, fd) == ("device", {"iff": "mine0", "kind": "character", "device": "10:200"})
    assert detail(live, holder.pid, free)[1]["iff"] is None


def test_a_pseudo_terminal_tells_its_name_at_both_ends(live: Engine, child: Callable[..., Any]) -> None:
    holder = child("a, b = os.openpty(); tell([a, b, os.ttyname(b)])")
    master, slave, name = holder.told
    index = int(name.removeprefix("/dev/pts/"))
    for fd in (master, slave):
        kind, told = detail(live, holder.pid, fd)
        assert (kind, told["kind"], told["index"], told["name"]) == ("device", "character", index, f"pts/{index}")

"""On a real Linux: where handles are, what they lock and who else says so; that nothing is looked at that could hang."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sqlports import Engine

from .conftest import own
from .test_live_details import CALLS, detail

pytestmark = pytest.mark.linux


def test_locks(live: Engine, child: Callable[..., Any], tmp_path: Path) -> None:
    holder = child(
        f"import fcntl, struct\nfiles = [open({os.fspath(tmp_path / 'file')!r}, 'w+') for _ in range(4)]\n"
        "fcntl.lockf(files[0], fcntl.LOCK_EX, 10, 5); fcntl.flock(files[1], fcntl.LOCK_SH)\n"
        "fcntl.fcntl(files[2], 37, struct.pack('hhqqi4x', 0, 0, 100, 0, 0))\n"
        f"lease = open({os.fspath(tmp_path / 'other')!r}, 'w'); lease.close(); lease = open(lease.name)\n"
        "try: fcntl.fcntl(lease, fcntl.F_SETLEASE, fcntl.F_RDLCK)\n"
        "except OSError as error: cannot(f'a lease: {error}')\n"
        "tell([*(f.fileno() for f in files), lease.fileno()])"
    )
    posix, flock, ofd, none, lease = holder.told
    sql = "SELECT fd, locks FROM handles WHERE pid = ?"
    told = {fd: [] if found is None else json.loads(found) for fd, found in own(live, sql, holder.pid)}
    write = {"type": "POSIX", "mode": "WRITE", "mandatory": False, "pid": holder.pid, "start": 5, "end": 14}
    assert told[flock] == [{"type": "FLOCK", "mode": "READ", "mandatory": False, "pid": holder.pid, "start": 0, "end": None}]
    assert told[ofd] == [{"type": "OFDLCK", "mode": "READ", "mandatory": False, "pid": None, "start": 100, "end": None}]
    assert [lock["type"] for lock in told[lease]] == ["LEASE"]
    # A POSIX lock is a process's on a file, by whichever of its descriptors.
    assert write in told[posix]
    assert told[none] in ([], [write])


def test_where_files_are_and_how_large(live: Engine, child: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 1234)
    holder = child(
        f"f = open({os.fspath(path)!r}, 'a+'); g = open({os.fspath(tmp_path / 'gone')!r}, 'wb')\n"
        "g.write(bytes(4321)); g.flush(); os.unlink(g.name)\n"
        "m = os.memfd_create('m'); os.truncate(m, 99); d = os.open('/dev/null', os.O_RDONLY)\n"
        "r, w = os.pipe(); os.set_inheritable(r, True)\n"
        "tell([f.fileno(), g.fileno(), m, d, r, w, os.fstat(g.fileno()).st_ino, os.fstat(m).st_ino])"
    )
    file, gone, memory, null, r, w, gone_inode, memory_inode = holder.told
    sql = "SELECT fd, size, file_inode, device, file_system, mount_id, close_on_exec, deleted FROM handles WHERE pid = ?"
    rows = {row[0]: row[1:] for row in own(live, sql, holder.pid)}
    mounts = [line.split() for line in Path(f"/proc/{holder.pid}/mountinfo").read_text().splitlines()]
    by_id = {int(words[0]): (words[2], words[words.index("-") + 1]) for words in mounts}
    status = path.stat()
    size, inode, device, file_system, mount, on_exec, deleted = rows[file]
    assert (size, inode, on_exec, deleted) == (1234, status.st_ino, 1, 0)
    assert (device, file_system) == by_id[mount]
    assert rows[gone][:2] == (4321, gone_inode)
    assert rows[gone][-1] == 1
    assert rows[memory][:2] == (99, memory_inode)
    assert rows[memory][3] == "tmpfs"
    # What stands for no file has no size, and what has no path no place.
    assert rows[null][0] is None
    assert rows[null][3] == by_id[rows[null][4]][1]
    assert rows[r][:4] == (None, None, None, None)
    assert (rows[r][5], rows[w][5]) == (0, 1)


@pytest.mark.root
def test_a_file_that_only_looks_like_memory_is_none(live: Engine, child: Callable[..., Any], tmp_path: Path) -> None:
    # Whoever has mounts of his own has a root directory to put it in.
    holder = child(
        f"{CALLS}\nunshare(0x20000); root = {os.fspath(tmp_path)!r}.encode()\n"
        "call('mount', b'none', b'/', None, 0x44000, None); call('mount', b'none', root, b'tmpfs', 0, None)\n"
        "os.chdir(root); os.mkdir('old'); call('pivot_root', b'.', b'old'); os.chdir('/')\n"
        "f = open('/memfd:x', 'w'); os.unlink('/memfd:x'); g = open('/memfd:y (deleted)', 'w')\n"
        "h = open('/old/etc/passwd'); tell([f.fileno(), g.fileno(), h.fileno()])"
    )
    sql = "SELECT type, target, deleted, file_system = 'tmpfs', detail FROM handles WHERE pid = ? AND fd = ?"
    assert own(live, sql, holder.pid, holder.told[0]) == [("file", "/memfd:x", 1, 1, None)]
    assert own(live, sql, holder.pid, holder.told[1]) == [("file", "/memfd:y (deleted)", 0, 1, None)]
    assert own(live, sql, holder.pid, holder.told[2])[0][:3] == ("file", "/old/etc/passwd", 0)


def test_a_removed_directory(live: Engine, child: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    holder = child(
        f"d = os.open({os.fspath(tmp_path / 'gone')!r}, os.O_RDONLY); os.rmdir({os.fspath(tmp_path / 'gone')!r}); tell(d)"
    )
    sql = "SELECT type, target, deleted FROM handles WHERE pid = ? AND fd = ?"
    assert own(live, sql, holder.pid, holder.told) == [("directory", os.fspath(tmp_path / "gone"), 1)]


@pytest.mark.root
def test_what_is_on_a_detached_mount_is_listed_and_not_looked_at(live: Engine, child: Callable[..., Any]) -> None:
    holder = child(
        f"{CALLS}\nfs = call('fsopen', b'tmpfs', 0); call('fsconfig', fs, 6, None, None, 0)\n"
        "mount = call('fsmount', fs, 0, 0); tell(os.open('file', os.O_CREAT | os.O_RDWR, dir_fd=mount))"
    )
    sql = "SELECT type, target, size, device, file_system, access FROM handles WHERE pid = ? AND fd = ?"
    with live.snapshot():
        assert own(live, sql, holder.pid, holder.told) == [(None, "/file", None, None, None, "rw")]
        told = own(live, "SELECT count FROM scan_errors WHERE pid = ? AND reason LIKE '%detached%'", holder.pid)
    assert told == [(1,)]


def test_a_directory_that_was_opened_as_one_is_not_looked_through(live: Engine, child: Callable[..., Any]) -> None:
    holder = child("tell([os.open('/etc', os.O_RDONLY | os.O_DIRECTORY), os.open('/etc', os.O_RDONLY)])")
    for fd, looks in zip(holder.told, (0, 1), strict=True):
        with live.snapshot() as system:
            sql = "SELECT type, deleted, file_system FROM handles WHERE pid = ? AND fd = ?"
            assert own(live, sql, holder.pid, fd)[0][:2] == ("directory", 0)
            assert system.reads["stat of a file"] == looks
            assert system.reads["fdinfo"] == 1


@pytest.mark.root
def test_a_message_queue_that_is_opened_where_they_are_mounted(live: Engine, child: Callable[..., Any], tmp_path: Path) -> None:
    holder = child(
        f"{CALLS}\nunshare(0x8020000); place = {os.fspath(tmp_path)!r}\n"
        "call('mount', b'none', b'/', None, 0x44000, None); call('mount', b'none', place.encode(), b'mqueue', 0, None)\n"
        "tell(os.open(place + '/queue', os.O_CREAT | os.O_RDWR))"
    )
    sql = "SELECT type, target, deleted, file_system FROM handles WHERE pid = ? AND fd = ?"
    assert own(live, sql, holder.pid, holder.told) == [("mqueue", os.fspath(tmp_path / "queue"), 0, "mqueue")]


def test_a_message_queue_has_its_name(live: Engine, child: Callable[..., Any]) -> None:
    holder = child(
        f"{CALLS}\nname = f'/sqlports-{{os.getpid()}}'.encode()\n"
        "fd = call('mq_open', name, os.O_CREAT | os.O_RDWR, 0o600, None)\n"
        "library.mq_unlink(name); tell(fd)"
    )
    [(access, target, offset)] = own(
        live, "SELECT access, target, offset FROM handles WHERE pid = ? AND fd = ?", holder.pid, holder.told
    )
    assert (access, offset) == ("rw", 0)
    assert target.startswith(f"/sqlports-{holder.pid}")


def test_a_process_whose_first_thread_has_ended_still_has_its_handles(live: Engine, child: Callable[..., Any]) -> None:
    holder = child(
        "import ctypes, threading\nready = threading.Event()\n"
        "def work():\n"
        "    while open('/proc/self/stat').read().rpartition(')')[2].split()[0] != 'Z': time.sleep(0.001)\n"
        "    tell([threading.get_native_id(), e, m, n]); sys.stdin.read(); os._exit(0)\n"
        "e = os.eventfd(5); m = os.memfd_create('kept'); n = os.open('/dev/null', os.O_WRONLY)\n"
        "threading.Thread(target=work).start(); ctypes.CDLL(None).pthread_exit(None)"
    )
    tid, *fds = holder.told
    sql = "SELECT tid, fd, type, access, file_system IS NOT NULL FROM handles WHERE pid = ? AND fd IN (?, ?, ?)"
    assert own(live, sql, holder.pid, *fds) == [
        (tid, fds[0], "eventfd", "rw", 0),
        (tid, fds[1], "memfd", "rw", 1),
        (tid, fds[2], "device", "w", 1),
    ]
    assert [detail(live, holder.pid, fd)[1].get("name") for fd in fds] == [None, "kept", None]


MANY = """
import select
f = open('/etc/passwd', 'rb', 0); f.seek(10); d = os.open('/etc', os.O_RDONLY); n = os.open('/dev/null', os.O_WRONLY)
r, w = os.pipe(); s = socket.create_server(('127.0.0.1', 0)); u, v = socket.socketpair(); e = os.eventfd(0)
m = os.memfd_create('m'); a, b = os.openpty()
g = open('/dev/shm/sqlports-gone-%d' % os.getpid(), 'w'); g.write('x' * 77); g.flush(); os.unlink(g.name)
epoll = select.epoll(); o = os.open('/etc', os.O_PATH); p = os.pidfd_open(os.getpid())
tell(1)
"""


def test_lsfd_says_the_same(live: Engine, child: Callable[..., Any]) -> None:
    if not shutil.which("lsfd"):
        pytest.skip("lsfd is not installed")
    holder = child(MANY)
    # What stat(2) says of the type has had a column of its own since util-linux 2.39.
    known = subprocess.run(["lsfd", "--help"], capture_output=True, text=True, check=True).stdout
    plain = "STTYPE" if "STTYPE" in known else "TYPE"
    columns = ["FD", plain, "MODE", "INODE", "MNTID", "DELETED", "POS", "SIZE", "NAME"]
    printed = subprocess.run(
        ["lsfd", "--json", "-p", str(holder.pid), "-o", ",".join(columns)], capture_output=True, text=True, check=True
    )
    rows = json.loads(printed.stdout)["lsfd"]
    theirs = {row["fd"]: row for row in rows if isinstance(row.get("fd"), int)}
    assert len(theirs) > 15
    sql = (
        "SELECT fd, type, access, coalesce(inode, file_inode), mount_id, deleted, offset, size, target"
        " FROM handles WHERE pid = ?"
    )
    ours = {row[0]: row[1:] for row in own(live, sql, holder.pid)}
    assert ours.keys() == theirs.keys()
    types = {"REG": {"file", "memfd"}, "DIR": {"directory"}, "CHR": {"device"}, "FIFO": {"pipe"}, "SOCK": {"socket"}}
    for fd, (kind, access, inode, mount, deleted, offset, size, target) in ours.items():
        row = theirs[fd]
        assert kind in types.get(row[plain.lower()], {"epoll", "eventfd", "pidfd"}), (kind, row)
        assert (access or "") == row["mode"].replace("-", "").replace("x", ""), (kind, row)
        assert (mount, offset) == (row["mntid"], row["pos"]), (kind, row)
        assert inode in (None, row["inode"]), (kind, row)
        if kind in ("file", "directory", "memfd"):
            assert (inode, size) == (row["inode"], row["size"]), (kind, row)
        if kind in ("file", "directory", "device"):
            assert bool(deleted) == bool(row["deleted"]), (kind, row)
            assert target == row["name"].removesuffix(" (deleted)"), (kind, row)


def test_lsof_says_the_same(live: Engine, child: Callable[..., Any]) -> None:
    if not shutil.which("lsof"):
        pytest.skip("lsof is not installed")
    holder = child(MANY)
    # The device comes in hexadecimal, position and size as numbers; fields end with a NUL, sets of them with a newline.
    printed = subprocess.run(
        ["lsof", "-n", "-P", "-w", "-o", "-o", "0", "-a", "-d", "0-99", "-p", str(holder.pid), "-F", "0ftaoin"],
        capture_output=True,
        text=True,
        check=False,
    )
    theirs = []
    for line in printed.stdout.split("\n"):
        fields = {field[0]: field[1:] for field in line.split("\0") if field}
        if fields.get("f", "").isdigit():
            theirs.append(fields)
    assert len(theirs) > 15
    sql = "SELECT type, access, offset, file_inode FROM handles WHERE pid = ? AND fd = ?"
    words = {"REG": {"file", "memfd"}, "DIR": {"directory"}, "CHR": {"device"}, "FIFO": {"pipe"}}
    for fields in theirs:
        [(kind, access, offset, inode)] = own(live, sql, holder.pid, int(fields["f"]))
        if fields["t"] in words:
            assert kind in words[fields["t"]], fields
        # Of what is open for neither it says both.
        if fields.get("a", " ").strip() and access is not None:
            assert {"r": "r", "w": "w", "u": "rw"}[fields["a"]] == access, fields
        if fields["t"] in ("REG", "DIR"):
            assert inode == int(fields["i"]), fields
        if "o" in fields and fields["o"].startswith("0t"):
            assert offset == int(fields["o"][2:]), fields


def test_the_flags_of_a_descriptor_are_those_that_the_system_gives_back(live: Engine) -> None:
    fd = os.open("/dev/null", os.O_RDWR | os.O_APPEND | os.O_NONBLOCK | os.O_NOFOLLOW)
    try:
        [(flags, on_exec)] = own(live, "SELECT flags, close_on_exec FROM handles WHERE pid = ? AND fd = ?", os.getpid(), fd)
        told = fcntl.fcntl(fd, fcntl.F_GETFL)
    finally:
        os.close(fd)
    names = set(flags.split("|"))
    assert {name for name in names - {"O_CLOEXEC"} if told & getattr(os, name)} == names - {"O_CLOEXEC"}
    assert {"O_APPEND", "O_NONBLOCK", "O_NOFOLLOW", "O_CLOEXEC"} <= names
    assert on_exec == 1

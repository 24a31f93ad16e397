"""What processes choose themselves: names, arguments, directories, executables. Each row is whole, right, and safe to show."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sqlports import Engine

from .conftest import UNSAFE, command, own
from .fire import wait_until

pytestmark = pytest.mark.linux


def shown_safely(sql: str, number: int, /, **expected: Any) -> None:
    """The command tells these values in JSON as they are, and shows them to people without any control character."""
    done = command(sql, "-p", f"pid={number}")
    assert done.returncode == 0
    # What is too wide for a table has a line for each value.
    assert done.stderr == "" or "written as lines" in done.stderr
    assert not UNSAFE.search(done.stdout + done.stderr)
    assert len(done.stdout.splitlines()) == (len(expected) if done.stderr else 3)
    done = command(sql, "-p", f"pid={number}", "--jsonl")
    assert not UNSAFE.search(done.stdout)
    assert len(done.stdout.splitlines()) == 1
    told = json.loads(done.stdout)
    assert {name: told[name] for name in expected} == expected


NAMES = {
    "a parenthesis": b"a) S 1 (b",
    "two lines": b"two\nlines",
    "an escape": b"\x1b[31mred\x1b]0;x",
    "no UTF-8": b"bad\xff\xfe\xc3",
    "cut in a character": "ééééééééé".encode(),
    "blanks": b"  spaces  ",
    "control characters only": b"\x01\x02\x1b\x7f\r\n\t\x0b",
    "nothing": b"",
    "like a line of status": b"x\nUid:\t0\t0\n",
    "all parentheses": b")))))))) R 1 1",
    "a word of SQL": b"';DROP TABLE x",
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_any_name_a_process_may_give_itself(name: bytes, live: Engine, child: Callable[..., Any]) -> None:
    holder = child(
        f"import ctypes, threading; library = ctypes.CDLL(None); library.prctl(15, {name!r}, 0, 0, 0)\n"
        "t = threading.Thread(target=time.sleep, args=(600,), daemon=True); t.start()\n"
        "s = socket.create_server(('127.0.0.1', 0)); tell([t.native_id, s.getsockname()[1]])"
    )
    thread, port = holder.told
    wanted = name[:15].decode("utf-8", "backslashreplace")
    sql = "SELECT name, parent, uid, threads, state IN ('S', 'R') AS asleep FROM processes WHERE pid = ?"
    assert own(live, sql, holder.pid) == [(wanted, os.getpid(), os.geteuid(), 2, 1)]
    # A thread that is made has its maker's name.
    sql = "SELECT tid, name, uid FROM threads WHERE pid = ? ORDER BY tid"
    assert own(live, sql, holder.pid) == [(holder.pid, wanted, os.geteuid()), (thread, wanted, os.geteuid())]
    sql = "SELECT name FROM sockets JOIN processes USING (pid) WHERE local_port = ?"
    assert own(live, sql, port) == [(wanted,)]
    assert own(live, "SELECT pid FROM processes WHERE name = ? AND pid = ?", wanted, holder.pid) == [(holder.pid,)]
    shown_safely("SELECT pid, name FROM processes WHERE pid = :pid", holder.pid, pid=holder.pid, name=wanted)


# In the child: `area` is where its arguments are, and how far they and its environment reach.
AREA = """
import ctypes
words = open('/proc/self/stat').read().rsplit(')', 1)[1].split()
start, end, environ, last = map(int, words[45:49])
def put(at, data): ctypes.memmove(at, data, len(data))
"""

# What a process writes over its arguments, and what they are then. `length` is that of the arguments with their NULs.
TITLES: dict[str, tuple[str, Callable[[int], list[str]]]] = {
    # As sendmail and nginx do it: a title, and the rest filled with NULs, which the kernel tells as empty arguments.
    "a title and NULs": (
        "put(start, b'nginx: worker' + bytes(end - start - 13))",
        lambda length: ["nginx: worker"] + [""] * (length - 14),
    ),
    # As PostgreSQL does it: blanks to the last byte, so that the end is no NUL.
    "a title and blanks": (
        "put(start, b'postgres: idle'.ljust(end - start) + b'\\0')",
        lambda length: ["postgres: idle".ljust(length)],
    ),
    "longer than the arguments": (
        "put(start, (b't' * (end - start + 40)) + b'\\0')",
        lambda length: ["t" * (length + 40)],
    ),
    "other arguments": (
        "put(start, b'one\\0two words\\0\\0'.ljust(end - start - 1, b'z') + b'\\0')",
        lambda length: ["one", "two words", "", "z" * (length - 16)],
    ),
    "nothing but NULs": ("put(start, bytes(end - start))", lambda length: [""] * length),
    "no UTF-8": (
        "put(start, b'\\xff\\xfe caf\\xc3'.ljust(end - start - 1, b'\\xe9') + b'\\0')",
        lambda length: [b"\xff\xfe caf\xc3".ljust(length - 1, b"\xe9").decode("utf-8", "backslashreplace")],
    ),
    "control characters": (
        "put(start, b'\\x1b[2J\\x1b]0;x\\x07\\n\\r\\t'.ljust(end - start - 1, b'\\x01') + b'\\0')",
        lambda length: ["\x1b[2J\x1b]0;x\x07\n\r\t".ljust(length - 1, "\x01")],
    ),
}


@pytest.mark.parametrize("title", TITLES)
def test_arguments_that_a_process_wrote_over_are_told_as_the_kernel_has_them(
    title: str, live: Engine, child: Callable[..., Any]
) -> None:
    write, wanted = TITLES[title]
    # All is read before: the interpreter may look at its environment later.
    holder = child(f"{AREA}\nassert environ == end\n{write}\ntell(end - start)")
    argv = wanted(holder.told)
    sql = "SELECT argv, cmdline, name IS NOT NULL, path, uid FROM processes WHERE pid = ?"
    [(found, cmdline, *rest)] = own(live, sql, holder.pid)
    assert json.loads(found) == argv
    assert cmdline == " ".join(argv).rstrip(" ")
    assert rest == [1, os.readlink(f"/proc/{holder.pid}/exe"), os.geteuid()]
    assert own(live, "SELECT count(*) FROM handles WHERE pid = ? AND target IS NOT NULL", holder.pid)[0][0] > 2
    shown_safely(
        "SELECT pid, argv, cmdline FROM processes WHERE pid = :pid", holder.pid, pid=holder.pid, argv=found, cmdline=cmdline
    )


# prctl_mm_map of linux/prctl.h: from start_code to env_end, auxv, its size, the descriptor of an executable (none).
MOVED = """
import mmap, struct
stat = [int(word) for word in words[2:]]
code, code_end, stack = stat[21], stat[22], stat[23]
data, data_end, brk = stat[40], stat[41], stat[42]
area = mmap.mmap(-1, 4 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
place = ctypes.addressof(ctypes.c_char.from_buffer(area))
area[:len(TEXT)] = TEXT
library = ctypes.CDLL(None, use_errno=True); library.sbrk.restype = ctypes.c_void_p; now = library.sbrk(0)
fields = (code, code_end, data, data_end, brk, now, stack, place, place + len(TEXT), environ, last, 0, 0, 0xffffffff)
made = ctypes.create_string_buffer(struct.pack('=12QII', *fields))
if library.prctl(35, 14, ctypes.byref(made), ctypes.c_ulong(len(made) - 1), 0):
    cannot('prctl(PR_SET_MM_MAP): ' + os.strerror(ctypes.get_errno()))
tell(1)
"""


@pytest.mark.parametrize("arguments", [[b"elsewhere", b"two"], [b"\xff\n" * 500_000, b""], []])
def test_arguments_that_a_process_has_moved_elsewhere_are_told(
    arguments: list[bytes], live: Engine, child: Callable[..., Any]
) -> None:
    words = ", ".join(
        f"{argument[:2]!r} * {len(argument) // 2} + b'\\0'" if len(argument) > 1000 else repr(argument + b"\0")
        for argument in arguments
    )
    text = f"b''.join([{words}])"
    holder = child(f"{AREA}\nTEXT = {text}\n{MOVED}")
    [(argv, cmdline, uid)] = own(live, "SELECT argv, cmdline, uid FROM processes WHERE pid = ?", holder.pid)
    wanted = [argument.decode("utf-8", "backslashreplace") for argument in arguments]
    # No arguments at all are told as of a thread of the kernel: the file is as empty.
    assert (argv and json.loads(argv)) == (wanted or None)
    assert cmdline == (" ".join(wanted).rstrip(" ") if wanted else None)
    assert uid == os.geteuid()


def running(path: Path, **options: Any) -> subprocess.Popen[bytes]:
    process = subprocess.Popen([path, "1000"], **options)
    wait_until(lambda: Path(f"/proc/{process.pid}/cmdline").read_bytes().startswith(os.fsencode(path)))
    return process


@pytest.fixture
def sleeps(tmp_path: Path) -> Any:
    """Start copies of sleep(1) under any name; they end with the test."""
    sleep = shutil.which("sleep")
    assert sleep
    started: list[subprocess.Popen[bytes]] = []

    def start(name: str) -> int:
        shutil.copy(sleep, tmp_path / name)
        started.append(running(tmp_path / name))
        return started[-1].pid

    yield start
    for process in started:
        process.send_signal(signal.SIGKILL)
        process.wait()


DELETED = " (deleted)"


def test_an_executable_is_deleted_replaced_or_only_called_so(live: Engine, sleeps: Any, tmp_path: Path) -> None:
    names = {name: f"{tmp_path}/{name}" for name in ("kept", "gone", "new", f"named{DELETED}", f"both{DELETED}", "decoy")}
    pids = {name: sleeps(name) for name in names}
    for name in ("gone", "new", f"both{DELETED}", "decoy"):
        os.unlink(names[name])
    Path(names["new"]).write_text("another")
    # Not the executable, though the kernel writes of that what this is called.
    Path(names["decoy"] + DELETED).write_text("another")
    sql = "SELECT path, on_disk, deleted FROM processes WHERE pid = ?"
    told = {name: own(live, sql, pid)[0] for name, pid in pids.items()}
    assert told == {
        "kept": (names["kept"], 1, 0),
        "gone": (names["gone"], 0, 1),
        "new": (names["new"], 1, 1),
        f"named{DELETED}": (names[f"named{DELETED}"], 1, 0),
        f"both{DELETED}": (names[f"both{DELETED}"], 0, 1),
        "decoy": (names["decoy"], 0, 1),
    }
    assert own(live, f"SELECT count(*) FROM scan_errors WHERE pid IN ({', '.join(map(str, pids.values()))})") == [(0,)]


def test_an_executable_and_a_directory_of_any_name_are_told_and_shown_safely(live: Engine, tmp_path: Path) -> None:
    sleep = shutil.which("sleep")
    assert sleep
    raw = os.fsencode(tmp_path) + b"/\x1b[31m\n\xff\xe9 \\ (x"
    os.mkdir(raw)
    tool = raw + b"/\x01\x02\n"
    shutil.copy(sleep, tool)
    with subprocess.Popen([tool, "1000"], cwd=raw) as process:
        try:
            wait_until(lambda: b"1000" in Path(f"/proc/{process.pid}/cmdline").read_bytes())
            expected = {
                "name": "\x01\x02\n",
                "path": tool.decode("utf-8", "backslashreplace"),
                "cwd": raw.decode("utf-8", "backslashreplace"),
                "on_disk": 1,
                "deleted": 0,
            }
            sql = "SELECT name, path, cwd, on_disk, deleted FROM processes WHERE pid = :pid"
            assert live.query(sql, {"pid": process.pid}) == [expected]
            shown_safely(sql, process.pid, **expected)
            # Removed, it is known by the same name: what is not UTF-8 is looked for as it is.
            os.unlink(tool)
            [row] = live.query(sql, {"pid": process.pid})
            assert (row["path"], row["on_disk"], row["deleted"]) == (expected["path"], 0, 1)
        finally:
            process.kill()


def test_a_current_directory_that_was_removed_says_so(live: Engine, child: Callable[..., Any], tmp_path: Path) -> None:
    for name in ("gone", f"named{DELETED}"):
        (tmp_path / name).mkdir()
    gone, named = (child("tell(1)", cwd=tmp_path / name).pid for name in ("gone", f"named{DELETED}"))
    (tmp_path / "gone").rmdir()
    sql = "SELECT cwd, name IS NOT NULL, path IS NOT NULL, uid FROM processes WHERE pid = ?"
    assert own(live, sql, gone) == [(f"{tmp_path}/gone{DELETED}", 1, 1, os.geteuid())]
    assert own(live, sql, named) == [(f"{tmp_path}/named{DELETED}", 1, 1, os.geteuid())]


def test_a_file_is_deleted_replaced_or_only_called_so(live: Engine, child: Callable[..., Any], tmp_path: Path) -> None:
    names = ("kept", "gone", "new", f"named{DELETED}", f"both{DELETED}", "decoy")
    holder = child(
        f"os.chdir({os.fspath(tmp_path)!r}); files = {{name: open(name, 'w') for name in {names!r}}}\n"
        "tell({name: file.fileno() for name, file in files.items()})"
    )
    for name in ("gone", "new", f"both{DELETED}", "decoy"):
        (tmp_path / name).unlink()
    (tmp_path / "new").write_text("another")
    (tmp_path / f"decoy{DELETED}").write_text("another")
    sql = "SELECT target, type, deleted FROM handles WHERE pid = ? AND fd = ?"
    told = {name: own(live, sql, holder.pid, fd)[0] for name, fd in holder.told.items()}
    removed = {"gone", "new", f"both{DELETED}", "decoy"}
    assert told == {name: (f"{tmp_path}/{name}", "file", int(name in removed)) for name in names}


LEADERLESS = """
import ctypes, platform, threading
kept = open(KEPT, 'w'); server = socket.create_server(('127.0.0.1', 0)); ready = threading.Event()
def lives():
    ctypes.CDLL(None).prctl(15, b'heir', 0, 0, 0); ready.set(); time.sleep(600)
t = threading.Thread(target=lives); t.start(); ready.wait()
tell([t.native_id, kept.fileno(), server.fileno(), server.getsockname()[1]])
# exit(2), of this thread alone.
ctypes.CDLL(None).syscall({'x86_64': 60, 'i686': 1, 'armv7l': 1}.get(platform.machine(), 93), 0)
"""


def test_a_process_whose_first_thread_ended_is_told_by_those_that_live(
    live: Engine, child: Callable[..., Any], tmp_path: Path
) -> None:
    kept = os.fspath(tmp_path / "kept")
    holder = child(f"KEPT = {kept!r}\n{LEADERLESS}", cwd=tmp_path)
    tid, file, server, port = holder.told
    status = Path(f"/proc/{holder.pid}/stat")
    wait_until(lambda: status.read_text().rsplit(")", 1)[1].split()[0] == "Z")
    [row] = live.query("SELECT * FROM processes WHERE pid = ?", (holder.pid,))
    assert (row["state"], row["threads"], row["uid"], row["parent"]) == ("Z", 2, os.geteuid(), os.getpid())
    assert row["path"] == os.readlink(f"/proc/{holder.pid}/task/{tid}/exe")
    assert json.loads(row["argv"])[1] == "-c"
    assert (row["cwd"], row["root"], row["fd_count"]) == (
        os.fspath(tmp_path),
        "/",
        len(os.listdir(f"/proc/{holder.pid}/task/{tid}/fd")),
    )
    assert row["net_namespace"] == os.stat("/proc/self/ns/net").st_ino
    handles = {row["fd"]: row for row in live.query("SELECT * FROM handles WHERE pid = ?", (holder.pid,))}
    assert (handles[file]["target"], handles[file]["type"], handles[file]["access"]) == (kept, "file", "w")
    assert (handles[server]["type"], handles[server]["tid"]) == ("socket", tid)
    assert own(live, "SELECT pid, fd, tid FROM handles WHERE target = ?", kept) == [(holder.pid, file, tid)]
    sql = "SELECT pid, fd, owners, owner_reason FROM sockets WHERE local_port = ?"
    assert own(live, sql, port) == [(holder.pid, server, 1, "owned")]
    threads = own(live, "SELECT tid, state, name FROM threads WHERE pid = ? ORDER BY tid", holder.pid)
    assert [row[:2] for row in threads] == [(holder.pid, "Z"), (tid, "S")]
    assert threads[1][2] == "heir"
    assert own(live, "SELECT ancestor FROM process_tree WHERE descendant = ? AND depth = 1", holder.pid) == [(os.getpid(),)]
    assert own(live, "SELECT count(*) FROM scan_errors WHERE pid = ?", holder.pid) == [(0,)]

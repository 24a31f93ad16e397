"""On a real Linux: what a process made of itself is what its row says."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from sqlports import Engine
from sqlports.sources.parts.privileges import CAPABILITIES

from .conftest import as_nobody, at_last, own

pytestmark = pytest.mark.linux

# What a child needs that calls the C library.
LIBC = """\
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
def call(name, *arguments):
    if getattr(libc, name)(*arguments) < 0: cannot(f'{name}: {os.strerror(ctypes.get_errno())}')
"""


def told(engine: Engine, columns: str, pid: int, table: str = "processes") -> tuple[Any, ...]:
    [row] = own(engine, f"SELECT {columns} FROM {table} WHERE pid = ?", pid)
    return row


def test_privileges_that_exec_will_not_raise(live: Engine, child: Callable[..., Any]) -> None:
    plain, bound = child("tell(1)"), child(LIBC + "call('prctl', 38, 1, 0, 0, 0); tell(1)")
    mine = int(bool(re.search(r"^NoNewPrivs:\t1$", Path("/proc/self/status").read_text(), re.MULTILINE)))
    assert told(live, "no_new_privs", plain.pid) == (mine,)
    assert told(live, "no_new_privs", bound.pid) == (1,)


# A filter of one instruction that allows everything.
ALLOW = """\
import struct
call('prctl', 38, 1, 0, 0, 0)
program = ctypes.create_string_buffer(struct.pack('HBBI', 6, 0, 0, 0x7fff0000))
filter = ctypes.create_string_buffer(struct.pack('HL', 1, ctypes.addressof(program)))
"""


def test_filters_of_system_calls(live: Engine, child: Callable[..., Any]) -> None:
    def seccomp(pid: int) -> tuple[Any, ...]:
        return told(live, "seccomp, seccomp_filters", pid)

    plain = child("tell(1)")
    (mode, filters) = seccomp(plain.pid)
    filtered = child(LIBC + ALLOW + "call('prctl', 22, 2, filter); call('prctl', 22, 2, filter); tell(1)")
    assert mode in ("disabled", "filter")
    assert seccomp(filtered.pid) == ("filter", None if filters is None else filters + 2)


def test_strict_seccomp(live: Engine, child: Callable[..., Any]) -> None:
    """Which leaves a process nothing but to read, to write and to end: it tells when it is about to, and is looked at then."""
    holder = child(
        LIBC + "r, w = os.pipe(); buffer = ctypes.create_string_buffer(9)\n"
        "libc.read.argtypes = libc.prctl.argtypes = None\n"
        "pid = os.fork()\n"
        "if pid == 0:\n"
        "    os.close(w); libc.prctl(22, 1, 0, 0, 0); libc.read(r, buffer, 1); os._exit(0)\n"
        "tell(pid)"
    )
    assert at_last(lambda: own(live, "SELECT seccomp FROM processes WHERE pid = ?", holder.told), [("strict",)]) == [
        ("strict",)
    ]


@pytest.mark.root
def test_each_set_of_capabilities(live: Engine, child: Callable[..., Any]) -> None:
    """Of a process that gave most of them up: permitted more than effective, one inheritable and ambient."""
    holder = child(
        LIBC + "import struct\n"
        "call('prctl', 24, 13, 0, 0, 0); call('prctl', 24, 25, 0, 0, 0)\n"
        "chown, kill = 1 << 0, 1 << 5\n"
        "call('capset', struct.pack('Ii', 0x20080522, 0), struct.pack('6I', chown, chown | kill, chown, 0, 0, 0))\n"
        "call('prctl', 47, 2, 0, 0, 0); tell(1)"
    )
    effective, permitted, inheritable, bounding, ambient = told(
        live, "cap_effective, cap_permitted, cap_inheritable, cap_bounding, cap_ambient", holder.pid
    )
    assert (effective, permitted, inheritable, ambient) == ("CAP_CHOWN", "CAP_CHOWN|CAP_KILL", "CAP_CHOWN", "CAP_CHOWN")
    mine = told(live, "cap_bounding", os.getpid())[0].split("|")
    assert bounding.split("|") == [name for name in mine if name not in ("CAP_NET_RAW", "CAP_SYS_TIME")]
    assert "CAP_CHOWN" in mine


def test_no_capability_is_newer_than_the_names(live: Engine) -> None:
    """A kernel that has more of them is told from one whose are all known, and then the list wants them."""
    last = int(Path("/proc/sys/kernel/cap_last_cap").read_text())
    assert last < len(CAPABILITIES), "the list of capabilities lacks one that this kernel has"
    assert not own(live, "SELECT cap_bounding FROM processes WHERE cap_bounding GLOB '*CAP_[0-9]*'")


@pytest.mark.root
def test_who_is_nobody_has_none(live: Engine, child: Callable[..., Any]) -> None:
    holder = child("os.setgroups([7, 4711]); os.setgid(65534); os.setuid(65534); tell(1)")
    assert told(live, "cap_effective, cap_permitted, uid, supplementary_gids", holder.pid) == ("", "", 65534, "[7, 4711]")


def test_no_supplementary_group_is_an_empty_array(live: Engine, child: Callable[..., Any]) -> None:
    groups = child("tell(sorted(os.getgroups()))")
    assert json.loads(told(live, "supplementary_gids", groups.pid)[0]) == groups.told


def test_limits_that_were_set(live: Engine, child: Callable[..., Any]) -> None:
    holder = child(
        "import resource as r\n"
        "for name, soft, hard in (('NOFILE', 100, 200), ('CORE', 0, 0), ('CPU', 4711, r.RLIM_INFINITY)):\n"
        "    top = r.getrlimit(getattr(r, 'RLIMIT_' + name))[1]\n"
        "    r.setrlimit(getattr(r, 'RLIMIT_' + name), (soft, top if hard == r.RLIM_INFINITY else hard))\n"
        "names = [name for name in dir(r) if name.startswith('RLIMIT_') and name != 'RLIMIT_OFILE']\n"
        "tell({name: [None if n == r.RLIM_INFINITY else n for n in r.getrlimit(getattr(r, name))] for name in names})"
    )
    soft, hard, limits = told(live, "open_files_limit, open_files_hard_limit, limits", holder.pid)
    assert (soft, hard) == (100, 200)
    found = json.loads(limits)
    assert {name: found[name] for name in holder.told} == holder.told
    assert found.keys() - holder.told.keys() <= {"RLIMIT_LOCKS"}


@pytest.mark.parametrize(("policy", "nice", "name"), [(0, 7, "SCHED_OTHER"), (3, 3, "SCHED_BATCH"), (5, 0, "SCHED_IDLE")])
def test_how_a_process_is_scheduled(policy: int, nice: int, name: str, live: Engine, child: Callable[..., Any]) -> None:
    holder = child(
        f"os.sched_setscheduler(0, {policy}, os.sched_param(0)); before = os.nice(0); os.nice({nice}); tell(os.nice(0))"
    )
    columns = "scheduler, nice, priority, realtime_priority, kernel_thread"
    wanted = (name, holder.told, 20 + holder.told, 0, 0)
    assert told(live, columns, holder.pid) == wanted
    assert told(live, columns.rpartition(",")[0], holder.pid, "threads") == wanted[:-1]


@pytest.mark.parametrize(("policy", "name"), [(1, "SCHED_FIFO"), (2, "SCHED_RR")])
def test_real_time(policy: int, name: str, live: Engine, child: Callable[..., Any]) -> None:
    holder = child(
        f"try: os.sched_setscheduler(0, {policy}, os.sched_param(10))\n"
        "except PermissionError: cannot('real time is not permitted')\n"
        "tell(1)"
    )
    assert told(live, "scheduler, realtime_priority, priority", holder.pid) == (name, 10, -11)


def test_a_process_runs_on_a_processor_that_it_may_use(live: Engine, child: Callable[..., Any]) -> None:
    last = max(os.sched_getaffinity(0))
    holder = child(f"os.sched_setaffinity(0, [{last}]); os.sched_yield(); tell(1)")
    assert told(live, "processor", holder.pid) == (last,)


def test_faults_and_switches_are_counted(live: Engine, child: Callable[..., Any]) -> None:
    """As getrusage(2) counts them, for a process of one thread."""
    holder = child(
        "import resource\nfor _ in range(20): time.sleep(0.001)\n"
        "before = resource.getrusage(resource.RUSAGE_SELF)\n"
        "tell([before.ru_minflt, before.ru_majflt, before.ru_nvcsw, before.ru_nivcsw])"
    )
    minor, major, voluntary, involuntary = holder.told
    assert voluntary >= 20
    found = told(live, "minor_faults, major_faults, voluntary_switches, involuntary_switches", holder.pid)
    for now, then in zip(found, (minor, major, voluntary, involuntary), strict=True):
        # Since then it only waited.
        assert then <= now <= then + 200


def test_what_is_to_be_ended_first(live: Engine, child: Callable[..., Any]) -> None:
    holder = child("open('/proc/self/oom_score_adj', 'w').write('500'); tell(1)")
    score, adjustment = told(live, "oom_score, oom_score_adj", holder.pid)
    assert adjustment == 500
    assert score == int(Path(f"/proc/{holder.pid}/oom_score").read_text())
    assert score > told(live, "oom_score", os.getpid())[0]


@pytest.mark.parametrize("mask", [0, 0o22, 0o777])
def test_the_permissions_that_new_files_do_not_get(mask: int, live: Engine, child: Callable[..., Any]) -> None:
    assert told(live, "umask", child(f"os.umask({mask}); tell(1)").pid) == (f"{mask:04o}",)


def test_who_traces(live: Engine, child: Callable[..., Any]) -> None:
    holder = child(
        LIBC + "r, w = os.pipe(); pid = os.fork()\n"
        "if pid == 0: os.close(w); os.read(r, 1); os._exit(0)\n"
        "libc.ptrace.argtypes = [ctypes.c_long] * 4\n"
        "call('ptrace', 0x4206, pid, 0, 0); tell(pid)"
    )
    assert told(live, "tracer", holder.told) == (holder.pid,)
    assert told(live, "tracer", holder.told, "threads") == (holder.pid,)
    assert told(live, "tracer", holder.pid) == (None,)


def test_every_read_and_write_is_counted(live: Engine, child: Callable[..., Any], tmp_path: Path) -> None:
    if not Path("/proc/self/io").exists():
        pytest.skip("this kernel does not count")
    columns = "rchar, wchar, syscr, syscw, read_bytes, write_bytes, cancelled_write_bytes, disk_bytes_read, disk_bytes_written"
    holder = child(
        f"f = os.open({os.fspath(tmp_path / 'file')!r}, os.O_CREAT | os.O_RDWR)\n"
        "tell(1); sys.stdin.readline()\n"
        "for _ in range(7): os.pwrite(f, b'x' * 4096, 0)\n"
        "for _ in range(5): os.pread(f, 1000, 0)\n"
        "os.ftruncate(f, 0); tell(1)"
    )

    def counts() -> dict[str, int]:
        [row] = live.query(f"SELECT {columns} FROM processes WHERE pid = :pid", {"pid": holder.pid})
        return {name: int(value) for name, value in row.items()}

    before = counts()
    holder.go_on()
    after = counts()
    grown = {name: after[name] - before[name] for name in after}
    # A line was read, and a line was told.
    assert 5000 <= grown["rchar"] <= 5000 + 8192
    assert 7 * 4096 <= grown["wchar"] <= 7 * 4096 + 8192
    assert (5 < grown["syscr"] < 40, 7 < grown["syscw"] < 40) == (True, True)
    lines = dict(line.split(": ") for line in Path(f"/proc/{holder.pid}/io").read_text().splitlines())
    assert {name: str(after[name]) for name in lines} == lines
    assert after["disk_bytes_read"] == after["read_bytes"]
    assert after["disk_bytes_written"] == after["write_bytes"] - after["cancelled_write_bytes"]


def test_where_a_process_waits_in_the_kernel(live: Engine, child: Callable[..., Any]) -> None:
    holder = child("tell(1)")
    file = Path(f"/proc/{holder.pid}/wchan")
    at_last(lambda: told(live, "state", holder.pid), ("S",))
    name = file.read_text()
    assert told(live, "wait_channel", holder.pid) == (None if name in ("", "0") else name,)


def test_the_label_is_what_the_security_module_gave(live: Engine, child: Callable[..., Any]) -> None:
    holder = child("tell(1)")
    try:
        label = Path(f"/proc/{holder.pid}/attr/current").read_text().rstrip("\0\n") or None
    except OSError:
        label = None
    assert told(live, "lsm_label", holder.pid) == (label,)
    assert own(live, "SELECT * FROM scan_errors WHERE pid = ?", holder.pid) == []


@pytest.mark.root
def test_who_logged_in_stays_known_whoever_one_becomes(live: Engine, child: Callable[..., Any]) -> None:
    holder = child(
        "try: open('/proc/self/loginuid', 'w').write('4711')\n"
        "except OSError: cannot('there is no auditing, or no leave to say who logged in')\n"
        "os.setuid(65534); tell(int(open('/proc/self/sessionid').read()))"
    )
    assert told(live, "login_uid, uid, login_session", holder.pid) == (4711, 65534, holder.told)


def test_no_login_is_null(live: Engine) -> None:
    logins = {row["pid"]: row["login_uid"] for row in live.query("SELECT pid, login_uid FROM processes")}
    assert 0xFFFFFFFF not in logins.values()
    assert set(logins.values()) & {-1} == set()
    with suppress(FileNotFoundError):
        number = int(Path("/proc/self/loginuid").read_text())
        assert logins[os.getpid()] == (None if number == 0xFFFFFFFF else number)


# Namespaces.

KINDS = {"cgroup": 0x02000000, "ipc": 0x08000000, "mnt": 0x00020000, "net": 0x40000000, "user": 0x10000000, "uts": 0x04000000}


@pytest.mark.parametrize("kind", KINDS)
def test_a_namespace_of_ones_own(kind: str, live: Engine, child: Callable[..., Any]) -> None:
    holder = child(
        LIBC + f"call('unshare', {KINDS[kind]})\n"
        "tell({kind: os.stat(f'/proc/self/ns/{kind}').st_ino for kind in"
        " ('cgroup', 'ipc', 'mnt', 'net', 'pid', 'time', 'user', 'uts') if os.path.exists(f'/proc/self/ns/{kind}')})"
    )
    columns = ", ".join(f"{name}_namespace AS {name}" for name in ("cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"))
    [theirs], [mine] = (live.query(f"SELECT {columns} FROM processes WHERE pid = {pid}") for pid in (holder.pid, os.getpid()))
    assert {name: inode for name, inode in theirs.items() if inode is not None} == holder.told
    assert {name for name in theirs if theirs[name] != mine[name]} == {kind}


def test_the_number_of_a_process_in_its_own_namespace(live: Engine, child: Callable[..., Any]) -> None:
    within = ("unshare", "--pid", "--fork", *(() if os.geteuid() == 0 else ("--user",)))
    try:
        holder = child("tell(os.getpid())", within=within)
    except AssertionError:
        pytest.skip("a PID namespace is not permitted")
    assert holder.told == 1
    [(pid, namespace)] = own(live, "SELECT namespace_pid, pid_namespace FROM processes WHERE parent = ?", holder.pid)
    assert pid == 1
    assert namespace != told(live, "pid_namespace", os.getpid())[0]
    assert told(live, "namespace_pid", os.getpid()) == (
        int(re.findall(r"NSpid:.*\t(\d+)", Path("/proc/self/status").read_text())[0]),
    )


# Threads.


def test_each_thread_has_its_own_name_and_state_and_rights(live: Engine, child: Callable[..., Any]) -> None:
    holder = child(
        LIBC + "import threading\n"
        "made = {}\n"
        "def run(name, nice):\n"
        "    libc.prctl(15, name.encode(), 0, 0, 0); os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), nice)\n"
        "    made[name] = threading.get_native_id(); time.sleep(600)\n"
        "def spin():\n"
        "    libc.prctl(15, b'busy', 0, 0, 0); made['busy'] = threading.get_native_id()\n"
        "    while time.thread_time() < 0.3: pass\n"
        "    made['done'] = 1; time.sleep(600)\n"
        "for run_, arguments in ((run, ('first (1)', 3)), (run, ('second\\n) S', 7)), (spin, ())):\n"
        "    threading.Thread(target=run_, args=arguments, daemon=True).start()\n"
        "while len(made) < 4: time.sleep(0.01)\n"
        "del made['done']; tell(made)"
    )
    assert at_last(lambda: own(live, f"SELECT count(*) FROM threads WHERE pid = {holder.pid} AND state = 'S'"), [(4,)]) == [
        (4,)
    ]
    rows = {row["tid"]: row for row in live.query(f"SELECT * FROM threads WHERE pid = {holder.pid} ORDER BY tid")}
    assert rows.keys() == {holder.pid, *holder.told.values()}
    assert {tid: rows[tid]["name"] for tid in holder.told.values()} == {tid: name for name, tid in holder.told.items()}
    assert [rows[holder.told[name]]["nice"] - rows[holder.pid]["nice"] for name in ("first (1)", "second\n) S")] == [3, 7]
    # Its time is its own, and no other thread's.
    busy = rows[holder.told["busy"]]
    assert busy["user_time"] + busy["system_time"] >= 250
    assert rows[holder.told["first (1)"]]["user_time"] < 100
    [(user_time, threads)] = own(live, "SELECT user_time, threads FROM processes WHERE pid = ?", holder.pid)
    assert threads == 4
    assert user_time >= busy["user_time"]
    # What is the same for all of them is told of each.
    for name in ("uid", "euid", "gid", "cap_effective", "seccomp", "no_new_privs", "cgroup_path", "net_namespace", "lsm_label"):
        assert {row[name] for row in rows.values()} == {told(live, name, holder.pid)[0]}, name


@pytest.mark.root
def test_a_thread_may_become_another_user_alone(live: Engine, child: Callable[..., Any]) -> None:
    """setresuid(2) itself is of one thread; it is the C library that calls it in all."""
    number = {"x86_64": 117, "aarch64": 147, "riscv64": 147}.get(os.uname().machine)
    if number is None:
        pytest.skip("the number of the call is not known here")
    holder = child(
        LIBC + "import threading\n"
        f"def run(): libc.syscall({number}, 65534, 65534, 65534); made.append(threading.get_native_id()); time.sleep(600)\n"
        "made = []; threading.Thread(target=run, daemon=True).start()\n"
        "while not made: time.sleep(0.01)\n"
        "tell(made[0])"
    )
    rows = own(live, "SELECT tid, uid, euid, cap_effective = '' FROM threads WHERE pid = ? ORDER BY tid", holder.pid)
    assert sorted(rows) == [(holder.pid, 0, 0, 0), (holder.told, 65534, 65534, 1)]


def test_threads_of_one_process_are_not_those_of_another(live: Engine, child: Callable[..., Any]) -> None:
    one, other = (child("tell(1)") for _ in range(2))
    assert own(live, f"SELECT pid, tid FROM threads WHERE pid IN ({one.pid}, {other.pid}) ORDER BY pid") == [
        (pid, pid) for pid in sorted((one.pid, other.pid))
    ]
    assert own(live, "SELECT count(*) FROM threads WHERE pid = -1 OR pid = 99999999999") == [(0,)]


EXIT = {"x86_64": 60, "aarch64": 93, "riscv64": 93, "i686": 1, "armv7l": 1, "s390x": 1, "ppc64le": 1}.get(os.uname().machine)


def test_a_process_whose_first_thread_ended_still_has_all_the_others_have(
    live: Engine, child: Callable[..., Any], tmp_path: Path
) -> None:
    """The system shows it as a zombie, and its own files of memory and descriptors are empty (pthread_exit(3))."""
    if EXIT is None:
        pytest.skip("the number of the call is not known here")
    holder = child(
        LIBC + "import threading\n"
        "def run():\n"
        "    while open(f'/proc/self/task/{os.getpid()}/stat').read().rpartition(')')[2].split()[0] != 'Z': time.sleep(0.01)\n"
        "    tell(threading.get_native_id()); sys.stdin.read(); os._exit(0)\n"
        f"threading.Thread(target=run).start(); libc.syscall({EXIT}, 0)",
        cwd=tmp_path,
    )
    columns = "state, threads, path, cwd, root, fd_count, on_disk, deleted"
    assert os.readlink(f"/proc/{holder.pid}/task/{holder.told}/cwd") == os.fspath(tmp_path)
    assert told(live, columns, holder.pid) == (
        "Z", 2, os.readlink(f"/proc/{holder.pid}/task/{holder.told}/exe"), os.fspath(tmp_path), "/",
        len(os.listdir(f"/proc/{holder.pid}/task/{holder.told}/fd")), 1, 0,
    )  # fmt: skip
    cmdline, argv, net, mnt = told(live, "cmdline, argv, net_namespace, mnt_namespace", holder.pid)
    assert "threading" in cmdline
    assert json.loads(argv)[1] == "-c"
    assert (net, mnt) == told(live, "net_namespace, mnt_namespace", os.getpid())
    wanted = [(holder.pid, "Z"), (holder.told, "S")]
    assert at_last(lambda: own(live, f"SELECT tid, state FROM threads WHERE pid = {holder.pid} ORDER BY tid"), wanted) == wanted


# Executables.


def image(place: Path, name: str = "prog") -> None:
    """A file system in which a program runs: sleep(1), what it loads, and nothing else."""
    sleep = shutil.which("sleep")
    assert sleep
    with subprocess.Popen([sleep, "60"]) as process:
        pattern = re.compile(r" (/\S+\.so\S*)$", re.MULTILINE)
        maps = ""
        deadline = time.monotonic() + 10
        while "libc" not in maps and time.monotonic() < deadline:
            maps = Path(f"/proc/{process.pid}/maps").read_text()
        process.kill()
    loader = re.search(rb"\0(/lib[^\0]*/ld[^\0]*)\0", Path(sleep).read_bytes())
    if not loader or not pattern.search(maps):
        pytest.skip("sleep is not linked as expected")
    for file in {*pattern.findall(maps), loader[1].decode()}:
        target = place / file.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(os.path.realpath(file), target)
    (place / "bin").mkdir(exist_ok=True)
    shutil.copy(sleep, place / "bin" / name)


@contextmanager
def jailed(root: Path, name: str = "prog") -> Iterator[int]:
    """A process that runs /bin/NAME in a chroot."""
    with subprocess.Popen([f"/bin/{name}", "600"], preexec_fn=lambda: (os.chroot(root), os.chdir("/"))) as process:  # noqa: PLW1509 no threads here
        try:
            yield process.pid
        finally:
            process.kill()


EXE = "path, on_disk, deleted"


@pytest.mark.root
def test_an_executable_in_a_chroot_is_looked_at_there(live: Engine, tmp_path: Path) -> None:
    image(tmp_path)
    program = tmp_path / "bin" / "prog"
    path = os.fspath(program)
    with jailed(tmp_path) as pid:
        assert told(live, f"root, {EXE}", pid) == (os.fspath(tmp_path), path, 1, 0)
        shutil.copy(program, tmp_path / "new")
        (tmp_path / "new").rename(program)
        assert told(live, EXE, pid) == (path, 1, 1)
        program.unlink()
        assert told(live, EXE, pid) == (path, 0, 1)
        program.symlink_to("/nowhere")
        assert told(live, EXE, pid) == (path, 1, 1)
        shutil.rmtree(program.parent)
        assert told(live, EXE, pid) == (path, 0, 1)
        program.parent.write_text("no directory")
        assert told(live, EXE, pid) == (path, 0, 1)
        assert own(live, "SELECT * FROM scan_errors") == []


@pytest.mark.root
def test_an_executable_in_a_chroot_may_be_named_like_a_removed_one(live: Engine, tmp_path: Path) -> None:
    image(tmp_path, "prog (deleted)")
    with jailed(tmp_path, "prog (deleted)") as pid:
        path = os.fspath(tmp_path / "bin" / "prog (deleted)")
        assert told(live, EXE, pid) == (path, 1, 0)
        os.unlink(path)
        assert told(live, EXE, pid) == (path, 0, 1)


def test_a_directory_that_became_a_link_is_not_followed(live: Engine, tmp_path: Path) -> None:
    """It may lead to a file system that never answers, and who may write there made it."""
    place = tmp_path / "place"
    image(place)
    with subprocess.Popen([place / "bin" / "prog", "600"]) as process:
        try:
            (place / "bin").rename(tmp_path / "else")
            (place / "bin").symlink_to(tmp_path / "else")
            # It was moved and not removed.
            assert told(live, EXE, process.pid) == (os.fspath(tmp_path / "else" / "prog"), 1, 0)
            shutil.rmtree(tmp_path / "else")
            (tmp_path / "else").symlink_to(tmp_path)
            assert told(live, "on_disk, deleted", process.pid) == (None, None)
            assert own(live, "SELECT source, pid, reason FROM scan_errors") == [
                ("/proc/PID/exe", process.pid, "not looked at: a directory of its path is a link now")
            ]
        finally:
            process.kill()


@pytest.mark.root
def test_an_executable_in_a_container_is_looked_at_inside(live: Engine, child: Callable[..., Any], tmp_path: Path) -> None:
    """In mounts of its own it is there, whatever is, or is not, at that path out here."""
    image(tmp_path / "image")
    (tmp_path / "root").mkdir()
    holder = child(
        LIBC + "import shutil, subprocess\n"
        f"image, root = {os.fspath(tmp_path / 'image')!r}, {os.fspath(tmp_path / 'root')!r}\n"
        "call('unshare', 0x20000); call('mount', None, b'/', None, 0x44000, None)\n"
        "call('mount', b'none', root.encode(), b'tmpfs', 0, None)\n"
        "shutil.copytree(image, root, dirs_exist_ok=True); os.mkdir(root + '/old')\n"
        "call('pivot_root', root.encode(), (root + '/old').encode()); os.chdir('/'); call('umount2', b'/old', 2)\n"
        "os.mkdir('/app'); os.rename('/bin/prog', '/app/sqlports-prog'); here = '/app/sqlports-prog'\n"
        "tell(subprocess.Popen([here, '600']).pid); sys.stdin.readline()\n"
        "shutil.copy(here, '/new'); os.rename('/new', here); tell(1); sys.stdin.readline()\n"
        "os.unlink(here); tell(1); sys.stdin.readline()"
    )
    pid, path = holder.told, "/app/sqlports-prog"
    try:
        assert not os.path.exists(path)
        assert told(live, f"root, {EXE}", pid) == ("/", path, 1, 0)
        holder.go_on()
        assert told(live, EXE, pid) == (path, 1, 1)
        holder.go_on()
        assert told(live, EXE, pid) == (path, 0, 1)
        assert own(live, "SELECT * FROM scan_errors") == []
    finally:
        os.kill(pid, 9)


def test_who_may_not_look_is_told_so(child: Callable[..., Any]) -> None:
    """What others keep to themselves is NULL and counted; what everybody is told is there."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to be nobody")
    holder = child("os.umask(0o27); tell(1)")
    columns = "state, umask, cap_effective, nice, path, cwd, rchar, mnt_namespace, limits"

    def look() -> Any:
        with_engine = Engine()
        try:
            row = list(told(with_engine, columns, holder.pid))
            return row, own(with_engine, "SELECT DISTINCT reason FROM scan_errors WHERE pid = ?", holder.pid)
        finally:
            with_engine.close()

    row, reasons = as_nobody(look, lambda: Engine().query("SELECT * FROM processes, threads LIMIT 1"))
    assert row[1:2] + row[3:4] == ["0027", 0]
    assert (row[4:8], row[8] is None) == ([None] * 4, False)
    assert reasons == [["permission"]]


# Limits of control groups.


@contextmanager
def group(directory: str, *files: tuple[str, str]) -> Iterator[str]:
    """A control group of these settings; skips where none may be made."""
    try:
        os.mkdir(directory)
    except OSError as error:
        pytest.skip(f"no control group can be made: {error}")
    try:
        for name, text in files:
            try:
                Path(directory, name).write_text(text)
            except OSError as error:
                pytest.skip(f"{name}: {error}")
        yield directory
    finally:
        # Whose processes were killed a moment ago may not be empty yet.
        deadline = time.monotonic() + 10
        while True:
            try:
                os.rmdir(directory)
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.01)


def ended(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()


@pytest.mark.root
def test_memory_that_a_control_group_of_the_older_kind_may_use(live: Engine, child: Callable[..., Any]) -> None:
    top = f"/sys/fs/cgroup/memory/sqlports-{os.getpid()}"
    with group(top, ("memory.limit_in_bytes", str(64 << 20))), group(f"{top}/below") as below:
        holder = child(f"open({below + '/cgroup.procs'!r}, 'w').write(str(os.getpid())); tell(1)")
        before = told(live, "memory_limit", os.getpid())
        # The one above counts where it is the lower.
        found = [told(live, "memory_limit", holder.pid)]
        Path(below, "memory.limit_in_bytes").write_text(str(32 << 20))
        found.append(told(live, "memory_limit", holder.pid))
        ended(holder.process)
    assert found == [(64 << 20,), (32 << 20,)]
    assert before != (64 << 20,)


@pytest.mark.root
def test_processors_that_a_control_group_of_the_older_kind_may_use(live: Engine, child: Callable[..., Any]) -> None:
    top = f"/sys/fs/cgroup/cpu/sqlports-{os.getpid()}"
    with group(top, ("cpu.cfs_period_us", "100000"), ("cpu.cfs_quota_us", "150000")):
        holder = child(f"open({top + '/cgroup.procs'!r}, 'w').write(str(os.getpid())); tell(1)")
        found = told(live, "cpu_limit", holder.pid)
        ended(holder.process)
    assert found == (1.5,)


@pytest.mark.root
def test_limits_of_the_unified_hierarchy(live: Engine, child: Callable[..., Any]) -> None:
    top = f"/sys/fs/cgroup/sqlports-{os.getpid()}"
    if not os.path.exists("/sys/fs/cgroup/cgroup.controllers"):
        pytest.skip("the unified hierarchy is not the only one")
    with group(top, ("memory.max", str(64 << 20)), ("cpu.max", "50000 100000")):
        holder = child(f"open({top + '/cgroup.procs'!r}, 'w').write(str(os.getpid())); tell(1)")
        found = told(live, "memory_limit, cpu_limit, cgroup_path", holder.pid)
        ended(holder.process)
    assert found[:2] == (64 << 20, 0.5)
    assert found[2].endswith(os.path.basename(top))

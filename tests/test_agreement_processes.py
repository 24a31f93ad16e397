"""On a real Linux: what ps and psutil say of every process and thread is what the tables say, column by column.

Each is asked before and after: where its two answers are the same, the value did not move, and ours in between is that one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psutil
import pytest

from sqlports import Engine

from .conftest import HEAD, Child, own, singular
from .test_agreement import lines, plain

pytestmark = pytest.mark.linux

Values = dict[tuple[Any, str], Any]


def same(mine: Callable[[], Values], theirs: Callable[[], Values], close: Callable[[Any, Any], bool] | None = None) -> None:
    """What another tool says before and after is said here in between. What differs must differ in every look to be a fault.

    A processor or a state may go and come back between two looks; where we are wrong we are wrong each time.
    """
    faults: dict[Any, Any] = {}
    asks = theirs, mine, theirs
    for look in range(10):
        left_out = singular(Engine())
        before, found, after = ({key: told for key, told in ask().items() if _pid(key) not in left_out} for ask in asks)
        steady = {key for key in before.keys() & after.keys() if before[key] == after[key]}
        assert len(steady) > len(before) / 2, "hardly anything kept still"
        # What is in both of their answers must be in ours.
        differing: dict[Any, Any] = {
            key: (before[key], found.get(key, "no such row"))
            for key in steady
            if key not in found or not (close(before[key], found[key]) if close else before[key] == found[key])
        }
        # And what is not in either of theirs must not be in ours.
        invented = {key[0] for key in found} - {key[0] for key in before} - {key[0] for key in after}
        differing.update(((one, "a row"), ("no such row", "a row")) for one in invented)
        faults = {key: told for key, told in differing.items() if not look or key in faults}
        if not faults:
            return
        time.sleep(0.05)
    assert faults == {}


def _pid(key: tuple[Any, str]) -> int:
    """The process that a value is of: its key has the thread's number too, or not."""
    one = key[0]
    return int(one if isinstance(one, int) else one[0])


# Some processes that are not like all others.
ODD = (
    "os.nice(5); tell(1)",
    "os.sched_setscheduler(0, 3, os.sched_param(0)); tell(1)",
    "os.sched_setscheduler(0, 5, os.sched_param(0)); tell(1)",
    "try: os.sched_setscheduler(0, 1, os.sched_param(7))\nexcept PermissionError: pass\n"
    "try: os.setgroups([4711, 7]); os.setresgid(1, 2, 3); os.setresuid(1, 2, 3)\nexcept PermissionError: pass\ntell(1)",
    "import threading; open('/proc/self/oom_score_adj', 'w').write('321')\n"
    "for _ in range(3): threading.Thread(target=time.sleep, args=(600,), daemon=True).start()\n"
    "x = b'x' * 5000000\ntell(1)",
    "pid = os.fork()\nif not pid: os._exit(0)\nos.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT); tell(1)",
    "import pty\npid, fd = pty.fork()\nif not pid: time.sleep(600); os._exit(0)\ntell(1)",
    "import ctypes; libc = ctypes.CDLL(None)\nfor flag in (0x08000000, 0x04000000, 0x40000000): libc.unshare(flag)\ntell(1)",
    "end = time.process_time() + 1.2\nwhile time.process_time() < end: pass\ntell(1)",
)


@pytest.fixture(scope="module", autouse=True)
def odd() -> Iterator[None]:
    with ExitStack() as stack:
        for code in ODD:
            command = [sys.executable, "-c", f"{HEAD}{code}\nsys.stdin.read()"]
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
            )
            stack.enter_context(process)
            stack.callback(process.kill)
            Child(process)
        yield


def ps(*options: str, key: int = 1) -> Callable[[tuple[str, ...]], Values]:
    """Ask ps for columns whose values have no blanks; those before the last `key` ones are the key."""

    def ask(names: tuple[str, ...]) -> Values:
        found: Values = {}
        for line in lines("ps", *options, "-o", ",".join(f"{name}=" for name in names)):
            words = line.split()
            assert len(words) == len(names), line
            row = tuple(map(int, words[:key]))
            found.update(
                {((row if key > 1 else row[0]), name): word for name, word in zip(names[key:], words[key:], strict=True)}
            )
        return found

    return ask


def sql(engine: Engine, table: str, keys: tuple[str, ...], columns: dict[str, str]) -> Values:
    """The same of a table: by what ps calls it, the SQL that makes it."""
    chosen = ", ".join([*keys, *(f"{made} AS '{name}'" for name, made in columns.items())])
    found: Values = {}
    for row in own(engine, f"SELECT {chosen} FROM {table}"):
        one = row[0] if len(keys) == 1 else row[: len(keys)]
        found.update({(one, name): str(value) for name, value in zip(columns, row[len(keys) :], strict=True)})
    return found


def inode(kind: str) -> str:
    return f"coalesce({kind}_namespace, '-')"


CLASSES = (
    "CASE scheduler WHEN 'SCHED_OTHER' THEN 'TS' WHEN 'SCHED_FIFO' THEN 'FF' WHEN 'SCHED_RR' THEN 'RR' WHEN 'SCHED_BATCH' "
    "THEN 'B' WHEN 'SCHED_IDLE' THEN 'IDL' WHEN 'SCHED_DEADLINE' THEN 'DLN' ELSE scheduler END"
)
SCHEDULING = {
    "ni": "CASE WHEN scheduler IN ('SCHED_OTHER', 'SCHED_BATCH') THEN nice ELSE '-' END",
    "priority": "priority",
    # As ps counts it, the greater the sooner.
    "pri": "39 - priority",
    "cls": CLASSES,
    "rtprio": "CASE WHEN scheduler = 'SCHED_OTHER' THEN '-' ELSE realtime_priority END",
    "psr": "processor",
    "min_flt": "minor_faults",
    "maj_flt": "major_faults",
    # Who looks runs, but waits while another looks.
    "s": f"CASE WHEN pid = {os.getpid()} THEN 'S' ELSE state END",
}

COLUMNS = {
    "ppid": "parent",
    "pgid": "pgroup",
    "sid": "session",
    "tty": "coalesce(tty, '?')",
    "ruid": "uid",
    "euid": "euid",
    "suid": "suid",
    "rgid": "gid",
    "egid": "egid",
    "sgid": "sgid",
    "nlwp": "threads",
    # A kernel thread and a zombie have no memory, of which ps says 0.
    "rss": "coalesce(resident_size, 0) / 1024",
    "vsz": "coalesce(total_size, 0) / 1024",
    "cputimes": "(user_time + system_time) / 1000",
    "oom": "oom_score",
    "oomadj": "oom_score_adj",
    "ipcns": inode("ipc"),
    "mntns": inode("mnt"),
    "netns": inode("net"),
    "pidns": inode("pid"),
    "timens": inode("time"),
    "userns": inode("user"),
    "utsns": inode("uts"),
    "cgroupns": inode("cgroup"),
    "lxc": "CASE container_runtime WHEN 'lxc' THEN container_id ELSE '-' END",
    **SCHEDULING,
}
# Of a ps that knows systemd.
COLUMNS |= {"unit": "coalesce(unit, '-')", "uunit": "coalesce(user_unit, '-')"}


def test_every_process_of_ps_is_a_row_with_the_same_values(live: Engine) -> None:
    names = ("pid", *COLUMNS)
    same(lambda: sql(live, "processes", ("pid",), COLUMNS), lambda: ps("-e")(names))


# What ps tells of a process's first thread is summed up over all of them.
SUMMED = {
    "cputimes": "(user_time + system_time) / 1000",
    "min_flt": "minor_faults",
    "maj_flt": "major_faults",
}


def test_every_thread_of_ps_is_a_row_with_the_same_values(live: Engine) -> None:
    ids = {"ruid": "uid", "euid": "euid", "rgid": "gid", "egid": "egid", "netns": inode("net")}
    columns = SCHEDULING | SUMMED | ids

    def mine() -> Values:
        with live.snapshot():
            whole = sql(live, "processes", ("pid", "pid"), SUMMED)
            found = sql(live, "threads", ("pid", "tid"), columns)
        return found | {key: value for key, value in whole.items() if key in found}

    same(mine, lambda: ps("-eL", key=2)(("pid", "lwp", *columns)))


def test_the_times_of_a_thread_are_its_own_though_ps_gives_the_first_one_those_of_all(
    live: Engine, child: Callable[..., Any]
) -> None:
    """The kernel's files of the thread itself say so: task/TID/stat is of one, and so is task/TID/schedstat."""
    holder = child(
        "import threading\n"
        "def spin():\n"
        "    while time.thread_time() < 2: pass\n"
        "t = threading.Thread(target=spin); t.start(); t.join()\n"
        "def wait():\n"
        "    while time.thread_time() < 2: pass\n"
        "    tell(threading.get_native_id()); time.sleep(600)\n"
        "threading.Thread(target=wait).start()"
    )
    pid = holder.pid
    rows = dict(own(live, f"SELECT tid, user_time + system_time FROM threads WHERE pid = {pid}"))
    assert rows.keys() == {pid, holder.told}
    for tid, spent in rows.items():
        nanoseconds = int(Path(f"/proc/{pid}/task/{tid}/schedstat").read_text().split()[0])
        # Ticks of a hundredth of a second, of user and of system time.
        assert spent == pytest.approx(nanoseconds / 1e6, abs=20)
    [(whole,)] = own(live, f"SELECT user_time + system_time FROM processes WHERE pid = {pid}")
    # Those of the thread that ended are the process's too.
    assert whole > sum(rows.values()) + 1500
    [told] = [
        line.split()[1] for line in lines("ps", "-L", "-o", "lwp=,cputimes=", "-p", str(pid)) if line.split()[0] == str(pid)
    ]
    assert int(told) == whole // 1000 > rows[pid] // 1000 + 2


# Columns with blanks: one at a time.
FREE = {
    "comm": "name",
    "args": "coalesce(cmdline, '[' || name || ']' || CASE state WHEN 'Z' THEN ' <defunct>' ELSE '' END)",
    "wchan:64": "coalesce(wait_channel, '-')",
    "label:200": "coalesce(lsm_label, '-')",
    "supgid": "CASE supplementary_gids WHEN '[]' THEN '-' ELSE replace(trim(supplementary_gids, '[]'), ' ', '') END",
    "luid": "coalesce(login_uid, '-')",
    "lstart": "start_time",
    "exe:400": "coalesce(path || CASE WHEN deleted THEN ' (deleted)' ELSE '' END, '-')",
    # Of what it may not be told ps says 0.
    "rchars": "coalesce(rchar, 0)",
    "wchars": "coalesce(wchar, 0)",
    "rops": "coalesce(syscr, 0)",
    "wops": "coalesce(syscw, 0)",
    "rbytes": "coalesce(read_bytes, 0)",
    "wbytes": "coalesce(write_bytes, 0)",
    "wcbytes": "coalesce(cancelled_write_bytes, 0)",
}


@pytest.mark.parametrize("name", FREE)
def test_what_ps_tells_in_words_is_the_same(name: str, live: Engine) -> None:
    def theirs() -> Values:
        found: Values = {}
        for line in lines("ps", "-ww", "-eo", f"pid=,{name}="):
            pid, _, value = line.strip().partition(" ")
            found[int(pid), name] = shaped(name, value.strip())
        return others(found)

    def mine() -> Values:
        found = sql(live, "processes", ("pid",), {name: FREE[name]})
        return others({key: shaped(name, value) for key, value in found.items()})

    same(mine, theirs)


def others(found: Values) -> Values:
    """Without this very process: who looks runs and reads, and does neither while another looks."""
    return {key: value for key, value in found.items() if key[0] != os.getpid()}


def shaped(name: str, value: str) -> str:
    """A value as it is compared."""
    if name == "lstart":
        return value if value.isdigit() else str(int(time.mktime(time.strptime(value, "%a %b %d %H:%M:%S %Y"))))
    # ps writes a question mark for what is not printable, and may cut what is long.
    if name in ("args", "comm"):
        return plain((value.removesuffix(" <defunct>") if name == "comm" else value).replace(" ", "_"))
    # It leaves out what a function's name begins with.
    return value.lstrip("_.") if name.startswith("wchan") else value


def test_ages_and_shares_of_the_processor_are_those_of_ps(live: Engine) -> None:
    """Both move on, so that ours in between is between theirs. ps counts an age in whole seconds, and a share by that."""
    for _ in range(5):
        looks = []
        for look in range(3):
            if look == 1:
                looks.append({pid: rest for pid, *rest in own(live, "SELECT pid, elapsed_time, cpu_percent FROM processes")})
            else:
                rows = (line.split() for line in lines("ps", "-eo", "pid=,etimes=,pcpu="))
                looks.append({int(pid): [int(age), float(share)] for pid, age, share in rows})
        before, mine, after = looks
        both = before.keys() & mine.keys() & after.keys()
        assert os.getpid() in both
        wrong = []
        for pid in both:
            (first, low), (age, share), (last, high) = before[pid], mine[pid], after[pid]
            room = 0.1 + max(low, high, share or 0.0) / max(first, 1)
            # A second more or less: the age of a process is cut, and so is the moment when it began.
            if not first - 1 <= age <= last + 1 or (first > 2 and not min(low, high) - room <= share <= max(low, high) + room):
                wrong.append((pid, before[pid], mine[pid], after[pid]))
        if not wrong:
            return
    assert wrong == []


# What psutil calls the states.
STATES = {"R": "running", "S": "sleeping", "D": "disk-sleep", "T": "stopped", "t": "tracing-stop", "Z": "zombie", "I": "idle"}

# By psutil's methods: how its answer is compared, the columns, and how they are. None where it may not be told.
TOLD: dict[str, tuple[Callable[[Any], Any], str, Callable[..., Any]]] = {
    "ppid": (lambda parent: parent, "parent", lambda parent: parent),
    "exe": (lambda path: path or None, "path", lambda path: path),
    "cmdline": (lambda arguments: arguments, "argv", lambda argv: json.loads(argv or "[]")),
    "cwd": (lambda path: path or None, "cwd", lambda path: path),
    "status": (lambda state: state, "state", STATES.get),
    "uids": (tuple, "uid, euid, suid", lambda *ids: ids),
    "gids": (tuple, "gid, egid, sgid", lambda *ids: ids),
    "nice": (lambda nice: nice, "nice", lambda nice: nice),
    "num_threads": (lambda number: number, "threads", lambda number: number),
    "num_fds": (lambda number: number, "fd_count", lambda number: number),
    "num_ctx_switches": (tuple, "voluntary_switches, involuntary_switches", lambda *switches: switches),
    "cpu_times": (
        lambda times: (round(times.user * 1000), round(times.system * 1000)),
        "user_time, system_time",
        lambda *times: times,
    ),
    # Of what began it tells the moment by the boot time of /proc/stat, which has whole seconds.
    "create_time": (int, "start_time", lambda start: start),
    # What has no memory has none, and not 0 bytes of it.
    "memory_info": (
        lambda memory: (memory.rss, memory.vms, memory.shared),
        "resident_size, total_size, shared_size",
        lambda *sizes: tuple(size or 0 for size in sizes),
    ),
    "io_counters": (
        lambda io: (io.read_count, io.write_count, io.read_bytes, io.write_bytes, io.read_chars, io.write_chars),
        "syscr, syscw, read_bytes, write_bytes, rchar, wchar",
        lambda *counts: counts,
    ),
    "terminal": (lambda path: path and path.removeprefix("/dev/"), "tty", lambda tty: tty),
    "cpu_num": (lambda number: number, "processor", lambda number: number),
    "groups": (lambda groups: groups, "supplementary_gids", json.loads),
    "limits": (lambda limits: limits, "limits", json.loads),
}


def of_psutil(process: psutil.Process, name: str) -> Any:
    """One answer. Raises PermissionError, psutil.Error."""
    if name == "exe":
        # Of one that it may not look at it makes a guess out of the arguments.
        os.readlink(f"/proc/{process.pid}/exe")
    if name == "groups":
        # It does not tell these; the kernel's own line of them is read plainly.
        line = next(
            line for line in Path(f"/proc/{process.pid}/status").read_text("latin-1").split("\n") if line[:7] == "Groups:"
        )
        return [int(group) for group in line[7:].split()]
    if name == "limits":
        known = [limit for limit in dir(psutil) if limit.startswith("RLIMIT_")]
        values = {limit: process.rlimit(getattr(psutil, limit)) for limit in known}
        return {
            limit: [None if number == psutil.RLIM_INFINITY else number for number in pair] for limit, pair in values.items()
        }
    return getattr(process, name)()


@pytest.mark.parametrize("name", TOLD)
def test_what_psutil_tells_of_every_process_is_the_same(name: str, live: Engine) -> None:
    shape, columns, back = TOLD[name]

    def theirs() -> Values:
        found: Values = {}
        for process in psutil.process_iter():
            try:
                found[process.pid, name] = shape(of_psutil(process, name))
            except psutil.ZombieProcess:
                continue
            except (psutil.AccessDenied, psutil.NoSuchProcess, PermissionError, FileNotFoundError, ProcessLookupError):
                continue
        known.update(found)
        return others(found)

    def mine() -> Values:
        return {
            (pid, name): back(*values)
            for pid, *values in own(live, f"SELECT pid, {columns} FROM processes")
            if pid != os.getpid() and (pid, name) in known
        }

    known: Values = {}
    # A number that open(2) waits to fill, as on a FIFO, is counted by the kernel and not listed yet.
    same(mine, theirs, (lambda listed, counted: 0 <= counted - listed <= 1) if name == "num_fds" else None)
    assert len(known) > 5


def test_the_name_that_psutil_makes_out_of_the_arguments_begins_with_the_name(live: Engine) -> None:
    """The kernel keeps fifteen bytes; psutil guesses the rest from the first argument, and that is the process's to write."""

    def theirs() -> Values:
        return {(process.pid, "name"): process.info["name"] for process in psutil.process_iter(["name"])}

    same(
        lambda: sql(live, "processes", ("pid",), {"name": "name"}),
        theirs,
        lambda guessed, name: guessed == name or (len(name) == 15 and guessed.startswith(name)),
    )


def test_the_threads_of_psutil_are_those_of_the_table(live: Engine) -> None:
    def theirs() -> Values:
        found: Values = {}
        for process in psutil.process_iter():
            try:
                for one in process.threads():
                    found[(process.pid, one.id), "times"] = (round(one.user_time * 1000), round(one.system_time * 1000))
            except psutil.Error:
                continue
        told.update(key[0][0] for key in found)
        return {key: value for key, value in found.items() if key[0][0] != os.getpid()}

    def mine() -> Values:
        rows = own(live, "SELECT pid, tid, user_time, system_time FROM threads")
        return {((pid, tid), "times"): (user, system) for pid, tid, user, system in rows if pid != os.getpid() and pid in told}

    told: set[int] = set()
    same(mine, theirs)

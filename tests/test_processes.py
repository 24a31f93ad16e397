"""processes and threads over a made-up system: what is read for which column, and what older kernels and copies lack."""

from __future__ import annotations

import shutil
from collections import Counter
from typing import Any

import pytest

from sqlports import Engine, QueryError, registry
from sqlports.sources.parts import source

from .conftest import FakeRoot, own, reads

STATUS = (
    "Name:\tother\nUmask:\t0022\nTgid:\t42\nPPid:\t1\nUid:\t7\t7\t7\t7\nGid:\t0\t0\t0\t0\n"
    "CapEff:\t0000000000000001\nNoNewPrivs:\t1\n"
)


FIRST = source(registry.table("processes").groups[0])


def files(engine: Engine, sql: str) -> Counter[str]:
    """The files below /proc/PID that a statement opens, once the processes are known."""
    opened: Counter[str] = Counter()
    with engine.snapshot() as system:
        system.pids()
        contents = system.backend.contents  # type: ignore[attr-defined]

        def counted(pid: int, name: str) -> bytes:
            opened[name] += 1
            return bytes(contents(pid, name))

        system.backend.contents = counted  # type: ignore[attr-defined]
        engine.query(sql)
    return opened


@pytest.mark.parametrize(
    ("columns", "opened"),
    [
        ("pid", {}),
        ("cap_effective, uid", {"status": 1}),
        ("cap_effective, no_new_privs, umask, tracer, resident_size, euid", {"status": 1}),
        ("priority, state, nice, user_time", {"stat": 1}),
        ("rchar, disk_bytes_written", {"io": 1}),
        ("argv, cmdline", {"cmdline": 1}),
        ("unit, user_unit, container_id, pod_uid, cgroup_path", {"cgroup": 1}),
        ("open_files_limit, limits", {"limits": 1}),
        ("oom_score", {"oom_score": 1, "oom_score_adj": 1}),
        # Of columns after the 63rd SQLite does not say which are wanted: the first part tells whether the process lives.
        ("login_uid", {"loginuid": 1, "sessionid": 1, FIRST: 1}),
        ("unit, pod_uid", {"cgroup": 1, FIRST: 1}),
        ("login_uid, nice", {"loginuid": 1, "sessionid": 1, "stat": 1}),
        ("path, on_disk, deleted, cwd, root", {}),
        ("scheduler, cap_effective, rchar", {"stat": 1, "status": 1, "io": 1}),
    ],
)
def test_a_file_is_read_once_for_all_that_it_tells(
    columns: str, opened: dict[str, int], fake: FakeRoot, engine: Engine
) -> None:
    fake.process(42)
    for name, text in (("limits", "Limit\n"), ("oom_score", "0\n"), ("oom_score_adj", "0\n"), ("loginuid", "0\n")):
        fake.write(f"proc/42/{name}", text)
    fake.write("proc/42/sessionid", "1\n")
    assert files(engine, f"SELECT {columns} FROM processes") == opened


def test_only_the_processes_that_are_asked_for_are_read(fake: FakeRoot, engine: Engine) -> None:
    for pid in (42, 43, 44):
        fake.process(pid)
    assert reads(engine, "SELECT nice FROM processes WHERE pid = 43") == {"stat": 1}
    assert files(engine, "SELECT cap_effective, uid FROM processes WHERE pid IN (42, 44)") == {"status": 2}
    assert reads(engine, "SELECT parent FROM processes WHERE pid = 43 AND nice = 5") == {"stat": 1}


def thread(fake: FakeRoot, pid: int, tid: int, name: str = "t", user_time: int = 100) -> None:
    fields = f"S 1 {pid} {pid} 0 -1 0 0 0 0 0 {user_time} 0 0 0 20 3 2 0 100 0 0 0"
    fake.write(f"proc/{pid}/task/{tid}/stat", f"{tid} ({name}) {fields}\n")
    fake.write(f"proc/{pid}/task/{tid}/comm", f"{name}\n")
    fake.write(f"proc/{pid}/task/{tid}/status", STATUS)


def test_threads_are_read_of_the_process_that_is_asked_for(fake: FakeRoot, engine: Engine) -> None:
    fake.process(42)
    fake.process(43)
    thread(fake, 42, 42)
    thread(fake, 42, 50, "other", 700)
    thread(fake, 43, 43)
    sql = "SELECT tid, state, user_time, nice FROM threads WHERE pid = 42"
    assert own(engine, sql) == [(42, "S", 1000, 3), (50, "S", 7000, 3)]
    assert reads(engine, sql) == {"task": 1, "stat": 2}
    assert reads(engine, "SELECT pid, tid FROM threads") == {"pids": 1, "task": 2}
    assert files(engine, "SELECT cap_effective, uid, tracer FROM threads WHERE pid = 42") == {
        "task/42/status": 1, "task/50/status": 1
    }  # fmt: skip
    assert own(engine, "SELECT tid, name, uid, no_new_privs FROM threads WHERE tid = 50") == [(50, "other", 7, 1)]


def test_a_thread_that_ended_since_it_was_listed_is_no_row(fake: FakeRoot, engine: Engine) -> None:
    fake.process(42)
    thread(fake, 42, 42)
    thread(fake, 42, 50)
    with engine.snapshot() as system:
        kept = list(system.threads())
        assert [one.tid for one in kept] == [42, 50]
        shutil.rmtree(fake.proc / "42/task/50")
        assert kept[1].stat.state is None
        assert kept[1].ended
        assert own(engine, "SELECT tid, state FROM threads") == [(42, "S")]
        assert own(engine, "SELECT * FROM scan_errors") == []


@pytest.mark.parametrize(
    ("file", "columns", "source"),
    [
        ("io", "rchar", "/proc/PID/io"),
        ("limits", "open_files_limit, limits", "/proc/PID/limits"),
        ("oom_score", "oom_score, oom_score_adj", "/proc/PID/oom_score"),
        ("wchan", "wait_channel", "/proc/PID/wchan"),
        ("cgroup", "cgroup_path, unit, container_id, memory_limit", "/proc/PID/cgroup"),
    ],
)
def test_a_file_that_the_kernel_lacks_costs_its_columns_and_no_row(
    file: str, columns: str, source: str, fake: FakeRoot, engine: Engine
) -> None:
    """Each of them is one of the kernel's options."""
    (fake.process(42) / file).unlink(missing_ok=True)
    [row] = own(engine, f"SELECT pid, {columns}, nice FROM processes")
    assert row == (42, *[None] * (len(row) - 2), 0)
    assert (source, "the kernel has no such file") in own(engine, "SELECT source, reason FROM scan_errors")


def test_without_security_module_or_auditing_nothing_is_missing(fake: FakeRoot, engine: Engine) -> None:
    fake.process(42)
    assert own(engine, "SELECT lsm_label, login_uid, login_session FROM processes") == [(None, None, None)]
    assert own(engine, "SELECT * FROM scan_errors") == []


@pytest.mark.parametrize(
    ("written", "label"), [("a\n", "a"), ("a:b:c\0", "a:b:c"), ("x (enforce)\n", "x (enforce)"), ("\n", None)]
)
def test_labels_end_as_their_modules_end_them(written: str, label: str | None, fake: FakeRoot, engine: Engine) -> None:
    fake.process(42)
    fake.write("proc/42/attr/current", written)
    assert own(engine, "SELECT lsm_label FROM processes") == [(label,)]


def test_a_login_that_was_none_is_null(fake: FakeRoot, engine: Engine) -> None:
    fake.process(42)
    fake.write("proc/42/loginuid", "4294967295")
    fake.write("proc/42/sessionid", "4294967295")
    assert own(engine, "SELECT login_uid, login_session FROM processes") == [(None, None)]
    fake.write("proc/42/loginuid", "1000")
    fake.write("proc/42/sessionid", "3")
    assert own(engine, "SELECT login_uid, login_session FROM processes") == [(1000, 3)]


@pytest.mark.parametrize(("written", "name"), [("do_wait", "do_wait"), ("0", None), ("", None)])
def test_a_thread_that_waits_nowhere_has_no_channel(written: str, name: str | None, fake: FakeRoot, engine: Engine) -> None:
    fake.process(42)
    fake.write("proc/42/wchan", written)
    assert own(engine, "SELECT wait_channel FROM processes") == [(name,)]


@pytest.mark.parametrize(
    ("file", "rubbish", "column"),
    [
        ("stat", "42 (x) S rubbish 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", "parent"),
        ("status", "rubbish", "uid"),
        ("status", STATUS.replace("0000000000000001", "rubbish"), "cap_effective"),
        ("io", "rubbish", "rchar"),
        ("cgroup", "rubbish", "unit"),
        ("limits", "Limit\nrubbish", "limits"),
        ("oom_score", "rubbish", "oom_score"),
        ("loginuid", "rubbish", "login_uid"),
    ],
)
def test_rubbish_is_an_error_with_the_name_of_its_file(
    file: str, rubbish: str, column: str, fake: FakeRoot, engine: Engine
) -> None:
    fake.process(42)
    fake.write(f"proc/42/{file}", rubbish)
    with pytest.raises(QueryError, match=f"/proc/PID/{file} cannot be parsed"):
        engine.query(f"SELECT {column} FROM processes")


def test_a_copy_of_proc_tells_no_age_and_no_share(fake: FakeRoot, engine: Engine) -> None:
    """What the time was when it was copied is not known."""
    fake.process(42)
    [row] = own(engine, "SELECT elapsed_time, cpu_percent, started, start_time FROM processes")
    assert row == (None, None, 1700000001.0, 1700000001)


def test_every_column_of_a_process_that_tells_little_is_told_or_null(fake: FakeRoot, engine: Engine) -> None:
    fake.process(42)
    thread(fake, 42, 42)
    for table in ("processes", "threads"):
        names = [column.name for column in registry.table(table).columns]
        [row] = engine.query(f"SELECT {', '.join(names)} FROM {table}")
        assert row["pid"] == 42
        assert list(row) == names


# Limits of control groups in the unified hierarchy.

MOUNTED = "30 23 0:26 {root} /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n"


def grouped(fake: FakeRoot, path: str, limits: dict[str, str], root: str = "/") -> None:
    """A process in a control group, and files of the hierarchy as it is mounted."""
    fake.process(42)
    fake.write("proc/1/mountinfo", MOUNTED.format(root=root))
    fake.write("proc/42/cgroup", f"0::{path}\n")
    for name, text in limits.items():
        fake.write(f"sys/fs/cgroup/{name}", text + "\n")


LIMITS = "SELECT memory_limit, cpu_limit FROM processes WHERE pid = 42"


@pytest.mark.parametrize(
    ("path", "limits", "wanted"),
    [
        ("/a", {"a/memory.max": "4096", "a/cpu.max": "50000 100000"}, (4096, 0.5)),
        ("/a", {"a/memory.max": "max", "a/cpu.max": "max 100000"}, (None, None)),
        ("/a/b", {"a/memory.max": "4096", "a/b/memory.max": "8192"}, (4096, None)),
        ("/a/b", {"a/memory.max": "8192", "a/b/memory.max": "4096"}, (4096, None)),
        ("/a/b/c", {"a/memory.max": "max", "a/b/cpu.max": "250000 100000", "a/b/c/cpu.max": "max 100000"}, (None, 2.5)),
        ("/a", {"memory.max": "4096"}, (4096, None)),
        ("/", {"a/memory.max": "4096"}, (None, None)),
        ("/a", {"a/memory.max": "0"}, (0, None)),
        ("/a (deleted)", {"a/memory.max": "4096"}, (4096, None)),
        ("/a\rb\x0bc", {"a\rb\x0bc/memory.max": "4096"}, (4096, None)),
        ("/gone/b", {"a/memory.max": "4096"}, (None, None)),
    ],
)
def test_the_lowest_limit_counts(
    path: str, limits: dict[str, str], wanted: tuple[Any, ...], fake: FakeRoot, engine: Engine
) -> None:
    grouped(fake, path, limits)
    assert own(engine, LIMITS) == [wanted]
    assert own(engine, "SELECT * FROM scan_errors") == []


def test_in_a_container_the_hierarchy_begins_at_its_own_group(fake: FakeRoot, engine: Engine) -> None:
    grouped(fake, "/docker/x/below", {"memory.max": "4096", "below/memory.max": "8192"}, root="/docker/x")
    assert own(engine, LIMITS) == [(4096, None)]


@pytest.mark.parametrize("path", ["/docker/y", "/docker/xy", "/", "/docker/x/../y"])
def test_a_group_that_is_not_to_be_seen_has_limits_that_are_not_known(path: str, fake: FakeRoot, engine: Engine) -> None:
    grouped(fake, path, {"memory.max": "4096", "y/memory.max": "1"}, root="/docker/x")
    assert own(engine, LIMITS) == [(None, None)]
    assert own(engine, "SELECT source, pid, reason FROM scan_errors") == [
        ("cgroup", 42, "a control group is not in the part of the hierarchy that is mounted")
    ]


def test_where_no_hierarchy_is_mounted_limits_are_not_known(fake: FakeRoot, engine: Engine) -> None:
    grouped(fake, "/a", {})
    fake.write("proc/1/mountinfo", "23 1 254:0 / / rw - ext4 /dev/vda rw\n")
    assert own(engine, LIMITS) == [(None, None)]
    [(reason,)] = own(engine, "SELECT reason FROM scan_errors")
    assert reason == "the control groups of memory are mounted nowhere that is seen"


def test_a_copy_that_lacks_the_mounts_has_its_processes_all_the_same(fake: FakeRoot, engine: Engine) -> None:
    fake.process(42)
    assert own(engine, "SELECT memory_limit, pid FROM processes") == [(None, 42)]
    [(reason,)] = own(engine, "SELECT reason FROM scan_errors")
    assert reason.startswith("what is mounted is not known: there is no ")


def test_of_two_hierarchies_the_one_that_has_the_controller_counts(fake: FakeRoot, engine: Engine) -> None:
    grouped(fake, "/unified", {"unified/memory.max": "1", "unified/cpu.max": "30000 100000"})
    fake.write("proc/42/cgroup", "4:memory:/older\n1:name=systemd:/s\n0::/unified\n")
    older = "31 23 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
    fake.write("proc/1/mountinfo", MOUNTED.format(root="/") + older)
    fake.write("sys/fs/cgroup/memory/older/memory.limit_in_bytes", "8192\n")
    fake.write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n")
    assert own(engine, LIMITS) == [(8192, 0.3)]


def test_two_controllers_in_one_older_hierarchy(fake: FakeRoot, engine: Engine) -> None:
    fake.process(42)
    fake.write("proc/42/cgroup", "2:cpu,cpuacct:/a\n")
    fake.write("proc/1/mountinfo", "31 23 0:27 / /cg rw - cgroup cgroup rw,cpu,cpuacct\n")
    fake.write("cg/a/cpu.cfs_quota_us", "-1\n")
    fake.write("cg/a/cpu.cfs_period_us", "100000\n")
    assert own(engine, "SELECT cpu_limit FROM processes WHERE pid = 42") == [(None,)]
    fake.write("cg/a/cpu.cfs_quota_us", "20000\n")
    fake.write("cg/cpu.cfs_quota_us", "10000\n")
    fake.write("cg/cpu.cfs_period_us", "100000\n")
    with engine.snapshot():
        assert own(engine, "SELECT cpu_limit FROM processes WHERE pid = 42") in ([(0.1,)], [(None,)])


def test_the_limits_of_a_group_are_read_once_for_all_its_processes(fake: FakeRoot, engine: Engine) -> None:
    grouped(fake, "/a", {"a/memory.max": "4096"})
    fake.process(43)
    fake.write("proc/43/cgroup", "0::/a\n")
    with engine.snapshot():
        assert own(engine, "SELECT memory_limit FROM processes WHERE pid = 42") == [(4096,)]
        fake.write("sys/fs/cgroup/a/memory.max", "1\n")
        assert own(engine, "SELECT memory_limit FROM processes WHERE pid = 43") == [(4096,)]


def test_a_mistake_in_a_part_is_told_as_what_it_is(engine: Engine, fake: FakeRoot, monkeypatch: pytest.MonkeyPatch) -> None:
    fake.process(42)
    monkeypatch.setattr("sqlports.sources.parts.oom.read", lambda place: place.nothing_of_the_kind)
    with pytest.raises(RuntimeError, match=r"the part oom: .*nothing_of_the_kind"):
        engine.query("SELECT oom_score FROM processes")

"""process_envs and process_memory_map: on literal bytes, below a made root, and of processes that know what they have."""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sqlports import Engine
from sqlports.sources.parts import environ, maps
from sqlports.sources.procfs import Unparsable

from .conftest import FakeRoot, as_nobody, at_last, own, reads

LEADERLESS = (
    "import ctypes, threading\n"
    "def work():\n"
    "    while True:\n"
    "        state = open('/proc/self/stat').read().rpartition(')')[2].split()[0]\n"
    "        if state == 'Z': break\n"
    "        time.sleep(0.01)\n"
    "    tell(1); time.sleep(60)\n"
    "threading.Thread(target=work).start(); ctypes.CDLL(None).pthread_exit(None)"
)


def variables(data: bytes) -> list[tuple[str, str | None]]:
    return [(variable.key, variable.value) for variable in environ.parse(1, data)]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(b"", [], id="none: a kernel thread"),
        pytest.param(b"A=1\0B=2\0", [("A", "1"), ("B", "2")], id="two"),
        pytest.param(b"A=1", [("A", "1")], id="without a NUL at the end"),
        pytest.param(b"A=\0", [("A", "")], id="empty value"),
        pytest.param(b"A=b=c=\0", [("A", "b=c=")], id="the first = parts them"),
        pytest.param(b"=C:=x\0", [("", "C:=x")], id="empty name"),
        pytest.param(b"title\0B=2\0", [("title", None), ("B", "2")], id="no ="),
        pytest.param(b"A=1\0\0\0\0B=2\0", [("A", "1"), ("B", "2")], id="nothing between NULs"),
        pytest.param(b"A=1\0A=2\0A=1\0", [("A", "1"), ("A", "2"), ("A", "1")], id="one name several times"),
        pytest.param(b"\xff=\xfe\n\0", [("\\xff", "\\xfe\n")], id="no UTF-8"),
        pytest.param("É=ß\0".encode(), [("É", "ß")], id="UTF-8"),
    ],
)
def test_an_environment_is_told_entry_by_entry(data: bytes, expected: list[tuple[str, str | None]]) -> None:
    assert variables(data) == expected


def test_an_environment_of_two_megabytes() -> None:
    data = b"".join(b"NAME_%d=%s\0" % (number, b"x" * 100) for number in range(20_000))
    assert len(data) > 2 << 20
    assert len(variables(data)) == 20_000
    assert variables(b"A=" + b"x" * (2 << 20)) == [("A", "x" * (2 << 20))]


def test_entries_that_are_alike_are_rows_of_their_own(fake: FakeRoot, engine: Engine) -> None:
    fake.process(7)
    fake.write("proc/7/environ", b"A=1\0A=1\0B\0")
    assert own(engine, "SELECT * FROM process_envs WHERE pid = 7") == [(7, "A", "1"), (7, "A", "1"), (7, "B", None)]
    assert len(own(engine, "SELECT 1 FROM process_envs WHERE pid = 7 OR key = 'A'")) == 3


@pytest.mark.parametrize(("table", "part"), [("process_envs", "environ"), ("process_memory_map", "maps")])
def test_a_search_for_a_process_reads_that_one_alone(table: str, part: str, fake: FakeRoot, engine: Engine) -> None:
    for pid in range(7, 17):
        fake.process(pid)
    assert reads(engine, f"SELECT * FROM {table} WHERE pid = 7") == {part: 1}
    assert reads(engine, f"SELECT * FROM {table} WHERE pid IN (7, 9, 99)") == {part: 2}
    assert reads(engine, f"SELECT * FROM {table}") == {part: 10, "pids": 1}
    joined = f"FROM processes p JOIN {table} t USING (pid) WHERE p.pid = 8"
    assert reads(engine, f"SELECT count(*) {joined}") == {part: 1}
    assert {row[0] for row in own(engine, f"SELECT pid {joined}")} == {8}
    assert {row[0] for row in own(engine, f"SELECT p.pid FROM {table} t JOIN processes p USING (pid) WHERE t.pid = 8")} == {8}


@pytest.mark.linux
def test_a_child_has_the_variables_that_it_was_given(live: Engine, child: Callable[..., Any]) -> None:
    given = {"EMPTY": "", "SIGN": "a=b", "LINES": "a\nb", "É": "ü", "LONG": "x" * 100_000}
    holder = child("tell(1)", env=given)
    assert dict(own(live, "SELECT key, value FROM process_envs WHERE pid = ?", holder.pid)) == given


@pytest.mark.linux
def test_what_a_process_sets_later_is_not_told(live: Engine, child: Callable[..., Any]) -> None:
    holder = child("os.environ['A'] = 'later'; tell(1)", env={"A": "before"})
    assert own(live, "SELECT value FROM process_envs WHERE pid = ? AND key = 'A'", holder.pid) == [("before",)]


@pytest.mark.linux
def test_a_process_whose_first_thread_ended_has_its_environment_and_memory_still(
    live: Engine, child: Callable[..., Any]
) -> None:
    holder = child(LEADERLESS, env={"MARK": "here"})
    assert own(live, "SELECT * FROM process_envs WHERE pid = ?", holder.pid) == [(holder.pid, "MARK", "here")]
    assert ("[stack]",) in own(live, "SELECT path FROM process_memory_map WHERE pid = ?", holder.pid)


@pytest.mark.linux
def test_a_zombie_has_neither(live: Engine, child: Callable[..., Any]) -> None:
    holder = child("pid = os.fork()\nif pid == 0: os._exit(0)\ntell(pid)")
    state = at_last(lambda: own(live, "SELECT state FROM processes WHERE pid = ?", holder.told), [("Z",)])
    assert state == [("Z",)]
    assert own(live, "SELECT * FROM process_envs WHERE pid = ?", holder.told) == []
    assert own(live, "SELECT * FROM process_memory_map WHERE pid = ?", holder.told) == []
    # To have no memory is not to be gone.
    sql = "SELECT p.state FROM processes p LEFT JOIN process_envs e USING (pid) WHERE pid = ?"
    assert own(live, sql, holder.told) == [("Z",)]
    assert own(live, "SELECT * FROM scan_errors") == []


@pytest.mark.linux
@pytest.mark.root
@pytest.mark.parametrize(("table", "source"), [("process_envs", "/proc/PID/environ"), ("process_memory_map", "/proc/PID/maps")])
def test_what_is_secret_is_counted(table: str, source: str, child: Callable[..., Any]) -> None:
    holder = child("tell(1)")

    def look() -> Any:
        engine = Engine()
        rows = own(engine, f"SELECT * FROM {table} WHERE pid = ?", holder.pid)
        return [rows, own(engine, "SELECT source, pid, reason, count FROM scan_errors")]

    def first() -> None:
        engine = Engine()
        engine.query(f"SELECT * FROM {table} WHERE pid = 0")
        engine.query("SELECT * FROM scan_errors")

    assert as_nobody(look, first) == [[], [[source, holder.pid, "permission", 1]]]


def mappings(*lines: str) -> list[tuple[Any, ...]]:
    return [tuple(mapping)[1:] for mapping in maps.parse(1, "".join(line + "\n" for line in lines).encode())]


def test_a_mapping_is_written_as_osquery_writes_it() -> None:
    assert mappings(
        "55d0c0de0000-55d0c0de1000 r-xp 00001000 08:01 77                         /usr/bin/sh",
        "00400000-00452000 r--s 00000000 103:02 173521      /dev/shm/x",
        "7ffd0000-7ffe0000 rw-p 00000000 00:00 0                                  [stack]",
        "7f0000000000-7f0000001000 ---p 00000000 00:00 0 ",
        "7f0000001000-7f0000002000 rw-p 00000000 00:00 0                          [anon: glibc: malloc]",
        "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]",
    ) == [
        ("0x55d0c0de0000", "0x55d0c0de1000", "r-xp", 4096, "08:01", 77, "/usr/bin/sh", 0),
        ("0x00400000", "0x00452000", "r--s", 0, "103:02", 173521, "/dev/shm/x", 0),
        ("0x7ffd0000", "0x7ffe0000", "rw-p", 0, "00:00", 0, "[stack]", 1),
        ("0x7f0000000000", "0x7f0000001000", "---p", 0, "00:00", 0, "", 0),
        ("0x7f0000001000", "0x7f0000002000", "rw-p", 0, "00:00", 0, "[anon: glibc: malloc]", 1),
        ("0xffffffffff600000", "0xffffffffff601000", "--xp", 0, "00:00", 0, "[vsyscall]", 1),
    ]


@pytest.mark.parametrize(
    "path",
    ["/a b  c", "/a ", "/line\\012feed", "/gone (deleted)", "/memfd:x (deleted)", "/dev/zero (deleted)", "/car\rriage", "/é"],
)
def test_a_path_is_told_as_the_kernel_writes_it(path: str) -> None:
    [row] = mappings(f"00400000-00452000 r--p 00000000 08:01 5      {path}")
    assert row[6:] == (path, 0)


def test_a_path_that_is_no_utf8() -> None:
    [mapping] = maps.parse(1, b"00400000-00452000 r--p 00000000 08:01 5      /\xff\n")
    assert mapping.path == "/\\xff"


def test_numbers_that_sql_has_no_room_for(fake: FakeRoot, engine: Engine) -> None:
    fake.process(7)
    fake.write("proc/7/maps", f"00400000-00452000 r--p ffffffffff000000 08:01 {(1 << 64) - 1}      /x\n")
    assert own(engine, "SELECT offset, inode, pseudo FROM process_memory_map WHERE pid = 7") == [(-1, None, 0)]


@pytest.mark.parametrize("line", ["x", "00400000 r--p 00000000 08:01 5 /x", "00400000-00452000 r--p 00000000 08:01"])
def test_what_the_kernel_does_not_write_is_a_bug_and_says_where(line: str) -> None:
    with pytest.raises(Unparsable, match="/proc/PID/maps"):
        mappings(line)


@pytest.mark.linux
def test_a_file_that_a_child_maps_is_in_its_memory(live: Engine, child: Callable[..., Any], tmp_path: Path) -> None:
    kept, gone = tmp_path / "a  b\nc", tmp_path / "gone"
    for path in (kept, gone):
        path.write_bytes(b"x" * 3 * mmap.PAGESIZE)
    holder = child(
        "import mmap\n"
        f"a = mmap.mmap(os.open({os.fspath(kept)!r}, os.O_RDONLY), {mmap.PAGESIZE}, mmap.MAP_SHARED, mmap.PROT_READ,"
        f" offset={mmap.PAGESIZE})\n"
        f"b = mmap.mmap(os.open({os.fspath(gone)!r}, os.O_RDWR), 0, mmap.MAP_PRIVATE); os.unlink({os.fspath(gone)!r}); tell(1)"
    )
    sql = 'SELECT start, "end", permissions, offset, device, inode, pseudo FROM process_memory_map WHERE pid = ? AND path = ?'
    written = os.fspath(kept).replace("\n", "\\012")
    [(start, end, permissions, offset, device, inode, pseudo)] = own(live, sql, holder.pid, written)
    assert int(end, 16) - int(start, 16) == mmap.PAGESIZE
    assert (permissions, offset, inode, pseudo) == ("r--s", mmap.PAGESIZE, kept.stat().st_ino, 0)
    assert [len(number) >= 2 for number in device.split(":")] == [True, True]
    [(_, _, permissions, *_)] = own(live, sql, holder.pid, f"{gone} (deleted)")
    assert permissions == "rw-p"


@pytest.mark.linux
def test_the_memory_of_a_process_is_what_its_file_says(live: Engine, child: Callable[..., Any]) -> None:
    holder = child("tell(1)")
    lines = Path(f"/proc/{holder.pid}/maps").read_text().splitlines()
    rows = own(live, 'SELECT start, "end", permissions, path FROM process_memory_map WHERE pid = ?', holder.pid)
    expected = []
    for line in lines:
        addresses, permissions, _, _, _, *path = line.split(None, 5)
        start, end = addresses.split("-")
        expected.append((f"0x{start}", f"0x{end}", permissions, *(path or [""])))
    assert sorted(rows) == sorted(expected)

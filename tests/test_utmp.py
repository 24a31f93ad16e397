"""utmp(5): the records are who(1)'s, whatever machine wrote them, and a file that was cut is told."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess

import pytest

from sqlports import Engine
from sqlports.sources import utmp
from sqlports.sources.utmp import Login

from .conftest import FakeRoot, login, own

ARM = struct.Struct("=h2xi32s4s32s256s4xqqq40x")


def test_a_record_has_its_type_user_terminal_host_time_and_process() -> None:
    data = login(2, "reboot", "~", "6.1.0", 1_700_000_000) + login(7, "ann", "pts/0", "10.0.0.7", 1_700_000_100, 4242)
    assert len(data) == 768
    assert utmp.parse(data) == (
        [
            Login("boot_time", "reboot", "~", "6.1.0", 1_700_000_000, 0),
            Login("user", "ann", "pts/0", "10.0.0.7", 1_700_000_100, 4242),
        ],
        0,
    )


def test_the_types_are_in_osquerys_words() -> None:
    found, _ = utmp.parse(b"".join(login(number) for number in (*range(10), 10, -1)))
    words = "empty runlevel boot_time new_time old_time init login user dead accounting unknown unknown"
    assert [record.type for record in found] == words.split()


def test_a_text_that_fills_its_field_has_no_nul_behind_it() -> None:
    [record], _ = utmp.parse(login(7, "u" * 40, "l" * 40, "h" * 300))
    assert (record.user, record.tty, record.host) == ("u" * 32, "l" * 32, "h" * 256)


def test_what_stands_behind_a_nul_and_bytes_that_are_no_utf8() -> None:
    data = bytearray(login(7, "ann"))
    data[44:50] = b"\xffn\0old"
    assert utmp.parse(bytes(data))[0][0].user == "\\xffn"


def test_the_longer_records_of_64_bit_arm_are_told_by_the_files_length() -> None:
    record = ARM.pack(7, 42, b"pts/0", b"", b"ann", b"host", 0, 1 << 33, 0)
    assert len(record) == 400
    assert utmp.parse(record * 2, "x86_64") == ([Login("user", "ann", "pts/0", "host", 1 << 33, 42)] * 2, 0)
    assert utmp.parse(login(7, "ann") * 2, "aarch64")[0] == [Login("user", "ann", "", "", 0, 0)] * 2


def test_where_the_length_fits_both_the_machine_decides() -> None:
    assert len(utmp.parse(login(7, "ann") * 25, "x86_64")[0]) == 25
    assert len(utmp.parse(ARM.pack(7, 42, b"", b"", b"ann", b"", 0, 1, 0) * 24, "aarch64")[0]) == 24


def test_an_empty_file_has_none() -> None:
    assert utmp.parse(b"") == ([], 0)


@pytest.mark.parametrize("cut", [1, 100, 383])
def test_of_a_cut_file_the_whole_records_are_told_and_the_rest_is_counted(cut: int, fake: FakeRoot, engine: Engine) -> None:
    fake.write("run/utmp", (login(7, "ann") + login(7, "bob"))[:-cut])
    with engine.snapshot():
        assert own(engine, "SELECT user FROM logged_in_users") == [("ann",)]
        own(engine, "SELECT user FROM logged_in_users")
        assert own(engine, "SELECT * FROM scan_errors") == [
            ("/run/utmp", None, None, f"the {384 - cut} bytes at its end are no record", 1)
        ]


def test_no_file_is_not_the_same_as_nobody(fake: FakeRoot, engine: Engine) -> None:
    assert own(engine, "SELECT * FROM logged_in_users") == []
    [(source, reason)] = own(engine, "SELECT source, reason FROM scan_errors")
    assert (source, reason) == ("/run/utmp", "there is no such file: this system keeps no list of logins there")
    fake.write("run/utmp", "")
    assert own(engine, "SELECT * FROM logged_in_users") == []
    assert own(engine, "SELECT * FROM scan_errors") == []


def test_the_file_may_be_where_it_used_to_be(fake: FakeRoot, engine: Engine) -> None:
    fake.write("var/run/utmp", login(7, "ann"))
    assert own(engine, "SELECT user, type, sid FROM logged_in_users") == [("ann", "user", None)]


def test_a_link_to_run_leads_there_below_the_root_and_not_out_of_it(fake: FakeRoot, engine: Engine) -> None:
    fake.write("run/x/utmp", login(7, "inside"))
    (fake.path / "var").mkdir()
    (fake.path / "var" / "run").symlink_to("/run/x")
    assert own(engine, "SELECT user FROM logged_in_users") == [("inside",)]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs FIFOs")
def test_what_is_no_file_is_not_waited_for(fake: FakeRoot, engine: Engine) -> None:
    (fake.path / "run").mkdir()
    os.mkfifo(fake.path / "run" / "utmp")
    assert own(engine, "SELECT * FROM logged_in_users") == []
    assert own(engine, "SELECT source, reason FROM scan_errors") == [("/run/utmp", "it is no regular file")]


@pytest.mark.linux
@pytest.mark.skipif(os.uname().machine == "aarch64" if hasattr(os, "uname") else True, reason="who reads its own records")
def test_who_tells_the_same(fake: FakeRoot, engine: Engine) -> None:
    if not shutil.which("who"):
        pytest.skip("who is not installed")
    path = fake.write(
        "run/utmp",
        login(2, "reboot", "~", "6.1.0", 1_700_000_000)
        + login(6, "LOGIN", "tty1", "", 1_700_000_050, 900)
        + login(7, "ann", "pts/0", "10.0.0.7", 1_700_000_100, os.getpid())
        + login(8, "", "pts/1", "", 1_700_000_200, 901)
        + login(7, "bob", "pts/2", "example.org", 1_700_000_300, os.getpid()),
    )
    environment = {**os.environ, "TZ": "UTC", "LC_ALL": "C"}
    told = subprocess.run(["who", path], capture_output=True, text=True, env=environment, check=True).stdout
    sql = "SELECT user, tty, strftime('%H:%M', time, 'unixepoch'), '(' || host || ')' FROM logged_in_users WHERE type = 'user'"
    found = own(engine, sql)
    lines = [line.split() for line in told.splitlines()]
    assert [(line[0], line[1], line[-1]) for line in lines] == [(row[0], row[1], row[-1]) for row in found]
    # As the locale has it, 'Nov 14 22:15' or '2023-11-14 22:15'.
    assert [line[-2] for line in lines] == [row[2] for row in found]


def test_all_records_are_told_not_those_of_logins_alone(fake: FakeRoot, engine: Engine) -> None:
    fake.write("run/utmp", login(1, "runlevel", "~", "6.1", 5, 53) + login(7, "root", "console", "", 6, 1))
    assert own(engine, "SELECT type, user, pid FROM logged_in_users") == [("runlevel", "runlevel", 53), ("user", "root", 1)]


def test_logins_are_read_once_and_joined_to_their_processes(fake: FakeRoot, engine: Engine) -> None:
    fake.process(42, "bash")
    fake.write("run/utmp", login(7, "ann", "pts/0", "", 5, 42))
    with engine.snapshot() as system:
        sql = "SELECT l.user, p.name FROM logged_in_users l JOIN processes p USING (pid)"
        assert own(engine, sql) == [("ann", "bash")]
        assert own(engine, sql) == [("ann", "bash")]
        assert system.reads["/run/utmp"] == 1

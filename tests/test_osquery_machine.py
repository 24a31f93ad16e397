"""osquery's tables of the machine and its kernel: what /proc and /sys say, in its units and words."""

from __future__ import annotations

import ctypes
import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from sqlports import Engine
from sqlports.sources import kernel_files
from sqlports.sources.procfs import Unparsable

from .conftest import FakeRoot

ERRORS = "SELECT source, reason FROM scan_errors"


def one(engine: Engine, sql: str) -> dict[str, Any]:
    [row] = engine.query(sql)
    return row


def test_the_time_since_boot_is_split_into_days_hours_minutes_and_seconds(fake: FakeRoot, engine: Engine) -> None:
    fake.write("proc/uptime", "93784.99 5.00\n")
    assert one(engine, "SELECT * FROM uptime") == {"days": 1, "hours": 2, "minutes": 3, "seconds": 4, "total_seconds": 93784}


def test_load_has_a_row_for_each_period_with_six_decimals(fake: FakeRoot, engine: Engine) -> None:
    fake.write("proc/loadavg", "0.50 12.25 1.00 1/99 1234\n")
    rows = engine.query("SELECT * FROM load_average")
    assert [tuple(row.values()) for row in rows] == [("1m", "0.500000"), ("5m", "12.250000"), ("15m", "1.000000")]


def test_memory_is_in_bytes_and_what_an_old_kernel_does_not_tell_is_null(fake: FakeRoot, engine: Engine) -> None:
    fake.write("proc/meminfo", "MemTotal:       2048 kB\nActive(anon):   99 kB\nActive:   3 kB\nHugePages_Total:   5\n")
    row = one(engine, "SELECT memory_total, active, memory_available FROM memory_info")
    assert row == {"memory_total": 2048 * 1024, "active": 3072, "memory_available": None}


@pytest.mark.parametrize("parse", [kernel_files.uptime, kernel_files.load, kernel_files.release, kernel_files.segments])
@pytest.mark.parametrize("data", [b"head\nnonsense here\n", b"\n\xff\xfe \0"])
def test_what_cannot_be_parsed_is_named(parse: Any, data: bytes) -> None:
    with pytest.raises(Unparsable):
        parse(data)


def test_the_image_and_the_root_device_are_no_arguments_of_the_kernel(fake: FakeRoot, engine: Engine) -> None:
    fake.write("proc/version", "Linux version 6.1.0-9-amd64 (debian) #1 SMP\n")
    fake.write("proc/cmdline", b"BOOT_IMAGE=/boot/vmlinuz-6.1 root=UUID=7 ro quiet x=\xff\n")
    row = one(engine, "SELECT * FROM kernel_info")
    assert row["version"] == "6.1.0-9-amd64"
    assert row["arguments"].startswith("ro quiet x=")
    assert (row["path"], row["device"]) == ("/boot/vmlinuz-6.1", "UUID=7")


def test_an_address_that_the_kernel_hides_is_null_and_told(fake: FakeRoot, engine: Engine) -> None:
    fake.write("proc/modules", "nf_tables 7 2 a,b, Live 0x0000000000000000\next4 9 0 - Loading 0xffffffffc0000000 (OE)\n")
    assert [tuple(row.values()) for row in engine.query("SELECT * FROM kernel_modules")] == [
        ("nf_tables", 7, "a,b", "Live", None),
        ("ext4", 9, "-", "Loading", "0xffffffffc0000000"),
    ]
    assert engine.query(ERRORS) == [{"source": "/proc/modules addresses", "reason": "permission"}]


def test_a_kernel_that_lists_no_modules_is_told_apart_from_one_without_any_loaded(fake: FakeRoot, engine: Engine) -> None:
    assert engine.query("SELECT * FROM kernel_modules") == []
    assert one(engine, ERRORS)["source"] == "/proc/modules"
    fake.write("proc/modules", "")
    assert engine.query("SELECT * FROM kernel_modules") == engine.query(ERRORS) == []


def test_a_file_that_is_not_there_is_told(fake: FakeRoot, engine: Engine) -> None:
    for name, source in (("uptime", "/proc/uptime"), ("load_average", "/proc/loadavg"), ("memory_info", "/proc/meminfo")):
        assert engine.query(f"SELECT * FROM {name}") == []
        assert one(engine, ERRORS)["source"] == source


def test_a_machine_is_what_its_files_say(fake: FakeRoot, engine: Engine) -> None:
    fake.write("etc/hostname", "web\n")
    fake.write("etc/hosts", "127.0.0.1 localhost\n127.0.1.1 web.example.org web # this\n")
    fake.write(
        "proc/cpuinfo",
        "".join(
            f"processor\t: {n}\nmodel\t\t: 85\nmodel name\t: CPU\nphysical id\t: {n // 2}\ncore id\t: 0\n\n" for n in range(4)
        ),
    )
    fake.write("proc/meminfo", "MemTotal:  4 kB\n")
    fake.write("sys/class/dmi/id/sys_vendor", "Maker, Inc.\n")
    fake.write("sys/class/dmi/id/product_uuid", "4c4c4544-0042-3510-8052-b3c04f4a4e32\n")
    row = one(engine, "SELECT * FROM system_info")
    assert (row["hostname"], row["computer_name"]) == ("web.example.org", "web")
    assert (row["cpu_logical_cores"], row["cpu_physical_cores"], row["cpu_sockets"]) == (4, 2, 2)
    assert (row["cpu_brand"], row["cpu_subtype"], row["physical_memory"]) == ("CPU", "85", 4096)
    assert (row["hardware_vendor"], row["hardware_model"], row["board_serial"]) == ("Maker, Inc.", "", "")
    assert engine.query("SELECT 1 FROM system_info WHERE uuid = '4C4C4544-0042-3510-8052-B3C04F4A4E32'")


def test_a_number_that_many_machines_have_is_no_uuid(fake: FakeRoot, engine: Engine) -> None:
    fake.write("sys/class/dmi/id/product_uuid", "03000200-0400-0500-0006-000700080009\n")
    assert one(engine, "SELECT uuid FROM system_info") == {"uuid": None}
    assert "placeholder" in one(engine, ERRORS)["reason"]


@pytest.mark.linux
def test_the_moment_is_now_in_utc(live: Engine) -> None:
    before = int(time.time())
    row = one(live, "SELECT *, date_time FROM time")
    assert before <= row["unix_time"] <= time.time()
    utc = time.gmtime(row["unix_time"])
    assert row["iso_8601"] == row["datetime"] == row["date_time"] == time.strftime("%Y-%m-%dT%H:%M:%SZ", utc)
    assert tuple(row[name] for name in ("year", "month", "day", "hour", "minutes", "seconds")) == utc[:6]
    assert row["weekday"] == time.strftime("%A", utc)
    assert (row["timezone"], row["local_timezone"]) == ("UTC", time.localtime(row["unix_time"]).tm_zone)


@pytest.mark.linux
def test_this_kernel_and_this_machine_are_what_uname_says(live: Engine) -> None:
    assert one(live, "SELECT version FROM kernel_info") == {"version": platform.release()}
    row = one(live, "SELECT cpu_type, computer_name, physical_memory FROM system_info")
    assert (row["cpu_type"], row["computer_name"]) == (os.uname().machine, os.uname().nodename)
    assert row["physical_memory"] == os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.linux
def test_the_system_runs_as_long_as_its_clock_says(live: Engine) -> None:
    before, after = float(Path("/proc/uptime").read_text().split()[0]), one(live, "SELECT total_seconds FROM uptime")
    assert int(before) <= after["total_seconds"] <= float(Path("/proc/uptime").read_text().split()[0])


@contextmanager
def segment(size: int) -> Iterator[int]:
    """A shared memory segment (shmget(2)), as long as this lasts."""
    libc = ctypes.CDLL(None, use_errno=True)
    shmid = libc.shmget(0, size, 0o1600)
    if shmid < 0:
        pytest.skip(f"no shared memory: {os.strerror(ctypes.get_errno())}")
    try:
        yield shmid
    finally:
        libc.shmctl(shmid, 0, None)


@pytest.mark.linux
def test_a_segment_that_was_made_is_found(live: Engine) -> None:
    if not Path("/proc/sysvipc/shm").exists():
        pytest.skip("a kernel without System V shared memory")
    with segment(5000) as shmid:
        row = one(live, f"SELECT * FROM shared_memory WHERE shmid = {shmid}")
    assert (row["owner_uid"], row["creator_uid"], row["creator_pid"]) == (os.getuid(), os.getuid(), os.getpid())
    assert (row["size"], row["permissions"], row["attached"], row["status"], row["locked"]) == (5000, "0600", 0, "", 0)
    assert row["atime"] == row["dtime"] == row["pid"] == 0 < row["ctime"] <= time.time()
    assert live.query(f"SELECT 1 FROM shared_memory WHERE shmid = {shmid}") == []

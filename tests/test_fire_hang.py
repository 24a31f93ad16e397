"""A file system that answers nobody any more: no query asks it anything, and what only it could tell is NULL and counted."""

from __future__ import annotations

import errno
import mmap
import os
import select
import shutil
import signal
import struct
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sqlports import Engine

from .conftest import command, own
from .fire import NEW_MOUNTS, PRIVATE, apart, done, forked, library, state, wait_until, waits

pytestmark = [pytest.mark.linux, pytest.mark.root]

# linux/fuse.h
LOOKUP, FORGET, GETATTR, UNLINK, OPEN, READ, RELEASE, INIT, OPENDIR, RELEASEDIR, BATCH_FORGET = (
    1, 2, 3, 10, 14, 15, 18, 26, 27, 29, 42,
)  # fmt: skip
DETACH = 2
FILES = {"data": 2, "tool": 3, "gone": 4}
# How long anything may take before it is held to hang, in seconds: a query takes thousandths.
HANGS = 20


class Server:
    """A file system of three files, by the kernel's protocol, until it falls silent."""

    def __init__(self, point: Path) -> None:
        if not os.access("/dev/fuse", os.R_OK | os.W_OK):
            pytest.skip("there is no /dev/fuse for us")
        self.content = Path(shutil.which("sleep") or "").read_bytes()
        self.silent = mmap.mmap(-1, 4096)
        device = os.open("/dev/fuse", os.O_RDWR)
        options = f"fd={device},rootmode=40000,user_id=0,group_id=0".encode()
        done(library().mount(b"hangs", os.fsencode(point), b"fuse", 0, options))
        self.pid = os.fork()
        if self.pid == 0:
            try:
                self.serve(device)
            finally:
                os._exit(1)
        os.close(device)

    def fall_silent(self) -> None:
        self.silent[0] = 1
        wait_until(lambda: self.silent[1] == 1)

    def serve(self, device: int) -> None:
        while not self.silent[0]:
            if not select.select([device], [], [], 0.01)[0]:
                continue
            request = os.read(device, 1 << 20)
            _, code, unique, node = struct.unpack_from("=IIQQ", request)
            if code in (FORGET, BATCH_FORGET):
                continue
            try:
                number, answer = 0, self.answer(code, node, request[40:])
            except OSError as error:
                number, answer = -int(error.errno or errno.EIO), b""
            os.write(device, struct.pack("=IiQ", 16 + len(answer), number, unique) + answer)
        self.silent[1] = 1
        signal.pause()

    def answer(self, code: int, node: int, body: bytes) -> bytes:
        if code == INIT:
            return struct.pack("=IIIIHHIIHH32x", 7, 31, 1 << 16, 0, 16, 12, 1 << 16, 1, 0, 0)
        if code == LOOKUP:
            found = FILES.get(body.rstrip(b"\0").decode())
            if found is None:
                raise FileNotFoundError(errno.ENOENT, "")
            # Nothing may be kept: each look comes here.
            return struct.pack("=QQQQII", found, 0, 0, 0, 0, 0) + self.attributes(found)
        if code == GETATTR:
            return struct.pack("=QII", 0, 0, 0) + self.attributes(node)
        if code in (OPEN, OPENDIR):
            return struct.pack("=QII", node, 0, 0)
        if code == READ:
            _, offset, size = struct.unpack_from("=QQI", body)
            return self.content[offset : offset + size]
        if code in (UNLINK, RELEASE, RELEASEDIR):
            return b""
        raise OSError(errno.ENOSYS, "")

    def attributes(self, node: int) -> bytes:
        mode, size = (0o040755, 0) if node == 1 else (0o100755, len(self.content))
        return struct.pack("=6Q10I", node, size, size // 512 + 1, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)


class Holders:
    """Processes with something on that file system: open, as their directory, as their executable, or removed meanwhile."""

    def __init__(self, point: Path) -> None:
        self.file, self.directory = 50, 51
        self.held = waits(lambda: self.hold(point))
        self.detached = waits(lambda: self.hold(point, detach=True))
        self.tool = subprocess.Popen([point / "tool", "1000"]).pid
        self.gone = subprocess.Popen([point / "gone", "1000"]).pid
        for pid, name in ((self.tool, b"tool"), (self.gone, b"gone")):
            wait_until(lambda: name in Path(f"/proc/{pid}/cmdline").read_bytes() and state(pid) == "S")  # noqa: B023
        # Its memory is read in by now, so that it does not itself wait for the file system.
        time.sleep(0.2)
        (point / "gone").unlink()

    def hold(self, point: Path, detach: bool = False) -> None:
        if detach:
            done(library().unshare(NEW_MOUNTS))
            done(library().mount(b"none", b"/", None, PRIVATE, None))
        os.dup2(os.open(point / "data", os.O_RDONLY), self.file)
        os.dup2(os.open(point, os.O_RDONLY | os.O_DIRECTORY), self.directory)
        os.chdir(point)
        if detach:
            done(library().umount2(os.fsencode(point), DETACH))


def hangs(act: Callable[[], Any]) -> bool:
    """Whether something does not come to an end. It is ended then."""
    pid = os.fork()
    if pid == 0:
        act()
        os._exit(0)
    deadline = time.monotonic() + 1
    while time.monotonic() < deadline:
        if os.waitpid(pid, os.WNOHANG)[0]:
            return False
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return True


def ask(holders: Holders) -> dict[str, Any]:
    """All there is to ask of these processes."""
    engine = Engine()
    pids = ", ".join(str(pid) for pid in (holders.held, holders.detached, holders.tool, holders.gone))
    told: dict[str, Any] = {"processes": {}, "handles": {}, "errors": {}}
    for row in engine.query("SELECT * FROM processes"):
        told["processes"][row["pid"]] = row
    told["lost"] = own(engine, "SELECT source, pid, errno, reason FROM scan_errors WHERE source LIKE '/proc%'")
    for row in engine.query("SELECT * FROM handles"):
        told["handles"][f"{row['pid']} {row['fd']}"] = row
    told["errors"] = own(engine, f"SELECT pid, source, reason FROM scan_errors WHERE pid IN ({pids})")
    told["threads"] = own(engine, f"SELECT pid FROM threads WHERE name IS NOT NULL AND pid IN ({pids}) ORDER BY pid")
    told["owners"] = own(engine, "SELECT count(*), count(pid) FROM sockets")
    # A search by what only the file system could tell asks it no more than a scan does.
    told["files"] = own(engine, f"SELECT pid FROM handles WHERE type = 'file' AND pid IN ({pids}) AND fd IN (50, 51)")
    told["joined"] = own(
        engine,
        f"SELECT count(h.type), count(*) FROM processes p JOIN handles h USING (pid) WHERE pid IN ({pids}) AND fd IN (50, 51)",
    )
    shown = command("--json", f"SELECT * FROM handles WHERE pid = {holders.held}; SELECT * FROM processes")
    told["command"] = shown.returncode, shown.stderr
    return told


def test_a_file_system_that_hangs_hangs_no_query(tmp_path: Path) -> None:
    def act() -> Any:
        point = tmp_path / "hangs"
        point.mkdir()
        server = Server(point)
        holders = Holders(point)
        server.fall_silent()
        file = f"/proc/{holders.held}/fd/{holders.file}"
        # Else this test would prove nothing.
        proof = [
            hangs(lambda: os.stat(file)),
            hangs(lambda: os.stat(point / "data")),
            hangs(lambda: os.stat(f"/proc/{holders.detached}/fd/{holders.file}")),
            hangs(lambda: os.readlink(file)),
        ]

        def elsewhere() -> None:
            """To where the mount is not seen."""
            done(library().unshare(NEW_MOUNTS))
            done(library().mount(b"none", b"/", None, PRIVATE, None))
            done(library().umount2(os.fsencode(point), DETACH))

        answers = [forked(lambda: ask(holders), first, HANGS) for first in (lambda: None, elsewhere)]
        os.kill(server.pid, signal.SIGKILL)
        return proof, vars(holders), answers

    proof, holders, answers = apart(act)
    assert proof == [True, True, True, False]
    place = os.fspath(tmp_path / "hangs")
    held, detached, tool, gone = (holders[name] for name in ("held", "detached", "tool", "gone"))
    for told in answers:
        processes, handles = told["processes"], told["handles"]
        for pid, kind in ((held, "fuse"), (detached, "a detached mount")):
            row = handles[f"{pid} {holders['file']}"]
            # A detached mount has no path in front any more.
            assert row["target"] == (f"{place}/data" if pid == held else "/data")
            assert (row["type"], row["deleted"], row["access"], row["offset"]) == (None, 0, "r", 0)
            row = handles[f"{pid} {holders['directory']}"]
            assert row["target"] == (place if pid == held else "/")
            assert row["type"] == "directory"
            assert [told for told in told["errors"] if told[0] == pid and told[2].endswith(f"it could hang on {kind}")], pid
            assert processes[str(pid)]["cwd"] == (place if pid == held else "/")
            assert processes[str(pid)]["state"] == "S"
            assert processes[str(pid)]["fd_count"] >= 2
        row = processes[str(tool)]
        assert (row["name"], row["path"], row["on_disk"], row["deleted"]) == ("tool", f"{place}/tool", None, 0)
        assert row["cmdline"] == f"{place}/tool 1000"
        row = processes[str(gone)]
        # Whether it was removed, or is called so, only the file system could tell.
        assert (row["name"], row["path"], row["on_disk"], row["deleted"]) == ("gone", f"{place}/gone (deleted)", None, None)
        assert row["cmdline"] == f"{place}/gone 1000"
        [lost] = [lost for lost in told["lost"] if lost[1] == gone]
        assert lost == ["/proc/PID/exe", gone, None, "not looked at: it could hang on fuse"]
        assert told["threads"] == [[pid] for pid in sorted((held, detached, tool, gone))]
        assert told["owners"][0][0] >= 0
        assert told["files"] == []
        assert told["joined"] == [[2, 4]]
        assert told["command"] == [0, ""]

"""hash: which files have digests, that these are right, and the work that is done for them."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

from sqlports import Engine, QueryTimeout, registry
from sqlports.sources import hashing
from sqlports.sources.refusals import PERMISSION

from .conftest import FakeRoot, as_nobody, own, reads

pytestmark = pytest.mark.linux


@pytest.fixture
def tmp_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Without an underscore, which in a pattern is any character: a neighbour would be found too."""
    return tmp_path_factory.mktemp("files")


def digests(data: bytes) -> tuple[str, str, str]:
    return hashlib.md5(data).hexdigest(), hashlib.sha1(data).hexdigest(), hashlib.sha256(data).hexdigest()


ASK = "SELECT md5, sha1, sha256 FROM hash WHERE path = ?"


@pytest.mark.parametrize("size", [0, 1, hashing.CHUNK - 1, hashing.CHUNK, hashing.CHUNK + 1, 3 * hashing.CHUNK])
@pytest.mark.parametrize("root", ["/", "/proc/self/root"])
def test_digests_are_those_of_the_contents(size: int, root: str, tmp_path: Path) -> None:
    data = os.urandom(size)
    (tmp_path / "x").write_bytes(data)
    assert own(Engine(root=root), ASK, str(tmp_path / "x")) == [digests(data)]


def test_digests_are_those_of_sha256sum(live: Engine) -> None:
    said = subprocess.run(["sha256sum", "/etc/passwd", "/bin/sh"], capture_output=True, text=True, check=True).stdout
    expected = sorted((line.split()[1], line.split()[0]) for line in said.splitlines())
    assert sorted(own(live, "SELECT path, sha256 FROM hash WHERE path IN ('/etc/passwd', '/bin/sh')")) == expected


def test_a_digest_is_found_in_capitals(tmp_path: Path, live: Engine) -> None:
    (tmp_path / "x").write_bytes(b"x")
    for name, digest in zip(hashing.ALGORITHMS, digests(b"x"), strict=True):
        for written in (digest, digest.upper()):
            assert own(live, f"SELECT path FROM hash WHERE directory = ? AND {name} = ?", str(tmp_path), written)
            assert own(live, f"SELECT path FROM hash WHERE {name} IN (?, 'y') AND directory = ?", written, str(tmp_path))
        assert not own(
            live, f"SELECT path FROM hash WHERE directory = ? AND {name} = ? COLLATE BINARY", str(tmp_path), digest.upper()
        )
    bad = "WITH bad(digest) AS (VALUES (?)) SELECT path FROM hash JOIN bad ON md5 = digest WHERE directory = ?"
    assert own(live, bad, digests(b"x")[0].upper(), str(tmp_path))


def test_only_regular_files_have_digests_through_links_too(tmp_path: Path, live: Engine) -> None:
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "broken").symlink_to("nowhere")
    (tmp_path / "zero").symlink_to("/dev/zero")
    (tmp_path / "directory").mkdir()
    os.mkfifo(tmp_path / "fifo")
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(tmp_path / "socket"))
    expected = [(str(tmp_path / name), digests(b"x")[0]) for name in ("file", "link")]
    for where in ("directory = ?", "path LIKE ? || '/%'", "path LIKE ? || '/%%'"):
        assert own(live, f"SELECT path, md5 FROM hash WHERE {where} ORDER BY 1", str(tmp_path)) == expected
    for path in (tmp_path / "fifo", tmp_path / "zero", tmp_path / "socket", tmp_path, "/dev/zero", "/dev/tty", "/nope"):
        assert own(live, ASK, str(path)) == []
    assert live.refusals == []
    server.close()


@pytest.mark.root
def test_the_kernel_s_messages_are_left_to_whoever_they_are_for(live: Engine, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/proc/kmsg")
    for path in ("/proc/kmsg", os.fspath(tmp_path / "link"), "/proc/1/root/proc/kmsg"):
        assert own(live, ASK, path) in ([(None, None, None)], [])
    assert own(live, ASK, os.fspath(tmp_path / "link")) == [(None, None, None)]
    assert own(live, "SELECT reason FROM scan_errors WHERE source = 'contents of files'") == [("permission",)]


def test_a_file_of_proc_is_read_to_its_end(live: Engine) -> None:
    data = Path("/proc/version").read_bytes()
    assert Path("/proc/version").stat().st_size == 0
    assert own(live, ASK, "/proc/version") == [digests(data)]


def test_a_lease_of_another_is_not_waited_for(tmp_path: Path, live: Engine) -> None:
    (tmp_path / "x").write_bytes(b"x")
    before = signal.signal(signal.SIGIO, signal.SIG_IGN)
    with (tmp_path / "x").open("r+b") as file:
        try:
            fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        except OSError:
            pytest.skip("this file system has no leases")
        assert own(live, "SELECT md5, sha1 FROM hash WHERE path = ?", str(tmp_path / "x")) == [(None, None)]
        assert [(refusal.source, refusal.errno) for refusal in live.refusals] == [(hashing.CONTENTS, errno.EAGAIN)]
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    signal.signal(signal.SIGIO, before)
    assert own(live, ASK, str(tmp_path / "x")) == [digests(b"x")]


def test_a_file_is_hashed_once_for_all_that_are_joined(fake: FakeRoot, engine: Engine) -> None:
    for pid in range(40, 90):
        fake.process(pid, exe="/bin/sh" if pid % 2 else "/bin/ls")
    fake.write("bin/sh", "sh")
    (fake.path / "bin" / "ls").symlink_to("sh")
    os.link(fake.path / "bin" / "sh", fake.path / "bin" / "name")
    sql = "SELECT count(*) AS n, count(DISTINCT md5) AS digests FROM processes p JOIN hash h ON h.path = p.path"
    assert engine.query(sql) == [{"n": 50, "digests": 1}]
    assert reads(engine, sql)["hash"] == 1
    sql = "SELECT a.sha1, b.sha1 FROM hash a JOIN hash b ON b.path = a.path WHERE a.directory = '/bin'"
    assert len(own(engine, sql)) == 3
    assert reads(engine, sql)["hash"] == 1
    below = "SELECT h.sha1 FROM processes p JOIN hash h ON h.path = p.path AND h.pid_with_namespace = p.pid"
    assert len(own(engine, below)) == 50
    assert reads(engine, below)["hash"] == 1


def test_only_what_is_wanted_is_computed(tmp_path: Path, live: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x").write_bytes(b"x")
    made: list[str] = []
    original = hashlib.new

    def noted(name: str, **options: Any) -> Any:
        made.append(name)
        return original(name, **options)

    monkeypatch.setattr(hashlib, "new", noted)
    live.query("SELECT sha1 FROM hash WHERE directory = ?", (str(tmp_path),))
    assert made == ["sha1"]
    live.query("SELECT sha256 FROM hash WHERE directory = ? AND md5 <> 'x'", (str(tmp_path),))
    assert made == ["sha1", "md5", "sha256"]
    assert "hash" not in reads(live, f"SELECT path FROM hash WHERE directory = '{tmp_path}'")
    assert "hash" not in reads(live, f"SELECT sha1 FROM hash WHERE directory = '{tmp_path}' AND path LIKE '%y'")
    assert reads(live, f"SELECT md5, sha1, sha256 FROM hash WHERE directory = '{tmp_path}'")["hash"] == 1


@pytest.mark.root
def test_an_unreadable_file_has_its_row_without_digests(tmp_path: Path) -> None:
    for above in (tmp_path, *tmp_path.parents):
        if str(above).startswith("/tmp/"):
            above.chmod(0o755)
    (tmp_path / "secret").write_bytes(b"x")
    (tmp_path / "secret").chmod(0o600)
    (tmp_path / "shown").write_bytes(b"x")

    def look() -> Any:
        engine = Engine()
        found = own(engine, "SELECT path, md5 FROM hash WHERE directory = ?", str(tmp_path))
        return found, [(refusal.source, refusal.reason, refusal.times) for refusal in engine.refusals]

    found, refused = as_nobody(look, lambda: registry.table("hash"))
    assert found == [[str(tmp_path / "secret"), None], [str(tmp_path / "shown"), digests(b"x")[0]]]
    assert refused == [[hashing.CONTENTS, PERMISSION, 1]]


def test_a_file_that_grows_comes_to_an_end(tmp_path: Path, live: Engine, endless: None) -> None:
    path = tmp_path / "log"
    start = b"x" * (2 * hashing.CHUNK + 7)
    path.write_bytes(start)

    def grow() -> None:
        with path.open("ab") as file:
            file.write(b"y" * hashing.CHUNK)

    with live.snapshot() as system:
        system.check = grow
        [(digest,)] = own(live, "SELECT md5 FROM hash WHERE path = ?", str(path))
    whole = path.read_bytes()
    ends = range(len(start), len(whole) - hashing.CHUNK, hashing.CHUNK)
    assert digest in {hashlib.md5(whole[:end]).hexdigest() for end in ends}


def test_a_long_file_can_be_given_up(tmp_path: Path) -> None:
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(1 << 42)
    engine = Engine(timeout=0.2)
    with pytest.raises(QueryTimeout):
        engine.query("SELECT md5 FROM hash WHERE path = ?", (str(tmp_path / "sparse"),))


def test_a_file_that_went_has_no_digest_and_that_is_counted(tmp_path: Path, live: Engine) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(name.encode())
    found = []
    for row in next(iter(live.run(f"SELECT path, md5 FROM hash WHERE directory = '{tmp_path}' AND length(path) > 0"))):
        found.append(row[1])
        (tmp_path / "b").unlink(missing_ok=True)
    assert found[0] == digests(b"a")[0]
    assert found[1:] in ([], [None])


def test_a_file_that_takes_anothers_name_does_not_take_its_digest(tmp_path: Path, live: Engine) -> None:
    (tmp_path / "a").write_bytes(b"old")
    os.link(tmp_path / "a", tmp_path / "b")
    (tmp_path / "new").write_bytes(b"new")
    with live.snapshot() as system:

        def swap() -> None:
            if system.reads["hash"] == 1:
                (tmp_path / "new").replace(tmp_path / "a")
                system.check = lambda: None

        system.check = swap
        ask = "SELECT md5 FROM hash WHERE path IN (? || '/a', ?1 || '/b') ORDER BY path"
        assert own(live, ask, str(tmp_path)) == [digests(b"new")[:1], digests(b"old")[:1]]


def test_this_python_without_md5_is_told(tmp_path: Path, live: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x").write_bytes(b"x")
    original = hashlib.new

    def without(name: str, **options: Any) -> Any:
        if name == "md5":
            raise ValueError("unsupported hash type md5")
        return original(name, **options)

    monkeypatch.setattr(hashlib, "new", without)
    assert own(live, ASK, str(tmp_path / "x")) == [(None, *digests(b"x")[1:])]
    assert [refusal.source for refusal in live.refusals] == ["md5 of files"]


def test_columns_are_osquerys() -> None:
    columns = registry.table("hash").columns
    assert [column.name for column in columns if not column.hidden] == ["path", "directory", *hashing.ALGORITHMS]
    assert [column.name for column in columns if column.hidden] == ["pid_with_namespace", "mount_namespace_id"]
    assert {column.name for column in columns if column.collate == "NOCASE"} == set(hashing.ALGORITHMS)


def test_the_portable_backend_hashes_too(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"x")
    assert own(Engine(backend="portable"), ASK, str(tmp_path / "x")) == [digests(b"x")]

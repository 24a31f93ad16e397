"""Looking below a root: a container's, another machine's. Nothing that is in there leads out."""

from __future__ import annotations

import errno
import os
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sqlports import Engine, registry
from sqlports.sources import file_search, rooted

from .conftest import Child, FakeRoot, as_nobody, own

pytestmark = pytest.mark.linux

LINKS = {
    "outside": "/",
    "up": "../../../../../../..",
    "etc/absolute": "/etc/inside",
    "etc/relative": "inside",
    "etc/up-and-down": "../../../etc/inside",
    "etc/to-link": "absolute",
    "round": "round",
    "a": "b",
    "b": "a",
    "nowhere": "/absent/at/all",
    "file-as-directory": "etc/inside/",
    "directory": "etc/",
    "dot": ".",
}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    (root / "etc" / "deep").mkdir(parents=True)
    (root / "etc" / "inside").write_text("inside")
    (tmp_path / "secret").write_text("secret, and longer")
    for name, target in LINKS.items():
        (root / name).symlink_to(target)
    return root


@pytest.fixture(params=["openat2", "walk"])
def below(request: pytest.FixtureRequest, place: Path) -> Iterator[rooted.Below]:
    made = rooted.directory(str(place))
    made._openat2 = request.param == "openat2"
    yield made
    made.close()


@pytest.mark.parametrize(
    "path",
    [
        "/etc/inside",
        "etc/inside",
        "//etc/./inside",
        "/etc/absolute",
        "/etc/relative",
        "/etc/up-and-down",
        "/etc/to-link",
        "/outside/etc/inside",
        "/up/etc/inside",
        "/../../../etc/inside",
        "/etc/deep/../inside",
        "/directory/inside",
        "/dot/dot/etc/inside",
        "/outside/outside/up/outside/etc/deep/../to-link",
    ],
)
def test_all_ways_to_a_file_stay_below_the_root(path: str, below: rooted.Below, place: Path) -> None:
    assert below.status(path.encode(), True).st_ino == (place / "etc" / "inside").stat().st_ino
    file = below.open(path.encode())
    assert os.read(file, 100) == b"inside"
    os.close(file)


@pytest.mark.parametrize("path", ["/", "/..", "/outside", "/up", "/up/", "/etc/..", "/outside/../..", "", "."])
def test_what_leads_to_the_top_leads_to_the_root(path: str, below: rooted.Below, place: Path) -> None:
    if path:
        assert below.status(path.encode(), True).st_ino == place.stat().st_ino
        assert {entry.name for entry in below.listing(path.encode())} == {os.fsencode(name) for name in os.listdir(place)}


@pytest.mark.parametrize(
    ("path", "number"),
    [
        ("/secret", errno.ENOENT),
        ("/../secret", errno.ENOENT),
        ("/up/secret", errno.ENOENT),
        ("/nowhere", errno.ENOENT),
        ("/round", errno.ELOOP),
        ("/a/x", errno.ELOOP),
        ("/etc/inside/", errno.ENOTDIR),
        ("/etc/inside/..", errno.ENOTDIR),
        ("/etc/inside/x", errno.ENOTDIR),
        ("/file-as-directory", errno.ENOTDIR),
        ("/" + "x" * 256, errno.ENAMETOOLONG),
    ],
)
def test_what_is_not_there_is_refused_as_the_kernel_does(path: str, number: int, below: rooted.Below) -> None:
    with pytest.raises(OSError) as refused:
        below.status(path.encode(), True)
    assert refused.value.errno == number


def test_a_link_itself_is_told(below: rooted.Below, place: Path) -> None:
    for name, target in LINKS.items():
        assert below.target(b"/" + name.encode()) == target.encode()
        assert below.status(b"/" + name.encode(), False).st_ino == (place / name).lstat().st_ino
    assert below.status(b"/outside/", False).st_ino == place.stat().st_ino


def test_no_path_has_a_nul(below: rooted.Below) -> None:
    with pytest.raises(ValueError, match="null byte"):
        below.status(b"/etc/inside\0", True)


def test_the_walk_leads_where_the_kernel_leads(tmp_path: Path) -> None:
    chance = random.Random(11)
    names = ["a", "b", "c", "d"]
    directories = [""]
    for _ in range(12):
        parent = chance.choice(directories)
        new = f"{parent}/{chance.choice(names)}"
        if not (tmp_path / new[1:]).exists():
            (tmp_path / new[1:]).mkdir()
            directories.append(new)

    def some_path() -> str:
        parts = chance.choices([*names, *names, "..", ".", "", "f", "l1", "l2"], k=chance.randrange(1, 6))
        return chance.choice(["", "/"]) + "/".join(parts) or "."

    for directory in directories:
        (tmp_path / directory[1:] / "f").write_text("x")
        for name in ("l1", "l2"):
            (tmp_path / directory[1:] / name).symlink_to(some_path())
    kernel, walked = rooted.directory(str(tmp_path)), rooted.directory(str(tmp_path))
    walked._openat2 = False

    def look(root: rooted.Below, path: bytes, follow: bool) -> Any:
        try:
            return root.status(path, follow).st_ino
        except OSError as error:
            return error.errno

    seen = set()
    for _ in range(5000):
        path, follow = b"/" + some_path().encode(), chance.random() < 0.5
        found = look(kernel, path, follow)
        assert look(walked, path, follow) == found, (path, follow)
        seen.add(found)
    assert kernel._openat2
    assert len(seen) > 10
    kernel.close()
    walked.close()


def test_an_engine_with_a_root_of_its_own_does_not_look_outside(fake: FakeRoot, engine: Engine) -> None:
    for name, target in LINKS.items():
        (fake.path / name).parent.mkdir(exist_ok=True)
        (fake.path / name).symlink_to(target)
    fake.write("etc/inside", "inside")
    assert own(engine, "SELECT size FROM file WHERE path = '/up/etc/absolute'") == [(6,)]
    assert own(engine, "SELECT count(*) FROM file WHERE path = ?", str(fake.path)) == [(0,)]
    outside = own(engine, "SELECT path FROM file WHERE directory = '/outside' ORDER BY 1")
    assert [row[0] for row in outside] == sorted(f"/outside/{name}" for name in os.listdir(fake.path))
    everything = own(engine, "SELECT count(*) FROM file WHERE path LIKE '/%%'")
    assert everything == [(sum(len(folders) + len(files) for _, folders, files in os.walk(fake.path)),)]


def test_a_copy_of_a_proc_has_roots_below_the_root_that_is_looked_at(fake: FakeRoot, engine: Engine) -> None:
    fake.process(42)
    inside = fake.process(43)
    (inside / "root").unlink()
    (inside / "root").symlink_to("/var/container")
    fake.write("var/container/etc/inside", "container")
    fake.write("etc/inside", "machine")
    ask = "SELECT pid_with_namespace, size FROM file WHERE path = '/etc/inside' AND pid_with_namespace IN (0, 42, 43, 44)"
    assert own(engine, ask) == [(0, 7), (42, 7), (43, 9)]
    assert engine.refusals == []


CHROOTED = """
os.chroot({place!r})
os.chdir('/')
tell(os.getpid())
"""


@pytest.mark.root
def test_a_container_is_looked_at_through_its_root(place: Path, child: Callable[..., Child]) -> None:
    chrooted = child(CHROOTED.format(place=str(place)))
    for engine in (Engine(), Engine(root="/proc/self/root")):
        for path in ("/etc/inside", "/outside/etc/inside", "/up/etc/inside", "/etc/absolute"):
            ask = "SELECT path, pid_with_namespace, size, inode FROM file WHERE path = ? AND pid_with_namespace = ?"
            expected = [(path, chrooted.pid, 6, (place / "etc/inside").stat().st_ino)]
            assert own(engine, ask, path, chrooted.pid) == expected
        hashed = "SELECT md5 FROM hash WHERE path = '/etc/to-link' AND pid_with_namespace = ?"
        assert own(engine, hashed, chrooted.pid) == own(engine, "SELECT md5 FROM hash WHERE path = ?", f"{place}/etc/inside")
        assert own(engine, "SELECT path FROM file WHERE path = '/bin/sh' AND pid_with_namespace = ?", chrooted.pid) == []
        listed = own(engine, "SELECT filename FROM file WHERE directory = '/up' AND pid_with_namespace = ?", chrooted.pid)
        assert {row[0] for row in listed} == set(os.listdir(place))
        everything = "SELECT count(*) FROM file WHERE path LIKE '/%%' AND pid_with_namespace = ?"
        assert own(engine, everything, chrooted.pid) == [(len(LINKS) + 3,)]
        namespace = own(engine, "SELECT mount_namespace_id FROM file WHERE path = '/' AND pid_with_namespace = ?", chrooted.pid)
        assert namespace == [(str(os.stat("/proc/self/ns/mnt").st_ino),)]
        assert engine.refusals == []


@pytest.mark.root
def test_a_mount_of_another_namespace_is_seen(tmp_path: Path, child: Callable[..., Child]) -> None:
    code = f"""
import ctypes
unshare(0x20000)
libc = ctypes.CDLL(None)
libc.mount(b'none', b'/', None, 0x44000, None)
if libc.mount(b'tmpfs', {os.fsencode(tmp_path)!r}, b'tmpfs', 0, None): cannot('a mount is not permitted')
open({str(tmp_path / "mounted")!r}, 'w').write('seen')
tell(os.stat('/proc/self/ns/mnt').st_ino)
"""
    other = child(code)
    engine = Engine()
    ask = "SELECT size, mount_namespace_id FROM file WHERE directory = ? AND pid_with_namespace = ?"
    assert own(engine, ask, str(tmp_path), other.pid) == [(4, str(other.told))]
    assert own(engine, "SELECT path FROM file WHERE directory = ?", str(tmp_path)) == []
    assert own(engine, "SELECT mount_namespace_id FROM file WHERE path = '/'") == [(None,)]


def test_every_process_with_its_own_executable(live: Engine, child: Callable[..., Child]) -> None:
    mine = child("tell(1)").pid
    ask = """
        SELECT f.inode, f.path = p.path FROM processes p JOIN file f ON f.path = p.path AND f.pid_with_namespace = p.pid
        WHERE p.pid IN (?, ?)
    """
    assert own(live, ask, mine, os.getpid()) == [(os.stat(sys.executable).st_ino, 1)] * 2
    both = (
        "SELECT count(*), count(DISTINCT sha256) FROM processes p JOIN hash h ON (h.path, pid_with_namespace) = (p.path, p.pid)"
    )
    with live.snapshot() as system:
        [(rows, digests)] = own(live, f"{both} WHERE p.pid IN (?, ?)", mine, os.getpid())
        assert (rows, digests, system.reads["hash"]) == (2, 1, 1)


def test_a_process_that_is_not_there_has_no_files_and_is_no_error(live: Engine) -> None:
    for pid in (-1, 1 << 22, 1 << 40):
        assert own(live, "SELECT path FROM file WHERE path = '/' AND pid_with_namespace = ?", pid) == []
    assert live.refusals == []


@pytest.mark.root
def test_a_root_that_may_not_be_entered_is_counted_for_its_process(child: Callable[..., Child]) -> None:
    pid = child("tell(1)").pid

    def look() -> Any:
        engine = Engine()
        rows = own(engine, "SELECT path FROM file WHERE path IN ('/', '/etc') AND pid_with_namespace = ?", pid)
        return rows, [(refusal.source, refusal.pid, refusal.times) for refusal in engine.refusals]

    assert as_nobody(look, lambda: registry.table("file")) == [[], [["/proc/PID/root", pid, 1]]]


def test_many_roots_leave_no_descriptor_open(live: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_search, "ROOTS", 2)
    before = os.listdir("/proc/self/fd")
    ask = "SELECT count(*) AS n FROM processes p JOIN file f ON f.path IN ('/', '/etc') AND f.pid_with_namespace = p.pid"
    [row] = live.query(ask)
    assert row["n"] >= 2
    assert os.listdir("/proc/self/fd") == before


# A filter that answers openat2 (437) with an error, as container runtimes have it that are older than the call:
# load the number; if it is 437 return the error, else allow (linux/seccomp.h, linux/filter.h).
FILTERED = """
import ctypes, struct
rules = [(0x20, 0, 0, 0), (0x15, 0, 1, 437), (0x06, 0, 0, 0x50000 | {number}), (0x06, 0, 0, 0x7FFF0000)]
code = ctypes.create_string_buffer(b''.join(struct.pack('HBBI', *rule) for rule in rules))
program = ctypes.create_string_buffer(struct.pack('HxxxxxxQ', len(rules), ctypes.addressof(code)))
libc = ctypes.CDLL(None)
if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, program): cannot('a filter of system calls is not permitted')
from sqlports import Engine
engine = Engine(root={place!r}, backend='linux')
ask = "SELECT path, size FROM file WHERE path IN ('/up/etc/absolute', '/secret') OR path LIKE '/outside/etc/i%'"
tell([engine.query(ask), [str(refusal) for refusal in engine.refusals]])
"""


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.EPERM])
def test_without_openat2_the_same_is_found(number: int, place: Path, child: Callable[..., Child]) -> None:
    (place / "proc").mkdir()
    found, refused = child(FILTERED.format(number=number, place=str(place))).told
    assert sorted((row["path"], row["size"]) for row in found) == [("/outside/etc/inside", 6), ("/up/etc/absolute", 6)]
    assert refused == []

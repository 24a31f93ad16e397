"""file: what is found by path, directory and pattern, whatever the names; and what is told of it."""

from __future__ import annotations

import hashlib
import os
import random
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

from sqlports import Engine, QueryError, QueryTimeout, registry
from sqlports.sources import patterns
from sqlports.sources.refusals import PERMISSION

from .conftest import FakeRoot, as_nobody, own, reads

pytestmark = pytest.mark.linux


@pytest.fixture
def tmp_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Without an underscore, which in a pattern is any character: a neighbour would be found too."""
    return tmp_path_factory.mktemp("files")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Two levels of directories, files with and without a dot, and links of every kind."""
    for name in ("a.txt", "b.txt", ".hidden", "d/c.txt", "d/e/f.txt", "d/e/g", "other/h.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (tmp_path / "to-file").symlink_to("a.txt")
    (tmp_path / "to-dir").symlink_to("d")
    (tmp_path / "to-nothing").symlink_to("nowhere")
    (tmp_path / "d" / "loop").symlink_to("..")
    (tmp_path / "round").symlink_to("round")
    return tmp_path


def paths(engine: Engine, where: str, *parameters: Any, column: str = "path") -> list[str]:
    return sorted(row[0] for row in own(engine, f"SELECT {column} FROM file WHERE {where}", *parameters))


def below(tree: Path, *names: str) -> list[str]:
    return sorted(f"{tree}/{name}" for name in names)


TOP = (".hidden", "a.txt", "b.txt", "d", "other", "round", "to-dir", "to-file", "to-nothing")
ALL = (*TOP, "d/c.txt", "d/e", "d/e/f.txt", "d/e/g", "d/loop", "other/h.txt")


def test_a_file_is_told_as_stat_tells_it(tree: Path, live: Engine) -> None:
    path = tree / "a.txt"
    path.chmod(0o4751)
    os.utime(path, (1000, 2000))
    [row] = live.query("SELECT *, pid_with_namespace, mount_namespace_id FROM file WHERE path = ?", (str(path),))
    status = path.stat()
    row.pop("btime")
    assert row == {
        "path": str(path),
        "directory": str(tree),
        "filename": "a.txt",
        "inode": status.st_ino,
        "uid": os.geteuid(),
        "gid": status.st_gid,
        "mode": "4751",
        "device": 0,
        "size": 5,
        "block_size": status.st_blksize,
        "atime": 1000,
        "mtime": 2000,
        "ctime": int(status.st_ctime),
        "hard_links": 1,
        "symlink": 0,
        "type": "regular",
        "symlink_target_path": None,
        "pid_with_namespace": 0,
        "mount_namespace_id": None,
    }


def test_the_birth_of_a_file_is_what_stat_1_says(tree: Path, live: Engine) -> None:
    for name in ("a.txt", "to-file", "to-nothing", "d"):
        follow = [] if name == "to-nothing" else ["-L"]
        said = subprocess.run(["stat", *follow, "-c%W", tree / name], capture_output=True, check=True)
        [[told]] = own(live, "SELECT btime FROM file WHERE path = ?", f"{tree}/{name}")
        assert told == (int(said.stdout) or None)


def test_a_link_shows_what_it_leads_to_and_that_it_is_one(tree: Path, live: Engine) -> None:
    ask = "SELECT symlink, type, symlink_target_path, size FROM file WHERE path = ?"
    assert own(live, ask, f"{tree}/to-file") == [(1, "regular", "a.txt", 5)]
    assert own(live, ask, f"{tree}/to-dir")[0][:3] == (1, "directory", "d")
    assert own(live, ask, f"{tree}/to-nothing") == [(1, "symlink", "nowhere", 7)]
    assert own(live, ask, f"{tree}/round") == [(1, "symlink", "round", 5)]
    assert own(live, ask, f"{tree}/to-dir/c.txt") == [(0, "regular", None, 7)]


def test_every_type_has_its_word(tree: Path, live: Engine) -> None:
    os.mkfifo(tree / "fifo")
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(tree / "socket"))
    found = own(live, "SELECT filename, type FROM file WHERE directory = ? AND filename IN ('fifo', 'socket')", str(tree))
    assert sorted(found) == [("fifo", "fifo"), ("socket", "socket")]
    assert own(live, "SELECT type, device FROM file WHERE path = '/dev/null'") == [("character", os.makedev(1, 3))]
    server.close()


@pytest.mark.parametrize(
    ("path", "directory", "filename"),
    [
        ("/", "", "/"),
        ("/etc", "/", "etc"),
        ("/etc/", "/etc", "."),
        ("//etc//passwd", "//etc", "passwd"),
        ("/etc/../etc/./passwd", "/etc/../etc/.", "passwd"),
    ],
)
def test_a_path_is_shown_as_it_was_asked_for(path: str, directory: str, filename: str, live: Engine) -> None:
    assert own(live, "SELECT path, directory, filename FROM file WHERE path = ?", path) == [(path, directory, filename)]


@pytest.mark.parametrize(
    "path",
    ["", "etc/passwd", ".", "/etc/passwd/", "/nope", "/etc/passwd/x", "/\0", "/etc\0", "/" + "x" * 256, "/etc/" * 2000 + "x"],
)
def test_what_is_no_file_has_no_row_and_is_no_error(path: str, live: Engine) -> None:
    assert paths(live, "path = ?", path) == []
    assert paths(live, "directory = ?", path) == []
    assert live.refusals == []


def test_one_percent_is_one_level_and_two_are_all(tree: Path, live: Engine) -> None:
    assert paths(live, "path LIKE ?", f"{tree}/%") == below(tree, *TOP)
    assert paths(live, "path LIKE ?", f"{tree}/%%") == below(tree, *ALL)
    assert paths(live, "path LIKE ?", f"{tree}/d%%") == below(tree, *(name for name in ALL if name.startswith("d")))
    assert paths(live, "path LIKE ?", f"{tree}/%%%") == below(tree, *ALL)
    assert paths(live, f"path LIKE '{tree}/%%'") == below(tree, *ALL)


def test_inside_a_component_a_percent_is_that_component_only(tree: Path, live: Engine) -> None:
    assert paths(live, "path LIKE ?", f"{tree}/%.txt") == below(tree, "a.txt", "b.txt")
    assert paths(live, "path LIKE ?", f"{tree}/%%.txt") == below(tree, "a.txt", "b.txt")
    assert paths(live, "path LIKE ?", f"{tree}/%/%.txt") == below(tree, "d/c.txt", "other/h.txt", "to-dir/c.txt")
    assert paths(live, "path LIKE ?", f"{tree}/%/e/%") == below(tree, "d/e/f.txt", "d/e/g", "to-dir/e/f.txt", "to-dir/e/g")
    assert paths(live, "path LIKE ?", f"{tree}/_.txt") == below(tree, "a.txt", "b.txt")
    assert paths(live, "path LIKE ?", f"{tree}/a.txt") == below(tree, "a.txt")
    assert paths(live, "path LIKE ?", f"{tree}/a.tx") == []
    assert paths(live, "path LIKE ?", f"{tree}/nope/%") == []


def test_slashes_of_a_pattern_are_kept(tree: Path, live: Engine) -> None:
    assert paths(live, "path LIKE ?", f"{tree}//%.txt") == [f"{tree}//a.txt", f"{tree}//b.txt"]
    assert paths(live, "path LIKE ?", f"{tree}/%/") == [f"{tree}/{name}/" for name in ("d", "other", "to-dir")]
    assert paths(live, "path LIKE ?", f"{tree}/%%/") == [f"{tree}/{name}/" for name in ("d", "d/e", "other")]
    assert paths(live, "path LIKE ?", f"{tree}/d/../%.txt") == [f"{tree}/d/../a.txt", f"{tree}/d/../b.txt"]


def test_a_directory_is_listed_as_it_was_asked_for(tree: Path, live: Engine) -> None:
    assert paths(live, "directory = ?", str(tree)) == below(tree, *TOP)
    assert paths(live, "directory = ?", f"{tree}/to-dir") == below(tree, "to-dir/c.txt", "to-dir/e", "to-dir/loop")
    found = own(live, "SELECT path, directory, filename FROM file WHERE directory = ?", f"{tree}/other/")
    assert found == [(f"{tree}/other/h.txt", f"{tree}/other/", "h.txt")]


def test_directories_of_a_pattern_are_listed(tree: Path, live: Engine) -> None:
    assert paths(live, "directory LIKE ?", f"{tree}/%") == below(
        tree, "d/c.txt", "d/e", "d/loop", "other/h.txt", "to-dir/c.txt", "to-dir/e", "to-dir/loop"
    )
    assert paths(live, "directory LIKE ?", f"{tree}/%%") == below(tree, *(name for name in ALL if name.count("/")))


def test_glob_finds_what_like_finds_and_sets(tree: Path, live: Engine) -> None:
    assert paths(live, "path GLOB ?", f"{tree}/[ab].t?t") == below(tree, "a.txt", "b.txt")
    assert paths(live, "path GLOB ?", f"{tree}/[^a].txt") == below(tree, "b.txt")
    assert paths(live, "path GLOB ?", f"{tree}/**") == below(tree, *ALL)
    assert paths(live, "path GLOB ?", f"{tree}/[]") == []


def test_a_pattern_that_is_no_path_is_told(live: Engine) -> None:
    assert paths(live, "path LIKE '%passwd'") == []
    assert [refusal.reason for refusal in live.refusals] == ["a pattern of paths begins with /"]
    for nothing in (None, 7, 1.5, "", b"\xff"):
        assert paths(live, "path LIKE ?", nothing) == []


def test_equality_goes_before_a_pattern_and_several_patterns_all_hold(tree: Path, live: Engine) -> None:
    with live.snapshot() as system:
        assert paths(live, "path LIKE ? AND path = ?", f"{tree}/%", f"{tree}/a.txt") == below(tree, "a.txt")
        assert paths(live, "path = ? AND path LIKE ?", f"{tree}/a.txt", "/etc/%") == []
        assert "directory" not in system.reads
    assert paths(live, "path LIKE ? AND path LIKE ?", f"{tree}/%", "%.txt") == below(tree, "a.txt", "b.txt")
    assert paths(live, "path LIKE ? AND path LIKE ?", "%.txt", f"{tree}/%") == below(tree, "a.txt", "b.txt")
    assert paths(live, "path LIKE ? AND directory LIKE ?", "%.txt", f"{tree}/othe_") == below(tree, "other/h.txt")
    assert paths(live, "directory = ? AND path LIKE ?", str(tree), "%/b%") == below(tree, "b.txt")
    assert paths(live, "directory = ? AND path NOT LIKE ?", str(tree), "%t%") == []
    assert paths(live, "directory = ? AND path NOT LIKE ?", f"{tree}/d/e", "%.txt") == below(tree, "d/e/g")


def test_either_of_two_searches_finds_each_file_once(tree: Path, live: Engine) -> None:
    found = paths(live, "path = ?1 || '/a.txt' OR path LIKE ?1 || '/%.txt' OR directory = ?1 || '/other'", str(tree))
    assert found == below(tree, "a.txt", "b.txt", "other/h.txt")
    assert paths(live, "path = ?1 || '/a.txt' OR path = ?1 || '/b.txt'", str(tree)) == below(tree, "a.txt", "b.txt")


def test_lists_and_queries_of_paths(tree: Path, live: Engine) -> None:
    a, b = below(tree, "a.txt", "b.txt")
    assert paths(live, "path IN (?, ?, NULL, 7, '/nope')", a, b) == [a, b]
    assert paths(live, "path IN ()") == []
    assert paths(live, "path IN (SELECT ? UNION SELECT ? UNION SELECT NULL)", a, b) == [a, b]
    assert paths(live, "path IN (SELECT 1 WHERE 0)") == []
    assert paths(live, "path IN (SELECT path FROM file WHERE path LIKE ?)", f"{tree}/%.txt") == [a, b]
    assert paths(live, "path IS ?", a) == [a]
    assert paths(live, "path = ? AND directory IN (SELECT ?)", a, str(tree)) == [a]
    assert paths(live, "path = ? COLLATE NOCASE", a) == [a]
    assert paths(live, "path = 7") == paths(live, "path = NULL") == paths(live, "path IS ?", None) == []
    assert paths(live, "0") == []


@pytest.mark.parametrize(
    "where",
    [
        "",
        "WHERE size > 3",
        "WHERE path = '/x' OR size > 3",
        "WHERE path IS NULL",
        "WHERE path LIKE '/x' ESCAPE '!'",
        "WHERE pid_with_namespace = 1",
    ],
)
@pytest.mark.parametrize("name", ["file", "hash"])
def test_without_a_path_or_a_directory_the_error_says_so(name: str, where: str, live: Engine) -> None:
    where = where.replace("size", "mount_namespace_id")
    with pytest.raises(QueryError, match=f"table {name} needs WHERE path = … or directory = …"):
        live.query(f"SELECT * FROM {name} {where}")


def test_joins_work_from_either_side(tree: Path, live: Engine) -> None:
    live.query("SELECT 1")
    wanted = "WITH wanted(p) AS (VALUES (?), (?), (NULL), ('/nope'))"
    values = below(tree, "a.txt", "b.txt")
    for join in ("wanted JOIN file ON path = p", "file JOIN wanted ON p = path", "wanted CROSS JOIN file ON path = p"):
        assert own(live, f"{wanted} SELECT p, size FROM {join} ORDER BY 1", *values) == [(value, 5) for value in values]
    left = own(live, f"{wanted} SELECT p, size FROM wanted LEFT JOIN file ON path = p", *values)
    assert sorted(left, key=str) == sorted([*((value, 5) for value in values), (None, None), ("/nope", None)], key=str)
    missing = own(live, f"{wanted} SELECT p FROM wanted LEFT JOIN file ON path = p WHERE path IS NULL", *values)
    assert sorted(missing, key=str) == [("/nope",), (None,)]
    # The value decides and the pattern filters, whichever table stands first.
    deep = f"{tree}/d/c.txt"
    for join in ("w JOIN file f ON f.path = w.p", "file f JOIN w ON f.path = w.p"):
        for column, like in (("path", f"{tree}/%"), ("directory", f"{tree}%")):
            ask = f"WITH w(p) AS (VALUES (?)) SELECT p FROM {join} WHERE f.{column} LIKE ?"
            assert own(live, ask, deep, like) == [(deep,)]
    both = "SELECT count(*) FROM file f JOIN hash h USING (path, pid_with_namespace) WHERE f.path LIKE ?"
    assert own(live, both, f"{tree}/%.txt") == [(2,)]
    pattern = "WITH d(p) AS (VALUES (?)) SELECT path FROM d JOIN file ON path LIKE p || '/%.txt'"
    assert sorted(own(live, pattern, str(tree))) == [(value,) for value in values]


def test_a_join_looks_at_each_path_once(fake: FakeRoot, engine: Engine) -> None:
    for pid in range(40, 90):
        fake.process(pid, exe="/bin/sh" if pid % 2 else "/bin/ls")
    fake.write("bin/sh", "sh")
    fake.write("bin/ls", "ls")
    read = reads(engine, "SELECT p.pid, f.size FROM processes p JOIN file f ON f.path = p.path")
    assert read["file"] == 2
    assert "directory" not in read
    read = reads(engine, "SELECT p.pid, f.size FROM processes p JOIN file f ON f.directory = '/bin'")
    assert (read["file"], read["directory"]) == (2, 1)
    read = reads(engine, "SELECT p.pid, f.size FROM processes p CROSS JOIN file f ON f.path LIKE '/bin/%' WHERE p.nice < 100")
    assert (read["file"], read["directory"]) == (2, 1)


def test_names_alone_cost_one_look_a_directory(tree: Path, live: Engine) -> None:
    assert reads(live, f"SELECT path FROM file WHERE path GLOB '{tree}/**'") == {"directory": 4}
    assert reads(live, f"SELECT path FROM file WHERE path = '{tree}/a.txt'") == {"file": 1}


HOSTILE = [
    b"new\nline",
    b"\x1b[31mred",
    b"100%",
    b"a_b",
    b"back\\slash",
    b"\\xff",
    b"\xff",
    b"mixed\\xfe\xfe",
    b"'\"",
    b" ",
    b"n" * 255,
    "ü€😀".encode(),
]


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("root", ["/", "/proc/self/root"])
def test_a_name_that_was_found_is_found_again(name: bytes, root: str, tmp_path: Path) -> None:
    engine = Engine(root=root)
    place = os.fsencode(tmp_path) + b"/" + name
    os.mkdir(place)
    with open(place + b"/" + name, "wb") as file:
        file.write(b"x" * 77)
    [[found]] = own(engine, "SELECT path FROM file WHERE directory = ?", str(tmp_path))
    [(inner, size)] = own(engine, "SELECT path, size FROM file WHERE directory = ?", found)
    assert size == 77
    assert own(engine, "SELECT path, directory, size FROM file WHERE path = ?", inner) == [(inner, found, 77)]
    assert own(
        engine, "SELECT b.path FROM file a JOIN file b ON b.directory = a.path WHERE a.directory = ?", str(tmp_path)
    ) == [(inner,)]
    assert paths(engine, "path LIKE ?", f"{tmp_path}/%%") == [found, inner]
    if b"%" not in name and b"_" not in name:
        assert paths(engine, "path LIKE ?", inner) == [inner]
    assert engine.refusals == []


def test_two_names_that_are_shown_alike_are_both_found(tmp_path: Path, live: Engine) -> None:
    for name, text in ((b"\\xff", b"decoy"), (b"\xff", b"the one")):
        with open(os.fsencode(tmp_path) + b"/" + name, "wb") as file:
            file.write(text)
    found = own(live, "SELECT size FROM file WHERE path = ?", f"{tmp_path}/\\xff")
    assert sorted(found) == [(5,), (7,)]
    either = "SELECT size FROM file WHERE path = ?1 || '/\\xff' OR path LIKE ?1 || '/_xff'"
    assert sorted(own(live, either, str(tmp_path))) == [(5,), (7,)]


def test_patterns_of_a_component_are_those_of_sqlite() -> None:
    chance = random.Random(3)
    connection = apsw.Connection(":memory:")
    connection.execute("PRAGMA case_sensitive_like = 1")
    for word, signs in (("LIKE", "ab%_.\n\\"), ("GLOB", "ab*?[]^-\\")):
        for _ in range(20_000):
            pattern = "".join(chance.choices(signs, k=chance.randrange(7)))
            name = "".join(chance.choices("ab^-]\n.\\", k=chance.randrange(1, 5)))
            [[expected]] = connection.execute(f"SELECT ? {word} ?", (name, pattern))
            parsed = patterns.parse("/" + pattern, word == "GLOB")
            assert parsed is not None
            [component] = parsed.components
            matches = component.matches.fullmatch(name) if component.matches else name == component.text
            assert bool(matches) == bool(expected), (name, word, pattern)


def test_a_hostile_name_does_not_make_a_pattern_slow(tmp_path: Path, live: Engine, endless: None) -> None:
    (tmp_path / ("a" * 250)).touch()
    assert own(live, "SELECT count(*) FROM file WHERE directory = ? AND 0", str(tmp_path)) == [(0,)]
    parsed = patterns.parse("/" + "%a" * 60 + "%b", False)
    assert parsed is not None
    assert parsed.components[0].matches is not None
    assert not parsed.components[0].matches.fullmatch("a" * 250)


def test_ten_thousand_files_are_found_and_one_of_them(tmp_path: Path, live: Engine) -> None:
    for number in range(10_000):
        (tmp_path / f"f{number}").touch()
    ask = "SELECT count(*), count(DISTINCT inode), sum(size) FROM file WHERE path LIKE ?"
    assert own(live, ask, f"{tmp_path}/%") == [(10_000, 10_000, 0)]
    assert own(live, ask, f"{tmp_path}/f777_") == [(10, 10, 0)]
    joined = "SELECT count(*) FROM file a JOIN file b ON b.path = a.path WHERE a.directory = ?"
    assert own(live, joined, str(tmp_path)) == [(10_000,)]


@pytest.fixture
def deep(tmp_path: Path) -> Iterator[Path]:
    """A thousand directories, one in the other, and a file in the last."""
    name = "level-" + "x" * 6
    directory = os.open(tmp_path, os.O_RDONLY)
    for _ in range(1000):
        os.mkdir(name, dir_fd=directory)
        deeper = os.open(name, os.O_RDONLY, dir_fd=directory)
        os.close(directory)
        directory = deeper
    file = os.open("end", os.O_CREAT | os.O_WRONLY, dir_fd=directory)
    os.write(file, b"deep")
    os.close(file)
    os.close(directory)
    yield tmp_path
    # Python would recurse.
    subprocess.run(["rm", "-rf", tmp_path / name], check=True)


@pytest.mark.parametrize("root", ["/", "/proc/self/root"])
def test_a_tree_of_a_thousand_levels_is_walked_though_its_paths_are_too_long(root: str, deep: Path) -> None:
    engine = Engine(root=root)
    ask = "SELECT path, length(path), size FROM file WHERE path LIKE ? AND type = 'regular'"
    [(path, length, size)] = own(engine, ask, f"{deep}/%%")
    assert (length, size) == (len(str(deep)) + 13 * 1000 + 4, 4)
    assert own(engine, "SELECT filename FROM file WHERE path = ?", path) == [("end",)]
    assert own(engine, "SELECT md5 FROM hash WHERE path = ?", path) == [(hashlib.md5(b"deep").hexdigest(),)]
    assert own(engine, "SELECT count(*) FROM file WHERE path = ?", path + "/x" * 3000) == [(0,)]
    assert engine.refusals == []


@pytest.mark.root
def test_what_may_not_be_read_is_counted_and_absent_or_null(tree: Path, live: Engine) -> None:
    tree.chmod(0o755)
    for above in tree.parents:
        if above.stat().st_uid == os.geteuid() and str(above).startswith("/tmp/"):
            above.chmod(0o755)
    (tree / "d").chmod(0o700)
    (tree / "other").chmod(0o704)

    def look() -> Any:
        engine = Engine()
        return [
            own(engine, "SELECT count(*) FROM file WHERE path LIKE ?", f"{tree}/%%"),
            [(refusal.source, refusal.reason, refusal.times) for refusal in engine.refusals],
            own(engine, "SELECT path FROM file WHERE path = ?", f"{tree}/d/c.txt"),
            [(refusal.source, refusal.reason, refusal.times) for refusal in engine.refusals],
            own(engine, "SELECT filename, size, type FROM file WHERE directory = ?", f"{tree}/other"),
            [(refusal.source, refusal.reason, refusal.times) for refusal in engine.refusals],
            own(engine, "SELECT count(*) FROM file WHERE directory = ?", f"{tree}/d"),
        ]

    one = [["files", PERMISSION, 1]]
    assert as_nobody(look, lambda: registry.table("file")) == [
        [[len(TOP) + 1]], one, [], one, [["h.txt", None, None]], one, [[0]],
    ]  # fmt: skip


@pytest.mark.root
def test_a_name_with_an_underscore_is_found_where_nothing_may_be_listed(tree: Path) -> None:
    (tree / "my_dir").mkdir()
    (tree / "my_dir" / "x").touch()
    for above in (tree, *tree.parents):
        if above.stat().st_uid == os.geteuid() and str(above).startswith("/tmp/"):
            above.chmod(0o711)
    found = as_nobody(
        lambda: own(Engine(), "SELECT path FROM file WHERE path LIKE ?", f"{tree}/my_dir/%"), lambda: registry.table("file")
    )
    assert found == [[f"{tree}/my_dir/x"]]


def test_a_walk_can_be_stopped(tree: Path, live: Engine) -> None:
    live.timeout = 0.0
    with pytest.raises(QueryTimeout):
        live.query("SELECT count(*) FROM file WHERE path LIKE '/proc/%%'")


def test_what_goes_while_it_is_looked_at_has_no_row(tree: Path, live: Engine) -> None:
    found = []
    for path, _ in next(live.run(f"SELECT path, size FROM file WHERE path LIKE '{tree}/%.txt'")):
        found.append(path)
        (tree / "b.txt").unlink(missing_ok=True)
    assert found == below(tree, "a.txt")
    assert live.refusals == []


def test_files_are_looked_for_below_the_root_of_the_engine(fake: FakeRoot, engine: Engine) -> None:
    fake.write("etc/only-here", "1")
    (fake.path / "etc" / "out").symlink_to("/etc/hostname-of-no-machine")
    (fake.path / "etc" / "in").symlink_to("/etc/only-here")
    assert own(engine, "SELECT path, size FROM file WHERE path = '/etc/only-here'") == [("/etc/only-here", 1)]
    ask = "SELECT path, type FROM file WHERE path LIKE '/etc/%n%' OR path LIKE '/etc/ou%'"
    assert sorted(own(engine, ask)) == [("/etc/in", "regular"), ("/etc/only-here", "regular"), ("/etc/out", "symlink")]


def test_the_portable_backend_has_files_and_no_roots_of_processes(tree: Path) -> None:
    engine = Engine(backend="portable")
    assert paths(engine, "path LIKE ?", f"{tree}/%%") == below(tree, *ALL)
    assert paths(engine, "path = ? AND pid_with_namespace = ?", f"{tree}/a.txt", os.getpid()) == []
    assert [refusal.source for refusal in engine.refusals] == ["pid_with_namespace"]


def test_a_root_that_is_not_there_is_told(tmp_path: Path) -> None:
    engine = Engine(root=str(tmp_path / "nowhere"))
    assert paths(engine, "path = '/'") == []
    assert [refusal.source for refusal in engine.refusals] == ["files"]


def test_columns_are_osquerys() -> None:
    shown = (
        "path directory filename inode uid gid mode device size block_size atime mtime ctime btime hard_links symlink type "
        "symlink_target_path"
    )
    hidden = (
        "attributes volume_serial file_id file_version product_version original_filename shortcut_target_path "
        "shortcut_target_type shortcut_target_location shortcut_start_in shortcut_run shortcut_comment bsd_flags "
        "pid_with_namespace mount_namespace_id"
    )
    columns = registry.table("file").columns
    assert [column.name for column in columns if not column.hidden] == shown.split()
    assert [column.name for column in columns if column.hidden] == hidden.split()


@pytest.mark.root
def test_a_link_to_where_one_may_not_look_is_not_called_broken(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir(mode=0o700)
    (kept / "secret").write_text("x")
    link = tmp_path / "link"
    link.symlink_to(kept / "secret")
    for directory in (tmp_path, *tmp_path.parents[:3]):
        directory.chmod(directory.stat().st_mode | 0o011)

    def look() -> Any:
        with Engine() as engine:
            files = own(engine, "SELECT symlink, type, size FROM file WHERE path = ?", os.fspath(link))
            told = own(engine, "SELECT source, reason, count FROM scan_errors")
            hashes = own(engine, "SELECT sha256 FROM hash WHERE path = ?", os.fspath(link))
            return [files, told, hashes, own(engine, "SELECT DISTINCT reason FROM scan_errors")]

    assert as_nobody(look, look) == [[[1, None, None]], [["files", "permission", 1]], [[None]], [["permission"]]]

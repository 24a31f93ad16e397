"""`sqlports registry`: the user's own copy of IANA's file wins, and whatever is wrong with one, nothing is lost."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from sqlports import Engine
from sqlports.errors import Error
from sqlports.ports import assigned, iana_csv, update
from sqlports.ports.iana_csv import Unusable
from tests.conftest import RUN, as_nobody, command

CSV = Path(__file__).parent / "registry" / "service-names-port-numbers.csv"
WHOLE = CSV.read_bytes()
HEAD = WHOLE.partition(b"\n")[0]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the user's data are kept: an empty directory."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def place(home: Path) -> Path:
    """Where the user's copy will be."""
    return home / "sqlports" / "registry.tsv"


def changed(*changes: tuple[bytes, bytes]) -> bytes:
    """IANA's file with some texts replaced, each of which is there once."""
    data = WHOLE
    for old, new in changes:
        assert data.count(old) == 1
        data = data.replace(old, new)
    return data


KEY = b"ssh,22,tcp,"
SSH = KEY + b"The Secure Shell (SSH) Protocol,"
OWN = changed((SSH, b"shell,22,tcp,Ours,,,,,,,,\nssh,22,tcp,The Secure Shell (SSH) Protocol,"))


def first_name(port: int) -> str | None:
    """What is told of a port now; a copy that cannot be used is a failure."""
    return assigned.load(lambda path, error: pytest.fail(f"{path}: {error}")).of(port)["tcp"][0].service


def written(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    return str(path)


def test_the_shipped_list_is_in_use_where_there_is_no_other(home: Path) -> None:
    done = command("registry")
    assert (done.returncode, done.stderr) == (0, "")
    [said] = json.loads(command("registry", "--json").stdout)
    assert said["origin"] == "shipped"
    assert said["path"] == assigned.LIST
    assert said["date"] >= "2026-09-17"
    assert said["names"] > said["ports"] > 6000
    assert "port-numbers" in said["sources"]
    assert str(said["names"]) in done.stdout


def test_the_copy_of_the_user_wins(home: Path, place: Path, tmp_path: Path) -> None:
    assert first_name(22) == "ssh"
    done = command("registry", "update", written(tmp_path / "iana.csv", OWN))
    assert (done.returncode, done.stderr) == (0, "")
    assert str(place) in done.stdout
    assert "added: 1 (22/tcp shell)" in done.stdout
    assert "gone: 0" in done.stdout
    assert first_name(22) == "shell"
    [said] = json.loads(command("registry", "--json").stdout)
    assert (said["origin"], said["path"]) == ("own copy", str(place))
    assert command("registry", "forget").returncode == 0
    assert not place.exists()
    assert first_name(22) == "ssh"


def test_an_update_says_what_was_renamed_and_what_is_gone(home: Path) -> None:
    telnet = next(line for line in WHOLE.split(b"\n") if line.startswith(b"telnet,23,tcp,"))
    data = changed((b"systat,11,tcp,", b"stat-sys,11,tcp,"), (telnet + b"\n", b""))
    done = command("registry", "update", "-", input=data.decode())
    assert (done.returncode, done.stderr) == (0, "")
    assert "renamed: 1 (11/tcp systat to stat-sys)" in done.stdout
    assert "gone: 1 (23/tcp telnet)" in done.stdout


def test_to_forget_a_copy_that_is_not_there_is_no_error(home: Path) -> None:
    done = command("registry", "forget")
    assert (done.returncode, done.stderr) == (0, "")
    assert "there is no copy" in done.stdout


@pytest.mark.parametrize("words", [["updat"], ["update"], ["update", ""], ["update", "a", "b"], ["forget", "it"], [""]])
def test_other_words_are_wrong_usage_which_is_told(home: Path, words: list[str]) -> None:
    done = command("registry", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert "update FILE.csv" in done.stderr
    assert "forget" in done.stderr


LINE_OF_SSH = WHOLE[: WHOLE.index(SSH)].count(b"\n") + 1
LAST = WHOLE.count(b"\n")
ROWS = WHOLE.split(b"\n")
LATE = WHOLE.index(b"bacnet,47808,tcp")

BAD = {
    "nothing": (b"", 1, "nothing in it"),
    "a page of HTML": (b"<!DOCTYPE html>\n<html><body>404</body></html>\n", 1, "not IANA's list"),
    "another CSV": (b"id,name\n1,x\n", 1, "not IANA's list"),
    "a header of other names": (b"Service Name,Port Number,Transport Protocol" + b",x" * 9 + b"\n", 1, "not IANA's list"),
    "a program": (Path(sys.executable).read_bytes()[:100_000], 1, "this is not"),
    "a zero byte": (changed((SSH, SSH + b"\0")), LINE_OF_SSH, "a byte is zero"),
    "bad UTF-8": (changed((SSH, SSH + b"\xff")), LINE_OF_SSH, "not UTF-8"),
    "Latin-1": (HEAD + b"\nx,9,tcp,FORT\xc9,,,,,,,,\n", 2, "not UTF-8"),
    "a short row": (changed((SSH, b"ssh,22\nssh,22,tcp,")), LINE_OF_SSH, "2 columns instead of 12"),
    "a long row": (changed((SSH, b",," + SSH)), LINE_OF_SSH, "14 columns instead of 12"),
    "no port": (changed((KEY, b"ssh,twenty-two,tcp,")), LINE_OF_SSH, "twenty-two is no port"),
    "a port too large": (changed((KEY, b"ssh,65536,tcp,")), LINE_OF_SSH, "65536 is no port"),
    "a range backwards": (changed((KEY, b"ssh,22-21,tcp,")), LINE_OF_SSH, "22-21 is no port"),
    "digits that are not ASCII": (changed((KEY, "ssh,٢٢,tcp,".encode())), LINE_OF_SSH, "is no port"),
    "another protocol": (changed((KEY, b"ssh,22,quic,")), LINE_OF_SSH, "quic is not among the protocols"),
    "a terminal's orders": (changed((KEY, b"ssh,22,\x1b[31m,")), LINE_OF_SSH, "\\x1b[31m is not among"),
    "a quote that is not closed": (changed((SSH, SSH + b'"')), LINE_OF_SSH, ""),
    "a file that ends in a quote": (
        HEAD + b'\nssh,22,tcp,Shell,,,,,,,,"first\nsecond\n',
        2,
        "the file ends within this record",
    ),
    "a file that ends in a line": (WHOLE[:-3], LAST, ""),
    "a file that ends early": (b"\n".join(ROWS[:2000]) + b"\n", 2000, "not the whole registry"),
    "a file that ends near its end": (WHOLE[:LATE], WHOLE[:LATE].count(b"\n"), "bacnet is not on 47808/tcp"),
    "a file without its last lines": (b"\n".join(ROWS[:-4]) + b"\n", LAST - 3, "inspider is not on 49150/tcp"),
    "a file without some in the middle": (
        b"\n".join(ROWS[:3000] + ROWS[4000:]),
        3001,
        "lines are missing before this one",
    ),
    "a header alone": (HEAD + b"\n", 1, "not the whole registry: 0 names"),
    "no ssh": (changed((SSH, b"secure-shell" + SSH[3:])), LAST, "ssh is not on 22/tcp"),
    "a field without end": (HEAD + b'\n"' + b"x" * 200_000 + b'",22,tcp,,,,,,,,,\n', 2, "field larger than field limit"),
    "more ports than there are": (HEAD + b"\n" + b"x,0-65535,,,,,,,,,,\n" * 20, 9, "so many ports"),
    "a port of many names": (
        WHOLE + b"".join(b"x%d,9,tcp,,,,,,,,,\n" % n for n in range(99)),
        LAST + 99,
        "9/tcp has 100 names",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_file_that_is_not_the_registry_is_refused_with_its_line_and_nothing_is_lost(
    name: str, home: Path, place: Path, tmp_path: Path
) -> None:
    update.update(written(tmp_path / "good.csv", OWN))
    before = place.read_bytes()
    data, line, why = BAD[name]
    with pytest.raises(Error) as refused:
        update.update(written(tmp_path / "bad.csv", data))
    assert f"bad.csv: line {line}: " in str(refused.value)
    assert why in str(refused.value)
    assert place.read_bytes() == before
    assert os.listdir(place.parent) == ["registry.tsv"]
    assert first_name(22) == "shell"


def test_a_refusal_exits_with_1_and_can_be_shown(home: Path, tmp_path: Path) -> None:
    done = command("registry", "update", written(tmp_path / "bad\x1b.csv", BAD["a terminal's orders"][0]))
    assert (done.returncode, done.stdout) == (1, "")
    assert f"line {LINE_OF_SSH}: " in done.stderr
    assert "\x1b" not in done.stderr
    assert command("registry", "update", str(tmp_path / "none.csv")).returncode == 1
    assert command("registry", "update", str(tmp_path)).returncode == 1


def test_what_has_no_end_is_refused(home: Path, tmp_path: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("needs pipes with names")
    os.mkfifo(tmp_path / "pipe")
    for path in (str(tmp_path / "pipe"), "/dev/zero"):
        done = command("registry", "update", path)
        assert (done.returncode, done.stdout) == (1, "")
        assert "not a file" in done.stderr
    with open("/dev/zero", "rb") as zeros:
        done = command("registry", "update", "-", stdin=zeros)
    assert done.returncode == 1
    assert "too large" in done.stderr


def test_a_file_larger_than_the_registry_can_be_is_refused_unread(home: Path, tmp_path: Path) -> None:
    with (tmp_path / "large.csv").open("wb") as file:
        file.write(HEAD + b"\n")
        file.truncate(1 << 40)
    with pytest.raises(Error, match="line 2: this is too large"):
        update.update(str(tmp_path / "large.csv"))


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbf" + WHOLE,
        WHOLE.replace(b"\n", b"\r\n"),
        WHOLE.replace(b"Unauthorized Use Reported", b"Known Unauthorized Uses", 1),
        WHOLE + b"a-name-for-srv,,tcp,No port,,,,,,,,\nanother,,,,,,,,,,,\n",
    ],
    ids=["a byte order mark", "lines as Windows ends them", "the column's former name", "names without a port"],
)
def test_the_registry_may_come_in_several_forms(data: bytes) -> None:
    def said(of: bytes) -> str:
        return iana_csv.listed(iana_csv.names(iana_csv.rows(of)), [])

    assert said(data) == said(WHOLE)


def test_what_the_file_says_cannot_break_the_list(home: Path, tmp_path: Path) -> None:
    hostile = 'a\tb\x1b[31m,22,tcp,"one\ttwo\r\nthree\u2028\u202e four\x85",,,,,,,,"x\n\ny"\n'.encode()
    update.update(written(tmp_path / "hostile.csv", changed((SSH, hostile + SSH))))
    entry = assigned.load(lambda path, error: pytest.fail(str(error))).of(22)["tcp"][0]
    assert entry.service == "a b\\x1b[31m"
    assert entry.description == "one two three \\u202e four"
    assert first_name(23) == "telnet"


def test_a_line_is_counted_as_an_editor_counts_it() -> None:
    data = HEAD + b'\nx,1,tcp,,,,,,,,,"two\nlines"\ny,2,tcp,,,,,,,,,\nz,3,nothing,,,,,,,,,\n'
    with pytest.raises(Unusable, match="line 5: nothing is not among"):
        list(iana_csv.rows(data))


def test_a_damaged_copy_is_told_and_passed_over(home: Path, place: Path, tmp_path: Path) -> None:
    update.update(written(tmp_path / "good.csv", OWN))
    good = place.read_bytes()
    assert first_name(22) == "shell"
    for bad in (good[:-1], good[:5000], good + b"x\n", good.replace(b"shell", b"sheel"), b"", b"\0" * 100, WHOLE):
        place.write_bytes(bad)
        told: list[str] = []
        used = assigned.load(lambda path, error, told=told: told.append(f"{path} {error}"))  # type: ignore[misc]
        assert used is assigned.shipped()
        assert len(told) == 1
        assert str(place) in told[0]
        assert "damaged" in told[0]
    done = command("registry")
    assert done.returncode == 0
    assert "damaged" in done.stderr
    assert assigned.LIST in done.stdout
    assert command("registry", "update", str(tmp_path / "good.csv")).returncode == 0
    assert first_name(22) == "shell"


def test_a_copy_that_is_no_file_is_told_and_passed_over(home: Path, place: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("needs pipes with names")
    place.parent.mkdir(parents=True)
    for make in (os.mkfifo, os.mkdir, lambda path: os.symlink("/dev/zero", path), lambda path: os.symlink(path, path)):
        make(place)
        told: list[Exception] = []
        assert assigned.load(lambda path, error, told=told: told.append(error)) is assigned.shipped()  # type: ignore[misc]
        assert len(told) == 1
        place.rmdir() if place.is_dir() and not place.is_symlink() else place.unlink()
    place.parent.rmdir()
    place.parent.write_bytes(b"a file where the directory should be")
    assert first_name(22) == "ssh"


@pytest.mark.linux
def test_a_directory_whose_name_is_no_text_is_told_as_one_that_can_be_shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    home = os.path.join(os.fsencode(tmp_path), b"\xff\x1b[31m")
    monkeypatch.setenv("XDG_DATA_HOME", os.fsdecode(home))
    os.makedirs(os.path.join(home, b"sqlports"))
    with open(os.path.join(home, b"sqlports", b"registry.tsv"), "wb") as file:
        file.write(b"damaged")
    with Engine() as engine, engine.snapshot():
        assert engine.query("SELECT service FROM port_registry WHERE port = 22 AND protocol = 'tcp'") == [{"service": "ssh"}]
        [refused] = engine.query("SELECT source FROM scan_errors WHERE source LIKE '%registry.tsv'")
    assert "\\xff\x1b" in refused["source"]
    done = command("registry", "update", str(CSV))
    assert done.returncode == 0
    assert "\x1b" not in done.stdout + done.stderr


def test_a_copy_is_read_again_when_it_has_changed_and_only_then(home: Path, place: Path, tmp_path: Path) -> None:
    update.update(written(tmp_path / "good.csv", OWN))
    used = assigned.load(lambda path, error: pytest.fail(str(error)))
    assert assigned.load(lambda path, error: pytest.fail(str(error))) is used
    update.update(str(CSV))
    assert first_name(22) == "ssh"


def test_a_copy_is_for_all_to_read_in_a_directory_of_its_owner_alone(home: Path, place: Path) -> None:
    home.mkdir()
    before = os.umask(0o077)
    try:
        update.update(str(CSV))
    finally:
        os.umask(before)
    assert stat.S_IMODE(place.stat().st_mode) == 0o644
    assert stat.S_IMODE(place.parent.stat().st_mode) == 0o700


@pytest.mark.linux
def test_a_copy_that_cannot_be_written_whole_leaves_the_one_before(home: Path, place: Path, tmp_path: Path) -> None:
    update.update(written(tmp_path / "good.csv", OWN))
    before = place.read_bytes()
    # The limit on the size of a file stops it in the middle of writing.
    code = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)); "
        "from sqlports.cli import main; main(['registry', 'update', sys.argv[1]])"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code, CSV], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"{place}: File too large" in done.stderr
    assert place.read_bytes() == before
    assert os.listdir(place.parent) == ["registry.tsv"]


@pytest.mark.root
def test_on_a_full_disk_the_copy_before_stays(home: Path, place: Path, tmp_path: Path) -> None:
    if not shutil.which("unshare"):
        pytest.skip("unshare is not installed")
    small = written(tmp_path / "good.csv", OWN)
    script = (
        'mkdir -p "$XDG_DATA_HOME" && mount -t tmpfs -o size=600k none "$XDG_DATA_HOME" || exit 77; '
        f'{" ".join(RUN)} registry update "$1" >/dev/null || exit 76; '
        f'{" ".join(RUN)} registry update "$2"; echo $?; ls -A "$XDG_DATA_HOME/sqlports"; {" ".join(RUN)} registry --csv'
    )
    within = ["unshare", "--mount", "sh", "-c", script, "sh", small, str(CSV)]
    done = subprocess.run(within, capture_output=True, text=True, check=False)
    if done.returncode == 77:
        pytest.skip("a file system cannot be mounted here")
    assert "No space left on device" in done.stderr
    status, listed, _, row = done.stdout.splitlines()
    assert (status, listed) == ("1", "registry.tsv")
    assert row.startswith("own copy,")


@pytest.mark.root
def test_who_may_not_write_there_is_told_and_who_may_not_read_gets_the_shipped_list(home: Path, place: Path) -> None:
    update.update(str(CSV))
    place.parent.chmod(0o700)

    def attempt() -> list[str]:
        told: list[str] = []
        assert assigned.load(lambda path, error: told.append(type(error).__name__)).origin == "IANA"
        try:
            update.update(str(CSV))
        except OSError as error:
            told.append(str(error.strerror))
        return told

    def prepare() -> None:
        assigned.shipped()
        assigned.own_copy()
        WHOLE.decode("utf-8-sig")
        iana_csv.names(iana_csv.rows(WHOLE))
        home.parent.chmod(0o755)

    told = as_nobody(attempt, prepare)
    assert told[0] == "PermissionError"
    assert "Permission denied" in told


@pytest.mark.root
def test_root_takes_no_copy_from_the_home_of_another(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / ".local").mkdir(parents=True)
    os.chown(home, 12345, 12345)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    assert assigned.own_copy() == os.path.expanduser("~root/.local/share/sqlports/registry.tsv")


def test_without_a_home_nothing_is_kept_and_the_shipped_list_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assigned, "own_copy", lambda: None)
    assert first_name(22) == "ssh"
    with pytest.raises(Error, match="no home directory"):
        update.update(str(CSV))


def test_a_list_that_is_older_than_the_one_before_is_told_so(home: Path, tmp_path: Path) -> None:
    rows = [row._replace(date="2014-05-01") for row in iana_csv.rows(WHOLE)]
    done = command("registry", "update", written(tmp_path / "old.csv", iana_csv.written(rows).encode()))
    assert "it is older than the list before: as of 2014-05-01, not 2026-09-17" in done.stdout
    assert "it is older" not in command("registry", "update", written(tmp_path / "new.csv", WHOLE)).stdout


@pytest.mark.parametrize("word", ["update", "forget"])
def test_what_changes_the_list_has_no_other_mode(home: Path, word: str) -> None:
    done = command("registry", word, *(["x.csv"] if word == "update" else []), "--json")
    assert done.returncode == 2
    assert f"what sqlports registry {word} does is told as text" in done.stderr

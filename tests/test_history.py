"""The prompt's history: private, whole, and never in the way."""

from __future__ import annotations

import os
import pwd
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from sqlports import own_files
from sqlports.shell.history import History, history_path
from tests.conftest import as_nobody

if sys.platform != "win32":
    from .terminal import Terminal
else:
    pytest.skip("needs pseudo-terminals", allow_module_level=True)


def test_history_keeps_inputs_as_they_were(tmp_path: Path) -> None:
    path = str(tmp_path / "a" / "b" / "history")
    inputs = ["SELECT 1;", "SELECT\n+2\n\n;", "+é∂", ".mode json", "SELECT '\n\n# no comment';"]
    for text in ("", *inputs[:3], inputs[2], *inputs[3:]):
        with closing(History(path)) as history:
            history.add(text)
    with closing(History(path)) as history:
        assert (history.entries, history.fault) == (inputs, None)


def test_history_is_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        History(str(tmp_path / "sqlports" / "history")).close()
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "sqlports" / "history").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "sqlports").stat().st_mode) == 0o700


def test_what_can_be_read_of_a_damaged_history_is_used(tmp_path: Path) -> None:
    file = tmp_path / "history"
    file.write_bytes(b"+good\n\nbad\n+x\0y\n\n+also\n+good\n")
    file.chmod(0o600)
    with closing(History(str(file))) as history:
        assert history.entries == ["good", "also\ngood"]
        assert "damaged" in (history.fault or "")


def test_of_a_large_history_the_end_is_read(tmp_path: Path) -> None:
    file = tmp_path / "history"
    file.write_text("".join(f"\n+SELECT {number};\n" for number in range(100_000)))
    file.chmod(0o600)
    with closing(History(str(file))) as history:
        assert history.fault is None
        assert 1000 < len(history.entries) < 100_000
        assert history.entries[-1] == "SELECT 99999;"


def test_a_full_disk_ends_history_and_nothing_else() -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("needs /dev/full")
    history = History("/dev/full")
    history.add("SELECT 1;")
    history.add("SELECT 2;")
    assert history.fault == "history is not kept: /dev/full: No space left on device"


def test_history_lies_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    assert history_path() == str(tmp_path / ".local/state/sqlports/history")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "elsewhere"))
    assert history_path() == str(tmp_path / "elsewhere/sqlports/history")


def test_a_history_that_was_open_to_others_is_closed_to_them_and_that_is_told(tmp_path: Path) -> None:
    file = tmp_path / "history"
    file.write_text("\n+SELECT 1;\n")
    file.chmod(0o644)
    with closing(History(str(file))) as history:
        assert history.fault == f"{file} was open to others: it is its owner's alone now"
        assert history.entries == ["SELECT 1;"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with closing(History(str(file))) as history:
        assert history.fault is None


def test_what_begins_with_a_space_or_is_no_query_but_data_is_not_kept(tmp_path: Path) -> None:
    file = tmp_path / "history"
    with closing(History(str(file))) as history:
        for text in (" SELECT 'secret';", "x" * 100_000, "\0", "   "):
            history.add(text)
        assert (history.entries, history.fault) == ([], None)
    assert file.read_bytes() == b""


@pytest.mark.parametrize("kind", ["pipe", "directory", "link in a circle", "below a file"])
def test_what_is_no_file_keeps_no_history_and_nobody_waiting(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "history"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "directory":
        path.mkdir()
    elif kind == "link in a circle":
        path.symlink_to("history")
    else:
        (tmp_path / "file").touch()
        path = tmp_path / "file" / "sqlports" / "history"
    with closing(History(str(path))) as history:
        history.add("SELECT 1;")
        assert (history.fault or "").startswith("history is not kept: ")
        assert kind != "pipe" or history.fault == f"history is not kept: {path}: it is no file"


def test_a_device_keeps_no_history_and_that_is_told_unless_it_is_for_that(tmp_path: Path) -> None:
    for device, told in (("/dev/zero", "it is no file"), ("/dev/null", "")):
        path = tmp_path / device.replace("/", "_")
        path.symlink_to(device)
        with closing(History(str(path))) as history:
            assert history.fault == (f"history is not kept: {path}: {told}" if told else None)
            assert history.entries == []


def test_prompts_at_once_lose_no_input_of_each_other_and_nor_of_a_deleted_file(tmp_path: Path) -> None:
    path = str(tmp_path / "history")
    with closing(History(path)) as one, closing(History(path)) as other:
        one.add("SELECT 1;")
        other.add("SELECT 2;")
        one.add("SELECT 3;")
        with closing(History(path)) as later:
            assert later.entries == ["SELECT 1;", "SELECT 2;", "SELECT 3;"]
        os.unlink(path)
        other.add("SELECT 4;")
        one.add("SELECT 5;")
    with closing(History(path)) as later:
        assert later.entries == ["SELECT 4;", "SELECT 5;"]


# A few thousand bytes instead of millions: what is held to be true does not depend on it.
SMALL = """
import sys
from sqlports.shell.history import History
History.READ, History.LARGEST = 4000, 16000
history = History(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
for number in range(10_000):
    history.add(f"SELECT {sys.argv[2]}, {number};")
    assert history.fault is None, history.fault
"""


def test_a_history_does_not_grow_without_end_though_prompts_add_at_once(tmp_path: Path) -> None:
    path = tmp_path / "history"
    arguments = [sys.executable, "-P", "-c", SMALL, str(path)]
    pipe = subprocess.PIPE
    writers = [subprocess.Popen([*arguments, str(number)], stdin=pipe, stdout=pipe, text=True) for number in range(3)]
    for writer in writers:
        assert writer.stdout
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin
        writer.stdin.write("\n")
        writer.stdin.flush()
    assert [(writer.communicate(timeout=120)[0], writer.returncode) for writer in writers] == [("", 0)] * 3
    assert path.stat().st_size <= 16000
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["history"]
    with closing(History(str(path))) as history:
        assert history.fault is None
        assert len(history.entries) > 100
        # What was typed last is there, and in its order: nothing was lost on the way.
        for number in range(3):
            own = [int(entry.split()[2].rstrip(";")) for entry in history.entries if entry.startswith(f"SELECT {number},")]
            assert own == list(range(10_000))[10_000 - len(own) :]


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory of the user nobody, which others may enter."""
    with tempfile.TemporaryDirectory() as name:
        os.chown(name, 65534, 65534)
        os.chmod(name, 0o755)
        yield Path(name)


@pytest.mark.root
def test_a_history_that_may_not_be_written_is_still_read(place: Path) -> None:
    file = place / "history"
    file.write_text("\n+SELECT 1;\n")
    file.chmod(0o400)
    os.chown(file, 65534, 65534)

    def look() -> tuple[list[str], str | None]:
        with closing(History(str(file))) as history:
            history.add("SELECT 2;")
            return history.entries, history.fault

    assert as_nobody(look) == [["SELECT 1;"], f"history is not kept: {file}: Permission denied"]


@pytest.mark.root
def test_a_history_that_belongs_to_another_is_not_used(tmp_path: Path) -> None:
    file = tmp_path / "history"
    file.write_text("\n+SELECT 1;\n")
    file.chmod(0o666)
    os.chown(file, 65534, 65534)
    with closing(History(str(file))) as history:
        history.add("SELECT 2;")
        assert history.fault == f"history is not kept: {file}: it belongs to another user"
        assert history.entries == []
    assert file.read_text() == "\n+SELECT 1;\n"


@pytest.fixture
def by_sudo(monkeypatch: pytest.MonkeyPatch, place: Path) -> Path:
    """What sudo leaves in root's environment when nobody has called it."""
    for name, value in {"SUDO_UID": "65534", "SUDO_GID": "65534", "SUDO_USER": "nobody"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XDG_STATE_HOME", str(place))
    return place


@pytest.mark.root
def test_under_sudo_history_is_of_who_called_it_and_theirs_alone(by_sudo: Path) -> None:
    file = by_sudo / "sqlports" / "history"
    with closing(History(history_path())) as history:
        history.add("SELECT 1;")
        assert history.fault is None
    for path, mode in ((file, 0o600), (file.parent, 0o700)):
        found = path.stat()
        assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (65534, 65534, mode)

    def later() -> list[str]:
        with closing(History(str(file))) as history:
            history.add("SELECT 2;")
            return history.entries

    assert as_nobody(later) == ["SELECT 1;", "SELECT 2;"]
    with closing(History(history_path())) as history:
        assert history.entries == ["SELECT 1;", "SELECT 2;"]


@pytest.mark.root
@pytest.mark.parametrize("home", ["/root", "/somewhere"])
def test_under_sudo_the_home_is_that_of_who_called_it_whatever_home_says(
    by_sudo: Path, home: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", home)
    assert history_path() == f"{pwd.getpwuid(65534).pw_dir}/.local/state/sqlports/history"


@pytest.mark.root
@pytest.mark.parametrize("name", ["history", "directory", "hard link"])
def test_under_sudo_no_link_leads_further_than_who_planted_it_could_go(by_sudo: Path, tmp_path: Path, name: str) -> None:
    secret = tmp_path / "history"
    secret.write_text("\n+password\n")
    tmp_path.chmod(0o700)
    secret.chmod(0o600)
    below = by_sudo / "sqlports"
    if name == "directory":
        below.symlink_to(tmp_path)
    else:
        below.mkdir()
        os.chown(below, 65534, 65534)
        if name == "history":
            (below / "history").symlink_to(secret)
        else:
            try:
                os.link(secret, below / "history")
            except OSError:
                pytest.skip("another file system")
    with closing(History(history_path())) as history:
        history.add("SELECT 1;")
        assert history.entries == []
        assert (history.fault or "").endswith("Permission denied")
    assert secret.read_text() == "\n+password\n"
    assert secret.stat().st_uid == 0


@pytest.mark.root
def test_under_sudo_a_history_is_cut_by_who_it_belongs_to(by_sudo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(History, "READ", 1000)
    monkeypatch.setattr(History, "LARGEST", 2000)
    with closing(History(history_path())) as history:
        for number in range(300):
            history.add(f"SELECT {number};")
        assert history.fault is None
    [file] = (by_sudo / "sqlports").iterdir()
    assert file.stat().st_uid == 65534
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.stat().st_size <= 2000


@pytest.mark.root
def test_the_prompt_under_sudo_leaves_nothing_of_roots_behind(by_sudo: Path, open_terminal: Callable[..., Terminal]) -> None:
    terminal = open_terminal(XDG_STATE_HOME=str(by_sudo))
    terminal.prompt()
    assert "77" in terminal.run("SELECT 77;")
    terminal.send("\x04")
    assert terminal.end() == 0
    found = [by_sudo, *by_sudo.rglob("*")]
    assert len(found) == 3
    assert {path.stat().st_uid for path in found} == {65534}
    assert "SELECT 77;" in (by_sudo / "sqlports" / "history").read_text()


@pytest.mark.root
@pytest.mark.parametrize("number", ["", "0", "-1", "nobody", "99999999999", "\uff11"])
def test_what_is_no_caller_of_sudo_changes_nothing(monkeypatch: pytest.MonkeyPatch, number: str) -> None:
    monkeypatch.setenv("SUDO_UID", number)
    monkeypatch.setenv("SUDO_GID", "65534")
    assert own_files.caller() is None


@pytest.mark.root
def test_a_private_file_is_written_whole_and_by_who_uses_this(by_sudo: Path) -> None:
    path = by_sudo / "a" / "b" / "query.sql"
    own_files.write_private(str(path), b"SELECT 1;")
    own_files.write_private(str(path), b"SELECT 2;")
    assert path.read_bytes() == b"SELECT 2;"
    assert {entry.stat().st_uid for entry in by_sudo.rglob("*")} == {65534}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    (by_sudo / "a").chmod(0o500)
    with pytest.raises(PermissionError):
        own_files.write_private("/root/query.sql", b"SELECT 3;")


@pytest.mark.root
def test_what_is_done_for_who_called_sudo_may_tell_much(by_sudo: Path) -> None:
    names = [f"{number:0200}" for number in range(2000)]
    assert own_files.as_user(lambda: (names, None)) == (names, None)
    assert own_files.as_user(lambda: (os.getresuid() + os.getresgid() + tuple(os.getgroups()), None))[0] == [65534] * 7


@pytest.mark.root
def test_root_follows_no_link_of_anothers_to_a_file_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (tmp_path / "etc").mkdir()
    (home / "sqlports").symlink_to(tmp_path / "etc")
    os.chown(home, 65534, 65534)
    monkeypatch.setenv("XDG_STATE_HOME", str(home))
    assert history_path() == os.path.expanduser("~root/.local/state/sqlports/history")


@pytest.mark.root
def test_root_writes_no_history_into_the_home_of_another(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / ".local").mkdir(parents=True)
    os.chown(home, 12345, 12345)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    assert history_path() == os.path.expanduser("~root/.local/state/sqlports/history")

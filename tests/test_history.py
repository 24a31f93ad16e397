"""The prompt's history: private, whole, and never in the way."""

from __future__ import annotations

import os
import stat
import sys
from contextlib import closing
from pathlib import Path

import pytest

from sqlports.shell.history import History, history_path

if sys.platform == "win32":
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
    with closing(History(str(file))) as history:
        assert history.entries == ["good", "also\ngood"]
        assert "damaged" in (history.fault or "")


def test_of_a_large_history_the_end_is_read(tmp_path: Path) -> None:
    file = tmp_path / "history"
    file.write_text("".join(f"\n+SELECT {number};\n" for number in range(100_000)))
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


@pytest.mark.root
def test_root_writes_no_history_into_the_home_of_another(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / ".local").mkdir(parents=True)
    os.chown(home, 12345, 12345)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    assert history_path() == os.path.expanduser("~root/.local/state/sqlports/history")

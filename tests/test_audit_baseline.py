"""Baselines: what is known, what is new, what is gone; and a file that is whole or as it was, whatever happens."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from sqlports import __version__
from sqlports.audit import audit, baseline
from sqlports.audit.audit import Audit
from sqlports.audit.outcome import Finding, Known, Outcome, Waiver

from .fire import PRIVATE, apart, done, library

WAIVER = Waiver("a", {}, "firewall", date(2027, 1, 31), "", "w.toml", 1)


def an_audit(name: str) -> Audit:
    made = audit.read("SELECT 1 AS n", name, f"{name}.sql").audit
    assert made
    return made


AUDITS = {name: an_audit(name) for name in ("a", "b", "c")}


def mark(name: object) -> str:
    return hashlib.sha256(str(name).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def finding(name: object, of: str = "a", waiver: Waiver | None = None, **key: Any) -> Finding:
    return Finding(AUDITS[of], key, key, mark(name), "high", f"{name} is there", str(name), waiver=waiver)


def outcome(of: str, *findings: Finding, verdict: str = "found", unseen: tuple[str, ...] = ()) -> Outcome:
    return Outcome(AUDITS[of], verdict, findings, unseen=unseen)


def known(name: object, of: str = "a", **key: Any) -> Known:
    return Known(of, mark(name), key, "high", f"{name} is there")


def names(path: Path) -> list[str]:
    """What a baseline knows, in few letters."""
    found, wrong = baseline.read(str(path))
    assert wrong == []
    return sorted(f"{one.audit} {one.message.split()[0]}" for one in found)


def faults(path: Path) -> list[tuple[int | None, str]]:
    found, wrong = baseline.read(str(path))
    assert found == []
    return [(fault.line, fault.message) for fault in wrong]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "base.json"


HOSTILE = {
    "bytes": b"\x00\xff",
    "none": b"",
    "large": 2**63 - 1,
    "larger": 2**63,
    "small": -(2**63),
    "null": None,
    "real": 0.1,
    "infinite": float("-inf"),
    "text": '\x1b[31m"\\\n\u2028\u202e\x00é',
    "half": "\udcff\ud800",
    "": "",
    "\n\udcff": 1,
}


def test_what_is_written_is_read_back_equal_whatever_is_in_it(path: Path) -> None:
    found = outcome("a", finding("x", **HOSTILE), finding("\udcff"))
    assert baseline.write(str(path), [found], host="\x1b\udcff", started=0) == 2
    back, wrong = baseline.read(str(path))
    assert wrong == []
    assert {one.fingerprint: one.key for one in back} == {mark("x"): HOSTILE, mark("\udcff"): {}}
    assert {type(value) for one in back for value in one.key.values()} == {bytes, int, type(None), float, str}
    data = path.read_bytes()
    assert data.isascii()
    assert all(byte >= 32 or byte == 10 for byte in data)
    assert all(state.state == "unchanged" for state in baseline.compare([found], back)[0].findings)


def test_a_baseline_has_a_line_a_finding_sorted_and_says_what_it_is(path: Path) -> None:
    every = [finding(n, of, port=n) for of in "ba" for n in range(9)]
    given = [outcome("b", *every[:9]), outcome("a", *every[9:])]
    baseline.write(str(path), given, host="web1", started=1_700_000_000.5)
    text = path.read_text()
    value = json.loads(text)
    findings = value.pop("findings")
    head = {"format": "sqlports baseline", "version": 1, "written": "2023-11-14T22:13:20Z", "host": "web1"}
    assert value == {**head, "sqlports": __version__}
    assert [(one["audit"], one["fingerprint"]) for one in findings] == sorted((f.audit.id, f.fingerprint) for f in every)
    assert set(findings[0]) == {"audit", "fingerprint", "key", "severity", "message"}
    assert sum(line.startswith('{"audit"') for line in text.splitlines()) == 18
    baseline.write(str(path), [outcome("a", *every[:8:-1]), outcome("b", *every[:9])], host="web1", started=1_700_000_000)
    assert path.read_text() == text


def test_a_baseline_of_nothing_is_one(path: Path) -> None:
    assert baseline.write(str(path), [outcome("a", verdict="clean")]) == 0
    assert names(path) == []


def test_what_is_waived_is_not_in_it(path: Path) -> None:
    for verdict, unseen in (("found", ()), ("found", ("one",))):
        given = outcome("a", finding("x"), finding("y", waiver=WAIVER), verdict=verdict, unseen=unseen)
        baseline.write(str(path), [given], [known("y")])
        assert names(path) == ["a x"]


@pytest.mark.parametrize(
    ("verdict", "unseen", "stays"),
    [
        ("clean", (), False),
        ("found", (), False),
        ("found", ("one",), True),
        ("degraded", ("one",), True),
        ("failed", (), True),
        ("timed out", (), True),
        ("skipped", (), True),
    ],
)
def test_what_was_not_found_is_gone_only_where_all_was_seen(
    verdict: str, unseen: tuple[str, ...], stays: bool, path: Path
) -> None:
    given = outcome("a", *([finding("x")] if verdict == "found" else []), verdict=verdict, unseen=unseen)
    [compared] = baseline.compare([given], [known("old"), known("old", "b")])
    assert compared.gone == (() if stays else (known("old"),))
    assert compared.verdict == verdict
    baseline.write(str(path), [given], [known("old"), known("old", "b")])
    assert names(path) == ["a old"] * stays + ["a x"] * (verdict == "found") + ["b old"]


def test_a_finding_is_known_by_its_audit_and_fingerprint() -> None:
    compared = baseline.compare(
        [outcome("a", finding("x"), finding("y"), finding("z", waiver=WAIVER)), outcome("b", finding("x", "b"))],
        [known("x", port=1), known("z"), known("y", "b")],
    )
    assert [[one.state for one in each.findings] for each in compared] == [["unchanged", "new", "unchanged"], ["new"]]
    assert [each.gone for each in compared] == [(), (known("y", "b"),)]


def test_fifty_thousand_findings_are_written_read_and_compared(path: Path) -> None:
    given = outcome("a", *(finding(n, port=n) for n in range(50_000)))
    assert baseline.write(str(path), [given]) == 50_000
    back, wrong = baseline.read(str(path))
    [compared] = baseline.compare([given], back[:-1])
    assert (len(back), wrong, len(compared.active), compared.gone) == (50_000, [], 1, ())
    path.write_text(path.read_text().replace('"severity": "high"', '"severity": "grave"'))
    told = faults(path)
    assert ([line for line, _ in told[:2]], told[-1]) == ([8, 9], (None, "49,980 more findings in it are wrong"))


HEAD = '{"format": "sqlports baseline", "version": 1, "findings": '
GOOD = json.dumps({"audit": "a", "fingerprint": mark("x"), "key": {}, "severity": "high", "message": "m"})


def without(name: str, **other: Any) -> str:
    value = {**json.loads(GOOD), **other}
    value.pop(name, None)
    return json.dumps(value)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("", None, "it is empty"),
        (" \n", None, "it is empty"),
        ("{\n x}", 2, "it is no JSON: expecting property name"),
        (f"{HEAD}[\n{GOOD},\n{GOOD[:50]}", 3, "it is no JSON, and may be cut off: unterminated string at column "),
        (f"{HEAD}[\n{GOOD},\n", 3, "it is no JSON, and may be cut off"),
        ("<<<<<<< HEAD\n{}", 1, "it is no JSON"),
        ("[" * 100_000, None, "it is beyond what can be read"),
        ("9" * 5000, None, "it is beyond what can be read"),
        ("[]", None, "it is no baseline"),
        ('{"format": "SARIF"}', None, "it is no baseline"),
        (HEAD.replace("1", "2") + "[]}", None, "it is of version 2, which a newer sqlports writes"),
        (HEAD.replace("1", '"1"') + "[]}", None, 'its "version" is no number'),
        (HEAD.replace("1", "true") + "[]}", None, 'its "version" is no number'),
        (HEAD + "{}}", None, 'its "findings" are no list'),
        (HEAD + "[\n5]}", 2, "a finding is an object"),
        (HEAD + f"[{GOOD},\n\n [[1, 2], {{}}]]}}", 3, "a finding is an object"),
        (HEAD + f"[\n{without('key')}]}}", 2, 'its "key" is no object'),
        (HEAD + f"[\n{without('audit')}]}}", 2, 'it has no "audit"'),
        (HEAD + f"[\n{without('', audit='')}]}}", 2, 'its "audit" is empty'),
        (HEAD + f"[\n{without('', message=5)}]}}", 2, 'its "message" is no text'),
        (HEAD + f"[\n{without('', fingerprint='X' * 32)}]}}", 2, "is not 32 hexadecimal digits"),
        (HEAD + f"[\n{without('', severity='grave')}]}}", 2, 'its "severity" is not one of info'),
        (HEAD + f"[\n{without('', key={'a': [1]})}]}}", 2, 'its "key" has a value'),
        (HEAD + f"[\n{without('', key={'a': True})}]}}", 2, 'its "key" has a value'),
        (HEAD + f"[\n{without('', key={'a': {'bytes': 'x'}})}]}}", 2, 'its "key" has a value'),
        (HEAD + f"[\n{without('', key={'a': {'float': None}})}]}}", 2, 'its "key" has a value'),
        (HEAD + f'[\n{GOOD},\n{GOOD}], "x": [{{}}, {{}}]}}', 3, "the same finding is in line 2"),
    ],
)
def test_what_is_no_baseline_is_told_with_its_line_and_nothing_of_it_is_known(
    text: str, line: int | None, said: str, path: Path
) -> None:
    path.write_text(text)
    [(where, message)] = faults(path)
    assert (where, said in message) == (line, True), message


def test_a_baseline_that_is_cut_off_anywhere_is_refused(path: Path) -> None:
    baseline.write(str(path), [outcome("a", finding("x", port=5432), finding("y"))])
    text = path.read_text().rstrip()
    for size in range(len(text)):
        path.write_text(text[:size])
        assert faults(path)


def test_all_that_is_wrong_in_a_baseline_is_told_in_one_go(path: Path) -> None:
    path.write_text(f'{HEAD}\n[ {{}},\n{GOOD}, 5,\n"}}],[", [\n1, 2],\n5], "x": [1,\n2]}}')
    assert [line for line, _ in faults(path)] == [2, 3, 4, 4, 6]


def test_a_baseline_that_cannot_be_read_is_a_fault(path: Path, tmp_path: Path) -> None:
    assert faults(path) == [(None, "No such file or directory")]
    assert faults(tmp_path) == [(None, "it is a directory")]
    path.write_bytes(b"{\n\xff}")
    assert faults(path) == [(2, "it is not UTF-8")]
    with path.open("wb") as file:
        file.truncate(baseline.LARGEST + 1)
    assert faults(path) == [(None, "it is larger than 134,217,728 bytes")]


def test_what_a_baseline_says_is_safe_to_show(path: Path) -> None:
    path.write_text(HEAD + "[" + without("", message="a\x1b[31m", audit="a\n") + "]}")
    [one] = baseline.read(str(path))[0]
    assert (one.message, one.audit) == ("a\\x1b[31m", "a\\n")


@pytest.mark.skipif(sys.platform == "win32", reason="needs permissions and links as POSIX has them")
def test_a_new_file_is_its_owners_alone_and_an_old_one_keeps_its_permissions_and_links(path: Path, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        baseline.write(str(path), [outcome("a", finding("x"))])
        assert path.stat().st_mode & 0o777 == 0o600
        path.chmod(0o664)
        link = tmp_path / "link"
        link.symlink_to("base.json")
        baseline.write(str(link), [outcome("a", finding("y"))])
    finally:
        os.umask(before)
    assert (link.is_symlink(), path.stat().st_mode & 0o777, names(path)) == (True, 0o664, ["a y"])
    assert sorted(os.listdir(tmp_path)) == ["base.json", "link"]


@pytest.mark.root
def test_a_file_stays_its_owners_when_root_writes_it(path: Path) -> None:
    path.write_text("")
    os.chown(path, 12345, 23456)
    baseline.write(str(path), [outcome("a", finding("x"))])
    assert (path.stat().st_uid, path.stat().st_gid) == (12345, 23456)


@pytest.mark.linux
def test_on_a_full_disk_the_old_baseline_stays() -> None:
    def act() -> Any:
        done(library().mount(b"none", b"/", None, PRIVATE, None))
        done(library().mount(b"tmpfs", b"/mnt", b"tmpfs", 0, b"size=64k"))
        path = Path("/mnt/base.json")
        baseline.write(str(path), [outcome("a", finding("x"))])
        try:
            baseline.write(str(path), [outcome("a", *(finding(n) for n in range(2000)))])
        except OSError as error:
            return error.strerror, error.filename, names(path), os.listdir("/mnt")
        return "it was written"

    assert apart(act) == ["No space left on device", "/mnt/base.json", ["a x"], ["base.json"]]


@pytest.mark.linux
def test_what_is_no_file_is_written_to_and_its_fault_is_told(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to("/dev/full")
    for name in (str(link), "/dev/full"):
        with pytest.raises(OSError, match="No space left on device"):
            baseline.write(name, [outcome("a", finding("x"))])
    with pytest.raises(OSError, match="Is a directory"):
        baseline.write(str(tmp_path), [])
    with pytest.raises(OSError, match="No such file or directory"):
        baseline.write(str(tmp_path / "none" / "base.json"), [])
    code = "from sqlports.audit import baseline; baseline.write('/dev/stdout', [])"
    with (tmp_path / "out").open("wb") as out:
        subprocess.run([sys.executable, "-P", "-c", f"print('head', flush=True); {code}"], stdout=out, check=True)
    assert (tmp_path / "out").read_text().startswith('head\n{\n"format": "sqlports baseline"')


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
@pytest.mark.parametrize("moment", ["fsync", "replace"])
def test_a_kill_in_the_middle_leaves_the_old_baseline(moment: str, path: Path) -> None:
    baseline.write(str(path), [outcome("a", finding("x"))])
    # The moment is chosen, the end is real.
    code = (
        "import os, sys, signal\n"
        "from sqlports.audit import baseline\n"
        f"os.{moment} = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        f"baseline.write({str(path)!r}, [])\n"
    )
    ended = subprocess.run([sys.executable, "-P", "-c", code], check=False, stderr=subprocess.PIPE)
    assert (ended.returncode, ended.stderr) == (-signal.SIGKILL, b"")
    assert names(path) == ["a x"]
    baseline.write(str(path), [outcome("a", finding("y"))])
    assert names(path) == ["a y"]

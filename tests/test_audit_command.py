"""`sqlports audit` as a user runs it: what is asked, what is written, and what its exit status says."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sqlports.commands.completion import candidates

from .conftest import ENDLESS, LINUX, RUN, UNSAFE, FakeRoot, command

if os.name == "posix":
    from .terminal import Terminal

FOUND = "-- title: Found\n-- severity: {}\n-- key: a\n-- message: it is {{a}}\nSELECT 'x' AS a, 7 AS pid\n"
CLEAN = "SELECT 1 AS a WHERE 0\n"
FAILED = "SELECT abs(-9223372036854775808) AS a\n"
NEVER = f"-- requires: root\n{CLEAN}"


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of audits, in which the command is run."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    made = tmp_path / "ours"
    made.mkdir()
    monkeypatch.chdir(made)
    return made


def put(**texts: str) -> None:
    for name, text in texts.items():
        Path(f"{name}.sql").write_text(text)


def run(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return command("audit", *arguments, **options)


def report(*arguments: str) -> Any:
    """The report as JSON, whatever the status."""
    done = run(*arguments, "--json")
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


def verdicts(told: Any) -> dict[str, str]:
    return {one["id"]: one["verdict"] for one in told["audits"]}


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Path]:
    """A file system that is full, with a file of some bytes in it."""
    where = tmp_path / "full"
    where.mkdir()
    if not LINUX or os.geteuid() != 0:
        pytest.skip("needs root, to mount a small file system")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(where)], check=False).returncode:
        pytest.skip("no file system can be mounted here")
    yield where
    subprocess.run(["umount", str(where)], check=True)


@pytest.mark.parametrize(
    ("files", "arguments", "status"),
    [
        ({"a": CLEAN}, (), 0),
        ({"a": FOUND.format("medium")}, (), 1),
        ({"a": FOUND.format("low")}, (), 0),
        ({"a": FOUND.format("low")}, ("--fail-on", "low"), 1),
        ({"a": FOUND.format("high")}, ("--fail-on", "critical"), 0),
        ({"a": FOUND.format("low")}, ("--fail-on", "info", "--severity", "medium"), 0),
        ({"a": FAILED}, (), 3),
        ({"a": ENDLESS}, ("--timeout", "0.2"), 4),
        ({"a": "SELEC"}, (), 2),
        ({"a": FOUND.format("high"), "b": ENDLESS}, ("--timeout", "0.2"), 4),
        ({"a": FOUND.format("high"), "b": ENDLESS, "c": FAILED}, ("--timeout", "0.2"), 3),
        ({"a": FOUND.format("high"), "b": ENDLESS, "c": FAILED, "d": "SELEC"}, ("--timeout", "0.2"), 2),
    ],
)
def test_the_status_tells_the_worst_that_happened(files: dict[str, str], arguments: tuple[str, ...], status: int) -> None:
    put(**files)
    done = run(".", *arguments)
    assert done.returncode == status
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("revers-shell",), "no audit or pack is called revers-shell: did you mean reverse-shell?"),
        (("./nowhere.sql", "--format", "xml"), "invalid choice"),
        ((".", "--format", "csv", "--json"), "--format csv and --json are two formats"),
        ((".", "--line"), "a report has no --line"),
        ((".", "--report", "x.doc"), "--report x.doc: its end tells the format"),
        ((".", "--tag", "netwrok"), "none of these audits has a tag netwrok: did you mean network?"),
        ((".", "--param", "prt=1"), "none of these audits has a parameter prt: did you mean port?"),
        ((".", "-p", "port=x"), "a: port takes an integer, and not 'x'"),
        ((".", "-p", "port=1", "-p", "port=2"), "--param port is given twice"),
        ((".", "--limit", "3"), "--limit is for SQL, and not for sqlports audit"),
        (("show",), "which one?"),
        (("list", "--strict"), "--strict is for a run of audits, and not for sqlports audit list"),
        (("show", "a.sql", "--format", "sarif"), "sqlports audit show has no format sarif"),
    ],
)
def test_wrong_usage_is_told_and_nothing_is_run(arguments: tuple[str, ...], said: str) -> None:
    put(a="-- tags: network\n-- param: port integer 1\nSELECT :port AS a")
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


@pytest.mark.parametrize("option", ["--strict", "--verbose", "--fail-on=low", "--severity=info", "--tag=a", "--baseline=b"])
def test_an_option_for_audits_is_refused_without_them(option: str) -> None:
    for arguments in ((option, "SELECT 1"), ("tables", option), ("run", "listening", option)):
        done = command(*arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert f"{option.partition('=')[0]} is for sqlports audit" in done.stderr


def test_all_faults_of_all_files_are_told_in_one_go_and_the_rest_is_run() -> None:
    put(
        a="-- severity: x\n-- key: pid\nSELECT 1",
        b="SELECT nothing FROM processes",
        c=FOUND.format("high"),
        d="-- id: c\nSELECT 1",
    )
    done = run(".", "--format", "csv")
    assert done.returncode == 2
    assert "finding,c,found,high" in done.stdout
    told = [line.removeprefix("sqlports: ") for line in done.stderr.splitlines()]
    assert sorted(line.split(": ")[0] for line in told) == ["./a.sql:1", "./a.sql:2", "./b.sql:1", "./d.sql:2"]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="needs an ordinary user")
def test_strict_fails_where_not_all_was_seen_as_an_ordinary_user() -> None:
    put(a=NEVER)
    assert (run(".").returncode, run(".", "--strict").returncode) == (0, 3)


@pytest.mark.linux
def test_strict_fails_where_not_all_was_seen(tmp_path: Path) -> None:
    fake = FakeRoot(tmp_path / "root")
    directory = fake.process(2)
    (directory / "exe").unlink()
    (directory / "fd").rmdir()
    (directory / "fd").symlink_to("fd")
    put(a="SELECT fd FROM handles WHERE fd = 99", b="SELECT name FROM processes WHERE name = 'x'")
    root = ("--root", str(fake.path))
    assert verdicts(report(".", *root)) == {"a": "degraded", "b": "clean"}
    assert run(".", *root).returncode == 0
    assert run(".", *root, "--strict").returncode == 3
    assert run("b.sql", *root, "--strict").returncode == 0


@pytest.mark.linux
def test_audits_look_at_the_system_of_another_root(tmp_path: Path) -> None:
    fake = FakeRoot(tmp_path / "root")
    fake.process(7, "\x1b[31mred\u202e", exe="/bin/x")
    put(a="-- message: {name} runs\nSELECT name, path FROM processes")
    done = run(".", "--root", str(fake.path), "--verbose")
    assert done.returncode == 1
    assert "\\x1b[31mred" in done.stdout
    for form in ("table", "json", "jsonl", "csv", "sarif", "junit", "github", "markdown", "html"):
        assert not UNSAFE.search(run(".", "--root", str(fake.path), "--format", form).stdout)


def test_tags_are_patterns() -> None:
    put(a="-- tags: attack.T1571\n" + CLEAN, b="-- tags: cis.4.8, Own\n" + CLEAN, c=CLEAN)
    assert set(verdicts(report(".", "--tag", "attack.*"))) == {"a"}
    assert set(verdicts(report(".", "--tag", "ATTACK.t1571", "--tag", "own"))) == {"a", "b"}


def test_parameters_are_given_to_all_audits_or_to_one() -> None:
    put(**dict.fromkeys("ab", "-- param: port integer 1\nSELECT :port AS port"), c="-- param: word text\nSELECT :word AS word")
    told = report(".", "-p", "port=5", "-p", "b.port=6", "-p", "word=a=b")
    rows = {one["id"]: one["findings"][0]["row"] for one in told["audits"]}
    assert rows == {"a": {"port": 5}, "b": {"port": 6}, "c": {"word": "a=b"}}


def test_an_audit_that_lacks_a_parameter_is_a_fault_and_the_others_run() -> None:
    put(a="-- title: t\n-- param: port integer\nSELECT :port AS port", b=FOUND.format("high"))
    told = report(".")
    assert verdicts(told) == {"b": "found"}
    assert [one["message"] for one in told["faults"]] == ["a has no default for a parameter: it needs --param port=INTEGER"]
    assert run(".").returncode == 2


def test_a_parameter_of_a_file_that_is_bad_does_not_hide_what_is_bad_in_it() -> None:
    put(a="-- severity: x\n-- param: port integer\nSELECT :port AS port")
    done = run(".", "-p", "port=1")
    assert done.returncode == 2
    assert "severity is one of" in done.stdout


def test_severity_leaves_out_what_is_less_severe_and_rows_that_say_so() -> None:
    put(a=FOUND.format("low"), b="SELECT 'critical' AS severity, 1 AS a UNION ALL SELECT 'info', 2", c=FOUND.format("high"))
    told = report(".", "--severity", "high")
    assert {one["id"]: len(one["findings"]) for one in told["audits"]} == {"b": 1, "c": 1}


def test_reports_go_to_files_of_every_format_and_the_status_stays() -> None:
    put(a=FOUND.format("high"))
    names = ["r.json", "r.jsonl", "r.csv", "r.sarif", "r.xml", "r.md", "r.html", "r.txt"]
    done = run("a.sql", *(f"--report={name}" for name in names), "-o", "out.json")
    assert (done.returncode, done.stdout) == (1, "")
    for name in (*names, "out.json"):
        assert "Found" in Path(name).read_text()
    assert json.loads(Path("out.json").read_text())["audits"]


def test_a_report_that_cannot_be_written_is_told_and_the_others_are_written() -> None:
    put(a=FOUND.format("high"))
    done = run("a.sql", "--report", "nowhere/r.json", "--report", "r.csv")
    assert done.returncode == 2
    assert "it is x" in done.stdout
    assert "it is x" in Path("r.csv").read_text()
    assert "a report could not be written: nowhere/r.json: No such file or directory" in done.stderr


@pytest.mark.linux
def test_a_full_disk_under_standard_output_is_no_clean_run() -> None:
    put(a=CLEAN)
    with open("/dev/full", "w") as full:
        done = subprocess.run([*RUN, "audit", "a.sql"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "No space left on device" in done.stderr


@pytest.mark.linux
def test_on_a_full_disk_the_old_report_and_the_old_baseline_survive(full: Path) -> None:
    put(a=FOUND.format("high"))
    base, old = full / "base.json", full / "r.html"
    assert run("a.sql", "--write-baseline", str(base), "--report", str(full / "r.csv")).returncode == 1
    before = base.read_text()
    old.write_text("old")
    with open(full / "fill", "wb", buffering=0) as fill, contextlib.suppress(OSError):
        while fill.write(bytes(4096)):
            pass
    put(a="SELECT char(65 + value) || hex(zeroblob(3000)) AS a FROM json_each('[1, 2, 3, 4, 5, 6, 7, 8]')")
    done = run("a.sql", "--write-baseline", str(base), "--report", str(old))
    assert done.returncode == 2
    assert "No space left on device" in done.stderr
    assert "base.json: No space left on device" in done.stdout
    assert (base.read_text(), old.read_text()) == (before, "old")
    assert sorted(os.listdir(full)) == ["base.json", "fill", "r.csv", "r.html"]


def test_who_reads_no_further_is_told_by_the_status() -> None:
    put(a=FOUND.format("high"))
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([*RUN, "audit", "a.sql"], stdout=writer, stderr=subprocess.PIPE, timeout=60, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, b"")


def test_a_baseline_leaves_what_is_new_and_tells_what_went() -> None:
    put(a="SELECT value AS a FROM json_each('[1, 2]')")
    assert run("a.sql", "--write-baseline", "base.json").returncode == 1
    assert run("a.sql", "--baseline", "base.json").returncode == 0
    put(a="SELECT value AS a FROM json_each('[2, 3]')")
    told = report("a.sql", "--baseline", "base.json")["audits"][0]
    assert [(one["row"]["a"], one["state"]) for one in told["findings"]] == [(2, "unchanged"), (3, "new")]
    assert [one["key"] for one in told["gone"]] == [{"a": 1}]
    assert run("a.sql", "--baseline", "base.json").returncode == 1


def test_what_severity_leaves_out_is_neither_gone_nor_lost_from_a_baseline() -> None:
    put(a="SELECT 'low' AS severity, 1 AS a UNION ALL SELECT 'high', 2")
    run("a.sql", "--write-baseline", "base.json")
    told = report("a.sql", "--baseline", "base.json", "--severity", "high")["audits"][0]
    assert told["gone"] == []
    run("a.sql", "--severity", "high", "--write-baseline", "base.json")
    assert len(json.loads(Path("base.json").read_text())["findings"]) == 2


@pytest.mark.parametrize("text", ["", '{"format": "sqlports baseline", "version": 1, "findings": [', "[]"])
def test_a_broken_baseline_is_told_and_not_written_over(text: str) -> None:
    put(a=FOUND.format("high"))
    Path("base.json").write_text(text)
    for option in ("--baseline", "--write-baseline"):
        done = run("a.sql", option, "base.json")
        assert done.returncode == 2
        assert "base.json:" in done.stdout
        assert "it is x" in done.stdout
    assert Path("base.json").read_text() == text


def test_waivers_take_effect_and_a_bad_one_waives_nothing_and_keeps_the_baseline_from_being_written() -> None:
    put(a=FOUND.format("high"))
    waiver = '[[waiver]]\naudit = "a"\nmatch = { a = "x" }\nreason = "known"\n'
    Path("w.toml").write_text(waiver + "expires = 2999-01-01\n")
    assert run("a.sql", "--waivers", "w.toml").returncode == 0
    Path("w.toml").write_text(waiver)
    done = run("a.sql", "--waivers", "w.toml", "--write-baseline", "base.json")
    assert done.returncode == 2
    assert "w.toml:1:" in done.stdout
    assert not Path("base.json").exists()


def test_the_audits_are_listed_for_people_and_for_programs() -> None:
    done = run("list", "--severity", "critical")
    assert done.returncode == 0
    assert "reverse-shell" in done.stdout
    assert "zombies" not in done.stdout
    for form in (("--json",), ("--format", "json")):
        told = json.loads(run("list", *form).stdout)
        assert {"id", "severity", "title", "sql", "parameters", "key", "requires"} <= told[0].keys()
        assert len(told) > 40
    tagged = [json.loads(line) for line in run("list", "--jsonl", "--tag", "attack.*").stdout.splitlines()]
    assert tagged
    assert all(any(tag.startswith("attack.") for tag in one["tags"]) for one in tagged)


def test_an_audit_is_shown_with_its_sql_for_people_and_for_programs() -> None:
    page = run("show", "reverse-shell").stdout
    for part in ("reverse-shell (critical, intrusion)", "What to do: ", "What is in order: ", "attack.", "FROM "):
        assert part in page
    assert "-- title" not in page
    [told] = json.loads(run("show", "reverse-shell", "--json").stdout)
    assert told["fix"]


def test_a_bad_file_is_told_by_list_and_show_too() -> None:
    put(a="-- severity: x\nSELECT 1", b=CLEAN)
    for word in ("list", "show"):
        done = run(word, ".")
        assert done.returncode == 2
        assert "sqlports: ./a.sql:1: severity is one of" in done.stderr
        assert "b" in done.stdout


def test_audits_become_a_pack_and_a_pack_is_run() -> None:
    put(a=FOUND.format("high"))
    assert run("convert", "a.sql", "-o", "pack.conf").returncode == 0
    assert verdicts(report("pack.conf")) == {"a": "found"}
    assert run("convert").returncode == 2


def test_a_pack_that_is_not_for_this_machine_is_skipped_and_says_why() -> None:
    query = '"queries": {"q": {"query": "SELECT 1 AS a", "interval": 60}}'
    Path("idle.conf").write_text('{"discovery": ["SELECT 1 WHERE 0"], ' + query + "}")
    Path("other.conf").write_text('{"platform": "windows", ' + query.replace('"q"', '"w"') + "}")
    told = report("idle.conf", "other.conf")
    assert verdicts(told) == {"q": "skipped", "w": "skipped"}
    assert run("idle.conf", "other.conf", "--strict").returncode == 0


def test_an_interrupt_ends_it_and_writes_no_half_report() -> None:
    put(a=CLEAN, b=ENDLESS)
    Path("r.json").write_text("old")
    process = subprocess.Popen(
        [*RUN, "audit", ".", "-o", "r.json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )
    # Whether it runs or still begins: it does not end by itself.
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(1)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, b"")
    assert Path("r.json").read_text() == "old"


@pytest.mark.linux
def test_on_a_terminal_it_tells_which_audit_runs(open_terminal: Callable[..., Terminal]) -> None:
    put(b=ENDLESS)
    shown = open_terminal("audit", os.path.abspath("b.sql"))
    shown.expect(r"b \(1 of 1\)")
    shown.send("\x03")
    assert shown.end() == 130


@pytest.mark.linux
def test_audits_run_at_the_prompt(terminal: Terminal) -> None:
    put(mine=FOUND.format("high"))
    assert "it is x" in terminal.run(f".audit {os.path.abspath('mine.sql')}")
    assert "did you mean reverse-shell?" in terminal.run(".audit revers-shell")
    assert "is for the command line" in terminal.run(".audit convert x.conf")
    terminal.send(".audit reverse-sh\t")
    terminal.shows(r"\.audit reverse-shell")
    terminal.send("\x15.quit\r")
    assert terminal.end() == 0


def test_the_shell_completes_audits_packs_words_and_tags() -> None:
    words = {word for word, _ in candidates(["audit", ""])}
    assert {"list", "show", "convert", "exposure", "reverse-shell"} <= words
    assert "list" not in {word for word, _ in candidates(["audit", "show", ""])}
    assert (":files", "") in candidates(["audit", "convert", ""])
    assert any(word.startswith("attack.T1059") for word, _ in candidates(["audit", "--tag", ""]))
    assert "critical" in {word for word, _ in candidates(["audit", "--severity", ""])}
    assert candidates(["audit", "--waivers", ""]) == [(":files", "")]


def test_no_report_takes_the_place_of_what_the_run_reads_or_writes_besides(tmp_path: Path) -> None:
    mine, other, known = tmp_path / "a.sql", tmp_path / "r.json", tmp_path / "b.json"
    mine.write_text("SELECT 1 AS a")
    known.write_text("{}")
    for options in (
        ("-o", str(mine)),
        ("-o", str(other), "--report", str(other)),
        ("--report", str(known), "--baseline", str(known)),
        ("-o", str(other), "--write-baseline", str(other)),
    ):
        done = command("audit", str(mine), *options)
        assert done.returncode == 2
        assert "is named twice" in done.stderr
    assert mine.read_text() == "SELECT 1 AS a"
    assert known.read_text() == "{}"
    assert not other.exists()


def test_the_name_of_a_file_forges_no_line_of_its_own(tmp_path: Path) -> None:
    for name in ("a\n::error::x.sql", "b.sql"):
        (tmp_path / name).write_text("-- id: same\nSELECT 1 AS a")
    done = command("audit", str(tmp_path), "--format", "github")
    assert done.returncode == 2
    assert not [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("::error::x")]


def waive(text: str) -> None:
    Path("w.toml").write_text(f'[[waiver]]\nreason = "so it is"\nexpires = 2999-01-01\n{text}\n')


def test_a_misspelt_audit_in_a_waiver_is_told_with_what_was_meant() -> None:
    put(found=FOUND.format("high"))
    waive('audit = "foun"')
    assert "w.toml:1: there is no audit foun: did you mean found?" in run(".", "--waivers", "w.toml").stdout


def test_what_is_not_seen_and_accepted_is_no_failure_with_strict_and_is_shown_in_every_format(tmp_path: Path) -> None:
    fake = FakeRoot(tmp_path / "root")
    fake.process(7)
    (fake.proc / "7" / "fd").rmdir()
    # A link to itself cannot be read, by root neither.
    (fake.proc / "7" / "fd").symlink_to("fd")
    put(blind="SELECT fd FROM handles WHERE fd = 12345\n")
    look = (".", "--strict", "--root", str(fake.path))
    assert run(*look).returncode == 3
    waive('audit = "*"\nunseen = "*of process 7 could not be read*"')
    done = run(*look, "--waivers", "w.toml")
    assert done.returncode == 0, done.stdout
    assert "Not seen, and accepted" in done.stdout
    for form in ("json", "jsonl", "csv", "sarif", "junit", "github", "markdown", "html"):
        assert "so it is" in run(*look, "--waivers", "w.toml", "--format", form).stdout, form


def test_of_one_audit_it_is_said_once_that_not_all_was_seen(tmp_path: Path) -> None:
    fake = FakeRoot(tmp_path / "root")
    fake.process(7)
    (fake.proc / "7" / "fd").rmdir()
    (fake.proc / "7" / "fd").symlink_to("fd")
    put(blind="SELECT p.pid, h.fd FROM processes p LEFT JOIN handles h USING (pid)\n")
    assert run(".", "--root", str(fake.path)).stdout.lower().count("not all was seen") == 1


def test_only_what_is_severe_enough_is_in_the_report() -> None:
    graded = "SELECT 'low' AS severity, 1 AS a\n"
    put(
        low=f"-- severity: low\n-- platform: {'aix' if LINUX else 'linux'}\n{CLEAN}",
        graded=graded,
        grave=FOUND.format("critical"),
    )
    assert verdicts(report(".", "--severity", "critical")) == {"grave": "found"}


def test_a_baseline_that_is_written_again_is_told_with_what_is_new_in_it() -> None:
    put(one=FOUND.format("high"))
    assert run(".", "--write-baseline", "b.json").stderr.endswith("b.json: 1 finding known from now on\n")
    put(two=FOUND.format("high"))
    assert run(".", "--write-baseline", "b.json").stderr.endswith("b.json: 2 findings known from now on, 1 of them new\n")


def test_a_word_that_is_no_default_is_told_as_such() -> None:
    put(one="-- param: q integer abc The number.\nSELECT :q AS a\n", two="-- param: q integer The number.\nSELECT :q AS a\n")
    told = {fault["message"] for fault in report(".")["faults"]}
    needs = "has no default for a parameter: it needs --param q=INTEGER"
    assert told == {f"one {needs} (abc is no integer, and so no default of q)", f"two {needs}"}


def test_a_bug_beside_the_audits_is_no_finding(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from sqlports.cli import run as in_this_process
    from sqlports.commands import audit

    monkeypatch.delenv("SQLPORTS_DEBUG", raising=False)
    put(one=CLEAN)
    monkeypatch.setattr(audit, "_report", lambda *_: 1 // 0)
    assert in_this_process(["audit", "."]) == 3
    assert "a fault in sqlports, ZeroDivisionError" in capsys.readouterr().err


def test_the_help_has_the_options_that_audits_heed() -> None:
    for told in (command("help", "audit").stdout, run("--help").stdout):
        for option in ("--fail-on S", "--waivers FILE", "--param NAME=VALUE", "--timeout S", "--output FILE"):
            assert option in told
        assert "--watch" not in told

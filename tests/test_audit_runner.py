"""Audits run over one look at the system: what each found, how a finding is known again, and what was not seen."""

from __future__ import annotations

import errno
import importlib
import os
import pkgutil
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import sqlports.about
import sqlports.advice
import sqlports.ports
import sqlports.sources
from sqlports import Engine, registry
from sqlports.audit import find, runner, sight, waivers
from sqlports.audit.audit import Audit, read
from sqlports.audit.findings import findings, fingerprint
from sqlports.audit.outcome import Finding, Outcome
from sqlports.errors import Error, Interrupted
from sqlports.script import split
from sqlports.sources.refusals import ENDED, Refusal

from .conftest import ENDLESS, LINUX, FakeRoot, as_nobody

CLEAN = "SELECT 1 AS a WHERE 0"


def audit(sql: str, name: str = "one", header: str = "") -> Audit:
    got = read(header + sql, name, f"{name}.sql")
    assert got.audit, got.faults
    return got.audit


def run(engine: Engine, *audits: Audit, timeout: float | None = None) -> list[Outcome]:
    """The outcomes in the order of the audits."""
    checked = runner.check(engine, audits, {})
    assert checked.faults == []
    outcomes = {one.audit.id: runner.judged(one) for one in runner.run(engine, checked, timeout=timeout)}
    return [outcomes[one.id] for one in audits]


def rows(sql: str, header: str = "") -> list[Finding]:
    with Engine() as engine:
        [outcome] = run(engine, audit(sql, header=header))
    assert outcome.verdict in ("found", "clean"), outcome
    return list(outcome.findings)


def failed(engine: Engine, sql: str, header: str = "") -> str:
    [outcome] = run(engine, audit(sql, header=header))
    assert (outcome.verdict, outcome.findings) == ("failed", ())
    return outcome.why


@pytest.mark.linux
def test_all_audits_share_one_look(live: Engine) -> None:
    """Many of them ask for the same: it is read once, and they agree on what there is."""
    checked = runner.check(live, find.path(find.SHIPPED).audits, {})
    values = {one.audit.id: {item.name: item.default for item in one.audit.parameters} for one in checked.ready}
    checked = runner.check(live, [one.audit for one in checked.ready], values)
    assert len(checked.ready) > 40
    runner.run(live, checked)
    dumps = {source: count for source, count in live.reads.items() if source in ("tcp", "udp", "unix") or " " in source}
    assert live.reads["pids"] == 1
    assert live.reads.get("walk", 1) == 1
    assert {source for source, count in dumps.items() if count > 1 and source.startswith("sock_diag")} == set()


@pytest.mark.linux
def test_a_second_audit_of_the_same_reads_nothing_more(fake: FakeRoot, engine: Engine) -> None:
    for pid in (1, 2, 3):
        fake.process(pid, fds={3: "socket:[77]"})
    fake.net("tcp", "0100007F:1F90 00000000:0000 0A 77")
    sql = "SELECT s.local_port, p.name, h.fd FROM sockets s JOIN processes p USING (pid) JOIN handles h USING (pid)"
    run(engine, audit(sql))
    once = dict(engine.reads)
    assert once["fd"] == 3
    run(engine, audit(sql), audit(sql, "two"), audit(sql + " WHERE s.state = 'LISTEN'", "three"))
    assert dict(engine.reads) == once


def test_columns_of_a_row_are_stronger_than_the_header() -> None:
    [one] = rows(
        "SELECT 'a' AS name, 'critical' AS severity, 'hello' AS message, 'it' AS resource, 'so' AS reason, 'alarm' AS status",
        "-- severity: low\n-- message: {name}\n",
    )
    assert (one.severity, one.message, one.resource, one.reason) == ("critical", "hello", "it", "so")


def test_the_status_of_a_row_tells_whether_it_is_a_finding() -> None:
    found = rows(
        "WITH s(status) AS (VALUES ('alarm'), ('ok'), ('skip'), ('INFO'), (NULL)) SELECT status, status AS name FROM s",
        "-- severity: high\n",
    )
    assert [(one.row["status"], one.severity) for one in found] == [("alarm", "high"), ("INFO", "info"), (None, "high")]


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("SELECT 'fine' AS status", "status is one of alarm, info, error, ok, skip, and not 'fine'"),
        ("SELECT 1 AS status", "status is one of alarm, info, error, ok, skip, and not 1"),
        ("SELECT 'huge' AS severity", "severity is one of info, low, medium, high, critical, and not 'huge'"),
        ("SELECT 'error' AS status, 'no access' AS reason", "no access"),
        ("SELECT 'error' AS status", "a row says that it could not be told"),
        ("SELECT char(27) AS severity", "severity is one of info, low, medium, high, critical, and not '\\x1b'"),
        ("SELECT abs(-9223372036854775808) AS a", "integer overflow"),
        ("SELECT 1 AS a UNION ALL SELECT json_extract('{', '$')", "malformed JSON"),
    ],
)
def test_a_row_that_means_nothing_or_cannot_be_told_fails_the_audit(live: Engine, sql: str, why: str) -> None:
    assert failed(live, sql) == why


def test_a_row_that_could_not_be_told_fails_an_audit_that_wants_rows_too(live: Engine) -> None:
    assert failed(live, "SELECT 'error' AS status, 'blind' AS reason", "-- fail_if: rows = 0\n") == "blind"


def test_an_audit_whose_row_has_to_be_there_finds_that_it_is_not() -> None:
    [one] = rows(CLEAN, "-- title: No auditd\n-- fail_if: rows = 0\n")
    assert (one.message, one.row, one.resource) == ("No auditd: 0 rows (rows = 0)", {}, "one")
    assert rows("SELECT 1 AS a", "-- title: No auditd\n-- fail_if: rows = 0\n") == []


def test_findings_that_are_suppressed_do_not_count_for_fail_if(tmp_path: Path) -> None:
    file = tmp_path / "waivers.toml"
    file.write_text('[[waiver]]\naudit = "one"\nmatch = { a = 1 }\nreason = "r"\nexpires = 2999-01-01\n')
    given, bad = waivers.read(str(file))
    assert bad == []
    of = audit("SELECT 1 AS a", header="-- fail_if: rows > 2\n")
    from datetime import date

    def outcome(count: int, state: str = "") -> Outcome:
        found = [
            one._replace(state=state if one.row["a"] == 2 else "") for one in findings(of, ("a",), [(n,) for n in range(count)])
        ]
        return runner.judged(Outcome(of, "found", waivers.apply(found, given, date.today())))

    assert outcome(3).verdict == "clean"
    assert [one.row["a"] for one in outcome(3).findings] == [1]
    assert outcome(4).verdict == "found"
    assert outcome(4, "unchanged").verdict == "clean"


def test_a_finding_is_known_again_by_its_key_whatever_its_process_and_machine() -> None:
    header = "-- key: name, port\n-- message: {name} {pid}\n"
    [first] = rows("SELECT 'sshd' AS name, 22 AS port, 17 AS pid", header)
    [again] = rows("SELECT 4711 AS pid, 22 AS port, 'sshd' AS name", header)
    assert first.fingerprint == again.fingerprint == fingerprint("one", {"name": "sshd", "port": 22})
    # What is in the baselines of people is not to change with a release.
    assert first.fingerprint == "4ebc1694ca49e4aad39520c7ef755fd7"
    [other] = rows("SELECT 'sshd' AS name, 23 AS port, 17 AS pid", header)
    assert other.fingerprint != first.fingerprint


def test_a_finding_of_an_audit_without_a_key_is_known_by_what_lasts() -> None:
    columns = (
        "'sshd' AS name, 22 AS port, {0} AS pid, {0} AS parent, {0} AS fd, {0} AS inode, {0} AS start_time, {0} AS Peer_PID"
    )
    [first] = rows(f"SELECT {columns}, 'a' AS message".format(1))
    [again] = rows(f"SELECT {columns}, 'b' AS message".format(2))
    assert first.key == {"name": "sshd", "port": 22}
    assert first.fingerprint == again.fingerprint
    assert rows("SELECT 7 AS pid")[0].key == {"pid": 7}


def test_texts_numbers_and_bytes_that_look_alike_are_three_findings() -> None:
    found = rows("SELECT '1' AS a UNION ALL SELECT 1 UNION ALL SELECT 1.5 UNION ALL SELECT x'31' UNION ALL SELECT NULL")
    assert len({one.fingerprint for one in found}) == 5


def test_two_columns_of_one_name_are_both_kept() -> None:
    [one] = rows("SELECT 1 AS a, 2 AS a")
    assert list(one.row.values()) == [1, 2]


def test_what_a_process_chose_is_shown_safely_and_kept_as_it_is() -> None:
    [one] = rows("SELECT char(27) || '[31m' || char(10) || char(8238) || 'x' AS name", "-- message: it is {name}\n")
    assert one.row["name"] == "\x1b[31m\n\u202ex"
    for shown in (one.message, one.resource):
        assert shown.isprintable()


def test_a_message_of_any_length_is_a_line() -> None:
    [one] = rows("SELECT replace(hex(zeroblob(100000)), '00', 'ab' || char(10)) AS name", "-- message: {name}\n")
    assert len(one.message) <= 1000
    assert "\n" not in one.message


def test_an_audit_that_never_ends_times_out_and_the_others_run_on(live: Engine) -> None:
    outcomes = run(live, audit(CLEAN, "a"), audit(ENDLESS, "b"), audit("SELECT 1 AS a", "c"), timeout=0.2)
    assert [one.verdict for one in outcomes] == ["clean", "timed out", "found"]
    assert outcomes[1].why == "the query took longer than 0.2 s"
    assert live.timeout is None


@pytest.mark.linux
def test_a_look_that_timed_out_in_the_middle_of_reading_is_gone_on_with_and_whole(live: Engine) -> None:
    sql = "SELECT h.pid FROM handles h JOIN processes p ON p.pid = h.pid WHERE p.pid = {0} GROUP BY 1 HAVING count(*) > 0"
    mine = audit(sql.format(os.getpid()), "b")
    late = audit("SELECT count(*) FROM sockets JOIN handles USING (pid)", "a")
    outcomes = run(live, late, timeout=1e-6)
    assert outcomes[0].verdict == "timed out"
    checked = runner.check(live, [late, mine], {})
    with live.snapshot():
        live.timeout = 1e-6
        with pytest.raises(Error):
            live.query(late.sql)
        live.timeout = None
        assert live.query("SELECT count(*) AS n FROM processes")[0]["n"] == len(live.snapshot_now.pids())  # type: ignore[union-attr]
        [_, found] = runner.run(live, checked)
        assert [one.row["pid"] for one in found.findings] == [os.getpid()]


def test_a_bug_in_one_audit_is_told_and_the_others_run_on(live: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    live.connection.create_scalar_function("broken", lambda: 1 / 0, 0)
    monkeypatch.delenv("SQLPORTS_DEBUG", raising=False)
    outcomes = run(live, audit("SELECT broken() AS a", "a"), audit("SELECT 1 AS a", "b"))
    assert [one.verdict for one in outcomes] == ["failed", "found"]
    assert "division by zero" in outcomes[0].why


def test_more_findings_than_anybody_reads_fail_the_audit(live: Engine) -> None:
    many = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT n FROM c"
    assert failed(live, many) == "it gave more than 100,000 rows"


def test_findings_larger_than_anybody_reads_fail_the_audit_before_they_fill_the_memory(live: Engine) -> None:
    many = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT zeroblob(8000000) FROM c"
    assert failed(live, many) == "its rows have more than 64 MiB"


def test_an_interrupt_ends_the_run_and_lets_the_look_go(live: Engine) -> None:
    checked = runner.check(live, [audit(ENDLESS, "a"), audit("SELECT 1 AS a", "b")], {})
    live.on_wait = live.interrupt
    with pytest.raises(Interrupted):
        runner.run(live, checked)
    live.on_wait = None
    assert live.snapshot_now is None
    assert run(live, audit("SELECT 1 AS a"))[0].verdict == "found"


def test_an_audit_for_another_system_is_skipped(live: Engine) -> None:
    other, mine = "win32" if LINUX else "linux", sys.platform
    [skipped, same] = run(
        live,
        audit(CLEAN, "a", f"-- platform: {other}, aix\n"),
        audit(CLEAN, "b", f"-- platform: {mine}\n"),
    )
    assert (skipped.verdict, skipped.why, same.verdict) == ("skipped", f"it is for {other}, aix", "clean")


# What was not seen.


@pytest.fixture
def blind(fake: FakeRoot) -> Iterator[Engine]:
    """An engine over a root whose process 2 has a broken descriptor table and a broken program."""
    for pid in (1, 2):
        fake.process(pid)
    for name in ("fd", "exe"):
        place = fake.proc / "2" / name
        place.rmdir() if name == "fd" else place.unlink()
        # A link to itself cannot be read , by root neither.
    (fake.proc / "2" / "fd").symlink_to("fd")
    engine = Engine(root=str(fake.path))
    yield engine
    engine.close()


@pytest.mark.linux
def test_what_an_earlier_audit_was_refused_degrades_those_that_ask_the_same_and_no_others(blind: Engine) -> None:
    handles = [audit("SELECT pid FROM handles WHERE pid = -1 OR fd = 9999", name) for name in ("a", "b", "c")]
    names = [audit("SELECT name FROM processes WHERE name = 'nobody'", name) for name in ("x", "y")]
    owned = audit("SELECT pid FROM sockets WHERE pid = 77", "z")
    outcomes = run(blind, handles[0], names[0], handles[1], names[1], handles[2], owned)
    assert [one.verdict for one in outcomes] == ["degraded", "clean", "degraded", "clean", "degraded", "degraded"]
    assert outcomes[0].unseen == outcomes[2].unseen
    assert outcomes[0].unseen == (f"/proc/PID/fd of process 2 could not be read: {os.strerror(errno.ENOTDIR)}",)


@pytest.mark.linux
def test_an_audit_that_found_something_and_did_not_see_all_says_both(blind: Engine) -> None:
    [one] = run(blind, audit("SELECT p.pid, fd_count FROM processes p LEFT JOIN handles h USING (pid)"))
    assert one.verdict == "found"
    assert one.is_degraded
    assert not one.saw_all


@pytest.mark.linux
def test_a_column_that_is_required_is_looked_at_where_the_audit_does_not_read_it(blind: Engine) -> None:
    header = "-- requires: {}\n"
    outcomes = run(
        blind,
        audit(CLEAN, "a", header.format("processes.name")),
        audit(CLEAN, "b", header.format("handles.fd")),
        audit(CLEAN, "c", header.format("listeners.pid")),
    )
    assert [one.verdict for one in outcomes] == ["clean", "degraded", "degraded"]


def test_what_ended_and_what_the_kernel_has_not_are_no_blindness() -> None:
    ended = Refusal("/proc/PID/stat", 7, 2, ENDED, 1)
    absent = Refusal("sock_diag vsock", None, None, "the kernel has no handler for it", 1)
    refused = Refusal("/proc/PID/exe", 7, 13, "permission", 1)
    assert sight.told([ended, absent]) == ()
    assert sight.told([ended, absent, refused]) == ("/proc/PID/exe of process 7 could not be read: permission",)


def test_few_processes_are_named_and_many_counted() -> None:
    refused = [Refusal("/proc/PID/fd", pid, 13, "permission", 2) for pid in range(1, 1005)]
    assert sight.told(refused[:2]) == ("/proc/PID/fd of processes 1, 2 could not be read: permission",)
    assert sight.told(refused) == ("/proc/PID/fd of 1,004 processes could not be read: permission",)


def test_an_audit_whose_rows_all_say_skip_is_skipped_with_their_reason(live: Engine) -> None:
    [one] = run(live, audit("SELECT 'skip' AS status, 'no list' AS reason"))
    assert (one.verdict, one.why, one.findings) == ("skipped", "no list", ())


def test_a_port_that_the_kernel_chose_is_no_part_of_what_a_finding_is_known_by(live: Engine) -> None:
    sql = "SELECT {} AS port, {} AS autobound, 'x' AS process"
    marks = []
    for port, autobound in ((40001, 1), (40002, 1), (40001, 0), (40002, 0)):
        [one] = run(live, audit(sql.format(port, autobound), header="-- key: port, process\n"))
        marks.append(one.findings[0].fingerprint)
    assert len(set(marks)) == 3
    assert marks[0] == marks[1]


def test_very_many_files_that_may_not_be_read_are_told_in_a_sentence() -> None:
    refused = [Refusal(f"/run/netns/{number:03}", None, 13, "permission", 1) for number in range(300)]
    assert sight.told(refused) == ("/run/netns/000 and 299 more there could not be read: permission",)
    assert len(sight.met(sight.sources([("sockets", "pid")]), refused)) == 300
    assert not sight.met(sight.sources([("processes", "name")]), refused)


def test_a_missing_file_of_logins_degrades_who_asks_for_logins_and_not_who_asks_for_sockets() -> None:
    refused = Refusal("/run/utmp", None, 2, "No such file or directory", 1)

    def unseen(sql: str) -> Any:
        with Engine() as engine:
            [statement] = split(sql)
            return sight.met(sight.sources(engine.prepare(statement).reads), [refused])

    assert unseen("SELECT user FROM logged_in_users")
    assert not unseen("SELECT pid FROM sockets")
    assert not unseen("SELECT 1 AS a")


@pytest.mark.parametrize("backend", ["portable", "linux"])
def test_what_a_backend_never_knows_degrades_who_asks_for_it_alone(backend: str) -> None:
    if backend == "linux" and not LINUX:
        pytest.skip("needs a Linux /proc")
    with Engine(backend=backend) as engine:
        wants, other = run(
            engine,
            audit("SELECT seccomp FROM processes WHERE seccomp = 77", "a"),
            audit("SELECT pid FROM processes WHERE pid = -2", "b"),
        )
    assert other.verdict == "clean"
    if backend == "portable":
        assert wants.verdict == "degraded"
        assert any("seccomp" in one for one in wants.unseen)


def _unforeseen() -> list[Any]:
    """The columns of tables that are refused something of which their audit would not be told, had another asked before."""
    found: list[Any] = []
    tried: set[Any] = set()
    for table in (*registry.table_names(), *registry.view_names()):
        if table in ("file", "hash", "free_ports", "port_conflicts", "scan_errors", "coverage"):
            continue
        with Engine() as engine:
            for column in engine.prepare(next(split(f"SELECT * FROM {table}"))).columns:
                [statement] = split(f'SELECT "{column}" FROM {table}')
                # Of columns for which the same is read one is enough.
                asked = sight.sources(engine.prepare(statement).reads)
                kinds = frozenset(one for one in asked if "." not in one)
                if (table, kinds) in tried:
                    continue
                tried.add((table, kinds))
                with engine.snapshot() as system:
                    engine.query(statement.sql)
                    refused = list(system.refusals())
                seen = set(sight.unseen(audit("SELECT 1"), sight.met(asked, refused), refused))
                missed = set(sight.told(refused)) - seen
                if missed:
                    found.append([table, column, sorted(missed)])
    return found


@pytest.mark.linux
@pytest.mark.root
def test_every_refusal_of_every_column_is_foreseen_from_the_sql() -> None:
    """As an ordinary user: what an audit runs into is what is said of it when another ran into it before."""

    def first() -> None:
        for package in (sqlports.sources, sqlports.about, sqlports.advice, sqlports.ports):
            for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
                importlib.import_module(module.name)

    assert as_nobody(_unforeseen, first) == []


@pytest.mark.linux
@pytest.mark.root
def test_an_ordinary_user_is_told_that_others_sockets_and_handles_were_not_seen(child: Callable[..., Any]) -> None:
    child("s = socket.create_server(('127.0.0.1', 0)); tell(1)")
    audits = [
        audit("SELECT pid FROM sockets WHERE pid = -5", "a"),
        audit("SELECT name FROM processes WHERE name = 'x y z'", "b"),
        audit(CLEAN, "c", "-- requires: root\n"),
        audit("SELECT local_port FROM sockets WHERE local_port = -1", "d"),
    ]

    def look() -> list[Any]:
        with Engine() as engine:
            return [[one.verdict, list(one.unseen)] for one in run(engine, *audits)]

    sockets, names, root, ports = as_nobody(look, look)
    assert sockets[0] == "degraded"
    assert names[0] == "clean"
    assert root == ["degraded", ["it needs root"]]
    assert sockets[1] != ports[1]


# osquery's packs.


def pack(tmp_path: Path, discovery: str, sql: str = "SELECT 1 AS a") -> find.Found:
    place = tmp_path / "pack.conf"
    place.write_text(f'{{"discovery": ["{discovery}"], "queries": {{"q": {{"query": "{sql}", "interval": 60}}}}}}')
    found = find.path(str(place))
    assert found.faults == []
    return found


@pytest.mark.parametrize(
    ("discovery", "verdict", "why"),
    [
        ("SELECT 1", "found", ""),
        ("SELECT 1 WHERE 0", "skipped", "the pack's discovery query gave no row"),
        ("SELECT 1 FROM apps", "skipped", "the pack's discovery query failed: no such table: apps"),
        (ENDLESS, "timed out", "the query took longer than 0.3 s"),
    ],
)
def test_a_pack_is_asked_where_its_discovery_gives_a_row(
    live: Engine, tmp_path: Path, discovery: str, verdict: str, why: str
) -> None:
    found = pack(tmp_path, discovery)
    [outcome] = runner.run(live, runner.check(live, found.audits, {}), found.packs, timeout=0.3)
    assert outcome.verdict == verdict
    assert why in outcome.why


def test_a_query_of_osquerys_for_tables_that_are_not_here_fails_and_is_no_bad_file(live: Engine, tmp_path: Path) -> None:
    found = pack(tmp_path, "SELECT 1", "SELECT * FROM apps")
    checked = runner.check(live, found.audits, {})
    assert checked.faults == []
    [outcome] = checked.outcomes
    assert (outcome.verdict, "no such table: apps" in outcome.why) == ("failed", True)


@pytest.mark.linux
def test_a_listener_is_found_with_what_it_is_about(live: Engine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as made:
        port = made.getsockname()[1]
        sql = f"SELECT protocol, address, port, name FROM listeners WHERE port = {port} AND pid = {os.getpid()}"
        [outcome] = run(live, audit(sql, header="-- key: protocol, port\n-- message: {name} on {port}\n"))
    [one] = outcome.findings
    assert one.resource.startswith(f"tcp/127.0.0.1:{port} ")
    assert one.message.endswith(f" on {port}")


@pytest.mark.linux
def test_all_audits_say_one_number_of_what_was_refused_for_one_reason(fake: FakeRoot, engine: Engine) -> None:
    for pid in range(2, 8):
        fake.process(pid)
        (fake.proc / str(pid) / "exe").unlink()
        (fake.proc / str(pid) / "exe").symlink_to("exe")
        (fake.proc / str(pid) / "fd").rmdir()
        (fake.proc / str(pid) / "fd").symlink_to("fd")
    few, every = run(
        engine,
        audit("SELECT fd FROM handles WHERE pid IN (2, 3) AND fd = 77", "a"),
        audit("SELECT fd FROM handles WHERE fd = 77", "b"),
    )
    assert few.unseen == every.unseen
    assert sum("/proc/PID/fd " in sentence for sentence in every.unseen) == 1

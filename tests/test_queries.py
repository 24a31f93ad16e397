"""The queries that come along: each is documented, runs for everybody, and finds the thing that a test has made."""

from __future__ import annotations

import os
import re
import resource
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from sqlports import Engine
from sqlports.options import make_parser
from sqlports.queries import parameters, saved

from .conftest import Child, FakeRoot, as_nobody, at_last

pytestmark = pytest.mark.linux

TREE = Path(__file__).resolve().parents[1]
SHIPPED = sorted(path.stem for path in Path(saved.SHIPPED).glob("*.sql"))
# What has to be given, of this process or of what every machine has.
GIVEN = {
    "conflicts": ["22"],
    "environment": [str(os.getpid())],
    "open-files": [str(os.getpid())],
    "sockets-of": [str(os.getpid())],
    "who-has": ["22"],
    "who-uses": ["/usr"],
}

Row = dict[str, Any]


@pytest.fixture(autouse=True)
def nothing_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


def rows(engine: Engine, name: str, *words: object, **named: object) -> list[Row]:
    """What a query gives."""
    query = saved.find(name)
    given = parameters.bind(
        query.parameters, [str(word) for word in words], [(key, str(value)) for key, value in named.items()]
    )
    return engine.query(query.sql, given)


def of_port(found: list[Row], port: int, column: str = "port") -> list[Row]:
    return [row for row in found if row[column] == port]


class Pair:
    """A listener of this process on the loopback, and a connection with it whose ends are here too."""

    def __init__(self, kept: ExitStack) -> None:
        self.listener = kept.enter_context(socket.create_server(("127.0.0.1", 0), backlog=8))
        self.port = self.listener.getsockname()[1]
        self.client = kept.enter_context(socket.create_connection(("127.0.0.1", self.port)))
        self.server = kept.enter_context(self.listener.accept()[0])


@pytest.fixture
def pair() -> Iterator[Pair]:
    with ExitStack() as kept:
        yield Pair(kept)


@pytest.fixture
def program(tmp_path: Path) -> Iterator[tuple[Path, subprocess.Popen[bytes]]]:
    """A program of its own that runs, and its file."""
    path = tmp_path / "program"
    shutil.copy(shutil.which("sleep") or "", path)
    process = subprocess.Popen([path, "300"])
    yield path, process
    process.kill()
    process.wait()


# What they all have.


def test_there_are_some() -> None:
    assert len(SHIPPED) >= 20
    assert saved.names() == SHIPPED


@pytest.mark.parametrize("name", SHIPPED)
def test_a_query_has_a_title_tags_an_order_and_documented_parameters(name: str) -> None:
    query = saved.find(name)
    assert re.fullmatch(r"[A-Z].{10,63}[.?]", query.title), query.title
    assert query.tags
    assert re.search(r"(?m)^ORDER BY ", query.sql)
    assert query.sql.endswith(";\n")
    assert query.sql.splitlines() == [line.rstrip() for line in query.sql.splitlines() if len(line) <= 128]
    for parameter in query.parameters:
        assert parameter.type != "any", f"{parameter.name} is not declared"
        assert re.fullmatch(r"[A-Z].*\.", parameter.doc), parameter.name
        # Those that must be given come first, so that words in their order need no others.
        assert not parameter.required or query.parameters.index(parameter) == 0


@pytest.mark.parametrize("name", SHIPPED)
def test_no_parameter_has_the_name_of_an_option(name: str) -> None:
    options = set(re.findall(r"--[a-z-]+", make_parser().format_help())) | {"--sql"}
    assert not options & {parameter.option for parameter in saved.find(name).parameters}


def test_the_documentation_lists_them_all() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in (TREE / "docs").rglob("*.md"))
    for name in SHIPPED:
        assert f"| `{name}` | {saved.find(name).title} |" in text


def test_no_example_asks_the_same() -> None:
    def statement(text: str) -> str:
        return " ".join(re.sub(r"--[^\n]*", "", text).split())

    shipped = {statement(saved.find(name).sql) for name in SHIPPED}
    for path in (TREE / "examples").glob("*.sql"):
        assert statement(path.read_text(encoding="utf-8")) not in shipped, path
        assert path.stem not in SHIPPED


def test_every_query_runs_and_has_a_column_once(live: Engine) -> None:
    for name in SHIPPED:
        query = saved.find(name)
        given = parameters.bind(query.parameters, GIVEN.get(name, []), [])
        for result in live.run(query.sql, given):
            assert len(set(result.columns)) == len(result.columns), name
            assert all(re.fullmatch(r"[A-Za-z]\w*", column) for column in result.columns), name
            list(result)


@pytest.mark.root
def test_every_query_runs_for_an_ordinary_user() -> None:
    def run_all() -> list[str]:
        engine = Engine()
        for name in SHIPPED:
            given = GIVEN.get(name, [])
            rows(engine, name, *given)
        return SHIPPED

    assert as_nobody(run_all, run_all) == SHIPPED


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (name, parameter.words)
        for name in SHIPPED
        for parameter in saved.read(
            (Path(saved.SHIPPED) / f"{name}.sql").read_text(), name, f"{saved.SHIPPED}/{name}.sql"
        ).parameters
        if parameter.words
    ],
)
def test_every_word_of_a_parameter_is_taken(live: Engine, name: str, words: tuple[str, ...]) -> None:
    [parameter] = [parameter for parameter in saved.find(name).parameters if parameter.words == words]
    for word in words:
        rows(live, name, *GIVEN.get(name, []), **{parameter.name: word})


# What each of them finds.


def test_fport_has_a_listener_in_each_of_its_orders(live: Engine, pair: Pair) -> None:
    for order, column in (("pid", "Pid"), ("process", "Process"), ("port", "Port"), ("protocol", "Proto"), ("path", "Path")):
        found = rows(live, "fport", sort=order)
        assert list(found[0]) == ["Pid", "Process", "Port", "Proto", "Path"]
        [row] = of_port(found, pair.port, "Port")
        assert (row["Pid"], row["Proto"], row["Path"]) == (os.getpid(), "TCP", os.path.realpath(sys.executable))
        values = [row[column] for row in found if row[column] is not None]
        assert values == sorted(values, key=lambda value: value.lower() if order == "process" else value)


def test_listening_has_a_listener_and_who_it_is(live: Engine, pair: Pair) -> None:
    [row] = of_port(rows(live, "listening"), pair.port)
    assert (row["protocol"], row["address"], row["scope"]) == ("tcp", "127.0.0.1", "loopback")
    assert (row["pid"], row["here"], row["why_no_pid"]) == (os.getpid(), 1, None)
    assert rows(live, "listening", pair.port, "tcp", process=row["process"].upper()) == [row]
    assert rows(live, "listening", pair.port, "udp") == []
    assert rows(live, "listening", pair.port, process="no such name") == []


def test_listening_tells_a_udp_socket_that_has_a_port(live: Engine) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.bind(("127.0.0.1", 0))
        [row] = rows(live, "listening", made.getsockname()[1], protocol="udp")
    assert row["pid"] == os.getpid()


def test_established_has_both_ends_of_a_connection(live: Engine, pair: Pair) -> None:
    found = rows(live, "established", port=pair.port)
    assert {row["local_port"] for row in found} == {pair.port, pair.client.getsockname()[1]}
    assert {(row["pid"], row["peer_pid"], row["direction"]) for row in found} == {(os.getpid(), os.getpid(), "local")}
    assert rows(live, "established", port=pair.port, address="127.0.0.1", process=found[0]["process"]) == found
    assert rows(live, "established", port=pair.port, address="127.0.0.2") == []


def test_who_has_tells_the_child_that_has_a_port(live: Engine, child: Callable[..., Child]) -> None:
    made = child("s = socket.create_server(('127.0.0.1', 0)); tell(s.getsockname()[1])")
    [row] = rows(live, "who-has", made.told)
    assert (row["pid"], row["state"], row["owners"]) == (made.pid, "LISTEN", 1)
    assert "socket.create_server" in row["command"]
    assert rows(live, "who-has", made.told, "udp") == []


def test_who_has_tells_listeners_before_connections(live: Engine, pair: Pair) -> None:
    assert [row["state"] for row in rows(live, "who-has", pair.port)] == ["LISTEN", "ESTABLISHED"]


def test_tree_has_a_process_below_its_parents_and_above_its_children(live: Engine, child: Callable[..., Child]) -> None:
    made = child("import subprocess; p = subprocess.Popen(['sleep', '300']); tell(p.pid)")
    found = {row["pid"]: row for row in rows(live, "tree", made.pid)}
    try:
        assert [found[pid]["relation"] for pid in (os.getpid(), made.pid, made.told)] == ["ancestor", "itself", "descendant"]
        order = list(found)
        assert order.index(os.getpid()) < order.index(made.pid) < order.index(made.told)
        depth = [len(row["process"]) - len(row["process"].lstrip()) for row in found.values()]
        assert depth == [2 * number for number in range(len(depth))]
        everything = [row["pid"] for row in rows(live, "tree")]
        assert everything.index(os.getpid()) < everything.index(made.pid) < everything.index(made.told)
        assert len(everything) == len(set(everything))
    finally:
        os.kill(made.told, 9)


def test_tree_has_the_first_process_with_all_that_it_started_before_the_next(engine: Engine, fake: FakeRoot) -> None:
    for pid, parent in ((1, 0), (2, 0), (30, 1), (4, 30), (100, 2), (1000000, 1)):
        fake.process(pid, f"p{pid}", parent=parent)
    assert [row["process"] for row in rows(engine, "tree")] == ["p1", "  p30", "    p4", "  p1000000", "p2", "  p100"]


def test_talkers_tells_what_has_passed(live: Engine, pair: Pair) -> None:
    pair.client.sendall(b"x" * 5000)
    pair.server.recv(5000, socket.MSG_WAITALL)
    wanted = [("client", 1, 0, True), ("server", 1, 5000, False)]

    def look() -> list[tuple[Any, ...]]:
        found = of_port(rows(live, "talkers"), pair.port)
        return sorted((row["role"], row["connections"], row["received"] or 0, (row["sent"] or 0) >= 5000) for row in found)

    assert at_last(look, wanted) == wanted
    assert rows(live, "talkers", "no such name") == []


def test_deleted_has_a_removed_file_and_its_size(live: Engine, tmp_path: Path) -> None:
    path = tmp_path / "removed"
    with open(path, "wb") as file:
        file.write(b"x" * 12345)
        file.flush()
        path.unlink()
        [row] = [row for row in rows(live, "deleted") if row["path"].startswith(str(path))]
    assert (row["what"], row["size"]) == ("file", 12345)
    assert row["holders"].startswith(f"{os.getpid()} ")


def test_deleted_and_needs_restart_have_a_program_that_was_replaced(
    live: Engine, program: tuple[Path, subprocess.Popen[bytes]]
) -> None:
    path, process = program
    # Until exec is over it is this one.
    wanted = [(str(path),)]
    look = lambda: [(row["path"],) for row in live.query("SELECT path FROM processes WHERE pid = ?", (process.pid,))]  # noqa: E731
    assert at_last(look, wanted) == wanted

    def told(name: str) -> list[Row]:
        return [row for row in rows(live, name) if str(path) in (row.get("path") or row.get("replaced"))]

    assert told("deleted") == []
    assert told("needs-restart") == []
    path.unlink()
    [row] = told("deleted")
    assert (row["what"], row["how"], row["holders"].split()[0]) == ("program", "removed", str(process.pid))
    path.write_text("another")
    assert told("deleted")[0]["how"] == "replaced"
    [row] = told("needs-restart")
    assert (row["pid"], row["files"], row["replaced"]) == (process.pid, 1, str(path))


@pytest.mark.parametrize("name", ["top-memory", "top-cpu", "descriptors"])
def test_the_top_has_every_process_when_asked_for_many(live: Engine, name: str) -> None:
    assert os.getpid() in [row["pid"] for row in rows(live, name, 1000000)]
    assert len(rows(live, name, 1)) == 1


def test_the_top_is_sorted(live: Engine, child: Callable[..., Child]) -> None:
    made = child("x = b'x' * (200 << 20); tell(1)")
    sizes = {row["pid"]: row["resident_size"] for row in rows(live, "top-memory", 1000000)}
    assert sizes[made.pid] > 200 << 20
    assert list(sizes.values()) == sorted(sizes.values(), reverse=True)
    times = [row["cpu_time"] for row in rows(live, "top-cpu", 1000000) if row["cpu_time"] is not None]
    assert times == sorted(times, reverse=True)
    shares = [row["cpu_percent"] for row in rows(live, "top-cpu", 1000000, sort="percent") if row["cpu_percent"] is not None]
    assert shares == sorted(shares, reverse=True)


def test_descriptors_tells_who_is_near_the_limit(live: Engine, child: Callable[..., Child]) -> None:
    few = (20, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    made = child(
        "kept = [os.dup(0) for _ in range(10)]; tell(len(os.listdir('/proc/self/fd')) - 1)",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, few),
    )
    [row] = [row for row in rows(live, "descriptors", 1000000) if row["pid"] == made.pid]
    assert (row["fd_count"], row["open_files_limit"], row["use"]) == (made.told, 20, made.told / 20)


def test_open_files_has_files_and_sockets(live: Engine, pair: Pair, tmp_path: Path) -> None:
    with open(tmp_path / "open", "w") as file:
        found = {row["fd"]: row for row in rows(live, "open-files", os.getpid())}
        assert (found[file.fileno()]["type"], found[file.fileno()]["of"]) == ("file", str(tmp_path / "open"))
        assert found[pair.listener.fileno()]["of"] == f"tcp 127.0.0.1 {pair.port} LISTEN"
        near = pair.client.getsockname()[1]
        assert found[pair.client.fileno()]["of"] == f"tcp 127.0.0.1 {near} to 127.0.0.1 {pair.port} ESTABLISHED"
        only = rows(live, "open-files", os.getpid(), type="socket")
        assert {row["type"] for row in only} == {"socket"}
        assert pair.client.fileno() in [row["fd"] for row in only]


def test_sockets_of_a_process_are_all_of_them(live: Engine, child: Callable[..., Child]) -> None:
    made = child(
        "a = socket.create_server(('127.0.0.1', 0)); b, c = socket.socketpair(); "
        "d = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); d.bind(('127.0.0.1', 0)); "
        "tell([s.fileno() for s in (a, b, c, d)])"
    )
    found = {row["fd"]: row for row in rows(live, "sockets-of", made.pid)}
    assert sorted(found) == sorted(made.told)
    assert [found[fd]["protocol"] for fd in made.told] == ["tcp", "unix", "unix", "udp"]
    assert [found[fd]["peer_pid"] for fd in made.told[1:3]] == [made.pid] * 2


def test_who_is_at_the_other_end_of_a_connection_is_told_too(live: Engine, pair: Pair, child: Callable[..., Child]) -> None:
    made = child(f"a = socket.create_connection(('127.0.0.1', {pair.port})); tell(a.fileno())")
    with pair.listener.accept()[0] as mine, ExitStack() as kept:
        one, other = (kept.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in range(2))
        one.bind(("127.0.0.1", 0))
        other.connect(one.getsockname())
        one.connect(other.getsockname())
        for query in ("sockets-of", "open-files"):
            found = {row["fd"]: row["peer_pid"] for row in rows(live, query, os.getpid())}
            peers = [found[end.fileno()] for end in (mine, pair.client, one, pair.listener)]
            assert peers == [made.pid, os.getpid(), os.getpid(), None]
            [row] = [row for row in rows(live, query, made.pid) if row["fd"] == made.told]
            assert (row["peer_pid"], row["peer"]) == (os.getpid(), Path("/proc/self/comm").read_text().strip())


def test_wide_open_has_what_others_reach_and_not_the_loopback(live: Engine, pair: Pair) -> None:
    with socket.create_server(("0.0.0.0", 0)) as wide:
        found = rows(live, "wide-open")
        [row] = of_port(found, wide.getsockname()[1])
        assert (row["scope"], row["pid"]) == ("all", os.getpid())
        assert of_port(found, pair.port) == []
        assert of_port(rows(live, "wide-open", "address"), wide.getsockname()[1]) == []


def test_unix_peers_tells_both_ends_and_their_name(live: Engine, child: Callable[..., Child], tmp_path: Path) -> None:
    path = str(tmp_path / "meeting")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        made = child(f"s = socket.socket(socket.AF_UNIX); s.connect({path!r}); tell(1)")
        with listener.accept()[0]:
            [row] = rows(live, "unix-peers", path)
            assert {row["pid"], row["peer_pid"]} == {os.getpid(), made.pid}
            assert (row["connections"], row["path"]) == (1, path)
            assert row in rows(live, "unix-peers", pid=made.pid)


def test_containers_counts_the_processes_of_each(engine: Engine, fake: FakeRoot) -> None:
    name = "ab12" * 16
    for pid in (10, 11, 12):
        fake.process(pid)
    for pid in (10, 11):
        fake.write(f"proc/{pid}/cgroup", f"0::/docker/{name}\n")
    [row] = rows(engine, "containers")
    assert (row["name"], row["runtime"], row["processes"], row["connections"]) == (name, "docker", 2, 0)
    assert row["resident_size"] > 0


def test_containers_counts_ports_and_connections_of_a_control_group(live: Engine, pair: Pair) -> None:
    [own] = live.query("SELECT cgroup_path FROM processes WHERE pid = ?", (os.getpid(),))
    [row] = [row for row in rows(live, "containers", by="cgroup") if row["name"] == own["cgroup_path"]]
    assert str(pair.port) in row["ports"].split(",")
    assert row["connections"] >= 2


def test_free_ports_can_be_had(live: Engine) -> None:
    found = rows(live, "ports-free", 3, low=20000, high=29999)
    assert len(found) == 3
    assert all(20000 <= row["port"] <= 29999 and row["protocol"] == "tcp" for row in found)
    taken = [row["port"] for row in live.query("SELECT DISTINCT local_port AS port FROM sockets WHERE protocol = 'tcp'")]
    assert not {row["port"] for row in found} & set(taken)


def test_conflicts_tells_who_is_in_the_way(live: Engine, pair: Pair) -> None:
    found = rows(live, "conflicts", pair.port)
    assert found[0]["verdict"].startswith("blocks")
    assert os.getpid() in [row["pid"] for row in found]
    [free] = rows(live, "ports-free", 1, low=20000)
    assert not [row for row in rows(live, "conflicts", free["port"]) if row["verdict"].startswith("blocks")]
    assert rows(live, "conflicts", pair.port, "udp") != found
    assert not [row for row in rows(live, "conflicts", pair.port, address="127.0.0.2") if row["verdict"].startswith("blocks")]


def test_backlog_counts_who_waits(live: Engine) -> None:
    with ExitStack() as kept:
        listener = kept.enter_context(socket.create_server(("127.0.0.1", 0), backlog=8))
        address = listener.getsockname()
        for _ in range(2):
            kept.enter_context(socket.create_connection(address))
        look = lambda: [(row["backlog"], row["backlog_limit"]) for row in of_port(rows(live, "backlog"), address[1])]  # noqa: E731
        assert at_last(look, [(2, 8)]) == [(2, 8)]
        assert of_port(rows(live, "backlog", "0.2"), address[1])
        assert not of_port(rows(live, "backlog", "0.9"), address[1])


def test_close_wait_has_who_forgets_to_close(live: Engine, pair: Pair) -> None:
    pair.client.close()

    def look() -> list[tuple[Any, ...]]:
        return [(row["pid"], row["connections"]) for row in of_port(rows(live, "close-wait"), pair.port, "local_port")]

    assert at_last(look, [(os.getpid(), 1)]) == [(os.getpid(), 1)]


def test_time_wait_tells_the_listener_where_connections_came_in(live: Engine, pair: Pair) -> None:
    [own] = live.query("SELECT name FROM processes WHERE pid = ?", (os.getpid(),))
    # The end that closes first waits.
    pair.server.close()
    pair.client.recv(1)
    pair.client.close()

    def look() -> list[tuple[Any, ...]]:
        found = of_port(rows(live, "time-wait"), pair.port, "port_here")
        return [(row["listener"], row["connections"], row["port_there"]) for row in found]

    assert at_last(look, [(own["name"], 1, None)]) == [(own["name"], 1, None)]


def test_time_wait_tells_the_destination_where_connections_went_out(live: Engine, pair: Pair) -> None:
    pair.client.close()
    pair.server.recv(1)
    pair.server.close()

    def look() -> list[tuple[Any, ...]]:
        found = of_port(rows(live, "time-wait"), pair.port, "port_there")
        return [(row["listener"], row["connections"], row["port_here"]) for row in found]

    assert at_last(look, [(None, 1, None)]) == [(None, 1, None)]


def test_slow_has_a_connection_whose_other_end_does_not_read(live: Engine, pair: Pair) -> None:
    pair.client.setblocking(False)
    with suppress(BlockingIOError):
        while True:
            pair.client.send(b"x" * 65536)
    [row] = of_port(rows(live, "slow"), pair.port, "remote_port")
    assert row["pid"] == os.getpid()
    assert row["send_queue"] > 0
    assert rows(live, "slow", "1e9") != []


@pytest.mark.root
def test_sniffers_has_a_packet_and_a_raw_socket(live: Engine, child: Callable[..., Child]) -> None:
    made = child(
        "try: kept = (socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)),"
        " socket.socket(socket.AF_INET, socket.SOCK_RAW, 255))\n"
        "except PermissionError: cannot('raw sockets are not permitted')\n"
        "tell(1)"
    )
    found = [row for row in rows(live, "sniffers") if row["pid"] == made.pid]
    assert [row["protocol"] for row in found] == ["packet", "raw"]
    assert found[0]["subprotocol"] == "all"


def test_who_uses_has_files_and_directories_below_a_path(live: Engine, child: Callable[..., Child], tmp_path: Path) -> None:
    (tmp_path / "place").mkdir()
    made = child(f"os.chdir({str(tmp_path / 'place')!r}); f = open('file', 'w'); tell(f.fileno())")
    found = {row["path"]: row for row in rows(live, "who-uses", f"{tmp_path}/") if row["pid"] == made.pid}
    assert found[f"{tmp_path}/place"]["how"] == "cwd"
    assert found[f"{tmp_path}/place/file"]["how"] == str(made.told)
    assert rows(live, "who-uses", f"{tmp_path}/pla") == []


def test_namespaces_has_the_one_that_is_looked_from(live: Engine, pair: Pair) -> None:
    first = rows(live, "namespaces")[0]
    assert first["mine"] == 1
    assert first["tcp_listeners"] >= 1
    assert first["sockets"] >= 3


def test_environment_has_what_a_process_was_started_with(live: Engine, child: Callable[..., Child]) -> None:
    made = child("tell(1)", env={**os.environ, "SQLPORTS_TEST": "value"})
    assert {"name": "SQLPORTS_TEST", "value": "value"} in rows(live, "environment", made.pid)
    assert rows(live, "environment", made.pid, "ports_t") == [{"name": "SQLPORTS_TEST", "value": "value"}]


def test_zombies_has_a_process_that_nobody_has_waited_for(live: Engine, child: Callable[..., Child]) -> None:
    made = child("pid = os.fork()\nif not pid: os._exit(0)\nos.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)\ntell(pid)")
    [row] = [row for row in rows(live, "zombies") if row["pid"] == made.told]
    assert row["parent"] == made.pid
    assert "os.fork" in row["parent_command"]

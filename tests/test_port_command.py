"""`sqlports port`: all there is to say about a port, on a page for people."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from sqlports import Engine
from sqlports.commands import port_report, port_text

from .conftest import FakeRoot, command

CONTAINER = "7d1a" * 16
BOTH = ("tcp", "udp")


def page(engine: Engine, port: int, protocols: tuple[str, ...] = BOTH, columns: int | None = None) -> str:
    return port_text.page(port_report.facts(engine, port, protocols), columns)


def said(text: str) -> str:
    """A page as one line, whatever its breaks."""
    return " ".join(text.split())


def test_of_a_port_that_nobody_has_it_tells_what_it_is_for_and_that_it_is_free(engine: Engine) -> None:
    text = page(engine, 5432)
    assert "registered  postgresql: PostgreSQL Database" in text
    assert "commonly    PostgreSQL" in text
    assert "nobody      waits there for others" in text
    assert re.search(r"Can it be had\?\n  tcp         yes, on every address\n  udp         yes, on every address\n", text)


def test_port_0_is_none_that_could_be_had(engine: Engine) -> None:
    text = said(page(engine, 0, ("tcp",)))
    assert text.endswith("Can it be had? tcp no: who asks for port 0 is given one that is free")


def test_of_a_port_that_is_held_it_tells_by_whom_since_when_and_what_would_help(fake: FakeRoot, engine: Engine) -> None:
    fake.process(1, "systemd", parent=0, start=1)
    fake.process(40, "bash", parent=1, start=50)
    fake.process(
        42, "postgres", parent=40, uid=1000, argv=b"postgres\0-D\0/data\0", exe="/usr/bin/postgres", fds={5: "socket:[77]"}
    )
    fake.process(43, "postgres", parent=42, uid=1000, fds={5: "socket:[77]"}, start=300)
    fake.write("proc/42/cgroup", "0::/system.slice/postgresql.service\n")
    fake.net("tcp", "0100007F:1538 00000000:0000 0A 77 1000", "0100007F:1538 0100007F:8001 01 78 1000")
    text = said(page(engine, 5432, ("tcp",)))
    for part in (
        "tcp 127.0.0.1 LISTEN, for this machine only",
        "process postgres, pid 42, user ann, since 2023-11-1",
        "command postgres -D /data",
        "executable /usr/bin/postgres",
        "unit postgresql.service",
        "started by bash (40) ← systemd (1)",
        "shared with postgres (43)",
        "1 ESTABLISHED from 127.0.0.1:32769",
        "; what is taken is 127.0.0.1",
    ):
        assert part in text, text
    assert "unexpected" not in text


def test_of_a_container_it_tells_which(fake: FakeRoot, engine: Engine) -> None:
    fake.process(42, "nginx", fds={5: "socket:[77]"})
    fake.write("proc/42/cgroup", f"0::/system.slice/docker-{CONTAINER}.scope\n")
    fake.net("tcp", "00000000:0050 00000000:0000 0A 77")
    text = page(engine, 80, ("tcp",))
    assert f"container   {CONTAINER} (docker)" in text
    assert "open to every network" in text


def test_another_program_than_is_known_to_use_a_port_is_pointed_out(fake: FakeRoot, engine: Engine) -> None:
    fake.process(42, "sshd", exe="/usr/bin/python3.11", fds={5: "socket:[77]"})
    fake.net("tcp", "00000000:0016 00000000:0000 0A 77")
    assert "unexpected  none of those known for it: sshd, dropbear, " in page(engine, 22, ("tcp",))


def test_of_a_port_in_time_wait_it_tells_that_only_that_blocks_it(fake: FakeRoot, engine: Engine) -> None:
    fake.net("tcp", "0100007F:1F90 0100007F:C001 06 0")
    text = said(page(engine, 8080, ("tcp",)))
    assert "nobody waits there for others; but a connection has the port, see below" in text
    assert "1 TIME_WAIT with 127.0.0.1:49153" in text
    assert (
        "not unless who has it and who wants it both set SO_REUSEADDR; what is taken is 127.0.0.1; in a minute at most" in text
    )


def test_what_a_process_calls_itself_cannot_break_the_page(fake: FakeRoot, engine: Engine) -> None:
    fake.process(42, b"\x1b[2Jx\n\xff", argv=b"a\0\x1b]0;title\x07\nHeld by\0\xff", fds={5: "socket:[77]"})
    fake.net("tcp", "00000000:1F90 00000000:0000 0A 77")
    for columns in (None, 100, 20, 1):
        text = page(engine, 8080, ("tcp",), columns)
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", text)
        assert len(re.findall(r"^Held by$", text, re.MULTILINE)) == 1


def test_lines_fit_the_terminal(fake: FakeRoot, engine: Engine) -> None:
    fake.process(42, "postgres", argv=b"postgres\0" + b"option\0" * 50, fds={5: "socket:[77]"})
    fake.net("tcp", "00000000:1538 00000000:0000 0A 77")
    assert max(map(len, page(engine, 5432, BOTH, 80).splitlines())) < 80


def test_megabytes_of_arguments_leave_the_rest_of_the_page_in_sight(fake: FakeRoot, engine: Engine) -> None:
    fake.process(42, "postgres", argv=b"postgres\0" + b"word" * 30000 + b"\0x" * 30000, fds={5: "socket:[77]"})
    fake.net("tcp", "00000000:1538 00000000:0000 0A 77")
    assert len(page(engine, 5432, BOTH, 80).splitlines()) < 50


def test_a_thousand_clients_take_a_line(fake: FakeRoot, engine: Engine) -> None:
    fake.process(42, "postgres", fds={5: "socket:[77]"})
    clients = (f"0100007F:1538 0100007F:{port:04X} 01 {port}" for port in range(30000, 31000))
    fake.net("tcp", "0100007F:1538 00000000:0000 0A 77", *clients)
    text = page(engine, 5432, ("tcp",), 100)
    assert "1000 ESTABLISHED from 127.0.0.1:30000, " in said(text)
    assert len(text.splitlines()) < 40


def test_where_sockets_cannot_be_listed_nobody_is_not_said_to_hold_a_port(fake: FakeRoot) -> None:
    for name in ("tcp", "tcp6"):
        (fake.path / "proc/net" / name).unlink()
    with Engine(root=str(fake.path)) as engine:
        text = page(engine, 2222)
    assert "Held by\n  tcp         not known: the sockets could not be listed\n" in text
    assert "nobody" not in text
    assert re.search(r"\n  tcp         that cannot be told from here\n\s+- socket: Who has the port is not known", text)
    assert "  udp         yes, on every address\n" in text


def test_a_thousand_sockets_of_one_holder_take_few_lines_and_it_is_looked_into_once(fake: FakeRoot, engine: Engine) -> None:
    fake.process(42, "dns", fds=dict.fromkeys(range(3), "socket:[1]") | {n: f"socket:[{n}]" for n in range(100, 1100)})
    alike = (f"0100007F:0035 00000000:0000 0A {n}" for n in range(100, 600))
    each = (f"{n % 256:02X}{n // 256:02X}007F:0035 00000000:0000 0A {n}" for n in range(600, 1100))
    fake.net("tcp", *alike, *each)
    facts = port_report.facts(engine, 53, ("tcp",))
    assert len({id(row["process"]) for row in facts["held"]}) == 1
    lines = port_text.page(facts, None).splitlines()
    assert any(line.startswith("  tcp         127.0.0.1 LISTEN") and line.endswith(" (500 times)") for line in lines)
    assert "              and 489 more" in lines
    assert len(lines) < 40


def test_a_thousand_rpc_programs_on_a_port_take_a_line(engine: Engine) -> None:
    facts = port_report.facts(engine, 2049, BOTH)
    facts["rpc"] = [{"protocol": "tcp", "service": "nfs", "program": 100003}]
    facts["rpc"] += [{"protocol": "udp", "service": None, "program": number} for number in range(1000)]
    text = port_text.page(facts, 200)
    assert "rpcbind     nfs (100003) over TCP\n" in text
    assert "rpcbind     program (0), program (1), " in text
    assert "and 995 more over UDP\n" in text


@pytest.mark.parametrize(
    ("word", "ports"),
    [
        ("80", [(80, ("tcp", "udp"))]),
        ("80/UDP", [(80, ("udp",))]),
        ("0", [(0, ("tcp", "udp"))]),
        ("https/tcp", [(443, ("tcp",))]),
        ("WWW", [(80, ("tcp", "udp"))]),
        ("ours", [(7, ("tcp",))]),
    ],
)
def test_a_port_is_named_by_its_number_or_its_service(fake: FakeRoot, engine: Engine, word: str, ports: Any) -> None:
    fake.write("etc/services", "ours 7/tcp\n")
    assert port_report.wanted(engine, [word]) == ports


@pytest.mark.parametrize(
    ("arguments", "status", "why"),
    [
        ((), 2, "which port?"),
        (("80", "--csv"), 2, "there is no --csv of it"),
        (("65536",), 1, "65536 is no port"),
        (("-f", "x"), 2, None),
        (("postgresq",), 1, "did you mean postgresql?"),
        (("80/icmp",), 1, "no protocol with ports is called 'icmp'"),
        (("",), 1, "no port is called ''"),
        (("80;DROP",), 1, "no port is called '80;DROP'"),
        (("\uff19",), 1, "no port is called"),
        (("\udcff",), 1, "no port is called"),
    ],
)
def test_what_is_no_port_is_refused_with_a_word_of_help(arguments: tuple[str, ...], status: int, why: str | None) -> None:
    done = command("port", *arguments)
    assert done.returncode == status
    assert done.stdout == ""
    assert why is None or why in done.stderr


@pytest.mark.linux
def test_the_command_tells_of_a_real_listener_for_people_and_for_programs(child: Callable[..., Any]) -> None:
    code = "s = socket.create_server(('127.0.0.1', 0)); tell({'port': s.getsockname()[1], 'pid': os.getpid()})"
    made = child(code).told
    for_people = command("port", str(made["port"]))
    assert for_people.returncode == 0
    assert f"pid {made['pid']}" in for_people.stdout
    assert "for this machine only, the kernel chose the port" in said(for_people.stdout)
    [facts] = json.loads(command("port", f"{made['port']}/tcp", "--json").stdout)
    [held] = facts["held"]
    assert (held["pid"], held["scope"], facts["protocols"]) == (made["pid"], "loopback", ["tcp"])
    # A client of some other process may have the port, on another address.
    [verdict] = [row["verdict"] for row in facts["conflicts"] if row["pid"] == made["pid"]]
    assert verdict == "blocks unless both set SO_REUSEPORT"


@pytest.mark.linux
def test_a_port_that_only_a_clients_connection_has_is_told_as_such(child: Callable[..., Any]) -> None:
    made = child(
        "s = socket.create_server(('127.0.0.1', 0)); c = socket.create_connection(s.getsockname()); d = s.accept();"
        "tell({'port': c.getsockname()[1], 'server': s.getsockname()[1], 'pid': os.getpid()})"
    ).told
    text = said(command("port", f"{made['port']}/tcp").stdout)
    assert "nobody waits there for others; but a connection has the port, see below" in text
    assert re.search(r"1 ESTABLISHED by \S+ \(\d+\) to ", text)
    assert f"127.0.0.1:{made['server']}" in text
    assert re.search(r"Can it be had\? tcp not unless who has it and who wants it both set SO_REUSEADDR", text)


@pytest.mark.linux
@pytest.mark.root
def test_a_listener_in_another_network_namespace_is_there_and_does_not_block_here(child: Callable[..., Any]) -> None:
    made = child("n = new_network(); s = socket.create_server(('', 4)); tell({'namespace': n})").told
    text = said(command("port", "4/tcp").stdout)
    assert f"in another network namespace, {made['namespace']}" in text
    assert "Can it be had? tcp yes, on every address; it is another network namespace where it is held" in text

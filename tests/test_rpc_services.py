"""What is registered with rpcbind: its answers on literal bytes, real ones, and those of a server that means ill."""

from __future__ import annotations

import re
import shutil
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sqlports import Engine
from sqlports.ports import rpc_programs
from sqlports.sources import rpc_messages, rpcbind
from sqlports.sources.records import Unsupported
from sqlports.sources.rpc_messages import MANY, NotSpoken, registrations

from .conftest import own


def words(*numbers: int) -> bytes:
    return struct.pack(f">{len(numbers)}I", *numbers)


def opaque(data: bytes) -> bytes:
    return words(len(data)) + data + bytes(-len(data) % 4)


def reply(version: int, *elements: bytes, status: int = 0, end: bytes = words(0)) -> bytes:
    """An accepted reply, with a list of these."""
    return words(version, 1, 0, 0, 0, status) + b"".join(words(1) + element for element in elements) + end


def binding(program: int, version: int, netid: bytes, address: bytes, owner: bytes = b"superuser") -> bytes:
    return words(program, version) + opaque(netid) + opaque(address) + opaque(owner)


def record(message: bytes, size: int = 1 << 20) -> bytes:
    """A message in fragments of this size."""
    parts = [message[at : at + size] for at in range(0, len(message), size)]
    marks = [len(part) | (0x80000000 if at == len(parts) - 1 else 0) for at, part in enumerate(parts)]
    return b"".join(words(mark) + part for mark, part in zip(marks, parts, strict=True))


ANSWER = reply(
    4,
    binding(100003, 4, b"tcp", b"0.0.0.0.8.1"),
    binding(100003, 4, b"tcp6", b"::.8.1"),
    binding(100000, 4, b"local", b"/run/rpcbind.sock", b"0"),
)


def test_registrations_of_version_4() -> None:
    assert registrations(ANSWER, 4) == [
        (100003, 4, "tcp", "0.0.0.0.8.1", "superuser", "tcp", "ipv4", "0.0.0.0", 2049),
        (100003, 4, "tcp6", "::.8.1", "superuser", "tcp", "ipv6", "::", 2049),
        (100000, 4, "local", "/run/rpcbind.sock", "0", "unix", "unix", "/run/rpcbind.sock", None),
    ]


def test_registrations_of_version_2_tell_less() -> None:
    assert registrations(reply(2, words(100003, 3, 17, 2049), words(7, 1, 99, 70000)), 2) == [
        (100003, 3, None, None, None, "udp", "ipv4", None, 2049),
        (7, 1, None, None, None, None, "ipv4", None, None),
    ]


@pytest.mark.parametrize(
    ("netid", "address", "expected"),
    [
        (b"udp", b"127.0.0.1.255.255", ("udp", "ipv4", "127.0.0.1", 65535)),
        (b"udp6", b"fe80:0:0:0:0:0:0:1.0.111", ("udp", "ipv6", "fe80::1", 111)),
        (b"udp", b"127.0.0.1.256.0", ("udp", "ipv4", None, None)),
        (b"udp", b"127.0.0.1.0.256", ("udp", "ipv4", None, None)),
        (b"udp", b"127.0.0.1.-1.0", ("udp", "ipv4", None, None)),
        (b"udp", b"127.0.0.1.0." + b"9" * 5000, ("udp", "ipv4", None, None)),
        (b"udp", "127.0.0.1.0.²".encode(), ("udp", "ipv4", None, None)),
        (b"udp", b"127.0.0.1", ("udp", "ipv4", None, None)),
        (b"udp", b"", ("udp", "ipv4", None, None)),
        (b"udp", b"\0.0.111", ("udp", "ipv4", None, None)),
        (b"udp", b"::1.0.111", ("udp", "ipv4", None, None)),
        (b"pigeon", b"127.0.0.1.0.111", (None, None, None, None)),
    ],
)
def test_a_place_that_is_none_is_not_guessed(netid: bytes, address: bytes, expected: tuple[Any, ...]) -> None:
    [found] = registrations(reply(4, binding(1, 1, netid, address)), 4)
    assert found[5:] == expected


def test_what_is_no_text_is_kept_visibly() -> None:
    [found] = registrations(reply(4, binding(1, 1, b"t\xff", b"\x1b", b"\xc3")), 4)
    assert found[2:5] == ("t\\xff", "\x1b", "\\xc3")


def test_an_answer_that_ends_anywhere_too_early_is_refused() -> None:
    for end in range(len(ANSWER)):
        with pytest.raises(ValueError, match="too early"):
            registrations(ANSWER[:end], 4)


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (reply(5), "no question of ours"),
        (words(4, 0) + reply(4)[8:], "no question of ours"),
        (words(4, 1, 1, 0, 2, 2), "denies"),
        (reply(4, status=5), "status 5"),
        (reply(4, end=words(2)), "goes on with 2"),
        (words(4, 1, 0, 0, 401), "401 bytes"),
        (reply(4, words(1, 1, 0xFFFFFFFF)), "4294967295 bytes"),
    ],
    ids=["another question's", "a call", "denied", "failed", "no list", "a long verifier", "a long text"],
)
def test_an_answer_that_is_none_is_refused(message: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        registrations(message, 4)


def test_more_registrations_than_anybody_has_are_refused() -> None:
    one = words(1, 1, 6, 1)
    assert len(registrations(reply(2, *[one] * MANY), 2)) == MANY
    with pytest.raises(ValueError, match=f"more than {MANY}"):
        registrations(reply(2, *[one] * (MANY + 1)), 2)


@pytest.mark.parametrize("status", [1, 2, 3])
def test_a_version_that_is_not_spoken_is_no_failure(status: int) -> None:
    with pytest.raises(NotSpoken):
        registrations(reply(4, status=status), 4)


def test_the_names_of_programs() -> None:
    text = "# names\nnfs\t100003 nfsprog # NFS\n\nbad\nx -1\ny \u00b2\nz 99999999999\nportmapper 100000\n"
    assert rpc_programs.parse(text) == [(100003, "nfs"), (100000, "portmapper")]


Behaviour = Callable[[socket.socket, int], None]


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Behaviour], None]]:
    """Has a server of our own answer in rpcbind's place. It is given the connection, and the version that is asked for."""
    over = threading.Event()
    servers: list[tuple[socket.socket, threading.Thread]] = []

    def serve(behave: Behaviour) -> None:
        path = tmp_path / "sock"
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
        listener.listen()

        def run() -> None:
            try:
                connection = listener.accept()[0]
                with connection:
                    while not over.is_set() and len(asked := connection.recv(44, socket.MSG_WAITALL)) == 44:
                        behave(connection, int.from_bytes(asked[4:8], "big"))
            except OSError:
                pass  # whom it serves has gone

        thread = threading.Thread(target=run)
        thread.start()
        servers.append((listener, thread))
        monkeypatch.setattr(rpcbind, "PATHS", (str(path),))

    yield serve
    over.set()
    for listener, thread in servers:
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
        listener.close()


needs_unix = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="needs unix sockets")


@needs_unix
@pytest.mark.parametrize("size", [1, 7, 1 << 20])
def test_an_answer_is_put_together_from_its_fragments(size: int, served: Callable[[Behaviour], None], live: Engine) -> None:
    served(lambda connection, version: connection.sendall(record(ANSWER, size)))
    sql = "SELECT service, protocol, family, address, port, owner FROM rpc_services"
    assert own(live, sql) == [
        ("nfs", "tcp", "ipv4", "0.0.0.0", 2049, "superuser"),
        ("nfs", "tcp", "ipv6", "::", 2049, "superuser"),
        ("portmapper", "unix", "unix", "/run/rpcbind.sock", None, "0"),
    ]


@needs_unix
def test_an_old_one_is_asked_in_an_older_version(served: Callable[[Behaviour], None], live: Engine) -> None:
    def behave(connection: socket.socket, version: int) -> None:
        old = version == 2
        connection.sendall(record(reply(2, words(100021, 4, 6, 35000)) if old else reply(version, status=2, end=words(2, 2))))

    served(behave)
    sql = "SELECT service, version, protocol, family, address, port, owner, netid FROM rpc_services"
    assert own(live, sql) == [("nlockmgr", 4, "tcp", "ipv4", None, 35000, None, None)]


def drip(connection: socket.socket, version: int) -> None:
    for _ in range(1000):
        connection.sendall(b"\0")
        time.sleep(0.01)


def endless(connection: socket.socket, version: int) -> None:
    while True:
        connection.sendall(words(0x10000) + bytes(0x10000))


def empty(connection: socket.socket, version: int) -> None:
    while True:
        connection.sendall(words(0) * 1000)


@needs_unix
@pytest.mark.parametrize(
    ("behave", "why"),
    [
        (lambda connection, version: None, "did not answer within"),
        (drip, "did not answer within"),
        (endless, "longer than"),
        (empty, "did not answer within|longer than"),
        (lambda connection, version: connection.sendall(words(0xFFFFFFFF)), "longer than"),
        (lambda connection, version: connection.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n"), "longer than"),
        (lambda connection, version: connection.sendall(record(b"\xff" * 40)), "to no question of ours"),
        (lambda connection, version: connection.sendall(record(ANSWER[:-4])), "too early"),
        (lambda connection, version: connection.sendall(record(reply(version, status=1))), "speaks no version"),
        (lambda connection, version: connection.shutdown(socket.SHUT_RDWR), "hangs up"),
    ],
    ids=["silent", "drop by drop", "endless", "of nothing", "long", "HTTP", "garbage", "cut off", "other", "hangs up"],
)
def test_what_answers_badly_gives_no_rows_and_is_counted(
    behave: Behaviour, why: str, served: Callable[[Behaviour], None], live: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "within" in why:
        monkeypatch.setattr(rpcbind, "PATIENCE", 0.2)
    served(behave)
    with live.snapshot():
        assert own(live, "SELECT * FROM rpc_services") == []
        [(reason, count)] = own(live, "SELECT reason, count FROM scan_errors WHERE source = 'rpcbind'")
    assert re.search(why, reason), reason
    assert count == 1


@needs_unix
def test_where_none_answers_there_are_no_rows_and_that_is_told(
    tmp_path: Path, live: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as bound:
        # A port where nobody listens, and nobody else can.
        bound.bind(("127.0.0.1", 0))
        monkeypatch.setattr(rpcbind, "PORT", bound.getsockname()[1])
        stale = tmp_path / "stale"
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(str(stale))
        monkeypatch.setattr(rpcbind, "PATHS", (str(tmp_path / "none"), str(stale)))
        with live.snapshot():
            assert own(live, "SELECT * FROM rpc_services") == []
            [(reason,)] = own(live, "SELECT reason FROM scan_errors WHERE source = 'rpcbind'")
    assert "none answers" in reason


def test_of_another_system_nobody_is_asked(engine: Engine) -> None:
    with engine.snapshot():
        assert own(engine, "SELECT * FROM rpc_services") == []
        assert own(engine, "SELECT source, count FROM scan_errors") == [("rpcbind", 1)]


def test_the_question_is_asked_once_in_a_look(monkeypatch: pytest.MonkeyPatch, live: Engine) -> None:
    asked = []

    def read(root: str) -> list[Any]:
        asked.append(root)
        raise Unsupported(rpcbind.SOURCE, "not here")

    monkeypatch.setattr(rpcbind, "read", read)
    own(live, "SELECT * FROM rpc_services a JOIN rpc_services b USING (program) JOIN rpc_services c USING (port)")
    assert asked == ["/"]


# RFC 1833: procedure 1 of version 4 registers; over its unix socket rpcbind knows who asks.
REGISTER = """
import ctypes, shutil, struct, subprocess
from sqlports import Engine

network = new_network()
libc = ctypes.CDLL(None)
# The tests' own mounts are not to see what is mounted here.
if libc.mount(None, b'/', None, 0x44000, None) or libc.mount(b'none', b'/run', b'tmpfs', 0, None): cannot('no mounts here')
server = subprocess.Popen(['rpcbind', '-f'], stdin=subprocess.PIPE)
libc.prctl(1, 15)
deadline = time.monotonic() + 10
while True:
    connection = socket.socket(socket.AF_UNIX)
    try: connection.connect('/run/rpcbind.sock')
    except OSError:
        if server.poll() is not None or time.monotonic() > deadline: cannot('rpcbind does not start')
        time.sleep(0.05)
    else: break

def opaque(data): return struct.pack('>I', len(data)) + data + bytes(-len(data) % 4)
def register(program, netid, address):
    message = struct.pack('>10I', 1, 0, 2, 100000, 4, 1, 0, 0, 0, 0) + struct.pack('>2I', program, 3)
    message += opaque(netid) + opaque(address) + opaque(b'')
    connection.sendall(struct.pack('>I', 0x80000000 | len(message)) + message)
    return connection.recv(1000)[-4:] == bytes((0, 0, 0, 1))

s = socket.create_server(('127.0.0.1', 2049))
made = register(100003, b'tcp', b'127.0.0.1.8.1') and register(0x20000001, b'tcp', b'127.0.0.1.8.1')

def ask(sql): return [tuple(row.values()) for row in Engine().query(sql)]
def look():
    return [
        ask('SELECT service, version, protocol, family, address, port, owner FROM rpc_services WHERE port = 2049'),
        ask("SELECT DISTINCT protocol, port FROM rpc_services WHERE service = 'portmapper' AND port > 0 ORDER BY 1"),
        ask("SELECT r.program, s.pid FROM rpc_services r JOIN sockets s USING (protocol, family, port) WHERE port = 2049"
            f" AND s.net_namespace = {network} ORDER BY 1"),
    ]

by_path = look()
os.unlink('/run/rpcbind.sock')
tell([made, by_path, look(), os.getpid(), ask('SELECT * FROM sockets WHERE state = \\'TIME_WAIT\\' AND remote_port = 111')])
server.kill(); server.wait()
"""


@pytest.mark.linux
@pytest.mark.root
def test_the_real_rpcbind_tells_what_is_registered(child: Callable[..., Any]) -> None:
    if not shutil.which("rpcbind"):
        pytest.skip("rpcbind is not installed")
    made, by_path, by_port, pid, waiting = child(REGISTER, within=("unshare", "--mount")).told
    assert made
    [registered, own_ports, joined] = by_path
    assert registered == [
        ["nfs", 3, "tcp", "ipv4", "127.0.0.1", 2049, "superuser"],
        [None, 3, "tcp", "ipv4", "127.0.0.1", 2049, "superuser"],
    ]
    assert own_ports == [["tcp", 111], ["udp", 111]]
    assert joined == [[100003, pid], [0x20000001, pid]]
    # Without its unix socket it is asked by the port, and the question leaves nothing behind.
    assert by_port == by_path
    assert waiting == []


def test_a_question_has_the_form_that_rfc_5531_gives_it() -> None:
    asked = rpc_messages.call(4)
    assert asked == words(0x80000000 | 40, 4, 0, 2, 100000, 4, 4, 0, 0, 0, 0)

"""The views that find ports at risk: each finds the thing that is made for it, and not what is like it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

import pytest

from sqlports import Engine

from .conftest import as_nobody, at_last, own
from .test_port_ranges import NARROW

pytestmark = pytest.mark.linux

LISTENERS = """
def bound(port, kind=socket.SOCK_STREAM, host='127.0.0.1'):
    s = socket.socket(socket.AF_INET, kind); s.bind((host, port)); return s

asked = socket.create_server(('127.0.0.1', 32769))
reserved = socket.create_server(('127.0.0.1', 32770))
outside = socket.create_server(('127.0.0.1', 8080))
chosen = socket.create_server(('127.0.0.1', 0))
datagrams = bound(32771, socket.SOCK_DGRAM)
no_more = bound(32772)
# Clients: what is connected, and what waits for answers on a port that the kernel chose.
client = socket.create_connection(asked.getsockname())
resolver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); resolver.sendto(b'?', ('127.0.0.1', 53))
bind_first = bound(0)
tell([network, chosen.getsockname()[1], [inode(s) for s in (asked, datagrams, no_more)]])
"""


@pytest.mark.root
def test_services_on_ports_that_the_kernel_hands_out_are_found_and_clients_are_not(
    live: Engine, child: Callable[..., Any]
) -> None:
    holder = child(NARROW + LISTENERS)
    network, chosen, _ = holder.told
    sql = (
        "SELECT protocol, state, address, port, autobound, low, high, pid, name = 'python' OR name GLOB 'python*', owner_reason"
        " FROM ephemeral_listeners WHERE net_namespace = ? ORDER BY autobound, port"
    )
    common = (32768, 32777, holder.pid, 1, "owned")
    assert own(live, sql, network) == [
        ("tcp", "LISTEN", "127.0.0.1", 32769, 0, *common),
        ("udp", "UNCONNECTED", "127.0.0.1", 32771, 0, *common),
        ("tcp", "BOUND", "127.0.0.1", 32772, 0, *common),
        ("tcp", "LISTEN", "127.0.0.1", chosen, 1, *common),
    ]
    assert own(live, "SELECT port FROM ephemeral_listeners WHERE net_namespace = ? AND port = 32769", network) == [(32769,)]


@pytest.mark.root
def test_a_listener_whose_range_is_not_told_is_left_out_and_that_is_told(child: Callable[..., Any]) -> None:
    holder = child(NARROW + LISTENERS)

    def look() -> list[Any]:
        with Engine() as engine, engine.snapshot():
            found = own(engine, "SELECT inode FROM ephemeral_listeners")
            return [found, own(engine, "SELECT pid FROM scan_errors WHERE source = 'port ranges'")]

    found, refused = as_nobody(look, lambda: Engine().close())
    assert not {inode for [inode] in found} & set(holder.told[2])
    assert [holder.pid] in refused


EVERY_OTHER = """
setting('ip_local_reserved_ports', ','.join(map(str, range(32769, 65536, 2))))
setting('ip_local_port_range', '32768 65535')
listeners = [socket.create_server(('127.0.0.1', port)) for port in (1000, 40000, 40001)]
connections = [socket.create_connection(('127.0.0.1', 1000)) for _ in range(50)]
tell(network)
"""


@pytest.mark.root
def test_as_many_ranges_as_can_be_reserved_hold_nobody_up(live: Engine, child: Callable[..., Any]) -> None:
    network = child(NARROW + EVERY_OTHER).told
    assert own(live, "SELECT port FROM ephemeral_listeners WHERE net_namespace = ?", network) == [(40000,)]
    sql = "SELECT used, ports FROM ephemeral_use WHERE net_namespace = ? AND remote_port = 1000"
    assert own(live, sql, network) == [(50, 16384)]
    sql = "SELECT count(*), sum(reserved) FROM port_ranges WHERE net_namespace = ? AND name = 'reserved'"
    assert own(live, sql, network) == [(16384, 16384)]


# Nine ports are left of the ten.
CLIENTS = """
def connected(address, family=socket.AF_INET):
    s = socket.socket(family)
    try: s.connect(address)
    except OSError: return s.close()
    keep.append(s)
    return s

keep = []
full, half = (socket.create_server(('127.0.0.1', port), backlog=50) for port in (1000, 1001))
clients = [connected(('127.0.0.1', 1000)) for _ in range(12)]
few = [connected(('127.0.0.1', 1001)) for _ in range(3)]
# The end that closes first is the one that waits.
few[0].close()
while True:
    accepted = half.accept()[0]
    if accepted.getpeername()[1] == few[1].getsockname()[1]: keep.append(accepted); break
    gone = accepted.recv(1) == b''
    accepted.close()
udp = []
for number in range(12):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try: s.connect((f'127.0.0.{number % 4 + 1}', 9))
    except OSError: s.close()
    else: udp.append(s)
tell([network, sum(s is not None for s in clients), len(udp)])
"""


@pytest.mark.root
def test_ports_are_used_up_for_one_destination_and_not_for_another(live: Engine, child: Callable[..., Any]) -> None:
    network, connections, datagrams = child(NARROW + CLIENTS).told
    assert (connections, datagrams) == (9, 9)
    sql = (
        "SELECT protocol, local_address, remote_address, remote_port, used, ports, use, time_wait, in_use FROM ephemeral_use"
        " WHERE net_namespace = ? AND (remote_port IS NULL OR remote_port BETWEEN 1000 AND 1001) ORDER BY use DESC, protocol"
    )
    here = "127.0.0.1"
    assert at_last(lambda: own(live, sql, network)[2][7], 1) == 1
    assert own(live, sql, network) == [
        ("tcp", here, here, 1000, 9, 9, 1.0, 0, 9),
        ("udp", None, None, None, 9, 9, 1.0, 0, 9),
        ("tcp", here, here, 1001, 3, 9, 0.333, 1, 9),
    ]


KEPT_BACK = """
def at(port, host='127.0.0.9'): return socket.create_server((host, port))
listeners = [at(32769), at(1000, '127.0.0.1')]
bound = socket.socket(); bound.bind(('127.0.0.9', 32771))
keep = [socket.create_connection(('127.0.0.9', 32769), source_address=('127.0.0.9', 2000)), listeners[0].accept()[0]]
try:
    while True: keep.append(socket.create_connection(('127.0.0.1', 1000)))
except OSError as error: tell([network, error.strerror])
"""


@pytest.mark.root
def test_a_port_that_is_listened_at_is_given_to_no_connection(live: Engine, child: Callable[..., Any]) -> None:
    holder = child(NARROW + KEPT_BACK)
    network, why = holder.told
    assert why == "Cannot assign requested address"
    sql = "SELECT remote_port, used, ports, use FROM ephemeral_use WHERE net_namespace = ? AND protocol = 'tcp' ORDER BY use, 1"
    assert own(live, sql, network) == [(2000, 1, 9, 0.222), (1000, 7, 9, 1.0)]


def test_every_list_of_sockets_is_read_once_for_the_use_of_ports(live: Engine) -> None:
    with live.snapshot() as system:
        live.query("SELECT * FROM ephemeral_use")
        lists = {count for source, count in system.reads.items() if source.startswith(("tcp", "udp"))}
        assert lists <= {own(live, "SELECT count(*) FROM net_namespaces")[0][0]}


@pytest.mark.root
def test_a_port_is_used_for_ipv4_through_a_socket_of_ipv6_too(live: Engine, child: Callable[..., Any]) -> None:
    holder = child(
        f"{NARROW}keep = []; l = socket.create_server(('127.0.0.1', 1000), backlog=50)\n"
        "for number in range(9):\n"
        "    is_even = number % 2 == 0\n"
        "    try: s = socket.socket(socket.AF_INET if is_even else socket.AF_INET6)\n"
        "    except OSError: cannot('no IPv6 here')\n"
        "    s.connect(('127.0.0.1' if is_even else '::ffff:127.0.0.1', 1000)); keep.append(s)\n"
        "tell(network)"
    )
    sql = "SELECT remote_address, used, use FROM ephemeral_use WHERE net_namespace = ? AND remote_port = 1000"
    assert own(live, sql, holder.told) == [("127.0.0.1", 9, 1.0)]


GROUP = """
def member(kind=socket.SOCK_STREAM, option=socket.SO_REUSEPORT, port=0):
    s = socket.socket(socket.AF_INET, kind); s.setsockopt(socket.SOL_SOCKET, option, 1); s.bind(('127.0.0.1', port))
    if kind == socket.SOCK_STREAM: s.listen()
    return s

first = member(); port = first.getsockname()[1]; r, w = os.pipe()
def other(act):
    '''Have another process make a member, and do something when it has. It ends with this one.'''
    ready, told = os.pipe()
    if os.fork() == 0:
        os.close(w); os.dup2(r, 0)
        s = member(port=port); os.set_inheritable(s.fileno(), True); os.set_inheritable(told, False)
        act()
        os.write(told, b'x'); os.read(0, 1); os._exit(0)
    os.close(told); os.read(ready, 1)
"""
IN_GROUP = (
    "SELECT sockets, processes, programs, users, mixed, names FROM reuseport_groups WHERE port = ? AND address = '127.0.0.1'"
)


def test_processes_of_one_program_share_a_port_as_they_should(live: Engine, child: Callable[..., Any]) -> None:
    holder = child(f"{GROUP}second = member(port=port); other(lambda: None); tell(port)")
    [(*counts, names)] = own(live, IN_GROUP, holder.told)
    assert counts == [3, 2, 1, 1, 0]
    assert "," not in names


@pytest.mark.skipif(not shutil.which("cat"), reason="cat is not installed")
def test_a_second_program_on_a_port_is_noticed(live: Engine, child: Callable[..., Any]) -> None:
    # The pipe by which it tells closes with the start of the program.
    holder = child(f"{GROUP}other(lambda: os.execvp('cat', ['cat'])); tell(port)")
    [(*counts, names)] = own(live, IN_GROUP, holder.told)
    assert counts == [2, 2, 2, 1, 1]
    assert "cat" in names.split(",")


@pytest.mark.root
def test_a_second_user_on_a_port_is_noticed(live: Engine, child: Callable[..., Any]) -> None:
    holder = child(
        f"{GROUP}s = member(socket.SOCK_DGRAM, socket.SO_REUSEADDR); port = s.getsockname()[1]; os.seteuid(65534)\n"
        "t = member(socket.SOCK_DGRAM, socket.SO_REUSEADDR, port); os.seteuid(0); tell(port)"
    )
    sql = IN_GROUP.replace("WHERE", "WHERE protocol = 'udp' AND")
    assert own(live, sql, holder.told)[0][:5] == (2, 1, 1, 2, 1)


@pytest.mark.root
def test_whose_owners_are_not_known_is_not_called_unmixed(child: Callable[..., Any]) -> None:
    holder = child(f"{GROUP}second = member(port=port); tell(port)")

    def look() -> list[Any]:
        with Engine() as engine:
            return own(engine, IN_GROUP, holder.told)

    assert as_nobody(look, lambda: Engine().close()) == [[2, 0, 0, 1, None, None]]


def test_a_port_that_one_socket_has_is_no_group(live: Engine, child: Callable[..., Any]) -> None:
    holder = child(f"{GROUP}client = socket.create_connection(first.getsockname()); tell(port)")
    assert own(live, IN_GROUP, holder.told) == []


WAITING = """
def listener(backlog, waiting, family=socket.AF_INET, address=('127.0.0.1', 0)):
    s = socket.socket(family); s.bind(address); s.listen(backlog); listeners.append(s)
    for _ in range(waiting):
        c = socket.socket(family); c.setblocking(False); c.connect_ex(s.getsockname()); clients.append(c)
    return inode(s)

listeners, clients = [], []
"""
PRESSURE = """
SELECT inode, family, backlog, backlog_limit, backlog_use, drops > 0 AS dropped, pid FROM backlog_pressure WHERE pid = ?
"""


def test_listeners_that_do_not_accept_are_found_the_fullest_first(live: Engine, child: Callable[..., Any]) -> None:
    holder = child(f"{WAITING}tell([listener(3, 3), listener(3, 2), listener(1, 3), listener(3, 4)])")
    nearly, _, over, full = holder.told
    found = [
        (over, "ipv4", 2, 1, 1.0, 1, holder.pid),
        (full, "ipv4", 4, 3, 1.0, 0, holder.pid),
        (nearly, "ipv4", 3, 3, 0.75, 0, holder.pid),
    ]
    assert at_last(lambda: own(live, PRESSURE, holder.pid), found) == found


def test_a_listener_that_dropped_is_told_of_when_it_has_room_again(live: Engine, child: Callable[..., Any]) -> None:
    code = f"{WAITING}tell(listener(1, 3)); sys.stdin.readline()\n"
    holder = child(f"{code}for c in clients: c.close()\nfor _ in range(2): listeners[0].accept()[0].close()\ntell(0)")
    dropped = [(holder.told, "ipv4", 2, 1, 1.0, 1, holder.pid)]
    assert at_last(lambda: own(live, PRESSURE, holder.pid), dropped) == dropped
    holder.go_on()
    [(inode, *_, is_dropped, _)] = own(live, PRESSURE, holder.pid)
    assert (inode, is_dropped) == (holder.told, 1)


def test_a_unix_socket_is_under_pressure_too(live: Engine, child: Callable[..., Any]) -> None:
    holder = child(f"{WAITING}tell(listener(1, 2, socket.AF_UNIX, b'\\0' + os.urandom(8).hex().encode()))")
    sql = f"{PRESSURE} AND path LIKE '@%' AND port IS NULL"
    assert own(live, sql, holder.pid) == [(holder.told, "unix", 2, 1, 1.0, 0, holder.pid)]

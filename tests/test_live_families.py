"""On a real Linux: sockets of every family and protocol are listed as they were made."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

from sqlports import Engine

from .conftest import HERE, at_last, own

pytestmark = pytest.mark.linux


def made(child: Callable[..., Any], code: str, *, if_not: str = "the kernel has no such sockets") -> Any:
    """A child that made something; the test is skipped where the kernel refuses to make it."""
    body = "".join(f"    {line}\n" for line in code.splitlines())
    return child(f"try:\n{body}except OSError as error: cannot(f'{if_not}: {{error}}')")


INET = {
    "tcp": ("SOCK_STREAM", 6, "stream", "LISTEN"),
    "udp": ("SOCK_DGRAM", 17, "datagram", "UNCONNECTED"),
    "udplite": ("SOCK_DGRAM", 136, "datagram", "UNCONNECTED"),
    "mptcp": ("SOCK_STREAM", 262, "stream", "LISTEN"),
    "sctp": ("SOCK_STREAM", 132, "stream", "LISTEN"),
}
ADDRESSES = {
    "127.0.0.1": ("ipv4", "127.0.0.1"),
    "::1": ("ipv6", "::1"),
    "::ffff:127.0.0.1": ("ipv6", "::ffff:127.0.0.1"),
    "": ("ipv4", "0.0.0.0"),
    "::": ("ipv6", "::"),
}


@pytest.mark.parametrize("protocol", INET)
@pytest.mark.parametrize("address", ADDRESSES)
def test_a_socket_with_a_port_is_listed_as_it_was_made(
    protocol: str, address: str, live: Engine, child: Callable[..., Any]
) -> None:
    kind, number, column, state = INET[protocol]
    family, shown = ADDRESSES[address]
    holder = made(
        child,
        f"s = socket.socket(socket.{'AF_INET6' if family == 'ipv6' else 'AF_INET'}, socket.{kind}, {number})\n"
        f"s.bind(({address!r}, 0))\n"
        f"if {state!r} == 'LISTEN': s.listen(3)\n"
        "tell([s.getsockname()[1], s.fileno(), inode(s), cookie(s), net_namespace()])",
    )
    port, fd, inode, cookie, network = holder.told
    assert own(
        live,
        "SELECT protocol, family, type, state, local_address, local_port, remote_address, remote_port, pid, fd, owners,"
        " owner_reason, keeper_pid, uid, inode, cookie, net_namespace, path, abstract, subprotocol, ident, peer_inode"
        " FROM sockets WHERE inode = ? AND protocol = ?",
        inode,
        protocol,
    ) == [
        (
            *(protocol, family, column, state, shown, port, None, None, holder.pid, fd, 1),
            *("owned", holder.pid, os.geteuid(), inode, cookie, network, None, None, None, None, None),
        )
    ]


def test_a_connection_by_ipv4_to_a_socket_of_ipv6(live: Engine, child: Callable[..., Any]) -> None:
    holder = made(
        child,
        "l = socket.create_server(('', 0), family=socket.AF_INET6, dualstack_ipv6=True)\n"
        "c = socket.create_connection(('127.0.0.1', l.getsockname()[1])); s = l.accept()[0]\n"
        "tell([c.getsockname()[1], s.getsockname()[1], cookie(c), cookie(s)])",
    )
    here, there, client, server = holder.told
    columns = "cookie, family, local_address, local_port, remote_address, remote_port"
    mapped = (server, "ipv6", "::ffff:127.0.0.1", there, "::ffff:127.0.0.1", here)
    plain = (client, "ipv4", "127.0.0.1", here, "127.0.0.1", there)
    both = own(live, f"SELECT {columns} FROM sockets WHERE cookie IN (?, ?) ORDER BY family", client, server)
    assert both == [plain, mapped]
    for row in both:
        found = own(
            live,
            f"SELECT {columns} FROM sockets WHERE local_address = ? AND remote_port = ? AND local_port = ?",
            row[2],
            row[5],
            row[3],
        )
        assert found == [row]


def test_whether_a_socket_of_ipv6_takes_ipv4_as_well(live: Engine, child: Callable[..., Any]) -> None:
    holder = made(
        child,
        "keep = []\n"
        "for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):\n"
        "    for only in (0, 1):\n"
        "        s = socket.socket(socket.AF_INET6, kind); s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, only)\n"
        "        s.bind(('::', 0)); keep.append(s)\n"
        "        if kind == socket.SOCK_STREAM: s.listen()\n"
        "s = socket.create_server(('127.0.0.1', 0)); keep.append(s)\n"
        "tell([cookie(s) for s in keep])",
    )
    only = dict(own(live, "SELECT cookie, v6only FROM sockets"))
    assert [only[cookie] for cookie in holder.told] == [0, 1, 0, 1, None]


SUBFLOWS = """
l = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262); l.bind(('127.0.0.1', 0)); l.listen(3)
c = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262); c.connect(l.getsockname()); s = l.accept()[0]
c.send(b'x'); s.recv(1); s.send(b'y'); c.recv(1)
tell([[x.fileno() for x in (l, c, s)], [inode(x) for x in (l, c, s)], c.getsockname()[1], s.getsockname()[1]])
"""


def test_a_connection_of_mptcp_and_its_subflows(live: Engine, child: Callable[..., Any]) -> None:
    holder = made(child, SUBFLOWS)
    fds, inodes, here, there = holder.told
    sql = (
        "SELECT inode, state, local_port, remote_port, pid, fd, owners FROM sockets WHERE protocol = ? AND pid = ? ORDER BY fd"
    )
    rows = [
        (inodes[0], "LISTEN", there, None, holder.pid, fds[0], 1),
        (inodes[1], "ESTABLISHED", here, there, holder.pid, fds[1], 1),
        (inodes[2], "ESTABLISHED", there, here, holder.pid, fds[2], 1),
    ]
    assert own(live, sql, "mptcp", holder.pid) == rows
    # A subflow is of the same holder, by the same inode, and says what it is.
    assert own(live, sql, "tcp", holder.pid) == rows
    sql = "SELECT ulp, count(*) FROM sockets WHERE protocol = 'tcp' AND pid = ? GROUP BY ulp"
    assert own(live, sql, holder.pid) == [("mptcp", 3)]
    sql = "SELECT inode FROM sockets WHERE protocol = 'tcp' AND ulp = 'mptcp' AND state = 'ESTABLISHED' AND pid = ? ORDER BY fd"
    assert own(live, sql, holder.pid) == [(inodes[1],), (inodes[2],)]


@pytest.mark.root
@pytest.mark.parametrize(
    ("family", "number", "name"),
    [
        ("AF_INET", "socket.IPPROTO_ICMP", "icmp"),
        ("AF_INET", "socket.IPPROTO_UDP", "udp"),
        ("AF_INET", "socket.IPPROTO_RAW", "raw"),
        ("AF_INET", "253", "253"),
        ("AF_INET6", "socket.IPPROTO_ICMPV6", "icmpv6"),
        ("AF_INET6", "socket.IPPROTO_TCP", "tcp"),
    ],
)
def test_a_raw_socket(family: str, number: str, name: str, live: Engine, child: Callable[..., Any]) -> None:
    holder = made(
        child,
        f"s = socket.socket(socket.{family}, socket.SOCK_RAW, {number})\n"
        f"s.bind(('::1' if socket.{family} == socket.AF_INET6 else '127.0.0.1', 0))\n"
        "tell([s.fileno(), inode(s), net_namespace()])",
    )
    fd, inode, network = holder.told
    shown, address = ("ipv6", "::1") if family == "AF_INET6" else ("ipv4", "127.0.0.1")
    assert own(
        live,
        "SELECT protocol, family, type, subprotocol, local_address, local_port, remote_address, remote_port, ident, pid, fd,"
        " owners, uid, net_namespace FROM sockets WHERE inode = ?",
        inode,
    ) == [("raw", shown, "raw", name, address, None, None, None, None, holder.pid, fd, 1, 0, network)]


@pytest.mark.root
def test_a_raw_socket_with_another_end(live: Engine, child: Callable[..., Any]) -> None:
    holder = child(
        "s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP); s.connect(('127.0.0.1', 0)); tell(inode(s))"
    )
    sql = "SELECT state, local_address, remote_address, remote_port FROM sockets WHERE inode = ?"
    assert own(live, sql, holder.told) == [("ESTABLISHED", "127.0.0.1", "127.0.0.1", None)]


@pytest.mark.root
@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
def test_a_ping_that_needs_no_privilege(family: str, live: Engine, child: Callable[..., Any]) -> None:
    six = family == "ipv6"
    holder = made(
        child,
        "network = new_network()\n"
        "with open('/proc/sys/net/ipv4/ping_group_range', 'w') as file: file.write('0 2147483647')\n"
        + (
            "s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM, socket.IPPROTO_ICMPV6); s.bind(('::1', 0))\n"
            if six
            else "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP); s.bind(('127.0.0.1', 0))\n"
        )
        + "tell([s.fileno(), inode(s), s.getsockname()[1], network])",
    )
    fd, inode, ident, network = holder.told
    assert own(
        live,
        "SELECT protocol, family, type, ident, local_address, local_port, subprotocol, inode, pid, fd, owners"
        " FROM sockets WHERE net_namespace = ? AND protocol = 'icmp'",
        network,
    ) == [("icmp", family, "datagram", ident, "::1" if six else "127.0.0.1", None, None, inode, holder.pid, fd, 1)]


TYPES = {"SOCK_STREAM": "stream", "SOCK_DGRAM": "datagram", "SOCK_SEQPACKET": "seqpacket"}
NAMES = {
    "\0sqlports PID with spaces": "@sqlports PID with spaces",
    "\0sqlports\0PID\0": "@sqlports@PID@",
    "\0sqlports PID\nnew: 00000002 00000000 00010000 0001 01 99": "@sqlports PID\nnew: 00000002 00000000 00010000 0001 01 99",
    "\0sqlports PID \udcff\udcfe": "@sqlports PID \\xff\\xfe",
    "\0sqlports PID ünïcødé": "@sqlports PID ünïcødé",
}


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("name", NAMES)
def test_a_unix_socket_with_an_abstract_name(name: str, kind: str, live: Engine, child: Callable[..., Any]) -> None:
    holder = child(
        f"s = socket.socket(socket.AF_UNIX, socket.{kind}); s.bind(os.fsencode({name!r}.replace('PID', str(os.getpid()))))\n"
        "tell([s.fileno(), inode(s), cookie(s), net_namespace()])"
    )
    fd, inode, cookie, network = holder.told
    assert own(
        live,
        "SELECT protocol, family, type, state, path, abstract, local_address, local_port, pid, fd, inode, cookie, uid,"
        " net_namespace FROM sockets WHERE inode = ?",
        inode,
    ) == [
        (
            *("unix", "unix", TYPES[kind], "UNCONNECTED", NAMES[name].replace("PID", str(holder.pid)), 1, None, None),
            *(holder.pid, fd, inode, cookie, os.geteuid(), network),
        )
    ]


@pytest.mark.parametrize("kind", TYPES)
def test_a_unix_socket_without_a_name_and_its_peer(kind: str, live: Engine, child: Callable[..., Any]) -> None:
    holder = child(
        f"a, b = socket.socketpair(socket.AF_UNIX, socket.{kind}); tell([a.fileno(), b.fileno(), inode(a), inode(b)])"
    )
    first, second, *inodes = holder.told
    sql = "SELECT fd, inode, peer_inode, type, state, path, abstract FROM sockets WHERE pid = ? ORDER BY fd"
    assert own(live, sql, holder.pid) == [
        (first, *inodes, TYPES[kind], "ESTABLISHED", None, None),
        (second, *inodes[::-1], TYPES[kind], "ESTABLISHED", None, None),
    ]


def test_a_path_that_starts_like_an_abstract_name_is_none(live: Engine, child: Callable[..., Any], tmp_path: Any) -> None:
    holder = child("s = socket.socket(socket.AF_UNIX); s.bind('@here'); tell(inode(s))", cwd=tmp_path)
    assert own(live, "SELECT path, abstract FROM sockets WHERE inode = ?", holder.told) == [("@here", 0)]


def test_many_datagram_sockets_with_one_peer(live: Engine, child: Callable[..., Any]) -> None:
    holder = child(
        "name = f'\\0sqlports {os.getpid()}'; s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind(name)\n"
        "keep = [socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) for _ in range(3)]\n"
        "for c in keep: c.connect(name)\n"
        "tell([inode(s), [inode(c) for c in keep]])"
    )
    server, clients = holder.told
    sql = "SELECT inode, peer_inode FROM sockets WHERE pid = ? ORDER BY fd"
    assert own(live, sql, holder.pid) == [(server, None), *((client, server) for client in clients)]


@pytest.mark.root
@pytest.mark.parametrize(
    ("kind", "number", "bound", "told"),
    [
        ("SOCK_RAW", 0x0003, "lo", ("raw", "all", "lo")),
        ("SOCK_DGRAM", 0x0800, "", ("datagram", "ip", None)),
        ("SOCK_RAW", 0x9999, "lo", ("raw", "0x9999", "lo")),
        ("SOCK_RAW", 0, "", ("raw", None, None)),
    ],
)
def test_a_packet_socket(
    kind: str, number: int, bound: str, told: tuple[Any, ...], live: Engine, child: Callable[..., Any]
) -> None:
    holder = made(
        child,
        f"s = socket.socket(socket.AF_PACKET, socket.{kind}, socket.htons({number}))\n"
        f"if {bound!r}: s.bind(({bound!r}, {number}))\n"
        "tell([s.fileno(), inode(s), cookie(s), net_namespace()])",
    )
    fd, inode, cookie, network = holder.told
    assert own(
        live,
        "SELECT type, subprotocol, interface, protocol, family, local_address, local_port, pid, fd, cookie, uid,"
        " net_namespace FROM sockets WHERE inode = ?",
        inode,
    ) == [(*told, "packet", "packet", None, None, holder.pid, fd, cookie, 0, network)]


@pytest.mark.root
def test_the_interface_of_another_namespace_is_called_as_it_is_there(live: Engine, child: Callable[..., Any]) -> None:
    holder = made(
        child,
        "import fcntl, struct\nnetwork = new_network()\n"
        # The loopback can be renamed while it is down, and then has a name that it has nowhere else.
        "control = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        "fcntl.ioctl(control, 0x8914, struct.pack('16sh22x', b'lo', 0))\n"
        "fcntl.ioctl(control, 0x8923, struct.pack('16s16s8x', b'lo', b'self'))\n"
        "fcntl.ioctl(control, 0x8914, struct.pack('16sh22x', b'self', 1))\n"
        "keep = [socket.socket(socket.AF_INET, kind) for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM)]\n"
        "for s in keep: s.setsockopt(socket.SOL_SOCKET, 25, b'self\\0'); s.bind(('127.0.0.1', 0))\n"
        "keep[0].listen(); p = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)); p.bind(('self', 3))\n"
        "tell(network)",
    )
    sql = "SELECT protocol, interface FROM sockets WHERE net_namespace = ? AND pid = ? ORDER BY 1"
    assert own(live, sql, holder.told, holder.pid) == [("packet", "self"), ("tcp", "self"), ("udp", "self")]


@pytest.mark.parametrize(
    ("kind", "number", "told"),
    [
        ("SOCK_RAW", 0, ("raw", "route")),
        ("SOCK_DGRAM", 0, ("datagram", "route")),
        ("SOCK_RAW", 15, ("raw", "kobject_uevent")),
        ("SOCK_RAW", 16, ("raw", "generic")),
        ("SOCK_RAW", 4, ("raw", "sock_diag")),
    ],
)
def test_a_netlink_socket(kind: str, number: int, told: tuple[str, str], live: Engine, child: Callable[..., Any]) -> None:
    holder = made(
        child,
        f"s = socket.socket(socket.AF_NETLINK, socket.{kind}, {number}); s.bind((0, 0))\n"
        "tell([s.fileno(), inode(s), cookie(s), s.getsockname()[0], net_namespace()])",
    )
    fd, inode, cookie, ident, network = holder.told
    assert own(
        live,
        "SELECT type, subprotocol, ident, protocol, family, state, local_address, local_port, pid, fd, owners, cookie,"
        " net_namespace FROM sockets WHERE inode = ?",
        inode,
    ) == [
        (*told, ident, "netlink", "netlink", "UNCONNECTED", None, None, holder.pid, fd, 1, cookie, network),
    ]


# Of what a kernel may be unable to list; each with what makes one of them.
PERHAPS = {
    "vsock": "socket.socket(40, socket.SOCK_STREAM); s.bind((0xffffffff, 0xffffffff)); s.listen()",
    "sctp": "socket.socket(socket.AF_INET, socket.SOCK_STREAM, 132); s.bind(('127.0.0.1', 0)); s.listen()",
    "mptcp": "socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262); s.bind(('127.0.0.1', 0)); s.listen()",
    "udplite": "socket.socket(socket.AF_INET, socket.SOCK_DGRAM, 136); s.bind(('127.0.0.1', 0))",
    "raw": "socket.socket(socket.AF_INET, socket.SOCK_RAW, 253)",
}


@pytest.mark.parametrize("protocol", PERHAPS)
def test_what_the_kernel_cannot_list_is_said_to_be_so(protocol: str, live: Engine, child: Callable[..., Any]) -> None:
    holder = child(f"try:\n    s = {PERHAPS[protocol]}\n    tell(inode(s))\nexcept OSError: tell(None)")
    with live.snapshot():
        found = [row[0] for row in own(live, "SELECT inode FROM sockets WHERE protocol = ?", protocol)]
        errors = own(live, "SELECT source, reason, pid FROM scan_errors WHERE source LIKE '%' || ?", protocol)
    if holder.told is not None:
        assert holder.told in found or errors
    # Without a socket of the kind an empty list is the truth only from a kernel that knows the kind.
    assert all(source in (f"sock_diag {protocol}", f"/proc/net/{protocol}") and reason for source, reason, _ in errors)
    if not found and not errors:
        assert knows(protocol)


def knows(protocol: str) -> bool:
    """Whether the kernel has such sockets at all."""
    with open("/proc/net/protocols", encoding="ascii") as file:
        return any(line.split()[0].replace("-", "").lower().removeprefix("af_") == protocol for line in file)


def test_a_list_from_a_file_says_that_it_tells_less(live: Engine, child: Callable[..., Any]) -> None:
    if os.geteuid() == 0:
        child("s = socket.socket(socket.AF_INET, socket.SOCK_RAW, 253); tell(1)")
    with live.snapshot():
        rows = own(live, f"SELECT cookie FROM sockets WHERE protocol = 'raw' AND {HERE}")
        reasons = [row[0] for row in own(live, "SELECT reason FROM scan_errors WHERE source = 'sock_diag raw'")]
    if all(row[0] is not None for row in rows):
        assert reasons == []
    else:
        assert reasons
        assert all(reason.endswith("listed from /proc/net, which tells less") for reason in reasons)


def test_directions_that_were_shut_down(live: Engine, child: Callable[..., Any]) -> None:
    holder = child(
        "l = socket.create_server(('127.0.0.1', 0)); keep = []\n"
        "def pair():\n"
        "    c = socket.create_connection(l.getsockname()); s = l.accept()[0]; keep.extend((c, s)); return c, s\n"
        "c, s = pair(); c.shutdown(socket.SHUT_WR); s.recv(1)\n"
        "c, s = pair(); c.shutdown(socket.SHUT_RD)\n"
        "c, s = socket.socketpair(); c.shutdown(socket.SHUT_RD); keep += [c, s]\n"
        "u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.connect(l.getsockname()); u.shutdown(socket.SHUT_RDWR)\n"
        "keep += [u, l]; tell([cookie(s) for s in keep])"
    )
    closed = dict(own(live, "SELECT cookie, shutdown FROM sockets"))
    assert [closed[cookie] for cookie in holder.told] == ["send", "receive", "receive", None, "receive", "send", "both", None]


@pytest.mark.root
def test_the_mark_of_a_socket(live: Engine, child: Callable[..., Any]) -> None:
    holder = child(
        "kinds = [(f, k) for f in (socket.AF_INET, socket.AF_INET6) for k in (socket.SOCK_STREAM, socket.SOCK_DGRAM)]\n"
        "keep = [socket.socket(*kind) for kind in kinds]\n"
        "for number, s in enumerate(keep):\n"
        "    s.setsockopt(socket.SOL_SOCKET, 36, (number * 0x40000000).to_bytes(4, sys.byteorder)); s.bind(('', 0))\n"
        "keep[0].listen(); keep[2].listen(); tell([cookie(s) for s in keep])"
    )
    marks = dict(own(live, "SELECT cookie, mark FROM sockets"))
    assert [marks[cookie] for cookie in holder.told] == [0, 0x40000000, 0x80000000, 0xC0000000]


def test_a_socket_that_is_bound_to_an_interface(live: Engine, child: Callable[..., Any]) -> None:
    holder = made(
        child,
        "keep = [socket.socket(socket.AF_INET, kind) for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM)]\n"
        "for s in keep: s.setsockopt(socket.SOL_SOCKET, 25, b'lo\\0'); s.bind(('127.0.0.1', 0))\n"
        "keep[0].listen(); keep.append(socket.create_server(('127.0.0.1', 0))); tell([cookie(s) for s in keep])",
        if_not="not permitted",
    )
    sql = "SELECT protocol, interface FROM sockets WHERE cookie IN (?, ?, ?) ORDER BY 1, 2"
    assert own(live, sql, *holder.told) == [("tcp", None), ("tcp", "lo"), ("udp", "lo")]


def test_whether_the_kernel_chose_the_port(live: Engine, child: Callable[..., Any]) -> None:
    holder = child(
        "chosen = socket.create_server(('127.0.0.1', 0)); keep = [chosen]\n"
        "for port in range(20000, 30000):\n"
        "    try:\n"
        "        keep.append(socket.create_server(('127.0.0.1', port))); break\n"
        "    except OSError: pass\n"
        "keep.append(socket.create_connection(keep[1].getsockname()))\n"
        "keep += socket.socketpair(); tell([cookie(s) for s in keep])"
    )
    by = dict(own(live, "SELECT cookie, autobound FROM sockets"))
    assert [by[cookie] for cookie in holder.told] == [1, 0, 1, None, None]


def test_the_kernel_did_not_choose_the_port_of_a_connection_that_a_chosen_listener_accepted(
    live: Engine, child: Callable[..., Any]
) -> None:
    holder = child(
        "for port in range(20000, 30000):\n"
        "    try:\n"
        "        l = socket.create_server(('127.0.0.1', port)); break\n"
        "    except OSError: pass\n"
        "c = socket.create_connection(l.getsockname()); s = l.accept()[0]; tell(cookie(s))"
    )
    [(autobound,)] = own(live, "SELECT autobound FROM sockets WHERE cookie = ?", holder.told)
    assert autobound in (0, None)


def test_options_that_are_set(live: Engine, child: Callable[..., Any]) -> None:
    options = {"freebind": 15, "bind_address_no_port": 24, "recverr": 11}
    if os.geteuid() == 0:
        options["transparent"] = 19
    holder = child(
        "keep = []\n"
        f"for chosen in ((), *(zip(({', '.join(map(str, options.values()))},))), (15, 11)):\n"
        "    s = socket.socket(); keep.append(s)\n"
        "    for option in chosen: s.setsockopt(socket.IPPROTO_IP, option, 1)\n"
        "    s.bind(('127.0.0.1', 0)); s.listen()\n"
        "tell([cookie(s) for s in keep])"
    )
    shown = dict(own(live, "SELECT cookie, options FROM sockets"))
    assert [shown[cookie] for cookie in holder.told] == [None, *options, "recverr|freebind"]


def test_the_congestion_control_of_a_connection(live: Engine, child: Callable[..., Any]) -> None:
    holder = made(
        child,
        "l = socket.create_server(('127.0.0.1', 0)); keep = [socket.create_connection(l.getsockname()) for _ in range(2)]\n"
        "keep[0].setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b'reno')\n"
        "def control(s): return s.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16).rstrip(b'\\0').decode()\n"
        "tell([[cookie(s), control(s)] for s in keep])",
        if_not="no reno here",
    )
    for cookie, name in holder.told:
        assert own(live, "SELECT congestion FROM sockets WHERE cookie = ?", cookie) == [(name,)]
    assert holder.told[0][1] == "reno"


@pytest.mark.root
def test_a_namespace_has_what_was_made_in_it_and_nothing_else(live: Engine, child: Callable[..., Any]) -> None:
    holder = child(
        "network = new_network()\n"
        "t = socket.create_server(('127.0.0.1', 80)); c = socket.create_connection(('127.0.0.1', 80)); s = t.accept()[0]\n"
        "u = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); u.bind(('::1', 53))\n"
        "x = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); x.bind('\\0only'); pair = socket.socketpair()\n"
        "r = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_GRE)\n"
        "p = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)\n"
        "n = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0); n.bind((7, 0))\n"
        "tell([network, c.getsockname()[1]])"
    )
    network, port = holder.told
    sql = (
        "SELECT protocol, family, type, state, coalesce(local_address, path), coalesce(local_port, ident), remote_port,"
        " subprotocol FROM sockets WHERE net_namespace = ? AND owner_reason <> 'kernel' AND pid = ? ORDER BY 1, 2, 4, 6"
    )
    wanted = sorted(
        [
            ("tcp", "ipv4", "stream", "LISTEN", "127.0.0.1", 80, None, None),
            ("tcp", "ipv4", "stream", "ESTABLISHED", "127.0.0.1", 80, port, None),
            ("tcp", "ipv4", "stream", "ESTABLISHED", "127.0.0.1", port, 80, None),
            ("udp", "ipv6", "datagram", "UNCONNECTED", "::1", 53, None, None),
            ("unix", "unix", "seqpacket", "UNCONNECTED", "@only", None, None, None),
            ("unix", "unix", "stream", "ESTABLISHED", None, None, None, None),
            ("unix", "unix", "stream", "ESTABLISHED", None, None, None, None),
            ("raw", "ipv4", "raw", "UNCONNECTED", "0.0.0.0", None, None, "gre"),
            ("packet", "packet", "datagram", "UNCONNECTED", None, None, None, None),
            ("netlink", "netlink", "raw", "UNCONNECTED", None, 7, None, "route"),
        ],
        key=str,
    )
    assert sorted(own(live, sql, network, holder.pid), key=str) == wanted
    sql = "SELECT count(*) FROM sockets WHERE net_namespace = ? AND protocol <> 'netlink'"
    assert at_last(lambda: own(live, sql, network), [(len(wanted) - 1,)]) == [(len(wanted) - 1,)]

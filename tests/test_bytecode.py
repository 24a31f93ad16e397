"""The filters that the kernel is given: run here over made-up sockets as the kernel would, and by the kernel over real ones."""

from __future__ import annotations

import random
import socket
import struct
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import pytest

from sqlports.schema import Range
from sqlports.sources import bytecode, inet_diag, sock_diag, states
from sqlports.sources.namespaces import Namespace
from sqlports.sources.records import Unsupported
from sqlports.sources.region import Region
from sqlports.sources.sockets import KINDS, Listing, Socket
from tests.conftest import Child

HERE = Namespace("/proc", own="/proc/self/net")
LISTINGS = {
    (kind.family, kind.protocol): Listing(None, kind, HERE)  # type: ignore[arg-type]
    for kind in KINDS
}
LISTENS = frozenset(("LISTEN",))

# The operations of include/uapi/linux/inet_diag.h.
NOP, JMP, S_GE, S_LE, D_GE, D_LE, AUTO, S_COND, D_COND, DEV_COND, MARK_COND, S_EQ, D_EQ, CGROUP_COND = range(14)
OP = struct.Struct("=BBH")
CONDITION = struct.Struct("=BBHi")


class Made(NamedTuple):
    """A socket, with what a region and a filter look at."""

    family: str
    local_address: str
    local_port: int | None
    remote_address: str | None
    remote_port: int | None
    cgroup_id: int | None
    state: str = "ESTABLISHED"
    autobound: bool = False

    def raw(self, address: str | None) -> bytes:
        number = {"ipv4": socket.AF_INET, "ipv6": socket.AF_INET6}[self.family]
        return socket.inet_pton(number, address) if address else bytes(4 if self.family == "ipv4" else 16)


def audited(code: bytes) -> bytes:
    """The code, if the kernel would take it (inet_diag_bc_audit of net/ipv4/inet_diag.c)."""
    at = 0
    while at < len(code):
        left = len(code) - at
        assert left >= OP.size
        operation, yes, no = OP.unpack_from(code, at)
        least = OP.size
        if operation in (S_COND, D_COND):
            assert left >= least + CONDITION.size
            family, prefix, _, _ = CONDITION.unpack_from(code, at + OP.size)
            size = {0: 0, socket.AF_INET: 4, socket.AF_INET6: 16}[family]
            least += CONDITION.size + size
            assert prefix <= 8 * size
        elif operation in (S_GE, S_LE, D_GE, D_LE):
            least += OP.size
        elif operation == CGROUP_COND:
            least += 8
        else:
            assert operation in (AUTO, JMP), "an operation that older kernels lack"
        assert left >= least
        assert least <= no <= left + 4
        assert no % 4 == 0
        assert no >= left or at + no in boundaries(code)
        assert least <= yes <= left + 4
        assert yes % 4 == 0
        at += yes
    assert at == len(code)
    return code


def boundaries(code: bytes) -> set[int]:
    """Where operations begin, as the kernel finds them: by what follows when each holds (valid_cc)."""
    found, at = set(), 0
    while at < len(code):
        found.add(at)
        at += code[at + 1]
    return found


def accepts(code: bytes, one: Made) -> bool:
    """Whether a filter lets a socket through (inet_diag_bc_run)."""
    at = steps = 0
    while 0 <= at < len(code):
        operation, yes, no = OP.unpack_from(code, at)
        at += yes if operation != JMP and holds(code, at, one) else no
        steps += 1
        assert steps <= len(code), "it goes round"
    return at == len(code)


def holds(code: bytes, at: int, one: Made) -> bool:
    operation = code[at]
    if operation in (S_GE, S_LE, D_GE, D_LE):
        port = (one.local_port if operation in (S_GE, S_LE) else one.remote_port) or 0
        asked = OP.unpack_from(code, at + OP.size)[2]
        return bool(port >= asked if operation in (S_GE, D_GE) else port <= asked)
    if operation in (S_COND, D_COND):
        source = operation == S_COND
        family, prefix, _, port = CONDITION.unpack_from(code, at + OP.size)
        address = one.raw(one.local_address if source else one.remote_address)
        if port not in (-1, (one.local_port if source else one.remote_port) or 0):
            return False
        size = {socket.AF_INET: 4, socket.AF_INET6: 16}[family]
        wanted = code[at + OP.size + CONDITION.size :][:size]
        if len(address) == 16 and size == 4:
            # An IPv4 address is looked for in IPv6 sockets as well.
            if not address.startswith(bytes(10) + b"\xff\xff"):
                return False
            address = address[12:]
        if len(address) != size:
            return False
        bits = 8 * size - prefix
        return bool(int.from_bytes(address, "big") >> bits == int.from_bytes(wanted, "big") >> bits)
    if operation == CGROUP_COND:
        return bool(struct.unpack_from("=Q", code, at + OP.size)[0] == (one.cgroup_id or 0))
    assert operation == AUTO
    return one.autobound


PORTS = [1, 2, 22, 80, 255, 256, 443, 8080, 32768, 49152, 65534, 65535]
IPV4 = ["127.0.0.1", "10.0.0.1", "10.0.0.2", "192.0.2.255", "255.255.255.255", "0.0.0.1"]
IPV6 = ["::1", "fe80::1", "2001:db8::2", "2001:db8::3", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"]
MAPPED = ["::ffff:10.0.0.1", "::ffff:127.0.0.1"]
CGROUPS = [1, 2, 4711, 2**32 + 1, 2**63 - 1]


def sockets(chosen: random.Random, count: int, v6: list[str]) -> list[Made]:
    """Connections and listeners."""
    made = []
    for _ in range(count):
        family = chosen.choice(("ipv4", "ipv6"))
        addresses = IPV4 if family == "ipv4" else v6
        connected = chosen.random() < 0.7
        made.append(
            Made(
                family,
                chosen.choice(addresses) if connected or chosen.random() < 0.5 else {"ipv4": "0.0.0.0", "ipv6": "::"}[family],
                chosen.choice(PORTS),
                chosen.choice(addresses) if connected else None,
                chosen.choice(PORTS) if connected else None,
                chosen.choice(CGROUPS),
                "ESTABLISHED" if connected else "LISTEN",
                chosen.random() < 0.5,
            )
        )
    return made


def ports(chosen: random.Random) -> frozenset[int] | Range | None:
    kind = chosen.randrange(5)
    if kind == 0:
        return None
    if kind < 3:
        return frozenset(chosen.sample(PORTS, chosen.randrange(1, 6)))
    low, high = sorted(chosen.sample(PORTS, 2))
    return Range(*chosen.choice([(low, high), (low, low), (high, low), (None, high), (low, None), (None, None), (-5, 65536)]))


def chosen_of(chosen: random.Random, values: list[Any]) -> frozenset[Any] | None:
    return frozenset(chosen.sample(values, chosen.randrange(1, len(values)))) if chosen.random() < 0.5 else None


def regions(chosen: random.Random) -> Region:
    return Region(
        local_ports=ports(chosen),
        remote_ports=ports(chosen),
        local_addresses=chosen_of(chosen, [*IPV4, *IPV6]),
        remote_addresses=chosen_of(chosen, [*IPV4, *IPV6]),
        cgroups=chosen_of(chosen, CGROUPS),
    )


def has(region: Region, one: Made) -> bool:
    return region.has(one)  # type: ignore[arg-type]


def is_everything(ports: object) -> bool:
    """A range that has every port, and, unlike a filter, not that of a socket without a port."""
    return ports is None or (isinstance(ports, Range) and (ports.low or 0) <= 1)


@pytest.mark.parametrize("seed", range(300))
def test_a_filter_accepts_exactly_the_sockets_of_its_region(seed: int) -> None:
    chosen = random.Random(seed)
    region = regions(chosen)
    code = audited(bytecode.compiled(region))
    for one in sockets(chosen, 300, IPV6):
        if one.remote_port is None and is_everything(region.remote_ports):
            # A range from 0 on takes the kernel's 0 for no port, which SQL's NULL is not in.
            assert has(region, one) <= accepts(code, one)
        else:
            assert accepts(code, one) == has(region, one), (region, one)


@pytest.mark.parametrize("seed", range(100))
def test_a_filter_never_refuses_a_socket_of_its_region(seed: int) -> None:
    """Whatever is asked: ports that are none, addresses that are none, more values than are handed on."""
    chosen = random.Random(seed)

    def many(values: list[Any], more: list[Any]) -> frozenset[Any] | None:
        return frozenset(chosen.sample(values + more, chosen.randrange(len(values + more)))) if chosen.random() < 0.6 else None

    strange = [0, -1, -(2**62), 65536, 70000, 2**62]
    words = ["", "localhost", "0.0.0.0", "::", "10.0.0.1 ", "10.0.0.01", "fe80::1%lo", "0::1", "é", *MAPPED]
    region = Region(
        local_ports=many(PORTS, [*strange, *range(1000, 1000 + chosen.choice((1, 100)))]),
        remote_ports=Range(chosen.choice([None, *strange]), chosen.choice([None, *strange])) if chosen.random() < 0.5 else None,
        local_addresses=many([*IPV4, *IPV6], [*words, *(f"10.1.0.{number}" for number in range(chosen.choice((1, 100))))]),
        remote_addresses=many([*IPV4, *IPV6], words),
        cgroups=many(CGROUPS, list(range(100000, 100000 + chosen.choice((1, 100))))),
    )
    code = audited(bytecode.compiled(region))
    for one in sockets(chosen, 300, [*IPV6, *MAPPED]):
        assert has(region, one) <= accepts(code, one), (region, one)


@pytest.mark.parametrize(
    "region",
    [
        Region(local_addresses=frozenset(("127.0.0.1\0", "\0"))),
        Region(remote_addresses=frozenset(("\udcff",))),
        Region(cgroups=frozenset((-1,))),
        Region(cgroups=frozenset((-(2**63), 4711))),
        Region(local_ports=frozenset((-(2**63), 2**63 - 1))),
        Region(local_ports=Range(2**63 - 1, -(2**63))),
    ],
)
def test_values_that_no_socket_can_have_are_no_fault(region: Region) -> None:
    """They come from a query, which may say anything."""
    code = audited(bytecode.compiled(region))
    for one in sockets(random.Random(1), 100, IPV6):
        assert has(region, one) <= accepts(code, one)


def test_what_asks_for_nothing_is_no_filter() -> None:
    assert bytecode.compiled(Region()) == b""
    assert bytecode.compiled(Region(LISTENS)) == b""


@pytest.mark.parametrize("count", [1, 2, 63, 64])
def test_as_many_values_as_are_handed_on_are_told_apart(count: int) -> None:
    values = range(1000, 1000 + 2 * count, 2)
    region = Region(
        local_ports=frozenset(values),
        remote_ports=frozenset(values),
        local_addresses=frozenset(f"10.0.{number // 256}.{number % 256}" for number in values),
        remote_addresses=frozenset(f"2001:db8::{number:x}" for number in values),
        cgroups=frozenset(values),
    )
    for narrow in (region, region._replace(local_addresses=None), region._replace(remote_addresses=None)):
        code = audited(bytecode.compiled(narrow))
        for number in range(999, 1002 + 2 * count):
            for family, address in (("ipv4", f"10.0.{number // 256}.{number % 256}"), ("ipv6", f"2001:db8::{number:x}")):
                one = Made(family, address, number, address, number, number)
                assert accepts(code, one) == has(narrow, one)


@pytest.mark.parametrize("count", [65, 1000])
def test_more_values_are_narrowed_and_left_to_the_reader(count: int) -> None:
    wanted = frozenset(range(1000, 1000 + 2 * count, 2))
    code = audited(bytecode.compiled(Region(local_ports=wanted)))
    assert len(code) < 100
    accepted = {port for port in range(65536) if accepts(code, Made("ipv4", "10.0.0.1", port, None, None, 1))}
    assert accepted == set(range(1000, 999 + 2 * count))
    assert bytecode.compiled(Region(cgroups=wanted)) == b""
    assert bytecode.compiled(Region(remote_addresses=frozenset(f"10.0.{n // 256}.{n % 256}" for n in wanted))) == b""


def test_the_ends_of_a_range_are_in_it() -> None:
    for asked_for, expected in (
        (Range(80, 443), {80, 81, 443}),
        (Range(None, 80), {1, 79, 80}),
        (Range(443, None), {443, 444, 65535}),
        (Range(443, 80), set()),
        (Range(0, 65535), {1, 79, 80, 81, 443, 444, 65535}),
    ):
        code = audited(bytecode.compiled(Region(local_ports=asked_for)))
        tried = (1, 79, 80, 81, 443, 444, 65535)
        assert {port for port in tried if accepts(code, Made("ipv4", "10.0.0.1", port, None, None, 1))} == expected


def test_an_address_of_ipv4_is_looked_for_at_its_own_end() -> None:
    here = audited(bytecode.compiled(Region(local_addresses=frozenset(("10.0.0.1",)))))
    there = audited(bytecode.compiled(Region(remote_addresses=frozenset(("10.0.0.1",)))))
    one = Made("ipv4", "10.0.0.1", 1, "10.0.0.2", 2, 1)
    other = Made("ipv4", "10.0.0.2", 2, "10.0.0.1", 1, 1)
    assert [accepts(here, one), accepts(here, other)] == [True, False]
    assert [accepts(there, one), accepts(there, other)] == [False, True]


def test_the_filter_for_ports_that_the_kernel_chose() -> None:
    code = audited(bytecode.autobound())
    for autobound in (True, False):
        assert accepts(code, Made("ipv4", "10.0.0.1", 1, None, None, 1, autobound=autobound)) == autobound


# The kernel itself.


@pytest.fixture
def netlink() -> Iterator[socket.socket]:
    with sock_diag.connect() as asking:
        asking.settimeout(30)
        yield asking


Told = tuple[Any, ...]


def told(asking: socket.socket, listing: Listing, code: bytes, mask: int = 0xFFFF) -> Sequence[Socket]:
    answer = sock_diag.exchange(asking, inet_diag.request(listing, mask, code))
    return inet_diag.parse(answer, listing, False)


def ends(one: Socket) -> Told:
    return one.cookie, one.state, one.local_address, one.local_port, one.remote_address, one.remote_port


LISTENER = """
made = socket.create_server(("127.0.0.1", 0), backlog=3)
six = socket.create_server(("::1", 0), family=socket.AF_INET6)
port = made.getsockname()[1]
clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(3)]
served = [made.accept()[0] for _ in clients]
client6 = socket.create_connection(("::1", six.getsockname()[1]))
all = [made, six, *clients, *served, client6, six.accept()[0]]
cookies = [int.from_bytes(one.getsockopt(socket.SOL_SOCKET, 57, 8), sys.byteorder) for one in all]
tell([[port, clients[0].getsockname()[1], six.getsockname()[1]], cookies])
"""


def asked(port: int, client: int, six: int) -> list[Region]:
    """Regions that each have one of the sockets of these ports."""
    both = frozenset(("127.0.0.1", "::1"))
    few = frozenset((port, client, six))
    return [
        Region(local_ports=frozenset((port,))),
        Region(remote_ports=frozenset((port,))),
        Region(local_ports=few),
        Region(local_ports=few, remote_ports=few),
        Region(local_ports=Range(port, port)),
        Region(local_ports=Range(port - 1, port + 1)),
        Region(local_ports=Range(port, None), remote_ports=Range(None, client)),
        Region(remote_ports=Range(min(few), max(few))),
        Region(local_addresses=both),
        Region(local_addresses=frozenset(("127.0.0.1",)), remote_addresses=frozenset(("127.0.0.1",))),
        Region(local_addresses=both, remote_addresses=both, local_ports=few, remote_ports=few),
        Region(local_addresses=frozenset(("::1", "0.0.0.0", "fe80::1")), local_ports=Range(six, None)),
        Region(local_ports=few | set(range(1, 62))),
        Region(local_ports=few | set(range(1, 500))),
        Region(
            local_ports=few | set(range(1, 62)),
            remote_ports=few | set(range(1, 62)),
            local_addresses=both | {f"2001:db8::{number:x}" for number in range(62)},
            remote_addresses=both | {f"2001:db8::{number:x}" for number in range(62)},
        ),
        Region(local_ports=frozenset((0, -1, 70000, port))),
        Region(local_ports=Range(70000, None)),
    ]


@pytest.mark.linux
@pytest.mark.parametrize("number", range(len(asked(1, 2, 3))))
def test_the_kernel_gives_what_a_region_has(child: Callable[..., Child], netlink: socket.socket, number: int) -> None:
    ports, cookies = child(LISTENER).told
    region = asked(*ports)[number]
    code = bytecode.compiled(region)
    given = []
    for family in ("ipv4", "ipv6"):
        listing = LISTINGS[family, "tcp"]
        # The machine's other sockets come and go.
        everything = [one for one in told(netlink, listing, b"") if one.cookie in cookies]
        filtered = [one for one in told(netlink, listing, code) if one.cookie in cookies]
        wanted = sorted(ends(one) for one in everything if region.has(one))
        assert sorted(ends(one) for one in filtered if region.has(one)) == wanted
        given += wanted
    assert bool(given) == (region.local_ports != Range(70000, None))


@pytest.mark.linux
def test_the_kernel_leaves_out_what_a_region_has_not(child: Callable[..., Child], netlink: socket.socket) -> None:
    (port, client, _), cookies = child(LISTENER).told
    listing = LISTINGS["ipv4", "tcp"]
    mask = states.mask("tcp", LISTENS)
    # Others may have the same port at another address.
    here = Region(local_ports=frozenset((port,)), local_addresses=frozenset(("127.0.0.1",)))
    found = told(netlink, listing, bytecode.compiled(here), mask)
    assert [(one.state, one.local_port, one.cookie) for one in found] == [("LISTEN", port, cookies[0])]
    found = told(netlink, listing, bytecode.compiled(here))
    assert sorted(one.state for one in found) == ["ESTABLISHED"] * 3 + ["LISTEN"]
    assert {one.cookie for one in found} <= set(cookies)
    [one] = told(netlink, listing, bytecode.compiled(here._replace(remote_ports=frozenset((client,)))))
    assert (one.local_port, one.remote_port) == (port, client)
    nowhere = here._replace(local_addresses=frozenset(("192.0.2.1",)))
    assert len(told(netlink, listing, bytecode.compiled(nowhere))) == 0
    assert len(told(netlink, listing, bytecode.compiled(here._replace(local_ports=Range(port + 1, port))))) == 0


@pytest.mark.linux
def test_the_kernel_knows_the_control_group(child: Callable[..., Child], netlink: socket.socket) -> None:
    (port, _, _), _ = child(LISTENER).told
    listing, mask = LISTINGS["ipv4", "tcp"], states.mask("tcp", LISTENS)
    here = Region(local_ports=frozenset((port,)), local_addresses=frozenset(("127.0.0.1",)))
    [one] = told(netlink, listing, bytecode.compiled(here), mask)
    if one.cgroup_id is None:
        pytest.skip("this kernel tells no control group")
    for cgroups, count in (((one.cgroup_id,), 1), ((one.cgroup_id, 10**15), 1), ((10**15,), 0)):
        code = bytecode.compiled(here._replace(cgroups=frozenset(cgroups)))
        assert len(told(netlink, listing, code, mask)) == count


@pytest.mark.linux
def test_the_kernel_knows_which_ports_it_chose(child: Callable[..., Child], netlink: socket.socket) -> None:
    """Of a listener that was bound to port 0 and a client that was not bound at all, but not of one bound to a port."""
    cookies = child(
        "made = [socket.create_server(('127.0.0.1', 0)) for _ in range(2)]\n"
        "port = made[1].getsockname()[1]\n"
        "made[1].close()\n"
        "made[1] = socket.create_server(('127.0.0.1', port))\n"
        "made.append(socket.create_connection(('127.0.0.1', port)))\n"
        "tell([int.from_bytes(one.getsockopt(socket.SOL_SOCKET, 57, 8), sys.byteorder) for one in made])"
    ).told
    found = told(netlink, LISTINGS["ipv4", "tcp"], bytecode.autobound())
    assert {one.cookie for one in found} & set(cookies) == {cookies[0], cookies[2]}


@pytest.mark.linux
def test_the_kernel_filters_datagram_sockets_as_well(child: Callable[..., Child], netlink: socket.socket) -> None:
    port = child("made = socket.socket(type=socket.SOCK_DGRAM)\nmade.bind(('127.0.0.1', 0))\ntell(made.getsockname()[1])").told
    code = bytecode.compiled(Region(local_ports=frozenset((port,)), local_addresses=frozenset(("127.0.0.1",))))
    [one] = told(netlink, LISTINGS["ipv4", "udp"], code)
    assert (one.local_address, one.local_port, one.state) == ("127.0.0.1", port, "UNCONNECTED")


@pytest.mark.linux
@pytest.mark.parametrize(
    "code",
    [
        OP.pack(S_GE, 8, 16) + OP.pack(0, 0, 80),
        OP.pack(S_GE, 8, 10) + OP.pack(0, 0, 80),
        OP.pack(S_GE, 4, 12),
        OP.pack(99, 4, 8),
    ],
)
def test_a_filter_that_the_kernel_does_not_take_is_no_empty_list(netlink: socket.socket, code: bytes) -> None:
    """And the checks of this file refuse what the kernel refuses."""
    with pytest.raises((AssertionError, KeyError)):
        audited(code)
    with pytest.raises(Unsupported, match="does not know the request"):
        told(netlink, LISTINGS["ipv4", "tcp"], code)

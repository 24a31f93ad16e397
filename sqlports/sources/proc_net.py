"""The sockets as the files of /proc/net list them (proc_pid_net(5)): what is left where sock_diag does not answer.

They lack the cookie, the interface, the cgroup, what tcp_info tells, and sockets that are bound and not listening.
"""

from __future__ import annotations

import re
import socket
import struct
import sys
from collections.abc import Callable
from functools import lru_cache

from sqlports.sources.inet_sockets import TIMERS, ip_protocol
from sqlports.sources.netlink_diag import netlink_protocol
from sqlports.sources.packet_diag import ethertype
from sqlports.sources.procfs import Unparsable, text
from sqlports.sources.records import Memory, SocketRecord
from sqlports.sources.sockets import Listing, RecordSocket, Socket
from sqlports.sources.states import OTHER_STATES, numbers
from sqlports.sources.unix_diag import TYPES


@lru_cache(maxsize=1 << 16)
def _address(word: bytes) -> str:
    """An address is written as 32-bit words in the machine's byte order."""
    raw = bytes.fromhex(word.decode("ascii"))
    if sys.byteorder == "little":
        raw = struct.pack(f">{len(raw) // 4}I", *struct.unpack(f"<{len(raw) // 4}I", raw))
    return socket.inet_ntop(socket.AF_INET if len(raw) == 4 else socket.AF_INET6, raw)


def _inet(fields: list[bytes], listing: Listing) -> Socket:
    """A line of tcp, udp, udplite, raw, icmp and their likes for IPv6. What raw and icmp have for a port is none."""
    protocol = listing.protocol
    local, _, local_number = fields[1].partition(b":")
    remote, _, remote_number = fields[2].partition(b":")
    port, remote_port, state = int(local_number, 16), int(remote_number, 16), int(fields[3], 16)
    sending, received = (int(number, 16) for number in fields[4].split(b":"))
    timer, _, expires = fields[5].partition(b":")
    inode = int(fields[9])
    ported = listing.kind.ports
    listens = state == 10
    has_remote = remote_port != 0 if ported else remote.strip(b"0") != b""
    record = SocketRecord(
        listing.type,
        numbers(protocol).get(state, str(state)),
        _address(local),
        (port or None) if ported else None,
        _address(remote) if has_remote else None,
        remote_port if has_remote and ported else None,
        subprotocol=ip_protocol(port) if protocol == "raw" else None,
        ident=port if protocol == "icmp" else None,
        inode=inode or None,
        uid=int(fields[7]) if inode else None,
        receive_queue=None if listens else received,
        send_queue=None if listens else sending,
        # The limit of the backlog is not told here.
        backlog=received if listens else None,
        timer=TIMERS.get(int(timer, 16)),
        timer_expires=int(expires, 16) * 10 if int(timer, 16) else None,
        retransmits=None if listens else int(fields[6], 16),
    )
    return RecordSocket(
        record, listing, memory=Memory(drops=int(fields[12])) if len(fields) > 12 and protocol != "tcp" else None
    )


def _packet(fields: list[bytes], listing: Listing) -> Socket:
    """A line of packet: sk, references, type, protocol, interface, running, memory, uid, inode."""
    index = int(fields[4])
    record = SocketRecord(
        TYPES.get(int(fields[2]), text(fields[2])),
        "UNCONNECTED",
        subprotocol=ethertype(int(fields[3], 16)),
        inode=int(fields[8]) or None,
        uid=int(fields[7]),
        interface=listing.namespace.interface(index) if index else None,
    )
    return RecordSocket(record, listing, memory=Memory(receive=int(fields[6])))


def _netlink(fields: list[bytes], listing: Listing) -> Socket:
    """A line of netlink: sk, protocol, port id, groups, memory, memory, dump, locks, drops, inode."""
    record = SocketRecord(
        None, None, subprotocol=netlink_protocol(int(fields[1])), ident=int(fields[2]), inode=int(fields[9]) or None
    )
    return RecordSocket(record, listing, memory=Memory(receive=int(fields[4]), send=int(fields[5]), drops=int(fields[8])))


_LINES: dict[str, Callable[[list[bytes], Listing], Socket]] = {
    "tcp": _inet,
    "udp": _inet,
    "udplite": _inet,
    "raw": _inet,
    "icmp": _inet,
    "packet": _packet,
    "netlink": _netlink,
}


def file(family: str, protocol: str) -> str | None:
    """The file that lists these sockets; None for none."""
    if protocol == "unix":
        return "unix"
    if protocol not in _LINES:
        return None
    return protocol + ("6" if family == "ipv6" else "")


def parse(data: bytes, listing: Listing) -> list[Socket]:
    """The sockets of such a file. Raises Unparsable."""
    if listing.protocol == "unix":
        return _unix(data, listing)
    read = _LINES[listing.protocol]
    found = []
    for line in data.split(b"\n")[1:]:
        if line:
            try:
                found.append(read(line.split(), listing))
            except (IndexError, ValueError, struct.error):
                raise Unparsable(f"/proc/net/{file(listing.family, listing.protocol)}", line) from None
    return found


# %pK: %08X %08X %08X %04X %02X %5lu, and a blank before the path, if there is one (net/unix/af_unix.c).
_UNIX_ROW = re.compile(
    rb"[0-9a-fA-F]+: [0-9A-F]{8} [0-9A-F]{8} ([0-9A-F]{8}) ([0-9A-F]{4}) ([0-9A-F]{2}) +(\d+)(?: (.*))?", re.DOTALL
)


def _unix(data: bytes, listing: Listing) -> list[Socket]:
    """The path is the rest of the line, spaces and all; one with a newline in it goes on in the next."""
    rows: list[bytes] = []
    for line in data.removesuffix(b"\n").split(b"\n")[1:]:
        if _UNIX_ROW.fullmatch(line):
            rows.append(line)
        elif rows and _UNIX_ROW.fullmatch(rows[-1])[5]:  # type: ignore[index]
            rows[-1] += b"\n" + line
        else:
            raise Unparsable("/proc/net/unix", line)
    found: list[Socket] = []
    for row in rows:
        flags, kind, state, number, path = _UNIX_ROW.fullmatch(row).groups()  # type: ignore[union-attr]
        # SO_ACCEPTCON of include/linux/net.h; SS_CONNECTED is 3.
        name = "LISTEN" if int(flags, 16) & 0x10000 else "ESTABLISHED" if int(state, 16) == 3 else OTHER_STATES[7]
        record = SocketRecord(
            TYPES.get(int(kind, 16), str(int(kind, 16))),
            name,
            path=text(path) if path else None,
            # A path may also start with the '@' that is written for an abstract name's NUL.
            abstract=0 if path and not path.startswith(b"@") else None,
            inode=int(number) or None,
        )
        found.append(RecordSocket(record, listing))
    return found

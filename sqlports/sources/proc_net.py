"""The sockets as the files of /proc/net list them (proc_pid_net(5)): what is left where sock_diag does not answer.

They lack the cookie, the interface and sockets that are bound and not listening.
"""

from __future__ import annotations

import socket
import struct
import sys
from functools import lru_cache

from sqlports.sources.procfs import Unparsable, text
from sqlports.sources.records import SocketRecord
from sqlports.sources.sock_diag import OTHER_STATES, TCP_STATES, TIMERS, UNIX_TYPES

FILES = {("ipv4", "tcp"): "tcp", ("ipv6", "tcp"): "tcp6", ("ipv4", "udp"): "udp", ("ipv6", "udp"): "udp6"}


@lru_cache(maxsize=1 << 16)
def _address(word: bytes) -> str:
    """An address is written as 32-bit words in the machine's byte order."""
    raw = bytes.fromhex(word.decode("ascii"))
    if sys.byteorder == "little":
        raw = struct.pack(f">{len(raw) // 4}I", *struct.unpack(f"<{len(raw) // 4}I", raw))
    return socket.inet_ntop(socket.AF_INET if len(raw) == 4 else socket.AF_INET6, raw)


def parse_inet(data: bytes, family: str, protocol: str, net_namespace: int | None) -> list[SocketRecord]:
    """/proc/net/tcp, tcp6, udp and udp6. Raises Unparsable."""
    states = TCP_STATES if protocol == "tcp" else OTHER_STATES
    found = []
    for line in data.split(b"\n")[1:]:
        if not line:
            continue
        try:
            fields = line.split()
            local, _, local_port = fields[1].partition(b":")
            remote, _, remote_port = fields[2].partition(b":")
            state = int(fields[3], 16)
            sending, _, received = fields[4].partition(b":")
            timer, _, expires = fields[5].partition(b":")
            inode = int(fields[9])
            has_remote = int(remote_port, 16) != 0
            record = SocketRecord(
                protocol,
                family,
                "stream" if protocol == "tcp" else "datagram",
                states.get(state, str(state)),
                _address(local),
                int(local_port, 16),
                _address(remote) if has_remote else None,
                int(remote_port, 16) if has_remote else None,
                None,
                inode or None,
                None,
                None,
                int(fields[7]) if inode else None,
                int(received, 16),
                int(sending, 16),
                TIMERS.get(int(timer, 16)),
                int(expires, 16) * 10 if int(timer, 16) else None,
                int(fields[6], 16),
                None,
                net_namespace,
            )
        except (IndexError, ValueError, struct.error):
            raise Unparsable(f"/proc/net/{FILES[family, protocol]}", line) from None
        found.append(record)
    return found


def parse_unix(data: bytes, net_namespace: int | None) -> list[SocketRecord]:
    """/proc/net/unix. The path is the rest of the line, spaces and all; one with a newline in it goes on in the next."""
    lines: list[bytes] = []
    for line in data.removesuffix(b"\n").split(b"\n")[1:]:
        if _starts_row(line):
            lines.append(line)
        elif lines:
            lines[-1] += b"\n" + line
    found = []
    for line in lines:
        fields = line.split(None, 6)
        number, _, path = fields[6].partition(b" ")
        flags, kind, state = (int(field, 16) for field in fields[3:6])
        # SO_ACCEPTCON of include/linux/net.h; SS_CONNECTED is 3.
        name = "LISTEN" if flags & 0x10000 else "ESTABLISHED" if state == 3 else "UNCONNECTED"
        found.append(
            SocketRecord(
                "unix",
                "unix",
                UNIX_TYPES.get(kind, str(kind)),
                name,
                path=text(path) or None,
                inode=int(number) or None,
                net_namespace=net_namespace,
            )
        )
    return found


def _starts_row(line: bytes) -> bool:
    fields = line.split(None, 7)
    return len(fields) >= 7 and fields[0].endswith(b":") and fields[6].isdigit() and all(map(_is_hex, fields[1:6]))


def _is_hex(word: bytes) -> bool:
    try:
        int(word, 16)
    except ValueError:
        return False
    return True

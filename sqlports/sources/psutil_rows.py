"""The connections that psutil lists, as records."""

from __future__ import annotations

import os
import socket
from typing import Any, NamedTuple

from sqlports.sources import procfs
from sqlports.sources.records import SocketRecord
from sqlports.sources.states import STATES

_TCP_STATES = {state: state for state in STATES} | {"DELETE_TCB": "CLOSE"}  # which on Windows is the end of a connection
_FAMILIES = {socket.AF_INET: "ipv4", socket.AF_INET6: "ipv6"}
_TYPES = {socket.SOCK_STREAM: "stream", socket.SOCK_DGRAM: "datagram", socket.SOCK_SEQPACKET: "seqpacket"}


class Row(NamedTuple):
    """A socket as it was listed, and of which kind."""

    family: str
    protocol: str
    record: SocketRecord


def text(text: str) -> str:
    """Python keeps bad bytes as surrogates, which no output takes."""
    return text if text.isascii() else procfs.text(os.fsencode(text))


def row(connection: Any, pid: int | None) -> Row:
    """A connection of psutil. Its -1 for no descriptor, and 0 for no process on Windows, are None."""
    family, kind = _FAMILIES.get(connection.family), _TYPES.get(connection.type, str(int(connection.type)))
    pid, fd = pid or None, connection.fd if connection.fd >= 0 else None
    if family is None:
        return Row("unix", "unix", SocketRecord(kind, None, path=text(connection.laddr) or None, pid=pid, fd=fd))
    if connection.type == socket.SOCK_STREAM:
        protocol, state = "tcp", _TCP_STATES.get(connection.status)
    else:
        protocol, state = "udp", "ESTABLISHED" if connection.raddr else "UNCONNECTED"
    (address, port), (remote, remote_port) = (end or (None, None) for end in (connection.laddr, connection.raddr))
    return Row(family, protocol, SocketRecord(kind, state, address, port, remote, remote_port, pid=pid, fd=fd))

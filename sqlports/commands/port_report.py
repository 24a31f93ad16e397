"""All there is to say about a port: what it means, who holds it, who uses it, and whether it could be had.

Everything is asked of the tables, within one look at the system.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sqlports.errors import QueryError, nearest

if TYPE_CHECKING:
    from sqlports.engine import Engine

Row = dict[str, Any]
Facts = dict[str, Any]

PROTOCOLS = ("tcp", "udp")

_MEANING = """
    SELECT port, protocol, service, aliases, status, description, common_use, programs, local_service, local_aliases, range,
      ephemeral, reserved, privileged
    FROM port_registry WHERE port = :port"""
_RPC = "SELECT DISTINCT protocol, service, program FROM rpc_services WHERE port = :port"
_HELD = """
    SELECT protocol, state, local_address AS address, interface, autobound, backlog, backlog_limit, drops, siblings, uid, pid,
      owners, owner_reason, keeper_pid, inode, cookie, net_namespace
    FROM sockets
    WHERE local_port = :port AND remote_port IS NULL AND protocol IN ('tcp', 'udp', 'udplite', 'sctp')
      AND state IN ('LISTEN', 'BOUND', 'UNCONNECTED')
    ORDER BY net_namespace, protocol, local_address"""
# What other tables know of such a socket, which they tell by these columns.
_SAME = ("protocol", "address", "pid", "inode", "cookie", "net_namespace")
_EXPOSED = "SELECT * FROM listeners WHERE port = :port"
_EXPECTED = "SELECT * FROM port_use WHERE port = :port"
_NAMESPACES = "SELECT net_namespace, mine, path FROM net_namespaces ORDER BY mine"
_PROCESS = """
    SELECT pid, name, path, deleted, cmdline, uid, started, unit, user_unit, container_id, container_runtime, pod_uid
    FROM processes WHERE pid = :pid"""
_PARENTS = """
    SELECT p.pid, p.name FROM process_tree t JOIN processes p ON p.pid = t.ancestor
    WHERE t.descendant = :pid ORDER BY t.depth"""
_HOLDERS = """
    SELECT DISTINCT h.pid, p.name FROM handles h LEFT JOIN processes p ON p.pid = h.pid
    WHERE h.inode = :inode AND h.type = 'socket' ORDER BY h.pid"""
_USED = """
    SELECT protocol, state, direction, accepted, local_address, remote_address, remote_port, pid, name, owner_reason,
      peer_pid, peer_name, net_namespace
    FROM connections WHERE local_port = :port AND protocol IN ('tcp', 'udp', 'udplite', 'sctp')
    ORDER BY protocol, state, remote_address, remote_port"""
_GOING_OUT = """
    SELECT protocol, remote_address, pid, name, count(*) AS connections FROM connections
    WHERE remote_port = :port AND protocol IN ('tcp', 'udp', 'udplite', 'sctp') AND direction IS NOT 'local'
    GROUP BY 1, 2, 3, 4 ORDER BY 5 DESC, 2"""
_CONFLICTS = "SELECT * FROM port_conflicts WHERE port = :port AND protocol = :protocol"
_WITH = f"{_CONFLICTS} AND reuse_address = :address AND reuse_port = :reuse AND verdict LIKE 'blocks%' ORDER BY verdict LIMIT 1"
# What may be set, the usual before the rest, and how that is asked.
_OPTIONS = (("SO_REUSEADDR", 1, 0), ("SO_REUSEPORT", 0, 1), ("SO_REUSEADDR and SO_REUSEPORT", 1, 1))


def wanted(engine: Engine, words: list[str]) -> list[tuple[int, tuple[str, ...]]]:
    """The ports that words name, with their protocols: '8080', ':8080', '53/udp', '80,443', 'https'. Raises QueryError."""
    return [one for word in words for part in word.split(",") for one in _wanted(engine, part)]


def _wanted(engine: Engine, word: str) -> list[tuple[int, tuple[str, ...]]]:
    # What is no text names no port.
    name, slash, protocol = word.encode("utf-8", "replace").decode().strip().removeprefix(":").partition("/")
    protocols = (protocol.lower(),) if slash else PROTOCOLS
    if not set(protocols) <= {*PROTOCOLS, "udplite", "sctp"}:
        raise QueryError(f"{word}: no protocol with ports is called {protocol!r}", hint="8080, 53/udp, https")
    if re.fullmatch(r"[0-9]{1,9}", name):
        if int(name) > 65535:
            raise QueryError(f"{name} is no port: they end at 65535")
        return [(int(name), protocols)]
    found = engine.query(
        "SELECT DISTINCT port, protocol FROM port_names WHERE lower(service) = :name AND source <> 'common_use' ORDER BY port",
        {"name": name.lower()},
    )
    ports: dict[int, list[str]] = {}
    for row in found:
        if row["protocol"] in protocols:
            ports.setdefault(row["port"], []).append(row["protocol"])
    if not ports:
        names = [row["service"] for row in engine.query("SELECT DISTINCT service FROM port_names WHERE source <> 'common_use'")]
        close = nearest(name, names) if re.search("[a-z]", name, re.IGNORECASE) else None
        hint = f"did you mean {close}?" if close else "8080, 53/udp, 80,443, https"
        raise QueryError(f"no port is called {word!r}", hint=hint)
    return [(port, tuple(sorted(set(known)))) for port, known in ports.items()]


def facts(engine: Engine, port: int, protocols: tuple[str, ...]) -> Facts:
    """What the tables say of a port: lists of rows by what they tell. Raises what `Engine.query` raises."""
    with engine.snapshot():
        given = {"port": port}
        holders: dict[int, Row] = {}
        held = [_holder(engine, row, holders) for row in _of(protocols, _held(engine, given))]
        conflicts = {protocol: engine.query(_CONFLICTS, {**given, "protocol": protocol}) for protocol in protocols}
        return {
            "port": port,
            "protocols": list(protocols),
            "meaning": _of(protocols, engine.query(_MEANING, given)),
            "rpc": _of(protocols, engine.query(_RPC, given)),
            "held": held,
            "used": _of(protocols, engine.query(_USED, given)),
            "going_out": _of(protocols, engine.query(_GOING_OUT, given)),
            "conflicts": [row for rows in conflicts.values() for row in rows],
            "options": {protocol: _options(engine, port, protocol) for protocol, rows in conflicts.items() if rows},
            # The last, for it tells what the others could not see.
            "scan_errors": engine.query("SELECT * FROM scan_errors"),
        }


def _options(engine: Engine, port: int, protocol: str) -> tuple[str | None, bool]:
    """What lets a program in that sets it, and whether that is certain: who has the port is known to have set it too."""
    for options, address, reuse in _OPTIONS:
        given = {"port": port, "protocol": protocol, "address": address, "reuse": reuse}
        worst = next((row["verdict"] for row in engine.query(_WITH, given)), None)
        if worst != "blocks":
            return options, worst is None
    return None, False


def _held(engine: Engine, given: dict[str, int]) -> list[Row]:
    """The sockets that wait on a port for others, those of the network namespace that is looked from first."""
    rows = engine.query(_HELD, given)
    if not rows:
        return []
    known: dict[tuple[Any, ...], Row] = {}
    for sql in (_EXPOSED, _EXPECTED):
        for row in engine.query(sql, given):
            more: Row = {name: row[name] for name in ("scope", "dual_stack", "mismatch") if name in row}
            known.setdefault(tuple(row[name] for name in _SAME), {}).update(more)
    namespaces = {row["net_namespace"]: row for row in engine.query(_NAMESPACES)}
    nothing = {"scope": None, "dual_stack": None, "mismatch": None}
    found = []
    for row in rows:
        namespace = namespaces.get(row["net_namespace"], {"mine": 0, "path": None})
        place = {"mine": namespace["mine"], "namespace_path": namespace["path"]}
        found.append({**nothing, **known.get(tuple(row[name] for name in _SAME), {}), **row, **place})
    return sorted(found, key=lambda row: not row["mine"])


def _of(protocols: tuple[str, ...], rows: list[Row]) -> list[Row]:
    return [row for row in rows if row["protocol"] in protocols]


def _holder(engine: Engine, row: Row, known: dict[int, Row]) -> Row:
    """A row of a socket, with what there is to know of the process that holds it; `known` keeps what was asked of one."""
    pid = row["pid"] if row["pid"] is not None else row["keeper_pid"]
    if pid is not None and pid not in known:
        known[pid] = _process(engine, pid)
    found = {**row, **known.get(pid, {"process": None, "parents": []}), "holders": [], "user": _user(engine, row["uid"])}
    if (row["owners"] or 0) > 1:
        found["holders"] = engine.query(_HOLDERS, {"inode": row["inode"]})
    return found


def _process(engine: Engine, pid: int) -> Row:
    """A process with its user, and its parents."""
    process = next(iter(engine.query(_PROCESS, {"pid": pid})), None)
    if process is None:
        return {"process": None, "parents": []}
    return {"process": {**process, "user": _user(engine, process["uid"])}, "parents": engine.query(_PARENTS, {"pid": pid})}


def _user(engine: Engine, uid: int | None) -> str | None:
    """The name of a user, or the number of one who has none."""
    users = engine.query("SELECT username FROM users WHERE uid = :uid", {"uid": uid}) if uid is not None else []
    return users[0]["username"] if users else None if uid is None else str(uid)

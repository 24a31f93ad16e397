"""The facts about a port as a page for people. Every name that a process chose is made safe to show."""

from __future__ import annotations

import textwrap
import time
from collections import Counter
from collections.abc import Iterable, Iterator

from sqlports.cells import safe
from sqlports.port_report import Facts, Row
from sqlports.sources.sockets import WILDCARDS

_LABEL = 12
# More of a kind than these are counted and not named.
_FEW = 5
_SCOPES = {
    "loopback": "for this machine only",
    "link": "for its own network link",
    "address": "for whoever reaches that address",
    "all": "open to every network",
}
_NO_OWNER = {
    "permission": "held by a process that may not be looked into from here",
    "time_wait": "a closed connection that waits for stragglers; no process holds it",
    "kernel": "held by the kernel itself",
    "orphan": "no process holds it any more; the kernel is closing it",
}


def page(facts: Facts, columns: int | None) -> str:
    """The page, of lines that fit into so many columns; None for lines of any length."""
    lines = [_title(facts), *_meaning(facts["meaning"], facts["rpc"]), *_settings(facts["meaning"])]
    for title, said in (
        ("Held by", list(_held(facts["held"])) or [("nobody", "no socket waits there for others")]),
        ("Connections", list(_connections(facts["used"], facts["going_out"]))),
        ("Can it be had?", list(_verdicts(facts))),
    ):
        if said:
            lines += [("", ""), (title, ""), *said]
    return "".join(_line(label, text, columns) for label, text in lines)


Line = tuple[str, str]


def _title(facts: Facts) -> Line:
    names = " and ".join(protocol.upper() for protocol in facts["protocols"])
    return f"Port {facts['port']}, {names}", ""


def _line(label: str, text: str, columns: int | None) -> str:
    """A line, or several that are set in, with a label at its left; a title where there is no text."""
    if not text:
        return f"{label}\n"
    lead = f"  {label:<{_LABEL}}"
    if columns is None:
        return f"{lead}{safe(text)}\n"
    wrapped = textwrap.wrap(
        safe(text), max(columns - 1, 40), initial_indent=lead, subsequent_indent=" " * len(lead), break_on_hyphens=False
    )
    return "".join(f"{line}\n" for line in wrapped)


def _meaning(rows: list[Row], rpc: list[Row]) -> Iterator[Line]:
    """What the port is for; said once where all protocols say the same."""
    for label, say in (("registered", _registered), ("commonly", _common), ("here", _local)):
        yield from _by_protocol(label, [(row["protocol"], say(row)) for row in rows])
    for row in rpc:
        yield "rpcbind", f"{row['service'] or 'program'} ({row['program']}) over {row['protocol'].upper()}"


def _registered(row: Row) -> str:
    if row["service"] is None:
        described = row["description"]
        plain = described is None or described.lower() == row["status"]
        return f"{row['status']}{'' if plain else f': {described}'}, in IANA's {row['range']} range"
    aliases = f", also {row['aliases'].replace(' ', ', ')}" if row["aliases"] else ""
    historic = " (historic)" if row["status"] == "historic" else ""
    return f"{row['service']}{aliases}{historic}: {row['description'] or 'not described'}"


def _common(row: Row) -> str | None:
    common: str | None = row["common_use"]
    return common


def _local(row: Row) -> str | None:
    if row["local_service"] is None:
        return None
    names = " ".join(filter(None, (row["local_service"], row["local_aliases"])))
    return f"{names} by /etc/services"


def _by_protocol(label: str, said: list[tuple[str, str | None]]) -> Iterator[Line]:
    texts = {text for _, text in said}
    if len(texts) == 1 and None not in texts:
        yield label, texts.pop() or ""
        return
    for protocol, text in said:
        if text is not None:
            yield label, f"{text} ({protocol.upper()})"
            label = ""


def _settings(rows: list[Row]) -> Iterator[Line]:
    row = rows[0] if rows else {}
    told = []
    if row.get("privileged") is not None:
        told.append("to bind it takes privilege" if row["privileged"] else "any user may bind it")
    if row.get("reserved"):
        told.append("kept from clients (ip_local_reserved_ports)")
    elif row.get("ephemeral") is not None:
        handed_out = "the kernel hands it out to clients (ip_local_port_range)"
        told.append(handed_out if row["ephemeral"] else "the kernel hands it to no client by itself")
    if told:
        yield "kernel", "; ".join(told)


def _held(rows: list[Row]) -> Iterator[Line]:
    """The sockets of each holder, and who that is."""
    groups: dict[object, list[Row]] = {}
    for row in rows:
        groups.setdefault((row["net_namespace"], row["pid"], row["keeper_pid"], row["owner_reason"]), []).append(row)
    for number, (first, *others) in enumerate(groups.values()):
        if number:
            yield "", ""
        for row in (first, *others):
            yield row["protocol"], _place(row)
        if first["pid"] is None:
            yield "no process", _NO_OWNER.get(first["owner_reason"], first["owner_reason"] or "not known")
        if first["process"] is not None:
            yield from _process(first, first["process"])
            shared = {holder["pid"]: holder for row in (first, *others) for holder in row["holders"]}
            shared.pop(first["process"]["pid"], None)
            if shared:
                yield "shared with", _listed(f"{holder['name']} ({holder['pid']})" for holder in shared.values())
        if any(row["mismatch"] for row in (first, *others)):
            yield "unexpected", "this is another program than is known to use the port (port_registry.programs)"


def _place(row: Row) -> str:
    said = [f"{_endpoint(row['address'])} {row['state']}"]
    if row["scope"]:
        said.append(_SCOPES[row["scope"]] + (", IPv4 too" if row["dual_stack"] else ""))
    if row["interface"]:
        said.append(f"on interface {row['interface']} alone")
    if row["autobound"]:
        said.append("the kernel chose the port")
    if row["siblings"]:
        said.append(f"with {row['siblings']} more sockets on the same (SO_REUSEPORT)")
    if row["state"] == "LISTEN" and row["backlog"] is not None:
        limit = "" if row["backlog_limit"] is None else f" of at most {row['backlog_limit']}"
        drops = f", {row['drops']} dropped so far" if row["drops"] else ""
        said.append(f"{row['backlog']}{limit} wait to be accepted{drops}")
    if not row["mine"]:
        path = f" ({row['namespace_path']})" if row["namespace_path"] else ""
        said.append(f"in another network namespace, {row['net_namespace'] or 'whose number may not be read'}{path}")
    return ", ".join(said)


def _endpoint(address: str | None) -> str:
    return "[::]" if address == "::" else f"[{address}]" if address and ":" in address else address or "?"


def _process(row: Row, process: Row) -> Iterator[Line]:
    since = f", since {_when(process['started'])}" if process["started"] else ""
    user = process["user"] if process["user"] is not None else process["uid"]
    answers = "" if row["pid"] is not None else ", which answers for it"
    yield "process", f"{process['name']}, pid {process['pid']}, user {'?' if user is None else user}{since}{answers}"
    if process["cmdline"]:
        yield "command", process["cmdline"]
    if process["path"]:
        yield "executable", process["path"] + (", which was removed or replaced since" if process["deleted"] else "")
    for label in ("unit", "user_unit"):
        if process[label]:
            yield label.replace("_", " "), process[label]
    if process["container_id"]:
        pod = f", pod {process['pod_uid']}" if process["pod_uid"] else ""
        yield "container", f"{process['container_id']} ({process['container_runtime'] or 'unknown runtime'}{pod})"
    if row["parents"]:
        yield "started by", " ← ".join(f"{parent['name']} ({parent['pid']})" for parent in row["parents"])


def _connections(used: list[Row], going_out: list[Row]) -> Iterator[Line]:
    alike: dict[tuple[str, str, str], list[str]] = {}
    for row in used:
        kind = "from" if row["accepted"] else "with" if row["pid"] is None else "by"
        alike.setdefault((row["protocol"], row["state"], kind), []).append(_ends(row, kind))
    for (protocol, state, kind), ends in sorted(alike.items()):
        yield protocol, f"{len(ends)} {state} {kind} {_listed(ends)}"
    total = sum(row["connections"] for row in going_out)
    if total:
        ends = [end for row in going_out for end in [_client(row)] * row["connections"]]
        yield "elsewhere", f"{total} from here to this port of others: {_listed(ends)}"


def _ends(row: Row, kind: str) -> str:
    """The other end of a connection, and this one where that is a client's."""
    peer = f"{row['peer_name']} ({row['peer_pid']}) " if row["peer_pid"] is not None else ""
    return f"{_who(row, '') + 'to ' if kind == 'by' else ''}{peer}{_endpoint(row['remote_address'])}:{row['remote_port']}"


def _client(row: Row) -> str:
    return f"{_who(row, '')}to {_endpoint(row['remote_address'])}"


def _who(row: Row, otherwise: str) -> str:
    return f"{row['name']} ({row['pid']}) " if row["pid"] is not None else otherwise


def _times(count: int) -> str:
    return f" ({count} times)" if count > 1 else ""


def _listed(items: Iterable[str]) -> str:
    """The first few different ones, and how many more there are."""
    counts = Counter(items)
    named = [f"{item}{_times(count)}" for item, count in list(counts.items())[:_FEW]]
    more = len(counts) - _FEW
    return ", ".join(named) + (f" and {more} more" if more > 0 else "")


def _verdicts(facts: Facts) -> Iterator[Line]:
    for protocol in facts["protocols"]:
        rows = [row for row in facts["conflicts"] if row["protocol"] == protocol]
        blocking = [row for row in rows if row["verdict"] is None or row["verdict"].startswith("blocks")]
        yield protocol, _answer(blocking)
        reasons: dict[str, list[Row]] = {}
        for row in (*blocking, *(row for row in rows if row not in blocking and row["obstacle"] != "socket")):
            reasons.setdefault(row["why"], []).append(row)
        for why, alike in reasons.items():
            yield "", f"- {_listed(_what(row, len(alike) == 1) for row in alike)}: {why}"


def _answer(rows: list[Row]) -> str:
    """Whether a program that asks for every address gets it."""
    verdicts = {row["verdict"] for row in rows}
    if not rows:
        return "yes, on every address"
    if None in verdicts:
        return "that cannot be told from here"
    taken = {row["local_address"] for row in rows}
    some = "" if taken & {None, *WILDCARDS} else f"; what is taken is {_listed(map(_endpoint, sorted(taken)))}"
    if "blocks" in verdicts:
        return f"no{some}"
    return f"no, unless both set {' and '.join(sorted({verdict.split()[-1] for verdict in verdicts}))}{some}"


def _what(row: Row, whole: bool) -> str:
    if row["obstacle"] != "socket":
        return str(row["obstacle"])
    remote = f" → {_endpoint(row['remote_address'])}:{row['remote_port']}" if whole and row["remote_port"] is not None else ""
    return f"{_who(row, '')}{row['state']} {_endpoint(row['local_address'])}{remote}"


def _when(started: float) -> str:
    return f"{time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(started))} ({_ago(time.time() - started)} ago)"


def _ago(seconds: float) -> str:
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{max(int(seconds), 0)} s"

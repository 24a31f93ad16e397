"""The facts about a port as a page for people. Every name that a process chose is made safe to show."""

from __future__ import annotations

import json
import textwrap
from collections import Counter
from collections.abc import Iterator

from sqlports.cells import safe
from sqlports.commands import port_answer
from sqlports.commands.port_report import Facts, Row
from sqlports.commands.port_words import endpoint, listed, named, times, when

_LABEL = 12
# The lines that a text has on a terminal, at most, and a holder's sockets: arguments may be megabytes, and would push the rest
# out of sight.
_LINES = 12
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
        ("Held by", [*_held(facts), *_unlisted(facts)] or [_nobody(facts)]),
        ("Connections", list(_connections(facts["used"], facts["going_out"]))),
        ("Can it be had?", list(port_answer.lines(facts))),
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
        safe(text),
        max(columns - 1, 40),
        initial_indent=lead,
        subsequent_indent=" " * len(lead),
        break_on_hyphens=False,
        max_lines=_LINES,
        placeholder=" …",
    )
    return "".join(f"{line}\n" for line in wrapped)


def _meaning(rows: list[Row], rpc: list[Row]) -> Iterator[Line]:
    """What the port is for; said once where all protocols say the same."""
    for label, say in (("registered", _registered), ("commonly", lambda row: row["common_use"]), ("here", _local)):
        yield from _by_protocol(label, [(row["protocol"], say(row)) for row in rows])
    for protocol in sorted({row["protocol"] for row in rpc}):
        # Whoever is local may register whatever he likes.
        programs = (f"{row['service'] or 'program'} ({row['program']})" for row in rpc if row["protocol"] == protocol)
        yield "rpcbind", f"{listed(programs)} over {protocol.upper()}"


def _registered(row: Row) -> str:
    if row["service"] is None:
        described = row["description"]
        plain = described is None or described.lower() == row["status"]
        return f"{row['status']}{'' if plain else f': {described}'}, in IANA's {row['range']} range"
    aliases = f", also {row['aliases'].replace(' ', ', ')}" if row["aliases"] else ""
    historic = " (historic)" if row["status"] == "historic" else ""
    return f"{row['service']}{aliases}{historic}: {row['description'] or 'not described'}"


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
    row = next((row for row in rows if row["port"]), {})
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


def _nobody(facts: Facts) -> Line:
    used = any(row["obstacle"] == "socket" and row["remote_port"] is not None for row in facts["conflicts"])
    return "nobody", "waits there for others" + ("; but a connection has the port, see below" if used else "")


def _held(facts: Facts) -> Iterator[Line]:
    """The sockets of each holder, and who that is."""
    groups: dict[object, list[Row]] = {}
    for row in facts["held"]:
        groups.setdefault((row["net_namespace"], row["pid"], row["keeper_pid"], row["owner_reason"]), []).append(row)
    for number, (first, *others) in enumerate(groups.values()):
        if number:
            yield "", ""
        places = Counter((row["protocol"], _place(row)) for row in (first, *others))
        for (protocol, place), count in list(places.items())[:_LINES]:
            yield protocol, place + times(count)
        if len(places) > _LINES:
            yield "", f"and {sum(list(places.values())[_LINES:])} more"
        if first["pid"] is None:
            user = f"; user {first['user']} made it" if first["user"] is not None else ""
            yield "no process", _NO_OWNER.get(first["owner_reason"], first["owner_reason"] or "not known") + user
        if first["process"] is not None:
            yield from _process(first, first["process"])
            shared = {holder["pid"]: holder for row in (first, *others) for holder in row["holders"]}
            shared.pop(first["process"]["pid"], None)
            if shared:
                yield "shared with", listed(f"{holder['name']} ({holder['pid']})" for holder in shared.values())
        wrong = {row["protocol"] for row in (first, *others) if row["mismatch"]}
        for row in facts["meaning"]:
            if row["protocol"] in wrong:
                programs = json.loads(row["programs"] or "[]")
                yield "unexpected", f"none of those known for it: {listed(programs) or 'what is named like the service'}"


def _place(row: Row) -> str:
    said = [f"{endpoint(row['address'])} {row['state']}"]
    if row["state"] == "BOUND":
        said.append("bound and no more: nobody can come there")
    elif row["scope"]:
        said.append(_SCOPES[row["scope"]] + (", IPv4 too" if row["dual_stack"] else ""))
    if row["interface"]:
        said.append(f"on interface {row['interface']} alone")
    if row["autobound"]:
        said.append("the kernel chose the port")
    if row["siblings"]:
        # Of UDP SO_REUSEADDR does it as well, and then one of them gets all.
        how = "SO_REUSEPORT" if row["protocol"] == "tcp" else "SO_REUSEPORT or SO_REUSEADDR"
        said.append(f"one of {row['siblings'] + 1} on that very place ({how})")
    if row["state"] == "LISTEN" and row["backlog"] is not None:
        limit = "" if row["backlog_limit"] is None else f" (limit {row['backlog_limit']})"
        drops = f", {row['drops']} dropped so far" if row["drops"] else ""
        said.append(f"{row['backlog']} wait to be accepted{limit}{drops}")
    if not row["mine"]:
        path = f" ({row['namespace_path']})" if row["namespace_path"] else ""
        said.append(f"in another network namespace, {row['net_namespace'] or 'whose number may not be read'}{path}")
    return ", ".join(said)


def _process(row: Row, process: Row) -> Iterator[Line]:
    since = f", since {when(process['started'])}" if process["started"] else ""
    answers = "" if row["pid"] is not None else ", which answers for it"
    yield "process", f"{process['name']}, pid {process['pid']}, user {process['user'] or '?'}{since}{answers}"
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
        yield protocol, f"{len(ends)} {state} {kind} {listed(ends)}"
    total = sum(row["connections"] for row in going_out)
    if total:
        ends = [end for row in going_out for end in [_client(row)] * row["connections"]]
        yield "elsewhere", f"{total} from here to this port of others: {listed(ends)}"


def _ends(row: Row, kind: str) -> str:
    """The other end of a connection, and this one where that is a client's."""
    peer = f"{row['peer_name']} ({row['peer_pid']}) " if row["peer_pid"] is not None else ""
    return f"{named(row) + 'to ' if kind == 'by' else ''}{peer}{endpoint(row['remote_address'], row['remote_port'])}"


def _client(row: Row) -> str:
    return f"{named(row)}to {endpoint(row['remote_address'])}"


def _unlisted(facts: Facts) -> Iterator[Line]:
    """The protocols of which the sockets are not known: that nobody has the port is not said of them."""
    for protocol in facts["protocols"]:
        if any(port_answer.is_unlisted(row) and row["protocol"] == protocol for row in facts["conflicts"]):
            yield protocol, "not known: the sockets could not be listed"

"""Can a port be had? What port_conflicts says of it, as an answer and its reasons."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sqlports.commands.port_words import endpoint, listed, named
from sqlports.sources.sockets import WILDCARDS

if TYPE_CHECKING:
    from sqlports.commands.port_report import Facts, Row


def lines(facts: Facts) -> Iterator[tuple[str, str]]:
    """For each protocol a line with the answer, and one for each reason."""
    for protocol in facts["protocols"]:
        rows = [row for row in facts["conflicts"] if row["protocol"] == protocol]
        blocking: list[Row] = []
        others: list[Row] = []
        for row in rows:
            (blocking if row["verdict"] is None or row["verdict"].startswith("blocks") else others).append(row)
        elsewhere = any(row["protocol"] == protocol and not row["mine"] for row in facts["held"])
        yield protocol, _answer(facts, protocol, blocking) if blocking else _free(facts, elsewhere)
        reasons: dict[str, list[Row]] = {}
        for row in (*blocking, *(row for row in others if row["obstacle"] not in ("socket", "port"))):
            reasons.setdefault(row["why"], []).append(row)
        for why, alike in reasons.items():
            yield "", f"- {listed(_what(row, len(alike) == 1) for row in alike)}: {why}"


def _free(facts: Facts, elsewhere: bool) -> str:
    if facts["port"] == 0:
        return "no: who asks for port 0 is given one that is free"
    return "yes, on every address" + ("; it is another network namespace where it is held" if elsewhere else "")


def _answer(facts: Facts, protocol: str, rows: list[Row]) -> str:
    """Whether a program that asks for every address gets it, where something is in the way."""
    verdicts = {row["verdict"] for row in rows}
    taken = {row["local_address"] for row in rows}
    some = "" if taken & {None, *WILDCARDS} else f"; what is taken is {listed(map(endpoint, sorted(taken)))}"
    if "blocks" in verdicts:
        return f"no{some}"
    if None in verdicts:
        return "that cannot be told from here"
    options, is_certain = facts["options"][protocol]
    if is_certain:
        return f"yes, by {options}, which who has it has set too"
    if {row["state"] for row in rows} == {"TIME_WAIT"}:
        some += "; in a minute at most it is free"
    return f"not unless who has it and who wants it both set {options}{some}"


def is_unlisted(row: Row) -> bool:
    """Whether a row of port_conflicts stands for all sockets that could not be listed."""
    return row["obstacle"] == "socket" and row["state"] is None


def _what(row: Row, whole: bool) -> str:
    if row["obstacle"] != "socket" or is_unlisted(row):
        return str(row["obstacle"])
    remote = f" → {endpoint(row['remote_address'], row['remote_port'])}" if whole and row["remote_port"] is not None else ""
    return f"{named(row)}{row['state']} {endpoint(row['local_address'])}{remote}"

"""The page about an audit: what its header says, for a terminal (`sqlports audit show`) and for docs/audits/."""

from __future__ import annotations

import re
from collections.abc import Iterable

from sqlports.audit.audit import Audit
from sqlports.queries.parameters import Parameter

_TECHNIQUE = re.compile(r"attack\.(T\d{4})(?:\.(\d{3}))?", re.IGNORECASE)
_SAFEGUARD = re.compile(r"cis\.(\d+\.\d+)", re.IGNORECASE)


def text(audit: Audit, columns: int) -> str:
    """The page for people at a terminal, and the SQL."""
    from sqlports.cells import safe
    from sqlports.commands.usage import wrapped

    parts = [f"{audit.id} ({', '.join(filter(None, (audit.severity, audit.pack)))})", audit.title]
    parts += [f"{label}: {said}" if label else said for label, said in _paragraphs(audit)]
    if audit.parameters:
        margin = max(len(one.name) for one in audit.parameters)
        parts.append("\n".join(f"  {one.name:<{margin}}  {_told(one)}" for one in audit.parameters))
    facts = {
        "tags": ", ".join(audit.tags),
        "known by": ", ".join(audit.key),
        "needs": ", ".join(audit.requires),
        "fails": f"on {audit.fail_if}",
        "pages": " ".join(audit.references),
        "file": audit.path,
    }
    parts.append("\n".join(f"{label}: {said}" for label, said in facts.items() if said))
    page = wrapped("\n\n".join(parts), min(columns, 100)) + "\n\n" + statement(audit)
    return "\n".join(map(safe, page.split("\n"))) + "\n"


def _paragraphs(audit: Audit) -> list[tuple[str, str]]:
    """What it says in sentences, each with its label."""
    told = (("", audit.description), ("What to do", audit.fix), ("What is in order", audit.false_positives))
    return [(label, said) for label, said in told if said]


def _told(parameter: Parameter) -> str:
    default = "" if parameter.required else "[NULL]" if parameter.default is None else f"[{parameter.default}]"
    return " ".join(filter(None, (parameter.doc, default)))


def statement(audit: Audit) -> str:
    """Its SQL, without the header."""
    return "\n".join(audit.sql.split("\n")[audit.line - 1 :]).strip()


def markdown(audit: Audit) -> str:
    """The page in docs/."""
    parts = [f"# {audit.title}", f"`{audit.id}` · {audit.severity} · pack `{audit.pack}`", audit.description]
    parts += [f"**{label}.** {said}" for label, said in _paragraphs(audit)[1:]]
    if audit.parameters:
        rows = (f"| `{one.name}` | {one.takes} | {_code(one.default)} | {_cell(one.doc)} |" for one in audit.parameters)
        parts.append("\n".join(("| parameter | type | default | what it is |", "|---|---|---|---|", *rows)))
    facts = {
        "Known again by": ", ".join(f"`{name}`" for name in audit.key),
        "Needs": ", ".join(audit.requires),
        "MITRE ATT&CK": ", ".join(techniques(audit)),
        "CIS Controls v8": ", ".join(found[1] for tag in audit.tags if (found := _SAFEGUARD.fullmatch(tag))),
        "Pages": " ".join(f"<{page}>" for page in audit.references),
    }
    parts.append("\n".join(f"- {label}: {said}" for label, said in facts.items() if said))
    parts.append(f"```sql\n{statement(audit)}\n```")
    return "\n\n".join(parts) + "\n"


def techniques(audit: Audit) -> list[str]:
    """The techniques of MITRE ATT&CK that its tags name, as links."""
    found = [match for tag in audit.tags if (match := _TECHNIQUE.fullmatch(tag))]
    names = [one[1].upper() + (f".{one[2]}" if one[2] else "") for one in found]
    return [f"[{name}](https://attack.mitre.org/techniques/{name.replace('.', '/')}/)" for name in names]


def index(audits: Iterable[Audit]) -> str:
    """The list of audits in docs/audits.md, a table for each pack."""
    packs: dict[str, list[Audit]] = {}
    for audit in audits:
        packs.setdefault(audit.pack, []).append(audit)
    parts = []
    for name, members in packs.items():
        rows = (f"| [{one.id}](audits/{one.id}.md) | {one.severity} | {_cell(one.title)} |" for one in members)
        parts.append("\n".join((f"### {name}", "", "| audit | severity | what it finds |", "|---|---|---|", *rows)))
    return "\n\n".join(parts) + "\n"


def _code(value: object) -> str:
    return "" if value is None or value == "" else f"`{_cell(str(value))}`"


def _cell(said: str) -> str:
    return said.replace("|", "\\|")

"""Write what is made from the declarations: lists in README.md, docs/shell.md and docs/audits.md, docs/tables.md, docs/audits/.

With --check it writes nothing and fails when one of them is not what it would write.
"""

from __future__ import annotations

import sys
from pathlib import Path

from sqlports.about import catalogue
from sqlports.audit import find, page
from sqlports.shell.dots import commands

TREE = Path(__file__).resolve().parents[1]


def pages() -> dict[Path, str]:
    """The files as they should be."""
    readme, shell, audits = TREE / "README.md", TREE / "docs" / "shell.md", TREE / "docs" / "audits.md"
    shipped = sorted(find.path(find.SHIPPED).audits, key=lambda audit: (audit.pack, audit.id))
    return {
        audits: _with(audits, "list", page.index(shipped)),
        **{TREE / "docs" / "audits" / f"{audit.id}.md": page.markdown(audit) for audit in shipped},
        readme: _with(readme, "tables", catalogue.markdown_list()),
        shell: _with(shell, "commands", _commands()),
        TREE / "docs" / "tables.md": catalogue.markdown_reference(),
    }


def _with(path: Path, what: str, text: str) -> str:
    """A page with this text between its marks."""
    begin, end = f"<!-- {what}: made by `make docs` -->\n", f"<!-- end of {what} -->\n"
    before, _, rest = path.read_text(encoding="utf-8").partition(begin)
    return before + begin + text + end + rest.partition(end)[2]


def _commands() -> str:
    """The prompt's own commands."""
    usages = (
        (f"{one.name} {one.argument}".rstrip().replace("|", "\\|"), catalogue.summary(one.doc)) for one in commands().values()
    )
    return "| command | what it does |\n|---|---|\n" + "".join(f"| `{usage}` | {doc} |\n" for usage, doc in usages)


def stale() -> list[Path]:
    """The files that are not as they should be."""
    made = pages()
    others = [path for path in (TREE / "docs" / "audits").glob("*.md") if path not in made]
    return others + [path for path, text in made.items() if not path.exists() or path.read_text(encoding="utf-8") != text]


def main() -> None:
    if "--check" in sys.argv[1:]:
        for path in stale():
            sys.exit(f"{path.relative_to(TREE)} is not current: make docs")
        return
    made = pages()
    for path in stale():
        if path not in made:
            path.unlink()
            continue
        path.parent.mkdir(exist_ok=True)
        path.write_text(made[path], encoding="utf-8")


if __name__ == "__main__":
    main()

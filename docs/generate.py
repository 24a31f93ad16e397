"""Write what is made from the declarations: the tables in README.md, the commands in docs/shell.md, all of docs/tables.md.

With --check it writes nothing and fails when one of them is not what it would write.
"""

from __future__ import annotations

import sys
from pathlib import Path

from sqlports.about import catalogue
from sqlports.shell.dots import commands

TREE = Path(__file__).resolve().parents[1]


def pages() -> dict[Path, str]:
    """The files as they should be."""
    readme, shell = TREE / "README.md", TREE / "docs" / "shell.md"
    return {
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
    return [path for path, text in pages().items() if not path.exists() or path.read_text(encoding="utf-8") != text]


def main() -> None:
    if "--check" in sys.argv[1:]:
        for path in stale():
            sys.exit(f"{path.relative_to(TREE)} is not current: make docs")
        return
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

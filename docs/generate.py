"""Write what is made from the declarations: the list of tables in README.md, the reference in docs/tables.md.

With --check it writes nothing and fails when one of them is not what it would write.
"""

from __future__ import annotations

import sys
from pathlib import Path

from sqlports.about import catalogue

TREE = Path(__file__).resolve().parents[1]
BEGIN, END = "<!-- tables: made by `make docs` -->\n", "<!-- end of tables -->\n"


def pages() -> dict[Path, str]:
    """The files as they should be."""
    readme = TREE / "README.md"
    before, _, rest = readme.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    return {
        readme: before + BEGIN + catalogue.markdown_list() + END + after,
        TREE / "docs" / "tables.md": catalogue.markdown_reference(),
    }


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

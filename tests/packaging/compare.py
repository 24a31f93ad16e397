"""Build the sdist and the wheel and compare them with the tree: nothing of the product is missing, nothing else is in.

Then install the wheel in a new environment, outside the checkout, and ask it something.
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from pathlib import Path

TREE = Path(__file__).resolve().parents[2]
PRODUCT = {"sqlports": "sqlports", "tables": "sqlports/tables"}
SOURCES = {".py", ".sql", ".tsv", ".typed"}


def expected() -> set[str]:
    """The files of the product under the names they are installed as."""
    found = set()
    for folder, installed in PRODUCT.items():
        for path in (TREE / folder).rglob("*"):
            if path.suffix in SOURCES and "__pycache__" not in path.parts:
                found.add(f"{installed}/{path.relative_to(TREE / folder).as_posix()}")
    return found


def difference(what: str, found: set[str], wanted: set[str]) -> list[str]:
    missing = [f"{what} lacks {name}" for name in sorted(wanted - found)]
    return missing + [f"{what} has {name}, which the tree has not" for name in sorted(found - wanted)]


def build(target: Path) -> tuple[Path, Path]:
    """The sdist, and the wheel that is built from it, as an index would have them."""
    subprocess.run([sys.executable, "-m", "build", "--outdir", target, TREE], check=True, stdout=subprocess.DEVNULL)
    return next(target.glob("*.tar.gz")), next(target.glob("*.whl"))


def in_wheel(path: Path) -> set[str]:
    with zipfile.ZipFile(path) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def in_sdist(path: Path) -> set[str]:
    with tarfile.open(path) as archive:
        names = (name.partition("/")[2] for name in archive.getnames())
        found = set()
        for name in names:
            folder, _, rest = name.partition("/")
            if folder in PRODUCT and Path(name).suffix in SOURCES:
                found.add(f"{PRODUCT[folder]}/{rest}")
        return found


def installed(wheel: Path, place: Path) -> list[str]:
    """What is wrong with the wheel once it is installed."""
    venv.create(place / "env", with_pip=True)
    scripts = next((place / "env").glob("[bS]*in*"))
    pip = [scripts / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, wheel], check=True, cwd=place)
    asked = [scripts / "sqlports", "--csv", "SELECT count(*) > 0 AS ok FROM processes"]
    answer = subprocess.run(asked, cwd=place, capture_output=True, text=True, check=False).stdout
    faults = [] if answer.split() == ["ok", "1"] else [f"the installed command answers {answer!r}"]
    # `tables` is the name of another project's package: ours must not take it.
    leak = subprocess.run([scripts / "python", "-c", "import tables"], cwd=place, capture_output=True, check=False)
    return faults if leak.returncode else [*faults, "the wheel installs a top-level package called tables"]


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        sdist, wheel = build(place)
        wanted = expected()
        faults = difference("the wheel", in_wheel(wheel), wanted)
        faults += difference("the sdist", in_sdist(sdist), wanted)
        faults += installed(wheel, place)
    if faults:
        sys.exit("\n".join(faults))
    print(f"wheel and sdist hold the {len(wanted)} files of the tree, and the installed command answers")


if __name__ == "__main__":
    main()

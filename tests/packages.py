"""What `uv build` built holds what it must and nothing else: `python tests/packages.py DIST`.

The wheel carries the workflow, so that `evalweave run` works without a checkout; the sdist what
wheel, tests and pages are made from. Neither holds anything of a study.
"""

from __future__ import annotations

import sys
import tarfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
WORKFLOW = (
    "Snakefile",
    *(
        str(path.relative_to(ROOT))
        for folder in ("workflow", "profiles")
        for path in sorted((ROOT / folder).rglob("*"))
        if path.is_file() and path.suffix in (".smk", ".yaml", ".json", ".txt", "")
    ),
)
PACKAGE = tuple(
    str(path.relative_to(ROOT / "src"))
    for path in sorted((ROOT / "src/evalweave").rglob("*"))
    if path.is_file() and "__pycache__" not in path.parts
)
BESIDE = (
    "README.md",
    "LICENSE",
    "CITATION.cff",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "pyproject.toml",
    "mkdocs.yml",
    "config/config.yaml",
    "docs/README.md",
    "tests/conftest.py",
    "reports/README.md",
)
NEVER = ("results", "resources", "site", ".venv", ".snakemake", ".cache", ".git", "uv.lock")
MOST = 6_000_000  # bytes


def wrong(wheel: set[str], sdist: set[str]) -> list[str]:
    """Return a sentence for each file that is missing from a package, or does not belong there."""
    lacking = {
        "wheel": {*PACKAGE, *(f"evalweave/_workflow/{name}" for name in WORKFLOW)} - wheel,
        "sdist": {*BESIDE, *WORKFLOW, *(f"src/{name}" for name in PACKAGE)} - sdist,
    }
    told = [f"the {kind} lacks {name}" for kind, names in lacking.items() for name in names]
    for kind, names in (("wheel", wheel), ("sdist", sdist)):
        for name in names:
            first = Path(name).parts[0]
            released = first == "reports" and name != "reports/README.md"
            if first in NEVER or released or "__pycache__" in name:
                told.append(f"the {kind} holds {name}")
    strangers = [n for n in wheel if not n.startswith(("evalweave/", "evalweave-"))]
    return sorted([*told, *(f"the wheel holds {name}" for name in strangers)])


def main(folder: Path) -> None:
    """Look at the one wheel and the one sdist of a folder."""
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    with zipfile.ZipFile(wheel) as archive, tarfile.open(sdist) as tar:
        inside = {name.partition("/")[2] for name in tar.getnames()} - {""}
        told = wrong(set(archive.namelist()), inside)
    told += [
        f"{p.name} is larger than {MOST:,} bytes" for p in (wheel, sdist) if p.stat().st_size > MOST
    ]
    if told:
        sys.exit("\n".join(told))
    print(f"{wheel.name} and {sdist.name} hold what they must")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

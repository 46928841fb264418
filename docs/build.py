"""Builds the documentation's site, to be read offline: `uv run --group docs python docs/build.py`.

The pages are read on GitHub where they lie. Zensical wants all of them below one folder, so they
are laid out in `site/pages/` first, with their links pointing to where each page went; it is
`--strict`: a link to a page, a part of one or a picture that is not there fails the build.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LINK = re.compile(r"(\]\(|src=\")(?!\w+:)([^)\s#\"]*)(#[^)\s\"]*)?(?=[)\"])")
# One page in the repository, too long for a reader of the site: a part begins with each heading.
REFERENCE = "config/README.md"
PARTS = {
    "describing-a-study.md": "# Describing a study",
    "extracts.md": "## Formats of extracts",
    "who-is-in.md": "## Who is in, and compared with whom",
    "clusters.md": "## On a cluster",
    "which-interval.md": "## Which interval",
    "keys.md": "## Keys of the study file",
    "methods.md": "## Estimators",
    "tables.md": "## Tables that pass between stages",
}
ELSEWHERE = {"CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changes.md"}


def sources() -> dict[str, tuple[str, str]]:
    """Return page of the site → the file that it comes from, and its text."""
    pages = {
        str(path.relative_to(ROOT / "docs")): (str(path.relative_to(ROOT)), _read(path))
        for path in sorted((ROOT / "docs").rglob("*.md"))
    }
    pages["index.md"] = pages.pop("README.md")
    pages |= {page: (name, _read(ROOT / name)) for name, page in ELSEWHERE.items()}
    rest = _read(ROOT / REFERENCE)
    for page, heading in reversed(PARTS.items()):
        rest, _, part = rest.rpartition(f"{heading}\n")
        pages[page] = (REFERENCE, f"# {heading.lstrip('# ')}\n{part}")
    return pages


def laid_out(pages: dict[str, tuple[str, str]]) -> dict[str, str]:
    """Return page → its text, with links that lead to where the pages are in the site.

    Raises:
        SystemExit: for a link to a file that is no page of the site.
    """
    homes: dict[str, list[str]] = {}
    for page, (source, _) in pages.items():
        homes.setdefault(source, []).append(page)
    wrong: list[str] = []

    def moved(page: str, source: str, target: str, part: str) -> str:
        file = os.path.normpath(Path(source).parent / target) if target else source
        if file in homes:
            home = _place(homes[file], part, pages)
        elif Path("docs/assets") in Path(file).parents and (ROOT / file).is_file():
            home = os.path.relpath(file, "docs")
        else:
            wrong.append(f"{source}: {target} is no page of the site")
            return target + part
        return os.path.relpath(home, Path(page).parent) + part

    texts = {
        page: LINK.sub(
            lambda m, page=page, source=source: (
                m[1] + moved(page, source, m[2], m[3] or "")  # type: ignore[misc]
            ),
            text,
        )
        for page, (source, text) in pages.items()
    }
    if wrong:
        sys.exit("\n".join(wrong))
    return texts


def _place(homes: list[str], part: str, pages: dict[str, tuple[str, str]]) -> str:
    """Return the page, of those that one file became, that has the part of a link."""
    for home in homes:
        heads = re.findall(r"^#+ (.+)$", pages[home][1], re.MULTILINE)
        if part[1:] in {slug(head) for head in heads}:
            return home
    return homes[0]


def slug(heading: str) -> str:
    """Return what GitHub and the site call the place of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def main() -> None:
    """Lay the pages out in site/pages and build site/html."""
    pages = ROOT / "site" / "pages"
    shutil.rmtree(pages.parent, ignore_errors=True)
    for page, text in laid_out(sources()).items():
        (pages / page).parent.mkdir(parents=True, exist_ok=True)
        (pages / page).write_text(text, encoding="utf-8")
    shutil.copytree(ROOT / "docs" / "assets", pages / "assets")
    built = subprocess.run(
        [sys.executable, "-m", "zensical", "build", "--strict", "--clean"], cwd=ROOT, check=False
    )
    sys.exit(built.returncode)


if __name__ == "__main__":
    main()

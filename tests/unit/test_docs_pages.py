"""The pages of docs/: links lead somewhere, in the repository and in the site; pictures are small
and of simulated data."""

from __future__ import annotations

import os
import re
import runpy
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
SITE = runpy.run_path(str(ROOT / "docs/build.py"))
READ = [
    ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "config/README.md")
]
PAGES = [*READ, *sorted((ROOT / "docs").rglob("*.md"))]
FENCED = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)


def places(page: Path) -> set[str]:
    text = FENCED.sub("", page.read_text(encoding="utf-8"))
    return {SITE["slug"](head) for head in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere_in_the_repository(page: Path) -> None:
    text = FENCED.sub("", page.read_text(encoding="utf-8"))
    for _, target, part in SITE["LINK"].findall(text):
        file = page.parent / target if target else page
        assert file.exists(), f"{target} does not exist"
        if part:
            assert part[1:] in places(file), f"{target}{part}: no such heading"


def test_every_page_is_in_the_site_and_reached_from_it() -> None:
    pages = SITE["laid_out"](SITE["sources"]())

    def listed(entry: object) -> list[str]:
        if isinstance(entry, str):
            return [entry]
        each = entry.values() if isinstance(entry, dict) else entry
        return [page for part in each for page in listed(part)]  # type: ignore[union-attr]

    nav = listed(yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"])
    assert sorted(nav) == sorted(pages)


def test_the_parts_of_the_reference_are_the_whole_of_it() -> None:
    parts = [text for source, text in SITE["sources"]().values() if source == SITE["REFERENCE"]]
    whole = (ROOT / SITE["REFERENCE"]).read_text(encoding="utf-8")
    assert sum(len(part.splitlines()) for part in parts) == len(whole.splitlines())


def test_pictures_are_small_and_their_captions_say_simulated() -> None:
    for picture in (ROOT / "docs/assets").glob("*.webp"):
        assert picture.stat().st_size <= 150_000, picture
    for page in (path for path in PAGES if path.parent != ROOT):
        parts = page.read_text(encoding="utf-8").split(".webp")
        for shown in parts[1:]:
            after = "\n".join(shown.split("\n")[1:4])
            assert "Simulated data" in after, f"{os.path.relpath(page, ROOT)}: {after}"

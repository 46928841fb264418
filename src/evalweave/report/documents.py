"""The two documents of a report: a main one of a few pages, and a supplement with everything else.

Both are made of the same sections. Parts that a reader opens on a click (`Details`), and what a
section sends on (`Appendix`), stand in the supplement; where they were, the main report links to
them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from markupsafe import Markup

from evalweave.report.blocks import Appendix, Details, Heading, Prose, Section, text
from evalweave.report.data import ReportData

MAIN = (
    "answer",
    "believed",
    "studied",
    "happened",
    "outcomes",
    "costs",
    "said",
    "together",
    "scope",
)
REPORT, SUPPLEMENT = "report", "supplement"


@dataclass(frozen=True)
class Document:
    """One of the two: its file's name without suffix, its subtitle, and its sections."""

    name: str
    subtitle: str
    sections: tuple[Section, ...]


def documents(sections: list[Section]) -> tuple[Document, Document]:
    """Return the main report and its supplement."""
    main: list[Section] = []
    details: list[Section] = []
    rest: list[Section] = []
    for section in sections:
        if section.key not in MAIN:
            rest.append(_unfolded(section))
            continue
        short, more = _parted(section)
        main.append(short)
        if more is not None:
            details.append(more)
    return (
        Document(REPORT, "", tuple(main)),
        Document(SUPPLEMENT, "Supplement", (*details, *rest)),
    )


def warned(data: ReportData) -> str:
    """Return what every page has to say of these data; blank for nothing."""
    if data.study.study.synthetic:
        return "Simulated data: people, records, quotations and counts are invented."
    return "No disclosure control: must not leave the secure area." if data.profile.exact else ""


def _unfolded(section: Section) -> Section:
    """Return a section of the supplement, with what would be sent on in its place."""
    blocks: list[Any] = []
    for block in section.blocks:
        blocks += block.blocks if isinstance(block, Appendix) else (block,)
    return Section(section.key, section.title, tuple(blocks), section.short)


def _parted(section: Section) -> tuple[Section, Section | None]:
    """Return a section without what stands in the supplement, and that."""
    blocks: list[Any] = []
    moved: list[Any] = []
    links: list[Markup] = []
    heading = told = ""
    for block in section.blocks:
        heading = block.text if isinstance(block, Heading) else heading
        if not isinstance(block, Details | Appendix):
            blocks.append(block)
            continue
        words = block.summary if isinstance(block, Appendix) else heading or block.summary
        if words != told:
            told = str(words)
            key = getattr(block, "id", "") or f"{section.key}-more-{len(links) + 1}"
            first = block.blocks[0]
            if isinstance(block, Appendix) and isinstance(first, Heading):  # one heading is enough
                key = first.id or key
                block = replace(block, blocks=(replace(first, id=key), *block.blocks[1:]))
            else:
                moved.append(Heading(told, key))
            links.append(text('<a href="#{}">{}</a>', key, told))
        said = str(block.summary) == told  # folded under a heading of the same words
        moved += block.blocks if said or isinstance(block, Appendix) else (block,)
    if not moved:
        return section, None
    blocks.append(Prose(text("In the supplement: {}.", Markup("; ").join(links)), "note"))
    more = Section(f"{section.key}-more", f"{section.title}: more of it", tuple(moved))
    return Section(section.key, section.title, _without_bare(blocks), section.short), more


def _without_bare(blocks: list[Any]) -> tuple[Any, ...]:
    """Return blocks without headings that nothing follows, because it stands in the supplement."""
    following = [*blocks[1:], Heading("")]
    last = len(blocks) - 1  # the note with the links
    return tuple(
        block
        for n, (block, after) in enumerate(zip(blocks, following, strict=True))
        if not (isinstance(block, Heading) and (isinstance(after, Heading) or n + 1 == last))
    )


def linked(page: str, other: str, file: str) -> str:
    """Return a page whose links to anchors of the other page lead there.

    Args:
        page: HTML of one document.
        other: HTML of the other.
        file: the other's file name.
    """
    ids = set(re.findall(r' id="([^"]+)"', page))
    theirs = set(re.findall(r' id="([^"]+)"', other))

    def to(match: re.Match[str]) -> str:
        away = match[1] not in ids and match[1] in theirs
        return f'href="{file}#{match[1]}"' if away else match[0]

    return re.sub(r'(?<!xlink:)href="#([^"]+)"', to, page)

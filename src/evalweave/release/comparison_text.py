"""A comparison of two releases as sections of plain tables, for the terminal and for a page."""

from __future__ import annotations

from dataclasses import dataclass

from evalweave.release.comparison import Comparison, Estimated, Released, size
from evalweave.release.numbers import interval, number
from evalweave.release.sampling import noun

SHOWN = 30  # lines of a section on the terminal; the rest are counted
WIDEST = 60


@dataclass(frozen=True)
class Part:
    """One kind of change: its title, the header and the rows of its table."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def parts(comparison: Comparison, before: Released, after: Released) -> list[Part]:
    """Return what changed, a part a kind of change; a part without rows says that nothing did."""
    return [
        Part("Inputs", ("file", "now"), tuple(comparison.inputs)),
        Part("Settings of the study", ("key", "old", "new"), tuple(comparison.settings)),
        Part("Software", ("what", "old", "new"), tuple(comparison.software)),
        _sizes(before, after),
        Part(
            "Records, patients and practices (as released: rounded counts may differ by rounding "
            "alone)",
            ("box", "count", "old", "new", "difference"),
            tuple((c.what, c.of, c.old, c.new, signed(c.difference)) for c in comparison.counts),
        ),
        _estimates(comparison),
        Part(
            "Theme counts",
            ("theme", "count", "old", "new"),
            tuple((c.what, c.of, c.old, c.new) for c in comparison.themes),
        ),
        Part(
            "Labels of claims",
            ("claim", "old", "new", "old states", "new states"),
            tuple((c.claim, c.old, c.new, c.old_states, c.new_states) for c in comparison.labels),
        ),
    ]


def lines(comparison: Comparison, before: Released, after: Released) -> list[str]:
    """Return the comparison as text for a terminal."""
    text = [f"Old: {before.name}", f"New: {after.name}", *comparison.notes]
    for part in parts(comparison, before, after):
        text += _table(part)
    return text


def _sizes(before: Released, after: Released) -> Part:
    was, now = size(before), size(after)
    names = [
        name
        for name in {**was, **now}
        if was.get(name, "") or now.get(name, "")
        if name != "n_obs" or before.period == after.period
    ]
    rows = tuple(
        (
            noun(name, after.period),
            was.get(name, ""),
            now.get(name, ""),
            _gap(was.get(name, ""), now.get(name, "")),
        )
        for name in names
    )
    return Part("Primary analysis", ("count", "old", "new", "difference"), rows)


def _estimates(comparison: Comparison) -> Part:
    changed = [change for change in comparison.estimates if change.changed]
    same = len(comparison.estimates) - len(changed)
    title = (
        f"Estimates: {len(changed)} of {len(comparison.estimates)} changed, {same} did not "
        "(below, by the primary inference, in the outcome's own unit)"
    )
    header = ("analysis", "term", "unit", "old", "new", "difference", "beside sampling", "interval")
    return Part(title, header, tuple(_estimate(change) for change in changed if change.primary))


def _estimate(change: Estimated) -> tuple[str, ...]:
    pair = [
        "not there"
        if value is None
        else f"{number(value)} ({interval(*ends) if ends else 'no interval'})"
        for value, ends in ((change.old, change.old_interval), (change.new, change.new_interval))
    ]
    still = "still" if change.old_zero == change.new_zero else "now"
    zero = f"{still} {change.new_zero}"
    if change.old is None or change.new is None:
        zero = change.new_zero if change.new is not None else ""
    gap = ""
    if change.difference is not None:
        gap = ("+" if change.difference > 0 else "") + number(change.difference, 3)
    return (change.analysis, change.term, change.unit, *pair, gap, change.sampling, zero)


def _table(part: Part) -> list[str]:
    if not part.rows:
        ending = "." if part.title.startswith("Estimates") else ": no change."
        return ["", f"{part.title}{ending}"]
    short = [
        tuple(cell if len(cell) <= WIDEST else cell[: WIDEST - 1] + "…" for cell in row)
        for row in part.rows[:SHOWN]
    ]
    widths = [max(map(len, column)) for column in zip(part.header, *short, strict=True)]
    text = [
        "  " + "  ".join(cell.ljust(n) for cell, n in zip(row, widths, strict=True)).rstrip()
        for row in (part.header, *short)
    ]
    more = len(part.rows) - SHOWN
    rest = [f"  … and {more} more (all of them with --html or --json)"] if more > 0 else []
    return ["", part.title, *text, *rest]


def _gap(old: str, new: str) -> str:
    return signed(int(new) - int(old)) if old.isdigit() and new.isdigit() else ""


def signed(difference: int | None) -> str:
    """Return a difference of counts with its sign; blank where there is none."""
    if difference is None:
        return ""
    return f"+{difference:,}" if difference > 0 else f"{difference:,}".replace("-", "−")

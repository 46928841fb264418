"""`evalweave compare`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evalweave.release.comparison import Comparison, Released

SHOWN = 40  # lines of a section; the rest are counted, and all of them are in --json


def command(
    old: Annotated[Path, typer.Argument(metavar="OLD_REPORT", help="The report folder of before.")],
    new: Annotated[Path, typer.Argument(metavar="NEW_REPORT", help="The report folder of now.")],
    json: Annotated[
        Path | None, typer.Option(help="Write everything, unchanged estimates too, here.")
    ] = None,
) -> None:
    """Prints inputs, settings and versions that changed, then rows, patients and practices,
    estimates (with whether the interval still includes zero), theme counts and labels of claims. It
    only reads what was released.

    Exit code 0 whether or not something changed.

    Example: evalweave compare old/reports/my-study reports/my-study --json changes.json
    """
    from evalweave.files import write_json
    from evalweave.release.comparison import compare, read_report

    before, after = read_report(old), read_report(new)
    comparison = compare(before, after)
    for line in described(comparison, before, after):
        print(line)
    if json is not None:
        write_json({"old": before.name, "new": after.name, **comparison.as_json()}, json)


def described(comparison: Comparison, before: Released, after: Released) -> list[str]:
    """Return the comparison as text, a section a kind of change."""
    from evalweave.release.comparison import size

    lines = [f"Old: {before.name}", f"New: {after.name}", *comparison.notes]
    lines += _section("Inputs", comparison.inputs, ("file", "now"))
    lines += _section("Settings of the study", comparison.settings, ("key", "old", "new"))
    lines += _section("Software", comparison.software, ("what", "old", "new"))
    was, now = size(before), size(after)
    words = {
        "n_obs": "patient-periods",
        "n_patients": "patients",
        "n_practices": "practices",
        "n_practices_treated": "practices with the programme",
    }
    sizes = [
        (words[name], was.get(name, ""), now.get(name, ""))
        for name in words
        if was.get(name) or now.get(name)
    ]
    lines += _section(
        "Primary analysis",
        [(*row, _gap(row[1], row[2])) for row in sizes],
        ("count", "old", "new", "difference"),
    )
    lines += _section(
        "Rows, patients and practices (as released: rounded counts may differ by rounding alone)",
        [
            (change.what, change.of, change.old, change.new, _signed(change.difference))
            for change in comparison.counts
        ],
        ("box", "count", "old", "new", "difference"),
    )
    lines += _estimates(comparison)
    lines += _section(
        "Theme counts",
        [(change.what, change.of, change.old, change.new) for change in comparison.themes],
        ("theme", "count", "old", "new"),
    )
    return lines + _section(
        "Labels of claims",
        [
            (change.claim, change.old, change.new, change.old_states, change.new_states)
            for change in comparison.labels
        ],
        ("claim", "old", "new", "old states", "new states"),
    )


def _estimates(comparison: Comparison) -> list[str]:
    from evalweave.release.numbers import interval, number

    changed = [change for change in comparison.estimates if change.changed]
    rows = []
    for change in changed:
        if not change.primary:
            continue
        pair = [
            "not there"
            if value is None
            else f"{number(value)} ({interval(*ends) if ends else 'no interval'})"
            for value, ends in (
                (change.old, change.old_interval),
                (change.new, change.new_interval),
            )
        ]
        zero = (
            f"still {change.new_zero}"
            if change.old_zero == change.new_zero
            else f"now {change.new_zero}"
        )
        if change.old is None or change.new is None:
            zero = change.new_zero if change.new is not None else ""
        gap = (
            ""
            if change.difference is None
            else ("+" if change.difference > 0 else "") + number(change.difference, 3)
        )
        rows.append((change.analysis, change.term, change.unit, *pair, gap, zero))
    same = len(comparison.estimates) - len(changed)
    title = (
        f"Estimates: {len(changed)} of {len(comparison.estimates)} changed, {same} did not "
        "(below, by the primary inference, in the outcome's own unit)"
    )
    return _section(
        title, rows, ("analysis", "term", "unit", "old", "new", "difference", "the interval")
    )


def _section(title: str, rows: Sequence[tuple[str, ...]], header: tuple[str, ...]) -> list[str]:
    if not rows:
        return ["", f"{title}: no change." if not title.startswith("Estimates") else f"{title}."]
    short = [
        tuple(cell if len(cell) <= 60 else cell[:59] + "…" for cell in row) for row in rows[:SHOWN]
    ]
    widths = [max(len(row[column]) for row in (header, *short)) for column in range(len(header))]
    lines = [
        "  "
        + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (header, *short)
    ]
    more = (
        [f"  … and {len(rows) - SHOWN} more (all of them with --json)"] if len(rows) > SHOWN else []
    )
    return ["", title, *lines, *more]


def _gap(old: str, new: str) -> str:
    return _signed(int(new) - int(old)) if old.isdigit() and new.isdigit() else ""


def _signed(difference: int | None) -> str:
    if difference is None:
        return ""
    return f"+{difference:,}" if difference > 0 else f"{difference:,}".replace("-", "−")

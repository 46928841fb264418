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
    found = compare(before, after)
    for line in described(found, before, after):
        print(line)
    if json is not None:
        write_json({"old": before.name, "new": after.name, **found.as_json()}, json)


def described(found: Comparison, before: Released, after: Released) -> list[str]:
    """Return the comparison as text, a section a kind of change."""
    from evalweave.release.comparison import size

    lines = [f"Old: {before.name}", f"New: {after.name}", *found.notes]
    lines += _section("Inputs", found.inputs, ("file", "now"))
    lines += _section("Settings of the study", found.settings, ("key", "old", "new"))
    lines += _section("Software", found.software, ("what", "old", "new"))
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
            (each.what, each.of, each.old, each.new, _signed(each.difference))
            for each in found.counts
        ],
        ("box", "count", "old", "new", "difference"),
    )
    lines += _estimates(found)
    lines += _section(
        "Theme counts",
        [(each.what, each.of, each.old, each.new) for each in found.themes],
        ("theme", "count", "old", "new"),
    )
    return lines + _section(
        "Labels of claims",
        [
            (each.claim, each.old, each.new, each.old_states, each.new_states)
            for each in found.labels
        ],
        ("claim", "old", "new", "old states", "new states"),
    )


def _estimates(found: Comparison) -> list[str]:
    from evalweave.release.numbers import interval, number

    changed = [each for each in found.estimates if each.changed]
    rows = []
    for each in changed:
        if not each.primary:
            continue
        pair = [
            "not there"
            if value is None
            else f"{number(value)} ({interval(*ends) if ends else 'no interval'})"
            for value, ends in ((each.old, each.old_interval), (each.new, each.new_interval))
        ]
        zero = (
            f"still {each.new_zero}" if each.old_zero == each.new_zero else f"now {each.new_zero}"
        )
        if each.old is None or each.new is None:
            zero = each.new_zero if each.new is not None else ""
        gap = (
            ""
            if each.difference is None
            else ("+" if each.difference > 0 else "") + number(each.difference, 3)
        )
        rows.append((each.analysis, each.term, each.unit, *pair, gap, zero))
    same = len(found.estimates) - len(changed)
    title = (
        f"Estimates: {len(changed)} of {len(found.estimates)} changed, {same} did not "
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

"""`evalweave join`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from evalweave.study.qualitative import Qualitative
    from evalweave.triangulation.strands import Strands, Together


def command(
    settings: Annotated[str, typer.Option(help="JSON text, or a study file.")],
    estimates: Annotated[Path, typer.Option(help="estimates.csv of the estimates stage.")],
    coded: Annotated[Path, typer.Option(help="Folder that the code stage wrote.")],
    counts: Annotated[Path, typer.Option(help="Folder that the count stage wrote.")],
    out: Annotated[
        Path, typer.Option(help="Folder to write joint_display.csv, quotes.csv and .json to.")
    ],
) -> None:
    """Each declared claim gets a row: the interval of its estimand, who supports and who
    contradicts it among those asked, and the label that the convergence rule gives, with how stable
    that label is (not a probability).

    Example: evalweave join --settings study.yaml --estimates results/s/estimates/estimates.csv
    --coded results/s/code --counts results/s/count --out results/s/join
    """
    from evalweave.files import write_csv, write_json
    from evalweave.qualitative.show import neutral
    from evalweave.study.analyses import descriptive
    from evalweave.study.file import load_settings
    from evalweave.study.stages import JoinSettings
    from evalweave.triangulation.claims import Known, read_claims
    from evalweave.triangulation.estimands import known_terms, known_units
    from evalweave.triangulation.strands import join

    wanted = load_settings(settings, JoinSettings)
    strands = _read(estimates, coded, counts, wanted.qualitative)
    known = Known(
        analyses={analysis.name: analysis for analysis in wanted.analyses},
        outcomes=wanted.outcomes,
        themes=list(strands.project.themes["theme_id"]),
        roles=sorted(strands.project.participants["role"].unique()),
        terms=known_terms(strands.estimates, strands.absent),
        units=known_units(strands.estimates),
        first_seen=wanted.estimates_first_seen,
        descriptive=descriptive(wanted.analyses, wanted.comparisons),
    )
    claims = read_claims(wanted.claims, known)
    together = join(claims, strands, wanted.analyses, wanted.qualitative, wanted.family)
    write_csv(neutral(together.joint_display), out / "joint_display.csv")
    write_csv(neutral(together.quotes), out / "quotes.csv")
    write_json(together.detail, out / "joint_display.json")
    for line in summary(together):
        print(line)


def _read(estimates: Path, coded: Path, counts: Path, strand: Qualitative) -> Strands:
    """Read both strands; raise `DataError` naming every file that an earlier stage should have
    left."""
    from evalweave.errors import Fault, raise_faults
    from evalweave.files import read_json, read_table
    from evalweave.qualitative.readers import from_tables
    from evalweave.qualitative.show import plain
    from evalweave.tables.analyses import ESTIMATES
    from evalweave.tables.qualitative import THEME_COUNTS
    from evalweave.triangulation.estimands import absent_terms
    from evalweave.triangulation.strands import Strands

    theme_counts = counts / "theme_counts.csv"
    needed = {"estimates": estimates, "count": theme_counts, "code": coded / "segments.csv"}
    raise_faults(
        Fault(
            str(path),
            "no such file",
            f"what the {stage} stage writes",
            f"Run `evalweave {stage}` first.",
        )
        for stage, path in needed.items()
        if not path.is_file()
    )
    beside = estimates.with_name("diagnostics.json")
    diagnostics = read_json(beside) if beside.is_file() else {}
    return Strands(
        ESTIMATES.conform(read_table(estimates, ESTIMATES)),
        absent_terms(diagnostics),
        from_tables(coded, tuple(strand.observation_kinds)),
        THEME_COUNTS.conform(plain(read_table(theme_counts, THEME_COUNTS))),
    )


def summary(together: Together) -> list[str]:
    """Return what is printed: labels and states, no counts of people."""
    from evalweave.triangulation.stability import CAPTION

    shown = [("claim", "asked and said", "estimate", "label", "stability")]
    for row in together.joined:
        verdict, claim = row.verdict, row.claim
        flag = " (negative case)" if verdict.qualitative.negative_case else ""
        stability = f"{row.stability.share:.0%}" if row.stability else ""
        label = (verdict.label or "complements") + (" [post hoc]" if claim.post_hoc else "")
        shown.append(
            (
                claim.claim_id,
                verdict.qualitative.state + flag,
                verdict.quantitative.state,
                label,
                stability,
            )
        )
    widths = [max(len(cells[column]) for cells in shown) for column in range(len(shown[0]))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
        for cells in shown
    ]
    quoted = together.quotes["claim_id"].notna().sum()
    claims = "1 claim" if len(shown) == 2 else f"{len(shown) - 1} claims"
    lines.append(f"{claims} joined, {quoted} quotations beside. Stability: {CAPTION}.")
    return lines + list(together.notes)

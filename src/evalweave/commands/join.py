"""`evalweave join`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import pandas as pd

    from evalweave.triangulation.strands import Strands, Together


def command(
    settings: Annotated[str, typer.Option(help="JSON text, or a study file.")],
    estimates: Annotated[Path, typer.Option(help="estimates.csv of the estimates stage.")],
    coded: Annotated[Path, typer.Option(help="Folder that the code stage wrote.")],
    counts: Annotated[Path, typer.Option(help="Folder that the count stage wrote.")],
    out: Annotated[Path, typer.Option(help="Folder to write joint_display.csv, quotes.csv and .json to.")],
) -> None:
    """Each declared claim gets a row: the interval of its estimand, who supports and who contradicts it among those
    asked, and the label that the convergence rule gives, with how stable that label is (not a probability).

    Example: evalweave join --settings study.yaml --estimates results/s/estimates/estimates.csv
    --coded results/s/code --counts results/s/count --out results/s/join
    """
    from evalweave.files import write_csv, write_json
    from evalweave.study import JoinSettings
    from evalweave.studyfile import load_settings
    from evalweave.triangulation.claims import Known, read_claims
    from evalweave.triangulation.estimands import known_terms, known_units
    from evalweave.triangulation.strands import join

    wanted = load_settings(settings, JoinSettings)
    strands = _read(estimates, coded, counts)
    known = Known(
        analyses={analysis.name: analysis for analysis in wanted.analyses},
        outcomes=wanted.outcomes,
        themes=list(strands.themes["theme_id"]),
        roles=sorted(strands.participants["role"].unique()),
        terms=known_terms(strands.estimates, strands.absent),
        units=known_units(strands.estimates),
        first_seen=wanted.estimates_first_seen,
    )
    together = join(read_claims(wanted.claims, known), strands, wanted.analyses, wanted.qualitative)
    write_csv(_neutralised(together.joint_display), out / "joint_display.csv")
    write_csv(_neutralised(together.quotes), out / "quotes.csv")
    write_json(together.detail, out / "joint_display.json")
    for line in summary(together):
        print(line)


def _read(estimates: Path, coded: Path, counts: Path) -> Strands:
    """Read both strands; raise `DataError` naming every file that an earlier stage should have left."""
    import json

    from evalweave import tables
    from evalweave.errors import Fault, raise_faults
    from evalweave.files import read_table
    from evalweave.triangulation.estimands import absent_terms
    from evalweave.triangulation.strands import Strands

    contracts = {
        "estimates": (tables.ESTIMATES, estimates),
        "theme_counts": (tables.THEME_COUNTS, counts / "theme_counts.csv"),
    } | {
        table.name: (table, coded / f"{table.name}.csv")
        for table in (
            tables.PARTICIPANTS, tables.SOURCES, tables.SOURCE_PARTICIPANTS, tables.ELIGIBILITY, tables.CODES,
            tables.THEMES, tables.THEME_CODES, tables.SEGMENTS, tables.CODINGS, tables.STANCES,
        )
    }  # fmt: skip
    stage = {estimates: "estimates", counts / "theme_counts.csv": "count"}
    raise_faults(
        Fault(str(path), "no such file", f"the {table.name} of an earlier stage",
              f"Run `evalweave {stage.get(path, 'code')}` first.")
        for table, path in contracts.values()
        if not path.is_file()
    )  # fmt: skip
    read = {name: table.conform(read_table(path, table)) for name, (table, path) in contracts.items()}
    beside = estimates.with_name("diagnostics.json")
    diagnostics = json.loads(beside.read_text(encoding="utf-8")) if beside.is_file() else {}
    return Strands(absent=absent_terms(diagnostics), **read)


def _neutralised(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose texts no spreadsheet takes for formulas."""
    from evalweave.qualitative.tabular import neutralised

    texts = frame.select_dtypes("string").columns
    return frame.assign(**{name: frame[name].map(neutralised, na_action="ignore") for name in texts})


def summary(together: Together) -> list[str]:
    """Return what is printed: labels and states, no counts of people."""
    shown = [("claim", "asked and said", "estimate", "label", "stability")]
    for each in together.joined:
        verdict, claim = each.verdict, each.claim
        flag = " (negative case)" if verdict.qualitative.negative_case else ""
        stability = f"{each.stability.share:.0%}" if each.stability else ""
        label = (verdict.label or "complements") + (" [post hoc]" if claim.post_hoc else "")
        shown.append(
            (claim.claim_id, verdict.qualitative.state + flag, verdict.quantitative.state, label, stability)
        )
    widths = [max(len(row[column]) for row in shown) for column in range(len(shown[0]))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in shown
    ]
    quoted = together.quotes["claim_id"].notna().sum()
    claims = "1 claim" if len(shown) == 2 else f"{len(shown) - 1} claims"
    lines.append(f"{claims} joined, {quoted} quotations beside. Stability is not a probability.")
    return lines + list(together.notes)

"""`evalweave join`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

if TYPE_CHECKING:
    from evalweave.study.qualitative import Qualitative
    from evalweave.triangulation.strands import Beside, Strands, Together

T = TypeVar("T")


def command(
    settings: Annotated[str, typer.Option(help="JSON text, or a study file.")],
    estimates: Annotated[Path, typer.Option(help="estimates.csv of the estimates stage.")],
    coded: Annotated[Path, typer.Option(help="Folder that the code stage wrote.")],
    counts: Annotated[Path, typer.Option(help="Folder that the count stage wrote.")],
    out: Annotated[
        Path,
        typer.Option(
            help="Folder for joint_display.csv and .json, quotes.csv and what belongs to it."
        ),
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
    beside = _beside(wanted.qualitative, strands, [claim.claim_id for claim in claims])
    together = join(claims, strands, wanted.analyses, wanted.qualitative, wanted.family, beside)
    for name in TABLES:
        write_csv(neutral(getattr(together, name)), out / f"{name}.csv")
    write_json(together.detail, out / "joint_display.json")
    for line in summary(together):
        print(line)


TABLES = ("joint_display", "quotes", "quote_matrix", "quote_warnings", "accounts", "integration")


def _beside(strand: Qualitative, strands: Strands, claims: list[str]) -> Beside:
    """Read what people wrote for the joining; raise `DataError` with the faults of all files."""
    from evalweave.errors import EvalweaveError
    from evalweave.qualitative.inputs import gathered
    from evalweave.reading import tables
    from evalweave.triangulation import chosen, integration
    from evalweave.triangulation.names import Names
    from evalweave.triangulation.strands import Beside

    project, wrong = strands.project, list[EvalweaveError]()
    people = list(project.participants["participant_id"])
    segments = dict(
        zip(project.segments["segment_id"], project.segments["quote"].fillna(""), strict=True)
    )

    def tried(path: str | None, read: Callable[[str], T]) -> T | None:
        try:
            return read(path) if path else None
        except EvalweaveError as error:
            wrong.append(error)
            return None

    decisions = tried(strand.quotes, lambda path: chosen.read_decisions(path, segments, claims))
    declared = tried(strand.names, lambda path: tables.read(path, ["name"]).rows) or []
    links = tried(strand.links, lambda path: integration.read_links(path, people)) or ()
    ids = {
        integration.CLAIM: claims,
        integration.THEME: list(project.themes["theme_id"]),
        integration.RELATION: sorted({link.relation for link in links}),
    }
    known = integration.Known(ids, sorted(project.participants["role"].unique()))
    written = tried(strand.integration, lambda path: integration.read_integration(path, known))
    gathered(*wrong)
    names = Names.of(
        [row["name"] for row in declared],
        people,
        strand.allowed_words,
        strand.quote_check == "capitals",
    )
    return Beside(decisions or {}, names, links, written)


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

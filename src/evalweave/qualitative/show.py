"""What `evalweave code` and `evalweave count` print, and cells that no spreadsheet takes for
formulas."""

from __future__ import annotations

import pandas as pd

from evalweave.catalogue.words import number_of
from evalweave.qualitative.attribution import APART
from evalweave.qualitative.decisions import decisions
from evalweave.qualitative.disagreements import by_code
from evalweave.qualitative.project import Project
from evalweave.reading.cells import neutralised, unguarded

LISTED = 60  # sources and codes printed by name


def neutral(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with every text that begins = + - @ made harmless, the same way in every
    column and in the columns' names."""
    table = table.rename(columns=neutralised)
    for name in table.columns:
        if table[name].dtype == "string" or table[name].dtype == object:
            table[name] = table[name].map(neutralised, na_action="ignore")
    return table


def plain(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table of ours that `neutral` made harmless as it was before."""
    table = table.rename(columns=unguarded)
    for name in table.columns:
        if table[name].dtype == "string" or table[name].dtype == object:
            table[name] = table[name].map(unguarded, na_action="ignore").astype("string")
    return table


def summary(project: Project, names: bool) -> str:
    """Return what is in a project; `names` lists sources and codes, for a researcher at a
    terminal."""
    tool = project.sources["origin_tool"].dropna()
    roles = project.participants.groupby("role").size()
    people = ", ".join(f"{n} {role}" for role, n in roles.items()) or "none"
    coders = set(project.codings["coder_id"]) | set(project.stances["coder_id"])
    checks = project.segments["offset_check"].value_counts()
    lines = [
        f"Written by    {tool.iloc[0] if len(tool) else 'unknown'}",
        f"Sources       {len(project.sources)}",
        f"People        {len(project.participants)} ({people})",
        f"Codes         {int(project.codes['codable'].sum())}, and "
        f"{int((~project.codes['codable']).sum())} headings",
        f"Segments      {len(project.segments)}" + _listed(checks.to_dict()),
        f"Codings       {len(project.codings)} by {len(coders)} "
        f"coder{'' if len(coders) == 1 else 's'}"
        + _listed(project.codings.groupby("coder_id").size().to_dict()),
        f"Stances       {len(project.stances)} on "
        f"{number_of(project.stances['claim_id'].nunique(), 'claim')}",
    ]
    if len(project.themes):
        lines.append(
            f"Themes        {len(project.themes)} of "
            f"{number_of(len(project.theme_codes), 'code')} and what is below them"
        )
    if names:
        lines += ["", *_sources(project), "", *_codes(project)]
    for severity, title in (("warning", "Warnings:"), ("note", "Notes:")):
        rows = project.import_log[project.import_log["severity"] == severity]
        if len(rows):
            lines += [
                "",
                title,
                *(f"  {row.n:>5}  {row.message}" for row in rows.itertuples(index=False)),
            ]
    return "\n".join(lines)


def counted(
    counts: pd.DataFrame, agreed: pd.DataFrame, before: list[str], reflexive: bool = False
) -> str:
    """Return what to know before the counts are read, and how much was counted; the counts
    themselves stay in results/ until their release is checked."""
    roles = sorted(set(counts["role"]) - set(APART))
    lines = ["Warnings:", *(f"  {sentence}" for sentence in before), ""] if before else []
    lines += [
        f"Themes        {counts['theme_id'].nunique()}, for {', '.join(roles)}; "
        f"{len(counts)} rows, {int(counts['attribute'].notna().sum())} of them by attribute"
    ]
    whole = agreed["code_id"].isna() & agreed["source_id"].isna()
    pooled = agreed[whole & (agreed["measure"] == "krippendorff_alpha")]
    for row in pooled.itertuples(index=False):
        value = (
            row.note
            if pd.isna(row.coefficient)
            else f"{row.coefficient:.2f}".replace("-", "−") + f" ({row.note})"
        )
        lines.append(
            f"Agreement     Krippendorff's alpha by {row.agreement_unit}, all codes: {value}"
        )
    if reflexive:
        lines.append("Agreement     not computed: the analysis is declared as reflexive")
    elif agreed.empty:
        lines.append("Agreement     one coder only: nothing to compare")
    return "\n".join(lines)


def coded_twice(project: Project, disputed: pd.DataFrame) -> list[str]:
    """Return how double coding was told, and the code that most stretches are in dispute about."""
    judged = decisions(project)
    if len(judged.coders) < 2:
        return []
    declared = project.double_coding["source_id"].nunique()
    lines = [
        f"Double coding declared for {number_of(declared, 'source')}"
        if declared
        else "Double coding was not declared (`double_coding`): the sources that several coders "
        "coded are compared, and a source in which one of them found nothing cannot count"
    ]
    if judged.n_outside:
        lines.append(
            f"Warning: {judged.n_outside} codings of these sources by coders who are not declared "
            "for them are left out of agreement"
        )
    if len(disputed):
        code, n = by_code(disputed)[0]
        lines.append(
            f"Disagreements {len(disputed)} side by side in disagreements.csv, most ({n}) on "
            f'"{code}"'
        )
    return lines


def _listed(counts: dict[str, int]) -> str:
    return f" ({', '.join(f'{n} {name}' for name, n in sorted(counts.items()))})" if counts else ""


def _sources(project: Project) -> list[str]:
    people = project.source_participants.groupby("source_id")["participant_id"].nunique()
    marked = project.segments.groupby("source_id").size()
    rows = [
        f"  {row.name[:40]:<42}{row.kind if pd.notna(row.kind) else '—':<20}"
        f"{people.get(row.source_id, 0):>6}{marked.get(row.source_id, 0):>10}"
        for row in project.sources.head(LISTED).itertuples(index=False)
    ]
    return [
        f"  {'Source':<42}{'Kind':<20}{'People':>6}{'Segments':>10}",
        *rows,
        *_more(len(project.sources)),
    ]


def _codes(project: Project) -> list[str]:
    given = project.codings.drop_duplicates(["segment_id", "code_id"]).groupby("code_id").size()
    rows = [
        f"  {code:<62}{given.get(code, 0):>10}"
        if len(code) <= 60
        else f"  {'…' + code[-59:]:<62}{given.get(code, 0):>10}"
        for code in project.codes["code_id"].head(LISTED)
    ]
    return [f"  {'Code':<62}{'References':>10}", *rows, *_more(len(project.codes))]


def _more(n: int) -> list[str]:
    return [f"  … and {n - LISTED} more"] if n > LISTED else []

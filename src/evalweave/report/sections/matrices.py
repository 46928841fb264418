"""Two matrices of the strands: claims by what the rule says of them, and themes by subgroup where
both have it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from evalweave.release.disclosure import HIDDEN, Profile
from evalweave.release.numbers import estimate_in, missing, percent, plain, sentence
from evalweave.report.blocks import Column, Heading, Line, Listing, Table, Text, in_units, text
from evalweave.report.claimed import QUALITATIVE, QUANTITATIVE, complements, label, link
from evalweave.report.data import ReportData
from evalweave.report.people import k_of_n, many
from evalweave.report.terms import level, variable
from evalweave.tables.qualitative import THEME_COUNTS
from evalweave.triangulation.convergence import LABELS
from evalweave.triangulation.stability import CAPTION

APART = "Complements: the strands answer different questions, so no label is given"


def blocks(data: ReportData) -> list[Any]:
    """Return the convergence matrix and the theme x subgroup matrices, each where its parts are
    there."""
    return [*_convergence(data), *_subgroups(data)]


def _convergence(data: ReportData) -> list[Any]:
    """Return the claims under the label that the rule gives them; complementary ones apart, at the
    end."""
    assert data.released_joint is not None
    records = data.released_joint.to_dict("records")
    labelled = [record for record in records if not complements(record)]
    order = [sentence(name) for name in LABELS]
    used = sorted(
        {label(record) for record in labelled}, key=lambda name: (_place(order, name), name)
    )
    lines: list[Line] = []
    for name in used:
        lines.append(Line((name,), group=True))
        lines += [_claim(record) for record in labelled if label(record) == name]
    if apart := [record for record in records if complements(record)]:
        lines.append(Line((APART,), group=True))
        lines += [_claim(record) for record in apart]
    return [
        Heading("Claims by label", "convergence-matrix"),
        Table(
            "Claims that stand under one label have the same relation between numbers and voices. "
            "Labels that no "
            "claim has are left out.",
            (
                Column("Claim"),
                Column("The numbers"),
                Column("The voices"),
                Column("Label stability", number=True),
            ),
            tuple(lines),
            (f"Label stability: {CAPTION}.",),
            id="convergence-table",
        ),
    ]


def _place(order: list[str], name: str) -> int:
    return order.index(name) if name in order else len(order)


def _claim(record: Mapping[Any, Any]) -> Line:
    return Line(
        (
            link(record),
            sentence(QUANTITATIVE.get(str(record["quantitative_state"]), "")),
            sentence(QUALITATIVE.get(str(record["qualitative_state"]), "")),
            percent(record["label_stability"]),
        ),
        depth=1,
    )


def _subgroups(data: ReportData) -> list[Any]:
    entries = [
        entry
        for entry in data.joint_detail.get("theme_by_subgroup") or []
        if isinstance(entry, Mapping)
    ]
    known = {analysis.name for analysis in data.study.analyses}
    entries = [entry for entry in entries if entry.get("analysis") in known]
    if not entries:
        return []
    drawn: list[Table] = []
    without: list[Text] = []
    for entry in entries:
        made = _tables(data, entry)
        drawn += made
        if not made:
            name = sentence(variable(str(entry.get("subgroup"))))
            without.append(
                text(
                    "<strong>{}</strong>: no matrix. {}.",
                    name,
                    sentence(str(entry.get("reason") or "")),
                )
            )
    return [
        Heading("Themes by subgroup", "theme-by-subgroup"),
        *drawn,
        *([Listing(tuple(without))] if without else []),
    ]


def _tables(data: ReportData, entry: Mapping[str, Any]) -> list[Table]:
    """Return a table a role: themes down, subgroups across, and below them the estimates of the
    same subgroups."""
    lines = entry.get("lines") or []
    if not lines or data.levels is None:
        return []
    subgroup = str(entry["subgroup"])
    levels = sorted({str(line["level"]) for line in lines}, reverse=True)
    match = {"exact": "exactly", "approximate": "only approximately"}.get(str(entry["match"]), "")
    made = []
    for role in sorted({str(line["role"]) for line in lines}):
        mine = [line for line in lines if line["role"] == role]
        cells = {
            (str(line["theme_id"]), str(line["level"])): counted(
                data.profile, data.levels, line, str(entry["attribute"])
            )
            for line in mine
        }
        cells = _hidden_together(cells)
        themes = _labels(data, dict.fromkeys(str(line["theme_id"]) for line in mine))
        body = [
            Line((name, *(k_of_n(data.profile, cells.get((theme, lv))) for lv in levels)))
            for theme, name in themes.items()
        ]
        terms = {str(line["level"]): str(line["term"]) for line in mine}
        body.append(Line(("What the records say",), group=True))
        body.append(_estimates(data, str(entry["analysis"]), [terms.get(lv, "") for lv in levels]))
        made.append(
            Table(
                f"{sentence(variable(subgroup))}: how many {many(role)} of each group raised a "
                "theme, above the "
                "estimate for patients of that group. They are not the same people.",
                (Column("Theme"), *(Column(sentence(level(subgroup, lv))) for lv in levels)),
                tuple(body),
                (
                    f"The groups correspond {match}: {entry['reason']}. * "
                    f"{data.profile.voices_note}. "
                    "No difference between these counts is tested.",
                ),
            )
        )
    return made


def _hidden_together(
    cells: dict[tuple[str, str], dict[str, str]],
) -> dict[tuple[str, str], dict[str, str]]:
    """Return the counts of a theme by group without any of how many raised it where one group's is
    hidden: the total over the role would give it by subtraction."""
    partly = {theme for (theme, _), counts in cells.items() if counts["n_participants"] == HIDDEN}
    return {
        (theme, group): {**counts, "n_participants": HIDDEN} if theme in partly else counts
        for (theme, group), counts in cells.items()
    }


def _estimates(data: ReportData, name: str, terms: Iterable[str]) -> Line:
    analysis = next(analysis for analysis in data.study.analyses if analysis.name == name)
    units = data.units(name)[:2]

    def said(term: str) -> Text:
        rows = [data.row(analysis, term, unit) for unit in units]
        written = [
            estimate_in(row.unit, row.estimate, row.low, row.high, row.level, row.places)
            if row
            else "no estimate"
            for row in rows
        ]
        if not written:
            return "no estimate"
        return in_units(written[0], written[1] if len(written) > 1 else None)

    return Line(
        (
            f"{sentence(data.outcome_label(analysis.outcome))}: difference from comparison "
            "practices",
            *(said(term) for term in terms),
        )
    )


def _labels(data: ReportData, themes: Iterable[str]) -> dict[str, str]:
    """Return theme_id -> label of the themes found, in the order of the table of themes."""
    listed = [] if data.themes is None else data.themes.to_dict("records")
    names = {str(theme["theme_id"]): str(theme["label"]) for theme in listed}
    wanted = list(themes)
    order = [theme for theme in names if theme in wanted] + [
        theme for theme in wanted if theme not in names
    ]
    return {theme: names.get(theme, plain(theme)) for theme in order}


def counted(
    profile: Profile, counts: pd.DataFrame, line: Mapping[str, Any], attribute: str
) -> dict[str, str]:
    """Return how many of a subgroup raised a theme, made of nothing but counts that the report
    releases anyway.

    A subgroup gathers levels of an attribute. Its count is shown when every level's is, or when its
    levels hold all the hidden ones, for then the total over the role and the shown levels give it
    already; else it is hidden.
    """
    here = (
        (counts["theme_id"] == line["theme_id"])
        & (counts["role"] == line["role"])
        & counts["code_id"].isna()
    )
    family = counts[here & (counts["attribute"] == attribute)]
    whole = counts[here & counts["attribute"].isna()]
    inside = (
        family["attribute_level"]
        .fillna("")
        .astype(str)
        .isin([str(name) for name in line["attribute_levels"]])
    )
    released = profile.count_frame(family, THEME_COUNTS)
    total = profile.count_frame(whole, THEME_COUNTS)
    counts_shown = {
        name: _gathered(profile, name, inside, (family, released), (whole, total))
        for name in ("n_participants", "n_eligible")
    }
    asked, raised = counts_shown["n_eligible"], counts_shown["n_participants"]
    if asked == HIDDEN or (raised != HIDDEN and profile.hides_rest(int(raised), int(asked))):
        counts_shown["n_participants"] = HIDDEN
    return counts_shown


def _gathered(
    profile: Profile,
    name: str,
    inside: pd.Series,
    family: tuple[pd.DataFrame, pd.DataFrame],
    whole: tuple[pd.DataFrame, pd.DataFrame],
) -> str:
    exact, released = family
    hidden = (released[name] == HIDDEN).fillna(False).astype(bool)
    if exact[name].isna().any() or not inside.any():
        return HIDDEN
    if (hidden & inside).any():
        follows = (
            len(whole[0]) == 1
            and not missing(whole[0][name].iloc[0])
            and whole[1][name].iloc[0] != HIDDEN
            and int(whole[0][name].iloc[0]) == int(exact[name].sum())
        )
        if (hidden & ~inside).any() or not follows:
            return HIDDEN
    return profile.count(int(exact.loc[inside, name].sum()), "participants").text

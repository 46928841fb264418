"""The release as one system: what else is hidden so that nothing follows from all tables
together."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from evalweave.release.attack import attack
from evalweave.release.disclosure import PARTICIPANTS, Profile, profile
from evalweave.release.protect import _hidden_in_the_flow, protect
from evalweave.release.published import Declared, declared, system
from evalweave.report import flow_table
from evalweave.report.gather import gather
from evalweave.study.file import load_study
from helpers.report_results import Made, results, study_file

NHS, SACRO = profile("nhs_england"), profile("sacro")
Exact = dict[str, list[dict[str, Any]]]
COUNTS = {
    "baseline": ("programme", "comparison_value", "programme_n", "comparison_n"),
    "flow": ("n_patients",),
    "estimates": ("n_patients", "n_obs"),
    "theme_counts": ("n_participants", "n_eligible"),
    "figures/raw-means": ("n_patients", "n_eligible"),
}


def printed(exact: Exact, rules: Profile) -> dict[str, list[dict[str, str]]]:
    """Return tables of exact counts as a profile prints them, without secondary suppression."""

    def text(table: str, row: dict[str, Any], name: str) -> str:
        if name not in COUNTS[table] or row[name] == "":
            return str(row[name])
        of = PARTICIPANTS if table == "theme_counts" else "patients"
        line = [str(row.get(k, "")) for k in ("theme_id", "code_id", "role", "attribute")]
        cell = ("theme_counts", *line, str(row.get("attribute_level", "")), name)
        return "*" if cell in rules.cells else rules.count(row[name], of).text

    return {
        table: [{name: text(table, row, name) for name in row} for row in rows]
        for table, rows in exact.items()
    }


def baseline(comparison: str, counts: dict[tuple[str, str], tuple[int, int]]) -> list[Any]:
    return [
        {
            "comparison": comparison,
            "variable": variable,
            "category": category,
            "statistic": "n",
            "programme": programme,
            "comparison_value": others,
        }
        for (variable, category), (programme, others) in counts.items()
    ]


def protected(exact: Exact, rules: Profile, known: Declared) -> dict[str, list[dict[str, str]]]:
    return printed(exact, protect(lambda rules: printed(exact, rules), rules, known))


FLOW: list[dict[str, Any]] = [
    {"stage": stage, "box": box, "rule": rule, "label": "patients: x", "n_patients": n}
    | {"arm": arm, "outcome": outcome, "n_records": ""}
    for stage, box, rule, arm, outcome, n in (
        ("cohort", "received", "", "", "", 93),
        ("cohort", "set_aside", "too_old", "", "", 3),
        ("cohort", "kept", "", "", "", 90),
        ("panel", "received", "", "programme", "hba1c", 48),
        ("panel", "set_aside", "never_measured", "programme", "hba1c", 4),
        ("panel", "kept", "", "programme", "hba1c", 44),
        ("panel", "received", "", "comparison", "hba1c", 42),
        ("panel", "kept", "", "comparison", "hba1c", 42),
    )
]


@pytest.mark.parametrize("rules", [NHS, SACRO, profile("opensafely")], ids=lambda p: p.name)
def test_a_flow_whose_sums_give_few_people_away_is_mended(rules: Profile) -> None:
    """Three were too old and four never measured: with exact totals both follow."""
    exact: Exact = {"flow": FLOW}
    known = Declared("all")
    tables = protected(exact, rules, known)
    assert attack(tables, rules, known).findings == []
    if rules is SACRO:
        assert attack(printed(exact, rules), rules, known).findings


def test_what_one_comparison_has_beyond_another_is_a_count_as_well() -> None:
    """All and north differ by one practice of 6, two of them women: in the difference they would
    stand alone."""
    lines = {("patients", ""): (40, 60), ("sex", "female"): (20, 31), ("sex", "male"): (20, 29)}
    fewer = {("patients", ""): (40, 54), ("sex", "female"): (20, 29), ("sex", "male"): (20, 25)}
    exact: Exact = {"baseline": [*baseline("all", lines), *baseline("north", fewer)]}
    study = {
        "comparisons": {"all": {"primary": True}, "north": {"areas": ["north"]}},
        "analyses": [{"name": "main"}],
    }
    known = declared(study)
    assert known.primary == "all" and known.inside("north", "all")
    before = attack(printed(exact, SACRO), SACRO, known)
    assert any(
        "those who are left of baseline, all, comparison, patients" in f for f in before.findings
    )
    tables = protected(exact, SACRO, known)
    assert attack(tables, SACRO, known).findings == []
    people = [row for row in tables["baseline"] if row["variable"] == "patients"]
    assert people[0]["comparison_value"] == "60"  # the primary comparison keeps most


def test_white_people_are_the_white_of_the_ethnic_groups() -> None:
    lines = {
        ("patients", ""): (60, 60),
        ("ethnicity", "White British"): (40, 40),
        ("ethnicity", "White Irish"): (2, 11),
        ("ethnicity", "Pakistani"): (18, 9),
        ("white", "1"): (42, 51),
        ("white", "0"): (18, 9),
    }
    exact: Exact = {"baseline": baseline("all", lines)}
    found = attack(printed(exact, SACRO), SACRO).findings
    assert any("White Irish" in finding and "ethnicity and white" in finding for finding in found)
    assert attack(protected(exact, SACRO, Declared("all")), SACRO).findings == []


def test_fits_of_nearly_the_same_people_are_not_both_counted() -> None:
    rows = [
        {"analysis": name, "comparison": "all", "outcome": "hba1c", "n_patients": n, "n_obs": 7 * n}
        for name, n in (("main", 8046), ("by_ethnicity", 8043))
    ]
    exact: Exact = {"estimates": rows}
    assert attack(printed(exact, SACRO), SACRO, Declared("all")).findings
    tables = protected(exact, SACRO, Declared("all"))
    assert attack(tables, SACRO, Declared("all")).findings == []
    assert "*" in {row["n_patients"] for row in tables["estimates"]}


def test_rounded_counts_of_a_fit_agree_with_those_measured() -> None:
    """Of 44 and 42 measured, 86 are in the fit: printed as 45, 40 and 85, never as 45, 40, 90."""
    rows = [{"analysis": "main", "comparison": "all", "outcome": "hba1c", "n_patients": 86}]
    exact: Exact = {"flow": FLOW, "estimates": [row | {"n_obs": ""} for row in rows]}
    known = Declared("all")
    tables = protected(exact, NHS, known)
    kept = [int(r["n_patients"]) for r in tables["flow"] if (r["stage"], r["box"]) == KEPT]
    assert int(tables["estimates"][0]["n_patients"]) == sum(kept)


KEPT = ("panel", "kept")


def test_participants_are_hidden_cell_by_cell() -> None:
    rows = [
        {
            "theme_id": theme,
            "code_id": "",
            "role": "client",
            "attribute": attribute,
            "attribute_level": level,
            "n_participants": k,
            "n_eligible": n,
        }
        for theme, attribute, level, k, n in (
            ("access", "", "", 6, 12),
            ("access", "gender", "female", 2, 6),
            ("access", "gender", "male", 4, 6),
            ("trust", "", "", 4, 12),
        )
    ]
    exact: Exact = {"theme_counts": rows}
    rules = profile("nhs_england")
    assert attack(printed(exact, rules), rules).findings
    tables = protected(exact, rules, Declared())
    assert attack(tables, rules).findings == []
    texts = [row["n_participants"] for row in tables["theme_counts"]]
    assert texts[3] == "4"  # the same number elsewhere stays
    assert texts[:3].count("*") >= 2


def test_a_sum_that_does_not_hold_is_left_out_by_the_attacker() -> None:
    rows = [dict(row) for row in FLOW]
    rows[2]["n_patients"] = 500
    attacked = attack(printed({"flow": rows}, NHS), NHS, Declared("all"))
    assert attacked.contradictory > 0


def test_a_count_that_stands_twice_is_one_cell() -> None:
    tables = printed({"flow": FLOW}, NHS)
    twice = tables | {"figures/flow": [dict(row) for row in tables["flow"]]}
    twice["figures/flow"][1]["n_patients"] = "10"  # hidden in one file, shown in the other
    whole = system(twice, NHS, Declared("all"))
    assert len(whole.cells) == len(system(tables, NHS, Declared("all")).cells)
    shown = [cell for cell in whole.cells if cell.least == 8 and cell.most == 12]
    assert len(shown) == 1 and not shown[0].hidden


def test_what_the_flow_hides_is_hidden_in_its_drawing(tmp_path: Any) -> None:
    """The drawing prints numbers one by one, so it must hide what the table hides for its sums."""
    made = Made()
    file = study_file(tmp_path, made)
    data = gather(load_study(file), file, results(tmp_path, made))
    shown = flow_table.table(data)
    exact = flow_table.table(replace(data, profile=profile("none")))
    hidden = 0
    for name in ("n_patients", "n_records"):
        for text, n in zip(shown[name].astype(str), exact[name], strict=True):
            if text == "*":
                hidden += 1
                assert data.profile.withholds(int(n))
    assert hidden


def test_a_number_that_only_the_table_of_the_flow_hides_is_withheld_everywhere() -> None:
    whole = system({}, NHS)
    place = whole.add(("flow", "n_patients", "box"), "flow, box", "patients", "*")
    assert place is not None
    assert _hidden_in_the_flow(whole, {place: 40}, NHS) == {40}
    assert _hidden_in_the_flow(whole, {place: 5}, NHS) == set()

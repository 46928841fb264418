"""claims.csv: read whole, or refused with every mistake in one plain sentence each."""

from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path

import pytest

from evalweave.errors import DataError
from evalweave.study.analyses import Analysis
from evalweave.study.file import load_study
from evalweave.study.outcomes import Outcome
from evalweave.triangulation.claims import Known, check_claims, early_faults, read_claims

ROOT = Path(__file__).parents[2]
GOOD = {
    "claim_id": "deprivation",
    "theme_id": "classed_experiences",
    "proposition": "Little help, least advantaged",
    "role": "client",
    "relation": "converges",
    "analysis": "by_deprivation",
    "term": "difference[imd_quintile=5-1]",
    "outcome_unit": "percentage points",
    "expected_sign": "positive",
    "margin": "0.1",
    "declared_on": "2018-11-30",
}
OUTCOMES = {
    "hba1c": Outcome(unit="mmol/mol", plausible=(20, 195)),
    "steps": Outcome(unit="steps", plausible=(0, 90000), better="higher", codelist="hba1c"),
    "visits": Outcome(unit="visits", plausible=(0, 90), better="neither", codelist="hba1c"),
}
ANALYSES = {
    analysis.name: analysis
    for analysis in (
        Analysis(name="main", estimator="twfe", outcome="hba1c"),
        Analysis(name="by_deprivation", estimator="twfe", outcome="hba1c", subgroup="imd_quintile"),
        Analysis(name="steps", estimator="twfe", outcome="steps"),
        Analysis(name="visits", estimator="twfe", outcome="visits"),
        Analysis(name="narrow", estimator="twfe", outcome="hba1c", level=0.9),
    )
}
KNOWN = Known(
    analyses=ANALYSES,
    outcomes=OUTCOMES,
    themes=["classed_experiences", "assessment_and_targets"],
    roles=["client", "link_worker"],
    terms={
        "by_deprivation": ["att[imd_quintile=1]", "difference[imd_quintile=5-1]"],
        "main": ["att"],
    },
    first_seen=dt.date(2019, 1, 1),
)


def write(
    folder: Path, *rows: dict[str, str], encoding: str = "utf-8", delimiter: str = ","
) -> Path:
    path = folder / "claims.csv"
    names = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", encoding=encoding, newline="") as handle:
        writer = csv.DictWriter(handle, names, delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return path


def refused(folder: Path, *rows: dict[str, str], known: Known = KNOWN) -> str:
    with pytest.raises(DataError) as caught:
        read_claims(write(folder, *rows), known)
    return str(caught.value)


def test_a_good_claim(tmp_path: Path) -> None:
    (claim,) = read_claims(write(tmp_path, GOOD | {"rationale": "RCTs", "author": "AB"}), KNOWN)
    assert (claim.claim_id, claim.margin, claim.declared_on) == (
        "deprivation",
        0.1,
        dt.date(2018, 11, 30),
    )
    assert (claim.post_hoc, claim.margin_range, claim.rationale) == (False, None, "RCTs")


@pytest.mark.parametrize(
    ("encoding", "delimiter"), [("utf-8-sig", ","), ("utf-16", "\t"), ("utf-8", ";")]
)
def test_other_encodings_and_separators(tmp_path: Path, encoding: str, delimiter: str) -> None:
    (claim,) = read_claims(write(tmp_path, GOOD, encoding=encoding, delimiter=delimiter), KNOWN)
    assert claim.proposition == "Little help, least advantaged"


@pytest.mark.parametrize(("day", "post_hoc"), [("2019-01-01", False), ("2019-01-02", True)])
def test_claims_after_the_estimates_were_seen_are_post_hoc(
    tmp_path: Path, day: str, post_hoc: bool
) -> None:
    (claim,) = read_claims(write(tmp_path, GOOD | {"declared_on": day}), KNOWN)
    assert claim.post_hoc is post_hoc


def test_without_a_date_of_first_sight_nothing_is_marked(tmp_path: Path) -> None:
    (claim,) = read_claims(write(tmp_path, GOOD), Known(ANALYSES, OUTCOMES))
    assert claim.post_hoc is False


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"theme_id": "classed_experience"}, 'Did you mean "classed_experiences"?'),
        ({"analysis": "by_deprivaton"}, 'Did you mean "by_deprivation"?'),
        ({"term": "difference[imd_quintile=1-5]"}, 'Did you mean "difference[imd_quintile=5-1]"?'),
        ({"outcome_unit": "percentage point"}, 'Did you mean "percentage points"?'),
        ({"role": "clients"}, 'Did you mean "client"?'),
        ({"relation": "converge"}, 'Did you mean "converges"?'),
        ({"expected_sign": "-"}, "expected one of positive, negative, none"),
        ({"margin": ""}, "found no margin"),
        ({"margin": "-0.1"}, "found -0.1, expected a number from 0 on"),
        ({"margin": "1,000"}, "whose comma may be decimal or set off thousands"),
        ({"margin": "0.1 pp"}, "its unit stands in outcome_unit"),
        ({"margin": "inf"}, "expected a number from 0 on"),
        ({"declared_on": "30/11/2018"}, "expected a date written as 2018-11-30"),
        ({"declared_on": "2018-02-30"}, "expected a date written as 2018-11-30"),
        ({"declared_on": ""}, "column declared_on: found a blank"),
        ({"claim_id": "my claim"}, "a short name without spaces or colons"),
        (
            {"margin_low": "0.2", "margin_high": "0.4"},
            "found a range that does not enclose the margin",
        ),
        ({"margin_low": "0.05"}, "Give both ends"),
        ({"analyst_label": "dissonance"}, "column analyst_initials: found a blank"),
        ({"analysis": "narrow", "term": "att"}, "The convergence rule reads 95 % intervals"),
    ],
)
def test_one_mistake(tmp_path: Path, change: dict[str, str], said: str) -> None:
    message = refused(tmp_path, GOOD | change)
    assert message.startswith("claims.csv, row 2, column ") or "3 things" in message
    assert said in message


@pytest.mark.parametrize(
    ("analysis", "change", "sign", "meant"),
    [
        ("main", "better", "positive", "negative"),  # lower HbA1c is better
        ("main", "worse", "negative", "positive"),
        ("steps", "better", "negative", "positive"),  # more steps are better
        ("steps", "worse", "positive", "negative"),
        ("main", "none", "negative", "none"),
        ("main", "better", "none", "negative"),
    ],
)
def test_a_sign_that_contradicts_the_outcome(
    tmp_path: Path, analysis: str, change: str, sign: str, meant: str
) -> None:
    unit = OUTCOMES[ANALYSES[analysis].outcome].unit
    row = GOOD | {
        "analysis": analysis,
        "term": "att",
        "outcome_unit": unit,
        "expected_sign": sign,
        "expected_change": change,
    }
    assert f'"{sign}" beside expected_change "{change}", expected "{meant}"' in refused(
        tmp_path, row
    )
    (claim,) = read_claims(write(tmp_path, row | {"expected_sign": meant}), KNOWN)
    assert claim.expected_sign == meant


def test_a_change_for_the_better_of_an_outcome_without_a_better(tmp_path: Path) -> None:
    row = GOOD | {
        "analysis": "visits",
        "term": "att",
        "outcome_unit": "visits",
        "expected_change": "better",
    }
    assert "of which neither direction is better" in refused(tmp_path, row)


def test_everything_at_once(tmp_path: Path) -> None:
    message = refused(
        tmp_path,
        GOOD | {"theme_id": "clased_experiences", "margin": ""},
        GOOD | {"expected_sign": "plus", "declared_on": "soon"},
    )
    assert message.startswith("5 things need mending:")
    for place in (
        "row 2, column theme_id",
        "row 2, column margin",
        "row 3, column expected_sign",
        "row 3, column declared_on",
        'row 3, column claim_id: found "deprivation" a second time (also row 2)',
    ):
        assert place in message


def test_before_the_fit_terms_are_checked_by_their_form(tmp_path: Path) -> None:
    early = Known(ANALYSES, OUTCOMES)
    assert read_claims(write(tmp_path, GOOD), early)
    assert "found the subgroup white, expected imd_quintile" in refused(
        tmp_path, GOOD | {"term": "difference[white=1-0]"}, known=early
    )
    assert "found a term without a subgroup" in refused(
        tmp_path, GOOD | {"term": "att"}, known=early
    )
    assert "such as att, trend, event[2]" in refused(
        tmp_path, GOOD | {"term": "effect"}, known=early
    )
    assert 'Did you mean "mmol/mol"?' in refused(
        tmp_path, GOOD | {"outcome_unit": "mmol/mole"}, known=early
    )


def test_a_missing_column_names_the_nearest(tmp_path: Path) -> None:
    row = {("them_id" if name == "theme_id" else name): value for name, value in GOOD.items()}
    message = refused(tmp_path, row)
    assert "theme_id" in message and 'Did you mean "them_id"?' in message


def test_a_misspelt_optional_column_is_not_passed_over(tmp_path: Path) -> None:
    assert 'Did you mean "analyst_label"?' in refused(
        tmp_path, GOOD | {"analyst_lable": "agreement"}
    )


def test_a_column_of_ones_own_is_left_alone(tmp_path: Path) -> None:
    assert len(read_claims(write(tmp_path, GOOD | {"notes to self": "ask Ann"}), KNOWN)) == 1


def test_a_header_alone(tmp_path: Path) -> None:
    path = tmp_path / "claims.csv"
    path.write_text(",".join(GOOD) + "\n")
    claims, faults = check_claims(path, KNOWN)
    assert claims == ()
    assert "a header and no claims" in str(faults[0])


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no such file"):
        read_claims(tmp_path / "claims.csv", KNOWN)


def test_before_a_run_claims_are_checked_as_far_as_files_are_there() -> None:
    demonstration = load_study(ROOT / "config/config.yaml")
    assert early_faults(demonstration) == []


def test_before_a_run_every_fault_of_the_claims_is_said(tmp_path: Path) -> None:
    study = load_study(ROOT / "config/config.yaml")
    bad = write(tmp_path, GOOD | {"theme_id": "classed", "margin": ""}, GOOD | {"term": "att"})
    faults = early_faults(study.model_copy(update={"claims": str(bad)}))
    assert [fault.split(":")[0] for fault in faults] == [
        "claims.csv, row 2, column margin",
        "claims.csv, row 2, column theme_id",
        "claims.csv, row 3, column claim_id",
        "claims.csv, row 3, column term",
    ]


@pytest.mark.parametrize("ends", [("0.1", "0.4"), ("0.05", "0.1"), ("0.1", "0.1")])
def test_a_margin_may_stand_at_either_end_of_its_range(
    tmp_path: Path, ends: tuple[str, str]
) -> None:
    low, high = ends
    (claim,) = read_claims(write(tmp_path, GOOD | {"margin_low": low, "margin_high": high}), KNOWN)
    assert (claim.margin, claim.margin_range) == (0.1, (float(low), float(high)))


def test_one_person_may_be_enough(tmp_path: Path) -> None:
    (claim,) = read_claims(write(tmp_path, GOOD | {"minimum": "1"}), KNOWN)
    assert claim.minimum == 1
    assert "column minimum: found 0" in refused(tmp_path, GOOD | {"minimum": "0"})

"""`evalweave fit` on panels and SPECs that strangers send: a plain sentence, and never a number
that is rounding."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from evalweave.cli import app
from evalweave.errors import DataError, StudyError
from evalweave.fitting import fit, named
from evalweave.study.analyses import FitSpec
from evalweave.study.file import load
from helpers.did_panels import panel

SPEC = {"columns": {"outcome": "y"}, "analyses": [{"name": "main", "estimator": "twfe"}]}


@pytest.fixture
def frame():
    return panel(seed=5, units=80)


def call(path, out, spec):
    text = spec if isinstance(spec, str) else json.dumps(spec)
    return CliRunner().invoke(app, ["fit", str(path), "--spec", text, "--out", str(out)])


def test_old_line_ends_capital_suffix_and_a_parquet_index_are_read(frame, tmp_path):
    frame.to_csv(tmp_path / "p.csv", index=False)
    (tmp_path / "MAC.CSV").write_bytes(frame.to_csv(index=False, lineterminator="\r").encode())
    frame.set_index(["patient_id", "period"]).to_parquet(tmp_path / "i.parquet")
    texts = []
    for name in ("p.csv", "MAC.CSV", "i.parquet"):
        assert call(tmp_path / name, tmp_path / f"out {name}", SPEC).exit_code == 0
        texts.append((tmp_path / f"out {name}" / "estimates.csv").read_text())
    assert texts[0] == texts[1] == texts[2]


def test_a_header_without_line_end_has_no_rows(frame, tmp_path):
    (tmp_path / "p.csv").write_text(",".join(frame.columns))
    assert "no rows below the header" in str(
        call(tmp_path / "p.csv", tmp_path / "o", SPEC).exception
    )


ODD = {
    "far apart": (lambda f: f.assign(period=f["period"] * 10**9), "very far apart"),
    "label": (lambda f: f.assign(period="spring"), "2015 for 2015/16"),
    "visits": (
        lambda f: f.assign(
            period=pd.Timestamp("2011-01-01") + pd.to_timedelta(97 * f.index**2 % 2000, unit="D")
        ),
        "follow no rhythm",
    ),
    "decimals": (lambda f: f.assign(period=f["period"] + 0.1), "a number with decimals"),
    "unknown start": (
        lambda f: f.assign(first_treated=f["first_treated"].astype(object).fillna("unknown")),
        "a start that is unknown",
    ),
    "a date among years": (
        lambda f: f.assign(first_treated=f["first_treated"].map({2014: "2014-04-01"})),
        "while the periods of the panel are plain numbers",
    ),
    "a month among years": (
        lambda f: f.assign(first_treated=f["first_treated"] * 100 + 4),
        "a year and month .or date. in one number",
    ),
    "minus two in a panel of months": (
        lambda f: f.assign(period=f["period"] - 2010, first_treated=-2).assign(
            first_treated=lambda g: np.where(g.index % 3, np.nan, -2)
        ),
        "a negative start",
    ),
    "zero is a period": (
        lambda f: f.assign(period=f["period"] - 2013, first_treated=f["first_treated"] * 0),
        "period 0 or never",
    ),
}


@pytest.mark.parametrize("kind", ODD)
def test_doubtful_periods_and_starts_are_refused_with_a_next_step(kind, frame):
    change, sentence = ODD[kind]
    with pytest.raises(DataError, match=sentence):
        fit(change(frame), SPEC)


@pytest.mark.parametrize("first", [24132, 8044, 4022, 1, -3])
def test_consecutive_numbers_of_any_size_are_periods(first, frame):
    shift = first - 2011
    moved = frame.assign(
        period=frame["period"] + shift, first_treated=frame["first_treated"] + shift
    )
    if first == -3:  # the start is period 0 there: blank means never, 0 would be doubtful
        with pytest.raises(DataError, match="period 0 or never"):
            fit(moved, SPEC)
        moved["first_treated"] -= 1
    assert len(fit(moved, SPEC).rows) == 1


def test_starts_outside_the_panel_are_counted_and_said(frame):
    late = frame.assign(
        first_treated=np.where(frame["practice_id"] == "g07", 2030, frame["first_treated"])
    )
    for estimator in ("twfe", "did_2x2"):
        result = named(estimator)(late, outcome="y")
        without = named(estimator)(frame, outcome="y")
        assert result.rows[0]["estimate"] == pytest.approx(without.rows[0]["estimate"], rel=1e-12)
        assert result.rows[0]["n_practices_treated"] == without.rows[0]["n_practices_treated"]
        assert "after the last period" in repr(result)
    placebo = named("twfe")(late, outcome="y").diagnostics["twfe"]["placebo_dates"]
    assert placebo == named("twfe")(frame, outcome="y").diagnostics["twfe"]["placebo_dates"]
    early = frame.assign(
        first_treated=np.where(frame["practice_id"] == "g00", 1990, frame["first_treated"])
    )
    assert "never seen untreated" in repr(named("twfe")(early, outcome="y"))


def test_rounding_is_not_an_estimate(frame):
    """Nobody treated is seen before the start: what is left of the regressor after absorption is
    rounding."""
    after = frame[(frame["first_treated"].isna()) | (frame["period"] >= frame["first_treated"])]
    with pytest.raises(DataError, match="nobody was observed both with and without"):
        named("twfe")(after, outcome="y")
    with pytest.raises(DataError, match="before the start"):
        named("event_study")(after, outcome="y")
    with pytest.raises(DataError, match="nobody was seen before the start"):
        named("sun_abraham")(
            frame.assign(first_treated=frame["first_treated"] * 0 + 2011),
            outcome="y",
        )


def test_two_practices_leave_nothing_to_take_an_error_from(frame):
    """With one practice in each arm the 2x2 fits both practices' means: an error of 1e-14 is no
    error."""
    two = frame[frame["practice_id"].isin(["g00", "g07"])]
    result = named("did_2x2")(two, outcome="y")
    assert [row["term"] for row in result.rows] == ["ancova"]
    assert (
        "nothing to take an error from"
        in result.diagnostics["did_2x2"]["inference"]["hansen"]["absent"]["att"]
    )
    assert "One treated practice" in repr(result)
    exact = frame.assign(y=(frame["period"] >= frame["first_treated"]).astype(float) + 3)
    for estimator in ("callaway_santanna", "imputation", "etwfe", "event_study"):
        with pytest.raises(DataError, match="nothing to take an error from"):
            named(estimator)(exact, outcome="y")


@pytest.mark.parametrize(
    ("estimator", "option", "sentence"),
    [
        ("nonlinear_etwfe", {"subgroup": "white"}, "nonlinear_etwfe takes no subgroup; did_2x2"),
        ("twfe", {"solver": "exact"}, "twfe takes no solver; synthetic_did does"),
        ("event_study", {"engine": "linearmodels"}, "event_study takes no engine; twfe does"),
        ("twfe", {"bins": [-3, 2]}, "twfe takes no bins; event_study does"),
        ("nonlinear_etwfe", {"anticipation": 1}, "takes no anticipation; did_2x2"),
        ("twfe", {"control": "not_yet_treated"}, "twfe takes no control"),
        (
            "did_2x2",
            {"inference": ["unit"]},
            "unit .unclustered errors. is not available for did_2x2",
        ),
        ("twfe", {"covariates": ["y"]}, '"y" is the outcome and cannot be a covariate too'),
        ("twfe", {"subgroup": "period"}, '"period" is the period and cannot be a subgroup too'),
    ],
)
def test_options_that_would_be_passed_over_in_silence_are_refused(
    estimator, option, sentence, frame
):
    with pytest.raises(StudyError, match=sentence):
        named(estimator)(frame, outcome="y", **option)


def test_one_column_cannot_have_two_roles(frame):
    with pytest.raises(StudyError, match='"period" is both period and outcome'):
        named("twfe")(frame, outcome="period")


def test_an_analysis_that_cannot_run_leaves_the_others(frame, tmp_path):
    frame.to_csv(tmp_path / "p.csv", index=False)
    analyses = [
        {"name": "main", "estimator": "twfe"},
        {"name": "es", "estimator": "event_study", "reference": -50},
    ]
    result = call(tmp_path / "p.csv", tmp_path / "out", {**SPEC, "analyses": analyses})
    assert isinstance(result.exception, StudyError)
    assert "reference -50" in str(result.exception)
    assert pd.read_csv(tmp_path / "out" / "estimates.csv")["analysis"].tolist() == ["main"]
    assert "error" in json.loads((tmp_path / "out" / "diagnostics.json").read_text())["es"]


def test_what_is_printed_is_short_and_keeps_names_as_they_are(frame, tmp_path):
    frame.to_csv(tmp_path / "p.csv", index=False)
    analyses = [
        {"name": f"cs-{k}", "estimator": "callaway_santanna", "inference": ["cr1"]}
        for k in range(4)
    ] + [{"name": "gap", "estimator": "twfe", "subgroup": "white"}]
    result = call(tmp_path / "p.csv", tmp_path / "out", {**SPEC, "analyses": analyses})
    lines = result.stdout.splitlines()
    assert len(lines) < 60
    assert sum("CI" in line for line in lines) == 40
    assert "more rows in " + str(tmp_path / "out" / "estimates.csv") in result.stdout
    assert "cs-0" in result.stdout and "event[-1]" in result.stdout and "cs−0" not in result.stdout
    assert "−" in result.stdout


def test_a_file_that_holds_itself_and_an_empty_spec_are_said(tmp_path, frame):
    (tmp_path / "s.yaml").write_text("columns: &c [*c]\n")
    with pytest.raises(StudyError, match="holds itself"):
        load(tmp_path / "s.yaml", FitSpec)
    frame.to_csv(tmp_path / "p.csv", index=False)
    assert "--spec: is empty" in str(call(tmp_path / "p.csv", tmp_path / "o", "").exception)
    assert "The command's --help shows an example" in str(
        call(tmp_path / "p.csv", tmp_path / "o", "none.yaml").exception
    )


def test_a_secondary_analysis_may_be_empty_and_says_why(frame, tmp_path):
    """One practice a sex and arm: every level is refused, which need not stop the rest of a
    study."""
    frame.assign(white=frame["practice_id"]).to_csv(tmp_path / "p.csv", index=False)
    spec = {**SPEC, "analyses": [{"name": "gap", "estimator": "twfe", "subgroup": "white"}]}
    (tmp_path / "s.json").write_text(json.dumps(spec))
    words = [
        "fit",
        str(tmp_path / "p.csv"),
        "--spec",
        str(tmp_path / "s.json"),
        "--out",
        str(tmp_path / "out"),
    ]
    assert isinstance(CliRunner().invoke(app, words).exception, DataError)
    assert not (tmp_path / "out").exists()
    result = CliRunner().invoke(app, [*words, "--may-be-empty"])
    assert result.exit_code == 0 and "gap: no estimate" in result.stdout
    assert not len(pd.read_csv(tmp_path / "out" / "estimates.csv"))
    said = json.loads((tmp_path / "out" / "diagnostics.json").read_text())
    assert "fewer than 4 are refused" in said["gap"]["error"]
    assert "fewer than 4 are refused" in said["gap"]["absent"]["att[white=g00]"]


def test_values_beyond_all_measure_are_refused_and_the_estimates_before_them_removed(
    frame, tmp_path
):
    frame.to_csv(tmp_path / "p.csv", index=False)
    out = tmp_path / "out"
    out.mkdir()
    (out / "estimates.csv").write_text("old\n")
    (tmp_path / "estimates.csv").write_text(frame.assign(y=1e308).to_csv(index=False))
    failed = call(tmp_path / "estimates.csv", out, SPEC)
    assert failed.exit_code == 1 and "a number beyond all measure" in str(failed.exception)
    assert not (out / "estimates.csv").exists()
    call(tmp_path / "estimates.csv", tmp_path, SPEC)  # into the folder of the panel itself
    assert (tmp_path / "estimates.csv").exists()


@pytest.mark.parametrize(
    ("value", "words"), [(1e300, "at most 1000"), (float("nan"), "finite number")]
)
def test_bounds_wider_than_any_path_are_refused(frame, value, words):
    analysis = {"name": "es", "estimator": "event_study", "honest_relative": [value]}
    with pytest.raises(StudyError, match=words):
        fit(frame, {**SPEC, "analyses": [analysis]})

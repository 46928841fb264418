"""Net benefit, acceptability and the ratio of cost to effect: identities, closed forms worked by
other means, and the command on a small panel."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy import integrate, stats
from typer.testing import CliRunner

import evalweave
from evalweave.cli import app
from evalweave.economics.evaluation import evaluate
from evalweave.economics.joint import Joint
from evalweave.economics.net_benefit import (
    ellipse,
    fieller,
    net_benefit,
    perfect_information,
    verdict_on_ratio,
)
from evalweave.errors import DataError, StudyError
from evalweave.study.economics import EconomicsSpec
from evalweave.study.file import validate
from helpers.did_panels import costs

SPEC = {
    "columns": {},
    "effect": {
        "outcome": "y",
        "unit": "mmol/mol",
        "better": "lower",
        "analysis": {"estimator": "twfe"},
    },
    "cost": {"outcome": "cost", "unit": "GBP", "analysis": {"estimator": "poisson"}},
    "thresholds": {"values": [0, 50, 100], "reason": "a test"},
    "perspective": "a payer",
    "price_year": 2019,
    "draws": 1999,
}


FRAME = costs()


def run(frame: pd.DataFrame = FRAME, **more: object):
    return evaluate(frame, validate({**SPEC, **more}, EconomicsSpec, "spec", {}), "panel")


def both(effect: float, cost: float, seed: int = 1, g: int = 12, scale: float = 1.0) -> Joint:
    random = np.random.default_rng(seed)
    moved = random.normal(size=(g, 2)) @ np.array([[0.1, 1.0], [0.0, 4.0]]) * scale
    return Joint(effect, cost, np.array([effect, cost]) + moved, moved)


def test_effect_and_cost_are_those_of_fit_and_the_errors_its_jackknife():
    result = run()
    ours = result.increments.set_index("item")
    effect = evalweave.twfe(FRAME, outcome="y", inference=["jackknife"], diagnostics=False).tidy()
    cost = evalweave.poisson(FRAME, outcome="cost", inference=["jackknife"], diagnostics=False)
    care = cost.tidy().set_index("term").loc["att"]
    assert ours.loc["effect", "estimate"] == pytest.approx(-effect["estimate"].iloc[0])
    for name, row in (("effect", effect.iloc[0]), ("cost", care)):
        assert ours.loc[name, "std_error"] == pytest.approx(row["std_error"], rel=1e-9)
    half = ours.loc["cost", "ci_high"] - ours.loc["cost", "estimate"]
    assert half == pytest.approx(care["ci_high"] - care["estimate"], rel=1e-9)


def test_net_benefit_is_that_of_one_outcome_made_of_both():
    """With linear models, INB at l is the effect on l (-y) - cost, its error included."""
    result = run(cost={**SPEC["cost"], "analysis": {"estimator": "twfe"}})
    row = result.thresholds.set_index("threshold").loc[50]
    combined = FRAME.assign(net=-50 * FRAME["y"] - FRAME["cost"])
    alone = evalweave.twfe(combined, outcome="net", inference=["jackknife"], diagnostics=False)
    single = alone.tidy().iloc[0]
    for ours, theirs in (
        ("net_benefit", "estimate"),
        ("std_error", "std_error"),
        ("ci_low", "ci_low"),
        ("ci_high", "ci_high"),
        ("p_value", "p_value"),
    ):
        assert row[ours] == pytest.approx(single[theirs], rel=1e-9), ours


def test_net_benefit_at_zero_is_minus_the_cost():
    result = run()
    row = result.thresholds.iloc[0]
    cost = result.increments.set_index("item").loc["cost"]
    assert row["net_benefit"] == -cost["estimate"]
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((-cost["ci_high"], -cost["ci_low"]))


@pytest.mark.parametrize(
    ("effect", "cost", "scale", "form"),
    [(1.0, 30.0, 1.0, "interval"), (0.1, 60.0, 1.0, "outside"), (0.1, 1.0, 1.0, "everything")],
)
def test_fieller_inverts_the_interval_of_the_net_benefit(effect, cost, scale, form):
    pair = both(effect, cost, scale=scale)
    known = fieller(pair, 0.95)
    assert known.form == form
    worth = np.linspace(-3000, 3000, 4001)
    table = net_benefit(pair, worth.tolist(), 0.95, 99, 1)
    holds_zero = (table["ci_low"] <= 0) & (table["ci_high"] >= 0)
    if form == "interval":
        expected = (worth >= known.low) & (worth <= known.high)
    elif form == "outside":
        expected = (worth <= known.low) | (worth >= known.high)
    else:
        expected = np.ones(len(worth), dtype=bool)
    assert (holds_zero.to_numpy() == expected).all()
    words = verdict_on_ratio(pair, known)
    assert ("Fieller interval" in words) == (form == "interval")
    assert ("no interval" in words) == (form != "interval")


def test_quadrants_are_named():
    for effect, cost, word in (
        (1.0, -5.0, "dominates"),
        (-1.0, 5.0, "is dominated"),
        (1.0, 5.0, "a unit of effect gained"),
        (-1.0, -5.0, "saved a unit of effect lost"),
    ):
        pair = both(effect, cost, scale=0.01)
        assert word in verdict_on_ratio(pair, fieller(pair, 0.95))


@pytest.mark.parametrize(("value", "error", "dof"), [(0.0, 1.0, 9), (2.0, 3.0, 23), (-4.0, 2.5, 5)])
def test_perfect_information_is_the_integral(value, error, dof):
    law = stats.t(dof, loc=value, scale=error)
    gain = integrate.quad(lambda x: x * law.pdf(x), 0, np.inf)[0] - max(0.0, value)
    assert perfect_information(value, error, dof) == pytest.approx(gain, rel=1e-6)


def test_acceptability_is_a_t_probability_and_the_bootstrap_agrees_where_practices_are_many():
    pair = both(1.0, 60.0, g=400, scale=0.3)
    row = net_benefit(pair, [70.0], 0.95, 9999, 1).iloc[0]
    ratio = row["net_benefit"] / row["std_error"]
    assert row["acceptability"] == pytest.approx(stats.t(399).cdf(ratio))
    assert row["acceptability_bootstrap"] == pytest.approx(row["acceptability"], abs=0.02)


def test_the_border_of_the_joint_region_is_hotellings():
    pair = both(1.0, 20.0)
    g = len(pair.without)
    away = ellipse(pair, 0.95) - np.array([pair.effect, pair.cost])
    distance = np.einsum("pi,ij,pj->p", away, np.linalg.inv(pair.covariance), away)
    assert distance == pytest.approx(2 * (g - 1) / (g - 2) * stats.f(2, g - 2).ppf(0.95))


def programme(per: str, frame: pd.DataFrame = FRAME, **more: object):
    declared = {"amount": 100.0, "per": per, "source": "invented", **more}
    return (
        run(frame, programme_cost=declared)
        .increments.set_index("item")
        .loc["programme", "estimate"]
    )


def test_the_programme_is_spread_over_treated_persons_and_periods():
    rows = FRAME[FRAME["period"] >= FRAME["first_treated"]]
    n = len(rows)
    assert programme("person_period") == pytest.approx(100.0)
    assert programme("person") == pytest.approx(100 * rows["patient_id"].nunique() / n)
    assert programme("practice") == pytest.approx(100 * rows["practice_id"].nunique() / n)
    cells = len(rows[["practice_id", "period"]].drop_duplicates())
    assert programme("practice_period") == pytest.approx(100 * cells / n)
    below = {name: FRAME[name] - 2015 for name in ("period", "first_treated")}  # periods below zero
    assert programme("practice_period", FRAME.assign(**below)) == pytest.approx(100 * cells / n)
    referrals = programme("referral", referrals="referred")
    assert referrals == pytest.approx(100 * rows["referred"].sum() / n)


def test_the_programme_adds_up_and_is_left_out_with_its_practice():
    declared = {"amount": 100.0, "per": "referral", "referrals": "referred", "source": "invented"}
    result = run(programme_cost=declared)
    item = result.increments.set_index("item")["estimate"]
    assert item["cost"] == pytest.approx(item["cost of care"] + item["programme"])
    without = run(FRAME[FRAME["practice_id"] != "g02"], programme_cost=declared)
    assert result.both.without[2] == pytest.approx([without.both.effect, without.both.cost])


def test_a_rate_of_zero_discounts_nothing_and_a_rate_discounts_by_period():
    keys = {
        "effect": {**SPEC["effect"], "analysis": {"estimator": "etwfe"}},
        "cost": {**SPEC["cost"], "analysis": {"estimator": "nonlinear_etwfe"}},
    }
    plain = run(**keys)
    nothing = run(**keys, discount={"costs": 0.0, "effects": 0.0, "first": 2014})
    assert nothing.both.effect == pytest.approx(plain.both.effect, rel=1e-9)
    assert nothing.both.cost == pytest.approx(plain.both.cost, rel=1e-9)
    some = run(**keys, discount={"costs": 0.5, "first": 2014})
    table = evalweave.nonlinear_etwfe(FRAME, outcome="cost", diagnostics=False).tidy()
    single = table.set_index("term")["estimate"]
    rows = FRAME[FRAME["period"] >= FRAME["first_treated"]]["period"].value_counts()
    mean = sum(single[f"calendar[{t}]"] * n / 1.5 ** (t - 2014) for t, n in rows.items())
    assert some.both.cost == pytest.approx(mean / rows.sum(), rel=1e-6)
    with pytest.raises(DataError, match="discounting needs the effects of single periods"):
        run(discount={"first": 2014})


def test_categories_of_linear_costs_add_up():
    result = run(
        cost={**SPEC["cost"], "analysis": {"estimator": "twfe"}},
        components={"stays": "stay", "visits": "visit"},
    )
    item = result.increments.set_index("item")["estimate"]
    assert item["of which stays"] + item["of which visits"] == pytest.approx(item["cost"])


def test_scenarios_and_levels_stand_side_by_side():
    free = {"amount": 0.0, "per": "person", "source": "invented"}
    result = run(
        programme_cost={**free, "amount": 90.0},
        scenarios=[
            {"name": "free", "programme_cost": free},
            {"name": "linear", "cost_analysis": {"estimator": "twfe"}},
        ],
        by=["white"],
        effect={**SPEC["effect"], "better": "higher"},
    )
    rows = result.scenarios.set_index(["scenario", "item"])["estimate"]
    assert list(rows.index.get_level_values(0).unique()) == ["main", "free", "linear"]
    item = result.increments.set_index("item")["estimate"]
    assert rows["main", "cost"] - rows["free", "cost"] == pytest.approx(item["programme"])
    worth = result.scenarios.set_index(["scenario", "threshold"])["estimate"]
    assert worth["main", 50.0] == result.thresholds["net_benefit"].iloc[1]
    linear = evalweave.twfe(FRAME, outcome="cost", diagnostics=False).tidy()["estimate"].iloc[0]
    assert rows["linear", "cost"] == pytest.approx(linear + item["programme"])
    levels = result.subgroups.set_index(["item", "level"])["estimate"]
    alone = evalweave.twfe(FRAME, outcome="y", subgroup="white", diagnostics=False).tidy()
    assert levels["effect", "1"] == alone.set_index("term").loc["att[white=1]", "estimate"]
    assert {("cost of care", "0"), ("cost of care", "1")} <= set(levels.index)
    for each in ("effect", "cost of care"):
        assert levels[each, "1 less 0"] == pytest.approx(levels[each, "1"] - levels[each, "0"])
    assert (result.subgroups["n_patients"] < 160).all()
    rows_of = result.subgroups.set_index(["item", "level"])["n_obs"]
    assert rows_of["effect", "0"] + rows_of["effect", "1"] == result.increments["n_obs"].iloc[0]


def test_another_perspective_and_other_prices_are_those_of_other_columns():
    keys = {"price_year": 2024, "price_factor": 1.25}
    result = run(
        programme_cost={"amount": 90.0, "per": "person", "source": "invented"},
        scenarios=[
            {"name": "hospital", "cost": "stay", "perspective": "hospitals"},
            {"name": "later", **keys},
        ],
    )
    rows = result.scenarios.set_index(["scenario", "item"])
    alone = run(FRAME.assign(cost=FRAME["stay"]))
    programme = result.increments.set_index("item")["estimate"]["programme"]
    stays = alone.increments.set_index("item")["estimate"]["cost"]
    assert rows.loc[("hospital", "cost"), "estimate"].item() == pytest.approx(stays + programme)
    for column in ("estimate", "std_error", "ci_low", "ci_high"):
        main = rows.loc[("main", "cost"), column].item()
        assert rows.loc[("later", "cost"), column].item() == pytest.approx(1.25 * main)
    changes = result.scenarios.set_index("scenario")["changes"]
    assert changes["hospital"].iloc[0] == "costs of hospitals"
    assert changes["later"].iloc[0] == "prices of 2024"


def test_the_curve_and_the_plane_hold_what_the_tables_say():
    result = run()
    at = result.curve.set_index("threshold")
    for worth, line in result.thresholds.set_index("threshold").iterrows():
        assert at.loc[worth].tolist() == line.tolist()
    v = result.both.covariance
    for level, border in result.plane.groupby("level"):
        away = border[["effect", "cost"]].to_numpy() - [result.both.effect, result.both.cost]
        distance = np.einsum("pi,ij,pj->p", away, np.linalg.inv(v), away)
        assert np.ptp(distance) < 1e-9 * distance.mean(), level


def test_an_effect_that_one_practice_carries_has_no_interval():
    frame = costs(seed=4)
    frame["first_treated"] = frame["first_treated"].where(frame["practice_id"] == "g00")
    with pytest.raises(DataError, match="no practice-level interval"):
        run(frame)


def effect_by(**analysis: object) -> dict[str, object]:
    return {**SPEC["effect"], "analysis": {"estimator": "twfe", **analysis}}


def test_the_rows_of_an_analysis_are_those_that_fit_takes():
    where = "white == 1"
    result = run(effect=effect_by(where=where))
    alone = evalweave.twfe(FRAME, outcome="y", where=where, diagnostics=False).tidy()
    assert result.both.effect == pytest.approx(-alone["estimate"].iloc[0], rel=1e-9)
    assert any(where in note for note in result.summary["notes"])
    scenario = {"name": "some", "effect_analysis": {"estimator": "twfe", "where": where}}
    other = run(scenarios=[scenario]).scenarios.set_index(["scenario", "item"])["estimate"]
    assert other["some", "effect"] == pytest.approx(result.both.effect, rel=1e-9)
    with pytest.raises(DataError, match='no column "whiet"'):
        run(effect=effect_by(where="whiet == 1"))


@pytest.mark.parametrize("name", ["imputation", "callaway_santanna"])
def test_levels_are_those_of_fit_for_estimators_that_have_no_model_of_their_own(name):
    result = run(effect=effect_by(estimator=name), by=["white"])
    levels = result.subgroups.set_index(["item", "level"])["estimate"]
    call = getattr(evalweave, name)
    alone = call(FRAME, outcome="y", subgroup="white", diagnostics=False).tidy()
    theirs = alone.drop_duplicates("term").set_index("term")["estimate"]
    for level in ("0", "1"):
        assert levels["effect", level] == pytest.approx(-theirs[f"att[white={level}]"], rel=1e-9)


def test_a_level_without_an_estimate_is_named_and_none_at_all_is_refused():
    few = FRAME.assign(group=np.where(FRAME["practice_id"] == "g00", "few", "many"))
    result = run(few, by=["group"])
    assert set(result.subgroups["level"]) == {"many"}
    assert any("by group, effect, att[group=few]" in note for note in result.summary["notes"])
    with pytest.raises(DataError, match="by alone"):
        run(FRAME.assign(alone=FRAME["practice_id"]), by=["alone"])


@pytest.mark.parametrize("per", ["person", "person_period", "practice", "practice_period"])
def test_the_programme_is_discounted_where_its_units_fall(per):
    keys = {
        "effect": effect_by(estimator="etwfe"),
        "cost": {**SPEC["cost"], "analysis": {"estimator": "etwfe"}},
        "programme_cost": {"amount": 100.0, "per": per, "source": "invented"},
        "discount": {"costs": 0.5, "effects": 0.0, "first": 2013},
    }
    ours = run(**keys).increments.set_index("item").loc["programme", "estimate"]
    rows = FRAME[FRAME["period"] >= FRAME["first_treated"]]
    owner = ["patient_id"] if per.startswith("person") else ["practice_id"]
    counted = (
        rows.drop_duplicates([*owner, "period"])
        if "_" in per
        else (rows.sort_values("period").drop_duplicates(owner))
    )
    worth = (1.5 ** (2013.0 - counted["period"])).sum()
    assert ours == pytest.approx(100 * worth / len(rows), rel=1e-9)


@pytest.mark.parametrize("per", ["person", "practice", "practice_period"])
def test_the_programme_does_not_depend_on_the_scale_of_weights(per):
    keys = {
        "columns": {"weight": "w"},
        "programme_cost": {"amount": 100.0, "per": per, "source": "invented"},
    }
    weights = 1.0 + (np.arange(len(FRAME)) % 3)
    one, ten = (run(FRAME.assign(w=k * weights), **keys) for k in (1, 10))
    item = "programme"
    ours, theirs = (result.increments.set_index("item").loc[item] for result in (one, ten))
    assert theirs["estimate"] == pytest.approx(ours["estimate"], rel=1e-9)
    assert theirs["std_error"] == pytest.approx(ours["std_error"], rel=1e-9)
    equal = run(FRAME.assign(w=7.0), **keys).increments.set_index("item").loc[item, "estimate"]
    assert equal == pytest.approx(programme(per), rel=1e-9)


def test_that_persons_without_a_cost_do_not_count_is_noted():
    declared = {"amount": 100.0, "per": "person", "source": "invented"}
    blank = FRAME.assign(cost=FRAME["cost"].mask(np.arange(len(FRAME)) % 5 == 0))
    notes = run(blank, programme_cost=declared).summary["notes"]
    assert any("no cost: the programme's cost counts" in note for note in notes)
    assert not any("programme's cost" in n for n in run(programme_cost=declared).summary["notes"])


def test_an_arm_of_few_practices_is_told():
    treated = FRAME.groupby("practice_id")["first_treated"].first().dropna().index
    few = FRAME[~FRAME["practice_id"].isin(treated[2:])]
    (said,) = run(few).summary["few"]
    assert said.startswith(f"Only 2 of {few['practice_id'].nunique()} practices have the programme")
    assert run().summary["few"] == []


def test_a_dose_is_an_effect_whose_uptake_is_read():
    from evalweave.study.economics import columns_read

    spec = {**SPEC, "effect": effect_by(estimator="dose", uptake="share", where="age > 40")}
    wanted = columns_read(validate(spec, EconomicsSpec, "spec", {}))
    assert wanted["share"] is False and wanted["age"] is False


def test_a_discount_from_far_away_is_refused():
    from evalweave.errors import StudyError

    keys = {"effect": effect_by(estimator="etwfe")}
    with pytest.raises(StudyError, match="discount: first: -5000 is more than 100 years"):
        run(**keys, discount={"first": -5000})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"thresholds": {"values": [0, float("inf")], "reason": "x"}}, "finite number"),
        ({"thresholds": {"values": [float("nan"), 1], "reason": "x"}}, "finite number"),
        ({"thresholds": {"values": [1e308], "reason": "x"}}, "at most 1e"),
        (
            {"programme_cost": {"amount": float("inf"), "per": "person", "source": "x"}},
            "finite number",
        ),
        ({"effect": effect_by(level=0.9)}, "level would change nothing"),
        (
            {
                "cost": {**SPEC["cost"], "analysis": {"estimator": "nonlinear_etwfe"}},
                "by": ["white"],
            },
            "by: white: cost: nonlinear_etwfe takes no subgroup",
        ),
        ({"level": 0.9999999999999999}, "less than or equal to 0.9999"),
        ({"effect": effect_by(unaffected_outcome="bmi")}, "unaffected_outcome makes a triple"),
        (
            {
                "cost": {
                    **SPEC["cost"],
                    "analysis": {"estimator": "twfe", "unaffected_population": "white"},
                }
            },
            "unaffected_population makes a triple",
        ),
        (
            {"scenarios": [{"name": "a", "effect_analysis": {"estimator": "twfee"}}]},
            '"twfee" is not one of',
        ),
        (
            {"scenarios": [{"name": "a", "cost_analysis": {"estimator": "twfe", "whre": "x"}}]},
            '"whre" is not a key',
        ),
        (
            {
                "scenarios": [
                    {"name": "a", "cost_analysis": {"estimator": "twfe", "subgroup": "white"}}
                ]
            },
            "cost_analysis: subgroup is asked for with `by`",
        ),
        ({"effect": {**SPEC["effect"], "unit": "QALY"}}, "QALYs need `source`"),
        ({"thresholds": {"values": [10, 5], "reason": "x"}}, "values must rise"),
        ({"columns": {"outcome": "y"}}, "belongs to effect and cost"),
        (
            {"scenarios": [{"name": "main", "price_year": 2024, "price_factor": 1.1}]},
            "main is the evaluation itself",
        ),
        ({"scenarios": [{"name": "a"}]}, "scenario a: nothing is assumed otherwise"),
        ({"scenarios": [{"name": "a", "cost": "stay"}]}, "cost and perspective belong together"),
        ({"scenarios": [{"name": "a", "price_year": 2024}]}, "needs a price_factor"),
        ({"scenarios": [{"name": "a", "price_factor": 2.0}]}, "needs the price_year"),
        (
            {"programme_cost": {"amount": 1, "per": "referral", "source": "x"}},
            "`referrals` belongs to `per: referral`",
        ),
    ],
)
def test_what_a_spec_may_not_say(change, words):
    from evalweave.errors import StudyError

    with pytest.raises(StudyError, match=words):
        run(**change)


def test_the_command_writes_tables_and_figures_that_do_not_change(tmp_path):
    costs().to_csv(tmp_path / "panel.csv", index=False)
    (tmp_path / "spec.yaml").write_text(yaml.safe_dump({**SPEC, "by": ["white"]}))
    texts = []
    for out in ("one", "two"):
        command = ["economics", str(tmp_path / "panel.csv"), "--spec", str(tmp_path / "spec.yaml")]
        done = CliRunner().invoke(app, [*command, "--out", str(tmp_path / out)])
        assert done.exit_code == 0, done.output
        files = sorted(path.name for path in (tmp_path / out).iterdir())
        texts.append({name: (tmp_path / out / name).read_text() for name in files})
    assert texts[0] == texts[1]
    assert {"plane.svg", "acceptability.svg", "net-benefit.svg", "subgroups.csv"} <= set(texts[0])
    summary = json.loads(texts[0]["economics.json"])
    assert summary["perspective"] == "a payer" and summary["n_practices"] == 10
    assert "net benefit" in done.output


def test_a_run_leaves_no_file_of_an_earlier_one_behind(tmp_path):
    FRAME.to_csv(tmp_path / "panel.csv", index=False)
    out = tmp_path / "out"
    out.mkdir()
    (out / "subgroups.csv").write_text("old\n")
    (out / "mine.txt").write_text("stays\n")
    (tmp_path / "spec.yaml").write_text(yaml.safe_dump({**SPEC, "draws": 99}))
    command = ["economics", str(tmp_path / "panel.csv"), "--spec", str(tmp_path / "spec.yaml")]
    assert CliRunner().invoke(app, [*command, "--out", str(out)]).exit_code == 0
    assert not (out / "subgroups.csv").exists() and (out / "mine.txt").exists()
    FRAME.assign(y=1e308).to_csv(tmp_path / "panel.csv", index=False)
    failed = CliRunner().invoke(app, [*command, "--out", str(out)])
    assert failed.exit_code == 1 and "a number beyond all measure" in str(failed.exception)
    assert [path.name for path in out.iterdir()] == ["mine.txt"]


def test_the_example_of_the_documents_runs():
    page = (Path(__file__).parents[2] / "docs/economics.md").read_text(encoding="utf-8")
    spec = yaml.safe_load(page.split("```yaml\n")[1].split("```")[0])
    frame = FRAME.rename(
        columns={"y": "hba1c", "stay": "admission_cost", "visit": "prescription_cost"}
    ).assign(years=0.5, referrals=FRAME["referred"], ethnicity=FRAME["white"])
    frame["imd_quintile"] = 1 + frame["patient_id"].str[1:].astype(int) % 2
    spec["columns"] |= {"period": "period"}
    result = evaluate(frame, validate({**spec, "draws": 99}, EconomicsSpec, "spec", {}), "panel")
    assert len(result.subgroups) == 12
    names = list(result.scenarios["scenario"].unique())
    assert names == ["main", "per_referral", "ratios_of_costs", "hospital_alone", "prices_of_2024"]
    assert np.isfinite(result.scenarios["estimate"]).all()
    assert "Effect and cost by level are not discounted." in result.summary["notes"]


def test_person_time_needs_no_kind_and_a_kind_without_person_time_is_refused_in_words():
    timed = FRAME.assign(years=0.5)
    cost = {**SPEC["cost"], "exposure": "years"}
    said = run(timed, cost=cost).increments.set_index("item")["estimate"]
    plain = run().increments.set_index("item")["estimate"]
    assert said["cost"] == pytest.approx(2 * plain["cost"])
    with pytest.raises(StudyError, match="no amount per person-time"):
        run(timed, cost={**cost, "kind": "measured"})


def test_referrals_below_zero_are_refused():
    programme = {"amount": 5, "per": "referral", "referrals": "referred", "source": "a test"}
    wrong = FRAME.assign(referred=FRAME["referred"] - 1)
    with pytest.raises(DataError, match="referred is below zero in"):
        run(wrong, programme_cost=programme)


def test_a_cost_that_is_the_same_in_every_row_is_refused():
    with pytest.raises(DataError, match="cost: The outcome is the same in every row"):
        run(FRAME.assign(cost=5.0))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"thresholds": {"values": [0], "reason": " "}}, "thresholds, reason: it is blank"),
        ({"perspective": ""}, "perspective: it is blank"),
        ({"cost": {**SPEC["cost"], "unit": ""}}, "cost, unit: it is blank"),
        (
            {"programme_cost": {"amount": 1, "per": "person", "source": " "}},
            "programme_cost, source: it is blank",
        ),
        ({"effect": {**SPEC["effect"], "unit": "QALY", "source": " "}}, "QALYs need `source`"),
        ({"price_year": True}, "price_year: .* 1900"),
        ({"by": ["white", "white"]}, "by: a column stands twice"),
        ({"effect": {**SPEC["effect"], "outcome": "cost"}}, "valued against itself"),
    ],
)
def test_what_is_left_open_or_stands_twice_is_refused(changes, words):
    with pytest.raises(StudyError, match=words):
        validate({**SPEC, **changes}, EconomicsSpec, "spec", {})

"""A small results folder, made from the table contracts, so that the report can be tested without
the other stages.

Everything is invented. Options leave a strand out or change the main estimate.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from evalweave import files
from evalweave.tables.analyses import ESTIMATES
from evalweave.tables.joint import JOINT_DISPLAY, QUOTES
from evalweave.tables.people import BALANCE, BASELINE, DEATHS, INCIDENCE, TRENDS
from evalweave.tables.qualitative import AGREEMENT, THEME_COUNTS, THEMES
from evalweave.tables.records import LEDGER
from helpers.did_panels import costs

POINTS = 0.09148
HOSTILE = 'She said <script>alert("x")</script> & left'
PERIODS = range(2012, 2019)


@dataclass(frozen=True)
class Made:
    """Options of the invented results."""

    estimate: float = -1.2
    low: float = -1.9
    high: float = -0.5
    rising: float = 0.4  # change of the raw mean a period in both arms
    qualitative: bool = True
    claims: bool = True
    truth: bool = True
    synthetic: bool = True
    trends: bool = True
    ledger: bool = True
    baseline: bool = True
    diagnostics: bool = True
    only_main: bool = False
    unit: str = "mmol/mol"
    margin: float | None = 5.5
    methods: tuple[
        tuple[str, float, float], ...
    ] = ()  # further inference methods of the main result
    formats: tuple[str, ...] = ("html",)
    subgroup_absent: bool = False
    disclosure: str = "nhs_england"
    detail: bool = True  # joint_display.json, which older results lack
    people: int = 8046  # in every estimate
    weighted: bool = False  # the primary comparison by entropy balancing
    incidence: bool = False
    few_cases: bool = False  # one arm and period has three new cases
    eligibility: dict[str, Any] = field(
        default_factory=dict
    )  # further keys of the study file's eligibility
    outcome: dict[str, Any] = field(default_factory=dict)  # further keys of the main outcome
    costs: bool = False  # an economic evaluation, of a simulated panel
    economics: dict[str, Any] = field(default_factory=dict)  # other keys of its section


def study_file(folder: Path, made: Made) -> Path:
    """Write the study file and return its path."""
    methods = ["cr2", *(name for name, _, _ in made.methods)]
    analyses: list[dict[str, Any]] = [
        {
            "name": "main",
            "estimator": "twfe",
            "outcome": "hba1c",
            "primary": True,
            "inference": methods,
            "label": "Availability and HbA1c",
        },
    ]
    if not made.only_main:
        analyses += [
            {
                "name": "event_study",
                "estimator": "event_study",
                "outcome": "hba1c",
                "inference": ["cr2"],
                "label": "By year",
            },
            {
                "name": "by_ethnicity",
                "estimator": "twfe",
                "outcome": "hba1c",
                "subgroup": "white",
                "inference": ["cr2"],
                "label": "Ethnicity",
            },
            {"name": "placebo", "estimator": "twfe", "outcome": "sbp", "inference": ["cr2"]},
            {
                "name": "north",
                "estimator": "twfe",
                "outcome": "hba1c",
                "comparison": "north",
                "inference": ["cr2"],
                "label": "North only",
            },
        ]
    study: dict[str, Any] = {
        "study": {
            "name": "invented",
            "title": "An invented study of <b>words</b> & numbers",
            "programme": "the service",
            "synthetic": made.synthetic,
        },
        "extract": {"path": "extract"},
        "practices": "practices.csv",
        "codelists": {
            "hba1c": "hba1c.csv",
            "sbp": "sbp.csv",
            "type_2_diabetes": "t2.csv",
            "type_1_diabetes": "t1.csv",
        },
        "window": {"first": "2012-04-01", "last": "2019-03-31"},
        "eligibility": {
            "index_date": "2015-04-01",
            "conditions": ["type_2_diabetes"],
            **made.eligibility,
        },
        "comparisons": {
            "all": {
                "primary": True,
                "label": "all others",
                **({"balance": "entropy", "balance_on": ["age", "sex"]} if made.weighted else {}),
            },
            "north": {"areas": ["north"]},
        },
        "outcomes": {
            "hba1c": {"label": "HbA1c", "unit": made.unit, "plausible": [20, 195], **made.outcome},
            "sbp": {
                "label": "Blood pressure",
                "unit": "mmHg",
                "plausible": [60, 260],
                "placebo": True,
            },
        },
        "analyses": analyses,
        "disclosure": made.disclosure,
        "report": {
            "formats": list(made.formats),
            "question": "Did it?",
            "margin": made.margin,
            "checklist": {"RECORD 22": "Funded by nobody."},
        },
    }
    if made.costs:
        study |= _costs(made)
        study["codelists"]["stays"] = "stays.csv"
    if not made.only_main:
        study["family"] = ["by_ethnicity"]
    if made.qualitative:
        study["qualitative"] = {
            "project": "p.qdpx",
            "participants": "participants.csv",
            "themes": "themes.csv",
        }
        if made.claims:
            study["claims"] = "claims.csv"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump(study, sort_keys=False, allow_unicode=True))
    return path


def results(folder: Path, made: Made) -> Path:
    """Write the results folder and return it."""
    where = folder / "results"
    _estimates(where, made)
    if made.trends:
        _trends(where, made)
    if made.ledger:
        _ledgers(where)
    if made.baseline:
        files.write_csv(BASELINE.conform(pd.DataFrame(_baseline())), where / "cohort/baseline.csv")
        balance = BALANCE.conform(pd.DataFrame(_balance())) if made.weighted else BALANCE.empty()
        files.write_csv(balance, where / "cohort/balance.csv")
    if made.incidence:
        asked = made.eligibility.get("conditions", True)
        frame = pd.DataFrame(_incidence(made)) if asked else INCIDENCE.empty()
        files.write_csv(INCIDENCE.conform(frame), where / "cohort/incidence.csv")
    if made.qualitative:
        _qualitative(where, made)
    if made.costs:
        _evaluation(where, made)
    if made.truth:
        (folder / "extract").mkdir(exist_ok=True)
        truth = {
            "outcome": "hba1c",
            "outcome_unit": "mmol/mol",
            "weights": "mean",
            "terms": {"att": -1.0931},
            "terms_percentage_points": {"att": -0.1},
            "att_weighted": -1.0931,
            "att_weighted_percentage_points": -0.1,
        }
        (folder / "extract/truth.json").write_text(json.dumps(truth))
    return where


def _costs(made: Made) -> dict[str, Any]:
    """Return the sections of a study file about costs."""
    declared = {
        "effect": {"outcome": "hba1c", "label": "HbA1c", "unit": "mmol/mol", "better": "lower"},
        "cost": {"outcome": "cost", "unit": "GBP", "analysis": {"estimator": "poisson"}},
        "programme_cost": {"amount": 20, "per": "person_period", "source": "the accounts"},
        "thresholds": {"values": [0, 50, 100], "reason": "the commissioner’s"},
        "by": ["white"],
        "scenarios": [{"name": "later_prices", "price_year": 2024, "price_factor": 1.2}],
        "perspective": "a payer",
        "draws": 99,
        **made.economics,
    }
    declared["effect"] = {"analysis": {"estimator": "twfe"}, **declared["effect"]}
    used = {"items": {"stays": {"codelist": "stays"}}, "unit_costs": "u.csv", "price_year": 2019}
    return {"resource_use": used, "economics": declared}


def _evaluation(where: Path, made: Made) -> None:
    """Write an evaluation of a simulated panel as `evalweave value` does."""
    from evalweave.economics.evaluation import evaluate
    from evalweave.study.economics import EconomicsSpec

    said = {k: v for k, v in _costs(made)["economics"].items() if k != "comparison"}
    spec = EconomicsSpec.model_validate({**said, "columns": {}, "price_year": 2019})
    result = evaluate(costs().rename(columns={"y": "hba1c"}), spec, "panel")
    for name, table in result.tables().items():
        files.write_csv(table, where / f"economics/{name}.csv")
    price = {"item": "stays", "unit_cost": "400", "price_year": "2017", "source": "a tariff"}
    summary = {**result.summary, "prices": [{**price, "worth": 416.5}]}
    files.write_json(summary, where / "economics/economics.json")


def _row(
    analysis: str, term: str, estimate: float, low: float, high: float, **more: Any
) -> dict[str, Any]:
    error = (high - low) / 4.2 if math.isfinite(high - low) else math.nan
    return {
        "analysis": analysis,
        "estimator": "twfe",
        "outcome": "hba1c",
        "term": term,
        "estimate": estimate,
        "std_error": error,
        "ci_low": low,
        "ci_high": high,
        "p_value": 0.004 if low > 0 or high < 0 else 0.4,
        "dof": 17.0,
        "level": 0.95,
        "outcome_unit": "mmol/mol",
        "n_obs": 40003,
        "n_patients": 8046,
        "n_practices": 24,
        "n_practices_treated": 13,
        "inference": "cr2",
        "convention": "absorbed",
        "comparison": "all",
        **more,
    }


def _estimates(where: Path, made: Made) -> None:
    rows = [_row("main", "att", made.estimate, made.low, made.high)]
    rows += [
        _row("main", "att", made.estimate, low, high, inference=name)
        for name, low, high in made.methods
    ]
    if not made.only_main:
        rows += [
            _row(
                "event_study",
                f"event[{e}]",
                -0.3 * max(e + 1, 0),
                -0.3 * max(e + 1, 0) - 0.8,
                -0.3 * max(e + 1, 0) + 0.8,
            )
            for e in (-3, -2, 0, 1, 2, 3)
        ]
        if not made.subgroup_absent:
            rows += [
                _row("by_ethnicity", f"att[white={v}]", -1.0 - v, -2.0 - v, 0.1) for v in (0, 1)
            ]
            rows.append(_row("by_ethnicity", "difference[white=1-0]", -1.0, -2.1, 0.1))
        rows.append(_row("placebo", "att", 0.3, -0.9, 1.5, outcome="sbp", outcome_unit="mmHg"))
        rows.append(_row("north", "att", -1.1, -2.3, 0.1, comparison="north"))
    for row in rows:
        row["n_patients"] = made.people
        if row["outcome"] == "hba1c":
            row["outcome_unit"] = made.unit
    if made.unit == "mmol/mol":
        scaled = ("estimate", "std_error", "ci_low", "ci_high")
        rows += [
            row
            | {name: row[name] * POINTS for name in scaled}
            | {"outcome_unit": "percentage points"}
            for row in list(rows)
            if row["outcome"] == "hba1c"
        ]
    files.write_csv(ESTIMATES.conform(pd.DataFrame(rows)), where / "estimates/estimates.csv")
    found: dict[str, Any] = {}
    if made.diagnostics:
        found["main"] = {
            "notes": [
                "10091 rows without hba1c were left out",  # the flow counts these
                "512 treated rows of hba1c cannot be imputed",
                "3 patients moved",
                "24 practices stay",
            ],
            "absent": {},
            "contributing": {
                "programme": {"patients": 4752, "seen_before_and_after": 4003},
                "comparison": {"patients": 3334, "seen_before_and_after": 3},
            },
            "leave_one_out": {
                "att": {"low": -1.4, "high": -1.0, "values": [-1.4, -1.0], "changes_sign": False}
            },
            "placebo_dates": {
                "dates": [{"shift": 1, "estimate": 0.1, "ci_low": -0.9, "ci_high": 1.1}],
                "joint": {"tests": 1, "p_value": 0.84, "size": 0.05, "margin": 0.93},
            },
        }
        found["event_study"] = {
            "pretrend": {
                "slope": {
                    "estimate": 0.02,
                    "ci_low": -0.1,
                    "ci_high": 0.14,
                    "p_value_wild": 0.7,
                    "detectable_80": 0.15,
                },
                "wild_wald": {"p_value": 0.6},
                "verdict": "…",
            }
        }
    if made.subgroup_absent:
        found["by_ethnicity"] = {
            "absent": {"difference[white=1-0]": "fewer than 4 practices per arm in a level"}
        }
    files.write_json(found, where / "estimates/diagnostics.json")
    holm = pd.DataFrame(
        [
            {
                "analysis": "by_ethnicity",
                "term": "difference[white=1-0]",
                "p_value": 0.07,
                "p_holm": 0.07,
            }
        ]
    )
    files.write_csv(holm, where / "estimates/holm.csv")


def _trends(where: Path, made: Made) -> None:
    rows = [
        {
            "comparison": "all",
            "outcome": "hba1c",
            "arm": arm,
            "period": p,
            "period_label": f"{p}/{(p + 1) % 100:02d}",
            "mean": (mean := 58 + (arm == "comparison") + made.rising * (p - 2012)),
            "sd": 15.0,
            "ci_low": mean - 0.9321,
            "ci_high": mean + 0.9321,
            "n_patients": FOLLOWED[arm] - 498 if p > 2012 else 6,
            "n_eligible": FOLLOWED[arm] - _dead_before(p),
            "n_practices": 12,
            "n_past": None if p == 2012 else 6 if p == 2013 else FOLLOWED[arm] - 602,
            "past_mean": 57.25 + 2 * (arm == "programme" and p >= 2015),
            "past_sd": 14.5,
        }
        for arm in FOLLOWED
        for p in PERIODS
    ]
    files.write_csv(TRENDS.conform(pd.DataFrame(rows)), where / "panel/all.trends.csv")
    deaths = [
        {
            **{name: row[name] for name in ("comparison", "arm", "period", "period_label")},
            "n_followed": row["n_eligible"],
            "n_died": _died(row["period"]),
        }
        for row in rows
    ]
    files.write_csv(DEATHS.conform(pd.DataFrame(deaths)), where / "panel/all.died.csv")


FOLLOWED = {"programme": 4001, "comparison": 3301}


def _died(period: int) -> int:
    """Return how many of an arm died in a period: nobody before the index date."""
    return 41 if period >= 2015 else 0


def _dead_before(period: int) -> int:
    return sum(_died(p) for p in range(2012, period))


def _ledgers(where: Path) -> None:
    def lines(
        stage: str,
        unit: str,
        received: int,
        lost: dict[str, int],
        arm: str | None = None,
        outcome: str | None = None,
    ) -> list[dict[str, Any]]:
        same = {"stage": stage, "unit": unit, "arm": arm, "outcome": outcome}
        kept = received - sum(lost.values())
        return [
            {
                **same,
                "entry": "received",
                "order": 0,
                "rule": "",
                "reason": "received",
                "n": received,
            },
            *(
                {
                    **same,
                    "entry": "set_aside",
                    "order": k,
                    "rule": f"rule_{k}",
                    "reason": reason,
                    "n": n,
                }
                for k, (reason, n) in enumerate(lost.items(), start=1)
            ),
            {**same, "entry": "kept", "order": 0, "rule": "", "reason": "kept", "n": kept},
        ]

    def write(rows: list[dict[str, Any]], path: str) -> None:
        files.write_csv(LEDGER.conform(pd.DataFrame(rows)), where / path)

    write(lines("ingest patients", "patients", 10587, {}), "ingest/patients.ledger.csv")
    write(lines("ingest events", "records", 195577, {}), "ingest/events.ledger.csv")
    cleaned = lines(
        "clean",
        "patients",
        10587,
        {"sex missing": 23, "year of birth missing": 4, "conflicting": 41},
    )
    cleaned += lines(
        "clean", "records", 195577, {f"reason {k} of many": 1000 + 7 * k for k in range(9)}
    )
    write(cleaned, "clean/ledger.csv")
    eligible = lines(
        "cohort",
        "patients",
        6000,
        {"too old": 748, "no entry of type_2_diabetes": 500},
        "programme",
    )
    eligible += lines(
        "cohort",
        "patients",
        4519,
        {"too old": 685, "no entry of type_2_diabetes": 500},
        "comparison",
    )
    write(eligible, "cohort/ledger.csv")
    panel = [
        line
        for outcome, less in (("hba1c", 0), ("sbp", 1002))
        for arm, people, practices in (("programme", 4752, 13), ("comparison", 3334, 11))
        for unit, n, lost in (
            ("patients", people, {"no measurement": 4 + less // 10}),
            ("practices", practices, {"no measurement": less // 1000}),
            (
                "person-periods",
                7 * people,
                {"after the end of follow-up": 3001, "not measured": 2002 + less},
            ),
            ("records", 9 * people, {"after the end of follow-up": 6 + less}),
        )
        for line in lines("panel", unit, n, lost, arm, outcome)
    ]
    write(panel, "panel/all.ledger.csv")


def _baseline() -> list[dict[str, Any]]:
    both = {"comparison": "all", "programme_n": 4752, "comparison_n": 3334}
    return [
        {
            "comparison": "all",
            "variable": "patients",
            "category": "",
            "statistic": "n",
            "programme": 4752,
            "comparison_value": 3334,
        },
        {
            "comparison": "all",
            "variable": "practices",
            "category": "",
            "statistic": "n",
            "programme": 13,
            "comparison_value": 11,
        },
        {
            **both,
            "variable": "age",
            "statistic": "mean_sd",
            "programme": 59.2,
            "programme_sd": 8.7,
            "comparison_value": 57.9,
            "comparison_sd": 8.6,
            "smd": 0.153,
        },
        {
            **both,
            "variable": "sex",
            "category": "female",
            "statistic": "n",
            "programme": 2049,
            "comparison_value": 1428,
            "smd": 0.006,
        },
        {
            **both,
            "variable": "sex",
            "category": "male",
            "statistic": "n",
            "programme": 2703,
            "comparison_value": 1906,
            "smd": -0.006,
        },
        {
            **both,
            "variable": "ethnicity",
            "category": "Rare",
            "statistic": "n",
            "programme": 4,
            "comparison_value": 31,
            "smd": 0.0,
        },
    ]


def _incidence(made: Made) -> list[dict[str, Any]]:
    """New cases of the invented study; in an open cohort some people enter in every period."""
    later = made.eligibility.get("cohort") == "open"
    rows = []
    for arm, more, eligible, newly in (("comparison", 0, 3334, 190), ("programme", 341, 4752, 276)):
        for n, period in enumerate(PERIODS):
            first = period == 2015
            rows.append(
                {
                    "arm": arm,
                    "period": period,
                    "period_label": f"{period}/{(period + 1) % 100:02d}",
                    "n_at_risk": 881 - 53 * n + more,
                    "n_incident": 3
                    if made.few_cases and period == 2014 and not more
                    else 189 - 11 * n,
                    "n_entered": eligible if first else 51 + n if later else 0,
                    "n_entered_incident": newly if first else 20 + n if later else 0,
                }
            )
    return rows


def _balance() -> list[dict[str, Any]]:
    """Balanced on age and sex; the rare group rests on four people."""
    smds = (
        ("age", "", 0.153, 0.0),
        ("sex", "female", 0.006, 0.0),
        ("sex", "male", -0.006, 0.0),
        ("ethnicity", "Rare", 1.7231, -1.6417),
    )
    return [
        {
            "comparison": "all",
            "variable": variable,
            "category": category,
            "balanced": variable != "ethnicity",
            "smd_before": before,
            "smd_after": after,
            "effective_comparison_n": 2871,
        }
        for variable, category, before, after in smds
    ]


def _qualitative(where: Path, made: Made) -> None:
    counts = [
        {
            "theme_id": "fit",
            "role": "client",
            "n_participants": 9,
            "n_eligible": 12,
            "n_references": 20,
            "n_sources": 9,
        },
        {
            "theme_id": "fit",
            "role": "client",
            "attribute": "gender",
            "attribute_level": "female",
            "n_participants": 2,
            "n_eligible": 6,
            "n_references": 3,
            "n_sources": 2,
        },
        {
            "theme_id": "fit",
            "role": "client",
            "attribute": "gender",
            "attribute_level": "male",
            "n_participants": 7,
            "n_eligible": 6,
            "n_references": 17,
            "n_sources": 7,
        },
        *(
            {
                "theme_id": "fit",
                "role": "client",
                "attribute": "ethnicity",
                "attribute_level": level,
                "n_participants": k,
                "n_eligible": n,
                "n_references": k,
                "n_sources": k,
            }
            for level, k, n in (
                ("White British", 4, 7),
                ("South Asian", 2, 2),
                ("Black African", 3, 3),
            )
        ),
        {"theme_id": "fit", "role": "observation", "n_references": 7, "n_sources": 5},
        {
            "theme_id": "fit",
            "code_id": "fit > good",
            "role": "client",
            "n_participants": 5,
            "n_eligible": 12,
            "n_references": 8,
            "n_sources": 5,
        },
    ]
    files.write_csv(THEME_COUNTS.conform(pd.DataFrame(counts)), where / "count/theme_counts.csv")
    themes = [{"theme_id": "fit", "label": "Good fit <for some>", "definition": "Whom it suits"}]
    files.write_csv(THEMES.conform(pd.DataFrame(themes)), where / "code/themes.csv")
    fieldwork = [
        {
            "role": "client",
            "kind": "interview",
            "phase": "opening",
            "n_sources": 12,
            "n_participants": 12,
        },
        {
            "role": None,
            "kind": "field_note",
            "phase": "main",
            "n_sources": 10,
            "n_participants": None,
        },
    ]
    files.write_csv(pd.DataFrame(fieldwork), where / "count/fieldwork.csv")
    agreed = [
        {
            "measure": "cohen_kappa",
            "agreement_unit": "segment",
            "coefficient": None,
            "n_units": 3,
            "note": "nothing varies",
        }
    ]
    files.write_csv(AGREEMENT.conform(pd.DataFrame(agreed)), where / "count/agreement.csv")
    if not made.claims:
        return
    joint = [
        {
            "claim_id": "small",
            "theme_id": "fit",
            "theme_label": "Good fit <for some>",
            "proposition": "It helps some & not others",
            "role": "client",
            "relation": "converges",
            "analysis": "main",
            "term": "att",
            "outcome_unit": "mmol/mol",
            "expected_sign": "negative",
            "margin": 0.5,
            "estimate": -1.2,
            "std_error": 0.33,
            "dof": 17.0,
            "ci_low": -1.9,
            "ci_high": -0.5,
            "inference": "cr2",
            "quantitative_state": "D",
            "quantitative_detail": "negative",
            "n_eligible": 12,
            "n_raised": 9,
            "n_supports": 7,
            "n_contradicts": 1,
            "qualitative_state": "S",
            "negative_case": True,
            "label": "agreement",
            "label_stability": 0.71,
            "post_hoc": True,
            "rule_version": "1.0",
            "analyst_label": "agreement",
            "analyst_initials": "AB",
            "analyst_reason": "seen in the field, and told by two clients",
            "meta_inference": "2 clients, and one link worker, saw it <so>",
        },
        {
            "claim_id": "none",
            "theme_id": "fit",
            "proposition": "Nobody was asked",
            "role": "client",
            "relation": "complements",
            "analysis": "gone",
            "term": "att",
            "outcome_unit": "mmol/mol",
            "expected_sign": "none",
            "margin": 0.0,
            "quantitative_state": "X",
            "n_eligible": 0,
            "n_raised": 0,
            "n_supports": 0,
            "n_contradicts": 0,
            "qualitative_state": "U",
            "negative_case": False,
            "post_hoc": False,
            "rule_version": "1.0",
        },
    ]
    files.write_csv(JOINT_DISPLAY.conform(pd.DataFrame(joint)), where / "join/joint_display.csv")
    quotes = [
        {
            "claim_id": "small",
            "theme_id": "fit",
            "stance": "supports",
            "quote": HOSTILE,
            "code_path": "fit > good",
            "speaker": "client, woman",
            "participant_id": "C01",
            "segment_id": "C01:0-10",
        }
    ]
    files.write_csv(QUOTES.conform(pd.DataFrame(quotes)), where / "join/quotes.csv")
    if made.detail:
        files.write_json(_detail(), where / "join/joint_display.json")


def _detail() -> dict[str, Any]:
    """What the join stage says beside its tables; its counts are exact."""
    line = {"role": "client", "theme_id": "fit", "estimate": -2.0, "ci_low": -3.0, "ci_high": 0.1}
    return {
        "theme_by_subgroup": [
            {
                "analysis": "by_ethnicity",
                "subgroup": "white",
                "attribute": "ethnicity",
                "match": "approximate",
                "reason": "as coded & as said",
                "lines": [
                    line
                    | {
                        "level": "0",
                        "attribute_levels": ["Black African", "South Asian"],
                        "n_participants": 5,
                        "n_eligible": 5,
                        "term": "att[white=0]",
                    },
                    line
                    | {
                        "level": "1",
                        "attribute_levels": ["White British"],
                        "n_participants": 4,
                        "n_eligible": 7,
                        "term": "att[white=1]",
                    },
                ],
            },
            {
                "analysis": "main",
                "subgroup": "imd_quintile",
                "attribute": "",
                "match": "none",
                "reason": "no <b>attribute</b> says it",
                "lines": [],
            },
        ],
        "threads": [
            {
                "theme_id": "fit",
                "label": "Good fit <for some>",
                "definition": "Whom it <u>suits</u>",
                "codes": ["fit > good", "fit > <i>bad</i>"],
            }
        ],
    }

"""The join stage on a small made-up study: who counts for whom, and what is written and printed."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

from evalweave.cli import app
from evalweave.files import read_table, write_csv
from evalweave.report.claimed import numbers
from evalweave.report.sections.together import _expectation
from evalweave.study.analyses import Analysis
from evalweave.study.outcomes import Outcome
from evalweave.tables.analyses import ESTIMATES
from evalweave.tables.contract import Table
from evalweave.tables.joint import JOINT_DISPLAY, QUOTES
from evalweave.tables.qualitative import (
    CODES,
    CODINGS,
    DOUBLE_CODING,
    ELIGIBILITY,
    IMPORT_LOG,
    PARTICIPANTS,
    SEGMENTS,
    SOURCE_PARTICIPANTS,
    SOURCES,
    STANCES,
    THEME_CODES,
    THEME_COUNTS,
    THEMES,
)

CLIENTS = [f"C{n:02d}" for n in range(1, 13)]
WORKERS = ["LW01", "LW02", "LW03"]
SETTINGS = {
    "qualitative": {
        "project": "p.qdpx",
        "participants": "p.csv",
        "themes": "t.csv",
        "attributes": ["gender", "age_band"],
    },
    "claims": "claims.csv",
    "analyses": [
        {"name": "main", "estimator": "twfe", "outcome": "hba1c", "inference": ["cr2", "cr1"]},
        {
            "name": "gap",
            "estimator": "twfe",
            "outcome": "hba1c",
            "subgroup": "white",
            "inference": ["cr2"],
        },
    ],
    "outcomes": {"hba1c": {"unit": "mmol/mol", "plausible": [20, 195]}},
    "estimates_first_seen": "2019-01-01",
}


def rows(table: Table, **columns: Any) -> pd.DataFrame:
    return table.conform(pd.DataFrame(columns))


def estimate(
    analysis: str, term: str, inference: str, unit: str, values: tuple[float, ...]
) -> dict[str, Any]:
    point, low, high, error, dof = values
    return {
        "analysis": analysis,
        "estimator": "twfe",
        "outcome": "hba1c",
        "term": term,
        "estimate": point,
        "ci_low": low,
        "ci_high": high,
        "std_error": error,
        "dof": dof,
        "level": 0.95,
        "outcome_unit": unit,
        "inference": inference,
    }


def the_estimates(scale: float = 0.09148) -> pd.DataFrame:
    listed = []
    for unit, per in (("mmol/mol", 1.0), ("percentage points", scale)):
        for inference, half in (("cr1", 0.1), ("cr2", 0.7)):
            values = tuple(per * v for v in (-1.1, -1.1 - half, -1.1 + half, half / 2.1))
            listed.append(estimate("main", "att", inference, unit, (*values, 20.0)))
        values = tuple(per * v for v in (-0.9, -2.4, 0.6, 0.7))
        listed.append(estimate("gap", "difference[white=1-0]", "cr2", unit, (*values, 12.0)))
        listed.append(estimate("gap", "att[white=1]", "cr2", unit, (*values, 12.0)))
    return ESTIMATES.conform(pd.DataFrame(listed))


def the_strand() -> dict[str, pd.DataFrame]:
    """Twelve clients and three link workers with an interview each; two coders, of whom B read four
    clients'."""
    people = CLIENTS + WORKERS
    source = {person: f"interview {person}" for person in people}
    notes = "shadowing C01"
    segments = [
        (f"{source[p]}:0-60", source[p], 0, 60, f"Words number {n} about help, at some length.")
        for n, p in enumerate(people)
    ]
    segments.append((f"{notes}:0-40", notes, 0, 40, "He was turned away at the desk, I saw."))
    ids = {person: f"{source[person]}:0-60" for person in people}
    said = [(ids[p], "A", "supports") for p in CLIENTS[:8]] + [
        (ids[p], "B", "supports") for p in CLIENTS[:3]
    ]
    said += [
        (ids["C09"], "A", "contradicts"),
        (ids["C12"], "A", "contradicts"),
    ]  # C12 was not asked
    said += [(ids["LW01"], "A", "contradicts"), (f"{notes}:0-40", "A", "contradicts")]
    coded = [(segment, "help > practical", "A") for segment, *_ in segments]
    coded += [(ids[p], "help > practical", "B") for p in CLIENTS[:4]]
    eligible = [True] * 11 + [False] + [True] * 3
    return {
        "participants": rows(
            PARTICIPANTS,
            participant_id=people,
            role=["client"] * 12 + ["link_worker"] * 3,
            gender=["female", "male"] * 6 + ["female"] * 3,
            age_band=["60-64"] * 15,
            consent_quote=[True] * 14 + [False],
        ),
        "sources": rows(
            SOURCES,
            source_id=[*source.values(), notes],
            name=[*source.values(), notes],
            kind=["initial_interview"] * 15 + ["field_note"],
        ),
        "source_participants": rows(
            SOURCE_PARTICIPANTS,
            source_id=[*source.values(), notes],
            participant_id=[*people, "C01"],
            basis=["map"] * 16,
        ),
        "eligibility": rows(
            ELIGIBILITY, participant_id=people, theme_id=["fit"] * 15, eligible=eligible
        ),
        "codes": rows(
            CODES,
            code_id=["help", "help > practical"],
            path=["help", "help > practical"],
            parent=[None, "help"],
            depth=[0, 1],
        ),
        "themes": rows(
            THEMES, theme_id=["fit"], label=["Good fit for some"], definition=["who is helped"]
        ),
        "theme_codes": rows(THEME_CODES, theme_id=["fit"], code_id=["help"], descendants=[True]),
        "segments": rows(
            SEGMENTS,
            **dict(
                zip(
                    ("segment_id", "source_id", "start", "end", "quote"),
                    zip(*segments, strict=True),
                    strict=True,
                )
            ),
            offset_check=["ok"] * 16,
        ),
        "codings": rows(
            CODINGS,
            **dict(
                zip(("segment_id", "code_id", "coder_id"), zip(*coded, strict=True), strict=True)
            ),
        ),
        "stances": rows(
            STANCES,
            claim_id=["helped"] * len(said),
            **dict(zip(("segment_id", "coder_id", "stance"), zip(*said, strict=True), strict=True)),
        ),
        "import_log": IMPORT_LOG.empty(),
        "double_coding": DOUBLE_CODING.empty(),
        "theme_counts": rows(
            THEME_COUNTS,
            theme_id=["fit", "fit"],
            role=["client", "link_worker"],
            n_participants=[11, 3],
            n_eligible=[11, 3],
            n_references=[15, 3],
            n_sources=[11, 3],
        ),
    }


CLAIM = {
    "claim_id": "helped",
    "theme_id": "fit",
    "proposition": "People are helped",
    "role": "client",
    "relation": "converges",
    "analysis": "main",
    "term": "att",
    "outcome_unit": "percentage points",
    "expected_sign": "negative",
    "margin": 0.02,
    "declared_on": "2018-11-30",
}


def world(
    folder: Path, *claims: dict[str, Any], strand: dict[str, pd.DataFrame] | None = None
) -> Path:
    for name, frame in (strand or the_strand()).items():
        write_csv(frame, folder / ("count" if name == "theme_counts" else "code") / f"{name}.csv")
    write_csv(the_estimates(), folder / "estimates.csv")
    write_csv(pd.DataFrame(claims), folder / "claims.csv")
    return folder


def run_join(folder: Path) -> Any:
    settings = SETTINGS | {"claims": str(folder / "claims.csv")}
    return CliRunner().invoke(
        app,
        [
            "join",
            "--settings",
            json.dumps(settings),
            "--estimates",
            str(folder / "estimates.csv"),
            "--coded",
            str(folder / "code"),
            "--counts",
            str(folder / "count"),
            "--out",
            str(folder / "join"),
        ],
    )


def joined(
    folder: Path, *claims: dict[str, Any], strand: dict[str, pd.DataFrame] | None = None
) -> pd.DataFrame:
    done = run_join(world(folder, *claims, strand=strand))
    assert done.exit_code == 0, done.output or done.exception
    return read_table(folder / "join" / "joint_display.csv", JOINT_DISPLAY)


def test_one_claim(tmp_path: Path) -> None:
    (row,) = joined(tmp_path, CLAIM).to_dict("records")
    assert (row["estimate"], row["inference"]) == (
        -1.1 * 0.09148,
        "cr2",
    )  # the first method, in the margin's unit
    assert (row["quantitative_state"], row["qualitative_state"], row["label"]) == (
        "D",
        "S",
        "agreement",
    )
    assert (row["n_eligible"], row["n_raised"], row["n_supports"], row["n_contradicts"]) == (
        11,
        11,
        8,
        1,
    )
    assert row["negative_case"] is True
    assert row["theme_label"] == "Good fit for some"
    assert 0 < row["label_stability"] < 1
    assert row["post_hoc"] is False


def test_who_counts(tmp_path: Path) -> None:
    joined(tmp_path, CLAIM)
    detail = json.loads((tmp_path / "join" / "joint_display.json").read_text())
    qualitative = detail["claims"]["helped"]["qualitative"]
    assert qualitative["n_outside"] == 2  # C12 was not asked, LW01 is of another role
    assert qualitative["n_observations_contradicting"] == 1  # never a person
    choices = qualitative["by_coder_choice"]
    assert set(choices) == {"union", "A", "B", "intersection"}
    assert (choices["B"]["n_eligible"], choices["B"]["n_supports"]) == (
        4,
        3,
    )  # of those whom B read
    assert choices["intersection"]["n_supports"] == 7  # C04: A says so, B read it and does not
    assert len(detail["notes"]) == 2
    assert detail["rule"]["rows"]["S"][0] == "agreement"


def test_label_and_stability_by_relation(tmp_path: Path) -> None:
    claims = (CLAIM, CLAIM | {"claim_id": "both", "relation": "complements"})
    table = joined(tmp_path, *claims).set_index("claim_id")
    assert table.loc["both", "label"] is pd.NA
    assert pd.isna(table.loc["both", "label_stability"])
    assert table.loc["both", "qualitative_state"] == "A"  # no stance on this one
    detail = json.loads((tmp_path / "join" / "joint_display.json").read_text())
    matrix = {line["label"]: line["claims"] for line in detail["convergence_matrix"]}
    assert matrix["agreement"] == ["helped"]
    assert matrix["complements (no label)"] == ["both"]
    assert matrix["dissonance"] == []


@pytest.mark.parametrize(
    ("change", "states", "label"),
    [
        ({"margin": 0.5}, ("E", "S"), "dissonance on size"),
        ({"margin": 0.5, "expected_sign": "none"}, ("E", "S"), "agreement"),
        ({"margin": 0.05}, ("D", "S"), "partial"),
        ({"outcome_unit": "mmol/mol", "margin": 0.2}, ("D", "S"), "agreement"),
        ({"expected_sign": "positive"}, ("D", "S"), "dissonance"),
        (
            {"analysis": "gap", "term": "difference[white=1-0]"},
            ("I", "S"),
            "not comparable: imprecise",
        ),
        ({"role": "link_worker"}, ("D", "C"), "dissonance"),
    ],
)
def test_states_and_labels(
    tmp_path: Path, change: dict[str, Any], states: tuple[str, str], label: str
) -> None:
    (row,) = joined(tmp_path, CLAIM | change).to_dict("records")
    assert (row["quantitative_state"], row["qualitative_state"]) == states
    assert row["label"] == label


def test_a_term_without_an_estimate_says_why(tmp_path: Path) -> None:
    world(tmp_path, CLAIM | {"analysis": "gap", "term": "att[white=0]"})
    reason = "no practice has both groups"
    (tmp_path / "diagnostics.json").write_text(
        json.dumps({"gap": {"absent": {"att[white=0]": reason}}})
    )
    assert run_join(tmp_path).exit_code == 0
    (row,) = read_table(tmp_path / "join" / "joint_display.csv", JOINT_DISPLAY).to_dict("records")
    assert (row["quantitative_state"], row["label"]) == ("X", "silence (quantitative)")
    assert row["quantitative_detail"] == f"no estimate: {reason}"


def test_the_order_of_rows_changes_nothing(tmp_path: Path) -> None:
    joined(tmp_path / "a", CLAIM)
    turned = {name: frame.iloc[::-1].reset_index(drop=True) for name, frame in the_strand().items()}
    joined(tmp_path / "b", CLAIM, strand=turned)
    for name in ("joint_display.csv", "quotes.csv", "joint_display.json"):
        assert (tmp_path / "a/join" / name).read_bytes() == (
            tmp_path / "b/join" / name
        ).read_bytes()


def test_the_human_reading_stands_beside_and_never_over(tmp_path: Path) -> None:
    human = {
        "analyst_label": "agreement",
        "analyst_initials": "AB",
        "analyst_date": "2026-11-20",
        "analyst_reason": "so",
    }
    (row,) = joined(tmp_path, CLAIM | human | {"expected_sign": "positive"}).to_dict("records")
    assert (row["label"], row["analyst_label"], row["analyst_initials"]) == (
        "dissonance",
        "agreement",
        "AB",
    )


def test_post_hoc_is_marked_and_printed(tmp_path: Path) -> None:
    done = run_join(world(tmp_path, CLAIM | {"declared_on": "2020-01-01"}))
    assert "[post hoc]" in done.output
    assert read_table(tmp_path / "join/joint_display.csv", JOINT_DISPLAY)["post_hoc"].all()


def test_what_is_printed_counts_nobody(tmp_path: Path) -> None:
    printed = run_join(world(tmp_path, CLAIM)).output
    assert "helped  S (negative case)  D" in printed
    assert "1 claim joined, 3 quotations beside." in printed
    assert not any(person in printed for person in CLIENTS + WORKERS)


def test_quotes_show_both_sides_with_path_and_consent(tmp_path: Path) -> None:
    joined(tmp_path, CLAIM)
    quotes = read_table(tmp_path / "join" / "quotes.csv", QUOTES)
    of_claim = quotes[quotes["claim_id"] == "helped"]
    assert list(of_claim["stance"]) == ["supports", "supports", "contradicts"]
    assert set(of_claim["code_path"]) == {"help > practical"}
    assert set(of_claim["speaker"]) <= {"client, woman, 60–64", "client, man, 60–64"}
    assert "LW03" not in set(quotes["participant_id"])  # did not consent


def test_the_thread_runs_from_quote_to_estimate(tmp_path: Path) -> None:
    joined(tmp_path, CLAIM)
    (thread,) = json.loads((tmp_path / "join" / "joint_display.json").read_text())["threads"]
    assert thread["codes"] == ["help", "help > practical"]
    assert {
        line["role"]: (line["n_participants"], line["n_eligible"]) for line in thread["counts"]
    } == {"client": (11, 11), "link_worker": (3, 3)}
    assert thread["claims"][0]["label"] == "agreement"
    assert "participant_id" not in thread["quotes"][0]


def test_a_formula_in_a_quotation_is_no_formula(tmp_path: Path) -> None:
    strand = the_strand()
    strand["segments"]["quote"] = '=HYPERLINK("x") and <b>so</b> on and on and on, at some length.'
    joined(tmp_path, CLAIM, strand=strand)
    quotes = read_table(tmp_path / "join" / "quotes.csv", QUOTES)["quote"]
    assert quotes.str.startswith("'=").all()
    assert quotes.str.contains("<b>").all()  # escaped by the report, not here


def test_a_stance_on_an_undeclared_claim_is_said(tmp_path: Path) -> None:
    strand = the_strand()
    strand["stances"].loc[0, "claim_id"] = "helpd"
    done = run_join(world(tmp_path, CLAIM, strand=strand))
    assert (
        'stances on "helpd", which is not among the claims: they count nowhere. Did you mean '
        '"helped"?' in done.output
    )


def test_missing_stages_are_named_all_at_once(tmp_path: Path) -> None:
    world(tmp_path, CLAIM)
    (tmp_path / "estimates.csv").unlink()
    (tmp_path / "code" / "segments.csv").unlink()
    done = run_join(tmp_path)
    assert done.exit_code == 1
    assert "Run `evalweave estimates` first." in str(done.exception)
    assert "Run `evalweave code` first." in str(done.exception)


def test_a_project_without_texts_can_still_be_joined(tmp_path: Path) -> None:
    strand = the_strand()
    for name in ("sources", "source_participants", "segments", "codings", "stances"):
        strand[name] = strand[name].iloc[:0]
    (row,) = joined(tmp_path, CLAIM, strand=strand).to_dict("records")
    assert (row["qualitative_state"], row["label"]) == ("A", "silence (qualitative)")
    assert read_table(tmp_path / "join" / "quotes.csv", QUOTES).empty


def test_nobody_asked(tmp_path: Path) -> None:
    strand = the_strand()
    strand["eligibility"]["eligible"] = False
    (row,) = joined(tmp_path, CLAIM, strand=strand).to_dict("records")
    assert (row["n_eligible"], row["qualitative_state"], row["label"]) == (
        0,
        "U",
        "silence (qualitative)",
    )


def test_a_claim_about_costs_is_joined_and_reads_as_money(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Declared of what care costs; lower is better; the label is the rule's, and it says pounds."""
    unit = "GBP per person-year"
    spend = {"kind": "cost", "unit": unit, "better": "lower"}
    use = {"name": "use", "estimator": "poisson", "outcome": "spend", "inference": ["jackknife"]}
    monkeypatch.setitem(SETTINGS, "outcomes", {**SETTINGS["outcomes"], "spend": spend})  # type: ignore[dict-item]
    monkeypatch.setitem(SETTINGS, "analyses", [*SETTINGS["analyses"], use])
    claim = {**CLAIM, "analysis": "use", "outcome_unit": unit, "margin": 5}
    folder = world(tmp_path, claim | {"expected_change": "better"})
    costs = estimate("use", "att", "jackknife", unit, (-25.3, -41.0, -9.6, 7.5, 23.0))
    both = [the_estimates(), ESTIMATES.conform(pd.DataFrame([costs | {"outcome": "spend"}]))]
    write_csv(pd.concat(both, ignore_index=True), folder / "estimates.csv")
    done = run_join(folder)
    assert done.exit_code == 0, done.output or done.exception
    (row,) = read_table(folder / "join" / "joint_display.csv", JOINT_DISPLAY).to_dict("records")
    assert (row["quantitative_state"], row["label"]) == ("D", "agreement")
    assert row["quantitative_detail"] == f"negative, wholly beyond 5 {unit}"
    said = numbers(row).replace("⁠", "").replace(" ", " ")
    assert said == "−£25.30 (95 % CI −£41.00 to −£9.60) per person-year"
    declared = [Analysis.model_validate(use)]
    study = SimpleNamespace(analyses=declared, outcomes={"spend": Outcome.model_validate(spend)})
    assert _expectation(SimpleNamespace(study=study), row).startswith(  # type: ignore[arg-type]
        "Expects a negative difference, that is, a lower cost; lower is better; matters from 5.00"
    )
    worse = claim | {"expected_sign": "positive", "expected_change": "better"}
    write_csv(pd.DataFrame([worse]), folder / "claims.csv")
    assert '"negative", since lower is better' in str(run_join(folder).exception)

"""The puzzle of the published study in the demonstration's own joint display: simulated voices,
declared claims.

The estimates are put in by hand, with the directions that are published and planted, once with
narrow and once with wide intervals: dissonance on deprivation and drift, agreement on conditions, a
complementary mean; or "imprecise".
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from evalweave.catalogue.calls import primary_methods
from evalweave.files import read_table, write_csv
from evalweave.qualitative.counts import theme_counts
from evalweave.qualitative.readers import load
from evalweave.simulation.written import written_project
from evalweave.study.file import load_settings, load_study
from evalweave.study.stages import SimulateSettings
from evalweave.study.whole import Study
from evalweave.tables.analyses import ESTIMATES
from evalweave.triangulation.claims import Known, read_claims
from evalweave.triangulation.estimands import known_terms, known_units
from evalweave.triangulation.strands import Strands, Together, join

CONFIG = Path(__file__).parents[2] / "config" / "config.yaml"
# analysis, term, percentage points: greater effect in deprived areas, growing effect, greater with
# fewer conditions
PLANTED = (
    ("by_deprivation", "difference[imd_quintile=5-1]", 0.103),
    ("event_study", "trend", -0.036),
    ("by_conditions", "difference[fewer_conditions=1-0]", -0.056),
    ("main", "att", -0.10),
)


@pytest.fixture(scope="module")
def strand(tmp_path_factory: pytest.TempPathFactory) -> tuple[Study, Strands]:
    folder = tmp_path_factory.mktemp("project")
    study = load_study(CONFIG)
    assert study.qualitative is not None
    themes = read_table(study.qualitative.themes)
    project, people, sources = written_project(
        load_settings(str(CONFIG), SimulateSettings), themes, "test"
    )
    (folder / "project.qdpx").write_bytes(project)
    write_csv(people, folder / "participants.csv")
    write_csv(sources, folder / "sources.csv")
    moved = {
        name: str(folder / file)
        for name, file in (
            ("project", "project.qdpx"),
            ("participants", "participants.csv"),
            ("sources", "sources.csv"),
        )
    }
    settings = study.qualitative.model_copy(update=moved)
    coded = load(folder / "project.qdpx", settings)
    counts = theme_counts(coded, settings.attributes)
    return study.model_copy(update={"qualitative": settings}), Strands(
        ESTIMATES.empty(), {}, coded, counts
    )


def estimates(study: Study, half: float) -> pd.DataFrame:
    primary = {a.name: primary_methods(a.estimator, a.inference)[0] for a in study.analyses}
    rows = [
        {
            "analysis": analysis,
            "estimator": "twfe",
            "outcome": "hba1c",
            "term": term,
            "estimate": point,
            "ci_low": point - half,
            "ci_high": point + half,
            "std_error": half / 2.1,
            "dof": 20.0,
            "level": 0.95,
            "outcome_unit": "percentage points",
            "inference": primary[analysis],
        }
        for analysis, term, point in PLANTED
    ]
    return ESTIMATES.conform(pd.DataFrame(rows))


def displayed(strand: tuple[Study, Strands], half: float) -> Together:
    study, parts = strand
    found = estimates(study, half)
    known = Known(
        {a.name: a for a in study.analyses},
        study.outcomes,
        list(parts.project.themes["theme_id"]),
        sorted(parts.project.participants["role"].unique()),
        known_terms(found, {}),
        known_units(found),
        study.estimates_first_seen,
    )
    claims = read_claims(str(study.claims), known)
    assert study.qualitative is not None
    joined = Strands(found, {}, parts.project, parts.theme_counts)
    return join(claims, joined, study.analyses, study.qualitative)


def labels(together: Together) -> dict[str, str]:
    table = together.joint_display
    return dict(zip(table["claim_id"], table["label"].fillna("complements"), strict=True))


def test_the_puzzle_when_effects_are_estimated_precisely(strand: tuple[Study, Strands]) -> None:
    assert labels(displayed(strand, 0.004)) == {
        "deprivation": "dissonance",
        "drift": "dissonance",
        "conditions": "agreement",
        "mean_effect": "complements",
    }


def test_imprecise_estimates_are_called_imprecise(strand: tuple[Study, Strands]) -> None:
    assert labels(displayed(strand, 0.15)) == {
        "deprivation": "not comparable: imprecise",
        "drift": "not comparable: imprecise",
        "conditions": "not comparable: imprecise",
        "mean_effect": "complements",
    }


def test_what_is_joined_is_complete(strand: tuple[Study, Strands]) -> None:
    together = displayed(strand, 0.004)
    assert not together.joint_display["post_hoc"].any()
    assert together.joint_display["negative_case"].sum() == 3
    sides = set(
        zip(
            together.quotes["claim_id"].fillna(""),
            together.quotes["stance"].fillna(""),
            strict=True,
        )
    )
    for claim in together.joint_display["claim_id"]:
        assert {(claim, "supports"), (claim, "contradicts")} <= sides
    assert together.quotes["code_path"].str.contains(" > ").all()
    people = together.quotes.set_index("participant_id")["speaker"]
    assert (people.groupby(level=0).nunique() == 1).all()
    assert {thread["theme_id"] for thread in together.detail["threads"]} == set(
        together.joint_display["theme_id"]
    ) | {"identity_and_place"}

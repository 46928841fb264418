"""What the declarations of methods refuse, and what holds where nothing is asked for."""

from __future__ import annotations

import pytest

from evalweave.catalogue import calls
from evalweave.study.analyses import AnalysisOptions, Columns, FitSpec
from evalweave.study.refusals import of_spec


def analysis(estimator: str, **options: object) -> AnalysisOptions:
    return AnalysisOptions.model_validate({"name": "a", "estimator": estimator, **options})


def test_defaults_are_the_published_ones() -> None:
    plain = analysis("callaway_santanna")
    assert plain.inference == ["auto"]  # what suits the estimator
    assert (plain.method, plain.control, plain.base) == ("dr", "never_treated", "varying")
    assert plain.partial is False
    assert plain.level == 0.95


@pytest.mark.parametrize(
    ("estimator", "options", "words"),
    [
        ("event_study", {"bins": [-1, 2]}, "must lie around the reference -1"),
        ("event_study", {"bins": [-3, -1]}, "must lie around the reference -1"),
        ("event_study", {"bins": [-2, 2]}, ""),
        ("twfe", {"engine": "linearmodels", "inference": ["cr2"]}, "cr2 is not available"),
        ("twfe", {"engine": "linearmodels", "inference": ["cr0", "cr1"]}, ""),
        ("twfe", {"engine": "linearmodels", "subgroup": "s"}, "takes no subgroup"),
    ],
)
def test_what_an_estimator_refuses_of_its_options(
    estimator: str, options: dict[str, object], words: str
) -> None:
    refusals = calls.refusals(analysis(estimator, **options))
    assert words in " ".join(refusals) if words else refusals == []


def test_what_applies_instead_is_clustered() -> None:
    [sentence] = calls.refusals(analysis("callaway_santanna", inference=["cr3"]))
    instead = sentence.rpartition(";")[2]
    assert "jackknife" in instead and instead.endswith(" apply.")
    assert "unit" not in instead and "cr2" not in instead


def test_what_rests_on_how_practices_were_allocated() -> None:
    both = analysis("dose", inference=["randomisation"])
    assert list(calls.resting_on_allocation(both)) == [
        "estimator: dose",
        "inference: randomisation, which permutes practices",
    ]
    assert calls.resting_on_allocation(analysis("twfe")) == {}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"covariates": ["y"]}, '"y" is the outcome and cannot be a covariate too'),
        ({"covariates": ["weight"]}, ""),
        ({"subgroup": "weight"}, '"weight" is the weight and cannot be a subgroup too'),
    ],
)
def test_a_column_has_one_role_but_a_weight_may_adjust(
    options: dict[str, object], words: str
) -> None:
    columns = Columns(outcome="y", weight="weight")
    refusals = of_spec(FitSpec(columns=columns, analyses=[analysis("twfe", **options)]))
    assert words in " ".join(refusals) if words else refusals == []

"""What can be known to be wrong with analyses before anything is computed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from evalweave.catalogue import calls
from evalweave.errors import StudyError, nearest
from evalweave.study.analyses import AnalysisOptions, Columns, FitSpec
from evalweave.study.outcomes import BASELINE_OF
from evalweave.study.stages import spec_of
from evalweave.study.whole import Study


def check_spec(spec: FitSpec) -> None:
    """Raise `StudyError` with a sentence for everything that `fit` refuses of a SPEC."""
    wrong = of_spec(spec)
    if wrong:
        raise StudyError("\n".join(wrong))


def of_spec(spec: FitSpec) -> list[str]:
    """Return a sentence for everything that `fit` refuses of a SPEC, whatever the panel."""
    kind = spec.columns.kind
    methods = [sentence for each in spec.analyses for sentence in calls.refusals(each, kind)]
    return [*_columns_twice(spec.columns, spec.analyses), *methods]


def of_study(study: Study, panel_columns: Iterable[str]) -> list[str]:
    """Return a sentence for everything in a study's analyses that `fit` would refuse.

    `panel_columns` are the covariates that every panel has.
    """
    at_baseline = [f"{BASELINE_OF}{name}" for name in study.recorded]
    wrong = []
    for analysis in study.analyses:
        known = [*_beside(study, analysis.outcome), *panel_columns, *at_baseline]
        wrong += of_spec(FitSpec.model_validate(spec_of(study, analysis.name)))
        named = [
            ("subgroup", analysis.subgroup),
            ("unaffected_population", analysis.unaffected_population),
            ("unaffected_outcome", analysis.unaffected_outcome),
            *(("covariates", name) for name in analysis.covariates),
        ]
        wrong += [
            f'{analysis.name}: {role}: the panel has no column "{name}". {nearest(name, known)}'
            for role, name in named
            if name and name not in known
        ]
        other = study.outcomes.get(analysis.unaffected_outcome or "")
        if other is not None and other.unit != study.outcomes[analysis.outcome].unit:
            wrong.append(
                f"{analysis.name}: unaffected_outcome: {analysis.unaffected_outcome} is in "
                f"{other.unit} and {analysis.outcome} in {study.outcomes[analysis.outcome].unit}; "
                "a triple difference takes one from the other, so that they need one unit."
            )
        if analysis.subgroup in at_baseline:
            wrong.append(
                f"{analysis.name}: subgroup: {analysis.subgroup} is a measured value, not levels. "
                "Adjust for it as a "
                "covariate, or name a column with levels."
            )
    return wrong


def _beside(study: Study, outcome: str) -> list[str]:
    """Return the outcomes that stand in the same table as one: those counted, or those with
    values."""
    counted = study.outcomes[outcome].counted
    return [name for name, each in study.outcomes.items() if each.counted == counted]


def _columns_twice(columns: Columns, analyses: Sequence[AnalysisOptions]) -> list[str]:
    """Return a sentence for every column that is given two roles which exclude each other."""
    roles = {
        role: getattr(columns, role)
        for role in ("unit", "period", "treated", "first_treated", "weight", "exposure")
        if role != "first_treated" or columns.treated is None
    }
    roles |= {f"outcome {name}": name for name in columns.outcomes} or {"outcome": columns.outcome}
    taken: dict[str, str] = {}
    wrong = []
    for role, name in roles.items():
        if name in taken:
            wrong.append(
                f'columns: "{name}" is both {taken[name]} and {role}; they must be two columns.'
            )
        elif name is not None:
            taken[name] = role
    for analysis in analyses:
        groups = [analysis.subgroup, analysis.unaffected_population]
        for role, names in (
            ("covariate", analysis.covariates),
            ("subgroup", groups),
            ("unaffected outcome", [analysis.unaffected_outcome]),
        ):
            wrong += [
                f'{analysis.name}: "{name}" is the {taken[name]} and cannot be a {role} too.'
                for name in names
                if name in taken and not (role == "covariate" and taken[name] == "weight")
            ]
    return wrong

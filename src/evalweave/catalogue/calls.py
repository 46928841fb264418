"""Which options and inference methods an analysis may have, derived from the declarations."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from evalweave.catalogue.estimators import ESTIMATORS
from evalweave.catalogue.inferences import AUTO, INFERENCES
from evalweave.catalogue.kinds import kind_refusal
from evalweave.catalogue.methods import TRIPLE, Estimator, Inference, Method, Option
from evalweave.catalogue.words import listed

CONTRASTS = ("subgroup", "unaffected_population", "unaffected_outcome")


def contrasts(analysis: Any) -> bool:
    """Return whether an analysis compares groups, populations or outcomes."""
    return any(getattr(analysis, name) for name in CONTRASTS)


def assumed(analysis: Any) -> str:
    """Return what an analysis takes to have been parallel without the programme, in words."""
    own = ESTIMATORS[analysis.estimator].assumes
    triple = analysis.unaffected_population or analysis.unaffected_outcome
    return f"{TRIPLE}{own}" if triple else own


def _methods() -> list[Method]:
    return [*ESTIMATORS.values(), *INFERENCES.values()]


def options() -> dict[str, Option]:
    """Return every declared option by its name.

    Raises:
        ValueError: where two methods mean different things by one name.
    """
    known: dict[str, Option] = {}
    for method in _methods():
        for option in method.options:
            if known.setdefault(option.name, option) != option:
                raise ValueError(f'{method.name}: the option "{option.name}" has two meanings')
    return known


def users(option: Option) -> list[str]:
    """Return the names of the methods that take an option."""
    return [method.name for method in _methods() if option in method.options]


def knows(estimator: Estimator, key: str) -> bool:
    """Return whether a key of an analysis means something to an estimator or to its inference."""
    option = options().get(key)
    owners = [name for name in users(option) if name in ESTIMATORS] if option else []
    return not owners or estimator.name in owners


def applies(inference: Inference, estimator: Estimator) -> bool:
    """Return whether an inference method has what it needs of an estimator."""
    if estimator.only and inference.name not in estimator.only:
        return False
    return not inference.needs or inference.needs in estimator.gives


def refusal(inference: Inference, estimator: Estimator) -> str:
    """Return why an inference method does not apply to an estimator and what does, or '' where it
    applies."""
    if applies(inference, estimator):
        return ""
    able = [other.name for other in ESTIMATORS.values() if applies(inference, other)]
    instead = [
        other.name for other in INFERENCES.values() if other.clustered and applies(other, estimator)
    ]
    why = inference.refuses or "does not apply to {estimator}"
    why = why.format(estimator=estimator.name, estimators=", ".join(able))
    return f"{inference.name} {why}; {listed(instead)} {_verb(instead, 'applies', 'apply')}"


def named(analysis: Any) -> list[Inference]:
    """Return the inference methods that an analysis names; `auto` names none."""
    return [INFERENCES[name] for name in analysis.inference if name != AUTO]


def expanded(estimator: str, inference: Iterable[str]) -> list[str]:
    """Return inference names with `auto` replaced by what it may stand for, each once."""
    declared = ESTIMATORS[estimator].default_inference if estimator in ESTIMATORS else ()
    names = [own for name in inference for own in (declared if name == AUTO else (name,))]
    return list(dict.fromkeys(names))


def primary_methods(estimator: str, inference: list[str]) -> list[str]:
    """Return what the primary interval of a term may be by: the first of these that it has."""
    return expanded(estimator, inference[:1])


def refusals(analysis: Any, kind: str | None = None) -> list[str]:
    """Return a sentence for everything in an analysis that its methods refuse, whatever the data
    are; `kind` is what the outcome is declared to be."""
    estimator = ESTIMATORS[analysis.estimator]
    inferences = named(analysis)
    able = [INFERENCES[name] for name in expanded(analysis.estimator, analysis.inference)]
    sentences = [
        kind_refusal(analysis, kind, estimator.kinds(analysis)),
        *(refusal(inference, estimator) for inference in inferences),
        *_not_taken(analysis, [estimator, *able]),
        *_without_band(analysis, inferences),
        *_one_contrast(analysis),
        *estimator.wrong(analysis),
    ]
    return [f"{analysis.name}: {sentence}." for sentence in sentences if sentence]


def needs(analysis: Any, need: str) -> bool:
    """Return whether an inference method that was asked for needs `need` of the estimator."""
    return any(method.needs == need for method in named(analysis))


def resting_on_allocation(analysis: Any) -> dict[str, bool]:
    """Return what of an analysis rests on how practices were allocated, in words (each is True)."""
    rests = [f"estimator: {ESTIMATORS[analysis.estimator].rests_on_allocation}"]
    rests += [f"inference: {method.rests_on_allocation}" for method in named(analysis)]
    return {words: True for words in rests if not words.endswith(": ")}


def extra_columns(analysis: Any) -> tuple[str, ...]:
    """Return the numeric columns that an estimator needs of the panel beside what all need."""
    taken = ESTIMATORS[analysis.estimator].options
    named = [getattr(analysis, option.name) for option in taken if option.column]
    return tuple(name for name in named if name)


def _one_contrast(analysis: Any) -> Iterable[str]:
    """Yield a sentence where groups are to be compared in several ways at once."""
    asked = [name for name in CONTRASTS if getattr(analysis, name)]
    if len(asked) > 1:
        yield f"{listed(asked)} are different questions; ask each in an analysis of its own"


def _not_taken(analysis: Any, methods: list[Method]) -> Iterable[str]:
    """Yield a sentence for every option that was set and would be passed over in silence."""
    taken = {option.name for method in methods for option in method.options}
    for option in options().values():
        if option.shared or option.name in taken:
            continue
        if getattr(analysis, option.name) != option.default:
            able = users(option)
            yield (
                f"{analysis.estimator} takes no {option.name}; {listed(able)} "
                f"{_verb(able, 'does', 'do')}"
            )


def _without_band(analysis: Any, inferences: list[Inference]) -> Iterable[str]:
    """Yield a sentence where simultaneous bands are asked of methods that have none."""
    without = [method.name for method in inferences if not method.band]
    if analysis.bands == "simultaneous" and without:
        able = [
            other.name
            for other in INFERENCES.values()
            if other.band and applies(other, ESTIMATORS[analysis.estimator])
        ]
        others = f"{listed(able)} {_verb(able, 'has', 'have')} one, or " if able else ""
        yield (
            f"{listed(without)} {_verb(without, 'has', 'have')} no simultaneous band, and "
            f"pointwise intervals beside one would be taken for it; {others}leave bands at "
            "pointwise"
        )


def _verb(names: list[str], one: str, several: str) -> str:
    return one if len(names) == 1 else several

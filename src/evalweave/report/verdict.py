"""What the answer may be called, decided by its interval and its checks from one declared table.

The first rule whose conditions hold gives the word; None is any. `told`: the main interval excludes
zero; `small`: it lies within the smallest difference that matters; `against`: a check speaks
against; `asked`: the study file asks for the word effect; `carried`: the check of the paths before
the start supports, and no arm is one area alone.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from evalweave.release.numbers import excludes_zero
from evalweave.report.checks import checks
from evalweave.report.checks.evidence import AGAINST, CANNOT_TELL, SUPPORTS, Judged
from evalweave.report.data import ReportData

EFFECT, ASSOCIATION, DIFFERENCE = "effect", "association", "difference"
NOT_TOLD, NONE_THAT_MATTERS = "cannot tell", "no difference that matters"


@dataclass(frozen=True)
class Rule:
    word: str
    says: str
    told: bool | None = None
    small: bool | None = None
    against: bool | None = None
    asked: bool | None = None
    carried: bool | None = None

    def holds(self, **facts: bool | None) -> bool:
        """Do all its conditions hold?"""
        wanted = {name: getattr(self, name) for name in facts}
        return all(want is None or facts[name] == want for name, want in wanted.items())


RULES = (
    Rule(
        DIFFERENCE,
        "It is reported as a difference between the arms, which may have other causes than "
        "{programme}.",
        told=True,
        against=True,
    ),
    Rule(
        EFFECT,
        "We speak of an effect because {reason}; the check of the paths before the start supports "
        "it, and no check speaks against it.",
        told=True,
        asked=True,
        carried=True,
    ),
    Rule(
        ASSOCIATION,
        "The study file asks for the word effect, but the checks of where the programme was given "
        "and of the paths before the start do not carry it: this is an association of {outcome} "
        "with the availability of {programme} in a practice.",
        told=True,
        asked=True,
    ),
    Rule(
        ASSOCIATION,
        "This is an association of {outcome} with the availability of {programme} in a practice, "
        "whether or not a patient took part; practices were not allocated at random.",
        told=True,
    ),
    Rule(
        NONE_THAT_MATTERS,
        "A difference that matters is excluded, as far as the checks carry that.",
        told=False,
        small=True,
    ),
    Rule(
        NOT_TOLD,
        "Whether the availability of {programme} changed {outcome} cannot be told from these data.",
    ),
)


@dataclass(frozen=True)
class Verdict:
    """The word for the answer, its second sentence, what must be said before any number (blank
    where nothing speaks against), the strongest objection, and how many checks say what."""

    word: str
    sentence: str
    before: str
    objection: str
    counts: dict[str, int]

    @property
    def meter(self) -> str:
        """Return what speaks for and against in one line: a mark a check, then the counts."""
        marks = {SUPPORTS: "●", AGAINST: "▲", CANNOT_TELL: "○"}
        line = "".join(marks[state] * self.counts[state] for state in marks)
        whole = sum(self.counts.values())
        many = "check" if whole == 1 else "checks"
        return (
            f"{line} Of {whole} {many}, {_number(self.counts[SUPPORTS], 'support', 's')} it (●), "
            f"{_number(self.counts[AGAINST], 'speak', 's')} against it (▲) and "
            f"{self.counts[CANNOT_TELL] or 'none'} cannot tell (○)."
        )


def verdict(data: ReportData) -> Verdict:
    """Return what the main result may be called, from its interval and all checks."""
    judged = checks(data)
    main = data.main(data.outcome.difference_unit)
    margin = data.margin(data.outcome.difference_unit)
    told = None if main is None else excludes_zero(main.low, main.high)
    small = bool(main and margin and told is not None and max(-main.low, main.high) < margin)
    about = data.study.study
    states = {one.finding.key: one.state for one in judged}
    facts = {
        "told": told,
        "small": small,
        "against": AGAINST in states.values(),
        "asked": about.wording == "effect",
        "carried": states.get("pre_trends") == SUPPORTS and "allocation" not in states,
    }
    rule = next(rule for rule in RULES if rule.holds(**facts))
    counts = Counter(one.state for one in judged)
    return Verdict(
        rule.word,
        rule.says.format(
            programme=about.programme,
            outcome=data.outcome_label(),
            reason=about.wording_reason.strip().rstrip("."),
        ),
        _before(judged),
        _objection(judged),
        {state: counts[state] for state in (SUPPORTS, AGAINST, CANNOT_TELL)},
    )


def _against(judged: list[Judged]) -> list[Judged]:
    """Return the checks that speak against, the clearest first."""
    return sorted((one for one in judged if one.state == AGAINST), key=lambda one: one.p_adjusted)


def _before(judged: list[Judged]) -> str:
    against = _against(judged)
    if not against:
        return ""
    many = "A check speaks" if len(against) == 1 else f"{len(against)} checks speak"
    return f"{many} against the design: there {against[0].finding.shown}."


def _objection(judged: list[Judged]) -> str:
    """Return the strongest objection: what speaks against most clearly, else the first that cannot
    be told, in the order of the checks."""
    if _against(judged):
        return ""  # said before the number
    doubts = [one.finding.doubt for one in judged if one.state == CANNOT_TELL]
    return f"The strongest doubt: {doubts[0]}." if doubts else ""


def _number(n: int, verb: str, ending: str) -> str:
    return f"{n or 'none'} {verb}{ending if n in (0, 1) else ''}"

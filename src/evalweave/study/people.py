"""Who is studied, who counts as exposed, and with whom they are compared."""

from __future__ import annotations

import datetime as dt
from typing import Literal, Self

from pydantic import Field, model_validator

from evalweave.study.section import Section, list_of, undeclared


class Counting(Section):
    """What it takes for a code list to count as present: by default, one entry before the index
    date."""

    at_least: int = Field(1, ge=1, description="Different days with an entry that it takes.")
    more_than: str | None = Field(
        None,
        description="Another code list, of which there must be fewer such days (type 1 counts only "
        "with more days of "
        "type 1 than of type 2).",
    )


class Eligibility(Section):
    index_date: dt.date = Field(
        description="Day at which everything that decides eligibility is fixed."
    )
    age: tuple[int, int] = Field((40, 74), description="Youngest and oldest age at the index date.")
    conditions: list[str] = Field(
        [],
        description="Code lists of which every one must have an entry before the index date. "
        "`list[category]` is "
        "what a list sets apart in its column category (`diabetes[type_2]`).",
    )
    without: list[str] = Field(
        [],
        description="Code lists of which none may have an entry before the index date (type 1 "
        "diabetes).",
    )
    counting: dict[str, Counting] = Field(
        {},
        description="For lists of `conditions` and `without` of which one entry is not enough: "
        "`at_least` so many "
        "days with one, or on more days than another list (`more_than`).",
    )
    registered_days: int = Field(
        365, ge=0, description="Days registered without a gap before the index date."
    )
    cohort: Literal["closed", "open"] = Field(
        "closed",
        description="closed: fixed at the index date (primary); open: a labelled sensitivity, in "
        "which people enter on "
        "the first day on which they are eligible and are followed from then on.",
    )
    cases: Literal["all", "prevalent", "incident"] = Field(
        "all",
        description="incident: only people newly diagnosed on their index date; prevalent: only "
        "the others.",
    )
    incident_days: int = Field(
        365,
        ge=1,
        description="Newly diagnosed: `conditions` first held at most this many days before.",
    )
    look_back_days: int = Field(
        365,
        ge=0,
        description="… and only after this many days registered without them: the first entries "
        "after a "
        "registration are often transferred history.",
    )
    baseline_days: int = Field(
        365,
        ge=1,
        description="Days before the index date in which an outcome is a baseline value: in the "
        "baseline table, and as "
        "the covariate `baseline_<outcome>` of analyses and of `balance_on`.",
    )
    additional_conditions: list[str] = Field(
        [], description="Code lists counted as additional long-term conditions."
    )

    @model_validator(mode="after")
    def _ages(self) -> Self:
        if self.age[0] > self.age[1]:
            raise ValueError(f"age: {list(self.age)} has the older age first")
        if self.cases != "all" and not self.conditions:
            raise ValueError(
                f"cases: {self.cases} needs conditions, since a case is a case of them"
            )
        return self


class Exposure(Section):
    straddling: Literal["drop", "treated", "untreated"] = Field(
        "drop",
        description="A period in which a practice starts inside the period: what becomes of it.",
    )
    washout_days: int = Field(0, ge=0, description="Days after a start that are left out.")
    moves: Literal["censor", "censor_starts", "keep"] = Field(
        "censor",
        description="censor: patients who move to a practice of the other arm are followed to the "
        "day before; "
        "censor_starts: also those who move to a practice that started on another day (staggered "
        "roll-outs); "
        "keep: everybody is followed on.",
    )


class Comparison(Section):
    label: str = Field("", description="What the group is, in words.")
    primary: bool = Field(
        False, description="The group of the main result; one and only one is primary."
    )
    kind: Literal["never_treated", "not_yet_treated", "not_referred"] = Field(
        "never_treated",
        description="never_treated: practices without the programme; not_yet_treated: all "
        "practices, later "
        "starters serve until they start; not_referred: eligible patients of programme practices "
        "who were not "
        "referred, beside those who were (selected, descriptive only: never primary, no subgroups, "
        "no claims).",
    )
    referrals: str | None = Field(
        None,
        description="not_referred: the code list of referrals; blank = every list whose name ends "
        "in referral. Entries "
        "from the index date on count, whatever the outcome did before.",
    )
    areas: list[str] | None = Field(
        None, description="Only comparison practices of these areas; blank = all."
    )
    balance: Literal["none", "propensity", "entropy"] = Field(
        "none", description="Weights that balance the arms' baseline."
    )
    balance_on: list[str] = Field(
        ["age", "sex", "imd_quintile"],
        description="Baseline variables that the weights balance; `baseline_<outcome>` is one for "
        "every outcome.",
    )


def nested(one: Comparison, other: Comparison) -> bool:
    """Is one comparison group part of the other, as declared, or made of the programme's own
    practices? Then it is no independent witness."""
    if "not_referred" in (one.kind, other.kind):
        return True
    if one.areas is None or other.areas is None:
        return True
    return set(one.areas) <= set(other.areas) or set(other.areas) <= set(one.areas)


def listed(eligibility: Eligibility) -> list[str]:
    """Return every code list (or category of one) that decides eligibility, each once."""
    others = [rule.more_than for rule in eligibility.counting.values() if rule.more_than]
    return list(dict.fromkeys([*eligibility.conditions, *eligibility.without, *others]))


def wrong_counting(eligibility: Eligibility, codelists: dict[str, str]) -> list[str]:
    wrong = []
    used = [*eligibility.conditions, *eligibility.without]
    for label, rule in eligibility.counting.items():
        wrong += undeclared("eligibility, counting", label, used)
        if rule.more_than is not None:
            wrong += undeclared(
                f"eligibility, counting, {label}, more_than", list_of(rule.more_than), codelists
            )
            if eligibility.cohort == "open" and label in eligibility.conditions:
                wrong.append(
                    f"eligibility, counting, {label}, more_than: in an open cohort the day on "
                    "which it holds is not "
                    "fixed; use at_least, or cohort: closed"
                )
            if rule.more_than == label:
                wrong.append(
                    f"eligibility, counting, {label}, more_than: a list cannot outnumber itself"
                )
    return wrong

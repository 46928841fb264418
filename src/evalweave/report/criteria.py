"""The eligibility criteria of a study in words: who, what makes a condition count as present, new
and old cases.

Names of code lists may be singular or plural, so verbs beside them stand in the past.
"""

from __future__ import annotations

from evalweave.release.numbers import joined, plain, sentence
from evalweave.study.people import Counting, Eligibility

OPEN = (
    "Sensitivity design: the cohort is open. People enter on the first day on which they meet the "
    "criteria, which is their "
    "index date and settles their practice, and are followed from then on. Whoever enters after "
    "the programme began may "
    "have entered because of it; the primary design is a closed cohort, fixed before."
)
CLOSED = (
    "Who is in was fixed on that day, in both arms alike, and nothing that happened later "
    "changed it."
)


def kind(eligibility: Eligibility) -> str:
    """Return what kind of cohort it is; an open one is labelled as a sensitivity design."""
    return CLOSED if eligibility.cohort == "closed" else OPEN


def day(eligibility: Eligibility) -> str:
    """Return the day at which eligibility is fixed, in words: a date, or the day of entry into an
    open cohort."""
    return (
        eligibility.index_date.isoformat()
        if eligibility.cohort == "closed"
        else "the day they entered"
    )


def condition(label: str) -> str:
    """Return a code list as words, what it sets apart in brackets: `diabetes[type_2]` is diabetes
    (type 2)."""
    return plain(label).replace("[", " (").replace("]", ")")


def conditions(labels: list[str], last: str = "and") -> str:
    """Return several code lists as words."""
    return joined([condition(label) for label in labels], last)


def people(eligibility: Eligibility) -> str:
    """Return who is eligible, without a full stop: age, registration, conditions that must and must
    not be there."""
    youngest, oldest = eligibility.age
    words = f"aged {youngest} to {oldest} on {day(eligibility)}, registered with a practice"
    if eligibility.registered_days:
        words += f" for at least {days(eligibility.registered_days)} without a gap"
    if eligibility.conditions:
        words += f", with {conditions(eligibility.conditions)}"
    if eligibility.without:
        words += f", without {conditions(eligibility.without, 'or')}"
    return words


def rules(eligibility: Eligibility) -> list[str]:
    """Return sentences: what makes each condition count as present, and which cases of them are
    in."""
    return [*_counting(eligibility), *_cases(eligibility)]


def days(n: int) -> str:
    """Return a number of days, in the singular for one."""
    return "1 day" if n == 1 else f"{n:,} days"


def _counting(eligibility: Eligibility) -> list[str]:
    used = list(dict.fromkeys([*eligibility.conditions, *eligibility.without]))
    asked = {label: eligibility.counting.get(label, Counting()) for label in used}
    simple = [label for label, rule in asked.items() if rule == Counting()]
    rules_in_words = []
    if simple:
        lists = "the code list" if len(simple) == 1 else "their code lists"
        rules_in_words.append(
            f"{sentence(conditions(simple))} counted as present with one entry of {lists} before "
            "that day."
        )
    for label, rule in asked.items():
        if label not in simple:
            rules_in_words.append(
                f"{sentence(condition(label))} counted as present with {_entries(rule)}."
            )
    return rules_in_words


def _entries(rule: Counting) -> str:
    """Return what it takes, in words: entries before that day on so many days, on more days than of
    another list."""
    enough = [f"on {days(rule.at_least)} or more"] if rule.at_least > 1 else []
    more = [f"on more days than entries of {condition(rule.more_than)}"] if rule.more_than else []
    return f"entries before that day {', '.join([*enough, *more])}"


def first_present(eligibility: Eligibility) -> str:
    """Return that the conditions hold from then on, in words that fit names in the singular and the
    plural."""
    several = len(eligibility.conditions) > 1
    what = "all conditions" if several else conditions(eligibility.conditions)
    return f"{what} first counted as present"


def newly(eligibility: Eligibility) -> str:
    """Return what newly diagnosed means, without a full stop."""
    words = (
        f"{first_present(eligibility)} at most {days(eligibility.incident_days)} before that day"
    )
    if eligibility.look_back_days:
        words += f", and at least {days(eligibility.look_back_days)} after the registration began"
    return words


def _cases(eligibility: Eligibility) -> list[str]:
    if eligibility.cases == "incident":
        return [f"Only the newly diagnosed (incident cases) are in: {newly(eligibility)}."]
    if eligibility.cases == "prevalent":
        return [
            "Only people diagnosed earlier (prevalent cases) are in. Newly diagnosed people are "
            f"not: {newly(eligibility)}."
        ]
    return []

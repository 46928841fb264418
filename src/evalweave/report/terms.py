"""Terms of the estimates table in words."""

from __future__ import annotations

import re
from collections.abc import Iterable

from evalweave.release.numbers import confidence, plain, sentence
from evalweave.report.data import ReportData
from evalweave.study.analyses import Analysis
from evalweave.study.periods import period_label

# Levels of the columns that evalweave itself makes; any other column is printed as its name and
# level.
LEVELS = {
    ("white", "1"): "White",
    ("white", "0"): "any other ethnic group",
    ("fewer_conditions", "1"): "fewer additional conditions",
    ("fewer_conditions", "0"): "more additional conditions",
    ("female", "1"): "women",
    ("female", "0"): "men",
    ("imd_quintile", "1"): "most deprived fifth",
    ("imd_quintile", "5"): "least deprived fifth",
}
UNKNOWN = ("unknown", "missing", "")
VARIABLES = {
    "imd_quintile": "area deprivation",
    "white": "ethnicity",
    "fewer_conditions": "additional conditions",
    "n_conditions": "additional conditions",
    "female": "sex",
}
AVERAGES = {
    "event[overall]": "periods since the start",
    "group[overall]": "practices by their start",
    "calendar[overall]": "calendar periods",
    "simple": "every start and period",
}
OF_MEASURED = {
    "att_unweighted": "those measured, as they are",
    "composition": "earlier values of those measured, less those of everybody in follow-up",
}
ORDINALS = {"2": "2nd", "3": "3rd", "4": "4th"}


def ci(analyses: Iterable[Analysis], what: str = "CI") -> str:
    """Return what intervals of these analyses are called: by their level, where they share one."""
    levels = {analysis.level for analysis in analyses}
    if len(levels) != 1:
        return f"{what} at the level of its analysis"
    return f"{confidence(levels.pop())} {what}"


def variable(name: str) -> str:
    """Return a column's name in words."""
    return VARIABLES.get(name, plain(name))


def level(name: str, value: str) -> str:
    """Return a level of a column in words."""
    if value in UNKNOWN:
        return "unknown"
    if (name, value) in LEVELS:
        return LEVELS[name, value]
    if name == "imd_quintile" and value in ORDINALS:
        return f"{ORDINALS[value]} fifth"
    return f"{plain(name)} {value}" if value.replace(".", "").isdigit() else plain(value)


PERIOD = re.compile(r"(att_gt|group|calendar)\[(-?\d+)(?:,(-?\d+))?\]")


def periods_in_words(term: str, period: str) -> str:
    """Return a term that names periods by number with their labels: att_gt[8072,8075] is started
    2018 Q1, in 2018 Q4."""
    m = PERIOD.fullmatch(term)
    if m is None:
        return ""
    kind, first, last = m[1], period_label(int(m[2]), period), m[3]
    if kind == "att_gt":
        return f"started {first}, in {period_label(int(last), period)}" if last else ""
    return f"started {first}" if kind == "group" else f"in {first}"


DIFFERENCE = re.compile(r"difference\[(\w+)=(.+)\]")


def contrast(data: ReportData, analysis: Analysis, term: str) -> tuple[str, str, str] | None:
    """Return the column and the two levels of `difference[column=one-other]`; None for other
    terms. Levels may hold hyphens: both are levels that the analysis has an estimate of."""
    m = DIFFERENCE.fullmatch(term)
    if m is None or "-" not in m[2]:
        return None
    known = {row.term for row in data.rows(analysis.name)}
    places = [at for at, letter in enumerate(m[2]) if letter == "-"]
    pairs = [(m[2][:at], m[2][at + 1 :]) for at in reversed(places)]
    both = (p for p in pairs if all(f"att[{m[1]}={level}]" in known for level in p))
    return m[1], *next(both, pairs[0])


def in_words(data: ReportData, analysis: Analysis, term: str) -> str:
    """Return a term of an analysis as a reader says it."""
    label = analysis.label or sentence(plain(analysis.name))
    if m := re.fullmatch(r"att\[(\w+)=(.+)\]", term):
        return f"{label}: {level(m[1], m[2])}"
    if pair := contrast(data, analysis, term):
        column, one, other = pair
        return f"{label}: {level(column, one)} minus {level(column, other)}"
    if m := re.fullmatch(r"event\[(-?\d+)\]", term):
        e = int(m[1])
        before = "1 period" if e == -1 else f"{-e} periods"
        return f"Period {e} since the start" if e >= 0 else f"{before} before the start"
    if term == "trend":
        return "Change of the difference per period since the start"
    if named := periods_in_words(term, data.study.window.cut):
        return f"{label}: {named}"
    if term in OF_MEASURED:
        return f"{label}: {OF_MEASURED[term]}"
    if term in AVERAGES:
        return f"{label}, averaged over {AVERAGES[term]}"
    if term == "att":
        return label
    return f"{label}: {term}"

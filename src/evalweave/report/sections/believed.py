"""Can it be believed? A short table of checks, each with its verdict in words and a link."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from evalweave.report.blocks import Check, Checks, Prose, Section, Text, text
from evalweave.report.data import ReportData
from evalweave.report.numbers import estimate, excludes_zero, interval, missing, number
from evalweave.report.sentences import CANNOT_TELL, DOES_NOT_HOLD, HOLDS, agreement_about_zero

CAPTION = (
    "What would have to be true for the answer to be more than coincidence, and whether it is. “Cannot tell” is an answer "
    "too: a check without power says little."
)


def section(data: ReportData) -> Section:
    """Return the table of checks; a check that was not part of the study says so."""
    found = [check for make in CHECKS if (check := make(data)) is not None]
    blocks: list[Any] = [Checks(CAPTION, tuple(found))]
    trust = data.diagnostic(data.primary.name, "trust")
    if trust:
        blocks.append(Prose(str(trust)))
    return Section("believed", "Can it be believed?", tuple(blocks))


def pre_trends(data: ReportData) -> Check | None:
    question = "Did the arms move alike before the start?"
    for analysis in (*data.analyses("event_study"), *data.study.analyses):
        tested = data.diagnostic(analysis.name, "pretrend")
        if not isinstance(tested, Mapping):
            continue
        slope = tested.get("slope") or {}
        p_slope = slope.get("p_value_wild", slope.get("p_value"))
        p_joint = (tested.get("wild_wald") or {}).get("p_value")
        known: list[Any] = [p for p in (p_slope, p_joint) if not missing(p)]
        if not known:
            return Check(
                question,
                CANNOT_TELL,
                str(tested.get("verdict", "The leads cannot be tested.")),
                analysis.name,
            )
        against = any(p < 1 - analysis.level for p in known)
        return Check(question, *_pre_trend(data, tested, slope, p_slope, p_joint, against), link=analysis.name,
                     link_text="Event study")  # fmt: skip
    return Check(question, CANNOT_TELL, "No event study with periods before the start is part of this study.")


def _pre_trend(
    data: ReportData, tested: Mapping[str, Any], slope: Mapping[str, Any], p_slope: Any, p_joint: Any, against: bool
) -> tuple[str, str]:  # fmt: skip
    unit = data.outcome.unit
    parts = []
    if not missing(p_joint):
        parts.append(f"all leads together p = {p_joint:.2f} (restricted wild bootstrap)")
    if not missing(p_slope):
        said = number(slope.get("estimate"), 2)
        ends = f", 95 % CI {interval(slope['ci_low'], slope['ci_high'])}" if "ci_low" in slope else ""
        parts.append(f"slope {said} {unit} a period{ends}, p = {p_slope:.2f}")
    why = ("The leads differ from zero: " if against else "No departure was found: ") + "; ".join(parts) + "."
    detect: Any = slope.get("detectable_80") or (tested.get("detectable_slope") or {}).get("power_80")
    if against:
        return DOES_NOT_HOLD, why
    main, periods = data.main(unit), _periods_after(data)
    if not missing(detect):
        why += (
            f" A steady drift of {number(detect)} {unit} a period would have been noticed four times in five"
        )
        if main and periods and detect * periods > abs(main.estimate):
            return CANNOT_TELL, (
                f"{why}; a smaller one could still explain the estimate, so that this check has too little power to reassure."
            )
        return HOLDS, f"{why}, less than it would take to explain the estimate."
    return HOLDS, why


def _periods_after(data: ReportData) -> float:
    """Return how far apart the middles of the time before and after the start lie, in periods."""
    found = data.trends.get(data.study.primary_comparison)
    if found is None or found.empty:
        return 0.0
    periods = found["period"].astype(int)
    return float(periods.max() - periods.min() + 1) / 2


def few_practices(data: ReportData) -> Check | None:
    term = data.main_term(data.primary)
    units = data.units(data.primary.name)
    if not units:
        return None
    verdict, words = agreement_about_zero(data.rows(data.primary.name, term, units[0]))
    return Check(
        "Do the ways of inference for few practices agree about zero?",
        verdict,
        words,
        "inference",
        "Every method",
    )


def comparison_groups(data: ReportData) -> Check | None:
    question = "Do other comparison groups and estimators agree?"
    main = data.main()
    found = [
        (a, row)
        for a in data.analyses("sensitivity")
        if main and (row := data.row(a, data.main_term(a), main.unit))
    ]
    if not main or not found:
        return Check(question, CANNOT_TELL, "Only one comparison group is part of this study.")
    values = [row.estimate for _, row in found]
    same = [row for _, row in found if (row.estimate < 0) == (main.estimate < 0)]
    near, far = number(min(values), main.places), number(max(values), main.places)
    span = f"The {len(found)} others lie between {near} and {far}"
    if near == far:
        span = f"The {len(found)} others are {near}"
    if len(found) == 1:
        span = f"The other one is {number(values[0], main.places)}"
    why = f"{span} {main.unit}, the main estimate is {number(main.estimate, main.places)}"
    contrary = [row for _, row in found if not _overlap(row.low, row.high, main.estimate)]
    if contrary or (
        len(same) < len(found) and any(excludes_zero(r.low, r.high) for _, r in found if r not in same)
    ):
        return Check(
            question,
            DOES_NOT_HOLD,
            f"{why}; {len(contrary)} of their intervals leave it out.",
            "comparisons",
            "All",
        )
    if len(same) < len(found):
        return Check(
            question,
            CANNOT_TELL,
            f"{why}; signs differ, but intervals are wide enough for both.",
            "comparisons",
            "All",
        )
    return Check(
        question, HOLDS, f"{why}; all have the same sign and their intervals hold it.", "comparisons", "All"
    )


def _overlap(low: float, high: float, value: float) -> bool:
    return missing(low) or missing(high) or low <= value <= high


def placebo_outcome(data: ReportData) -> Check | None:
    question = "Is there nothing where nothing should be (placebo outcome)?"
    found = [(a, row) for a in data.analyses("placebo") if (row := data.row(a, data.main_term(a)))]
    if not found:
        return Check(question, CANNOT_TELL, "A placebo outcome is not part of this study.")
    said = "; ".join(
        f"{data.outcome_label(a.outcome)} {estimate(row.estimate, row.low, row.high, row.level, row.places)} {row.unit}"
        for a, row in found
    )
    told = [excludes_zero(row.low, row.high) for _, row in found]
    verdict = DOES_NOT_HOLD if any(told) else CANNOT_TELL if None in told else HOLDS
    ends = {
        DOES_NOT_HOLD: "the interval excludes zero", HOLDS: "the interval includes zero", CANNOT_TELL: "there is no interval",
    }  # fmt: skip
    return Check(question, verdict, f"{said}: {ends[verdict]}.", "placebo", "Placebo")


def placebo_starts(data: ReportData) -> Check | None:
    found = data.diagnostic(data.primary.name, "placebo_dates")
    if not isinstance(found, list):
        return None
    question = "Is there nothing before the real start (placebo dates)?"
    run = [each for each in found if "estimate" in each]
    if not run:
        reason = next(
            (each["refused"] for each in found if each.get("refused")), "no placebo date could be tried"
        )
        return Check(question, CANNOT_TELL, f"{str(reason).rstrip('.')}.")
    unit = data.outcome.unit
    said = "; ".join(
        f"{each['shift']} {'period' if each['shift'] == 1 else 'periods'} too early "
        f"{estimate(each['estimate'], each['ci_low'], each['ci_high'])}" for each in run
    )  # fmt: skip
    off = [each for each in run if excludes_zero(each["ci_low"], each["ci_high"])]
    words = f"the intervals of {len(off)} exclude zero" if off else "all intervals include zero"
    return Check(question, DOES_NOT_HOLD if off else HOLDS, f"Starts set {said} {unit}: {words}.")


def measurement(data: ReportData) -> Check | None:
    """Compare how the share measured moved in both arms; the programme may change who is measured at all."""
    question = "Were the same people measured in both arms?"
    found = data.trends.get(data.primary.comparison or data.study.primary_comparison)
    carry = _contributing(data)
    shift = _measured_shift(data) if found is not None else None
    formal = _measured_did(data)
    if formal is not None:
        low, high, said = formal
        told = excludes_zero(low, high)
        verdict = CANNOT_TELL if told is None else DOES_NOT_HOLD if told else HOLDS
        return Check(question, verdict, text("{} {}", said, carry), "measured")
    if shift is None:
        return Check(
            question, CANNOT_TELL, text("No counts of people who were not measured are at hand. {}", carry)
        )
    why = (
        f"The share measured changed by {number(100 * shift, 1)} percentage points more in programme practices than in the "
        "others, from before to after the start"
    ).replace(f"{number(100 * shift, 1)} percentage points more", _more(shift))
    if abs(shift) > 0.02:
        verdict, end = DOES_NOT_HOLD, "; selective measurement could move the estimate."
    else:
        verdict, end = HOLDS, "; that is small (less than 2 percentage points)."
    return Check(question, verdict, text("{}{} {}", why, end, carry), "measured", "Share measured")


def _more(shift: float) -> str:
    return f"{number(abs(100 * shift), 1)} percentage points {'more' if shift >= 0 else 'less'}"


def _measured_did(data: ReportData) -> tuple[float, float, str] | None:
    """Return interval and sentence of the DiD on being measured, where the diagnostics hold one."""
    found = data.diagnostic(data.primary.name, "measured_did")
    if not isinstance(found, Mapping) or "estimate" not in found:
        return None
    low, high = float(found.get("ci_low", "nan")), float(found.get("ci_high", "nan"))
    value = estimate(100 * found["estimate"], 100 * low, 100 * high, places=1)
    return low, high, f"Difference in the change of the share measured: {value} percentage points."


def _contributing(data: ReportData) -> Text:
    found = data.diagnostic(data.primary.name, "contributing")
    if not isinstance(found, Mapping) or "programme" not in found:
        return ""
    mark: Callable[[Any], Text] = lambda n: data.profile.about(n, "patients")  # noqa: E731
    return text(
        "Seen both before and after: {} people in programme and {} in comparison practices.",
        mark(found["programme"].get("seen_before_and_after")), mark(found["comparison"].get("seen_before_and_after")),
    )  # fmt: skip


def _measured_shift(data: ReportData) -> float | None:
    """Return the difference in change of the share measured, from released counts."""
    from evalweave.study import period_number

    found = data.trends[data.primary.comparison or data.study.primary_comparison]
    found = found[found["outcome"] == data.primary.outcome]
    start = period_number(data.study.eligibility.index_date, data.study.window.period)
    change = {}
    for arm, part in found.groupby("arm"):
        shares = []
        for side in (part[part["period"] < start], part[part["period"] >= start]):
            whole = side["n_eligible"].sum()
            if missing(whole) or not whole:
                return None
            share = data.profile.rate(side["n_patients"].sum(), whole)
            if share is None:
                return None
            shares.append(share)
        change[arm] = shares[1] - shares[0]
    return change["programme"] - change["comparison"] if len(change) == 2 else None


def leave_one_out(data: ReportData) -> Check | None:
    question = "Does it hang on a single practice (leave one out)?"
    found = data.diagnostic(data.primary.name, "leave_one_out")
    row = data.main(data.outcome.unit)
    one = found.get(data.main_term(data.primary)) if isinstance(found, Mapping) else None
    if not isinstance(one, Mapping) or "low" not in one or row is None:
        reason = one.get("refused") if isinstance(one, Mapping) else None
        return Check(
            question,
            CANNOT_TELL,
            f"{reason}." if reason else "Leaving one practice out is not part of this study.",
        )
    why = (
        f"Leaving out one practice at a time, the estimate lies between {number(one['low'], row.places)} and "
        f"{number(one['high'], row.places)} {row.unit}"
    )
    if one.get("changes_sign"):
        return Check(question, DOES_NOT_HOLD, f"{why}: it changes its sign.", "inference")
    inside = row.low <= one["low"] and one["high"] <= row.high
    return Check(
        question, HOLDS, f"{why}: the sign stays{', and all lie inside the interval' if inside else ''}."
    )


def sensitivity_bound(data: ReportData) -> Check | None:
    """Read the bounds of Rambachan and Roth, where they were computed."""
    question = "Does the answer survive some difference in trends (sensitivity bound)?"
    for analysis in (*data.analyses("event_study"), *data.study.analyses):
        for name in ("honest_did", "honest", "sensitivity"):
            found = data.diagnostic(analysis.name, name)
            if found:
                return _bound(data, question, found, analysis.name)
    return Check(question, CANNOT_TELL, "A bound on differences in trends is not part of this study.")


def _bound(data: ReportData, question: str, found: Any, link: str) -> Check:
    chosen = (found.get("cr2") or found.get("cr1") or found) if isinstance(found, Mapping) else found
    caveat = f" {found['caveat']}" if isinstance(found, Mapping) and found.get("caveat") else ""
    rows = _rows_of(chosen)
    relative = [
        r for r in rows if r.get("kind") == "relative" and r.get("target", "average") == "average"
    ] or [r for r in rows if r.get("kind") == "relative"]
    original = [r for r in relative if missing(r.get("M"))]
    if not relative:
        reason = found.get("refused") if isinstance(found, Mapping) else None
        return Check(
            question, CANNOT_TELL, f"{str(reason or 'No bound could be computed').rstrip('.')}.", link
        )
    if original and not excludes_zero(original[0].get("ci_low"), original[0].get("ci_high")):
        why = "Even with equal trends the interval for the average after the start includes zero, so no bound is needed to lose it."
        return Check(question, CANNOT_TELL, why, link, "Event study")
    kept = [
        float(r["M"])
        for r in relative
        if not missing(r.get("M")) and excludes_zero(r.get("ci_low"), r.get("ci_high"))
    ]
    if not kept:
        smallest = min(float(r["M"]) for r in relative if not missing(r.get("M")))
        return Check(
            question, DOES_NOT_HOLD,
            f"A difference in trends after the start {number(smallest, 1)} times the largest one before it would suffice to "
            f"include zero.{caveat}", link, "Event study",
        )  # fmt: skip
    largest = max(kept)
    why = f"The interval still excludes zero when trends differ after the start by {number(largest, 1)} times the most seen before.{caveat}"
    return Check(question, HOLDS if largest >= 1 else CANNOT_TELL, why, link, "Event study")


def _rows_of(found: Any) -> list[Mapping[str, Any]]:
    if isinstance(found, Mapping):
        inner = [row for value in found.values() for row in _rows_of(value)]
        return [found, *inner] if "kind" in found and "ci_low" in found else inner
    if isinstance(found, list):
        return [row for each in found for row in _rows_of(each)]
    return []


CHECKS: tuple[Callable[[ReportData], Check | None], ...] = (
    pre_trends, few_practices, comparison_groups, placebo_outcome, placebo_starts, measurement, leave_one_out,
    sensitivity_bound,
)  # fmt: skip

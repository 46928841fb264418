"""Tables that exist only as they are released."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalweave.tables.contract import NUMBER, TEXT, WHOLE

if TYPE_CHECKING:
    pass
from evalweave.tables.contract import Table, column

INCIDENCE_RATES = Table(
    "incidence_rates",
    "New cases by arm and period as released: counts through the disclosure profile, rates from "
    "the released counts.",
    (
        column(
            "arm",
            TEXT,
            "programme or comparison, by the practice on the period's first day",
            required=True,
        ),
        column("period", WHOLE, "the period", required=True, statistic="place"),
        column(
            "period_label", TEXT, "the period as people write it, such as 2015/16", required=True
        ),
        column(
            "n_at_risk",
            WHOLE,
            "people at risk on its first day, as in incidence",
            counts="patients",
        ),
        column(
            "n_incident",
            WHOLE,
            "of these, people in whom the conditions first held in the period",
            counts="patients",
        ),
        column(
            "rate_per_1000",
            NUMBER,
            "n_incident a thousand people at risk; blank where either is hidden",
            statistic="rate",
        ),
        column(
            "n_entered",
            WHOLE,
            "people who entered an open cohort in the period; blank in a closed one",
            counts="patients",
        ),
        column(
            "n_entered_incident",
            WHOLE,
            "of these, newly diagnosed; blank likewise",
            counts="patients",
        ),
    ),
    key=("arm", "period"),
)

MEASURED = Table(
    "measured",
    "Who was measured by arm and period, as released: a programme may change how many are, and "
    "whom.",
    (
        column("outcome", TEXT, "the outcome", required=True),
        column("arm", TEXT, "programme or comparison", required=True),
        column("period", WHOLE, "the period", required=True, statistic="place"),
        column(
            "period_label", TEXT, "the period as people write it, such as 2015/16", required=True
        ),
        column("n_followed", WHOLE, "patients in follow-up in the period", counts="patients"),
        column("n_measured", WHOLE, "of these, the measured", counts="patients"),
        column(
            "share", NUMBER, "n_measured over n_followed; blank where one hides", statistic="share"
        ),
        column("n_past", WHOLE, "of the measured, those with an earlier value", counts="patients"),
        column(
            "past_mean",
            NUMBER,
            "mean of their last earlier period values, in the outcome's unit",
            statistic="mean",
        ),
        column("past_sd", NUMBER, "standard deviation of the same", statistic="deviation"),
    ),
    key=("outcome", "arm", "period"),
)

DEATH_RATES = Table(
    "death_rates",
    "Deaths by arm and period, as released: the dead are not measured, and what the others have "
    "in common may change with them.",
    (
        column("arm", TEXT, "programme or comparison", required=True),
        column("period", WHOLE, "the period", required=True, statistic="place"),
        column(
            "period_label", TEXT, "the period as people write it, such as 2015/16", required=True
        ),
        column("n_followed", WHOLE, "patients in follow-up in the period", counts="patients"),
        column("n_died", WHOLE, "of these, those who died in it", counts="patients"),
        column(
            "rate_per_1000",
            NUMBER,
            "n_died a thousand people in follow-up; blank where either is hidden",
            statistic="rate",
        ),
    ),
    key=("arm", "period"),
)

FLOW = Table(
    "flow",
    "The boxes of the flow diagrams, as released: what was received, set aside (with the reason) "
    "and kept.",
    (
        column(
            "order",
            WHOLE,
            "the box's place from top to bottom, one outcome after the other",
            required=True,
            statistic="place",
        ),
        column("outcome", TEXT, "the outcome whose flow it belongs to; blank = all"),
        column("box", TEXT, "received, set_aside or kept", required=True),
        column("stage", TEXT, "the stage that decided", required=True),
        column("rule", TEXT, "the rule's name; blank for received and kept"),
        column("label", TEXT, "the box in words", required=True),
        column("arm", TEXT, "programme, comparison or blank"),
        column("n_practices", WHOLE, "practices", counts="practices"),
        column("n_patients", WHOLE, "patients", counts="patients"),
        column("n_records", WHOLE, "records", counts="records"),
    ),
    key=("outcome", "stage", "box", "rule", "label", "arm"),
)

DRAWN = Table(
    "drawn",
    "Numbers beside a figure of estimates or of differences between the arms, as released.",
    (
        column("label", TEXT, "the estimate in words"),
        column("event_time", WHOLE, "periods since the start", statistic="place"),
        column("estimate", NUMBER, "the point estimate, in unit", statistic="estimate"),
        column("ci_low", NUMBER, "lower end of its interval", statistic="interval"),
        column("ci_high", NUMBER, "upper end", statistic="interval"),
        column(
            "delta",
            NUMBER,
            "what is added to values that were imputed for an arm, in unit",
            statistic="declared",
        ),
        column(
            "estimate_is_zero_at",
            NUMBER,
            "the delta at which the estimate is nothing",
            statistic="estimate",
        ),
        column(
            "interval_reaches_zero_at",
            NUMBER,
            "the nearest delta at which its interval holds zero; blank = none",
            statistic="estimate",
        ),
        column("band_low", NUMBER, "lower end of the simultaneous band", statistic="interval"),
        column("band_high", NUMBER, "upper end", statistic="interval"),
        column(
            "margin",
            NUMBER,
            "smallest difference that matters, in unit",
            statistic="declared",
        ),
        column("unit", TEXT, "unit of estimate, interval and margin"),
    ),
)

WEIGHTS = Table(
    "weights",
    "Weights of a synthetic comparison beside their figure, as released; practices by rank.",
    (
        column("start", TEXT, "the start whose comparison it is", required=True),
        column("weight_of", TEXT, "period or practice", required=True),
        column("label", TEXT, "the period, or the practice's rank by weight", required=True),
        column("share", NUMBER, "its share of the weight, 0 to 1", statistic="share"),
    ),
    key=("start", "weight_of", "label"),
)

CHECKS = Table(
    "checks",
    "The checks of whether the answer can be believed, judged together: each with the measure that "
    "leaves the largest difference possible.",
    (
        column("check", TEXT, "its name", required=True),
        column("question", TEXT, "what it asks", required=True),
        column("state", TEXT, "supports, speaks against or cannot tell", required=True),
        column("measure", TEXT, "the difference that ought to be nothing"),
        column(
            "n_measures", WHOLE, "how many of them, such as placebo dates", statistic="declared"
        ),
        column("estimate", NUMBER, "its size, in unit", statistic="estimate"),
        column(
            "ci_low",
            NUMBER,
            "lower end of its interval, at the level of its analysis",
            statistic="interval",
        ),
        column("ci_high", NUMBER, "upper end", statistic="interval"),
        column(
            "harmless",
            NUMBER,
            "both ends must lie within plus and minus this to support; blank = not declared",
            statistic="estimate",
        ),
        column("harmless_reason", TEXT, "where that comes from"),
        column("unit", TEXT, "unit of estimate, interval and harmless"),
        column(
            "p_value",
            NUMBER,
            "joint over the check's measures, else Bonferroni",
            statistic="p_value",
        ),
        column(
            "p_adjusted", NUMBER, "Holm over all checks; against below 0.05", statistic="p_value"
        ),
    ),
    key=("check",),
)

CHECKLISTS = Table(
    "checklists",
    "Items of the reporting guidelines, each with the sentence that answers it.",
    (
        column("checklist", TEXT, "the guideline", required=True),
        column("item", TEXT, "the item's number", required=True),
        column("asks", TEXT, "what it asks, in our own words", required=True),
        column("answer", TEXT, "what the run or the authors say, or not stated", required=True),
        column("reference", TEXT, "where the guideline was published", required=True),
    ),
    key=("checklist", "item"),
)

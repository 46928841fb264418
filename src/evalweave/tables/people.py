"""Tables of the people: cohort, panel and how alike the arms are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalweave.tables.contract import DATE, NUMBER, TEXT, TRUTH, WHOLE

if TYPE_CHECKING:
    pass
from evalweave.tables.contract import Table, column

# `cohort` has one more column per outcome, `baseline_<outcome>`: its value in the days before the
# index date.
COHORT = Table(
    "cohort",
    "One row an eligible patient, everything fixed at the index date; one more column "
    "`baseline_<outcome>` an outcome.",
    (
        column("patient_id", TEXT, "the patient", required=True),
        column("practice_id", TEXT, "the practice at the index date", required=True),
        column(
            "arm", TEXT, "programme or comparison, by the practice at the index date", required=True
        ),
        column(
            "index_date", DATE, "the index date: declared, or the day of entry into an open cohort"
        ),
        column("programme_start", DATE, "the practice's programme start; blank = never"),
        column("first_treated", WHOLE, "the period that contains programme_start; blank = never"),
        column("sex", TEXT, "female, male or unknown"),
        column(
            "age", WHOLE, "age at the index date, from the middle of the birth year", unit="years"
        ),
        column("ethnicity", TEXT, "as recorded; unknown is its own level"),
        column("white", WHOLE, "1 = White, 0 = any other group; blank = unknown"),
        column("imd_quintile", WHOLE, "1 = most deprived; blank = unknown"),
        column("n_conditions", WHOLE, "additional long-term conditions at the index date"),
        column(
            "fewer_conditions", WHOLE, "1 = no more additional conditions than the median, 0 = more"
        ),
        column("diagnosed_on", DATE, "the day on which all conditions of eligibility first held"),
        column(
            "incident",
            WHOLE,
            "1 = newly diagnosed at the index date, 0 = prevalent; blank without conditions",
        ),
        column(
            "followed_from",
            DATE,
            "first day of follow-up in an open cohort; blank = the window's first day",
        ),
        column(
            "censored_on",
            DATE,
            "last day of follow-up: death, end of registration, move, last collection",
        ),
    ),
    key=("patient_id",),
)

MEMBERSHIP = Table(
    "membership",
    "Which patients stand in which arm of which comparison; groups may overlap.",
    (
        column("comparison", TEXT, "the comparison's name in the study file", required=True),
        column("patient_id", TEXT, "the patient", required=True),
        column("arm", TEXT, "programme or comparison", required=True),
        column("weight", NUMBER, "balancing weight; 1 where none was asked for", required=True),
    ),
    key=("comparison", "patient_id"),
)

# `panel` has one more column per outcome (its name, the mean in the outcome's unit) and one
# `n_<outcome>`.
PANEL = Table(
    "panel",
    "One row a patient and period in which at least one outcome was measured; one column per "
    "outcome.",
    (
        column("patient_id", TEXT, "the patient", required=True),
        column("practice_id", TEXT, "the practice at the index date", required=True),
        column(
            "period",
            WHOLE,
            "consecutive integers; 2015 is the financial year 2015/16",
            required=True,
        ),
        column("first_treated", WHOLE, "the period that contains programme_start; blank = never"),
        column("weight", NUMBER, "balancing weight", required=True),
    ),
    key=("patient_id", "period"),
)

TRENDS = Table(
    "trends",
    "Raw means by arm and period, before any model.",
    (
        column("comparison", TEXT, "the comparison", required=True),
        column("outcome", TEXT, "the outcome", required=True),
        column("arm", TEXT, "programme or comparison", required=True),
        column("period", WHOLE, "the period", required=True, statistic="place"),
        column(
            "period_label", TEXT, "the period as people write it, such as 2015/16", required=True
        ),
        column(
            "mean",
            NUMBER,
            "mean of the patients' period values, in the outcome's unit",
            statistic="mean",
        ),
        column("sd", NUMBER, "standard deviation of the same", statistic="deviation"),
        column(
            "ci_low",
            NUMBER,
            "lower end of the mean's 95 % interval, clustered by practice; blank with one practice",
            statistic="interval",
        ),
        column("ci_high", NUMBER, "upper end", statistic="interval"),
        column(
            "n_patients", WHOLE, "patients measured in the period", required=True, counts="patients"
        ),
        column("n_eligible", WHOLE, "patients in follow-up in the period", counts="patients"),
        column("n_practices", WHOLE, "practices with a measured patient", counts="practices"),
        column(
            "n_past",
            WHOLE,
            "of the measured, those with a value in an earlier period; blank in the first one, and "
            "of a threshold, a count or a cost",
            counts="patients",
        ),
        column("past_mean", NUMBER, "mean of their last earlier period values", statistic="mean"),
        column("past_sd", NUMBER, "standard deviation of the same", statistic="deviation"),
    ),
    key=("comparison", "outcome", "arm", "period"),
)

DEATHS = Table(
    "deaths",
    "Deaths that ended follow-up, by arm and period.",
    (
        column("comparison", TEXT, "the comparison", required=True),
        column("arm", TEXT, "programme or comparison", required=True),
        column("period", WHOLE, "the period", required=True, statistic="place"),
        column(
            "period_label", TEXT, "the period as people write it, such as 2015/16", required=True
        ),
        column(
            "n_followed",
            WHOLE,
            "patients in follow-up in the period",
            required=True,
            counts="patients",
        ),
        column("n_died", WHOLE, "of these, those who died in it", required=True, counts="patients"),
    ),
    key=("comparison", "arm", "period"),
)

BASELINE = Table(
    "baseline",
    "Who the arms were at the index date, with standardised mean differences.",
    (
        column("comparison", TEXT, "the comparison", required=True),
        column("variable", TEXT, "the characteristic", required=True),
        column("category", TEXT, "its level; blank for a mean"),
        column("statistic", TEXT, "n, percent or mean_sd", required=True),
        column(
            "programme",
            NUMBER,
            "value in the programme arm (mean, or count of patients)",
            statistic="mean",
        ),
        column("programme_sd", NUMBER, "standard deviation, for means", statistic="deviation"),
        column("programme_n", WHOLE, "patients it rests on", counts="patients"),
        column("comparison_value", NUMBER, "value in the comparison arm", statistic="mean"),
        column("comparison_sd", NUMBER, "standard deviation, for means", statistic="deviation"),
        column("comparison_n", WHOLE, "patients it rests on", counts="patients"),
        column(
            "smd",
            NUMBER,
            "standardised mean difference (difference over the pooled standard deviation)",
            statistic="difference",
        ),
    ),
    key=("comparison", "variable", "category"),
)

INCIDENCE = Table(
    "incidence",
    "New cases by arm and period: a programme that finds cases earlier would change who is "
    "compared.",
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
            "people of the age range, registered long enough (look_back_days) on its first day, "
            "without the conditions",
            required=True,
            counts="patients",
        ),
        column(
            "n_incident",
            WHOLE,
            "of these, people in whom the conditions first held in the period",
            required=True,
            counts="patients",
        ),
        column(
            "n_entered",
            WHOLE,
            "people of the cohort whose index date lies in the period",
            required=True,
            counts="patients",
        ),
        column(
            "n_entered_incident",
            WHOLE,
            "of these, newly diagnosed",
            required=True,
            counts="patients",
        ),
    ),
    key=("arm", "period"),
)

BALANCE = Table(
    "balance",
    "How far the arms lie apart before and after weighting; no rows where no comparison asks for "
    "weights.",
    (
        column("comparison", TEXT, "the comparison", required=True),
        column("variable", TEXT, "the characteristic, as in the baseline table", required=True),
        column("category", TEXT, "its level; blank for a mean"),
        column("balanced", TRUTH, "the weights were made to balance it", required=True),
        column(
            "smd_before",
            NUMBER,
            "standardised mean difference before weighting, as in the baseline table",
            statistic="difference",
        ),
        column(
            "smd_after",
            NUMBER,
            "the same with weighted means, over the standard deviation from before",
            statistic="difference",
        ),
        column(
            "effective_comparison_n",
            WHOLE,
            "how many equally weighted comparison patients the weighted ones are worth (Kish)",
            counts="patients",
        ),
    ),
    key=("comparison", "variable", "category"),
)

"""The table of estimates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalweave.tables.contract import NUMBER, TEXT, WHOLE

if TYPE_CHECKING:
    pass
from evalweave.tables.contract import Table, column

ESTIMATES = Table(
    "estimates",
    "One row a term of an analysis under one inference method.",
    (
        column("analysis", TEXT, "the analysis' name in the study file or SPEC", required=True),
        column("estimator", TEXT, "the estimator", required=True),
        column("outcome", TEXT, "the outcome", required=True),
        column(
            "term",
            TEXT,
            "att, event[-3], att_gt[2015,2016], difference[white=1-0], …",
            required=True,
        ),
        column("estimate", NUMBER, "the point estimate, in outcome_unit", statistic="estimate"),
        column("std_error", NUMBER, "its standard error", statistic="error"),
        column(
            "ci_low",
            NUMBER,
            "lower end of the confidence interval; -inf where unbounded",
            statistic="interval",
        ),
        column("ci_high", NUMBER, "upper end; inf where unbounded", statistic="interval"),
        column("p_value", NUMBER, "two-sided p-value of no effect", statistic="p_value"),
        column(
            "dof",
            NUMBER,
            "degrees of freedom of the t distribution used; blank for other methods",
            statistic="dof",
        ),
        column("level", NUMBER, "level of the interval, such as 0.95", statistic="declared"),
        column("outcome_unit", TEXT, "unit of estimate, standard error and interval"),
        column("n_obs", WHOLE, "patient-periods in the estimate", counts="records"),
        column("n_patients", WHOLE, "patients in the estimate", counts="patients"),
        column("n_practices", WHOLE, "practices in the estimate", counts="practices"),
        column("n_practices_treated", WHOLE, "of these, ever treated", counts="practices"),
        column(
            "inference",
            TEXT,
            "an inference method of the analysis, or one that belongs to the estimate itself",
        ),
        column(
            "convention",
            TEXT,
            "small-sample factor, reference distribution and weighting, in words",
        ),
        column("subgroup", TEXT, "the subgroup variable, where there is one"),
        column("comparison", TEXT, "the comparison group's name, where there is one"),
    ),
    key=("analysis", "outcome", "term", "inference", "outcome_unit", "comparison"),
)

COVARIANCE = Table(
    "covariance",
    "One row a pair of terms: the covariance of their estimates by one method, for tests of one's "
    "own. Stays in results/.",
    (
        column("analysis", TEXT, "the analysis (and outcome, of several)", required=True),
        column("inference", TEXT, "the method that the covariance is by", required=True),
        column("term", TEXT, "a term of the analysis", required=True),
        column("with_term", TEXT, "the same or another term", required=True),
        column("covariance", NUMBER, "in the square of the outcome's unit", required=True),
    ),
    key=("analysis", "inference", "term", "with_term"),
)

INFLUENCE = Table(
    "influence",
    "One row a practice and term: what the practice adds to estimate minus truth; the sum of "
    "products over practices is the covariance by cr0. Stays in results/.",
    (
        column("analysis", TEXT, "the analysis (and outcome, of several)", required=True),
        column("term", TEXT, "a term of the analysis", required=True),
        column("practice_id", TEXT, "the practice, or what the errors are by", required=True),
        column("influence", NUMBER, "in the outcome's unit", required=True),
    ),
    key=("analysis", "term", "practice_id"),
)

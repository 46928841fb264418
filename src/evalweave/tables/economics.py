"""Tables of an economic evaluation, which exist only as they are released."""

from __future__ import annotations

from evalweave.tables.contract import NUMBER, TEXT, WHOLE, Table, column

_CURVE = (
    column(
        "threshold", NUMBER, "what a unit of effect is worth, in unit of cost", statistic="declared"
    ),
    column("unit", TEXT, "unit of cost"),
)
_INTERVAL = (
    column("ci_low", NUMBER, "lower end of its practice-level interval", statistic="interval"),
    column("ci_high", NUMBER, "upper end", statistic="interval"),
)

ECONOMICS = Table(
    "economics",
    "What the programme costs against what it does: effect, costs, their ratio and net benefit, by "
    "scenario and by level, with practice-level intervals.",
    (
        column("scenario", TEXT, "main, or the scenario's name", required=True),
        column("changes", TEXT, "what the scenario assumes otherwise"),
        column(
            "item",
            TEXT,
            "effect, cost of care, of which …, programme, cost (in all), ratio, net benefit",
            required=True,
        ),
        column(
            "threshold",
            NUMBER,
            "what a unit of effect is worth, of a net benefit",
            statistic="declared",
        ),
        column("subgroup", TEXT, "the column whose levels are told apart, where there is one"),
        column("subgroup_level", TEXT, "the level, or the last less the first"),
        column("unit", TEXT, "unit of estimate, error and interval"),
        column("estimate", NUMBER, "a treated person and period", statistic="estimate"),
        column("std_error", NUMBER, "its jackknife error over practices", statistic="error"),
        *_INTERVAL,
        column(
            "form",
            TEXT,
            "of a ratio: interval; outside = all but from ci_low to ci_high; everything = any",
        ),
        column(
            "probability",
            NUMBER,
            "that the net benefit is above zero, by t(G − 1)",
            statistic="probability",
        ),
        column(
            "evpi",
            NUMBER,
            "expected value of perfect information, of a net benefit, in unit",
            statistic="estimate",
        ),
        column("n_practices", WHOLE, "practices in the estimate", counts="practices"),
    ),
    key=("scenario", "item", "threshold", "subgroup", "subgroup_level"),
)

NET_BENEFIT = Table(
    "net_benefit",
    "Net benefit by what a unit of effect is worth, as its figure shows it.",
    (
        *_CURVE,
        column("net_benefit", NUMBER, "a treated person and period", statistic="estimate"),
        *_INTERVAL,
    ),
    key=("threshold",),
)

ACCEPTABILITY = Table(
    "acceptability",
    "Probability that the programme is worth its cost by what a unit of effect is worth.",
    (
        *_CURVE,
        column("acceptability", NUMBER, "by t(G − 1)", statistic="probability"),
        column(
            "acceptability_bootstrap",
            NUMBER,
            "by a bootstrap over practices",
            statistic="probability",
        ),
    ),
    key=("threshold",),
)

PLANE = Table(
    "plane",
    "The cost-effectiveness plane: the estimate (place 0) and the borders of joint regions.",
    (
        column("region", NUMBER, "level of the region; blank = the estimate", statistic="declared"),
        column("place", WHOLE, "place along the border", statistic="place"),
        column("effect", NUMBER, "effect, more is better", statistic="estimate"),
        column("cost", NUMBER, "cost in all", statistic="estimate"),
    ),
    key=("region", "place"),
)

"""Everything the report is written from, read-only, and the few ways of looking something up in
it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import pandas as pd
from markupsafe import Markup

from evalweave.catalogue.calls import expanded
from evalweave.catalogue.estimators import ESTIMATORS
from evalweave.quantities import (
    PERCENTAGE_POINTS,
    Quantity,
    convert_difference,
    unit_of_differences,
)
from evalweave.release import baseline, incidence, measured, precision, withheld
from evalweave.release import economics as valuing
from evalweave.release.disclosure import HIDDEN, Profile, Released
from evalweave.release.numbers import missing
from evalweave.release.register import Release
from evalweave.report.rows import STATISTICS, row_of
from evalweave.report.rows import Row as Row
from evalweave.study.analyses import Analysis, role_of
from evalweave.study.outcomes import Outcome
from evalweave.study.periods import period_number
from evalweave.study.whole import Study
from evalweave.tables.people import TRENDS

Made = TypeVar("Made")
ARMS = ("programme", "comparison")
WITHHELD = "withheld: it rests on too few people"


@dataclass(frozen=True)
class ReportData:
    """Results of one study as tables (`tables.py` contracts); a strand that was not part of it is
    None. `trends` by comparison; `ledger` of all stages in their order; `diagnostics` by analysis;
    `joint_detail` by claim; `starts` more than one in a staggered roll-out; `truth` only of
    simulated data.
    """

    study: Study
    profile: Profile
    estimates: pd.DataFrame
    diagnostics: Mapping[str, Any] = field(default_factory=dict)
    holm: pd.DataFrame | None = None
    trends: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    baseline: pd.DataFrame | None = None
    balance: pd.DataFrame | None = None
    deaths: pd.DataFrame | None = None  # in the primary comparison
    incidence: pd.DataFrame | None = None
    ledger: pd.DataFrame | None = None
    codelists: pd.DataFrame | None = None
    themes: pd.DataFrame | None = None
    theme_counts: pd.DataFrame | None = None
    fieldwork: pd.DataFrame | None = None
    agreement: pd.DataFrame | None = None
    gaps: pd.DataFrame | None = None
    theme_numbers: pd.DataFrame | None = None
    saturation: pd.DataFrame | None = None
    import_log: pd.DataFrame | None = None
    joint: pd.DataFrame | None = None
    quotes: pd.DataFrame | None = None
    quote_matrix: pd.DataFrame | None = None
    integration: pd.DataFrame | None = None
    joint_detail: Mapping[str, Any] = field(default_factory=dict)
    claims: pd.DataFrame | None = None
    truth: Mapping[str, Any] | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)
    starts: tuple[str, ...] = ()  # distinct programme starts of the table of practices
    intake: Mapping[str, Any] = field(default_factory=dict)  # what came, and what was accepted
    economics: valuing.Valued | None = None  # costs against effects, exact
    levels: pd.DataFrame | None = None  # theme counts with every level of an attribute by its name
    then: tuple[str, ...] = ()  # earlier releases as which people are described
    registered: Release | None = None  # what the register keeps of this report
    undescribed: Mapping[str, str] = field(default_factory=dict)  # comparison → one of nearly the
    # same people, which is described in its place

    # What is declared

    @property
    def primary(self) -> Analysis:
        return self.study.primary_analysis

    @property
    def described(self) -> str:
        """The comparison whose people, flow and trends are shown."""
        return self.primary.comparison or self.study.primary_comparison

    @property
    def outcome(self) -> Outcome:
        return self.study.outcomes[self.primary.outcome]

    def outcome_label(self, name: str | None = None) -> str:
        name = name or self.primary.outcome
        return self.study.outcomes[name].label or name.replace("_", " ")

    def quantity(self, name: str) -> Quantity:
        """Return what an outcome measures, by its declared quantity or else its name."""
        return self.study.outcomes[name].measures(name)

    def analyses(self, role: str) -> list[Analysis]:
        """Return the analyses that the report shows in one place, in the study file's order."""
        return [a for a in self.study.analyses if self.role(a) == role]

    def role(self, analysis: Analysis) -> str:
        """Return where the report shows an analysis; the main result is the primary one, whether
        it is marked or the first."""
        if analysis == self.primary and analysis.role is None:
            return "main"
        return role_of(analysis, self.study.outcomes, self.primary.outcome)

    def comparison_label(self, name: str | None) -> str:
        name = name or self.study.primary_comparison
        group = self.study.comparisons[name]
        label = group.label or name.replace("_", " ")
        return f"{label} (selected; descriptive only)" if group.kind == "not_referred" else label

    @cached_property
    def first_period(self) -> int:
        """The period of the (first) programme start in the window; of the index date where no start
        can be read."""
        window, days = self.study.window, []
        for start in self.starts:
            with suppress(ValueError):
                days.append(dt.date.fromisoformat(start))
        inside = [day for day in days if window.first <= day <= window.last]
        return period_number(min(inside, default=self.study.eligibility.index_date), window.cut)

    # What was found

    def remembered(self, make: Callable[[ReportData], Made]) -> Made:
        """Return what a function makes of these data, made once."""
        if make not in self._made:
            self._made[make] = make(self)
        return self._made[make]

    def remembering(self, tried: ReportData) -> ReportData:
        """Return these data with what was made of the same ones before, under the same rules."""
        if tried.profile is self.profile:
            self._made.update(tried._made)
        return self

    @cached_property
    def _made(self) -> dict[Any, Any]:
        return {}

    def units(self, analysis: str) -> list[str]:
        """Return the units in which the main term of an analysis is reported (a ratio beside it has
        its own); first the one that the study file says, else the one that readers of HbA1c in per
        cent know."""
        rows = self.rows(analysis)
        asked = next(each for each in self.study.analyses if each.name == analysis)
        term = self.main_term(asked)
        main = [row for row in rows if row.term == term]
        main = main or [row for row in rows if row.term.startswith(f"{term}[")]
        names = list(dict.fromkeys(row.unit for row in main or rows))
        first = unit_of_differences(self.study.report.unit or PERCENTAGE_POINTS)
        return sorted(names, key=lambda unit: (unit != first, unit))

    def rows(
        self,
        analysis: str,
        term: str | None = None,
        unit: str | None = None,
        inference: str | None = None,
    ) -> list[Row]:
        """Return the estimates that match, in the order of the table."""
        return [
            row
            for row in self._rows.get(analysis, ())
            if (term is None or row.term == term)
            and (unit is None or row.unit == unit)
            and (inference is None or row.inference == inference)
        ]

    @cached_property
    def _rows(self) -> dict[str, list[Row]]:
        """Rows by analysis: statistics as the profile releases them, counts exact (they are
        released where printed)."""
        released = self.estimates.assign(
            **{name: self.released_estimates[name] for name in STATISTICS}
        )
        by_analysis: dict[str, list[Row]] = {}
        for record in released.to_dict("records"):
            by_analysis.setdefault(str(record["analysis"]), []).append(row_of(record))
        return by_analysis

    @cached_property
    def places(self) -> precision.Places:
        """The decimals of each outcome's mean."""
        return precision.of_study(self.study)

    @cached_property
    def released_estimates(self) -> pd.DataFrame:
        """The estimates as released: what rests on too few people is blank."""
        released = withheld.released_estimates(self.profile, self.estimates, self.diagnostics)
        comparison = released["comparison"].fillna(self.study.primary_comparison)
        counts = released[["n_obs", "n_patients"]]
        hidden = counts.mask(comparison.isin(list(self.undescribed)), HIDDEN)
        return released.assign(**{name: hidden[name] for name in counts})

    @cached_property
    def released_baseline(self) -> pd.DataFrame | None:
        """The baseline table of every comparison as released."""
        exact, rules = self.baseline, self.profile
        return None if exact is None else baseline.released_baseline(rules, exact, self.places)

    @cached_property
    def released_balance(self) -> pd.DataFrame | None:
        """The balance table as released; None where nothing was weighted."""
        if self.balance is None or self.balance.empty or self.baseline is None:
            return None
        return baseline.released_balance(self.profile, self.balance, self.baseline, self.places)

    @cached_property
    def released_incidence(self) -> pd.DataFrame | None:
        """New cases by arm and period as released; None where eligibility asks for no condition."""
        if self.incidence is None or self.incidence.empty:
            return None
        return incidence.released(self.profile, self.incidence, self.study.eligibility)

    @cached_property
    def released_economics(self) -> valuing.Valued | None:
        """Costs against effects as released; None where the study asks for none."""
        return None if self.economics is None else valuing.released(self.profile, self.economics)

    @cached_property
    def released_trends(self) -> pd.DataFrame | None:
        """The raw means of the primary outcome in the primary comparison as released."""
        trends = self.trends.get(self.described)
        if trends is None:
            return None
        mine = (trends["outcome"] == self.primary.outcome) & trends["arm"].isin(ARMS)
        return self.profile.count_frame(measured.without_past(trends[mine]), TRENDS)

    @cached_property
    def panel_sums(self) -> dict[tuple[str, str, str, str], int]:
        """Exact sums of the panel's ledger by outcome, unit, entry and arm; a line without outcome
        is of the primary one."""
        if self.ledger is None:
            return {}
        lines = self.ledger[self.ledger["stage"] == "panel"]
        lines = lines.assign(
            outcome=lines["outcome"].fillna(self.primary.outcome), arm=lines["arm"].fillna("")
        )
        sums = lines.groupby(["outcome", "unit", "entry", "arm"])["n"].sum()
        return {(str(a), str(b), str(c), str(d)): int(n) for (a, b, c, d), n in sums.items()}

    @cached_property
    def released_joint(self) -> pd.DataFrame | None:
        """The joint display without what estimates say that are withheld; counts still exact."""
        if self.joint is None:
            return None
        gone = self.released_estimates["estimate"].isna() & self.estimates["estimate"].notna()
        keys = ["analysis", "term", "outcome_unit"]
        withheld = set(self.estimates.loc[gone, keys].itertuples(index=False, name=None))
        rows = pd.Series(
            [key in withheld for key in self.joint[keys].itertuples(index=False, name=None)],
            index=self.joint.index,
        )
        joint = self.joint.copy()
        for name in (*STATISTICS, "family_ci_low", "family_ci_high", "label_stability"):
            if name in joint:
                joint[name] = joint[name].mask(rows)
        joint["quantitative_detail"] = joint["quantitative_detail"].mask(rows, WITHHELD)
        joint["quantitative_state"] = joint["quantitative_state"].mask(rows, "X")
        joint["label"] = joint["label"].mask(rows & joint["label"].notna(), "withheld")
        return joint

    def row(
        self, analysis: Analysis, term: str, unit: str | None = None, inference: str | None = None
    ) -> Row | None:
        """Return one estimate under the declared primary inference (or another); None where there
        is none."""
        matching = self.rows(
            analysis.name, term, unit, inference or primary_inference(self, analysis)
        )
        return next((row for row in matching if not missing(row.estimate)), None)

    def counted(self, row: Row, name: str, of: str) -> Markup:
        """Return a count of an estimate as `estimates.csv` has it, marked for the audit."""
        words = self._released_counts[row.analysis, row.term, row.unit, row.inference][name]
        value = int(words) if words.isdigit() else None
        return self.profile.mark_released(Released(words, value, words == HIDDEN), of)

    @cached_property
    def _released_counts(self) -> dict[tuple[str, ...], dict[str, str]]:
        """Counts as released, by analysis, term, unit and inference."""
        keys = ["analysis", "term", "outcome_unit", "inference"]
        frame = self.released_estimates
        counts = frame[[name for name in frame if str(name).startswith("n_")]]
        texts = counts.astype("string").fillna("").to_dict("records")
        places = frame[keys].astype(str).itertuples(index=False, name=None)
        return {
            key: {str(k): str(v) for k, v in t.items()}
            for key, t in zip(places, texts, strict=True)
        }

    def main_term(self, analysis: Analysis) -> str:
        """Return the term that stands for the whole analysis: att, or an average over event
        times."""
        have = {row.term for row in self.rows(analysis.name)}
        summary = [
            term.format(**analysis.model_dump()) for term in ESTIMATORS[analysis.estimator].summary
        ]
        return next((term for term in summary if term in have), summary[0])

    def main(self, unit: str | None = None) -> Row | None:
        """Return the main result in a unit (the first one when none is given)."""
        units = self.units(self.primary.name)
        if not units:
            return None
        return self.row(self.primary, self.main_term(self.primary), unit or units[0])

    def margin(self, unit: str) -> float | None:
        """Return the smallest difference that matters in `unit`, converted like the estimates
        were."""
        margin = self.study.report.margin
        if margin is None or unit == self.outcome.difference_unit:
            return margin
        ratio = self.ratio(unit)
        return None if ratio is None else margin * ratio

    def margin_of(self, outcome: str, unit: str) -> float | None:
        """Return the smallest difference of any outcome that matters, as declared with it."""
        margin, ratio = self.study.outcomes[outcome].margin, self.ratio(unit, outcome)
        return None if margin is None or ratio is None else margin * ratio

    def ratio(self, unit: str, outcome: str | None = None) -> float | None:
        """Return how many `unit` a difference of one unit of the outcome is; None where it cannot
        be converted."""
        name = outcome or self.primary.outcome
        measured = self.study.outcomes[name]
        if unit == measured.difference_unit:
            return 1.0
        quantity = self.quantity(name)
        for other in quantity.units:
            if unit_of_differences(other.name) == unit:
                return float(convert_difference(1.0, quantity, measured.unit, other.name))
        return None

    @cached_property
    def withheld(self) -> frozenset[str]:
        """The analyses of which the profile shows no estimate although there are some."""
        exact, shown = (t["estimate"].notna() for t in (self.estimates, self.released_estimates))
        names = self.estimates["analysis"].astype(str)
        return frozenset(names[exact]) - frozenset(names[shown])

    def diagnostic(self, analysis: str, name: str) -> Any:
        """Return one diagnostic of an analysis; None where it was not computed or, since it would
        tell what the profile withholds, may not be shown."""
        if analysis in self.withheld:
            return {"every term": WITHHELD} if name == "absent" else None
        entry = self.diagnostics.get(analysis) or {}
        return entry.get(name) if isinstance(entry, Mapping) else None


def primary_inference(data: ReportData, analysis: Analysis) -> str:
    """Return the declared first inference method, or the first that the fit could give."""
    have = list(dict.fromkeys(row.inference for row in data.rows(analysis.name)))
    declared = expanded(analysis.estimator, analysis.inference)
    return next((name for name in declared if name in have), have[0] if have else "")


def methods_used(data: ReportData, analysis: Analysis) -> list[str]:
    """Return the inference methods of an analysis; of what `auto` may stand for, those that gave
    its rows."""
    have = {row.inference for row in data.rows(analysis.name)}
    return [
        name
        for name in expanded(analysis.estimator, analysis.inference)
        if name in analysis.inference or name in have
    ]

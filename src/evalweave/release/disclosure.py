"""Disclosure control: the one formatter through which a count leaves results/ for reports/.

A profile says which counts of patients and records are hidden and to what they are rounded. Numbers
of practices are exact; counts of interview participants follow `qualitative.min_cell`; counts of
references and sources are exact and hide with the participants beside them. Statistics that rest on
a hidden count are blank.

k of N participants hides when k is small and likewise when N − k is: 4 of 5 would say of one person
whom the others know that they kept silent. 0 of N and N of N stay: they say the same of everybody
and single nobody out.

    profile      hidden           rounded to   also
    nhs_england  1 to 7           5            0 stays; rates from rounded counts; `rounding`
    opensafely   0 to 7           5            a total is the sum of the rounded cells
    sacro        0 to 9           (exact)      fits with fewer than 10 residual degrees of freedom
    are withheld none         nothing          (exact)      for made-up data and secure settings

Sources: NHS England, Hospital Episode Statistics analysis guide (suppression and rounding);
OpenSAFELY output checking rules (redact at 7 or less, round to 5); SACRO and its ACRO defaults
(threshold 10, 10 degrees of freedom, zeros are disclosive).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import pandas as pd
from markupsafe import Markup

from evalweave.errors import StudyError, nearest
from evalweave.release.suppression import suppress_secondary, total_is_safe
from evalweave.tables.contract import Column, Table

HIDDEN = "*"
PATIENTS, RECORDS, PRACTICES, PARTICIPANTS = "patients", "records", "practices", "participants"
EXACT = (PRACTICES, "references", "sources")
KINDS = (PATIENTS, RECORDS, PARTICIPANTS, *EXACT)
_DATA = Markup('<data class="count" data-counts="{}" value="{}">{}</data>')

# Statistics of a table that say something about the people counted in another column of the same
# row.
RESTS_ON: dict[str, dict[str, tuple[str, ...]]] = {
    "trends": {"n_patients": ("mean", "sd", "ci_low", "ci_high")},
    "measured": {"n_past": ("past_mean", "past_sd")},
    "death_rates": {"n_followed": ("n_died", "rate_per_1000"), "n_died": ("rate_per_1000",)},
    "baseline": {
        "programme_n": ("programme", "programme_sd"),
        "comparison_n": ("comparison_value", "comparison_sd"),
    },
    "balance": {"effective_comparison_n": ("smd_after",)},
    "estimates": {
        "n_patients": ("estimate", "std_error", "ci_low", "ci_high", "p_value", "dof"),
        "n_obs": ("estimate", "std_error", "ci_low", "ci_high", "p_value", "dof"),
    },
    "incidence_rates": {
        "n_at_risk": ("n_incident", "rate_per_1000"),
        "n_incident": ("rate_per_1000",),
        "n_entered": ("n_entered_incident",),
    },
    "theme_counts": {
        "n_eligible": ("n_participants",),
        "n_participants": ("n_references", "n_sources"),
    },
    "joint_display": {"n_eligible": ("n_raised", "n_supports", "n_contradicts", "minimum")},
}

# Statistics that rest on a larger count, hidden only so that another does not follow, stay.
STAYS = ("trends", "measured", "estimates", "balance")

# Counts of people that are a part of those counted in another column of the same row: a small rest
# hides as well.
PART_OF: dict[str, dict[str, str]] = {
    "theme_counts": {"n_participants": "n_eligible"},
    "incidence_rates": {"n_incident": "n_at_risk", "n_entered_incident": "n_entered"},
    "death_rates": {"n_died": "n_followed"},
    "joint_display": dict.fromkeys(("n_raised", "n_supports", "n_contradicts"), "n_eligible"),
}

# Rows of a table that add up to a published total, per counting column.
ADDS_UP: dict[str, dict[str, list[list[str]]]] = {
    "ledger": {"n": [["stage", "unit", "arm", "period"]]},
    "incidence_rates": {"n_entered": [["arm"]]},
    "theme_counts": {
        "n_participants": [["theme_id", "code_id", "role", "attribute"]],
        "n_eligible": [["theme_id", "code_id", "role", "attribute"]],
    },
}


@dataclass(frozen=True)
class Released:
    """A count as it may be printed: `text` for tables (`4750`, `0`, `*`), `value` blank when
    suppressed."""

    text: str
    value: int | None
    suppressed: bool

    @property
    def shown(self) -> str:
        """The count for prose, with a thousands separator."""
        return self.text if self.value is None else f"{self.value:,}"


@dataclass(frozen=True)
class Profile:
    """The rules of one disclosure profile.

    Counts of patients and records from `low` to `high` are hidden (nothing when `high` < `low`),
    others rounded to the nearest `base`. `min_dof`: residual degrees of freedom below which a fit
    is withheld. `chosen`: counts that go to the other multiple beside them, so that what is shown
    adds up (`rounding`). `withheld`: larger counts of patients and records, and `cells`: counts of
    participants (table, key, column), that are hidden so that no hidden one follows (`protect`).
    """

    name: str
    low: int
    high: int
    base: int = 1
    min_dof: int = 0
    totals_from_cells: bool = False
    min_cell: int = 3
    note: str = ""
    chosen: Mapping[int, int] = field(default_factory=dict, hash=False)
    withheld: frozenset[int] = frozenset()
    cells: frozenset[tuple[str, ...]] = frozenset()

    @property
    def exact(self) -> bool:
        """Does everything leave as it is?"""
        return self.high < self.low and self.base == 1

    def count(self, n: float | None, of: str = PATIENTS) -> Released:
        """Return a count as it may be released; a blank count stays blank."""
        known(of)
        if n is None or pd.isna(n):
            return Released("", None, False)
        n = int(n)
        if self.withholds(n, of):
            return Released(HIDDEN, None, True)
        value = (
            n if of == PARTICIPANTS or of in EXACT else self.chosen.get(n, rounded(n, self.base))
        )
        return Released(str(value), value, False)

    def hides(self, n: float, of: str = PATIENTS) -> bool:
        """Is a count too small to be shown?"""
        if of in EXACT:
            return False
        if of == PARTICIPANTS:
            return 0 < n < self.min_cell
        return self.low <= n <= self.high

    def withholds(self, n: float, of: str = PATIENTS) -> bool:
        """Is a count hidden, because it is small or because a small one would follow from it?"""
        return self.hides(n, of) or (of in (PATIENTS, RECORDS) and n in self.withheld)

    def hides_rest(self, part: Any, whole: Any, of: str = PARTICIPANTS) -> bool:
        """Are those who are not part of `part` too few to be shown?"""
        return bool(pd.notna(part) and pd.notna(whole) and self.hides(int(whole) - int(part), of))

    @property
    def voices_note(self) -> str:
        """What a star stands for among counts of participants."""
        few = f"fewer than {self.min_cell}"
        return f"{few}, all but {few}, or hidden so that none can be worked out"

    def total(self, cells: Iterable[float], of: str = PATIENTS) -> Released:
        """Return the total of a published group: of the released cells (opensafely), else of the
        exact ones.

        It is hidden when it is small, and when all that it adds up is hidden and would follow from
        it.
        """
        listed = [int(n) for n in cells if not pd.isna(n)]
        if self.totals_from_cells and of in (PATIENTS, RECORDS):
            value = sum(self.count(n, of).value or 0 for n in listed)
            return Released(str(value), value, False) if value else Released(HIDDEN, None, True)
        low, high, slack = self._bounds(of)
        safe = total_is_safe(listed, [self.hides(n, of) for n in listed], low, high, slack)
        return self.count(sum(listed), of) if safe else Released(HIDDEN, None, True)

    def _bounds(self, of: str) -> tuple[int, int, int]:
        """Return what a reader knows: the smallest and largest hidden count, and how far a shown
        one may be off."""
        if of == PARTICIPANTS:
            return 1, self.min_cell - 1, 0
        return self.low, self.high, (self.base - 1) // 2

    def rate(self, part: float, whole: float, of: str = PATIENTS) -> float | None:
        """Return part / whole from released counts; None where either is hidden or the whole is
        0."""
        top, below = self.count(part, of), self.count(whole, of)
        return top.value / below.value if top.value is not None and below.value else None

    def hidden(
        self,
        frame: pd.DataFrame,
        column: str,
        of: str,
        groups: Sequence[Sequence[str]] = (),
        whole: str | None = None,
    ) -> pd.Series:
        """Return which cells of a counting column are hidden, with secondary suppression within
        `groups`.

        `whole` is the column of those of whom a count is a part: a small rest hides as well.
        """
        primary = frame[column].map(lambda n: bool(pd.notna(n) and self.hides(n, of))).astype(bool)
        rest = frame[column].map(lambda n: bool(pd.notna(n) and self.withholds(n, of)))
        rest = rest.astype(bool) & ~primary
        if whole is not None and whole in frame:
            pairs = zip(frame[column], frame[whole], strict=True)
            rest |= pd.Series(
                [self.hides_rest(*pair, of) for pair in pairs], index=frame.index, dtype=bool
            )
        if not groups or of in EXACT or not (primary | rest).any():
            return primary | rest
        if self.totals_from_cells and of in (PATIENTS, RECORDS):
            return primary | rest  # a total of released cells says nothing about the hidden ones
        low, high, slack = self._bounds(of)
        return suppress_secondary(
            frame, groups, column, primary, low=low, high=high, slack=slack, also=rest
        )

    def count_frame(
        self,
        frame: pd.DataFrame,
        table: Table,
        groups: Mapping[str, Sequence[Sequence[str]]] | None = None,
    ) -> pd.DataFrame:
        """Return `frame` with each counting column as released text and what rests on a hidden
        count blank.

        `groups` says per counting column which rows add up to a published total (default:
        `ADDS_UP`). A row of a table with a `unit` column that says practices is exact.
        """
        groups = ADDS_UP.get(table.name, {}) if groups is None else groups
        counting = [c for c in table.columns if c.counts and c.name in frame]
        parts = PART_OF.get(table.name, {})
        hidden = {
            c.name: self._hidden_rows(frame, c, groups.get(c.name, ()), parts.get(c.name))
            | self._chosen(frame, table, c.name)
            for c in counting
        }
        blank: dict[str, pd.Series] = {}
        for column, resting in RESTS_ON.get(table.name, {}).items():
            if column not in hidden:
                continue
            for name in (name for name in resting if name in frame):
                target = hidden if name in hidden else blank
                rows = hidden[column]
                if table.name in STAYS:
                    rows = rows & self._small(frame, table.column(column))
                target[name] = rows | target.get(name, nowhere(frame))
        released = frame.copy()
        for counted in counting:
            released[counted.name] = self._text(frame, counted, hidden[counted.name])
        for name, rows in blank.items():
            released[name] = released[name].mask(rows)
        return released

    def _hidden_rows(
        self,
        frame: pd.DataFrame,
        column: Column,
        groups: Sequence[Sequence[str]],
        whole: str | None,
    ) -> pd.Series:
        hidden = self.hidden(frame, column.name, column.counts, groups, whole)
        return hidden & ~_practice_rows(frame, column)

    def _chosen(self, frame: pd.DataFrame, table: Table, column: str) -> pd.Series:
        """Return which cells of a table are hidden one by one."""
        if not any(cell[0] == table.name and cell[-1] == column for cell in self.cells):
            return nowhere(frame)
        keys = frame[list(table.key)].astype("string").fillna("")
        lines = keys.itertuples(index=False, name=None)
        return pd.Series(
            [(table.name, *line, column) in self.cells for line in lines],
            index=frame.index,
            dtype=bool,
        )

    def _small(self, frame: pd.DataFrame, column: Column) -> pd.Series:
        return (
            frame[column.name]
            .map(lambda n: bool(pd.notna(n) and self.hides(n, column.counts)))
            .astype(bool)
        )

    def _text(self, frame: pd.DataFrame, column: Column, hidden: pd.Series) -> pd.Series:
        exact = _practice_rows(frame, column)
        cells = [
            HIDDEN if hide else self.count(n, PRACTICES if practice else column.counts).text
            for n, hide, practice in zip(frame[column.name], hidden, exact, strict=True)
        ]
        return pd.Series(cells, index=frame.index, dtype="string")

    def mark(self, n: float | None, of: str = PATIENTS) -> Markup:
        """Return a count as HTML that the audit recognises: <data class="count" data-counts=…
        value=…>."""
        return self.mark_released(self.count(n, of), of)

    def mark_released(self, count: Released, of: str = PATIENTS) -> Markup:
        """Mark a count that was released before (a total, a secondarily suppressed cell)."""
        known(of)
        return _DATA.format(of, count.text, count.shown)

    def about(self, n: float | None, of: str = PATIENTS) -> Markup:
        """Return a count for a sentence: "about 4,750" where it is rounded, "1 to 7" where it is
        hidden."""
        count = self.count(n, of)
        if count.suppressed:
            if not self.hides(int(n or 0), of):
                return self.mark_released(count, of)
            low, high = (1, self.min_cell - 1) if of == PARTICIPANTS else (self.low, self.high)
            words = f"{low} to {high}" if low else f"fewer than {high + 1}"
            return _DATA.format(of, HIDDEN, words)
        about = "about " if self.base > 1 and of in (PATIENTS, RECORDS) and count.value else ""
        return Markup(about) + self.mark_released(count, of)


PROFILES = {
    profile.name: profile
    for profile in (
        Profile(
            "nhs_england",
            1,
            7,
            5,
            note="Counts of 1 to 7 are shown as *, others rounded to the nearest 5, a few to "
            "the other multiple of 5 beside them so that parts add up to their total.",
        ),
        Profile(
            "opensafely",
            0,
            7,
            5,
            totals_from_cells=True,
            note="Counts up to 7 are shown as *, others rounded to the nearest 5, a few to "
            "the other multiple of 5 beside them so that parts add up; totals are sums of "
            "rounded cells.",
        ),
        Profile("sacro", 0, 9, min_dof=10, note="Counts below 10 are shown as *."),
        Profile("none", 1, 0, note="Counts are exact: no disclosure control was asked for."),
    )
}


def profile(name: str, min_cell: int = 3) -> Profile:
    """Return a profile by name, with the study's threshold for participants; raise `StudyError` if
    unknown."""
    if name not in PROFILES:
        raise StudyError(f'disclosure: "{name}" is not a profile. {nearest(name, PROFILES)}')
    return replace(PROFILES[name], min_cell=min_cell)


def rounded(n: int, base: int) -> int:
    """Return the multiple of `base` nearest to `n` (halves up)."""
    return int(Fraction(n, base) + Fraction(1, 2)) * base if n >= 0 else -rounded(-n, base)


def known(of: str) -> None:
    """Raise `ValueError` for a kind of count that no profile speaks of (a mistake of ours, not of a
    user)."""
    if of not in KINDS:
        raise ValueError(f"of={of!r}: expected one of {', '.join(KINDS)}")


def _practice_rows(frame: pd.DataFrame, column: Column) -> pd.Series:
    if column.counts in (RECORDS, PATIENTS) and "unit" in frame:
        return (frame["unit"].astype("string") == PRACTICES).fillna(False).astype(bool)
    return nowhere(frame)


def nowhere(frame: pd.DataFrame) -> pd.Series:
    """Return `False` for every row of a table."""
    return pd.Series(False, index=frame.index, dtype=bool)

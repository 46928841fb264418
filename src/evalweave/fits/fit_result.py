"""The estimates of all analyses of a SPEC, and how they print."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from evalweave.errors import DataError, StudyError
from evalweave.fits.result import Fit, Floats
from evalweave.tables.analyses import COVARIANCE, ESTIMATES, INFLUENCE

SHOWN = 40  # rows in a repr
MANY = 10_000  # practices from which their influences are left out: nobody's few practices
FEW = 4  # terms named beside the reason they share

TIPPING = ("estimate_is_zero_at", "interval_reaches_zero_at")


@dataclass(frozen=True)
class FitResult:
    """Estimates of all analyses of a SPEC.

    Attributes:
        rows: one dictionary a term and inference method.
        diagnostics: analysis -> what was done, what is absent and why, and the checks that apply.
        failures: analysis -> the sentence that says why it has no estimate at all.
        fits: analysis -> its `Fit`, for further inference.
        miscalled: analyses whose failure lies in the call (exit code 2) and not in the data.
        covariances: (analysis, method) -> terms (K) and their covariance (K x K).
    """

    rows: list[dict[str, Any]]
    diagnostics: dict[str, dict[str, Any]]
    failures: dict[str, str] = field(default_factory=dict)
    fits: dict[str, Fit] = field(default_factory=dict)
    miscalled: list[str] = field(default_factory=list)
    covariances: dict[tuple[str, str], tuple[tuple[str, ...], Floats]] = field(default_factory=dict)

    def check(self) -> None:
        """Raise `StudyError` or `DataError` with the sentences of all failures, if there are
        any."""
        if self.failures:
            kind = StudyError if self.miscalled else DataError
            raise kind(
                "\n".join(_named(name, sentence) for name, sentence in self.failures.items())
            )

    def tidy(self) -> pd.DataFrame:
        """Return the estimates as a table with the columns of `tables.ESTIMATES`."""
        if not self.rows:
            return ESTIMATES.empty()
        return ESTIMATES.conform(pd.DataFrame(self.rows))

    def covariance(self, analysis: str | None = None, inference: str | None = None) -> pd.DataFrame:
        """Return the covariance of the terms of an analysis by a method, terms by terms; the first
        of each where none is named.

        Raises:
            StudyError: where there is none: bootstraps and randomisation have no covariance.
        """
        for (name, method), (terms, values) in self.covariances.items():
            if analysis in (None, name) and inference in (None, method):
                return pd.DataFrame(values, index=list(terms), columns=list(terms))
        known = ", ".join(f"{name} by {method}" for name, method in self.covariances)
        raise StudyError(f"There is no such covariance. There is: {known or 'none'}.")

    def covariance_rows(self) -> pd.DataFrame:
        """Return every covariance as COVARIANCE, a row for each pair of terms."""
        parts = [
            pd.DataFrame(
                {
                    "analysis": name,
                    "inference": method,
                    "term": np.repeat(terms, len(terms)),
                    "with_term": np.tile(terms, len(terms)),
                    "covariance": values.ravel(),
                }
            )
            for (name, method), (terms, values) in self.covariances.items()
            if terms
        ]
        return (
            COVARIANCE.conform(pd.concat(parts, ignore_index=True))
            if parts
            else (COVARIANCE.empty())
        )

    def delta_rows(self) -> pd.DataFrame:
        """Return the delta adjustments of imputed analyses, a row an arm, period (blank = all from
        the first start on) and delta, with where the estimate and its interval reach zero."""
        rows = [
            {
                "analysis": name,
                "arm": line["arm"],
                "period": line["period"],
                **moved,
                **{key: line[key] for key in ("share_imputed", *TIPPING)},
            }
            for name, entry in self.diagnostics.items()
            for line in entry.get("delta", ())
            for moved in line["moved"]
        ]
        return pd.DataFrame(rows).astype({"period": "Int64"}) if rows else pd.DataFrame()

    def influence_rows(self) -> pd.DataFrame:
        """Return each practice's influence on each term as INFLUENCE; none of analyses with MANY
        practices or more, nor of terms whose influence is not known in every practice."""
        parts = []
        for name, fit in self.fits.items():
            if len(fit.influence) >= MANY:
                continue
            known = np.flatnonzero(np.isfinite(fit.influence).all(axis=0))
            parts += [
                pd.DataFrame(
                    {
                        "analysis": name,
                        "term": fit.terms[k],
                        "practice_id": fit.cluster_names,
                        "influence": fit.influence[:, k],
                    }
                )
                for k in known
            ]
        return (
            INFLUENCE.conform(pd.concat(parts, ignore_index=True)) if parts else (INFLUENCE.empty())
        )

    def __repr__(self) -> str:
        return self.summary()

    def summary(self, shown: int = SHOWN, rest: str = "tidy()", failures: bool = True) -> str:
        """Return the first `shown` estimates, what was said of each analysis, and where the `rest`
        is; without the `failures` where `check` is about to say them."""
        rows = _first(self.rows, shown)
        several = len({row["outcome"] for row in rows}) > 1
        lines = table_lines(
            [
                (
                    f"{row['analysis']}, {row['outcome']}" if several else row["analysis"],
                    row["term"],
                    _number(row["estimate"]),
                    _interval(row),
                    _p(row),
                    row["inference"],
                )
                for row in rows
            ]
        )
        if len(self.rows) > shown:
            lines.append(f"… and {len(self.rows) - shown} more rows in {rest}")
        for name, entry in self.diagnostics.items():
            if "error" not in entry:
                lines += _remarks(name, entry)
        lines += [
            f"{_named(name, f'no estimate. {sentence}')}"
            for name, sentence in self.failures.items()
            if failures
        ]
        return "\n".join(lines) if lines else "no estimates"


def _first(rows: list[dict[str, Any]], shown: int) -> list[dict[str, Any]]:
    """Return the first `shown` rows; where they are more, triple differences and then what stands
    for an analysis come first in each."""
    if len(rows) <= shown:
        return rows
    place: dict[tuple[str, str], int] = {}
    for row in rows:
        place.setdefault((row["analysis"], row["outcome"]), len(place))

    def rank(row: dict[str, Any]) -> tuple[int, int]:
        term = row["term"]
        whole = "[" not in term or "[overall]" in term
        return place[row["analysis"], row["outcome"]], 0 if term == "triple" else 2 - whole

    return sorted(rows, key=rank)[:shown]


def table_lines(rows: list[tuple[str, ...]]) -> list[str]:
    """Return rows of cells as aligned lines, the third cell to the right."""
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))] if rows else []
    return [
        "  ".join(
            cell.rjust(width) if k == 2 else cell.ljust(width)
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _number(value: float) -> str:
    return f"{value:.4g}".replace("-", "−")


def _interval(row: dict[str, Any]) -> str:
    if row["ci_low"] != row["ci_low"]:
        return "no interval"
    return f"{100 * row['level']:g} % CI {_number(row['ci_low'])} to {_number(row['ci_high'])}"


def _p(row: dict[str, Any]) -> str:
    value = row["p_value"]
    if value != value:
        return ""
    return "p < 0.0001" if 0 < value < 0.0001 else f"p = {value:.3g}"


def _remarks(name: str, entry: dict[str, Any]) -> list[str]:
    """Return an analysis's counts, its notes and warnings, and which methods or terms have no
    answer and why."""
    lines = [
        f"{name}: {entry['n_obs']} rows, {entry['n_patients']} patients, {entry['n_practices']} "
        "practices "
        f"({entry['n_practices_treated']} treated)"
    ]
    design = entry.get("design", {}).get("sentence", "")
    remarks = [entry.get("trust", ""), design, *entry["notes"], *grouped(entry["absent"])]
    for method, more in entry["inference"].items():
        remarks += [
            more.get("error", ""),
            more.get("limits", ""),
            *(f"{method}: {text}" for text in grouped(more.get("absent", {}))),
        ]
    return lines + [f"  {sentence}" for sentence in remarks if sentence]


def grouped(absent: dict[str, str]) -> list[str]:
    """Return each reason once, with the terms that have no estimate for it."""
    reasons: dict[str, list[str]] = {}
    for term, reason in absent.items():
        reasons.setdefault(reason, []).append(term)
    return [
        f"no {', '.join(terms[:FEW])}"
        f"{f' and {len(terms) - FEW} more' if len(terms) > FEW else ''}: {reason}"
        for reason, terms in reasons.items()
    ]


def _named(name: str, sentence: str) -> str:
    return sentence if sentence.startswith(f"{name}: ") else f"{name}: {sentence}"

"""Reading a results folder into `ReportData`: what a study did not have stays None."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from evalweave import files
from evalweave.errors import DataError
from evalweave.qualitative.show import plain
from evalweave.release import labels, manifest, precision
from evalweave.release.disclosure import HIDDEN, Profile, profile
from evalweave.release.economics import Valued, collected
from evalweave.release.near import nearly_the_same
from evalweave.release.protect import cell_of, counts, exactly, protect
from evalweave.release.published import Tables, declared
from evalweave.release.register import hidden_before, printed_before
from evalweave.release.software import software
from evalweave.report.data import ReportData
from evalweave.report.history import (
    History,
    contributing,
    diagnostics_then,
    estimates_then,
    history,
    pending,
    place,
    sizes,
)
from evalweave.report.released_tables import as_text
from evalweave.study.whole import Study
from evalweave.tables.analyses import ESTIMATES
from evalweave.tables.contract import TEXT, Table, column
from evalweave.tables.joint import INTEGRATION, JOINT_DISPLAY, QUOTES
from evalweave.tables.people import BALANCE, BASELINE, DEATHS, INCIDENCE, TRENDS
from evalweave.tables.qualitative import (
    AGREEMENT,
    FIELDWORK,
    GAPS,
    IMPORT_LOG,
    SATURATION,
    THEME_COUNTS,
    THEME_NUMBERS,
    THEMES,
)
from evalweave.tables.records import CODELISTS, LEDGER, PRACTICES

VOICES = ("themes", "joint")  # counts of participants, which are not rounded
BY_LEVEL = Table("subgroups", "", (column("level", TEXT, ""), column("subgroup", TEXT, "")))
INGESTED = ("patients", "registrations", "events")


def gather(study: Study, study_file: Path, results: Path) -> ReportData:
    """Return everything that the report is written from.

    Args:
        study: the study, its paths joined on its folder.
        study_file: its file, for the list of inputs.
        results: results/<study>/.

    Raises:
        DataError: there are no estimates.
    """
    estimates = table(results / "estimates" / "estimates.csv", ESTIMATES)
    if estimates is None:
        raise DataError(
            f"{results / 'estimates' / 'estimates.csv'}: there is no such file, so there is "
            "nothing to report. "
            f"Run the study first: evalweave run {study_file}"
        )
    strand = study.qualitative
    rules = profile(study.disclosure, strand.min_cell if strand else 3)
    steps, means = precision.steps(estimates), precision.of_study(study)
    diagnostics = document(results / "estimates" / "diagnostics.json")
    told = described(study, results, rules, estimates, diagnostics)
    estimates = estimates_then(estimates, told, rules, study.primary_comparison)
    holm = table(results / "estimates" / "holm.csv", ESTIMATES)
    joint = _plain(results / "join" / "joint_display.csv", JOINT_DISPLAY) if study.claims else None
    data = ReportData(
        study=study,
        profile=rules,
        estimates=precision.estimates(rules, estimates, steps),
        diagnostics=precision.diagnostics(rules, diagnostics_then(diagnostics, told), steps),
        holm=None if holm is None else precision.p_values(rules, holm),
        trends={
            str(name): precision.trends(rules, frame, means)
            for name, frame in told.exact.get("trends", TRENDS.empty()).groupby("comparison")
        },
        baseline=told.exact.get("baseline"),
        balance=told.exact.get("balance"),
        deaths=told.exact.get("deaths"),
        incidence=told.exact.get("incidence"),
        ledger=told.exact.get("ledger"),
        codelists=table(results / "clean" / "codelists.csv", CODELISTS),
        **(voices(results) if strand else {}),
        joint=None if joint is None else precision.estimates(rules, joint, steps),
        quotes=_plain(results / "join" / "quotes.csv", QUOTES) if study.claims else None,
        quote_matrix=_plain(results / "join" / "quote_matrix.csv", QUOTES)
        if study.claims
        else None,
        integration=_plain(results / "join" / "integration.csv", INTEGRATION)
        if study.claims
        else None,
        joint_detail=document(results / "join" / "joint_display.json") if study.claims else {},
        claims=_claims(study),
        truth=_truth(study),
        provenance=_provenance(study, study_file, results),
        starts=_starts(study, results),
        intake=document(results / "intake" / "intake.json"),
        economics=_economics(study, results / "economics"),
    )
    return protected(shown(data, None if told.people.empty else told.people), told)


def described(
    study: Study,
    results: Path,
    rules: Profile,
    estimates: pd.DataFrame,
    diagnostics: Mapping[str, Any],
) -> History:
    """Return the exact tables that describe people, as they are or as an earlier release has
    them."""
    names = dict.fromkeys([study.primary_comparison, *study.comparisons])
    trends = [
        table(results / stage / f"{name}.trends.csv", TRENDS)
        for name in names
        for stage in _stages(study)
    ]
    measured = [frame for frame in trends if frame is not None]
    primary = study.primary_analysis.comparison or study.primary_comparison
    exact = {
        "baseline": table(results / "cohort" / "baseline.csv", BASELINE),
        "balance": table(results / "cohort" / "balance.csv", BALANCE),
        "incidence": table(results / "cohort" / "incidence.csv", INCIDENCE),
        "ledger": ledger(study, results),
        "trends": pd.concat(measured, ignore_index=True) if measured else None,
        "deaths": table(results / "panel" / f"{primary}.died.csv", DEATHS),
        "sizes": sizes(estimates),
        "contributing": contributing(diagnostics),
    }
    present = {name: frame for name, frame in exact.items() if frame is not None}
    return history(study, results, rules, present)


def shown(data: ReportData, membership: pd.DataFrame | None) -> ReportData:
    """Return the data without the descriptions of nearly the same people and without the labels of
    groups too small to be named."""
    order = list(dict.fromkeys([data.described, *data.study.comparisons]))
    near = {} if membership is None else nearly_the_same(membership, data.profile, order)
    baseline, balance, counts = data.baseline, data.balance, data.theme_counts
    if baseline is not None:
        baseline = baseline[~baseline["comparison"].isin(list(near))].reset_index(drop=True)
        baseline = labels.baseline(data.profile, baseline)
        if balance is not None and len(balance):
            keys = ["comparison", "variable", "category"]
            there = pd.MultiIndex.from_frame(baseline[keys].fillna(""))
            mine = pd.MultiIndex.from_frame(balance[keys].fillna("")).isin(there)
            balance = balance[mine].reset_index(drop=True)
    return replace(
        data,
        baseline=baseline,
        balance=balance,
        theme_counts=None if counts is None else labels.theme_counts(data.profile, counts),
        levels=counts,
        undescribed=near,
    )


def protected(data: ReportData, told: History) -> ReportData:
    """Return the data under a profile that rounds and hides so that nothing protected follows from
    the release as a whole, nor from it and those before it."""
    if data.profile.exact:
        return data
    study = declared(data.study.model_dump(mode="json"))

    tried = [data]

    def render(rules: Profile) -> Tables:
        tried.append(replace(data, profile=rules))
        return as_text(tried[-1])

    truth = exactly(render, study)
    now, few = counts(truth), data.profile.hides
    again = hidden_before(now, told.earlier, few)
    rules = replace(
        data.profile,
        withheld=frozenset(now[key] for key in again if key[0] not in VOICES and not few(now[key])),
        cells=frozenset(cell_of(key) for key in again if key[0] in VOICES),
    )
    earlier = [release for release in told.earlier if not release.says(now)]
    before = printed_before(now, told.earlier, few)
    rules = protect(render, rules, study, earlier, before, truth)
    printed = {place(key): (n, _printed(rules, key, n)) for key, n in now.items()}
    done = replace(data, profile=rules, then=tuple(told.then), registered=pending(told, printed))
    return done.remembering(tried[-1])


def _printed(rules: Profile, key: tuple[str, ...], n: int) -> str:
    """Return a count as released: a number where it is rounded, `*` where it is hidden."""
    if key[0] in VOICES:
        return HIDDEN if cell_of(key) in rules.cells else ""
    return rules.count(n).text


def voices(results: Path) -> dict[str, Any]:
    """Return the tables of the qualitative strand by their names in `ReportData`."""
    contracts = {
        "code": (THEMES, IMPORT_LOG),
        "count": (THEME_COUNTS, FIELDWORK, AGREEMENT, GAPS, THEME_NUMBERS, SATURATION),
    }
    return {
        contract.name: _plain(results / stage / f"{contract.name}.csv", contract)
        for stage, tables in contracts.items()
        for contract in tables
    }


def _plain(path: Path, contract: Table) -> pd.DataFrame | None:
    """Return a table of people's words, without the guard that a CSV has against formulas."""
    frame = table(path, contract)
    return None if frame is None else plain(frame)


def table(path: Path, contract: Table) -> pd.DataFrame | None:
    """Return a table of ours, or None where there is no such file."""
    return files.read_table(path, contract) if path.is_file() else None


def document(path: Path) -> dict[str, Any]:
    """Return a JSON object of ours, or an empty one where there is no such file."""
    if not path.is_file():
        return {}
    value = files.read_json(path)
    return value if isinstance(value, dict) else {}


def ledger(study: Study, results: Path) -> pd.DataFrame | None:
    """Return the ledgers of all stages in their order, with the panel of the primary comparison."""
    comparison = study.primary_analysis.comparison or study.primary_comparison
    paths = [
        *(results / "ingest" / f"{name}.ledger.csv" for name in INGESTED),
        results / "clean" / "ledger.csv",
        results / "cohort" / "ledger.csv",
        *(results / stage / f"{comparison}.ledger.csv" for stage in _stages(study)),
    ]
    frames = [frame for path in paths if (frame := table(path, LEDGER)) is not None and len(frame)]
    return pd.concat(frames, ignore_index=True) if frames else None


def _stages(study: Study) -> list[str]:
    """Return the stages that make the tables of person-periods which the outcomes are in."""
    counted = any(outcome.counted for outcome in study.outcomes.values())
    return ["panel", "uses"] if counted else ["panel"]


def _economics(study: Study, folder: Path) -> Valued | None:
    """Return costs against effects as the stage wrote them; None where the study asks for none."""
    facts = document(folder / "economics.json")
    if study.economics is None or not facts:
        return None
    names = () if facts.get("absent") else ("increments", "curve", "plane", "scenarios")
    tables = {name: files.read_table(folder / f"{name}.csv") for name in names}
    if names and study.economics.by:
        tables["subgroups"] = files.read_table(folder / "subgroups.csv", BY_LEVEL)
    return collected(tables, facts)


def _claims(study: Study) -> pd.DataFrame | None:
    """Return the claims as declared (for why and by whom); None where the file cannot be found any
    more."""
    return written_by_people(Path(study.claims)) if study.claims else None


def written_by_people(path: Path) -> pd.DataFrame | None:
    """Return an input table as text, or None where it cannot be read: earlier stages have judged
    it."""
    try:
        return pd.read_csv(
            path, dtype=str, sep=None, engine="python", encoding_errors="replace"
        ).rename(columns=lambda name: str(name).strip().lstrip("\ufeff"))
    except (OSError, ValueError, csv.Error):
        return None


def _starts(study: Study, results: Path) -> tuple[str, ...]:
    """Return the distinct programme starts as days: as cleaned, else as written in the table of
    practices."""
    cleaned = table(results / "clean" / "practices.csv", PRACTICES)
    if cleaned is not None and "programme_start" in cleaned:
        return tuple(sorted({f"{day:%Y-%m-%d}" for day in cleaned["programme_start"].dropna()}))
    frame = written_by_people(Path(study.practices))
    if frame is None or "programme_start" not in frame:
        return ()
    return tuple(sorted({str(day) for day in frame["programme_start"].dropna()}))


def _truth(study: Study) -> dict[str, Any] | None:
    """Return the planted truth, only of simulated data, from beside the extract."""
    path = Path(study.extract.path) / "truth.json"
    return document(path) or None if study.study.synthetic else None


def _provenance(study: Study, study_file: Path, results: Path) -> dict[str, Any]:
    from evalweave.study.file import load

    written = load(study_file, Study)
    return {
        "study_file": study_file.name,
        "inputs": [
            *manifest.extract_inputs(results, study.extract, Path(study.extract.path)),
            *manifest.other_inputs(written, study_file.parent),
        ],
        "software": software(),
    }

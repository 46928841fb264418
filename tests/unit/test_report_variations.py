"""Five kinds of study, rendered from one set of invented results and read: grammar of number and
unit, no empty section or column, no sentence about what was not run."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from evalweave.report.documents import MAIN
from evalweave.report.folder import write_report
from evalweave.report.gather import gather
from evalweave.study.file import load_study
from evalweave.study.periods import period_label, period_number
from helpers.report_results import Made, results, study_file
from helpers.reports import both, undrawn, words

Study = dict[str, Any]


def staggered(study: Study, where: Path) -> None:
    """Two starts, so that the estimator is one for staggered roll-outs, by period as well."""
    study["analyses"][0]["estimator"] = "callaway_santanna"
    starts = "practice_id,programme_start,area\np1,2015-04-01,west\np2,2016-04-01,west\np3,,east\n"
    (where.parent / "practices.csv").write_text(starts)
    path = where / "estimates/estimates.csv"
    frame = pd.read_csv(path, dtype="string")
    by_time = frame[frame["analysis"] == "event_study"].assign(analysis="main")
    frame["term"] = frame["term"].mask(frame["analysis"] == "main", "simple")
    pd.concat([frame, by_time]).to_csv(path, index=False)


def half_years(study: Study, where: Path) -> None:
    """Half-years that begin with the programme's month."""
    study["window"] |= {"period": "half_year", "anchor": "programme_start"}
    study["eligibility"]["index_date"] = "2015-06-01"
    cut = "half_year@6"
    start = period_number(dt.date(2015, 6, 1), cut)
    for path in where.glob("panel/*.trends.csv"):
        frame = pd.read_csv(path)
        frame["period"] = frame["period"] - 2015 + start
        frame["period_label"] = [period_label(int(p), cut) for p in frame["period"]]
        frame.to_csv(path, index=False)


def per_cent(study: Study, where: Path) -> None:
    """HbA1c recorded in per cent, so that differences are percentage points."""
    path = where / "estimates/estimates.csv"
    path.write_text(path.read_text().replace(",%,", ",percentage points,"))


def unchanged(study: Study, where: Path) -> None:
    """As the invented results are."""


def several_outcomes(study: Study, where: Path) -> None:
    """A second outcome, adjusted for age, in the family of tests."""
    study["outcomes"]["bmi"] = {"unit": "kg/m2", "plausible": [12, 80], "label": "Body mass index"}
    study["codelists"]["bmi"] = "bmi.csv"
    more = {"name": "weight", "estimator": "twfe", "outcome": "bmi"}
    more |= {"covariates": ["age"], "inference": ["cr2"]}
    study["analyses"].append(more)
    path = where / "estimates/estimates.csv"
    frame = pd.read_csv(path, dtype="string")
    own = frame[frame["analysis"] == "main"].head(1)
    own = own.assign(analysis="weight", outcome="bmi", outcome_unit="kg/m2", estimate="-0.2")
    pd.concat([frame, own]).to_csv(path, index=False)
    path = where / "estimates/diagnostics.json"
    told = json.loads(path.read_text())
    path.write_text(json.dumps(told | {"weight": {"adjusted for": ["age"]}}))


@dataclass(frozen=True)
class Variation:
    made: Made
    change: Callable[[Study, Path], None]
    says: tuple[str, ...]
    never: tuple[str, ...] = field(default=())


QUALITATIVE = ("theme", "coder", "quotation", "joint display", "interview", "fieldwork", "saturat")
VARIATIONS = {
    "staggered": Variation(Made(), staggered, ("Callaway and Sant’Anna", "every start and period")),
    "half-years": Variation(
        Made(),
        half_years,
        ("2015-06 to 2015-11", "Half-years since the start", "2012-04 to 2019-03"),
    ),
    "per cent": Variation(
        Made(unit="%", margin=0.5, claims=False, outcome={"plausible": [4, 20]}),
        per_cent,
        ("by 1.20 percentage points less than",),
    ),
    "numbers alone": Variation(
        Made(qualitative=False),
        unchanged,
        ("rose by 0.11 percentage points less",),
        (*QUALITATIVE, "what people said", "the two together", "nothing to join"),
    ),
    "outcomes": Variation(
        Made(), several_outcomes, ("Body mass index", "Other outcomes", "adjusted for age")
    ),
}


@pytest.fixture(scope="module", params=VARIATIONS)
def rendered(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Variation, str]:
    variation = VARIATIONS[request.param]
    folder = tmp_path_factory.mktemp("variation")
    file, where = study_file(folder, variation.made), results(folder, variation.made)
    study = yaml.safe_load(file.read_text())
    variation.change(study, where)
    file.write_text(yaml.safe_dump(study, sort_keys=False, allow_unicode=True))
    with undrawn():
        write_report(gather(load_study(file), file, where), file, where, folder / "report")
    return variation, both(folder / "report")


def sections(html: str) -> dict[str, str]:
    """Return every section by its id."""
    return dict(re.findall(r'<section id="([^"]+)".*?>(.*?)</section>', html, re.DOTALL))


def tables(html: str) -> list[tuple[str, list[list[str]]]]:
    """Return caption and rows of every table, header first; rows that head a group are left out."""
    found = []
    for whole in re.findall(r"<table.*?</table>", html, re.DOTALL):
        caption = re.search(r"<caption>(.*?)</caption>", whole, re.DOTALL)
        rows = [
            [words(cell).strip() for cell in re.findall(r"<t[hd].*?>(.*?)</t[hd]>", row, re.DOTALL)]
            for row in re.findall(r"<tr>(.*?)</tr>", whole, re.DOTALL)
        ]
        found.append((words(caption[1]) if caption else "", rows))
    return found


THINGS = (
    "practice|period|year|month|quarter|half-year|row|record|reference|source|analysis|outcome|"
    "estimate|check|claim|theme|code|area|test|date|interval|client|participant|quotation|comparison"
)
ONE_OF_MANY = re.compile(rf"(?<![\d.,−–-])1 (?:{THINGS})s\b|(?<![\d.,−–-])1 (?:people|analyses)\b")
MANY_OF_ONE = re.compile(
    rf"(?<![\d.,−–-])(?:[2-9]|[1-9]\d+) (?:{THINGS}|person)\b(?!-|’| effect| period)"
)
LEFTOVERS = re.compile(
    r"\bnan\b|\bNone[,;)]|<NA>|\{\w*\}|(?<!\.)\.\.(?!\.)| [,;.](?!\d)|\(\)|\bin in\b|\bthe the\b"
)


def test_number_and_noun_agree(rendered: tuple[Variation, str]) -> None:
    for name, html in sections(rendered[1]).items():
        for block in re.findall(r"<(?:p|li|caption|figcaption|dd)\b.*?</", html, re.DOTALL):
            text = re.sub(r"\s+", " ", re.sub(r"<[^>]*>?", "", block))
            assert not ONE_OF_MANY.search(text), (name, text)
            assert not MANY_OF_ONE.search(text), (name, text)
            assert not LEFTOVERS.search(text.removeprefix("\u202f")), (name, text)


def test_percentage_points_are_never_per_cent(rendered: tuple[Variation, str]) -> None:
    text = words(rendered[1])
    assert not re.search(r"\d % (?:less|more|higher|lower) than", text)
    assert "percentage points" in text


def test_no_section_and_no_column_is_empty(rendered: tuple[Variation, str]) -> None:
    made, html = rendered[0].made, rendered[1]
    found = sections(html)
    voices = {"said", "together"}
    assert set(MAIN) - {"outcomes", "costs"} - voices <= set(found)
    assert voices & set(found) == (voices if made.qualitative else set())
    for name, inside in found.items():
        body = re.sub(r"<h2.*?</h2>", "", inside, count=1, flags=re.DOTALL)
        assert len(words(body).split()) > 5, name
        assert not re.search(r"</h3>\s*(?:<h3|$)", body.strip()), name
    for caption, rows in tables(html):
        head, *body = rows
        assert body, caption
        for place, header in enumerate(head):
            cells = [row[place] for row in body if len(row) == len(head)]
            assert not cells or any(cells), (caption, header)


def test_it_says_what_was_run_and_nothing_else(rendered: tuple[Variation, str]) -> None:
    variation, html = rendered
    text = words(html)
    for said in variation.says:
        assert said in text, said
    kept = {key: part for key, part in sections(html).items() if key != "checklists"}
    told = " ".join(map(words, kept.values())).lower()
    for said in variation.never:
        assert said.lower() not in told, told[max(0, told.index(said.lower()) - 90) :][:180]
    if variation.change is not staggered:
        assert "callaway" not in told and "staggered" not in told
    if variation.change is not several_outcomes:
        assert "other outcomes" not in told and "body mass" not in told


def test_the_reader_notices_bad_grammar() -> None:
    for bad in ("1 practices", "1 people", "1 analyses"):
        assert ONE_OF_MANY.search(f"There are {bad} here")
    for bad in ("2 practice", "24 person", "30 check"):
        assert MANY_OF_ONE.search(f"There are {bad} here")
    for good in ("1 practice", "0.1 periods", "21 practices", "−1 periods", "1–1 periods"):
        assert not ONE_OF_MANY.search(f"There are {good} here")
    for bad in ("is nan.", "has {n} rows", "ended.. Then", "so , then"):
        assert LEFTOVERS.search(bad)

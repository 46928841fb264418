"""Nothing computed is missing and nothing shown is uncomputed: estimates.csv and checks.csv beside
the two pages; outcomes beside the main one; the main estimator draws its own figures."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pandas as pd
import pytest
import yaml

from evalweave.release.numbers import decimals, interval, number, p_value
from evalweave.release.shown import shown
from evalweave.report.folder import write_report
from evalweave.report.gather import gather
from evalweave.study.file import load_study
from helpers.report_results import Made, results, study_file
from helpers.reports import both, undrawn, words


def written(folder: Path, made: Made, unit: str = "", main: str = "") -> Path:
    """Return a report of a study with two outcomes beside the main one; `main` names the main
    estimator, whose results are by period too."""
    file = study_file(folder, made)
    study = yaml.safe_load(file.read_text())
    study["outcomes"]["bmi"] = {"unit": "kg/m2", "plausible": [12, 80]}
    study["codelists"]["bmi"] = "bmi.csv"
    study["analyses"] += [
        {"name": "weight", "estimator": "twfe", "outcome": "bmi", "label": "Body mass"},
        {"name": "weight_es", "estimator": "event_study", "outcome": "bmi", "label": "By year"},
    ]
    if unit:
        study["report"]["unit"] = unit
    if main:
        study["analyses"][0]["estimator"] = main
    file.write_text(yaml.safe_dump(study, sort_keys=False))
    where = results(folder, made)
    path = where / "estimates/estimates.csv"
    frame = pd.read_csv(path, dtype="string")
    own = frame[frame["analysis"] == "main"].assign(outcome="bmi", outcome_unit="kg/m2")
    mine = own.head(1).assign(analysis="weight", estimate="-0.2", inference="cr1")
    times = [mine.assign(analysis="weight_es", term=f"event[{e}]") for e in (-2, 0, 1)]
    more = [mine, *times]
    if main:
        more += [frame[frame["analysis"] == "event_study"].assign(analysis="main")]
        frame["term"] = frame["term"].mask(frame["analysis"] == "main", "simple")
    pd.concat([frame, *more]).to_csv(path, index=False)
    out = folder / "report"
    with undrawn():
        write_report(gather(load_study(file), file, where), file, where, out)
    return out


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("complete"), Made(methods=(("cr1", -1.8, -0.6),)))


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def cells(html: str, table: str) -> list[list[str]]:
    """Return the body of a table as text."""
    at = html.index(f'id="{table}"')
    body = html[html.index("<tbody>", at) : html.index("</tbody>", at)]
    return [
        [words(cell).strip() for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)]
        for row in re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)
    ]


def printed(row: dict[str, str]) -> list[str]:
    """Return estimate, standard error, interval, p-value and counts as a table prints them."""
    value, error, low, high, p = (
        float(row[name] or "nan")
        for name in ("estimate", "std_error", "ci_low", "ci_high", "p_value")
    )
    places = decimals(error)
    counts = [
        f"{int(row[name]):,}" if row[name].isdigit() else row[name]
        for name in ("n_obs", "n_patients", "n_practices", "n_practices_treated")
    ]
    return [
        number(value, places),
        number(error, places),
        interval(low, high, places),
        p_value(p) or "–",
        number(row["dof"] or None, 1),
        *counts,
    ]


def test_every_row_of_the_estimates_stands_in_the_supplement_and_nothing_else(out: Path) -> None:
    html = both(out)
    by_analysis: dict[str, list[list[str]]] = {}
    for row in rows_of(out / "estimates.csv"):
        by_analysis.setdefault(row["analysis"], []).append(printed(row))
    assert len(by_analysis) == 7
    for analysis, rows in by_analysis.items():
        assert [line[3:] for line in cells(html, f"estimates-{analysis}")] == rows, analysis


def test_every_check_stands_in_the_supplement_and_in_the_report(out: Path) -> None:
    html = both(out)
    checks = rows_of(out / "checks.csv")
    lines = cells(html, "checks-in-numbers")
    assert [(c["question"], c["state"]) for c in checks] == [(x[0], x[1]) for x in lines]
    for check, line in zip(checks, lines, strict=True):
        given = {name: float(check[name]) if check[name] else None for name in ("p_value",)}
        assert line[8] == (p_value(given["p_value"]) or "–")
        assert (line[4] == "–") == (check["estimate"] == "")
    verdicts = [
        (place.split(" / ")[-2], item.text)
        for place, item in shown((out / "report.html").read_text()).items()
        if place.startswith("believed / ") and place.endswith(" / Verdict")
    ]
    assert verdicts == [(c["question"], c["state"]) for c in checks]


ESTIMATE = re.compile(r"[−]?\d[\d,.]* \(95 % CI ([−\d.,]+) to ([−\d.,]+)")


def test_every_interval_that_a_sentence_prints_is_a_row_or_a_check(out: Path) -> None:
    seen = 0
    known = {printed(row)[2] for row in rows_of(out / "estimates.csv")}
    unknown = []
    for place, item in shown(both(out)).items():
        for low, high in ESTIMATE.findall(item.text.replace("\u202f", " ")):
            seen += 1
            written_as = f"{low} to {high}"
            signed = {written_as, f"−{high} to −{low}"}  # a sentence says "fell by"
            if not signed & known and not place.startswith(("believed", "answer / What was")):
                unknown.append((place, item.text))
    assert seen > 5 and not unknown


def test_an_outcome_beside_the_main_one_is_never_missing(out: Path) -> None:
    main = (out / "report.html").read_text()
    assert '<section id="outcomes"' in main
    table = cells(main, "outcomes-table")
    named = ["HbA1c: Availability and HbA1c", "Bmi: Body mass", "Bmi: By year"]
    assert [line[0] for line in table] == named
    assert table[1][1:5] == ["40,005", "8,045", "24", "−0.20 kg/m2"]
    assert table[1][-1] == "nothing"
    text = words(main)
    assert "2 outcomes were asked about beside the main one" in text
    assert 'id="figure-weight_es"' in (out / "supplement.html").read_text()
    assert (out / "figures/weight-es.csv").is_file()
    assert "Bmi" not in text[text.index("What happened") : text.index("Other outcomes")]


def test_the_main_estimator_draws_its_own_figure(tmp_path: Path) -> None:
    out = written(tmp_path, Made(), main="callaway_santanna")
    main, more = ((out / f"{name}.html").read_text() for name in ("report", "supplement"))
    happened = main[main.index('id="happened"') :]
    assert re.findall('<figure id="([^"]+)"', happened)[0] == "figure-main"
    assert 'id="figure-event_study"' in more
    drawn = pd.read_csv(out / "figures/main.csv")
    assert set(drawn["event_time"]) == {-3, -2, 0, 1, 2, 3}


@pytest.mark.parametrize(
    ("unit", "first"),
    [("", "percentage points"), ("mmol/mol", "mmol/mol"), ("%", "percentage points")],
)
def test_the_unit_shown_first_is_declared(tmp_path: Path, unit: str, first: str) -> None:
    out = written(tmp_path, Made(), unit)
    lead = re.search(r'<p class="lead">(.*?)</p>', (out / "report.html").read_text(), re.DOTALL)
    assert lead and first in lead[1].split('class="u2"')[0]


def test_a_unit_that_no_difference_stands_in_is_refused(tmp_path: Path) -> None:
    from evalweave.errors import StudyError

    with pytest.raises(StudyError, match=r"report, unit: found \"mmHg\", expected a unit"):
        written(tmp_path, Made(), "mmHg")


def test_differences_in_per_cent_are_percentage_points(tmp_path: Path) -> None:
    made = Made(unit="%", margin=0.5, outcome={"plausible": [4, 20]})
    file = study_file(tmp_path, made)
    where = results(tmp_path, made)
    path = where / "estimates/estimates.csv"
    path.write_text(path.read_text().replace(",%,", ",percentage points,"))
    out = tmp_path / "report"
    with undrawn():
        write_report(gather(load_study(file), file, where), file, where, out)
    text = words(both(out))
    assert "by 1.20 percentage points less than" in text
    assert not re.search(r"\d % (less|more) than", text)


def test_links_lead_from_one_document_to_the_other(out: Path) -> None:
    pages = {name: (out / f"{name}.html").read_text() for name in ("report", "supplement")}
    for name, other in (("report", "supplement"), ("supplement", "report")):
        mine = set(re.findall(r' id="([^"]+)"', pages[name]))
        theirs = set(re.findall(r' id="([^"]+)"', pages[other]))
        assert set(re.findall(r'href="#([^"]+)"', pages[name])) <= mine
        away = set(re.findall(rf'href="{other}\.html#([^"]+)"', pages[name]))
        assert away <= theirs and (away or name == "supplement")
        assert f'href="{other}.html"' in pages[name]
    assert "<details" not in pages["report"].split("<main>")[1]

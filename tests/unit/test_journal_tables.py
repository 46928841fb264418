"""Tables in the form of journals: LaTeX that prints what it says, numbered captions in Word, the
regression table beside estimates.csv."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from evalweave.report import latex, regression
from evalweave.report.blocks import Column, Line, Table, in_units, text
from evalweave.study.analyses import Analysis
from helpers.report_results import Made
from helpers.reports import report

MADE = Made(formats=("html", "docx"), methods=(("cr1", -1.8, -0.6),))
BACK = {written: letter for letter, written in latex.SPECIAL.items() if letter not in "\u00a0"}


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return report(tmp_path_factory.mktemp("journal"), MADE)


def read_back(source: str) -> str:
    """Return what LaTeX prints for an escaped text."""
    known = sorted(BACK, key=len, reverse=True)
    return re.sub("|".join(map(re.escape, known)), lambda match: BACK[match[0]], source)


@pytest.mark.parametrize(
    "words",
    [
        r"50 % & more_than #1 {a} ^b ~c \input{x} $x$",
        "−0.11 (95\u202f% CI −0.18 to ∞), p < 0.001 | “q” ‘r’ – …",
        '"quoted" > plain',
    ],
)
def test_what_is_escaped_prints_as_it_was(words: str) -> None:
    source = latex.escaped(words)
    assert read_back(source) == words
    bare = re.sub(r"\\[a-z]+(?:\{\})?|\\[{}$&#_%,]|\$[^$]*\$", "", source)
    assert not re.search(r"[\\$&#_%^{}]", bare)


def test_a_latex_table_has_a_cell_for_every_column() -> None:
    block = Table(
        "Caption & more",
        (Column("a_b"), Column("n", "95 % CI", True)),
        (
            Line(("Group",), group=True),
            Line((text("<b>{}</b>", "x < y"), in_units("1 %", "10 u")), depth=1),
        ),
        ("Note.",),
    )
    source = latex.table(block, "one", synthetic=True)
    assert r"\begin{tabular}{@{}lr@{}}" in source
    assert r"\quad x \textless{} y & 1 \% \\" in source
    assert r"\multicolumn{2}{@{}l}{\textbf{Group}} \\" in source
    assert source.index(r"\toprule") < source.index(r"\midrule") < source.index(r"\bottomrule")
    assert r"\caption{Caption \& more}" in source and "Simulated data." in source
    assert all(
        source.count(rf"\begin{{{e}}}") == source.count(rf"\end{{{e}}}") == 1
        for e in ("table", "tabular", "adjustbox")
    )


def test_the_regression_table_is_estimates_csv_and_nothing_else(out: Path) -> None:
    table, all_rows = (
        pd.read_csv(out / f"{name}.csv", dtype="string") for name in ("regression", "estimates")
    )
    keys = ["analysis", "term", "outcome_unit", "inference"]
    both = table.merge(all_rows, on=keys, suffixes=("", "_there"))
    assert len(both) == len(table) > 2
    for name in ("estimate", "ci_low", "ci_high", "p_value", "n_obs", "n_patients", "n_practices"):
        assert (both[name].fillna("") == both[f"{name}_there"].fillna("")).all(), name
    assert set(table["fixed_effects"]) == {"person, period"}
    assert table["analysis"].iloc[0] == "main"
    manifest = json.loads((out / "manifest.json").read_text())
    assert len(manifest["released"]["regression"]) == len(table)
    assert {f"tables/{name}.tex" for name in ("regression", "baseline", "flow")} <= set(
        manifest["files"]
    )


@pytest.mark.parametrize(
    ("estimator", "more", "effects"),
    [
        ("imputed_did", {}, "start, period"),
        ("weighted_did", {}, "start, period"),
        ("lee_did", {}, "none"),
        ("poisson", {}, "person, period"),
        ("poisson", {"effects": "practice"}, "practice, period"),
        ("nonlinear_etwfe", {"effects": "cohort"}, "start, period"),
    ],
)
def test_the_fixed_effects_are_those_of_the_analysis(
    estimator: str, more: dict[str, str], effects: str
) -> None:
    analysis = Analysis.model_validate(
        {"name": "a", "estimator": estimator, "outcome": "hba1c", **more}
    )
    assert regression.effects(analysis) == effects


def test_latex_tables_hold_released_numbers(out: Path) -> None:
    regression, baseline, flow = (
        (out / f"tables/{name}.tex").read_text() for name in ("regression", "baseline", "flow")
    )
    assert "$-$0.11 percentage points" in regression and "person, period" in regression
    assert "8,045" in regression and "8,046" not in regression
    assert "4,750" in baseline and "4752" not in baseline.replace(",", "")
    for source in (regression, baseline, flow):
        body = source[source.index(r"\midrule") : source.index(r"\bottomrule")]
        wide = source[source.index(r"\begin{tabular}{@{}") :].partition("@{}}")[0][19:]
        rows = [line for line in body.splitlines()[1:] if "multicolumn" not in line]
        assert rows and {len(re.findall(r"(?<!\\)&", row)) + 1 for row in rows} == {len(wide)}


def test_captions_in_word_are_numbered_and_referred_to(out: Path) -> None:
    for name, prefix in (("report", ""), ("supplement", "S")):
        xml = zipfile.ZipFile(out / f"{name}.docx").read("word/document.xml").decode()
        marks = re.findall(r'<w:bookmarkStart [^>]*w:name="(\w+)"', xml)
        referred = re.findall(r"> REF (\w+) \\h <", xml)
        tables = [mark for mark in marks if mark.startswith("Table_")]
        assert tables == [f"Table_{prefix}{n}" for n in range(1, len(tables) + 1)]
        assert len(marks) == len(set(marks)) > 2 and set(referred) == set(marks)
        assert xml.count(f"> SEQ Table{prefix} ") == len(tables)
        shown = re.findall(rf"SEQ Table{prefix} .*?<w:t>(\d+)</w:t>", xml, re.DOTALL)
        assert shown == [str(n) for n in range(1, len(tables) + 1)]

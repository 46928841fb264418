"""Figures: real text, text alternatives, colours that follow the reader, straight arrows and
aligned boxes."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pandas as pd
import pytest

from evalweave.report import flow_table, flowchart
from evalweave.report.blocks import boxed
from evalweave.report.figures.event import event_study
from evalweave.report.figures.flow import flow, narrow
from evalweave.report.figures.interval import answer_interval
from evalweave.report.figures.strip import reach, strip
from evalweave.report.figures.style import standalone
from helpers.reports import data

SVG = "{http://www.w3.org/2000/svg}"


def texts(svg: str) -> list[str]:
    return ["".join(each.itertext()) for each in ET.fromstring(svg).iter(f"{SVG}text")]


def test_a_figure_is_text_with_title_and_description(tmp_path: Path) -> None:
    figure = answer_interval(data(tmp_path), "caption")
    assert figure is not None and len(figure.drawings) == 2
    svg = figure.drawings[0].svg
    root = ET.fromstring(svg)
    assert root.get("role") == "img"
    named = (root.get("aria-labelledby") or "").split()
    assert [element.get("id") for element in root if element.get("id") in named] == named
    assert "−0.11" in texts(svg) and "Simulated data" in texts(svg)
    assert "<dc:date>" not in svg and "matplotlib" not in svg.lower()
    assert "−0.11 (95" in figure.description


def test_colours_are_variables_with_a_fall_back(tmp_path: Path) -> None:
    figure = answer_interval(data(tmp_path), "")
    assert figure is not None
    svg = figure.drawings[0].svg
    bare = re.sub(r"var\(--[a-z]+, #[0-9A-Fa-f]{6}\)", "", svg)
    assert re.findall(r"#[0-9A-Fa-f]{6}\b", bare) == []
    assert "var(--programme, #0072B2)" in svg
    alone = standalone(svg, 80)
    assert "background:#fff" in alone and 'width="80mm"' in alone


@pytest.mark.parametrize(
    ("low", "high"), [(-float("inf"), -0.5), (-1.9, float("inf")), (-float("inf"), float("inf"))]
)
def test_intervals_without_a_limit_are_drawn_to_the_edge(
    tmp_path: Path, low: float, high: float
) -> None:
    figure = answer_interval(data(tmp_path, low=low, high=high), "")
    assert figure is not None
    ET.fromstring(figure.drawings[0].svg)
    assert "limit" in figure.description


def test_the_event_study_marks_its_reference_and_the_start(tmp_path: Path) -> None:
    found = data(tmp_path)
    figure = event_study(found, found.analyses("event_study")[0], "")
    assert figure is not None
    shown = texts(figure.drawings[0].svg)
    assert "reference" in shown
    assert any("programme starts" in text for text in shown)
    assert any("lower is better" in text for text in shown)
    assert {"−3", "0", "3"} <= set(shown)
    assert set(figure.data["unit"]) == {"mmol/mol", "percentage points"}


def _numbers(d: str) -> list[float]:
    return [float(x) for x in re.findall(r"-?[\d.]+", d)]


@pytest.mark.parametrize("draw", [flow, narrow])
def test_boxes_stand_on_a_grid_and_arrows_are_straight(tmp_path: Path, draw: object) -> None:
    steps, arms = flowchart.diagram(data(tmp_path))
    svg = draw(steps, arms, "title", "description")  # type: ignore[operator]
    root = ET.fromstring(svg)
    boxes = [
        (
            float(r.get("x", 0)),
            float(r.get("y", 0)),
            float(r.get("width", 0)),
            float(r.get("height", 0)),
        )
        for r in root.iter(f"{SVG}rect")
    ]
    wide, tall = _numbers(root.get("viewBox", ""))[2:]
    for x, y, w, h in boxes:
        assert x >= 0 and y >= 0 and x + w <= wide and y + h <= tall
    for i, (x, y, w, h) in enumerate(boxes):
        for x2, y2, w2, h2 in boxes[i + 1 :]:
            assert x + w <= x2 or x2 + w2 <= x or y + h <= y2 or y2 + h2 <= y, "boxes overlap"
    for arrow in root.iter(f"{SVG}path"):
        if arrow.get("marker-end"):
            x1, y1, x2, y2 = _numbers(arrow.get("d", ""))
            assert x1 == x2 or y1 == y2
            assert x2 >= x1 and y2 >= y1
    for text in root.iter(f"{SVG}text"):
        x, y = float(text.get("x", 0)), float(text.get("y", 0))
        inside = [b for b in boxes if b[0] < x < b[0] + b[2] and b[1] < y < b[1] + b[3]]
        assert len(inside) == 1, "text outside its box"
        letters = len("".join(text.itertext()))
        assert x + letters * 6.9 <= inside[0][0] + inside[0][2] + 6, "".join(text.itertext())


def test_the_flow_splits_at_the_arm_and_its_counts_are_released(tmp_path: Path) -> None:
    found = data(tmp_path)
    steps, arms = flowchart.diagram(found)
    assert [step.box.heading for step in steps] == ["Received", "After cleaning", "Eligible"]
    assert [column[0].box.heading for column in arms] == [
        "Programme practices",
        "Comparison practices",
    ]
    svg = flow(steps, arms, "", "")
    values = re.findall(r'data-counts="(\w+)" data-value="([^"]*)"', svg)
    assert ("practices", "13") in values and ("patients", "4750") in values
    assert all(value == "*" or int(value) % 5 == 0 for of, value in values if of != "practices")
    assert ("patients", "*") in values  # four people without a year of birth


def test_the_flow_table_follows_its_contract(tmp_path: Path) -> None:
    from evalweave.tables.report import FLOW

    table = flow_table.table(data(tmp_path))
    assert list(table.columns) == FLOW.names
    assert table["order"].is_unique
    assert not table.duplicated(list(FLOW.key)).any()
    kept = table[(table["box"] == "kept") & (table["stage"] == "arm")]
    assert list(kept["n_patients"]) == ["4750", "3335"]


def test_each_outcome_has_its_own_flow(tmp_path: Path) -> None:
    from evalweave.tables.report import FLOW

    found = data(tmp_path)
    assert flowchart.outcomes(found) == ["hba1c", "sbp"]
    above, below = flowchart.diagram(found, "sbp")
    assert above == flowchart.diagram(found, "hba1c")[0]
    headings = [step.box.heading for step in below[0]]
    assert headings == ["Programme practices", "Measured: Blood pressure", "In the panel"]
    headings = [step.box.heading for step in flowchart.diagram(found)[1][0]]
    assert headings == [
        "Programme practices",
        "Measured: HbA1c",
        "In the panel",
        "Seen before and after the start",
    ]
    table = flow_table.table(found)
    kept = table[
        (table["stage"] == "panel") & (table["box"] == "kept") & (table["arm"] == "programme")
    ]
    measured = kept.set_index(["outcome", "label"])
    # 4,752 less 4, who are not shown: to the neighbouring multiple that leaves them open.
    assert measured.loc[("hba1c", "patients: kept"), "n_patients"] == "4745"
    assert measured.loc[("sbp", "patients: kept"), "n_patients"] == "4645"
    assert measured.loc[("sbp", "practices: kept"), "n_practices"] == "12"
    assert measured.loc[("hba1c", "person-periods: kept"), "n_records"] == "28260"
    assert measured.loc[("sbp", "person-periods: kept"), "n_records"] == "27260"
    aside = table[(table["stage"] == "panel") & (table["box"] == "set_aside")].set_index(
        ["outcome", "arm", "label"]
    )
    assert aside.loc[("hba1c", "programme", "patients: no measurement"), "n_patients"] == "*"
    both = table[table["stage"] == "estimate"]
    assert both["n_patients"].tolist() == ["4005", "*"] and set(both["outcome"]) == {"hba1c"}
    alone = flow_table.of_outcome(table, "sbp")
    assert set(alone["outcome"].dropna()) == {"sbp"} and len(alone) < len(table)
    assert list(alone.columns) == FLOW.names


def test_a_hidden_box_cannot_be_worked_out_from_the_others(tmp_path: Path) -> None:
    """Exact counts (sacro): 6 records set aside would follow from received and kept, so another box
    hides too."""
    table = flow_table.table(data(tmp_path, disclosure="sacro"))
    for _, part in table[table["stage"] == "panel"].groupby(["outcome", "arm"]):
        for column in ("n_patients", "n_records"):
            for _, unit in part.groupby(part["label"].str.split(":").str[0]):
                assert (unit[column] == "*").sum() != 1, unit


@pytest.mark.parametrize(
    ("values", "scale"),
    [([0.26, -0.05], 0.3), ([0.5], 0.6), ([12.0, -3], 15.0), ([float("inf"), 1.0], 1.5), ([], 1.5)],
)
def test_claims_of_a_unit_share_a_round_scale(values: list[float], scale: float) -> None:
    assert reach(values) == pytest.approx(scale)


def test_the_strip_shades_the_margin_and_arrows_what_has_no_end() -> None:
    svg = strip("s", -0.1, -float("inf"), -0.03, 0.05, "points", 0.2)
    root = ET.fromstring(svg)
    shade = next(r for r in root.iter(f"{SVG}rect") if r.get("class") == "shade")
    assert float(shade.get("width", 0)) == pytest.approx(61)
    assert sum(p.get("class") == "head" for p in root.iter(f"{SVG}path")) == 1
    assert strip("s", float("nan"), float("nan"), float("nan"), 0.0, "points", 1.0) == ""


def test_a_figure_is_the_same_bytes_twice(tmp_path: Path) -> None:
    found = data(tmp_path)
    first, second = answer_interval(found, ""), answer_interval(found, "")
    assert first is not None and second is not None
    assert [d.svg for d in first.drawings] == [d.svg for d in second.drawings]
    pd.testing.assert_frame_equal(first.data, second.data)


HOSTILE = "HbA1c $x^2$ $\\frac{$ \x07\x0b\u202e"


def test_a_label_is_read_as_it_stands(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    """No formula, nothing that XML cannot hold, no mark that turns the numbers round."""
    figure = answer_interval(data(tmp_path, outcome={"label": HOSTILE}), "")
    assert figure is not None
    svg = boxed(figure).drawings[0].svg
    assert any("HbA1c $x^2$ $\\frac{$ □□□" in text for text in texts(svg))
    assert not [w for w in recwarn if "Glyph" in str(w.message)]

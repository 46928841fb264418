"""Other outcomes: each with its estimate, in the unit of the outcome."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from evalweave.report.blocks import Prose
from evalweave.report.sections import answer, outcomes
from evalweave.study.analyses import Analysis
from helpers.reports import data


@pytest.mark.parametrize("unit", ["£ per person-year", "visits per person-year"])
def test_an_amount_is_shown_with_its_ratio_and_share_beside_it(tmp_path: Path, unit: str) -> None:
    made = data(tmp_path, only_main=True)
    like = made.estimates.iloc[[0]]
    terms = {"att": unit, "ratio": "ratio", "att_any": "proportion", "ratio_if_any": "ratio"}
    more = [
        like.assign(analysis=name, term=term, outcome_unit=said, estimate=-207.0)
        for name in ("parts", "by_sex")
        for term, said in terms.items()
    ]
    more[-4] = more[-4].assign(term="att[sex=F]")
    ratio = {"outcome_unit": "ratio", "estimate": 0.84, "ci_low": 0.71, "ci_high": 0.98}
    more[1] = more[1].assign(**ratio, std_error=0.07)
    more.append(more[1].assign(analysis="main"))
    asked = [
        Analysis(name=name, estimator="two_part", outcome="hba1c", inference=["cr2"])
        for name in ("parts", "by_sex")
    ]
    asked = [each.model_copy(update={"role": "secondary"}) for each in asked]
    study = made.study.model_copy(update={"analyses": [*made.study.analyses, *asked]})
    found = replace(made, study=study, estimates=pd.concat([made.estimates, *more]))
    assert found.units("parts") == found.units("by_sex") == [unit]
    first, second = outcomes._lines(found, asked[0])
    cells = [str(cell) for cell in first.cells]
    assert cells[0].endswith(": parts") and cells[4].replace("\u2060£", "").startswith("−207")
    assert "no estimate" not in " ".join(cells)
    assert second.cells[0] == "as a ratio" and second.cells[4:6] == ("0.84", "0.71 to 0.98")
    said = [str(block.text) for block in answer.section(found).blocks if isinstance(block, Prose)]
    assert "As a ratio to what would have been without the programme: 0.84" in " ".join(said)
    assert len(outcomes._lines(made, made.primary)) == 1

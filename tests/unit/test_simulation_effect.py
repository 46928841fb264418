"""The planted effect and the truth about it, worked out by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from evalweave.simulation.effect import planted_effect
from evalweave.simulation.recording import percent_text
from evalweave.simulation.truth import planted_truth


def test_the_effect_by_hand() -> None:
    """growth(0) = 1 − 0.35 × 1.5 = 0.475, growth(2) = 1.175; a White person in the most deprived
    fifth with few conditions: 1 + 0.6 × 0.18 + 0.6 × 0.43 + 0.3 × 2 = 1.966."""
    person = {"white": [1] * 4, "fewer_conditions": [1] * 4, "imd_quintile": [1] * 4}
    made = planted_effect([-1, 0, 2, None], **person, scale=-2.0)
    assert made == pytest.approx([0, -2 * 0.475 * 1.966, -2 * 1.175 * 1.966, 0])
    typical = planted_effect([0, 0], [None, 0], [None, None], [3, 5], scale=1.0)
    assert typical == pytest.approx([0.475, 0.475 * max(0, 1 - 0.6 * 0.82 - 0.3 * 2)])


def test_the_truth_by_hand() -> None:
    panel = pd.DataFrame(
        {
            "patient_id": ["a", "a", "a", "b", "b", "b", "c", "c", "c"],
            "period": [2014, 2015, 2016] * 3,
            "first_treated": pd.array([2015] * 6 + [None] * 3, dtype="Int64"),
            "hba1c": [50.0] * 4 + [np.nan] + [50.0] * 4,
            "planted": [0, -1.0, -3.0, 0, -99.0, -5.0, 0, 0, 0],
            "white": [1] * 3 + [0] * 3 + [1] * 3,
            "imd_quintile": [1] * 3 + [5] * 3 + [3] * 3,
            "fewer_conditions": [1] * 9,
        }
    )
    truth = planted_truth(panel)
    terms = truth["terms"]
    assert terms["att"] == pytest.approx(-3.0)  # −1, −3 and −5: b was not measured in 2015
    assert (terms["event[0]"], terms["event[1]"], terms["trend"]) == pytest.approx((-1, -4, -3))
    assert (terms["att[white=1]"], terms["att[white=0]"]) == pytest.approx((-2, -5))
    assert terms["difference[white=1-0]"] == pytest.approx(3)
    assert terms["difference[imd_quintile=5-1]"] == pytest.approx(-3)
    assert truth["terms_percentage_points"]["att"] == pytest.approx(-3 * 0.09148)
    assert truth["n_treated_patient_years"] == 3


def test_percentages_have_one_decimal() -> None:
    # 0.09148 × 48 + 2.152 = 6.54 and 0.09148 × 86 + 2.152 = 10.02
    assert percent_text(np.array([48.0, 86.0])).tolist() == ["6.5", "10.0"]

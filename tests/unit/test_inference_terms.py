"""What every inference method owes a term."""

import numpy as np
import pandas as pd


def test_a_term_that_is_zero_by_construction_has_no_error() -> None:
    from evalweave import callaway_santanna

    rng = np.random.default_rng(3)
    rows = [
        {
            "patient_id": f"p{i}",
            "practice_id": f"g{i % 8}",
            "period": t,
            "y": rng.normal() + t,
            "first_treated": 3 if i % 8 < 4 else None,
        }
        for i in range(80)
        for t in range(1, 5)
    ]
    found = callaway_santanna(
        pd.DataFrame(rows),
        outcome="y",
        base="universal",
        inference=["cr0", "cr1", "jackknife", "unit"],
    )
    table = found.tidy().set_index("term")
    base = table.loc["event[-1]"]
    assert len(base) == 4
    assert (base["estimate"] == 0).all()
    assert base[["std_error", "ci_low", "ci_high", "p_value", "dof"]].isna().all(axis=None)
    assert table.loc["event[0]", "std_error"].notna().all()
    effects = found.diagnostics["callaway_santanna"]["minimum_detectable_effect"]["effects"]
    assert "event[-1]" not in effects

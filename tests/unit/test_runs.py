"""Codes by runs are those by rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from evalweave.estimators.runs import factorized, occurring


@pytest.mark.parametrize("length", [0, 1, 5, 400])
@pytest.mark.parametrize("run", [1, 7])
@pytest.mark.parametrize("kind", [np.int64, np.float64])
def test_codes_are_those_of_pandas(length, run, kind):
    random = np.random.default_rng(length + run)
    values = np.repeat(random.integers(0, 9, length), run).astype(kind)
    if kind is np.float64:
        values[random.random(len(values)) < 0.2] = np.nan
    codes, uniques = factorized(values)
    expected, names = pd.factorize(values)
    assert codes.tolist() == expected.tolist()
    assert uniques.tolist() == names.tolist() and uniques.dtype == names.dtype
    assert occurring(codes) == sorted(set(expected.tolist()) - {-1})


@pytest.mark.parametrize("kind", [np.int64, np.int32, np.uint16])
@pytest.mark.parametrize("top", [9, 10, 101, 5000])
def test_whole_numbers_stand_in_the_order_of_their_texts(top, kind):
    from evalweave.estimators.panel_columns import Problems
    from evalweave.estimators.panel_identity import identifiers

    values = np.random.default_rng(top).permutation(top + 1) * (1 if top < 5000 else 7)
    codes, names = identifiers(pd.Series(values.astype(kind)), "unit", Problems("f"))
    assert list(names) == sorted(map(str, values.tolist()))
    assert [names[code] for code in codes] == [str(v) for v in values]

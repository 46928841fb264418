"""Small simulated panels for the tests, and least squares written out in full for comparison."""

from __future__ import annotations

import numpy as np
import pandas as pd


def panel(
    seed: int = 1,
    units: int = 60,
    periods: int = 6,
    practices: int = 8,
    treated: int = 4,
    effect: float = -1.0,
    seen: float = 0.8,
    staggered: bool = False,
) -> pd.DataFrame:
    """Return an unbalanced panel: period 2011…, start 2014 (or 2013, 2014, 2015 in turn),
    practice-period shocks."""
    random = np.random.default_rng(seed)
    unit = np.repeat(np.arange(units), periods)
    period = np.tile(np.arange(periods), units) + 2011
    more = random.choice(
        practices, units, p=np.arange(1, practices + 1) / np.arange(1, practices + 1).sum()
    )
    practice = np.where(np.arange(units) < units // 2, np.arange(units) % practices, more)[unit]
    start = np.where(practice < treated, 2014.0 + (practice % 3 - 1 if staggered else 0), np.nan)
    shock = random.normal(size=(practices, periods))[practice, period - 2011]
    frame = pd.DataFrame(
        {
            "patient_id": [f"p{u:04d}" for u in unit],
            "practice_id": [f"g{g:02d}" for g in practice],
            "period": period,
            "first_treated": start,
            "x": random.normal(size=len(unit)),
            "weight": random.integers(1, 4, len(unit)).astype(float),
            "white": (unit % 3 != 0).astype(int),
        }
    )
    done = (period >= start).astype(float)
    noise = random.normal(size=len(unit))
    frame["y"] = (
        50 + 5 * random.normal(size=units)[unit] + effect * done + shock + 0.5 * frame["x"] + noise
    )
    return frame[random.random(len(frame)) < seen].reset_index(drop=True)


def costs(seed: int = 3, **more: object) -> pd.DataFrame:
    """Return a panel of ten practices with two kinds of costs, their sum, and who was referred."""
    frame = panel(seed=seed, units=160, practices=10, treated=5, effect=-2.0, **more)
    random = np.random.default_rng(seed)
    mean = np.exp(4 + 0.3 * random.normal(size=160))[frame["patient_id"].str[1:].astype(int)]
    frame["stay"] = random.gamma(1.0, mean) * (random.random(len(frame)) < 0.5)
    frame["visit"] = random.gamma(2.0, mean / 4)
    frame["cost"] = frame["stay"] + frame["visit"]
    done = frame["period"] >= frame["first_treated"]
    frame["referred"] = (done & (random.random(len(frame)) < 0.3)).astype(float)
    return frame


def dummies(
    frame: pd.DataFrame, extra: tuple[str, ...] = ()
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return X (treated, extra columns, all period dummies but one, all patient dummies), y and
    practice codes."""
    treated = (frame["period"] >= frame["first_treated"]).to_numpy(float)
    columns = [treated, *(frame[name].to_numpy(float) for name in extra)]
    columns += [
        (frame["period"] == p).to_numpy(float) for p in sorted(frame["period"].unique())[1:]
    ]
    columns += [
        (frame["patient_id"] == u).to_numpy(float) for u in sorted(frame["patient_id"].unique())
    ]
    return (
        np.column_stack(columns),
        frame["y"].to_numpy(),
        pd.factorize(frame["practice_id"], sort=True)[0],
    )


def absorbed(frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return X (treated and period dummies less one) and y less patients' means, and practice
    codes."""
    treated = (frame["period"] >= frame["first_treated"]).to_numpy(float)
    columns = [
        treated,
        *((frame["period"] == p).to_numpy(float) for p in sorted(frame["period"].unique())[1:]),
    ]
    table = pd.DataFrame(np.column_stack([*columns, frame["y"]]))
    table -= table.groupby(frame["patient_id"].to_numpy()).transform("mean")
    values = table.to_numpy()
    return values[:, :-1], values[:, -1], pd.factorize(frame["practice_id"], sort=True)[0]


def root(matrix: np.ndarray, power: float) -> np.ndarray:
    """Return a symmetric matrix to a (negative) power, generalised where it is singular."""
    values, vectors = np.linalg.eigh(matrix)
    keep = values > 1e-9
    return (vectors[:, keep] * values[keep] ** power) @ vectors[:, keep].T


def bell_mccaffrey(
    x: np.ndarray, y: np.ndarray, g: np.ndarray, power: float
) -> tuple[float, float]:
    """Return standard error and Satterthwaite degrees of freedom of the first coefficient, with
    full N x N matrices."""
    n = len(y)
    bread = np.linalg.pinv(x.T @ x)
    maker = np.eye(n) - x @ bread @ x.T
    residual = maker @ y
    rows, vectors = [], []
    for cluster in np.unique(g):
        of = np.flatnonzero(g == cluster)
        adjusted = root(maker[np.ix_(of, of)], -power) if power else np.eye(len(of))
        row = bread[0] @ x[of].T @ adjusted
        rows.append(row @ residual[of])
        vectors.append(maker[:, of] @ row)
    stacked = np.array(vectors)
    products = stacked @ stacked.T
    return float(np.sqrt(np.sum(np.square(rows)))), float(
        np.trace(products) ** 2 / (products**2).sum()
    )

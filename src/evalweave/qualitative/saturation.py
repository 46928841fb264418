"""A saturation curve: how many codes the first n people bring, over orders drawn at random."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from evalweave.errors import StudyError, nearest
from evalweave.qualitative.attribution import speakers
from evalweave.qualitative.codebooks import one_code
from evalweave.qualitative.identity import by_normal, normal
from evalweave.qualitative.matrix import role_name
from evalweave.qualitative.project import Project
from evalweave.tables.qualitative import SATURATION


def roles_of(project: Project, wanted: Sequence[str]) -> list[str]:
    """Return the roles as the participants have them; raise `StudyError` for one that nobody
    has."""
    roles = sorted(str(role) for role in project.participants["role"].unique())
    known = by_normal(roles)
    for role in wanted:
        if normal(role_name(role)) not in known:
            raise StudyError(
                f'qualitative, saturation: nobody has the role "{role}". {nearest(role, roles)}'
            )
    return [known[normal(role_name(role))] for role in wanted]


def saturation_of(project: Project, roles: Sequence[str]) -> pd.DataFrame:
    """Return `saturation` of several roles, one below the other; empty for a matrix of counts."""
    if project.matrix is not None or not roles:
        return SATURATION.empty()
    curves = [
        saturation(project, role).rename(columns={"n": "n_first"}).assign(role=role)
        for role in roles
    ]
    return SATURATION.conform(pd.concat(curves, ignore_index=True))


def saturation(project: Project, role: str, draws: int = 1000, seed: int = 1) -> pd.DataFrame:
    """Return n, mean, low and high (2.5 % and 97.5 % of the orders): codes raised by the first n
    people.

    Over all people of `role` who have a segment at all; the order in which they were interviewed
    carries no information, so that it is permuted (`draws`, `seed`). A description of these people,
    not an estimate.
    """
    spoken = speakers(project).merge(
        project.participants[["participant_id", "role"]], on="participant_id"
    )
    spoken = spoken[spoken["role"] == role]
    coded = spoken.merge(
        project.codings[["segment_id", "code_id"]].drop_duplicates(), on="segment_id", how="left"
    )
    coded["code_id"] = coded["code_id"].map(one_code(project)[0])
    raised = pd.crosstab(coded["participant_id"], coded["code_id"].fillna("")).drop(
        columns="", errors="ignore"
    )
    matrix = raised.to_numpy() > 0
    generator = np.random.default_rng(seed)
    seen = np.zeros((draws, len(matrix)))
    for draw in range(draws):
        seen[draw] = np.logical_or.accumulate(
            matrix[generator.permutation(len(matrix))], axis=0
        ).sum(axis=1)
    low, high = (
        np.quantile(seen, [0.025, 0.975], axis=0) if len(matrix) else (np.zeros(0), np.zeros(0))
    )
    return pd.DataFrame(
        {"n": np.arange(1, len(matrix) + 1), "mean": seen.mean(axis=0), "low": low, "high": high}
    )

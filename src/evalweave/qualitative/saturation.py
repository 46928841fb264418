"""A saturation curve: how many codes the first n people bring, over orders drawn at random."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from evalweave.errors import StudyError, nearest
from evalweave.qualitative.attribution import attribution, speakers
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
        saturation(project, role)
        .rename(columns={"n": "n_first"})
        .assign(role=role, n_left_out=len(heard(project, role)[1]))
        for role in roles
    ]
    return SATURATION.conform(pd.concat(curves, ignore_index=True))


def heard(project: Project, role: str) -> tuple[list[str], list[str]]:
    """Return the people of a role whose words are known, and those who are left out of a curve.

    Somebody in whose sources nothing was coded brings nothing new, and counts. Left out are people
    with no source but observations, and people who own no coded words while their sources hold some
    that are a group's or nobody's: what they brought is not known.
    """
    whose = attribution(project)
    observed = project.sources["kind"].isin(project.observation_kinds).fillna(False)
    sources = project.sources.loc[~observed.astype(bool), "source_id"]
    links = project.source_participants[project.source_participants["source_id"].isin(sources)]
    coded = project.segments[project.segments["segment_id"].isin(project.codings["segment_id"])]
    not_given = coded.merge(whose.apart, on="segment_id")["source_id"]
    owning = set(whose.spoken.merge(coded, on="segment_id")["participant_id"])
    unclear = set(links.loc[links["source_id"].isin(not_given), "participant_id"]) - owning
    counted = (set(links["participant_id"]) | owning) - unclear
    people = project.participants.loc[project.participants["role"] == role, "participant_id"]
    return [p for p in people if p in counted], [p for p in people if p not in counted]


def sentences(project: Project, roles: Sequence[str]) -> list[str]:
    """Return how many people each role's curve is of, where some are left out."""
    counted = {} if project.matrix is not None else {role: heard(project, role) for role in roles}
    return [
        f"Saturation    {role}: {len(known)} people; {len(left_out)} left out, who have no source, "
        "or whose coded words there are a group's or can be given to nobody"
        for role, (known, left_out) in counted.items()
        if left_out
    ]


def saturation(project: Project, role: str, draws: int = 1000, seed: int = 1) -> pd.DataFrame:
    """Return n, mean, low and high (2.5 % and 97.5 % of the orders): codes raised by the first n
    people.

    Over all people of `role` whose words are known (`heard`), also those who raised no code; the
    order in which they were interviewed carries no information, so that it is permuted (`draws`,
    `seed`). Codes that the themes make one (`codebooks`) count once. A description of these people,
    not an estimate.
    """
    people, _ = heard(project, role)
    coded = speakers(project).merge(project.codings[["segment_id", "code_id"]], on="segment_id")
    coded["code_id"] = coded["code_id"].map(one_code(project)[0])
    coded = coded[coded["participant_id"].isin(people)]
    raised = pd.crosstab(coded["participant_id"], coded["code_id"]).reindex(people, fill_value=0)
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

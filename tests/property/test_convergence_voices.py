"""Who supports and who contradicts, for any stances of any coders: no order, no double count, no
pooling."""

from __future__ import annotations

from typing import Any

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from evalweave.qualitative.project import CONTRACTS, Project
from evalweave.tables.contract import Table
from evalweave.tables.qualitative import PARTICIPANTS, SEGMENTS, SOURCE_PARTICIPANTS, STANCES
from evalweave.tables.qualitative import SOURCES as SOURCES_TABLE
from evalweave.triangulation.stances import INTERSECTION, UNION, Voices, voices, words_of

PEOPLE = [f"P{n}" for n in range(6)]
# Two interviews each; the last source is a field note about P0.
SOURCES = [f"{person} {time}" for person in PEOPLE for time in ("first", "last")] + ["note"]
marks = st.lists(
    st.tuples(
        st.sampled_from(SOURCES),
        st.sampled_from("ABC"),
        st.sampled_from(["supports", "contradicts"]),
    ),
    max_size=30,
)


def project(given_: list[tuple[str, str, str]], order: Any = None) -> Project:
    def table(contract: Table, **columns: Any) -> pd.DataFrame:
        frame = contract.conform(pd.DataFrame(columns))
        return (
            frame.sample(frac=1, random_state=order).reset_index(drop=True)
            if order is not None
            else frame
        )

    stances = sorted(set(given_))
    found = {name: contract.empty() for name, contract in CONTRACTS.items()} | {
        "participants": table(PARTICIPANTS, participant_id=PEOPLE, role=["client"] * len(PEOPLE)),
        "sources": table(
            SOURCES_TABLE,
            source_id=SOURCES,
            name=SOURCES,
            kind=["interview"] * (len(SOURCES) - 1) + ["field_note"],
        ),
        "source_participants": table(
            SOURCE_PARTICIPANTS,
            source_id=SOURCES,
            participant_id=[*(s.split()[0] for s in SOURCES[:-1]), "P0"],
            basis=["map"] * len(SOURCES),
        ),
        "segments": table(
            SEGMENTS,
            segment_id=[f"{s}:0" for s in SOURCES],
            source_id=SOURCES,
            start=[0] * len(SOURCES),
            end=[9] * len(SOURCES),
            offset_check=["ok"] * len(SOURCES),
        ),
        "stances": table(
            STANCES,
            segment_id=[f"{s}:0" for s, _, _ in stances],
            claim_id=["c"] * len(stances),
            coder_id=[coder for _, coder, _ in stances],
            stance=[stance for _, _, stance in stances],
        ),
    }
    return Project(**found)


def heard(made: Project, eligible: frozenset[str]) -> Voices:
    return voices("c", eligible, made, words_of(made))


@settings(max_examples=25, deadline=None)
@given(marks, st.sets(st.sampled_from(PEOPLE)), st.integers(0, 99))
def test_counts_do_not_depend_on_the_order_of_any_table(
    given_: list[tuple[str, str, str]], eligible: set[str], order: int
) -> None:
    asked = frozenset(eligible)
    assert heard(project(given_), asked) == heard(project(given_, order), asked)


@settings(max_examples=25, deadline=None)
@given(marks, st.sets(st.sampled_from(PEOPLE)))
def test_nobody_counts_twice_or_uninvited(
    given_: list[tuple[str, str, str]], eligible: set[str]
) -> None:
    asked = frozenset(eligible)
    found = heard(project(given_), asked)
    said = {
        stance: {s.split()[0] for s, _, what in given_ if what == stance and s != "note"}
        for stance in ("supports", "contradicts")
    }
    assert found.supports == said["supports"] & asked
    assert found.contradicts == said["contradicts"] & asked
    assert found.n_outside == len((said["supports"] | said["contradicts"]) - asked)
    assert found.n_observations_supporting == any(
        s == "note" and what == "supports" for s, _, what in given_
    )
    for choice in found.by_choice.values():
        assert choice.n_supports <= found.state.n_supports
        assert choice.n_contradicts <= found.state.n_contradicts
        assert choice.n_eligible <= len(asked)
    coders = {coder for _, coder, _ in given_}
    assert set(found.by_choice) <= {UNION, INTERSECTION, *coders}
    assert (INTERSECTION in found.by_choice) == (len(coders) > 1)

"""Counts do not depend on the order of anything, a union never exceeds the sum, nobody counts
twice."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from evalweave.qualitative.agreement import agreement, krippendorff_alpha
from evalweave.qualitative.assemble import Beside, assemble
from evalweave.qualitative.cooccurrence import cooccurrence
from evalweave.qualitative.counts import fieldwork, theme_counts
from evalweave.qualitative.inputs import people_table
from evalweave.qualitative.project import Project
from evalweave.qualitative.raw import (
    Raw,
    RawCode,
    RawCoding,
    RawLink,
    RawPerson,
    RawSelection,
    RawSource,
)
from evalweave.tables.qualitative import ELIGIBILITY, THEME_CODES, THEMES

PEOPLE = {"Zoë C1": "client", "C2": "client", "C3": "client", "L1": "link_worker"}
CODES = ("care", "care.bus", "care.call", "care.call.door", "else", "else.bus")
TEXT = "one two three four five six seven eight nine ten"
EDGES = [0, *[i for i, letter in enumerate(TEXT) if letter == " "], len(TEXT)]

marks = st.lists(
    st.tuples(
        st.sampled_from(["s1", "s2", "s3", "group", "note"]),
        st.integers(0, len(EDGES) - 2),
        st.integers(1, 4),
        st.sampled_from(CODES),
        st.sampled_from(["x", "y", "z"]),
    ),
    min_size=1,
    max_size=25,
)


def raw_of(
    rows: list[tuple[str, int, int, str, str]], order: np.random.Generator | None = None
) -> Raw:
    """Build a project; with `order` every list is shuffled and every key renamed."""
    key = (lambda name: f"k-{name[::-1]}") if order is not None else (lambda name: name)
    selections = [
        RawSelection(
            key(s),
            EDGES[i],
            EDGES[min(i + n, len(EDGES) - 1)],
            codings=(RawCoding(key(code), coder),),
            key=f"{j}",
        )
        for j, (s, i, n, code, coder) in enumerate(rows)
    ]
    sources = [RawSource(key(s), s, TEXT) for s in ("s1", "s2", "s3", "group", "note")]
    codes = [RawCode(key(code), (code,)) for code in CODES]
    people = [RawPerson(key(name), name) for name in PEOPLE]
    links = [
        RawLink(key(s), key(who), "case_source")
        for s, who in (("s1", "Zoë C1"), ("s2", "C2"), ("s3", "C3"))
    ]
    links += [
        RawLink(key("group"), key(who), "case_selection", *span)
        for who, span in (("L1", (0, 20)), ("Zoë C1", (20, 48)))
    ]
    if order is not None:
        for items in (selections, sources, codes, people, links):
            order.shuffle(items)  # type: ignore[arg-type]
    return Raw("test", tuple(sources), tuple(codes), tuple(selections), tuple(people), tuple(links))


KINDS = dict.fromkeys(("s1", "s2", "s3"), "interview") | {
    "group": "focus_group",
    "note": "field_note",
}


def project_of(
    raw: Raw,
    asked: set[tuple[str, str]] | None = None,
    form: Callable[[str], str] = str,
    mapped: Sequence[tuple[str, str]] = (),
) -> Project:
    """Assemble a project; `form` spells the names in the tables beside it."""
    participants = people_table(
        [
            {"participant_id": name, "role": role, "gender": name[:1]}
            for name, role in PEOPLE.items()
        ]
    )
    kinds = {form(name): {"kind": kind} for name, kind in KINDS.items()}
    links = [{"source": form(source), "participant": form(who)} for source, who in mapped]
    beside = Beside(participants=participants, sources=kinds, source_participants=links)
    project = assemble(raw, beside)
    pairs = [("t", "care", True), ("u", "care > call", True), ("u", "else", False)]
    rows = [
        (who, t, asked is None or (who, t) in asked, None) for who in PEOPLE for t in ("t", "u")
    ]
    return replace(
        project,
        themes=THEMES.conform(
            pd.DataFrame([("t", "T", None), ("u", "U", None)], columns=THEMES.names)
        ),
        theme_codes=THEME_CODES.conform(pd.DataFrame(pairs, columns=THEME_CODES.names)),
        eligibility=ELIGIBILITY.conform(pd.DataFrame(rows, columns=ELIGIBILITY.names)),
    )


def test_the_example_counts_something() -> None:
    """Guards the properties below against holding because nothing is ever counted."""
    counts = theme_counts(
        project_of(raw_of([("s1", 0, 2, "care.bus", "x"), ("group", 0, 1, "care", "y")]))
    )
    assert counts["n_participants"].sum() > 0


@given(rows=marks, seed=st.integers(0, 2**32 - 1))
@settings(max_examples=8, deadline=None)
def test_the_order_and_names_of_things_do_not_matter(rows: list, seed: int) -> None:
    one, other = project_of(raw_of(rows)), project_of(raw_of(rows, np.random.default_rng(seed)))
    pd.testing.assert_frame_equal(theme_counts(one, ["gender"]), theme_counts(other, ["gender"]))
    pd.testing.assert_frame_equal(fieldwork(one), fieldwork(other))
    pd.testing.assert_frame_equal(cooccurrence(one), cooccurrence(other))
    pd.testing.assert_frame_equal(agreement(one), agreement(other))
    pd.testing.assert_frame_equal(one.segments, other.segments)


@given(
    rows=marks, asked=st.sets(st.tuples(st.sampled_from(list(PEOPLE)), st.sampled_from(["t", "u"])))
)
@settings(max_examples=8, deadline=None)
def test_union_never_exceeds_the_sum_and_nobody_counts_twice(
    rows: list, asked: set[tuple[str, str]]
) -> None:
    counts = theme_counts(project_of(raw_of(rows), asked))
    people = counts[counts["n_participants"].notna()]
    assert (people["n_participants"] <= people["n_eligible"]).all()
    for (theme, role), cell in people.groupby(["theme_id", "role"]):
        eligible = sum(PEOPLE[who] == role for who, t in asked if t == theme)
        whole = cell[cell["code_id"].isna()].iloc[0]
        assert whole["n_eligible"] == eligible
        own = cell[cell["code_id"].notna()].set_index("code_id")
        assert own["n_participants"].max() <= whole["n_participants"] <= own["n_participants"].sum()
        assert whole["n_sources"] <= own["n_sources"].sum()
        if theme == "t":
            below = own.loc[["care > bus", "care > call"], "n_participants"]
            alone = whole["n_participants"] - below.sum()
            assert (
                own.loc["care", "n_participants"] == whole["n_participants"] and alone <= eligible
            )


@given(rows=marks)
@settings(max_examples=8, deadline=None)
def test_a_second_coder_who_repeats_everything_changes_no_count(rows: list) -> None:
    again = [(source, i, n, code, "copy") for source, i, n, code, _ in rows]
    one, both = project_of(raw_of(rows)), project_of(raw_of(rows + again))
    pd.testing.assert_frame_equal(theme_counts(one), theme_counts(both))
    pd.testing.assert_frame_equal(cooccurrence(one), cooccurrence(both))


@given(
    data=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=2, max_size=30),
    seed=st.integers(0, 99),
)
@settings(max_examples=60, deadline=None)
def test_alpha_does_not_know_units_coders_or_labels(data: list[tuple[int, int]], seed: int) -> None:
    ratings = np.array(data, dtype=float)
    value = krippendorff_alpha(ratings)
    mixed = np.random.default_rng(seed).permutation(ratings)[:, ::-1] * 7 + 3
    other = krippendorff_alpha(mixed)
    assert (value is None) == (other is None)
    if value is not None:
        assert abs(value - other) < 1e-12 and value <= 1
        assert (value == 1) == bool((ratings[:, 0] == ratings[:, 1]).all())


@given(rows=marks, seed=st.integers(0, 2**32 - 1))
@settings(max_examples=8, deadline=None)
def test_unicode_forms_of_a_name_do_not_matter(rows: list, seed: int) -> None:
    """Each code, person and source stands in several Unicode forms, of which a row uses any."""
    draw = np.random.default_rng(seed)

    def form(name: str) -> str:
        return unicodedata.normalize(str(draw.choice(["NFC", "NFD"])), name)

    def written(code: str) -> str:
        return code.replace("care", "caré").replace("else", "élse")

    plain = raw_of(rows)
    several = {
        code.key: tuple(
            replace(code, key=f"{code.key} {kind}", names=(unicodedata.normalize(kind, name),))
            for kind in ("NFC", "NFD")
        )
        for code in plain.codes
        for name in (written(code.names[0]),)
    }
    accented = replace(
        plain,
        codes=tuple(code for both in several.values() for code in both),
        selections=tuple(
            replace(
                selection,
                codings=tuple(
                    RawCoding(several[c.code][int(draw.integers(2))].key, form(f"Zoë {c.coder}"))
                    for c in selection.codings
                ),
            )
            for selection in plain.selections
        ),
    )
    one, other = project_of(plain), project_of(accented)

    def known(project: Project) -> list[tuple[str, str, str]]:
        table = project.codings[["segment_id", "code_id", "coder_id"]]
        return [tuple(row) for row in table.itertuples(index=False)]  # type: ignore[misc]

    expected = {(s, " > ".join(map(written, c.split(" > "))), who) for s, c, who in known(one)}
    assert {(s, unicodedata.normalize("NFC", c), who) for s, c, who in known(other)} == expected
    assert len(known(other)) == len(known(one))
    pd.testing.assert_frame_equal(one.segments, other.segments)
    pd.testing.assert_frame_equal(fieldwork(one), fieldwork(other))


@given(rows=marks, seed=st.integers(0, 2**32 - 1))
@settings(max_examples=4, deadline=None)
def test_forms_of_people_and_sources_do_not_matter(rows: list, seed: int) -> None:
    """Composed or not, in full width, in any capitals, with blanks of any kind: the same people and
    sources, in the project and in the tables beside it."""
    draw = np.random.default_rng(seed)

    def form(name: str) -> str:
        text = unicodedata.normalize(str(draw.choice(["NFC", "NFD"])), name)
        if draw.integers(2):
            text = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)
        text = (str, str.upper, str.lower)[draw.integers(3)](text)
        blank = str(draw.choice([" ", "  ", "\u00a0", "\u3000"]))
        return blank * int(draw.integers(2)) + text.replace(" ", blank)

    plain = raw_of(rows)
    spelt = replace(
        plain,
        people=tuple(replace(person, name=form(person.name)) for person in plain.people),
        sources=tuple(
            replace(source, key=f"{source.key} {copy}", name=form(source.name))
            for source in plain.sources
            for copy in (0, 1)
        ),
        selections=tuple(
            replace(selection, source=f"{selection.source} {draw.integers(2)}")
            for selection in plain.selections
        ),
        links=tuple(replace(link, source=f"{link.source} 0") for link in plain.links),
    )
    mapped = [("s2", "C3"), ("s3", "Zoë C1")]
    one, other = project_of(plain, mapped=mapped), project_of(spelt, form=form, mapped=mapped)
    pd.testing.assert_frame_equal(theme_counts(one, ["gender"]), theme_counts(other, ["gender"]))
    pd.testing.assert_frame_equal(fieldwork(one), fieldwork(other))

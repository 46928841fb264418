"""Words that extracts use: one normalisation, and what each word means."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalweave.vocabulary.ethnicity import read_groups, white
from evalweave.vocabulary.words import _table, normal, words

KINDS = ("sexes", "yes_no", "missing", "coding_systems", "ethnic_groups")
# The groups of the census of 2011 (Ethnicity facts and figures, list of ethnic groups) and 2021.
CENSUS = {
    "white": (
        "English/Welsh/Scottish/Northern Irish/British",
        "English, Welsh, Scottish, Northern Irish or British",
        "Irish",
        "Gypsy or Irish Traveller",
        "Roma",
        "Any other White background",
    ),
    "mixed": (
        "White and Black Caribbean",
        "White and Black African",
        "White and Asian",
        "Any other Mixed/Multiple ethnic background",
        "Any other Mixed or multiple ethnic background",
    ),
    "asian": ("Indian", "Pakistani", "Bangladeshi", "Chinese", "Any other Asian background"),
    "black": (
        "African",
        "Caribbean",
        "Any other Black/African/Caribbean background",
        "Any other Black, Black British, or Caribbean background",
    ),
    "other": ("Arab", "Any other ethnic group"),
}
HEADINGS = {
    "white": ("White",),
    "mixed": ("Mixed", "Mixed/Multiple ethnic groups", "Mixed or multiple ethnic groups"),
    "asian": ("Asian/Asian British", "Asian, Asian British or Asian Welsh", "Asian"),
    "black": (
        "Black/African/Caribbean/Black British",
        "Black, Black British, Black Welsh, Caribbean or African",
        "Black or Black British",
    ),
    "other": ("Other ethnic group",),
}
NHS = dict(
    zip("ABCDEFGHJKLMNPRSZ", "wwwmmmmaaaabbbaou", strict=True)
)  # NHS data dictionary, ethnic category


@pytest.mark.parametrize("kind", KINDS)
def test_no_word_means_two_things(kind: str) -> None:
    meanings: dict[str, set[str]] = {}
    for meaning, word in _table(kind):
        meanings.setdefault(normal(word), set()).add(meaning)
    assert {word: many for word, many in meanings.items() if len(many) > 1} == {}


def test_groups_of_the_census_with_and_without_their_headings() -> None:
    labels = {
        label: group
        for group, names in CENSUS.items()
        for name in names
        for label in (
            name,
            *(f"{heading}{mark}{name}" for heading in HEADINGS[group] for mark in (": ", " - ")),
        )
    } | {heading: group for group, headings in HEADINGS.items() for heading in headings}
    assert read_groups(labels) == labels


def test_nhs_ethnic_categories() -> None:
    groups = read_groups(NHS)
    assert {code: str(group)[0] for code, group in groups.items()} == NHS


@pytest.mark.parametrize(
    ("label", "is_white"),
    [
        ("White British", 1),
        ("white", 1),
        ("A", 1),
        ("Asian", 0),
        ("Mixed: White and Asian", 0),
        ("", None),
        ("White and Black Caribbean", 0),
        ("white & asian", 0),
        ("Mixed: White", 0),
        ("Black African and White", 0),
        ("Mixed: Filipino and Danish", 0),
        ("British or mixed British - ethnic category 2001 census", 1),
        ("Mixed British", 1),
        ("White British - ethnic category 2001 census (finding)", 1),
        ("White\u00a0British", 1),
        ("Ｗhite", 1),
        ("1", 1),
        ("1.0", 1),
        ("2", 0),
        ("Bl_Carib", 0),
        ("Oth_Asian", 0),
        ("Prefer not to say", None),
        ("Z", None),
        ("99", None),
        ("a word that nobody knows", None),
    ],
)
def test_who_counts_as_white(label: str, is_white: int | None) -> None:
    assert white(read_groups([label])[label]) == is_white


def test_who_has_no_label_is_neither_white_nor_another() -> None:
    assert white(None) is None


def test_numbers_of_sixteen_groups_are_told_by_the_highest() -> None:
    sixteen = read_groups([str(number) for number in range(1, 17)])
    assert [place for place, group in sixteen.items() if group == "white"] == ["1", "2", "3"]
    five = read_groups(["1", "2", "3", "4", "5"])
    assert list(five.values()) == ["white", "mixed", "asian", "black", "other"]


def test_a_study_adds_words() -> None:
    assert read_groups(["Weiß"], {"weiss": "white"}) == {"Weiß": "white"}
    assert words("coding_systems", {"SNM": "snomed"}).read("snm") == "snomed"


@pytest.mark.parametrize(
    "name",
    [
        "snomed_ct",
        "SNOMED-CT",
        "snomedct",
        "SNOMED CT",
        "SNOMED\u00a0CT ",
        "http://snomed.info/sct",
        "http://snomed.info/sct/83821000000107/version/20230412",
        "urn:oid:2.16.840.1.113883.6.96",
        "ｓｎｏｍｅｄ",
    ],
)
def test_names_of_snomed_ct(name: str) -> None:
    assert words("coding_systems").read(name) == "snomed"


FORMS = st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"])
BLANKS = st.text(" \t\u00a0\u2003\u200b", max_size=3)


def wide(text: str) -> str:
    """Return text in full-width letters."""
    return "".join(chr(ord(m) + 0xFEE0) if "!" <= m <= "~" else m for m in text)


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_case_blanks_and_unicode_form_do_not_matter(kind: str, data: st.DataObject) -> None:
    meaning, word = data.draw(st.sampled_from(_table(kind)))
    written = data.draw(st.sampled_from([word, word.upper(), word.lower(), word.title()]))
    if data.draw(st.booleans()) and "://" not in word:
        written = wide(written)
    written = unicodedata.normalize(data.draw(FORMS), written)
    written = data.draw(BLANKS) + written + data.draw(BLANKS)
    assert words(kind).read(written) == meaning


def test_the_last_part_of_a_label_tells_but_mixed_goes_before_all() -> None:
    labels = {
        "Other ethnic group: Chinese": "asian",
        "White: Mixed": "mixed",
        "Chinese and White British": "mixed",
        "Indian & Irish": "mixed",
    }
    assert read_groups(labels) == labels


def test_a_study_s_word_goes_before_the_package_s() -> None:
    assert read_groups(["Irish"]) == {"Irish": "white"}
    assert read_groups(["Irish"], {"irish": "other"}) == {"Irish": "other"}

"""Code lists in the layouts people have, codes as types, and what is wrong told at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalweave.quantities import quantity_of
from evalweave.records.codelists import Codelist, conflicts, read, read_all, summary
from evalweave.records.codes import (
    Code,
    Ctv3Code,
    MedCodeId,
    Read2Code,
    SnomedCode,
    check_digit_fits,
)
from evalweave.study.outcomes import Outcome

SHIPPED = Path(__file__).parents[2] / "config" / "codelists"


def made(folder: Path, content: str | bytes, name: str = "list.csv") -> Codelist:
    codelist, faults = tried(folder, content, name)
    assert not faults and codelist is not None
    return codelist


def tried(folder: Path, content: str | bytes, name: str = "list.csv"):  # type: ignore[no-untyped-def]
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read("list", path, "snomed")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (
            "code,code_system,term,implied_unit,source\n999791000000106,snomed,x,mmol/mol,y\n",
            SnomedCode("999791000000106"),
        ),
        ("code,term\n44054006,Type 2 diabetes\n", SnomedCode("44054006")),
        ("MedCodeId\tTerm\tSnomedCTConceptId\n1700711000006113\tx\t44054006\n", None),
        ("code,code_system\n42W5.,Read v2\n", Read2Code("42W5.")),
        ("code,code_system\nXaPbt,CTV3\n", Ctv3Code("XaPbt")),
        (
            "MedCodeId\tOriginalReadCode\tTerm\r\n12622041000006111\tx\ty\r\n",
            MedCodeId("12622041000006111"),
        ),
        ("44054006\tType 2 diabetes\n", SnomedCode("44054006")),
        ("\ufeffcode;term\n 44054006 ;x\n", SnomedCode("44054006")),
        ("ConceptId,Description\n44054006,x\n", SnomedCode("44054006")),
    ],
)
def test_layouts(tmp_path: Path, content: str, code: Code | None) -> None:
    found = made(tmp_path, content)
    assert len(found.entries) == 1
    if code is not None:
        assert found.entries[0].code == code
    assert type(found.entries[0].code) in (SnomedCode, MedCodeId, Read2Code, Ctv3Code)


def test_utf16_is_read(tmp_path: Path) -> None:
    assert (
        made(tmp_path, "code,term\n44054006,x\n".encode("utf-16")).entries[0].code.text
        == "44054006"
    )


def test_codes_of_two_systems_are_never_equal() -> None:
    assert SnomedCode("12345") != MedCodeId("12345")
    assert len({SnomedCode("12345"), MedCodeId("12345"), SnomedCode("12345")}) == 2


@pytest.mark.parametrize("digits", ["999791000000106", "12622041000006111", "44054006", "73211009"])
def test_check_digits(digits: str) -> None:
    assert check_digit_fits(digits)
    for last in set("0123456789") - {digits[-1]}:
        assert not check_digit_fits(digits[:-1] + last)


def test_what_a_spreadsheet_does_to_codes_is_seen(tmp_path: Path) -> None:
    assert "spreadsheet" in made(tmp_path, "code\n12622041000006112\n").notes[0]
    _, faults = tried(tmp_path, "code\n1.2622E+16\n")
    assert "exponential" in str(faults[0])


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("1,26E+16", "exponential"),
        ("1.26e16", "exponential"),
        ("44054006.0", '".0" at the end of 1 of 2'),
        ("44054006.5", "with a fraction"),
        ("9997910000001060000"[:18], "ends in zeros"),
    ],
)
@pytest.mark.parametrize("header", ["code;term", "MedCodeId;Term"])
def test_codes_that_a_spreadsheet_has_cut_are_faults(
    tmp_path: Path, header: str, code: str, says: str
) -> None:
    codelist, faults = tried(tmp_path, f"{header}\n44054006;x\n{code};y\n")
    assert codelist is None and says in str(faults[0]) and "row 3" in str(faults[0])


def test_quotes_in_terms_take_in_no_codes(tmp_path: Path) -> None:
    aurum = 'MedCodeId\tTerm\n197761014\t"Type 2\n12622041000006111\t5" x\n457954013\t"z\n'
    assert len(made(tmp_path, aurum).entries) == 3
    assert len(made(tmp_path, '"MedCodeId"\t"Term"\n"197761014"\t"a\tb"\n').entries) == 1
    _, faults = tried(tmp_path, 'code,term\n44054006,"Type 2\n73211009,x\n')
    assert "a row that cannot be told from the next (a quote that is never closed)" in str(
        faults[0]
    )
    _, faults = tried(tmp_path, 'code,term\n44054006,"a\nb"\n\n,x\n')
    assert "row 5" in str(faults[0])  # as an editor counts


def test_duplicates_are_counted_and_conflicts_told(tmp_path: Path) -> None:
    assert made(tmp_path, "code,term\n44054006,a\n44054006,b\n").n_duplicates == 1
    _, faults = tried(tmp_path, "code,category\n44054006,type_2\n44054006,type_1\n")
    assert "two categories" in str(faults[0]) and "row 3" in str(faults[0])


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "an empty file"),
        ("code,term\n", "a header and no codes"),
        ("cod,term\nx,y\n", "no column of codes"),
        ("code,term\n,x\n", "no code"),
        ("code,code_system\n44054006,snommed\n", 'Did you mean "snomed"?'),
        (b"PK\x03\x04rest", "no zip"),
        (b"code\n\xff\x81\xb5\n", "neither UTF-8 nor Windows-1252"),
    ],
)
def test_faults(tmp_path: Path, content: str | bytes, says: str) -> None:
    codelist, faults = tried(tmp_path, content)
    assert codelist is None and says in str(faults[0])


def test_a_missing_list_is_told_with_the_others(tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("")
    _, faults = read_all(
        {"a": str(tmp_path / "absent.csv"), "b": str(tmp_path / "bad.csv")}, "snomed"
    )
    assert len(faults) == 2


def test_a_code_cannot_mean_an_outcome_and_something_else(tmp_path: Path) -> None:
    for name in ("hba1c", "other", "third"):
        (tmp_path / f"{name}.csv").write_text(
            "code\n44054006\n" if name != "third" else "code\n73211009\n"
        )
    lists, _ = read_all(
        {n: str(tmp_path / f"{n}.csv") for n in ("other", "hba1c", "third")}, "snomed"
    )
    outcome = {"hba1c": Outcome(unit="mmol/mol", plausible=(20, 195))}
    (fault,) = conflicts(lists, outcome)
    assert "also stands in the code list" in str(fault)
    assert not conflicts({n: lists[n] for n in ("other", "third")}, {})


def test_yes_no_outcomes_need_a_value(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("code,value\n77176002,1\n8392000,\n")
    lists, _ = read_all({"smoking": str(tmp_path / "s.csv")}, "snomed")
    (fault,) = conflicts(lists, {"smoking": Outcome(unit="1", plausible=(0, 1), kind="binary")})
    assert "without 1 or 0" in str(fault)


def test_shipped_lists_are_whole() -> None:
    lists, faults = read_all({path.stem: str(path) for path in SHIPPED.glob("*.csv")}, "snomed")
    assert not faults
    assert not [note for each in lists.values() for note in each.notes]
    assert lists["social_prescribing_referral"].labels() == [
        "social_prescribing_referral",
        "social_prescribing_referral[declined]",
    ]
    table = summary(lists)
    assert (table["n_codes"] > 0).all() and table["codelist"].is_monotonic_increasing


SECONDARY = {
    "systolic_bp": {"unit": "mmHg", "plausible": [60, 260]},
    "body_mass_index": {"unit": "kg/m2", "plausible": [12, 80]},
    "total_cholesterol": {"unit": "mmol/L", "plausible": [1, 20]},
    "smoking": {"unit": "proportion", "plausible": [0, 1], "kind": "binary"},
}


@pytest.mark.parametrize("name", SECONDARY)
def test_lists_of_secondary_outcomes_are_sound(name: str) -> None:
    """Check digits, sources, units that the quantity has, and 1 or 0 of a yes/no outcome; in SNOMED
    CT and OMOP."""
    found = made_of(SHIPPED / f"{name}.csv", name)
    assert not found.notes and not found.n_duplicates
    outcome = Outcome.model_validate(SECONDARY[name])
    assert not conflicts({name: found}, {name: outcome})
    systems = {entry.code.system for entry in found.entries}
    assert {"snomed", "omop"} <= systems
    for system in ("snomed", "omop"):  # a format needs both answers, or it would find only one
        values = {entry.value for entry in found.entries if entry.code.system == system}
        assert values == ({"0", "1"} if outcome.binary else {""})
    for entry in found.entries:
        if entry.implied_unit:
            assert quantity_of(name, outcome.unit).has(entry.implied_unit)


def made_of(path: Path, name: str) -> Codelist:
    codelist, faults = read(name, path, "snomed")
    assert not faults and codelist is not None
    return codelist

"""Agreement and saturation of one project cut in two, and codings whose place is not known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from evalweave.qualitative.agreement import agreement
from evalweave.qualitative.counts import theme_counts
from evalweave.qualitative.disagreements import disagreements
from evalweave.qualitative.project import Project
from evalweave.qualitative.readers import from_tables, load
from evalweave.qualitative.refi_out import qdpx
from evalweave.qualitative.saturation import heard, saturation, saturation_of, sentences
from evalweave.qualitative.show import neutral
from evalweave.qualitative.stand_ins import not_carried
from evalweave.study.qualitative import Qualitative
from helpers.small_projects import project as small

Row = tuple[str, str, object, object, str, str]
ROWS: list[Row] = [
    ("I1", "help", 0, 10, "k1", "A"),
    ("I1", "help", 0, 10, "k2", "A"),
    ("I1", "cost", 20, 30, "k1", "A"),
    ("I2", "help", 5, 15, "k1", "B"),
    ("I2", "cost", 5, 15, "k2", "B"),
    ("I2", "help", 50, 60, "k2", "B"),
    ("I2", "help", 50, 60, "k1", "B"),
]
MAPPED = "T1,Help,help\nT2,Cost,cost\nT1,,w > help\nT2,,w > cost\n"
APART = "T1,Help,help\nT2,Cost,cost\nT3,Their help,w > help\nT4,Their cost,w > cost\n"


def read(folder: Path, main: list[Row], further: list[Row] | None, themes: str = MAPPED) -> Project:
    """Return a project of coded segments, perhaps with a further one, as written and read again."""
    folder.mkdir(exist_ok=True)

    def table(name: str, rows: list[Row]) -> str:
        lines = [",".join(map(str, row)) for row in rows]
        head = "source,code,start,end,coder,participant"
        (folder / name).write_text("\n".join([head, *lines, ""]), encoding="utf-8")
        return str(folder / name)

    (folder / "p.csv").write_text("participant_id,role\nA,client\nB,client\n", encoding="utf-8")
    (folder / "t.csv").write_text(f"theme_id,label,code\n{themes}", encoding="utf-8")
    more = {} if further is None else {"w": {"project": table("w.csv", further)}}
    for declared in more.values():
        declared["format"] = "segments"
    settings = Qualitative.model_validate(
        {
            "format": "segments",
            "project": table("main.csv", main),
            "participants": str(folder / "p.csv"),
            "themes": str(folder / "t.csv"),
            "further_projects": more,
        }
    )
    project = load(Path(settings.project), settings)
    for name, frame in project.tables().items():
        neutral(frame).to_csv(folder / f"{name}.csv", index=False)
    return from_tables(folder)


def whole(project: Project) -> pd.DataFrame:
    """Return agreement over all sources, by code and pooled."""
    table = agreement(project)
    return table[table["source_id"].isna()].reset_index(drop=True)


def first(table: pd.DataFrame, measure: str, unit: str) -> pd.Series:
    of = (table["measure"] == measure) & (table["agreement_unit"] == unit)
    return table[of & table["code_id"].isna()].iloc[0]


def test_a_project_cut_in_two_agrees_and_saturates_as_it_did_whole(tmp_path: Path) -> None:
    """Six decisions on three stretches: equal on four; kappa by segment is 0.25 however it is
    cut."""
    one = read(tmp_path / "one", ROWS, None, MAPPED[: MAPPED.index("T1,,")])
    assert first(whole(one), "cohen_kappa", "segment")["coefficient"] == pytest.approx(0.25)
    by_coder = [[row for row in ROWS if row[4] == who] for who in ("k1", "k2")]
    for name, (main, further) in {"source": (ROWS[:3], ROWS[3:]), "coder": by_coder}.items():
        cut = read(tmp_path / name, main, further)
        shown = [
            table.assign(note=table["note"].str.split(r" \(").str[0])
            for table in map(whole, (cut, one))
        ]
        pd.testing.assert_frame_equal(*shown)
        assert len(disagreements(cut)) == len(disagreements(one))
        pd.testing.assert_frame_equal(saturation(cut, "client"), saturation(one, "client"))


def test_codes_of_two_coders_that_no_theme_holds_together_are_not_compared(tmp_path: Path) -> None:
    by_coder = [[row for row in ROWS if row[4] == who] for who in ("k1", "k2")]
    table = whole(read(tmp_path, by_coder[0], by_coder[1], APART))
    assert table["coefficient"].isna().all() and (table["n_units"] == 0).all()
    assert table["note"].str.contains("one where the themes hold both").all()


def test_code_books_kept_apart_are_no_decisions_in_each_others_sources(tmp_path: Path) -> None:
    one = first(whole(read(tmp_path / "a", ROWS[:3], None, APART)), "cohen_kappa", "segment")
    two = first(whole(read(tmp_path / "b", ROWS[3:], None, APART)), "cohen_kappa", "segment")
    cut = first(
        whole(read(tmp_path / "c", ROWS[:3], ROWS[3:], APART)), "percent_agreement", "segment"
    )
    assert cut["n_units"] == one["n_units"] + two["n_units"]


NEAR: list[Row] = [("I1", "help", 0, 24, "k1", "A"), ("I1", "help", 0, 27, "k2", "A")]


@pytest.mark.parametrize("code", ["help", "cost"])
def test_one_coding_without_a_place_is_left_out_and_said(tmp_path: Path, code: str) -> None:
    with_one = [*NEAR, ("I1", code, "", "", "k1", "A")]
    clean, mixed = (
        whole(read(tmp_path / "a", NEAR, None)),
        whole(read(tmp_path / "b", with_one, None)),
    )
    for measure in ("percent_agreement", "krippendorff_alpha"):
        before, after = (first(table, measure, "segment") for table in (clean, mixed))
        assert (before["n_units"], after["n_units"]) == (2, 2)
        pd.testing.assert_series_equal(
            before.drop("note"), after.drop("note"), check_names=False, check_index=False
        )
        assert "1 coding without a known place left out" in after["note"]
        assert "left out" not in before["note"]


def test_a_coder_without_any_place_is_compared_by_document_only(tmp_path: Path) -> None:
    rows: list[Row] = [NEAR[0], ("I1", "help", "", "", "k2", "A")]
    table = whole(read(tmp_path, rows, None))
    assert first(table, "percent_agreement", "document")["coefficient"] == 1
    segments = table[table["agreement_unit"] == "segment"]
    assert (segments["n_units"] == 0).all() and segments["coefficient"].isna().all()


def test_people_in_whom_nothing_was_coded_are_part_of_a_saturation_curve() -> None:
    """A raised c; B's interview holds no coding; C and D share words of nobody; E has no source.
    One code after one person in half of the orders, and after both."""
    links = [("s", "A", None, None), ("t", "B", None, None)]
    links += [("u", "C", None, None), ("u", "D", None, None)]
    made = small("ABCDE", links, [("s", 0, 5, "c"), ("t", 0, 5, None), ("u", 0, 5, "c")])
    assert heard(made, "client") == (["A", "B"], ["C", "D", "E"])
    curve = saturation_of(made, ["client"])
    assert curve["n_first"].tolist() == [1, 2] and set(curve["n_left_out"]) == {3}
    assert curve["mean"].tolist() == [pytest.approx(0.5, abs=0.06), 1]
    assert "client: 2 people; 3 left out" in sentences(made, ["client"])[0]
    assert sentences(small("A", links[:1], [("s", 0, 5, "c")]), ["client"]) == []


OVERLAPPING: list[Row] = [
    ("I1", "help", 0, 7, "k1", "A"),
    ("I1", "help", 0, 7, "k2", "A"),
    ("I1", "cost", 5, 12, "k1", "A"),
    ("I1", "help", 6, 12, "k2", "A"),
    ("I2", "help", 0, 4, "k1", "B"),
]


def out_and_back(project: Project, folder: Path) -> Project:
    """Return a project written as REFI-QDA and read with the same tables beside it."""
    path = folder / "out.qdpx"
    path.write_bytes(qdpx(project))
    beside = {"participants": str(folder / "p.csv"), "themes": str(folder / "t.csv")}
    return load(path, Qualitative.model_validate({"project": str(path), **beside}))


def test_overlapping_stretches_of_an_unknown_text_come_back_as_they_were(tmp_path: Path) -> None:
    there = read(tmp_path, OVERLAPPING, None, "T1,Help,help\nT2,Cost,cost\n")
    back = out_and_back(there, tmp_path)
    pd.testing.assert_frame_equal(theme_counts(back), theme_counts(there))
    for unit in ("segment", "document"):
        one, two = (first(whole(p), "cohen_kappa", unit) for p in (there, back))
        assert one["coefficient"] == pytest.approx(two["coefficient"])
    assert "the text of 2 sources is not known" in not_carried(there)[0]
    assert "in 0 of them on a line" in not_carried(there)[0]


def test_two_sources_of_one_name_and_the_same_words_stay_two(tmp_path: Path) -> None:
    rows: list[Row] = [("I1", "help", 0, 3, "k1", "A"), ("I2", "help", 0, 3, "k1", "B")]
    made = read(tmp_path, rows, None, "T1,Help,help\n")
    made = replace(made, sources=made.sources.assign(name="I1"))
    back = out_and_back(made, tmp_path)
    assert sorted(back.sources["name"]) == ["I1", "I1 (2)"]
    pd.testing.assert_frame_equal(theme_counts(back), theme_counts(made))
    assert "1 source of the same name" in not_carried(made)[1]


def test_who_speaks_goes_with_the_stretch_where_positions_cannot(tmp_path: Path) -> None:
    rows: list[Row] = [("I1", "help", 0, 3, "k1", "A"), ("I1", "cost", 9, 12, "k1", "B")]
    made = read(tmp_path, rows, None, "T1,Help,help\nT2,Cost,cost\n")
    longer = made.segments.assign(quote=["words that are longer", "than their place"])
    made = replace(made, segments=longer)
    back = out_and_back(made, tmp_path)
    pd.testing.assert_frame_equal(theme_counts(back), theme_counts(made))
    assert sorted(back.segments["quote"]) == sorted(longer["quote"])
    assert "in 1 of them on a line" in not_carried(made)[0]

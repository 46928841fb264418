"""Double coding as declared, disagreements side by side, numbers by theme, saturation: by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalweave.errors import DataError, StudyError
from evalweave.qualitative.agreement import agreement
from evalweave.qualitative.decisions import decisions
from evalweave.qualitative.disagreements import by_code, disagreements
from evalweave.qualitative.project import Project
from evalweave.qualitative.readers import load
from evalweave.qualitative.saturation import roles_of, saturation_of
from evalweave.qualitative.theme_numbers import described, theme_numbers
from evalweave.release.disclosure import profile
from evalweave.release.voices import released_saturation, released_theme_numbers
from evalweave.report.sections import described as around
from evalweave.tables.qualitative import (
    DOUBLE_CODING,
    GAPS,
    SATURATION,
)
from helpers import reports
from helpers.coded_projects import beside, write_qdpx
from helpers.small_projects import found, project_with
from helpers.small_projects import project as people_with

RULES = profile("nhs_england")


def declared(project: Project, *pairs: tuple[str, str]) -> Project:
    frame = pd.DataFrame(list(pairs), columns=["source_id", "coder_id"])
    return replace(project, double_coding=DOUBLE_CODING.conform(frame))


BOTH = [("s", 0, 10, "c", "coder_1"), ("s", 0, 10, "c", "coder_2")]
ALONE = [("t", 0, 10, "c", "coder_1")]


def test_a_declared_source_in_which_one_found_nothing_counts() -> None:
    """Of 40 characters 10 both, 10 only the first, 20 neither; undeclared, t would be left out."""
    project = project_with(BOTH + ALONE, {"s": 20, "t": 20})
    pairs = [(source, coder) for source in "st" for coder in ("coder_1", "coder_2")]
    row = found(_whole(declared(project, *pairs)), "c", "percent_agreement", "character")
    assert (row["n_units"], row["coefficient"]) == (40, 0.75)
    undeclared = found(_whole(project), "c", "percent_agreement", "character")
    assert (undeclared["n_units"], undeclared["coefficient"]) == (20, 1.0)


def test_a_declared_source_in_which_nobody_found_anything_is_agreed() -> None:
    project = project_with(BOTH, {"s": 20, "t": 20})
    pairs = [(source, coder) for source in "st" for coder in ("coder_1", "coder_2")]
    row = found(_whole(declared(project, *pairs)), "c", "percent_agreement", "document")
    assert (row["n_units"], row["coefficient"]) == (2, 1.0)


def test_codings_that_the_declaration_does_not_know_are_left_out_and_counted() -> None:
    third = [("s", 12, 18, "d", "coder_3")]
    project = declared(project_with(BOTH + third, {"s": 20}), ("s", "coder_1"), ("s", "coder_2"))
    judged = decisions(project)
    assert (judged.coders, judged.codes, judged.n_outside) == (
        ("coder_1", "coder_2"),
        ("c", "d"),
        1,
    )
    assert len(judged.parts["segment"][0].places) == 1


def _whole(project: Project) -> pd.DataFrame:
    table = agreement(project)
    return table[table["source_id"].isna()]


marks = st.lists(
    st.tuples(
        st.sampled_from("st"),
        st.integers(0, 15),
        st.integers(1, 5),
        st.sampled_from("cd"),
        st.sampled_from(["coder_1", "coder_2"]),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=40, deadline=None)
@given(marks)
def test_a_source_alone_agrees_as_it_does_by_source_and_disputes_are_what_differs(drawn) -> None:
    rows = sorted({(s, start, start + size, code, who) for s, start, size, code, who in drawn})
    pairs = [(source, coder) for source in "st" for coder in ("coder_1", "coder_2")]
    project = declared(project_with(rows, {"s": 20, "t": 20}), *pairs)
    table = agreement(project)
    listed = disagreements(project)
    segments = table[
        (table["agreement_unit"] == "segment") & (table["measure"] == "percent_agreement")
    ]
    pooled = segments[segments["source_id"].isna() & segments["code_id"].isna()].iloc[0]
    assert round((1 - pooled["coefficient"]) * pooled["n_units"]) == len(listed)
    assert sum(n for _, n in by_code(listed)) == len(listed)
    for source in "st":
        alone = declared(project, (source, "coder_1"), (source, "coder_2"))
        own = agreement(alone)
        own = own[own["source_id"].isna() & own["code_id"].isna()]
        same = table[(table["source_id"] == source) & table["code_id"].isna()]
        merged = same.merge(own, on=["measure", "agreement_unit", "coder_a", "coder_b"])
        codes = set(project.codings.merge(project.segments)["code_id"])
        mine = project.codings.merge(project.segments)
        if set(mine.loc[mine["source_id"] == source, "code_id"]) != codes:
            continue  # codes that only the other source has would be pooled here and not there
        assert len(merged) == len(same)
        pd.testing.assert_series_equal(
            merged["coefficient_x"], merged["coefficient_y"], check_names=False
        )


def test_disagreements_by_hand() -> None:
    rows = [
        ("s", 0, 10, "c", "coder_1"),
        ("s", 0, 10, "d", "coder_2"),
        ("s", 12, 20, "c", "coder_1"),
        ("s", 13, 20, "c", "coder_2"),  # nearly the same stretch: no dispute
    ]
    listed = disagreements(project_with(rows, {"s": 20}))
    shown = listed[["start", "end", "code_id", "given_by", "not_given_by", "instead"]]
    assert shown.to_numpy().tolist() == [
        [0, 10, "c", "coder_1", "coder_2", "d"],
        [0, 10, "d", "coder_2", "coder_1", "c"],
    ]


def test_who_double_coded_what_is_read_by_name_and_pseudonym(tmp_path: Path) -> None:
    file = tmp_path / "double.csv"
    file.write_text("source,coder\nC01_interview,zoe  q\nC01_interview,coder_1\n")
    settings_ = beside(
        tmp_path, write_qdpx(tmp_path / "p.qdpx"), "refi_qda", double_coding=str(file)
    )
    read = load(tmp_path / "p.qdpx", settings_)
    assert read.double_coding["coder_id"].tolist() == ["coder_1", "coder_2"]
    assert read.double_coding["source_id"].nunique() == 1


def test_everything_wrong_with_double_coding_is_said_at_once(tmp_path: Path) -> None:
    file = tmp_path / "double.csv"
    project = write_qdpx(tmp_path / "p.qdpx")
    settings_ = beside(tmp_path, project, "refi_qda", double_coding=str(file))
    file.write_text("source,coder\nC01_interview,zoe q\nFG1,zoe q\nFG1,zoe q\n")
    with pytest.raises(DataError) as error:
        load(project, settings_)
    assert "row 4" in str(error.value) and str(error.value).count("one coder only") == 2
    file.write_text("source,coder\nC09,zoe q\nC09,adam p\nFG1,adam p\nFG1,zoe p\n")
    with pytest.raises(DataError) as error:
        load(project, settings_)
    assert str(error.value).count("C09") == 2 and "nearly that of one" in str(error.value)
    assert '"zoe p"' not in str(error.value)


def test_a_declared_coder_who_found_nothing_anywhere_counts(tmp_path: Path) -> None:
    file = tmp_path / "double.csv"
    file.write_text("source,coder\nC01_interview,zoe q\nC01_interview,Zoe  R\n")
    project = write_qdpx(tmp_path / "p.qdpx")
    read = load(project, beside(tmp_path, project, "refi_qda", double_coding=str(file)))
    assert read.double_coding["coder_id"].tolist() == ["coder_2", "coder_3"]
    assert not read.codings["coder_id"].eq("coder_3").any()
    told = read.import_log[read.import_log["message"].str.contains("having found nothing")]
    assert told["n"].tolist() == [1] and told["severity"].tolist() == ["warning"]
    row = agreement(read).query("measure == 'percent_agreement' and agreement_unit == 'segment'")
    assert row.loc[row["code_id"].isna(), "coefficient"].max() < 1


def test_median_and_range_by_hand() -> None:
    """Of 1, 2, 4, 8, 16, 32 the median is 6; three people lie at or below 4, three at or above
    8."""
    values = pd.Series([32.0, 1.0, 4.0, 2.0, 8.0, 16.0])
    assert described(values, 3) == (6, 6.0, 4.0, 8.0, 1.0, 32.0)
    assert described(values[:5], 3) == (5, 4.0, None, None, 1.0, 32.0)
    assert described(values[:0], 3) == (0, None, None, None, None, None)


def _months(n: int, raised: int) -> Project:
    people = [f"p{i:02d}" for i in range(n)]
    links = [(f"s{person}", person, None, None) for person in people]
    marks_ = [(f"s{person}", 0, 10, "c") for person in people[:raised]]
    made = people_with(people, links, marks_)  # type: ignore[arg-type]
    months = [float(i) + 0.4 for i in range(n)]
    return replace(made, participants=made.participants.assign(months_in_programme=months))


def test_numbers_of_a_theme_leave_rounded_and_only_where_its_count_does() -> None:
    from evalweave.qualitative.counts import theme_counts

    for raised, shown in ((2, False), (8, True), (11, False)):
        made = _months(12, raised)
        exact = theme_numbers(made, ["months_in_programme"], 3)
        assert exact["n_with_value"].tolist() == [raised, 12]
        released = released_theme_numbers(RULES, exact, theme_counts(made)).set_index("of")
        assert "lowest" not in released and "n_with_value" not in released
        assert pd.notna(released.loc["raised", "median"]) == shown
        if shown:
            assert released.loc["raised", ["median", "low", "high"]].tolist() == [4, 2, 5]


def test_a_released_curve_tells_whole_codes_of_several_people() -> None:
    curve = saturation_of(_months(8, 7), ["client"])
    released = released_saturation(RULES, curve)
    assert released["n_first"].tolist() == [3, 4, 5, 6, 7, 8]
    assert "n_left_out" not in released
    assert (released["mean"] % 1 == 0).all()
    few = SATURATION.conform(curve[curve["n_first"] <= 5])
    assert released_saturation(RULES, few).empty


def test_a_role_that_nobody_has() -> None:
    with pytest.raises(StudyError, match="client"):
        roles_of(_months(3, 1), ["clints"])
    assert roles_of(_months(3, 1), ["Client"]) == ["client"]


def test_gaps_stand_before_the_counts_and_hide_the_few(tmp_path: Path) -> None:
    data = reports.data(tmp_path)
    rows = [
        (None, "source without any coding", "x"),
        ("T", "participant without any source", "p1"),
        ("T", "participant without any source", "p2"),
        ("U", "participant without any source", "p1"),
    ]
    told = replace(data, gaps=GAPS.conform(pd.DataFrame(rows, columns=GAPS.names)))
    written = " ".join(str(item) for item in around.gaps(told)[1].items)
    assert "1 to 2" in written and ">2<" not in written and "p1" not in written
    assert "Every source holds a coding" in str(
        around.gaps(replace(data, gaps=GAPS.empty()))[0].text
    )

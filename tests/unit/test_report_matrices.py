"""Claims by label, themes by subgroup, and threads: what they show, and that they give away no
hidden count."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalweave import files
from evalweave.release.audit import audit
from evalweave.release.disclosure import profile
from evalweave.release.identifiers import Identifiers
from evalweave.report.folder import write_report
from evalweave.report.gather import gather
from evalweave.report.sections import matrices
from evalweave.report.sections.matrices import counted
from evalweave.study.file import load_study
from evalweave.tables.joint import JOINT_DISPLAY
from evalweave.tables.qualitative import THEME_COUNTS
from helpers.report_results import HOSTILE, Made, results, study_file
from helpers.reports import both, undrawn

RULES = profile("nhs_england")


def report(folder: Path, made: Made, change: Any = None) -> Path:
    """Write a report from invented results, which `change` may alter before."""
    file, where = study_file(folder, made), results(folder, made)
    if change:
        change(where)
    with undrawn():
        write_report(gather(load_study(file), file, where), file, where, folder / "report")
    return folder / "report"


def words(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)).replace("\u202f", " ")


def part(out: Path, start: str) -> str:
    """Return the HTML from one heading to the next, or to the end of the section."""
    html = both(out)
    after = html[html.index(f'<h3 id="{start}"') + 1 :]
    return after[: re.search(r"<h3 |</section>", after).start()]  # type: ignore[union-attr]


def joint(where: Path, **columns: Any) -> None:
    path = where / "join/joint_display.csv"
    frame = files.read_table(path, JOINT_DISPLAY)
    files.write_csv(frame.assign(**columns), path)


def test_claims_stand_under_their_label_and_complements_apart(tmp_path: Path) -> None:
    html = part(report(tmp_path, Made()), "convergence-matrix")
    text = words(html)
    groups = [
        words(group).strip()
        for group in re.findall(r'<tr class="group">(.*?)</tr>', html, flags=re.DOTALL)
    ]
    assert groups == [
        "Agreement",
        "Complements: the strands answer different questions, so no label is given",
    ]
    assert (
        text.index("Agreement")
        < text.index("It helps some &amp; not others")
        < text.index("Complements:")
    )
    assert text.index("Complements:") < text.index("Nobody was asked")
    assert '<a href="#claim-small">' in html
    assert "71 %" in text and "not a probability" in text
    assert "dissonance" not in text.lower()  # labels that no claim has


def test_labels_stand_in_the_order_of_the_rule_and_unknown_ones_last(tmp_path: Path) -> None:
    def change(where: Path) -> None:
        joint(where, relation="converges", label=["of a later rule", "dissonance"])

    html = part(report(tmp_path, Made(), change), "convergence-matrix")
    assert [
        words(g).strip() for g in re.findall(r'<tr class="group">(.*?)</tr>', html, flags=re.DOTALL)
    ] == [
        "Dissonance",
        "Of a later rule",
    ]


def test_a_label_that_rests_on_a_withheld_estimate_is_withheld(tmp_path: Path) -> None:
    out = report(tmp_path, Made(people=5))
    assert "Withheld" in words(part(out, "convergence-matrix"))
    assert "Agreement" not in words(part(out, "convergence-matrix"))
    assert "No estimate. Withheld" in words(part(out, "threads"))
    assert words(part(out, "theme-by-subgroup")).count("no estimate") == 2
    assert "-1.2" not in (out / "joint_display.csv").read_text()


def test_a_subgroup_is_shown_where_its_hidden_levels_follow_from_the_total_anyway(
    tmp_path: Path,
) -> None:
    out = report(tmp_path, Made())
    text = words(part(out, "theme-by-subgroup"))
    assert re.search(r"Theme White Any other ethnic group .* 4 of 7 5 of 5 ", text)
    assert "only approximately: as coded &amp; as said" in text
    assert re.search(r"−0\.18 \(95 % CI −0\.27 to 0\.01\) percentage points", text)
    assert "Area deprivation : no matrix. No &lt;b&gt;attribute&lt;/b&gt; says it." in text
    said = words(both(out))
    assert "groups too small to be named" in said and re.search(r"\* of \* ", said)


def family(*levels: tuple[str, int, int], total: tuple[int, int] | None = None) -> pd.DataFrame:
    k, n = total or (sum(row[1] for row in levels), sum(row[2] for row in levels))
    rows = [
        {
            "theme_id": "t",
            "role": "client",
            "attribute": None if name is None else "ethnicity",
            "attribute_level": name,
            "n_participants": k,
            "n_eligible": n,
            "n_references": k,
            "n_sources": k,
        }
        for name, k, n in ((None, k, n), *levels)
    ]
    return THEME_COUNTS.conform(pd.DataFrame(rows, columns=THEME_COUNTS.names))


def line(*levels: str) -> dict[str, Any]:
    return {"theme_id": "t", "role": "client", "attribute_levels": list(levels)}


@pytest.mark.parametrize(
    ("counts", "levels", "k", "n"),
    [
        (family(("a", 5, 8), ("b", 4, 7), ("c", 3, 6)), ["a", "c"], "8", "14"),  # nothing is hidden
        (
            family(("a", 5, 5), ("b", 4, 4), ("c", 4, 8)),
            ["a", "b"],
            "9",
            "9",
        ),  # everybody singles nobody out
        (family(("a", 5, 5), ("b", 4, 8), ("c", 4, 5)), ["a", "c"], "*", "10"),  # all but one would
        (
            family(("a", 5, 6), ("b", 1, 5), ("c", 9, 9)),
            ["a", "b"],
            "6",
            "11",
        ),  # the hidden ones, together
        (
            family(("a", 5, 6), ("b", 1, 5), ("c", 9, 9)),
            ["b", "c"],
            "*",
            "14",
        ),  # would give the other one away
        (family(("a", 5, 6), ("b", 1, 5), ("c", 9, 9)), ["b"], "*", "5"),
        (
            family(("a", 5, 6), ("b", 1, 5), ("c", 9, 9), total=(16, 21)),
            ["a", "b"],
            "*",
            "11",
        ),  # some are of no level
        (family(("a", 1, 1), ("b", 1, 1)), ["a", "b"], "*", "*"),  # few people in all
        (family(("a", 5, 6), ("b", 4, 5)), ["gone"], "*", "*"),
    ],
)
def test_no_subgroup_gives_a_hidden_level_away(
    counts: pd.DataFrame, levels: list[str], k: str, n: str
) -> None:
    found = counted(RULES, counts, line(*levels), "ethnicity")
    assert (found["n_participants"], found["n_eligible"]) == (k, n)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 5)), min_size=1, max_size=5), st.data())
def test_what_is_shown_can_be_worked_out_from_what_was_released_before(
    made: list[tuple[int, int]], data: st.DataObject
) -> None:
    levels = [(f"level {i}", k, k + more) for i, (k, more) in enumerate(made)]
    counts = family(*levels)
    chosen = data.draw(st.sets(st.sampled_from([name for name, _, _ in levels]), min_size=1))
    found = counted(RULES, counts, line(*chosen), "ethnicity")
    released = RULES.count_frame(counts, THEME_COUNTS)
    total, cells = released.iloc[0], released.iloc[1:]
    inside = cells["attribute_level"].isin(chosen)
    for name in ("n_participants", "n_eligible"):
        if found[name] == "*":
            continue
        ours, others = cells.loc[inside, name], cells.loc[~inside, name]
        known = (
            sum(map(int, ours))
            if "*" not in list(ours)
            else int(total[name])
            - sum(map(int, others))  # fails where a hidden one would be needed
        )
        assert int(found[name]) == known
        assert not RULES.hides(known, "participants")


def test_a_thread_leads_from_the_theme_to_the_estimate(tmp_path: Path) -> None:
    html = part(report(tmp_path, Made()), "threads")
    text = words(html)
    assert re.search(r'<details class="more">\s*<summary>Good fit &lt;for some&gt;</summary>', html)
    order = [
        "Whom it",
        "fit &gt; good",
        "Clients: 9 of 12",
        "client, woman, supports the claim",
        "CI −1.90 to −0.50) mmol/mol. Agreement",
        "No estimate. Complements",
    ]
    places = [text.replace(" of ", " of ").index(each) for each in order]
    assert places == sorted(places)
    assert "Observations: 7 references" in text
    assert HOSTILE not in html and "&lt;script&gt;alert" in html
    assert "<i>bad" not in html and "<u>suits" not in html
    assert "C01" not in html


def test_small_numbers_of_voices_are_hidden_in_a_thread(tmp_path: Path) -> None:
    def change(where: Path) -> None:
        path = where / "count/theme_counts.csv"
        frame = files.read_table(path, THEME_COUNTS)
        whole = frame["code_id"].isna() & frame["attribute"].isna() & (frame["role"] == "client")
        files.write_csv(frame.assign(n_participants=frame["n_participants"].mask(whole, 2)), path)

    text = words(part(report(tmp_path, Made(), change), "threads"))
    assert "Clients: * of 12" in text and "2 of 12" not in text


def test_the_audit_finds_nothing_in_them(tmp_path: Path) -> None:
    out = report(tmp_path, Made())
    found = audit(
        out, [Identifiers.of("participant", ["C01"]), Identifiers.of("segment", ["C01:0-10"])]
    )
    assert found.findings == []


@pytest.mark.parametrize(
    "detail",
    [
        None,
        {},
        {
            "threads": [{"theme_id": "gone"}],
            "theme_by_subgroup": [{"analysis": "gone"}, {"analysis": "main"}],
        },
    ],
)
@pytest.mark.parametrize("made", [Made(), Made(only_main=True)])
def test_older_results_have_less_and_nothing_breaks(
    tmp_path: Path, made: Made, detail: dict[str, Any] | None
) -> None:
    def change(where: Path) -> None:
        (where / "join/joint_display.json").unlink()
        if detail is not None:
            (where / "join/joint_display.json").write_text(json.dumps(detail))

    out = report(tmp_path, made, change)
    html = both(out)
    assert 'id="convergence-matrix"' in html
    assert ('id="threads"' in html) == bool(detail)
    if detail:
        assert (
            "No quotation of it may be shown." in html and "No claim was declared about it." in html
        )


def test_quotes_and_counts_may_be_absent(tmp_path: Path) -> None:
    def change(where: Path) -> None:
        (where / "join/quotes.csv").unlink()
        (where / "count/theme_counts.csv").unlink()

    out = report(tmp_path, Made(), change)
    assert "No quotation of it may be shown." in part(out, "threads")
    assert "Nobody was counted for it." in part(out, "threads")
    assert "<table>" not in part(out, "theme-by-subgroup")


def test_word_says_the_same(tmp_path: Path) -> None:
    import docx

    word = docx.Document(
        str(report(tmp_path, replace(Made(), formats=("html", "docx"))) / "supplement.docx")
    )
    text = "\n".join(p.text for p in word.paragraphs)
    for said in (
        "Claims by label",
        "Follow a thread",
        "Clients: 9 of 12",
        "fit > <i>bad</i>",
        HOSTILE,
        "Area deprivation: no matrix.",
    ):
        assert said in text
    cells = [cell.text for table in word.tables for row in table.rows for cell in row.cells]
    assert "Agreement" in cells and "5 of 5" in cells


def test_one_hidden_group_of_a_theme_hides_the_others() -> None:
    """4 of 9 beside * of 6, where 8 of 15 is told elsewhere, would give the 4 of 6 away."""
    shown = {"n_participants": "4", "n_eligible": "9"}
    cells = {
        ("targets", "1"): shown,
        ("targets", "0"): {"n_participants": "*", "n_eligible": "6"},
        ("identity", "1"): shown,
        ("identity", "0"): {"n_participants": "3", "n_eligible": "6"},
    }
    hidden = matrices._hidden_together(cells)
    assert hidden["targets", "1"] == {"n_participants": "*", "n_eligible": "9"}
    assert hidden["identity", "1"] == shown

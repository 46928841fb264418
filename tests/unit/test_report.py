"""The report folder: what it says, what it must not hold, and that it is written whole from
whatever there is."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from evalweave.release.audit import audit
from evalweave.release.disclosure import profile
from evalweave.release.identifiers import Identifiers
from evalweave.release.notes import released_note
from evalweave.report.folder import write_report
from evalweave.report.gather import gather
from evalweave.study.file import load_study
from helpers.report_results import HOSTILE, Made, results, study_file
from helpers.reports import both, page, report, undrawn, words, written

ORDER = [
    "answer",
    "believed",
    "studied",
    "happened",
    "said",
    "together",
    "scope",
    "answer-more",
    "studied-more",
    "happened-more",
    "said-more",
    "together-more",
    "quality",
    "everything",
    "methods",
    "checklists",
    "provenance",
]


class _Tags(HTMLParser):
    VOID = ("meta", "input", "br", "link", "img", "hr")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.ids += [value for key, value in attrs if key == "id" and value]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


def test_the_sections_stand_in_the_order_of_the_design(tmp_path: Path) -> None:
    html = page(tmp_path)
    assert re.findall(r'<section id="([\w-]+)"', html) == ORDER
    assert re.findall(r'<li><a href="#([\w-]+)"', html)[: len(ORDER)] == ORDER


def test_the_page_is_well_formed_and_every_id_stands_once(tmp_path: Path) -> None:
    out = report(tmp_path, Made())
    for name in ("report.html", "supplement.html"):  # a claim's strip stands in both
        tags = _Tags()
        tags.feed((out / name).read_text())
        assert tags.wrong == [] and tags.open == []
        assert len(tags.ids) == len(set(tags.ids))


def test_every_link_inside_the_page_leads_somewhere(tmp_path: Path) -> None:
    html = page(tmp_path)
    ids = set(re.findall(r' id="([^"]+)"', html))
    assert set(re.findall(r'href="#([^"]+)"', html)) <= ids
    assert set(re.findall(r"url\(#([^)]+)\)", html)) <= ids


def test_the_page_needs_nothing_from_anywhere_else(tmp_path: Path) -> None:
    html = page(tmp_path)
    assert "<script" not in html
    assert not re.findall(r'(?:src|href)="(?!#|(?:report|supplement)\.html")', html)
    assert "url(http" not in html and "@import" not in html
    assert set(re.findall(r"https?://[^\"' <)]+", html)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1998/Math/MathML",
    }


def test_what_people_said_is_never_markup(tmp_path: Path) -> None:
    html = page(tmp_path)
    assert HOSTILE not in html
    assert "&lt;script&gt;alert" in html
    assert "Good fit &lt;for some&gt;" in html
    assert "invented study of &lt;b&gt;words&lt;/b&gt;" in html


def test_simulated_data_say_so_everywhere(tmp_path: Path) -> None:
    out = report(tmp_path, Made())
    html = both(out)
    assert 'class="banner"' in html
    assert '@top-center { content: "Simulated data"' in html  # every printed page
    captions = re.findall(r"<figcaption>(.*?)</figcaption>", html, flags=re.DOTALL)
    assert captions and all("Simulated data" in caption for caption in captions)
    for figure in out.glob("figures/*.svg"):
        assert "Simulated data" in figure.read_text()


@pytest.mark.parametrize(
    ("synthetic", "disclosure", "told"),
    [(False, "none", True), (False, "nhs_england", False), (True, "none", False)],
)
def test_real_data_without_disclosure_control_say_so_on_every_page(
    tmp_path: Path, synthetic: bool, disclosure: str, told: bool
) -> None:
    html = page(tmp_path, synthetic=synthetic, disclosure=disclosure)
    assert ("<strong>No disclosure control.</strong>" in html) == told
    assert ('@top-center { content: "No disclosure control' in html) == told


def test_real_data_never_say_simulated_nor_show_a_truth(tmp_path: Path) -> None:
    html = page(tmp_path, synthetic=False, truth=True)
    assert "imulated" not in re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL)
    assert "lanted" not in html


def test_planted_and_estimated_stand_side_by_side_for_simulated_data(tmp_path: Path) -> None:
    text = words(page(tmp_path))
    assert "planted −0.10, estimated −0.11 percentage points" in text
    assert "lanted" not in words(page(tmp_path / "none", truth=False))


def test_counts_are_marked_rounded_and_never_exact(tmp_path: Path) -> None:
    out = report(tmp_path, Made())
    html = both(out)
    assert 'about <data class="count" data-counts="patients" value="8045">8,045</data>' in html
    for exact in (
        "8046",
        "8,046",
        "10587",
        "10,587",
        "195577",
        "4752",
        "4,752",
        "4003",
        "2049",
        "40003",
    ):
        assert exact not in html
        for table in out.glob("**/*.csv"):
            assert exact not in table.read_text(), (exact, table)
    assert "1 to 7" in words(html)  # the three people who were seen before and after


def test_an_estimate_that_rests_on_too_few_people_is_nowhere(tmp_path: Path) -> None:
    out = report(tmp_path, Made(people=5))
    text = words(both(out))
    assert "There is no estimate for HbA1c" in text
    assert "withheld: it rests on too few people" in text.replace("Withheld", "withheld")
    for file in [
        *out.glob("*.csv"),
        *out.glob("figures/*"),
        out / "manifest.json",
        out / "report.html",
        out / "supplement.html",
    ]:
        assert not re.search(r"[−-]1\.2\b|[−-]0\.1097|[−-]1\.20", file.read_text()), file


def test_counts_in_the_analysts_words_are_released_on_the_page_and_in_the_table(
    tmp_path: Path,
) -> None:
    out = report(tmp_path, Made())
    row = pd.read_csv(out / "joint_display.csv").set_index("claim_id").loc["small"]
    assert row["meta_inference"] == "1 to 2 clients, and 1 to 2 link workers, saw it <so>"
    assert row["analyst_reason"] == "seen in the field, and told by 1 to 2 clients"
    assert "told by 1 to 2 clients" in words(both(out)) and "two clients" not in both(out)
    assert audit(out, []).findings == []


def test_counts_in_sentences_of_earlier_stages_are_released_too(tmp_path: Path) -> None:
    text = words(page(tmp_path))
    assert "about 510 treated rows of HbA1c" in text and "512 treated" not in text
    assert re.search(r"1 to 7 patients moved", text)
    assert "24 practices stay" in text
    rules = profile("nhs_england")
    assert "<script>" not in released_note(rules, "<script> of 12 people")
    assert (
        str(released_note(rules, "fewer than 4 practices, at −3 or 0.5"))
        == "fewer than 4 practices, at −3 or 0.5"
    )


def test_the_release_audit_finds_nothing(tmp_path: Path) -> None:
    out = report(tmp_path, Made())
    people = [Identifiers.of("participant", ["C01"]), Identifiers.of("segment", ["C01:0-10"])]
    found = audit(out, people)
    assert found.findings == []
    assert found.looked_at["marked_counts"] > 20


def test_statistics_that_rest_on_few_people_are_not_drawn(tmp_path: Path) -> None:
    out = report(tmp_path, Made())
    first = (out / "figures/raw-means.csv").read_text().splitlines()[1]
    assert "2012" in first and ",*," in first and "58.0" not in first


def test_the_order_of_answer_words(tmp_path: Path) -> None:
    text = words(page(tmp_path))
    assert "With the service available, HbA1c rose by 0.11 percentage points less than" in text
    assert text.index("Statistically,") < text.index("In practice,")
    assert "This is an association" in text
    assert "effect of the service" not in text


def test_both_units_are_there_and_the_switch_is_plain_html(tmp_path: Path) -> None:
    html = page(tmp_path)
    assert html.count('type="radio" name="unit"') == 2
    assert '<span class="u1">' in html and '<span class="u2">' in html
    other = {"quantity": "bmi", "plausible": [10, 80]}
    single = page(tmp_path / "bmi", unit="kg/m2", outcome=other, margin=None, truth=False)
    assert 'type="radio"' not in single
    assert "kg" in words(single)


@pytest.mark.parametrize(
    "options",
    [
        {"qualitative": False},
        {"claims": False},
        {"truth": False},
        {"trends": False},
        {"ledger": False},
        {"baseline": False},
        {"diagnostics": False},
        {"only_main": True},
        {"subgroup_absent": True},
        {"margin": None},
        {"low": -float("inf"), "high": float("inf")},
        {"low": float("nan"), "high": float("nan")},
        {"estimate": float("nan"), "low": float("nan"), "high": float("nan")},
        {"disclosure": "none"},
        {"disclosure": "opensafely"},
        {"disclosure": "sacro"},
        {
            "only_main": True,
            "qualitative": False,
            "trends": False,
            "ledger": False,
            "baseline": False,
            "diagnostics": False,
            "truth": False,
            "margin": None,
            "unit": "kg/m2",
            "outcome": {"quantity": "bmi", "plausible": [10, 80]},
        },
    ],
)
def test_what_is_absent_is_said_and_nothing_breaks(
    tmp_path: Path, options: dict[str, object]
) -> None:
    html = page(tmp_path, **options)
    there = re.findall(r'<section id="([\w-]+)"', html)
    assert there == [key for key in ORDER if key in there]
    without = {"scope"} if options.get("estimate") != options.get("estimate") else set()
    if options.get("qualitative") is False:
        without |= {"said", "together"}
    assert {key for key in ORDER if not key.endswith("-more")} - without <= set(there)
    text = words(html)
    assert "nan" not in re.findall(r"\bnan\b", text) and "<NA>" not in html and " None " not in text
    if options.get("qualitative") is False:
        assert "not part of this study" in text
        assert "GRAMMS:" not in text
    if options.get("subgroup_absent"):
        assert "ewer than 4 practices per arm" in text
    if options.get("low") == -float("inf"):
        assert "the interval has no limit on at least one side" in text


def test_the_reasons_of_an_analysis_without_an_estimate_stand_once(tmp_path: Path) -> None:
    """The primary analysis is an event study, which belongs to two places of one section."""
    made = Made(only_main=True)
    file = study_file(tmp_path, made)
    file.write_text(file.read_text().replace("estimator: twfe", "estimator: event_study"))
    where = results(tmp_path, made)
    estimates = where / "estimates/estimates.csv"
    estimates.write_text(estimates.read_text().splitlines()[0] + "\n")
    why = "only one practice has the programme"
    absent = {f"event[{e}]": f"{why}." for e in (-2, 0, 1)} | {"trend": "too few periods"}
    found = {"main": {"absent": absent, "notes": [why, "24 practices stay"]}}
    (where / "estimates/diagnostics.json").write_text(json.dumps(found))
    out = tmp_path / "report"
    with undrawn():
        write_report(gather(load_study(file), file, where), file, where, out)
    html = both(out)
    for section, times in (("answer", 1), ("happened-more", 1), ("provenance", 1)):
        block = words(re.search(rf'<section id="{section}".*?</section>', html, flags=re.DOTALL)[0])  # type: ignore[index]
        assert block.lower().count(why) == times, section
    assert "no trend: too few periods" in words(html)


def test_a_hidden_subgroup_reveals_nothing_through_its_total(tmp_path: Path) -> None:
    text = words(page(tmp_path))
    block = text[text.index("by gender") :][:200]
    assert "* of 6" in block and "2 of 6" not in block


def test_inputs_in_another_encoding_or_missing_break_nothing(tmp_path: Path) -> None:
    made = Made()
    file = study_file(tmp_path, made)
    where = results(tmp_path, made)
    (tmp_path / "claims.csv").write_bytes(
        "claim_id;rationale;author\nsmall;caf\xe9;AB\n".encode("cp1252")
    )
    (tmp_path / "practices.csv").write_text(
        "practice_id,programme_start\nA,01/04/2015\nB,2013-04-01\nC,\n"
    )
    found = gather(load_study(file), file, where)
    assert found.claims is not None and list(found.claims["author"]) == ["AB"]
    assert len(found.starts) == 2
    (tmp_path / "claims.csv").write_bytes(b"")
    assert gather(load_study(file), file, where).claims is None


def test_verdicts_are_words(tmp_path: Path) -> None:
    html = page(tmp_path, methods=(("wild_bootstrap", -2.6, 0.1),))
    verdicts = set(re.findall(r'<td class="verdict[^>]*>([^<]+)</td>', html))
    assert verdicts <= {"supports", "speaks against", "cannot tell"}
    assert "The methods disagree about zero" in words(html)


def test_checklists_print_blanks(tmp_path: Path) -> None:
    text = words(page(tmp_path))
    assert "Funded by nobody." in text
    assert "not stated" in text


def test_the_joint_display_shows_both_strands(tmp_path: Path) -> None:
    text = words(page(tmp_path))
    assert re.search(r"9 of 12 clients raised the theme", text)
    assert "7 of 12 support the claim, 1 to 2 of 12 contradict it." in text
    assert "There is at least one negative case." in text
    assert "Declared after the estimates were first seen." in text
    assert "seen in the field" in text and "AB" in text
    assert "No clients were asked." in text


def test_the_same_results_give_the_same_bytes(tmp_path: Path) -> None:
    first, second = written(tmp_path / "a", Made()), written(tmp_path / "b", Made())
    names = sorted(
        path.relative_to(first).as_posix() for path in first.rglob("*") if path.is_file()
    )
    assert names == sorted(
        path.relative_to(second).as_posix() for path in second.rglob("*") if path.is_file()
    )
    for name in names:
        assert (first / name).read_bytes() == (second / name).read_bytes(), name


def test_files_of_an_earlier_report_go_and_other_files_stay(tmp_path: Path) -> None:
    out = written(tmp_path, Made())
    (out / "notes.txt").write_text("mine")
    assert (out / "joint_display.csv").exists() and (out / "figures/subgroups.csv").exists()
    written(tmp_path, Made(qualitative=False, only_main=True))
    assert not (out / "joint_display.csv").exists()
    assert not (out / "figures/subgroups.csv").exists()
    assert (out / "notes.txt").exists() and (out / "manifest.json").exists()
    assert not list(out.rglob("*.part"))


def test_every_figure_has_its_data_beside_it(tmp_path: Path) -> None:
    out = report(tmp_path, Made())
    for figure in out.glob("figures/*.svg"):
        assert (out / "figures" / f"{figure.name.split('.')[0]}.csv").exists()
        root = ET.fromstring(figure.read_text())
        tags = [element.tag.split("}")[1] for element in root.iter()]
        assert tags.index("title") < tags.index("desc") and "text" in tags

"""Every kind of leak is planted in a clean release and must be found; the clean release must
pass."""

from __future__ import annotations

import json
import zipfile
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from evalweave import cli
from evalweave.release.audit import audit
from evalweave.release.audited_counts import COUNTING, columns
from evalweave.release.disclosure import profile
from evalweave.release.identifiers import Identifiers, of_results
from evalweave.release.released import Content
from evalweave.tables.catalogue import ALL

PATIENT, PRACTICE = "4815162342", "SP30417"
IDENTIFIERS = [
    Identifiers.of("patient", [PATIENT, "9000000001", "17"]),
    Identifiers.of("practice", [PRACTICE]),
    Identifiers.of("participant", ["C05", "LW12"]),
    Identifiers.of("segment", ["interviews/c05.txt#ab12:10-42", "a source with blanks:1-7"]),
]
RULES = profile("nhs_england")


def report(*more: str) -> str:
    return (
        "<html><head><style>.x{color:#C05}</style></head><body><p>About "
        f"{RULES.mark(4752)} people in {RULES.mark(24, 'practices')} practices; "
        f"{RULES.mark(9, 'participants')} of "
        f"{RULES.mark(12, 'participants')} clients; others {RULES.mark(3)}, {RULES.about(3)}.</p>"
        "<p>Counts of 1 to 7 people are hidden. Attributes are shared by at least 3 people. Aged "
        "40 to 74.</p>"
        f"<svg><text>n = {RULES.mark(3334)}</text><path d='M 12.4815162342 "
        f"3'/></svg>{''.join(more)}</body></html>"
    )


@pytest.fixture
def release(tmp_path: Path) -> Path:
    folder = tmp_path / "reports"
    (folder / "figures").mkdir(parents=True)
    (folder / "report.html").write_text(report(), encoding="utf-8")
    (folder / "estimates.csv").write_text(
        "analysis,term,estimate,n_obs,n_patients,n_practices\nmain,att,-0.1235,30270,8085,24\nsub,att,,120,*,3\n"
    )
    (folder / "figures" / "trends.csv").write_text(
        "arm,period,mean,n_patients\nprogramme,2015,58.2,4750\n"
    )
    (folder / "figures" / "trends.svg").write_text(
        "<svg xmlns='http://www.w3.org/2000/svg'><text>2015/16</text></svg>"
    )
    manifest = {
        "study": {"disclosure": "nhs_england", "qualitative": {"min_cell": 3}},
        "released": {
            "theme_counts": [
                {"theme_id": "drift", "role": "client", "n_participants": "*", "n_eligible": "12"}
            ]
        },
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with zipfile.ZipFile(folder / "report.docx", "w") as archive:
        archive.writestr("_rels/.rels", "<Relationships/>")
        archive.writestr("word/document.xml", "<w:p><w:r>About 4,750 people</w:r></w:p>")
    return folder


def findings(release: Path) -> str:
    return "\n".join(audit(release, IDENTIFIERS).findings)


def test_a_clean_release_passes(release: Path) -> None:
    done = audit(release, IDENTIFIERS)
    assert done.findings == []
    assert done.profile == "nhs_england"
    assert set(done.files) == {
        "report.html",
        "estimates.csv",
        "figures/trends.csv",
        "figures/trends.svg",
        "manifest.json",
        "report.docx",
    }
    assert (
        min(n for name, n in done.looked_at.items() if name not in ("unmarked_counts", "attack"))
        > 0
    )
    assert done.not_searched == {"patient": 1}


@pytest.mark.parametrize(
    "planted",
    [
        f"<p>see {PATIENT}</p>",
        f"<!-- {PATIENT} -->",
        f"<p data-x='{PATIENT}'></p>",
        f"<script>var x = [{PATIENT}, 3]</script>",
        f"<p>{PATIENT[:4]}<b>{PATIENT[4:]}</b></p>",
        "<p>" + "".join(f"&#{ord(letter)};" for letter in PATIENT) + "</p>",
        f"<p>patient_{PATIENT}.</p>",
        f"<p>{PRACTICE}: 12.4</p>",
        "<p>as C05 said</p>",
        "<p>interviews/c05.txt#ab12:10-42</p>",
        "<p>a source with blanks:1-7</p>",
        f"<img src='data:image/svg+xml,%3Csvg%3E{PATIENT}%3C/svg%3E'>",
    ],
)
def test_an_identifier_anywhere_in_the_page_is_found_and_not_repeated(
    release: Path, planted: str
) -> None:
    (release / "report.html").write_text(report(planted), encoding="utf-8")
    text = findings(release)
    assert text.startswith("report.html") and "identifier" in text
    for secret in (PATIENT, PRACTICE, "C05", "a source with"):
        assert secret not in text


def test_part_of_a_longer_token_is_no_identifier(release: Path) -> None:
    (release / "report.html").write_text(
        report(f"<p>x{PATIENT}9 and 0.{PATIENT}</p>"), encoding="utf-8"
    )
    assert findings(release) == ""


@pytest.mark.parametrize(
    "name", ["figures/trends.csv", "figures/trends.svg", "manifest.json", "report.docx"]
)
def test_an_identifier_in_any_kind_of_file_is_found(release: Path, name: str) -> None:
    path = release / name
    if name.endswith(".docx"):
        with zipfile.ZipFile(path, "w") as archive:
            half = f"<w:p><w:r>{PATIENT[:3]}</w:r><w:r>{PATIENT[3:]}</w:r></w:p>"
            archive.writestr("word/footnotes.xml", half)
    elif name.endswith(".json"):
        path.write_text(path.read_text().replace('"drift"', PATIENT))
    else:
        path.write_text(path.read_text().replace("2015", PATIENT, 1))
    assert name in findings(release) and "identifier" in findings(release)


def test_a_column_of_identifiers_is_refused_whatever_it_holds(release: Path) -> None:
    (release / "figures" / "points.csv").write_text("patient_id,mean\n17,50.1\n")
    assert "figures/points.csv: has a column patient_id" in findings(release)


def test_renamed_columns_and_words_for_nobody_are_no_identifiers(release: Path) -> None:
    path = release / "manifest.json"
    manifest = json.loads(path.read_text())
    columns = {"registrations": {"practice_id": "practice_pseudo_id"}}
    manifest["study"]["extract"] = {"format": "flat", "columns": columns}
    path.write_text(json.dumps(manifest))
    assert findings(release) == ""
    manifest["study"]["practices"] = [{"practice_id": "somewhere"}]
    path.write_text(json.dumps(manifest))
    assert "has a column practice_id" in findings(release)
    assert Identifiers.of("practice", ["unknown", "Not stated", "RS 30417"]).telling == {"rs30417"}


def test_a_file_named_after_somebody_is_found(release: Path) -> None:
    (release / "figures" / f"{PRACTICE}.svg").write_text("<svg/>")
    assert "named after a practice" in findings(release)


@pytest.mark.parametrize(
    ("value", "of", "says"),
    [
        ("4752", "patients", "not rounded"),
        ("5", "patients", "small"),
        ("3", "records", "small"),
        ("2", "participants", "small"),
        ("-5", "patients", "whole number"),
        ("10", "dogs", "what it counts"),
    ],
)
def test_a_small_or_unrounded_mark_is_found(release: Path, value: str, of: str, says: str) -> None:
    mark = f'<data class="count" data-counts="{of}" value="{value}">{value}</data>'
    (release / "report.html").write_text(report(mark), encoding="utf-8")
    assert says in findings(release)


def test_a_mark_that_reads_differently_from_its_value_is_found(release: Path) -> None:
    mark = '<data class="count" data-counts="patients" value="*">3</data>'
    (release / "report.html").write_text(report(mark), encoding="utf-8")
    assert "reads differently" in findings(release)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("estimates.csv", "analysis,n_patients\nmain,8086\n", "not rounded"),
        (
            "figures/trends.csv",
            "arm,n_patients\nprogramme,4750\ncomparison,6\n",
            "row 3, column n_patients",
        ),
        ("theme_counts.csv", "theme_id,n_participants\ndrift,1\n", "small"),
        (
            "theme_counts.csv",
            "theme_id,n_participants,n_eligible\ndrift,0,5\nfit,4,5\n",
            "row 3: all but a few",
        ),
        (
            "joint_display.csv",
            "claim_id,n_raised,n_supports,n_eligible\nfit,5,4,5\n",
            "row 2: all but a few",
        ),
        ("flow.csv", "order,box,label,n_records\n1,kept,all,30271\n", "not rounded"),
        ("baseline.csv", "variable,statistic,programme\nfemale,n,2043\n", "not rounded"),
        (
            "figures/uptake.csv",
            "year,referred\n2015.0,312\n",
            "column referred: holds whole numbers",
        ),
    ],
)
def test_a_small_unrounded_or_undeclared_count_in_a_table_is_found(
    release: Path, name: str, content: str, says: str
) -> None:
    (release / name).write_text(content)
    assert says in findings(release)


def test_everybody_and_nobody_may_be_released(release: Path) -> None:
    (release / "theme_counts.csv").write_text(
        "theme_id,n_participants,n_eligible\ndrift,0,5\nfit,5,5\nall,9,12\n"
    )
    assert findings(release) == ""


def test_a_count_in_the_manifest_is_found(release: Path) -> None:
    path = release / "manifest.json"
    path.write_text(path.read_text().replace('"12"', '"2"'))
    assert "manifest.json" in findings(release) and "small" in findings(release)


@pytest.mark.parametrize(
    "planted", ["<p>There were 8,086 patients.</p>", "<p>4 eligible people</p>", "<p>(n = 3)</p>"]
)
def test_an_unmarked_count_in_a_sentence_is_found(release: Path, planted: str) -> None:
    (release / "report.html").write_text(report(planted), encoding="utf-8")
    assert "unmarked" in findings(release)


@pytest.mark.parametrize(
    "planted",
    [
        "<p>Three patients had died.</p>",
        "<p>Of these, twenty-one eligible\n people moved.</p>",
        "<li>one patient</li>",
        "<p>3 of 40 patients</p>",
        "<p>Three of the <data data-counts='patients'>40</data> women</p>",
        "<p>2 out of 15 participants</p>",
        "<p>Two clients said so.</p>",
        "<p>Three people did.</p>",  # wording of ours elsewhere, and none here
    ],
)
def test_a_count_in_words_or_of_a_whole_is_found(release: Path, planted: str) -> None:
    (release / "report.html").write_text(report(planted), encoding="utf-8")
    assert "unmarked" in findings(release)


@pytest.mark.parametrize(
    "planted",
    [
        "<blockquote><p>“Three patients told me.”</p></blockquote>",
        "<p>The label needs the smaller of three people and a third of them.</p>",
        "<p>At least three patients; about one in five patients; three practices.</p>",
        "<p>Three clients and twelve participants, twenty of forty patients.</p>",
        "<p>Everyone patient with two patient-level files, a bone record</p>",
        "<p><data data-counts='participants'>3</data> of 12 participants</p>",
        "<ul><li>two</li><li>patients</li></ul>",
    ],
)
def test_what_is_no_count_in_words(release: Path, planted: str) -> None:
    (release / "report.html").write_text(report(planted), encoding="utf-8")
    assert findings(release) == ""


@pytest.mark.parametrize(("style", "finds"), [("Normal", True), ("Quote", False)])
def test_counts_in_words_of_a_document(release: Path, style: str, finds: bool) -> None:
    with zipfile.ZipFile(release / "report.docx", "w") as archive:
        said = f'<w:p><w:pPr><w:pStyle w:val="{style}"/></w:pPr><w:r>Two women</w:r></w:p>'
        archive.writestr("word/document.xml", said + "<w:p><w:r>fell</w:r></w:p>")
    assert ("unmarked" in findings(release)) == finds


@pytest.mark.parametrize("planted", ["/home/alice/study", "C:\\Users\\alice", "/tmp/x1"])
def test_a_path_of_a_machine_is_found(release: Path, planted: str) -> None:
    (release / "report.html").write_text(report(f"<pre>{planted}</pre>"), encoding="utf-8")
    assert "path of a machine" in findings(release)
    assert "alice" not in findings(release)


def test_what_cannot_be_read_cannot_be_released(release: Path) -> None:
    (release / "report.pdf").write_bytes(b"%PDF-1.7 \x00")
    (release / "figures" / "map.png").write_bytes(b"\x89PNG")
    (release / "notes.txt").write_bytes(b"\xff\xfe\x00")
    (release / "link.csv").symlink_to(release / "estimates.csv")
    text = findings(release)
    for name in ("report.pdf", "figures/map.png", "notes.txt", "link.csv"):
        assert name in text


def test_a_small_count_in_a_word_document_is_found_and_so_is_a_part_that_cannot_be_read(
    release: Path,
) -> None:
    with zipfile.ZipFile(release / "report.docx", "a") as archive:
        archive.writestr("word/footnotes.xml", "<w:p><w:r>Only 4</w:r><w:r> people</w:r></w:p>")
        archive.writestr("word/embeddings/sheet.bin", b"\x00")
    assert "report.docx: a count of people" in findings(release)
    assert "report.docx: holds a part of a kind (.bin)" in findings(release)


def test_an_empty_file_says_nothing_but_its_name_may(release: Path) -> None:
    (release / "figures" / ".complete").touch()
    assert findings(release) == ""
    (release / "figures" / PATIENT).touch()
    assert "named after a patient" in findings(release)


def test_without_a_manifest_the_strict_default_holds_and_is_told(release: Path) -> None:
    (release / "manifest.json").unlink()
    assert "nhs_england was assumed" in findings(release)


@pytest.mark.parametrize(
    ("name", "passes"), [("none", "8086"), ("sacro", "8086"), ("opensafely", "8085")]
)
def test_the_declared_profile_decides(release: Path, name: str, passes: str) -> None:
    path = release / "manifest.json"
    path.write_text(path.read_text().replace("nhs_england", name))
    (release / "report.html").write_text("<p></p>")
    (release / "estimates.csv").write_text(f"analysis,n_patients\nmain,{passes}\n")
    assert findings(release) == ""
    (release / "estimates.csv").write_text("analysis,n_patients\nmain,3\n")
    assert ("small" in findings(release)) == (name != "none")


def test_every_counting_column_of_every_contract_is_known() -> None:
    declared = {column.name for table in ALL for column in table.columns if column.counts}
    assert declared == set(COUNTING)


def results_folder(root: Path) -> Path:
    for folder, frame in (
        ("ingest/patients", pd.DataFrame({"patient_id": [PATIENT, None]})),
        ("ingest/events", pd.DataFrame({"patient_id": ["9000000077", PATIENT], "value": [1, 2]})),
        ("clean", pd.DataFrame({"patient_id": ["9000000001"], "practice_id": [PRACTICE]})),
    ):
        (root / folder).mkdir(parents=True)
        frame.to_parquet(root / folder / "part.parquet")
    return root


def test_the_command_writes_what_it_did_and_ends_with_1_on_a_leak(
    release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    results = results_folder(tmp_path / "results")
    assert {each.kind: len(each.telling) for each in of_results(results)} == {
        "patient": 3,
        "practice": 1,
        "participant": 0,
        "segment": 0,
        "source": 0,
    }
    call = ["audit", str(release), "--results", str(results), "--out", str(tmp_path / "audit.json")]
    clean = CliRunner().invoke(cli.app, call)
    assert clean.exit_code == 0, clean.output
    written = json.loads((tmp_path / "audit.json").read_text())
    assert written["findings"] == [] and len(written["files"]) == 6
    (release / "report.html").write_text(report(f"<p>{PATIENT}</p>"), encoding="utf-8")
    leaking = CliRunner().invoke(cli.app, call)
    assert leaking.exit_code == 1
    assert "may not be released (1 finding)" in str(leaking.exception)
    assert json.loads((tmp_path / "audit.json").read_text())["findings"]


def test_names_of_sources_are_searched_for_but_not_common_words() -> None:
    names = ["Interview Mary Smith", "Interview 1", "Focus group", "Interview", "C01_interview"]
    sources = Identifiers.of("source", (), names)
    assert sources.found_in("as interview Mary Smith says", words=True) == {"interviewmarysmith"}
    assert sources.found_in("of c01-interview") == {"c01interview"}
    ours = "An interview, 1 to 2 of them; interview 1 and a focus group."
    assert sources.found_in(ours) | sources.found_in(ours, words=True) == set()
    assert sources.too_short == 0


def test_results_without_identifiers_prove_nothing(release: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    call = [
        "audit",
        str(release),
        "--results",
        str(tmp_path / "empty"),
        "--out",
        str(tmp_path / "audit.json"),
    ]
    done = CliRunner().invoke(cli.app, call)
    assert done.exit_code == 1 and "nothing can be searched for" in str(done.exception)


def test_a_finished_folder_is_audited_again_with_its_packed_manifest() -> None:
    """A manifest says how many bytes each input has, in the folder and in release.zip."""
    inputs = [{"path": "a.csv", "bytes": 12345}, {"path": "b.csv", "bytes": 2}]

    def found(name: str) -> list[str]:
        content = Content(name, document={"inputs": inputs})
        return list(columns(content, profile("nhs_england"), Counter()))

    assert found("manifest.json") == found("release.zip/data/report/manifest.json") == []
    assert len(found("other.json")) == 1


def test_the_last_cell_of_a_row_in_word_does_not_count_the_next_rows_name(release: Path) -> None:
    def table(*rows: tuple[str, str]) -> str:
        cell = "<w:tc><w:p><w:r><w:t>{}</w:t></w:r></w:p></w:tc>"
        return "".join(f"<w:tr>{''.join(map(cell.format, row))}</w:tr>" for row in rows)

    for rows, fault in (
        ((("Programme practices", "13"), ("Comparison patients, weighted", "–")), False),
        ((("Seen", "13 patients"), ("Others", "–")), True),
        ((("13", "patients"),), True),
    ):
        with zipfile.ZipFile(release / "report.docx", "w") as archive:
            archive.writestr("word/document.xml", table(*rows))
        assert ("in a sentence" in findings(release)) is fault

"""`evalweave code` and `evalweave count` from the outside."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from evalweave.cli import app
from evalweave.errors import DataError, StudyError
from evalweave.files import read_table
from evalweave.qualitative.project import CONTRACTS
from evalweave.tables.catalogue import ALL
from evalweave.tables.qualitative import THEME_COUNTS
from helpers.coded_projects import Style, beside, write_qdpx

DATA = Path(__file__).parents[1] / "reference" / "data" / "qualitative"


def run(*args: str) -> str:
    result = CliRunner().invoke(app, list(args), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def settings_of(folder: Path, project: Path) -> str:
    return json.dumps({"qualitative": beside(folder, project, "refi_qda").model_dump(mode="json")})


def test_code_alone_prints_what_it_found() -> None:
    printed = run("code", str(DATA / "qualcoder.qdpx"))
    for words in (
        "QualCoder 3.8",
        "58 by 2 coders (33 coder_1, 25 coder_2)",
        "6 (3 client, 3 link_worker)",
        "nobody is linked to",
        "SUPPORT > support > practical",
        "FG1_link_workers.txt",
    ):
        assert words in printed
    assert "coder_a" not in printed


def test_a_project_is_counted_without_a_study_of_records(tmp_path: Path) -> None:
    """A file that holds `qualitative:` alone, its paths seen from its folder."""
    import yaml

    section = json.loads(settings_of(tmp_path, write_qdpx(tmp_path / "p.qdpx")))
    relative = json.loads(json.dumps(section).replace(f"{tmp_path}/", ""))
    assert relative != section
    file = tmp_path / "strand.yaml"
    file.write_text(yaml.safe_dump(relative))
    run("code", "--settings", str(file), "--out", str(tmp_path / "code"))
    count = ("count", "--coded", str(tmp_path / "code"), "--settings")
    run(*count, str(file), "--out", str(tmp_path / "one"))
    run(*count, json.dumps(section), "--out", str(tmp_path / "two"))
    one, two = (tmp_path / name / "theme_counts.csv" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()
    file.write_text("qualitative: {project: p.qdpx, formt: segments}\n")
    with pytest.raises(StudyError, match=r"strand\.yaml, line 1.*formt"):
        CliRunner().invoke(app, ["code", "--settings", str(file)], catch_exceptions=False)


def test_code_and_count_write_their_tables(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, write_qdpx(tmp_path / "p.qdpx"))
    coded, counted = tmp_path / "code", tmp_path / "count"
    printed = run("code", "--settings", settings, "--out", str(coded))
    assert "C01_interview" not in printed  # names of sources only at a terminal
    for name, contract in CONTRACTS.items():
        table = read_table(coded / f"{name}.csv", contract)
        contract.check(table)
    run("count", "--settings", settings, "--coded", str(coded), "--out", str(counted))
    for name in ("theme_counts", "agreement", "fieldwork", "cooccurrence"):
        contract = next(table for table in ALL if table.name == name)
        table = read_table(counted / f"{name}.csv", contract)
        contract.check(table)
        assert len(table)
    themes = read_table(counted / "theme_counts.csv", THEME_COUNTS)
    assert (themes["n_participants"].fillna(0) <= themes["n_eligible"].fillna(0)).all()


def test_two_runs_are_the_same_bytes_whatever_the_identifiers(tmp_path: Path) -> None:
    written = []
    for number, style in enumerate((Style(), Style(prefix="zz", upper=True, folder="Sources"))):
        folder = tmp_path / str(number)
        folder.mkdir()
        settings = settings_of(folder, write_qdpx(folder / "p.qdpx", style))
        run("code", "--settings", settings, "--out", str(folder / "code"))
        run(
            "count",
            "--settings",
            settings,
            "--coded",
            str(folder / "code"),
            "--out",
            str(folder / "count"),
        )
        written.append(
            {
                path.relative_to(folder): path.read_bytes()
                for path in sorted(folder.glob("co*/*.csv"))
            }
        )
    assert written[0] == written[1] and len(written[0]) == 24


def test_cells_that_a_spreadsheet_would_compute_are_neutralised(tmp_path: Path) -> None:
    extra = (
        '<TextSource guid="e" name="=cmd|calc"><PlainTextContent>@SUM(A1) and '
        "more</PlainTextContent>"
        '<PlainTextSelection guid="e1" startPosition="0" endPosition="8"><Coding><CodeRef '
        'targetGUID="g-targets"/></Coding></PlainTextSelection></TextSource>'
    )
    settings = settings_of(tmp_path, write_qdpx(tmp_path / "p.qdpx", Style(extra=extra)))
    run("code", "--settings", settings, "--out", str(tmp_path / "code"))
    for path in (tmp_path / "code").glob("*.csv"):
        cells = pd.read_csv(path, dtype=str, keep_default_na=False).to_numpy().ravel()
        assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))], path.name
    quotes = pd.read_csv(tmp_path / "code" / "segments.csv")["quote"].tolist()
    assert "'@SUM(A1)" in quotes
    run(
        "count",
        "--settings",
        settings,
        "--coded",
        str(tmp_path / "code"),
        "--out",
        str(tmp_path / "count"),
    )


def test_mistakes_are_plain_sentences(tmp_path: Path) -> None:
    for args, kind, words in (
        (["code"], StudyError, "Give a coded project"),
        (["code", str(tmp_path / "none.qdpx")], StudyError, "there is no such file"),
        (["code", str(tmp_path)], DataError, "folder that holds none"),
    ):
        with pytest.raises(kind, match=words):
            CliRunner().invoke(app, args, catch_exceptions=False)
    settings = settings_of(tmp_path, write_qdpx(tmp_path / "p.qdpx"))
    with pytest.raises(DataError, match="Run `evalweave code`"):
        run(
            "count",
            "--settings",
            settings,
            "--coded",
            str(tmp_path / "no"),
            "--out",
            str(tmp_path / "count"),
        )


def test_a_stance_that_is_misspelt_is_said(tmp_path: Path) -> None:
    import zipfile

    from helpers.coded_projects import qde

    path = tmp_path / "p.qdpx"
    with (
        zipfile.ZipFile(write_qdpx(tmp_path / "right.qdpx")) as right,
        zipfile.ZipFile(path, "w") as wrong,
    ):
        for name in right.namelist():
            text = right.read(name)
            wrong.writestr(
                name,
                qde().replace('name="supports"', 'name="suports"')
                if name.endswith(".qde")
                else text,
            )
    printed = run("code", str(path))
    assert (
        'the code "claim > deprivation > suports" says neither supports nor contradicts. Did you '
        'mean "supports"?' in printed
    )

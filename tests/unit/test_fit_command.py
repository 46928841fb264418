"""`evalweave fit` and `evalweave estimates` on good and bad input."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from evalweave.cli import app
from evalweave.errors import DataError, StudyError
from evalweave.tables.analyses import ESTIMATES
from helpers.did_panels import panel

SPEC = {
    "columns": {"outcome": "y"},
    "analyses": [
        {"name": "main", "estimator": "twfe"},
        {
            "name": "es",
            "estimator": "event_study",
            "inference": ["cr2", "wild_bootstrap"],
            "draws": 199,
        },
        {"name": "gap", "estimator": "twfe", "subgroup": "white"},
    ],
}
# What is read is the same whatever is fitted: without diagnostics, which take most of the time.
READ = {
    "columns": {"outcome": "y"},
    "analyses": [{"name": "main", "estimator": "twfe", "diagnostics": False}],
}


def call(path, out, spec=None):
    return CliRunner().invoke(
        app, ["fit", str(path), "--spec", json.dumps(spec or SPEC), "--out", str(out)]
    )


def run(path, out, spec=None):
    result = call(path, out, spec)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return pd.read_csv(out / "estimates.csv")


@pytest.fixture
def frame():
    return panel(seed=81, units=120)


def test_csv_gz_and_parquet_give_the_same_bytes(frame, tmp_path):
    frame.to_csv(tmp_path / "p.csv", index=False)
    frame.to_csv(tmp_path / "p.csv.gz", index=False)
    frame.to_parquet(tmp_path / "p.parquet")
    written = []
    for name in ("p.csv", "p.csv.gz", "p.parquet"):
        run(tmp_path / name, tmp_path / name.replace(".", "_"))
        folder = tmp_path / name.replace(".", "_")
        written.append(
            [
                (folder / f).read_bytes()
                for f in ("estimates.csv", "estimates.json", "diagnostics.json")
            ]
        )
    assert written[0] == written[1] == written[2]


def test_outputs_hold_the_contract_and_shortest_exact_floats(frame, tmp_path):
    frame.to_csv(tmp_path / "p.csv", index=False)
    table = run(tmp_path / "p.csv", tmp_path / "out")
    assert list(table.columns) == ESTIMATES.names
    rows = json.loads((tmp_path / "out" / "estimates.json").read_text())
    assert [row["estimate"] for row in rows] == table["estimate"].tolist()
    assert (
        json.loads((tmp_path / "out" / "diagnostics.json").read_text())["main"]["n_practices"] == 8
    )
    assert not table.duplicated(["analysis", "term", "inference"]).any()


def test_identifiers_beyond_two_to_the_53_stay_apart(frame, tmp_path):
    base = 9007199254740993
    number = {name: base + j for j, name in enumerate(sorted(frame["patient_id"].unique()))}
    frame.assign(patient_id=frame["patient_id"].map(number)).to_csv(tmp_path / "p.csv", index=False)
    table = run(tmp_path / "p.csv", tmp_path / "out", READ)
    assert table["n_patients"][0] == frame["patient_id"].nunique()


def test_bom_utf16_and_crlf_are_read(frame, tmp_path):
    text = frame.to_csv(index=False, lineterminator="\r\n")
    (tmp_path / "a.csv").write_bytes(b"\xef\xbb\xbf" + text.encode())
    (tmp_path / "b.csv").write_bytes(text.encode("utf-16"))
    frame.to_csv(tmp_path / "c.csv", index=False)
    tables = [run(tmp_path / f"{n}.csv", tmp_path / n, READ) for n in "abc"]
    pd.testing.assert_frame_equal(tables[0], tables[2])
    pd.testing.assert_frame_equal(tables[1], tables[2])


def header(frame):
    return ",".join(frame.columns) + "\n"


BAD = {
    "empty": (lambda f: b"", "an empty file"),
    "header only": (lambda f: header(f).encode(), "no rows below the header"),
    "missing column": (
        lambda f: f.rename(columns={"y": "hba1c"}).to_csv(index=False).encode(),
        "column y: found no such column",
    ),
    "nearest": (
        lambda f: f.rename(columns={"practice_id": "practiceid"}).to_csv(index=False).encode(),
        'Did you mean "practiceid"',
    ),
    "ragged": (
        lambda f: (header(f) + "1,2\n" + f.to_csv(index=False, header=False)).encode(),
        "row 2: found 2 cells",
    ),
    "text outcome": (
        lambda f: f.astype({"y": object}).assign(y="high").to_csv(index=False).encode(),
        "column y: found text that is not a number",
    ),
    "thousands": (
        lambda f: (
            f.assign(y=f["y"].map(lambda v: f"1,{v * 10:03.0f}")).to_csv(index=False).encode()
        ),
        "whose comma may be decimal or set off thousands",
    ),
    "cut identifiers": (
        lambda f: f.assign(patient_id="1.26220410000061E+16").to_csv(index=False).encode(),
        "row 2, column patient_id: found 575 cells in exponential form",
    ),
    "an open quote": (
        lambda f: f.to_csv(index=False).replace("p0001", '"p0001', 1).encode(),
        "a quote that is never closed",
    ),
    "a quote that takes in rows": (
        lambda f: (
            f.to_csv(index=False)
            .replace(",2012,", ',"2012,', 1)[::-1]
            .replace(",7102,", ',"7102,', 1)[::-1]
            .encode()
        ),
        "one row a line",
    ),
    "a NUL byte": (
        lambda f: f.to_csv(index=False).replace("p0001", "p\0", 1).encode(),
        "found a NUL byte",
    ),
    "labels as periods": (
        lambda f: f.assign(period="2015/16").to_csv(index=False).encode(),
        "column period",
    ),
    "duplicates": (
        lambda f: pd.concat([f, f.head(3)]).to_csv(index=False).encode(),
        "3 further rows for the same",
    ),
    "two practices": (
        lambda f: (
            f.assign(practice_id=np.where(f.index == 1, "zz", f["practice_id"]))
            .to_csv(index=False)
            .encode()
        ),
        "one cluster a unit",
    ),
    "moving start": (
        lambda f: (
            f.assign(first_treated=np.where(f.index == 1, 2012, f["first_treated"]))
            .to_csv(index=False)
            .encode()
        ),
        "one first treated period a unit",
    ),
    "never measured": (lambda f: f.assign(y=np.nan).to_csv(index=False).encode(), "never measured"),
    "level changes": (
        lambda f: f.assign(white=np.arange(len(f)) % 2).to_csv(index=False).encode(),
        "one level a unit",
    ),
    "infinite": (
        lambda f: f.assign(y=np.where(f.index == 0, np.inf, f["y"])).to_csv(index=False).encode(),
        "infinite value",
    ),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_input_gets_a_sentence_and_no_identifier(kind, frame, tmp_path):
    make, sentence = BAD[kind]
    (tmp_path / "p.csv").write_bytes(make(frame))
    result = call(tmp_path / "p.csv", tmp_path / "out")
    assert isinstance(result.exception, DataError), result.exception
    assert sentence in str(result.exception)
    assert not any(name in str(result.exception) for name in frame["patient_id"].unique())
    assert not (tmp_path / "out").exists()


def test_truncated_gzip_and_damaged_parquet(frame, tmp_path):
    whole = gzip.compress(frame.to_csv(index=False).encode())
    (tmp_path / "p.csv.gz").write_bytes(whole[: len(whole) // 2])
    assert "truncated gzip" in str(call(tmp_path / "p.csv.gz", tmp_path / "o").exception)
    (tmp_path / "q.csv.gz").write_bytes(b"patient_id,y\n")
    assert "no such column" in str(call(tmp_path / "q.csv.gz", tmp_path / "o").exception)
    (tmp_path / "p.parquet").write_bytes(b"PAR1 nothing")
    assert "a Parquet file that cannot be read" in str(
        call(tmp_path / "p.parquet", tmp_path / "o").exception
    )
    assert isinstance(call(tmp_path / "none.csv", tmp_path / "o").exception, StudyError)
    assert isinstance(call(tmp_path, tmp_path / "o").exception, StudyError)


def test_several_faults_are_said_at_once(frame, tmp_path):
    frame.assign(y="x", period="spring", weight=-1).to_csv(tmp_path / "p.csv", index=False)
    spec = {**SPEC, "columns": {"outcome": "y", "weight": "weight"}}
    text = str(call(tmp_path / "p.csv", tmp_path / "o", spec).exception)
    assert "3 things need mending" in text
    assert "negative weight" in text


def test_one_failing_analysis_leaves_the_others_and_exits_with_its_reason(frame, tmp_path):
    frame.to_csv(tmp_path / "p.csv", index=False)
    spec = {
        "columns": {"outcome": "y"},
        "analyses": [
            {"name": "main", "estimator": "twfe"},
            {"name": "rare", "estimator": "twfe", "subgroup": "practice_id"},
        ],
    }
    result = call(tmp_path / "p.csv", tmp_path / "out", spec)
    assert isinstance(result.exception, DataError)
    assert "fewer than 4 are refused" in str(result.exception)
    assert "fewer than 4 are refused" not in result.stdout  # said once
    assert set(pd.read_csv(tmp_path / "out" / "estimates.csv")["analysis"]) == {"main"}


def test_spec_mistakes_name_the_nearest_key(frame, tmp_path):
    frame.to_csv(tmp_path / "p.csv", index=False)
    wrong = {
        "columns": {"outcome": "y"},
        "analyses": [{"name": "m", "estimator": "twfe", "inferense": ["cr2"]}],
    }
    error = call(tmp_path / "p.csv", tmp_path / "o", wrong).exception
    assert isinstance(error, StudyError)
    assert 'Did you mean "inference"?' in str(error)


def test_zero_and_infinite_starts_mean_never_and_are_noted(frame, tmp_path):
    frame.to_csv(tmp_path / "a.csv", index=False)
    frame.assign(first_treated=frame["first_treated"].fillna(0)).to_csv(
        tmp_path / "b.csv", index=False
    )
    frame.assign(first_treated=frame["first_treated"].fillna(np.inf)).to_csv(
        tmp_path / "c.csv", index=False
    )
    spec = {**SPEC, "analyses": [{**each, "diagnostics": False} for each in SPEC["analyses"]]}
    tables = [run(tmp_path / f"{n}.csv", tmp_path / n, spec) for n in "abc"]
    pd.testing.assert_frame_equal(tables[0], tables[1])
    pd.testing.assert_frame_equal(tables[0], tables[2])
    notes = json.loads((tmp_path / "b" / "diagnostics.json").read_text())["main"]["notes"]
    assert any("read as never treated" in note for note in notes)


def test_lazy_api_has_a_readable_repr(frame):
    import evalweave

    shown = repr(evalweave.twfe(frame, outcome="y"))
    assert "att" in shown
    assert "95 % CI" in shown
    with pytest.raises(AttributeError):
        evalweave.nothing  # noqa: B018


def test_fit_can_be_called_whatever_was_imported_before(frame):
    import subprocess
    import sys

    import evalweave

    assert evalweave.twfe(frame, outcome="y").rows
    assert evalweave.fit(frame, SPEC).tidy()["analysis"].nunique() == 3
    code = "from evalweave import fit, twfe; assert callable(fit) and callable(twfe)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_an_exact_fit_has_no_error_and_says_so(frame):
    import evalweave

    done = (frame["period"] >= frame["first_treated"]).astype(float)
    with pytest.raises(DataError, match="nothing to take an error from"):
        evalweave.twfe(frame.assign(y=3 * done), outcome="y")


def test_areas_come_from_a_table_of_practices(frame, tmp_path):
    """West alone has the programme; a practice that merged lies where it went."""
    frame.to_csv(tmp_path / "p.csv", index=False)
    lines = [
        f"g0{g},{'2014-01-01' if g < 4 else ''},{'west' if g < 4 else 'east'}," for g in range(8)
    ]
    lines[7] = "g07,,,g06"
    (tmp_path / "practices.csv").write_text(
        "practice_id,programme_start,area,merged_into\n" + "\n".join(lines) + "\n"
    )
    spec = {**SPEC, "analyses": SPEC["analyses"][:1], "allocation": {"level": "area"}}
    arguments = ["fit", str(tmp_path / "p.csv"), "--practices", str(tmp_path / "practices.csv")]
    for name, said in (("declared", spec), ("silent", {**spec, "allocation": None})):
        told = CliRunner().invoke(
            app, [*arguments, "--spec", json.dumps(said), "--out", str(tmp_path / name)]
        )
        assert told.exit_code == 0, told.output
    trust = {
        name: json.loads((tmp_path / name / "diagnostics.json").read_text())["main"]["trust"]
        for name in ("declared", "silent")
    }
    assert "no design-based interval exists" in trust["declared"]
    assert "declare `allocation: {level: area}`" in trust["silent"]


def test_a_spec_in_braces_may_be_yaml() -> None:
    from evalweave.study.analyses import FitSpec
    from evalweave.study.file import load_spec

    text = "{columns: {outcome: y}, analyses: [{name: main, estimator: twfe}]}"
    said = {"columns": {"outcome": "y"}, "analyses": [{"name": "main", "estimator": "twfe"}]}
    assert load_spec(text, FitSpec) == load_spec(json.dumps(said), FitSpec)
    with pytest.raises(StudyError, match="--spec, line 1"):
        load_spec("{columns: {outcome: y}, analyses: [{name: main", FitSpec)

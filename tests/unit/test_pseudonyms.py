"""Identifiers that are too common flow on from cleaning as pseudonyms, and nothing else changes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from evalweave import engine
from evalweave.cli import app
from evalweave.commands import clean, cohort, fit, ingest, panel
from evalweave.records import pseudonyms
from evalweave.records.pseudonyms import PATIENT, PRACTICE, Pseudonyms, needed, originals
from evalweave.release import fingerprints
from evalweave.release.identifiers import of_results
from evalweave.study import stages
from evalweave.study.file import load_study
from evalweave.tables.records import PRACTICES
from evalweave.vocabulary.identifiers import is_common, normal

SMALL = Path(__file__).parents[1] / "workflow" / "small"
ANOTHER = "X000,A00,2014-02-01,00000000,snomed,,\n"  # of no code list


@dataclass(frozen=True)
class Run:
    """Where a run of the small study was done, as far as its estimates."""

    place: Path

    @property
    def results(self) -> Path:
        return self.place / "results" / "small"

    def columns(self, name: str) -> set[str]:
        """Return what stands in a column of identifiers after ingest."""
        return {
            value
            for stage in ("clean", "cohort", "panel")
            for path in (self.results / stage).glob("*.parquet")
            for frame in [pd.read_parquet(path)]
            if name in frame
            for value in frame[name]
        }


def run(place: Path, named: Callable[[str], str] = str, more: str = "") -> Run:
    """Run the small study with its identifiers renamed, and more events."""
    shutil.copytree(SMALL, place / "study")
    for path in (place / "study").rglob("*.csv"):
        header, *rows = path.read_text().splitlines()
        places = [at for at, cell in enumerate(header.split(",")) if cell.endswith("_id")]
        rows += more.splitlines() if path.stem == "events" else []
        cells = [row.split(",") for row in rows]
        cells = [[named(c) if at in places else c for at, c in enumerate(row)] for row in cells]
        path.write_text("\n".join([header, *(",".join(row) for row in cells)]) + "\n")
    study, out = load_study(place / "study" / "study.yaml"), Run(place).results

    def settings(kind: type[stages.Section]) -> str:
        return json.dumps(stages.settings_for(study, kind))

    ingest.command(settings(stages.IngestSettings), out / "ingest", None, processes=1)
    clean.command(settings(stages.CleanSettings), out / "ingest", out / "clean")
    cohort.command(settings(stages.CohortSettings), out / "clean", out / "cohort")
    panel.command(
        list(study.comparisons),
        settings(stages.PanelSettings),
        out / "clean",
        out / "cohort",
        out / "panel",
        processes=1,
    )
    fit.command(
        out / "panel" / f"{study.primary_comparison}.parquet",
        json.dumps(stages.spec_of(study, study.primary_analysis.name)),
        out / "fit",
        practices=out / "clean" / "practices.csv",
    )
    return Run(place)


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The study with its own identifiers (X000, A00), which are too common."""
    return run(tmp_path_factory.mktemp("short"))


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run(tmp_path_factory.mktemp("long"), "Q1234567{}".format)


@pytest.fixture(scope="module")
def later(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The study with one more event that says nothing."""
    return run(tmp_path_factory.mktemp("later"), more=ANOTHER)


def test_common_identifiers_flow_on_as_pseudonyms_only(short: Run) -> None:
    for name in ("patient_id", "practice_id"):
        names = short.columns(name)
        assert names and all(len(value) == 10 for value in names)
        assert not any(is_common(normal(value)) for value in names)
    known = {each.kind: each for each in of_results(short.results)}
    for kind, name in ((PATIENT, "patient_id"), (PRACTICE, "practice_id")):
        assert {normal(value) for value in short.columns(name)} <= known[kind].telling
        assert known[kind].too_short == 0
    practices = pd.read_csv(short.results / "clean" / "practices.csv")
    assert short.columns("practice_id") == set(practices["practice_id"])


def test_long_identifiers_flow_on_as_they_are(long: Run) -> None:
    assert originals(long.results / "clean", PATIENT) == {}
    assert all(name.startswith("Q1234567") for name in long.columns("patient_id"))
    assert all(name.startswith("Q1234567") for name in long.columns("practice_id"))


def test_every_table_without_identifiers_is_the_same_bit_for_bit(short: Run, long: Run) -> None:
    own = ("practices.csv", "codelists.csv")
    tables = [
        path.relative_to(short.results)
        for stage in ("clean", "cohort", "panel", "fit")
        for path in (short.results / stage).glob("*.csv")
        if path.name not in own
    ]
    assert {path.name for path in tables} >= {"estimates.csv", "ledger.csv", "baseline.csv"}
    for path in tables:
        frame = pd.read_csv(short.results / path)
        assert not {"patient_id", "practice_id"} & {*frame.columns}, path
        assert (short.results / path).read_bytes() == (long.results / path).read_bytes(), path


def test_every_row_is_the_same_but_for_its_names(short: Run, long: Run) -> None:
    names = {f"{kind}_id": originals(short.results / "clean", kind) for kind in (PATIENT, PRACTICE)}
    for path in (short.results / "panel").glob("*.parquet"):
        ours, theirs = pd.read_parquet(path), pd.read_parquet(long.results / "panel" / path.name)
        for name, known in names.items():
            if name in ours:
                ours[name] = "Q1234567" + ours[name].map(known)
        pd.testing.assert_frame_equal(ours, theirs, check_exact=True)


def test_the_same_inputs_give_the_same_pseudonyms(short: Run, later: Run, tmp_path: Path) -> None:
    again, (study, out) = tmp_path / "clean", (short.place / "study", short.results)
    settings = stages.settings_for(load_study(study / "study.yaml"), stages.CleanSettings)
    clean.command(json.dumps(settings), out / "ingest", again)
    for path in again.glob("*.*"):
        assert path.read_bytes() == (out / "clean" / path.name).read_bytes(), path.name
    others = originals(later.results / "clean", PATIENT)
    assert not others.keys() & originals(out / "clean", PATIENT).keys()


def test_releases_compare_people_by_who_they_are(short: Run, later: Run) -> None:
    """Another extract gives other pseudonyms, and nobody has changed."""
    comparisons = [path.stem for path in (short.results / "panel").glob("*.ledger.csv")]
    names = [name.removesuffix(".ledger") for name in comparisons]
    one, other = (fingerprints.people(each.results, names) for each in (short, later))
    assert one is not None and other is not None and len(one)
    assert set(fingerprints.apart(one, other).values()) == {0}
    assert all(name.startswith("X") for name in one["patient_id"])


def test_a_trace_is_asked_for_by_the_identifier_of_the_extract(short: Run) -> None:
    calls = ["trace", str(short.place / "study" / "study.yaml"), "--patient", "X000"]
    told = CliRunner().invoke(app, [*calls, "--directory", str(short.place)]).output
    pseudonym = pseudonyms.pseudonym_of(short.results / "clean", PATIENT, "X000")
    assert f"Known as {pseudonym} from cleaning on." in told
    assert "practice_id A00" in told and "  comparison " in told and "no person-period" not in told


def test_mergers_are_followed_under_pseudonyms() -> None:
    practices = PRACTICES.conform(
        pd.DataFrame({"practice_id": ["B", "A"], "merged_into": ["A", None]})
    )
    backend = engine.connect("duckdb")
    nobody = engine.keep(backend, "nobody", _table(["4815162342"]))
    names = needed(backend, nobody, practices, "a key")
    renamed = names.of_practices(practices)
    assert renamed["merged_into"][0] == renamed["practice_id"][1] < renamed["practice_id"][0]
    assert pd.isna(renamed["merged_into"][1])
    assert len(names.patients) == 0
    assert (renamed.dtypes == practices.dtypes).all()


def _table(patients: list[str]) -> object:
    import ibis

    return ibis.memtable(pa.table({"patient_id": pa.array(patients, pa.string())}))


@given(
    st.sets(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1), min_size=1),
    st.text(max_size=5),
    st.sampled_from((PATIENT, PRACTICE)),
)
def test_pseudonyms_sort_as_identifiers_do_and_tell(
    identifiers: set[str], key: str, kind: str
) -> None:
    drawn = pseudonyms._drawn(pa.array(sorted(identifiers)), key, kind).to_pydict()["pseudonym"]
    assert drawn == sorted(set(drawn)) and len(drawn) == len(identifiers)
    assert all(len(name) == 10 and name.isalnum() and name[0].isalpha() for name in drawn)
    assert not any(is_common(normal(name)) for name in drawn)


def test_many_pseudonyms_do_not_repeat_and_hang_on_the_key() -> None:
    many = pa.array([f"{n:06d}" for n in range(200_000)])
    one, other = (
        pseudonyms._drawn(many, key, PATIENT)["pseudonym"].to_pylist() for key in ("one", "other")
    )
    assert len(set(one)) == len(many) and one == sorted(one)
    assert sum(a == b for a, b in zip(one, other, strict=True)) <= 1
    steps = {int(name[-4:], 36) for name in one}
    assert len(steps) > 150_000 * 0.9  # their ends are spread over 36^4 values


def test_without_a_key_identifiers_stay() -> None:
    backend = engine.connect("duckdb")
    practices = PRACTICES.conform(pd.DataFrame({"practice_id": ["A"]}))
    names = needed(backend, engine.keep(backend, "one", _table(["1"])), practices, None)
    assert isinstance(names, Pseudonyms) and len(names.pairs()) == 0
    assert names.of_practices(practices) is practices

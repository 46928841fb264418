"""`check` exiting 0 is the promise that `run` ends with a report: studies with one thing changed
are checked, and their stages done as the rules do them; the two must agree."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from evalweave.cli import app
from evalweave.errors import EvalweaveError
from helpers import stages
from helpers.reports import undrawn


@pytest.fixture(autouse=True)
def undrawn_figures() -> Iterator[None]:
    """What a report draws was decided by its texts; drawing it is half of a report's time."""
    with undrawn():
        yield


SMALL = Path(__file__).parents[1] / "workflow" / "small"
Change = Callable[[Path, dict[str, Any]], None]
STRAND = {
    "segments.csv": "coder,source,code,start,end,text\n"
    "zoe,C01,help,0,20,She came to the house\nzoe,C02,money,0,15,Money was short\n"
    "zoe,C03,help,0,11,Nobody came\n",
    "participants.csv": "participant_id,role\nC01,client\nC02,client\nC03,client\n",
    "links.csv": "source,participant\nC01,C01\nC02,C02\nC03,C03\n",
    "sources.csv": "source,kind\nC01,interview\nC02,interview\nC03,interview\n",
    "themes.csv": "theme_id,label,definition,code,descendants\nhelp,Help,,help,yes\n",
    "claims.csv": "claim_id,theme_id,proposition,role,relation,analysis,term,outcome_unit,"
    "expected_sign,margin,declared_on\n"
    "helps,help,Help lowers HbA1c.,client,converges,main,att,mmol/mol,negative,1,2020-01-01\n",
}


def base(folder: Path) -> dict[str, Any]:
    """Put a small sound study with both strands into a folder; return what its file says."""
    shutil.copytree(SMALL, folder, dirs_exist_ok=True)
    for name, text in STRAND.items():
        (folder / name).write_text(text)
    said: dict[str, Any] = yaml.safe_load((folder / "study.yaml").read_text())
    said["qualitative"] = {
        "project": "segments.csv",
        "format": "segments",
        "participants": "participants.csv",
        "themes": "themes.csv",
        "source_participants": "links.csv",
        "sources": "sources.csv",
    }
    said["claims"] = "claims.csv"
    return said


def text(file: str, old: str, new: str) -> Change:
    """A change of a file's text."""

    def change(folder: Path, _: dict[str, Any]) -> None:
        before = (folder / file).read_text()
        assert old in before
        (folder / file).write_text(before.replace(old, new))

    return change


def says(section: str, **keys: Any) -> Change:
    """A change of a section of the study file."""

    def change(_: Path, said: dict[str, Any]) -> None:
        said.setdefault(section, {})
        said[section].update(keys)

    return change


def analysis(**keys: Any) -> Change:
    """One more analysis."""

    def change(_: Path, said: dict[str, Any]) -> None:
        said["analyses"].append({"name": "more", "estimator": "twfe", "outcome": "hba1c"} | keys)

    return change


def main(**keys: Any) -> Change:
    def change(_: Path, said: dict[str, Any]) -> None:
        said["analyses"][0] |= keys

    return change


def rows(file: str, stays: Callable[[list[str]], bool]) -> Change:
    """A change that leaves only some rows of a file."""

    def change(folder: Path, _: dict[str, Any]) -> None:
        header, *lines = (folder / file).read_text().splitlines()
        left = [line for line in lines if stays(line.split(","))]
        (folder / file).write_text("\n".join([header, *left]) + "\n")

    return change


EVENTS, PATIENTS, SPELLS = (
    f"extract/{name}.csv" for name in ("events", "patients", "registrations")
)
HBA1C = "999791000000106"


def several(*changes: Change) -> Change:
    def change(folder: Path, said: dict[str, Any]) -> None:
        for each in changes:
            each(folder, said)

    return change


def years_for_practices(folder: Path, said: dict[str, Any]) -> None:
    """Practices are called 2010 to 2017, as the years of the report are."""
    for file in (EVENTS, SPELLS, "practices.csv"):
        text(file, "A0", "201")(folder, said)


def one_value(folder: Path, said: dict[str, Any]) -> None:
    path = folder / EVENTS
    path.write_text(re.sub(r",\d\d\.\d,mmol", ",50,mmol", path.read_text()))


SOUND: dict[str, Change] = {
    "several methods, a covariate and weights": several(
        main(covariates=["age", "sex"], inference=["cr2", "wild_bootstrap", "randomisation"]),
        analysis(estimator="event_study"),
        says("comparisons", all={"primary": True, "balance": "propensity", "balance_on": ["age"]}),
    ),
    "suppressed, and practices called as years": several(
        lambda folder, said: said.update(disclosure="nhs_england"), years_for_practices
    ),
}
STOPPED: dict[str, Change] = {
    "one comparison practice has people": rows(SPELLS, lambda row: row[1] < "A05"),
    "nobody is of the ages": says("eligibility", age=[90, 95]),
    "no outcome in one arm": rows(EVENTS, lambda row: row[3] != HBA1C or row[1] >= "A04"),
    "no record after the start": rows(EVENTS, lambda row: row[2] < "2015-04-01"),
    "all start inside the last period": text("practices.csv", "2015-04-01", "2016-10-01"),
    "an outcome of one value": one_value,
    "no usable unit": text(EVENTS, "mmol/mol", "mmol/L"),
    "a claim on a term without estimate": text("claims.csv", ",att,", ",event[1],"),
    "a claim on no theme": text("claims.csv", "helps,help,", "helps,hope,"),
    "a person in the title": says("study", title="A study of X000"),
}


def study_of(name: str, folder: Path) -> Path:
    said = base(folder)
    (SOUND | STOPPED)[name](folder, said)
    (folder / "study.yaml").write_text(yaml.safe_dump(said))
    return folder / "study.yaml"


def checked(study: Path) -> Any:
    return CliRunner().invoke(app, ["check", str(study)])


@pytest.mark.parametrize("name", SOUND)
def test_what_check_passes_runs(name: str, tmp_path: Path) -> None:
    study = study_of(name, tmp_path / "study")
    answer = checked(study)
    assert answer.exit_code == 0, answer.exception
    assert "a rehearsal of the whole run ended with a report" in answer.output
    stages.run(study, tmp_path / "results")
    assert (tmp_path / "results" / "reports" / "report.html").is_file()


@pytest.mark.parametrize("name", STOPPED)
def test_what_stops_a_run_check_says(name: str, tmp_path: Path) -> None:
    study = study_of(name, tmp_path / "study")
    answer = checked(study)
    assert isinstance(answer.exception, EvalweaveError), answer.output
    with pytest.raises(EvalweaveError) as stopped:
        stages.run(study, tmp_path / "results")
    reason = str(stopped.value).splitlines()[-1]
    assert reason.split(":")[-1].strip()[:40] in str(answer.exception)

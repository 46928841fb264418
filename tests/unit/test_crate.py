"""release.zip: a Five Safes RO-Crate of what passed the audit, the same bytes each time."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bagit
import pytest
import rocrate
import yaml
from typer.testing import CliRunner, Result

from evalweave import cli, files
from evalweave.errors import DataError
from evalweave.release import bag
from evalweave.release.audit import audit
from evalweave.release.identifiers import Identifiers
from evalweave.release.intruder import attack_folder
from evalweave.release.pack import audited, pack
from evalweave.workflow import snakefile
from helpers.report_results import Made
from helpers.reports import report

WORKFLOW = snakefile().parent
PEOPLE = {
    "people": [
        {"name": "A. Analyst", "orcid": "0000-0002-1825-0097", "affiliation": "A University"},
        {"name": "B. Clinician", "affiliation": "A University"},
    ],
    "project": {"name": "Project 81", "identifier": "81", "organisation": "A University"},
    "governance": {"approval": "REC 15/NE/0001", "setting": "A secure environment"},
    "licence": "CC BY 4.0",
    "published": "2020-02-03",
}


INPUTS = [
    {"role": "extract", "name": "2015/events.csv", "sha256": "ab" * 32, "bytes": 1},
    {"role": "extract", "name": "2016/events.csv", "sha256": "ab" * 32, "bytes": 1},
    {"role": "codelist hba1c", "name": "lists/hba1c.csv", "sha256": "cd" * 32, "bytes": 1},
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An audited report folder, release.zip beside it."""
    place = tmp_path_factory.mktemp("crate")
    out = report(place, Made(formats=("html", "docx")))
    files.write_json(audit(out, []).as_json(), place / "audit.json")
    pack(audited(out, place / "audit.json", WORKFLOW), [], (), out / "release.zip")
    return place


@pytest.fixture(scope="module")
def payload(folder: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as scratch:
        yield bag.unpacked(folder / "report/release.zip", Path(scratch)) / "data"


def graph(payload: Path) -> dict[str, dict[str, Any]]:
    said = json.loads((payload / "ro-crate-metadata.json").read_text())
    return {entity["@id"]: entity for entity in said["@graph"]}


def kinds(entity: dict[str, Any]) -> set[str]:
    kind = entity["@type"]
    return {kind} if isinstance(kind, str) else set(kind)


def references(value: Any) -> list[str]:
    listed = value if isinstance(value, list) else [value]
    return [item["@id"] for item in listed]


def test_it_is_one_bag_whose_checksums_hold(payload: Path) -> None:
    said = bagit.Bag(str(payload.parent))
    said.validate()
    assert re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", said.info["External-Identifier"])
    assert set(said.algorithms) == {"sha512"}


def test_what_was_released_is_in_it_byte_for_byte_and_nothing_else(
    folder: Path, payload: Path
) -> None:
    ours = {"ro-crate-metadata.json", "disclosure.json"}
    inside = {p.relative_to(payload).as_posix() for p in payload.rglob("*") if p.is_file()}
    released = {
        f"report/{p.relative_to(folder / 'report').as_posix()}": p
        for p in (folder / "report").rglob("*")
        if p.is_file() and p.name != "release.zip"
    }
    code = {name for name in inside if name.startswith("workflow/")}
    assert inside == ours | code | set(released)
    assert all((payload / name).read_bytes() == p.read_bytes() for name, p in released.items())
    assert (payload / "workflow/Snakefile").read_bytes() == snakefile().read_bytes()
    lock = "workflow/envs/requirements.txt"
    assert (payload / "workflow" / lock).read_bytes() == (WORKFLOW / lock).read_bytes()


def test_the_same_release_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    pack(
        audited(folder / "report", folder / "audit.json", WORKFLOW), [], (), tmp_path / "again.zip"
    )
    assert (tmp_path / "again.zip").read_bytes() == (folder / "report/release.zip").read_bytes()


def test_what_the_five_safes_profile_says_must_be_there_is(payload: Path) -> None:
    """Section by section of https://w3id.org/5s-crate/0.4; its shapes are in no released
    validator."""
    entities = graph(payload)
    root = entities["./"]
    descriptor = entities["ro-crate-metadata.json"]
    assert references(descriptor["conformsTo"]) == ["https://w3id.org/ro/crate/1.2"]
    assert "https://w3id.org/5s-crate/0.4" in references(root["conformsTo"])
    (main,) = references(root["mainEntity"])
    assert "Dataset" in kinds(entities[main])
    assert references(entities[main]["conformsTo"]) == [
        "https://w3id.org/workflowhub/workflow-ro-crate/1.0"
    ]
    (run,) = (e for e in entities.values() if "CreateAction" in kinds(e))
    assert run["@id"] in references(root["mentions"])
    assert references(run["instrument"]) == [main]
    assert run["actionStatus"] == "http://schema.org/CompletedActionStatus"
    assert len(run["name"]) >= 10
    assert all(identifier in entities for identifier in references(run["object"]))
    (agent,) = references(run["agent"])
    assert "Person" in kinds(entities[agent])
    (project,) = references(root["sourceOrganization"])
    assert "Project" in kinds(entities[project])
    assert project in references(entities[agent]["memberOf"])
    assert all("exampleOfWork" in entities[i] for i in references(run["object"]) if i[:3] == "ni:")
    (check,) = (e for e in entities.values() if "AssessAction" in kinds(e))
    assert references(check["additionalType"]) == ["https://w3id.org/shp#DisclosureCheck"]
    assert check["@id"] in references(root["mentions"]) and len(check["name"]) >= 10
    assert set(references(run["result"])) <= set(references(root["hasPart"]))
    assert not any(identifier.startswith(("..", "/")) for identifier in entities)


class Stored:
    """A stored answer of a web server."""

    status_code, ok, from_cache = 200, True, True
    headers = {"Content-Type": "application/ld+json"}  # noqa: RUF012

    def __init__(self, document: Any) -> None:
        self.text = json.dumps(document)
        self.content = self.text.encode()

    def json(self) -> Any:
        return json.loads(self.text)


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Let the validator find the context of RO-Crate as the library carries it; it wants the
    network for it. Names that changed with version 1.3 are as they were."""
    from rocrate_validator.utils import http

    place = Path(rocrate.__file__).parent / "data/ro-crate.jsonld"
    context = json.loads(place.read_text(encoding="utf-8"))
    for name in ("ComputationalWorkflow", "FormalParameter"):
        context["@context"][name] = f"https://bioschemas.org/{name}"

    def get(self: object, url: str, **options: object) -> Stored:
        assert re.fullmatch(r"https://w3id.org/ro/crate/1\.[12]/context", url), url
        return Stored(context)

    monkeypatch.setattr(http.HttpRequester, "get", get, raising=False)  # made as it is asked
    return tmp_path


def issues(crate: Path, profile: str, scratch: Path, only_own: bool = False) -> list[str]:
    from rocrate_validator import services

    settings = services.ValidationSettings(
        rocrate_uri=services.URI(str(crate)),
        profile_identifier=profile,
        requirement_severity="REQUIRED",
        disable_inherited_profiles_issue_reporting=only_own,
        offline=True,
        cache_path=scratch / "cache",
        skip_availability_check=True,
    )
    return [str(issue.message) for issue in services.validate(settings).get_issues()]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The payload of a smaller release: the validator is slow."""
    place = tmp_path_factory.mktemp("small")
    out = report(place, Made(only_main=True, qualitative=False, claims=False))
    files.write_json(audit(out, []).as_json(), place / "audit.json")
    pack(audited(out, place / "audit.json", WORKFLOW), [], (), place / "r.zip")
    return bag.unpacked(place / "r.zip", place / "out") / "data"


def test_the_validator_finds_it_valid(small: Path, offline: Path) -> None:
    """RO-Crate 1.2; Process Run Crate, but for its base, which the validator holds at 1.1; and the
    workflow's own crate."""
    payload = small
    assert issues(payload, "ro-crate-1.2", offline) == []
    assert issues(payload, "process-run-crate", offline, only_own=True) == []
    assert issues(payload / "workflow", "workflow-ro-crate", offline) == []


def test_the_validator_would_have_found_a_fault(small: Path, offline: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(small, tmp_path / "copy")
    said = json.loads((copy / "ro-crate-metadata.json").read_text())
    for entity in said["@graph"]:
        entity.pop("instrument", None)
    (copy / "ro-crate-metadata.json").write_text(json.dumps(said))
    assert issues(copy, "process-run-crate", offline, only_own=True)


def declared(tmp_path: Path, **about: Any) -> dict[str, dict[str, Any]]:
    """Return the graph of a release whose study file says more `about` it."""
    release = report(tmp_path, Made(only_main=True, qualitative=False, claims=False))
    file = release / "manifest.json"
    manifest = json.loads(file.read_text())
    manifest["study"]["study"] |= about
    manifest["inputs"] = INPUTS
    file.write_text(json.dumps(manifest))
    files.write_json(audit(release, []).as_json(), tmp_path / "audit.json")
    pack(audited(release, tmp_path / "audit.json", WORKFLOW), [], (), tmp_path / "r.zip")
    return graph(bag.unpacked(tmp_path / "r.zip", tmp_path / "out") / "data")


def test_inputs_are_named_by_checksum_without_a_path(tmp_path: Path) -> None:
    entities = declared(tmp_path)
    inputs = [e for e in entities.values() if "DigitalDocument" in kinds(e)]
    assert {(e["name"], e["sha256"]) for e in inputs} == {
        ("events.csv", "ab" * 32),
        ("hba1c.csv", "cd" * 32),
    }
    assert all(e["@id"] in references(entities["#run"]["object"]) for e in inputs)
    roles = {entities[references(e["exampleOfWork"])[0]]["name"] for e in inputs}
    assert roles == {"extract", "codelist hba1c"}
    text = json.dumps(entities)
    assert "2015/events.csv" not in text and "lists/" not in text
    versions = json.loads((tmp_path / "report/manifest.json").read_text())["software"]
    assert entities["#evalweave"]["version"] == versions["evalweave"]
    assert f"pandas {versions['dependencies']['pandas']}" in entities["#setting-software"]["value"]


def test_people_project_and_governance_are_as_declared(tmp_path: Path) -> None:
    entities = declared(tmp_path, **PEOPLE)
    people = {e["@id"]: e["name"] for e in entities.values() if kinds(e) == {"Person"}}
    assert people == {
        "https://orcid.org/0000-0002-1825-0097": "A. Analyst",
        "#person-2": "B. Clinician",
    }
    assert (entities["#project"]["name"], entities["#project"]["identifier"]) == (
        "Project 81",
        "81",
    )
    assert "Approval: REC 15/NE/0001" in entities["#project"]["description"]
    assert "Agreement on the data: not stated" in entities["#project"]["description"]
    assert entities["./"]["datePublished"] == "2020-02-03"
    assert entities["#licence"]["name"] == "CC BY 4.0"
    assert references(entities["./"]["publisher"]) == ["#setting"]


def test_what_is_not_declared_is_not_stated(tmp_path: Path) -> None:
    entities = declared(tmp_path)
    assert [e["name"] for e in entities.values() if kinds(e) == {"Person"}] == ["not stated"]
    assert entities["#project"]["name"] == "not stated"
    assert entities["#licence"]["name"] == "not stated"
    assert entities["./"]["datePublished"] == "2019-03-31"
    assert "states no day of publication" in entities["./"]["description"]


def crate(folder: Path, *more: str) -> Result:
    call = ["crate", str(folder / "report"), "--audit", str(folder / "audit.json")]
    call += ["--results", str(folder), "--workflow", str(WORKFLOW)]
    return CliRunner().invoke(cli.app, [*call, "--out", str(folder / "r.zip"), *more])


def test_a_file_that_was_not_audited_as_it_is_stops_it(folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(folder, tmp_path / "copy")
    (copy / "report/extra.csv").write_text("a\n1\n")
    done = crate(copy)
    assert done.exit_code == 1 and "is not as it was audited (extra.csv)" in str(done.exception)
    (copy / "report/extra.csv").unlink()
    with (copy / "report/flow.csv").open("a") as file:
        file.write("\n")
    assert "(flow.csv)" in str(crate(copy).exception) and not (copy / "r.zip").exists()


def test_the_attack_reads_the_packed_release_as_the_folder(folder: Path, tmp_path: Path) -> None:
    out = folder / "report"
    rules, attacked = attack_folder(out)
    assert attacked.protected > 100
    packed_rules, packed = attack_folder(out / "release.zip", [out / "release.zip"])
    assert (packed_rules, packed.findings) == (rules, attacked.findings)
    assert packed.protected > attacked.protected  # the changes since the earlier one as well
    (tmp_path / "none.zip").write_bytes(b"none")
    with pytest.raises(DataError):
        attack_folder(tmp_path / "none.zip")


def test_what_did_not_pass_is_not_packed(folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(folder, tmp_path / "copy")
    said = json.loads((copy / "audit.json").read_text())
    (copy / "audit.json").write_text(json.dumps(said | {"findings": ["a leak"]}))
    assert "did not pass the audit" in str(crate(copy).exception)
    (copy / "audit.json").write_text("{}")
    assert "cannot be read as the audit's record" in str(crate(copy).exception)


def test_its_metadata_are_searched_for_identifiers(folder: Path, tmp_path: Path) -> None:
    release = audited(folder / "report", folder / "audit.json", WORKFLOW)
    said = json.loads(json.dumps(release.manifest))
    said["study"]["study"]["project"] = {"name": "About pt0000000001"}
    known = [Identifiers.of("patient", ["pt0000000001"])]
    from evalweave.errors import DataError

    with pytest.raises(DataError, match=r"ro-crate-metadata\.json.*identifier of a patient"):
        pack(dataclasses.replace(release, manifest=said), known, (), tmp_path / "r.zip")
    assert not (tmp_path / "r.zip").exists()


def test_an_audit_of_the_folder_reads_the_zip_file_too(folder: Path, tmp_path: Path) -> None:
    assert audit(folder / "report", []).findings == []
    copy = shutil.copytree(folder / "report", tmp_path / "copy")
    with zipfile.ZipFile(copy / "release.zip", "a") as archive:
        archive.writestr("invented/data/report/more.csv", "name\npt0000000001\n")
    assert "release.zip: is no release" in " ".join(audit(copy, []).findings)
    top = bag.unpacked(folder / "report/release.zip", tmp_path / "x")
    (top / "data/report/more.csv").write_text("name\npt0000000001\n")
    bagit.Bag(str(top)).save(manifests=True)
    bag.write_zip(top, copy / "release.zip")
    known = [Identifiers.of("patient", ["pt0000000001"])]
    assert "release.zip/data/report/more.csv" in " ".join(audit(copy, known).findings)


@pytest.mark.parametrize(
    ("names", "says"),
    [
        ([], "no release"),
        (["a/bagit.txt", "b/data/x"], "no release"),
        (["a/bagit.txt", "a/../../x"], "no release"),
        (["a/data/x"], "no release"),
        (["a/bagit.txt"], "is not as it was released"),
    ],
)
def test_a_zip_file_that_is_no_release(tmp_path: Path, names: list[str], says: str) -> None:
    with zipfile.ZipFile(tmp_path / "r.zip", "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    from evalweave.errors import DataError

    with pytest.raises(DataError, match=says):
        bag.unpacked(tmp_path / "r.zip", tmp_path / "out")
    (tmp_path / "r.zip").write_bytes(b"PK")
    with pytest.raises(DataError, match="no zip file"):
        bag.unpacked(tmp_path / "r.zip", tmp_path / "out")


def test_the_study_file_takes_the_keys(tmp_path: Path) -> None:
    from evalweave.study.about import About

    about = About.model_validate(
        yaml.safe_load(yaml.safe_dump({"name": "a", "title": "A"} | PEOPLE))
    )
    assert about.people[0].affiliation == "A University" and about.project.identifier == "81"
    with pytest.raises(ValueError, match="orcid"):
        About.model_validate({"name": "a", "title": "A", "people": [{"name": "x", "orcid": "1"}]})

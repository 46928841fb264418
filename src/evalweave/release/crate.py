"""The release as a Five Safes RO-Crate, which a reviewer or a secure environment can read.

The crate is the payload of a BagIt folder:

    ro-crate-metadata.json   who, with which inputs, software and settings; what was checked
    report/                  the released folder as it was audited
    disclosure.json          the record of that audit
    workflow/                the workflow that ran and its lock, a Workflow RO-Crate of its own

It follows Five Safes RO-Crate 0.4 (w3id.org/5s-crate), whose main entity is a folder with a
workflow, and Process Run Crate 0.5 (w3id.org/ro/wfrun). Workflow Run Crate asks for a file as main
entity, so no crate can be both; the workflow's own crate is a Workflow RO-Crate 1.0.

Inputs are named by checksum (RFC 6920), role and file name; no path leaves, and no person who is
not declared. No time of day is in it, so that the same release gives the same bytes.
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from evalweave import files
from evalweave.release.manifest import NAME as MANIFEST
from evalweave.study import once

if TYPE_CHECKING:
    from rocrate.rocrate import ROCrate

FIVE_SAFES, PROCESS_RUN = "https://w3id.org/5s-crate/0.4", "https://w3id.org/ro/wfrun/process/0.5"
WORKFLOW_CRATE = "https://w3id.org/workflowhub/workflow-ro-crate/1.0"
LANGUAGE = "https://w3id.org/workflowhub/workflow-ro-crate#snakemake"
SNAKEMAKE = "https://snakemake.readthedocs.io"
DISCLOSURE_CHECK, DONE = (
    "https://w3id.org/shp#DisclosureCheck",
    "http://schema.org/CompletedActionStatus",
)
NOT_STATED = "not stated"
RUN, PROJECT, SOFTWARE, CHECK = "#run", "#project", "#evalweave", "#disclosure-check"
SETTINGS = (
    "window",
    "eligibility",
    "exposure",
    "comparisons",
    "outcomes",
    "analyses",
    "disclosure",
)
KINDS = {
    ".html": "text/html",
    ".csv": "text/csv",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".pdf": "application/pdf",
    ".tex": "application/x-tex",
}
MEANINGS = {
    "report.html": "The report",
    "supplement.html": "The supplement: methods, checklists, every number",
    "report.docx": "The report for Word",
    "supplement.docx": "The supplement for Word",
    "report.pdf": "The report as a tagged PDF",
    "supplement.pdf": "The supplement as a tagged PDF",
    MANIFEST: "Checksums of inputs, settings, versions and every released number",
}


@dataclass(frozen=True)
class Release:
    """What a crate is made from: the released folder, its manifest, the audit's record of it, and
    the folder that holds the workflow (Snakefile, workflow/)."""

    report: Path
    manifest: Mapping[str, Any]
    audit: Mapping[str, Any]
    workflow: Path

    @property
    def about(self) -> Mapping[str, Any]:
        return dict(self.manifest["study"].get("study") or {})

    @property
    def identifier(self) -> str:
        """The same for the same release: a UUID of the manifest's checksum."""
        checksum = files.sha256(self.report / MANIFEST)
        return uuid.uuid5(uuid.NAMESPACE_URL, f"ni:///sha-256;{checksum}").urn

    @property
    def published(self) -> str:
        return str(self.about.get("published") or self.manifest["study"]["window"]["last"])


def disclosure_record(audit: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the audit looked for and at, without what it knows of the people."""
    return {
        "profile": audit.get("profile"),
        "checks": audit.get("checks", {}),
        "attack": audit.get("attack", {}),
        "findings": len(audit.get("findings", [])),
        "files": audit.get("files", {}),
    }


def described(release: Release, record: Path) -> ROCrate:
    """Return the crate of a release; `record` is the disclosure record as written."""
    from rocrate.rocrate import ROCrate

    crate = ROCrate(version="1.2")
    about = release.about
    root = crate.root_dataset
    root["name"] = about.get("title") or about.get("name") or NOT_STATED
    root["description"] = _description(release)
    root["datePublished"] = release.published
    root["conformsTo"] = [
        _add(crate, FIVE_SAFES, "Profile", name="Five Safes RO-Crate profile", also="CreativeWork"),
        _add(
            crate,
            PROCESS_RUN,
            "Profile",
            also="CreativeWork",
            name="Process Run Crate",
            version="0.5",
        ),
    ]
    root["license"] = _add(
        crate,
        "#licence",
        "CreativeWork",
        name=about.get("licence") or NOT_STATED,
        description="Under which the released files may be used.",
    )
    project = _project(crate, release.manifest["study"])
    root["sourceOrganization"] = project
    agents = _people(crate, about, project)
    root["author"] = agents
    if setting := (about.get("governance") or {}).get("setting"):
        root["publisher"] = _add(crate, "#setting", "Organization", name=setting)
    results = [_released(crate, release, name) for name in sorted(release.audit["files"])]
    results.append(
        crate.add_file(
            record,
            dest_path="disclosure.json",
            properties={
                "name": "Record of the disclosure check",
                "encodingFormat": KINDS[".json"],
                "sha256": files.sha256(record),
            },
        )
    )
    workflow = _workflow(crate, release)
    root["mainEntity"] = workflow
    run = _run(crate, release, agents[0], workflow, results)
    root["mentions"] = [run, _check(crate, release)]
    return crate


def _add(crate: ROCrate, known_as: str, kind: str, also: str = "", **properties: Any) -> Any:
    from rocrate.model.contextentity import ContextEntity

    types: str | list[str] = [kind, also] if also else kind
    return crate.add(ContextEntity(crate, known_as, properties={"@type": types} | properties))


def _description(release: Release) -> str:
    about = release.about
    words = [
        str((release.manifest["study"].get("report") or {}).get("question") or "").strip()
        or "A mixed-methods evaluation: difference-in-differences on GP practice records."
    ]
    if release.manifest.get("simulated"):
        words.append("Simulated data.")
    if not about.get("published"):
        words.append(
            "The study states no day of publication; the last day of its window stands for it."
        )
    return " ".join(words)


def _project(crate: ROCrate, study: Mapping[str, Any]) -> Any:
    about = study.get("study") or {}
    declared = about.get("project") or {}
    rules = about.get("governance") or {}
    funding, approval = (once.stated(study, name) for name in ("funding", "approval"))
    properties: dict[str, Any] = {"name": declared.get("name") or NOT_STATED}
    if declared.get("identifier"):
        properties["identifier"] = declared["identifier"]
    if declared.get("organisation"):
        properties["member"] = _organisation(crate, declared["organisation"])
    if funding:
        properties["funding"] = _add(crate, "#grant", "Grant", name=funding)
    agreed = {
        "Approval": approval,
        "Agreement on the data": rules.get("agreement"),
        "Output check": rules.get("output_check"),
        "Setting": rules.get("setting"),
    }
    properties["description"] = "; ".join(
        f"{name}: {words or NOT_STATED}" for name, words in agreed.items()
    )
    return _add(crate, PROJECT, "Project", **properties)


def _organisation(crate: ROCrate, name: str) -> Any:
    identifier = f"#organisation-{uuid.uuid5(uuid.NAMESPACE_URL, name)}"
    known = crate.dereference(identifier)
    return known or _add(crate, identifier, "Organization", name=name)


def _people(crate: ROCrate, about: Mapping[str, Any], project: Any) -> list[Any]:
    """Return everybody who is declared, who asked for the run first; nobody else is named."""
    declared = list(about.get("people") or [])
    declared = declared or [{"name": name} for name in about.get("authors") or []]
    agents = []
    for number, person in enumerate(declared or [{"name": NOT_STATED}], start=1):
        orcid = person.get("orcid")
        identifier = f"https://orcid.org/{orcid}" if orcid else f"#person-{number}"
        properties = {"name": person["name"], "memberOf": [project]}
        if person.get("affiliation"):
            properties["affiliation"] = _organisation(crate, person["affiliation"])
        agents.append(_add(crate, identifier, "Person", **properties))
    return agents


def _released(crate: ROCrate, release: Release, name: str) -> Any:
    path = release.report / name
    place = PurePosixPath(name)
    return crate.add_file(
        path,
        dest_path=f"report/{name}",
        properties={
            "name": MEANINGS.get(name, f"{place.parent.name} {place.stem}".strip(". ")),
            "encodingFormat": KINDS.get(path.suffix.lower(), "application/octet-stream"),
            "sha256": release.audit["files"][name],
        },
    )


def _workflow(crate: ROCrate, release: Release) -> Any:
    """Return the folder of the workflow, which is a crate of its own."""
    software = release.manifest["software"]
    profile = _add(crate, WORKFLOW_CRATE, "CreativeWork", name="Workflow RO-Crate", version="1.0")
    return crate.add_dataset(
        dest_path="workflow/",
        properties={
            "@type": ["Dataset", "SoftwareApplication"],
            "name": "The workflow that ran, with the hash-locked requirements",
            "conformsTo": profile,
            "version": str(software.get("evalweave")),
            "url": "workflow/Snakefile",
        },
    )


def _run(crate: ROCrate, release: Release, agent: Any, workflow: Any, results: list[Any]) -> Any:
    about = release.about
    return _add(
        crate,
        RUN,
        "CreateAction",
        name=f"Run of the study {about.get('name') or NOT_STATED}",
        description="From the extract and the coded project to the released report.",
        agent=agent,
        instrument=workflow,
        actionStatus=DONE,
        object=[*_inputs(crate, release), *_settings(crate, release)],
        result=results,
    )


def _inputs(crate: ROCrate, release: Release) -> Iterator[Any]:
    """Yield each input by its checksum; its bytes and its place stay where they are."""
    for entry in release.manifest["inputs"]:
        checksum = str(entry["sha256"])
        name = PurePosixPath(str(entry["name"])).name
        digest = base64.urlsafe_b64encode(bytes.fromhex(checksum)).decode().rstrip("=")
        identifier = f"ni:///sha-256;{digest}"
        if known := crate.dereference(identifier):  # two inputs with the same bytes
            yield known
            continue
        parameter = f"#input-{str(entry['role']).replace(' ', '-')}"
        yield _add(
            crate,
            identifier,
            "DigitalDocument",
            also="CreativeWork",
            name=name,
            description=f"Input: {entry['role']}. Not in this crate.",
            sha256=checksum,
            exampleOfWork=crate.dereference(parameter)
            or _add(crate, parameter, "FormalParameter", name=entry["role"], additionalType="File"),
        )


def _settings(crate: ROCrate, release: Release) -> Iterator[Any]:
    """Yield what the study file says of method, one value a section, analysis, outcome or
    comparison, and every seed."""
    study = release.manifest["study"]
    seeds = release.manifest.get("seeds", {})
    for place, value in [
        *(pair for section in SETTINGS for pair in _parts(study.get(section), section)),
        ("seeds", seeds),
        ("software", list(_versions(release.manifest["software"]))),
    ]:
        words = "; ".join(_words(value))
        if words:
            yield _add(
                crate,
                f"#setting-{place}".replace(" ", "-"),
                "PropertyValue",
                name=place,
                value=words,
            )


def _parts(value: Any, place: str) -> Iterator[tuple[str, Any]]:
    """Yield the named parts of a section, or the section."""
    if isinstance(value, list) and all(isinstance(item, Mapping) for item in value):
        yield from ((f"{place}/{item.get('name', n)}", item) for n, item in enumerate(value, 1))
    elif isinstance(value, Mapping) and all(isinstance(item, Mapping) for item in value.values()):
        yield from ((f"{place}/{name}", item) for name, item in value.items())
    else:
        yield place, value


def _words(value: Any, place: str = "") -> Iterator[str]:
    """Yield `key: value` for everything that is set, keys inside keys joined."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _words(item, f"{place} {key}".strip())
    elif value not in (None, "", []):
        words = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        yield f"{place}: {words}" if place else words


def _software(crate: ROCrate, release: Release) -> Any:
    software = release.manifest["software"]
    return _add(
        crate,
        SOFTWARE,
        "SoftwareApplication",
        name="evalweave",
        version=str(software.get("evalweave")),
        url="workflow/Snakefile",
        description="; ".join(_versions(software)),
    )


def _versions(software: Mapping[str, Any]) -> Iterator[str]:
    yield f"evalweave {software.get('evalweave')}"
    yield f"Python {software.get('python')}"
    for key, words in (("commit", "commit"), ("code", "code sha256")):
        if software.get(key):
            yield f"{words} {software[key]}"
    if isinstance(software.get("lock"), Mapping):
        yield f"lock sha256 {software['lock'].get('sha256')}"
    for name, version in sorted((software.get("dependencies") or {}).items()):
        yield f"{name} {version}"


def _check(crate: ROCrate, release: Release) -> Any:
    audit = release.audit
    software = _software(crate, release)
    return _add(
        crate,
        CHECK,
        "AssessAction",
        additionalType=_add(crate, DISCLOSURE_CHECK, "DefinedTerm", name="Disclosure check"),
        name=f"Disclosure check by evalweave under the profile {audit.get('profile')}: approved",
        description="Every released file was read back; disclosure.json says what was looked for.",
        object=crate.root_dataset,
        instrument=software,
        agent=software,
        actionStatus=DONE,
    )

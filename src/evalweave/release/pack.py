"""Packing a release: only what passed the audit as it is, and what is said of it."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from evalweave import files
from evalweave.errors import DataError
from evalweave.release import manifest
from evalweave.release.audit import audit
from evalweave.release.bag import make_bag, write_zip
from evalweave.release.crate import Release, described, disclosure_record
from evalweave.release.identifiers import Identifiers
from evalweave.release.workflow_crate import write_workflow_crate

METADATA, RECORD = "ro-crate-metadata.json", "disclosure.json"


def audited(report: Path, record: Path, workflow: Path) -> Release:
    """Return the release of a folder that passed the audit.

    Raises:
        DataError: it was not audited, did not pass, or is not the folder that was audited.
    """
    again = f"Audit it again: evalweave audit {report} --results RESULTS --out {record}"
    try:
        said = json.loads(record.read_text(encoding="utf-8"))
        passed, seen = not said["findings"], dict(said["files"])
    except (OSError, ValueError, KeyError, TypeError):
        raise DataError(f"{record}: cannot be read as the audit's record. {again}") from None
    if not passed:
        raise DataError(f"{report}: did not pass the audit, so it is not packed. {again}")
    seen.pop(manifest.RELEASE, None)  # of an earlier run
    now = {**manifest.checksums(report), manifest.NAME: files.sha256(report / manifest.NAME)}
    other = sorted(name for name in {*now, *seen} if now.get(name) != seen.get(name))
    if other:
        raise DataError(
            f"{report}: is not as it was audited ({', '.join(other[:5])}), so it is not packed. "
            f"{again}"
        )
    return Release(report, manifest.read(report), {**said, "files": seen}, workflow)


def pack(
    release: Release, identifiers: Sequence[Identifiers], machine: Sequence[str], out: Path
) -> None:
    """Write a release to a zip file.

    Raises:
        DataError: what is said of it beside the audited files may not be released.
    """
    with tempfile.TemporaryDirectory(prefix="evalweave-crate-") as scratch:
        bag = Path(scratch) / str(release.about.get("name") or "release")
        record = Path(scratch) / RECORD
        files.write_json(disclosure_record(release.audit), record)
        described(release, record).write(bag)
        write_workflow_crate(
            release.workflow, release.manifest, release.published, bag / "workflow"
        )
        _check_added(bag, release, identifiers, machine, Path(scratch) / "added")
        make_bag(bag, release.identifier, {"Source-Organization": _organisation(release)})
        write_zip(bag, out)


def _check_added(
    bag: Path,
    release: Release,
    identifiers: Sequence[Identifiers],
    machine: Sequence[str],
    folder: Path,
) -> None:
    """Audit what the crate says beside the files that were audited; the workflow is our code."""
    folder.mkdir()
    for path in (bag / METADATA, bag / RECORD, release.report / manifest.NAME):
        shutil.copy(path, folder / path.name)
    findings = audit(folder, identifiers, machine).findings
    if findings:
        raise DataError(
            "The metadata of the release may not be released, so there is no release.zip:\n"
            + "\n".join(findings)
        )


def _organisation(release: Release) -> str:
    return str((release.about.get("project") or {}).get("organisation") or "not stated")

"""The workflow that ran as a Workflow RO-Crate 1.0, so that it can be read without the package."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evalweave.release.crate import LANGUAGE, SNAKEMAKE, WORKFLOW_CRATE

NAME = "Snakemake"
PARTS = ("workflow/rules/*.smk", "workflow/envs/*.txt")


def write_workflow_crate(
    workflow: Path, manifest: Mapping[str, Any], published: str, folder: Path
) -> None:
    """Write Snakefile, rules, lock and their metadata into `folder`.

    Args:
        workflow: the folder of the Snakefile.
        manifest: the release's manifest, for version and the roles of the inputs.
        published: a day, ISO 8601.
    """
    from rocrate.model.contextentity import ContextEntity
    from rocrate.rocrate import ROCrate

    crate = ROCrate(version="1.1")
    root = crate.root_dataset
    root["name"] = "The workflow of evalweave"
    root["description"] = "From an extract and a coded project to a disclosure-checked report."
    root["datePublished"] = published
    root["license"] = "MIT"
    language = crate.add(
        ContextEntity(
            crate,
            LANGUAGE,
            properties={
                "@type": "ComputerLanguage",
                "name": NAME,
                "version": str((manifest["software"].get("dependencies") or {}).get(NAME.lower())),
                "identifier": {"@id": SNAKEMAKE},
                "url": {"@id": SNAKEMAKE},
            },
        )
    )
    crate.metadata["conformsTo"] = [
        {"@id": "https://w3id.org/ro/crate/1.1"},
        {"@id": WORKFLOW_CRATE},
    ]
    root["conformsTo"] = crate.add(
        ContextEntity(
            crate,
            WORKFLOW_CRATE,
            properties={"@type": "CreativeWork", "name": "Workflow RO-Crate", "version": "1.0"},
        )
    )
    main = crate.add_file(
        workflow / "Snakefile",
        dest_path="Snakefile",
        properties={
            "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow"],
            "name": "evalweave",
            "version": str(manifest["software"].get("evalweave")),
            "programmingLanguage": language,
        },
    )
    root["mainEntity"] = main
    for pattern in PARTS:
        for path in sorted(workflow.glob(pattern)):
            crate.add_file(path, dest_path=path.relative_to(workflow).as_posix())
    crate.write(folder)

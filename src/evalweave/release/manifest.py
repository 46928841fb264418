"""The manifest of a release: everything that a reviewer needs to say yes or no to each number.

`manifest` gathers it from the study as written, the inputs' checksums, the versions that ran and
the released tables. It holds no path of a machine and no time of day, so the same inputs give the
same bytes. `write` puts it beside the report, last, so that it also vouches for every other file of
the folder.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath, PurePosixPath
from typing import TYPE_CHECKING, Any

from evalweave import files
from evalweave.errors import DataError
from evalweave.release.software import software
from evalweave.study import connections

if TYPE_CHECKING:
    import pandas as pd

    from evalweave.study.records import Extract
    from evalweave.study.whole import Study

NAME = "manifest.json"
RELEASE = "release.zip"  # what the audited folder is packed into
FORMAT = 1  # of the manifest itself
EXTRACT = (
    "extract"  # role of the extract's files; a name stands for the path inside the extract's folder
)


def manifest(
    study_file: Path,
    released: Mapping[str, pd.DataFrame],
    folder: Path,
    results: Path,
    extract: Path | None = None,
) -> dict[str, Any]:
    """Return the manifest of the release in `folder`.

    Args:
        study_file: the study file that was run.
        released: the released tables by name, such as estimates, theme_counts, joint_display.
        folder: the report folder with everything but the manifest in it.
        results: results/<study>/, whose ingest/*.json say which files of the extract were read.
        extract: the extract's folder, where it is not the one that the study file names.
    """
    from evalweave.study.file import load
    from evalweave.study.whole import Study
    from evalweave.triangulation.convergence import RULE_VERSION

    written = load(study_file, Study)
    place = extract or study_file.parent / written.extract.path
    if written.extract.connection and extract is None:
        place = results / "database"  # where its tables were copied to
    read = extract_inputs(results, written.extract, place)
    noted = database(place, read) if written.extract.connection else None
    return {
        "format": FORMAT,
        "simulated": written.study.synthetic,
        "study_file": {"name": study_file.name, "sha256": files.sha256(study_file)},
        "study": without_machine(written.model_dump(mode="json")),
        "inputs": [
            *read,
            *other_inputs(written, study_file.parent),
        ],
        **({"database": noted} if noted else {}),
        "software": software(),
        "engine": written.engine,
        "rules": {"convergence": RULE_VERSION},
        "seeds": seeds(written),
        "released": {name: rows(frame) for name, frame in sorted(released.items())},
        "files": checksums(folder),
    }


def write(
    study_file: Path,
    released: Mapping[str, pd.DataFrame],
    folder: Path,
    results: Path,
    extract: Path | None = None,
) -> dict[str, Any]:
    """Write manifest.json into the report folder, after everything else, and return it."""
    value = manifest(study_file, released, folder, results, extract)
    files.write_json(value, folder / NAME)
    return value


def read(folder: Path) -> dict[str, Any]:
    """Return a report folder's manifest; raise `DataError` when it is missing, damaged or of
    another format."""
    path = folder / NAME
    if not folder.is_dir():
        raise DataError(
            f"{folder}: there is no such folder. Give a folder that `evalweave run` released."
        )
    if not path.is_file():
        raise DataError(
            f"{path}: there is no manifest, so nothing says what this report was made from. "
            "Ask for the whole report folder, or run the study again."
        )
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError):
        raise DataError(
            f"{path}: the manifest is damaged: it is not JSON. Ask for the report folder again."
        ) from None
    needed = {
        "study": dict,
        "study_file": dict,
        "inputs": list,
        "released": dict,
        "software": dict,
        "files": dict,
    }
    wrong = [
        key
        for key, kind in needed.items()
        if not (isinstance(value, dict) and isinstance(value.get(key), kind))
    ]
    if wrong:
        raise DataError(
            f"{path}: the manifest is damaged: {', '.join(wrong)} missing or of the wrong kind. "
            "Ask for the report folder again."
        )
    if value.get("format") != FORMAT:
        raise DataError(
            f"{path}: the manifest is of format {value.get('format')}, this evalweave reads format "
            f"{FORMAT}. "
            "Install evalweave "
            f"{value['software'].get('evalweave', 'of the version that wrote it')}."
        )
    return value


def extract_inputs(
    results: Path, extract: Extract | None = None, place: Path | None = None
) -> list[dict[str, Any]]:
    """Return name, checksum and size of the extract's files: as ingest read them, and the lookups
    beside them.

    `place` is the extract's folder, names are paths inside it; without it, only what ingest noted
    is known.
    """
    read: dict[str, str] = {}
    for index in sorted((results / "ingest").glob("*.json")):
        for part in files.read_json(index)["parts"]:
            read[part["source_file"]] = part["sha256"]
    present, lookups = (
        _found(extract, place) if extract is not None and place is not None else ({}, {})
    )
    present |= lookups
    unnoted = (
        lookups if read else present
    )  # a file that ingest did not note was not read, lookups aside
    checksum_of = {name: files.sha256(path) for name, path in unnoted.items()} | read
    return [
        {
            "role": EXTRACT,
            "name": as_written(name),
            "sha256": checksum_of[name],
            "bytes": present[name].stat().st_size if name in present else None,
        }
        for name in sorted(checksum_of)
    ]


def database(place: Path, read: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Return what was read of a database: its kind, schema and tables, never its host. Numbers of
    rows are rounded to hundreds, as they may be of few people.

    `place` is the folder that its tables were copied to, `read` the inputs that were; None where
    they are other files than the copies.
    """
    path = place / "database.json"
    noted = dict(files.read_json(path)) if path.is_file() else {"tables": []}
    copies = {table["sha256"] for table in noted["tables"]}
    if not read or not {each["sha256"] for each in read} <= copies:
        return None
    for table in noted["tables"]:
        table |= {key: round(table[key], -2) for key in ("rows", "read")}
    return noted


def extract_files(extract: Extract, place: Path) -> dict[str, Path]:
    """Return every file that ingest would read from an extract's folder, by its path inside it."""
    of_tables, lookups = _found(extract, place)
    return dict(sorted({**of_tables, **lookups}.items()))


def _found(extract: Extract, place: Path) -> tuple[dict[str, Path], dict[str, Path]]:
    """Return the files of tables and the lookups that they need."""
    from evalweave.extract.readers import TEXT_COLUMNS, reader

    of_tables: dict[str, Path] = {}
    lookups: dict[str, Path] = {}
    located = extract.located(str(place))
    for table in TEXT_COLUMNS:
        for source in reader(extract.format).find(located, table):
            of_tables[source.name] = source.path
            lookups |= {_inside(path, place): path for path in source.lookups.values()}
    return of_tables, lookups


def _inside(path: Path, place: Path) -> str:
    return path.relative_to(place).as_posix() if path.is_relative_to(place) else path.name


def other_inputs(written: Study, folder: Path) -> list[dict[str, Any]]:
    """Return role, name as written, checksum and size of every input but the extract; `folder` is
    the study's."""
    listed = []
    for role, name in roles(written):
        path = folder / name
        if path.is_file():
            size = path.stat().st_size
            listed.append(
                {
                    "role": role,
                    "name": as_written(name),
                    "sha256": files.sha256(path),
                    "bytes": size,
                }
            )
    return listed


def roles(study: Study) -> list[tuple[str, str]]:
    """Return the role and path of every input file that the study names, the extract aside."""
    named = [("practices", study.practices)]
    named += [(f"codelist {name}", path) for name, path in sorted(study.codelists.items())]
    if study.resource_use is not None:
        named += [(role, path) for role, path in study.resource_use.roles() if path]
    if study.claims:
        named.append(("claims", study.claims))
    if study.qualitative:
        paths = study.qualitative.files().items()
        named += [(f"qualitative {key}", path) for key, path in paths if path]
    return named


def as_written(path: str) -> str:
    """Return a path as the study file has it; of an absolute one only the last part, never a
    machine's folders."""
    absolute = PurePath(path).is_absolute() or re.match(r"[A-Za-z]:[\\/]|\\\\|~", path)
    return (
        re.split(r"[\\/]", path.rstrip("\\/"))[-1] if absolute else PurePosixPath(path).as_posix()
    )


def without_machine(value: Any) -> Any:
    """Return plain values with every absolute path reduced to its last part, and every database to
    its kind."""
    if isinstance(value, dict):
        return {key: without_machine(item) for key, item in value.items()}
    if isinstance(value, list):
        return [without_machine(item) for item in value]
    if isinstance(value, str) and connections.is_connection(value):
        return connections.described(value)
    if isinstance(value, str) and re.match(r"(/|~/|[A-Za-z]:[\\/]|\\\\)[^\n]*$", value):
        return as_written(value)
    return value


def seeds(study: Study) -> dict[str, int]:
    """Return every seed of the run by what it drives."""
    seed_of = {f"analysis {analysis.name}": analysis.seed for analysis in study.analyses}
    if study.simulation:
        seed_of["simulation"] = study.simulation.seed
    if study.economics is not None:
        seed_of["economics"] = study.economics.seed
    return seed_of


def rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return a released table as plain rows: floats exact, infinite ends as text, blanks as
    null."""
    return [
        {str(name): _cell(cell) for name, cell in zip(frame.columns, row, strict=True)}
        for row in frame.astype(object).itertuples(index=False, name=None)
    ]


def _cell(value: Any) -> Any:
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and math.isinf(value):
        return "inf" if value > 0 else "-inf"
    if value is None or str(value) in ("<NA>", "NaT", "nan"):
        return None
    return value if isinstance(value, str | int | float | bool) else str(value)


def checksums(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file of a report folder by path inside it, but of the manifest
    and of the zip file that the folder is packed into."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): files.sha256(path)
        for path in paths
        if path.relative_to(folder).as_posix() not in (NAME, RELEASE)
        and not path.name.startswith(".")
    }

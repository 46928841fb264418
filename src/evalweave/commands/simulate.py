"""`evalweave simulate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    settings: Annotated[
        str,
        typer.Option(help="The study file, or its simulation settings as JSON text.", metavar="S"),
    ],
    out: Annotated[
        Path, typer.Option(help="The folder to write into; it is made when it is not there.")
    ],
    sums: Annotated[
        Path | None, typer.Option(help="Write the checksum of every file that was made here.")
    ] = None,
) -> None:
    """Everything is invented from one seed: the people, what was measured, how it was written down,
    the interviews.

    Writes patients.csv, registrations.csv and events.csv (the flat format, with the dirt of real
    extracts unless `simulation: {dirt: false}`), the coded project and its tables where the study
    has a qualitative section, and truth.json with the planted effect.

    Example: evalweave simulate --settings config/config.yaml --out resources/ways-to-wellness
    """
    from evalweave.catalogue.words import number_of
    from evalweave.files import (
        check_folder,
        read_table,
        sha256,
        write_csv,
        write_json,
        written_aside,
    )
    from evalweave.records.practices import read_practices
    from evalweave.simulation.practices import check_arms
    from evalweave.simulation.written import written, written_project
    from evalweave.study.file import load_settings
    from evalweave.study.stages import SimulateSettings
    from evalweave.tables.qualitative import THEME_CODES, THEMES

    chosen = load_settings(settings, SimulateSettings)
    check_folder(out)
    practices = read_practices(chosen.practices)
    check_arms(practices, chosen.practices)
    tables, truth = written(chosen, practices)
    for name, table in tables.items():
        write_csv(table, out / f"{name}.csv")
    write_json(truth, out / "truth.json")
    n = truth["n_eligible"]
    print(
        f"Simulated (seed {chosen.simulation.seed}): {n['programme']:,} eligible patients in "
        "practices with the "
        f"programme and {n['comparison']:,} without, among {len(practices)} practices; "
        f"{len(tables['events']):,} coded entries."
    )
    made = [out / name for name in (*(f"{table}.csv" for table in tables), "truth.json")]
    if chosen.qualitative is not None:
        themes = read_table(chosen.qualitative.themes, THEMES, THEME_CODES)
        project, people, sources = written_project(chosen, themes, "Simulated fieldwork")
        places = [
            out / Path(path or "sources.csv").name
            for path in (
                chosen.qualitative.project,
                chosen.qualitative.participants,
                chosen.qualitative.sources,
            )
        ]
        with written_aside(places[0]) as aside:
            aside.write_bytes(project)
        write_csv(people, places[1])
        write_csv(sources, places[2])
        made += places
        print(
            f"A coded project of {number_of(len(sources), 'source')} with "
            f"{number_of(len(people), 'person', 'people')}."
        )
    if sums is not None:
        write_json({path.name: sha256(path) for path in made}, sums)

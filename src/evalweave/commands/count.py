"""`evalweave count`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    settings: Annotated[
        str, typer.Option(help="A study file, or its qualitative section as JSON text.")
    ],
    coded: Annotated[Path, typer.Option(help="The folder that `evalweave code --out` wrote.")],
    out: Annotated[
        Path,
        typer.Option(help="Where theme_counts, fieldwork, cooccurrence, agreement and gaps go."),
    ],
) -> None:
    """Counts people out of those who were asked, then references and sources, by theme, code and
    role; roles are never pooled and a hierarchy is rolled up by set union. The counts are exact:
    what may be released is decided by `evalweave report`.

    Example: evalweave count --settings study.yaml --coded results/my-study/code --out
    results/my-study/count
    """
    from evalweave.files import write_csv
    from evalweave.qualitative import gaps, show
    from evalweave.qualitative.agreement import agreement
    from evalweave.qualitative.cooccurrence import cooccurrence
    from evalweave.qualitative.counts import fieldwork, theme_counts
    from evalweave.qualitative.readers import from_tables
    from evalweave.study.file import load_settings
    from evalweave.study.stages import CodeSettings
    from evalweave.tables.qualitative import AGREEMENT

    strand = load_settings(settings, CodeSettings).qualitative
    project = from_tables(coded, tuple(strand.observation_kinds))
    counted = theme_counts(project, strand.attributes)
    reflexive = strand.tradition == "reflexive"
    agreed = AGREEMENT.empty() if reflexive else agreement(project)
    missing = gaps.gaps(project)
    for name, table in (
        ("theme_counts", counted),
        ("fieldwork", fieldwork(project)),
        ("cooccurrence", cooccurrence(project)),
        ("agreement", agreed),
        ("gaps", missing),
    ):
        write_csv(show.neutral(table), out / f"{name}.csv")
    print(show.counted(counted, agreed, gaps.sentences(missing, counted), reflexive))
    print(
        "Written: theme_counts.csv, fieldwork.csv, cooccurrence.csv, agreement.csv and gaps.csv "
        f"(what could make a count too small) in {out}"
    )

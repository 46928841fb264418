"""`evalweave count`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    settings: Annotated[
        str, typer.Option(help="A study file, one with `qualitative:` alone, or JSON text.")
    ],
    coded: Annotated[Path, typer.Option(help="The folder that `evalweave code --out` wrote.")],
    out: Annotated[
        Path,
        typer.Option(help="Where theme_counts, fieldwork, agreement and the other tables go."),
    ],
) -> None:
    """Counts people out of those who were asked, then references and sources, by theme, code and
    role; roles are never pooled and a hierarchy is rolled up by set union. The counts are exact:
    what may be released is decided by `evalweave report`.

    Example: evalweave count --settings study.yaml --coded results/my-study/code --out
    results/my-study/count
    """
    from evalweave.files import write_csv
    from evalweave.qualitative import gaps, saturation, show, ways_out
    from evalweave.qualitative.agreement import agreement
    from evalweave.qualitative.cooccurrence import cooccurrence
    from evalweave.qualitative.counts import fieldwork, theme_counts
    from evalweave.qualitative.disagreements import disagreements
    from evalweave.qualitative.readers import from_tables
    from evalweave.qualitative.theme_numbers import theme_numbers
    from evalweave.study.strand import load_strand
    from evalweave.tables.qualitative import AGREEMENT

    strand = load_strand(settings)
    project = from_tables(coded, tuple(strand.observation_kinds))
    counted = theme_counts(project, strand.attributes)
    reflexive = strand.tradition == "reflexive"
    agreed = AGREEMENT.empty() if reflexive else agreement(project)
    missing = gaps.gaps(project)
    disputed = disagreements(project)
    roles = saturation.roles_of(project, strand.saturation)
    crossed = ways_out.participant_codes(project)
    tables = {
        "theme_counts": counted,
        "fieldwork": fieldwork(project),
        "cooccurrence": cooccurrence(project),
        "agreement": agreed,
        "disagreements": disputed,
        "saturation": saturation.saturation_of(project, roles),
        "theme_numbers": theme_numbers(project, strand.numeric_attributes, strand.min_cell),
        "gaps": missing,
        "participant_codes_n": crossed,
        "participant_codes_01": ways_out.said_or_not(crossed),
        "quotations": ways_out.quotations(project),
        "codebook": ways_out.codebook(project),
    }
    for name, table in tables.items():
        write_csv(show.neutral(table), out / f"{name}.csv")
    print(show.counted(counted, agreed, gaps.sentences(missing, counted), reflexive))
    told = saturation.sentences(project, roles)
    for line in [*show.coded_twice(project, disputed), *told]:
        print(line)
    print(f"Written: {', '.join(f'{name}.csv' for name in tables)} in {out}")

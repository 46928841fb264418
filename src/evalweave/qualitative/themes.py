"""Which codings belong to which theme: by set union over the hierarchy, never by adding up
children."""

from __future__ import annotations

import pandas as pd

from evalweave.qualitative.hierarchy import JOIN, is_below
from evalweave.qualitative.project import Project


def codes_of_themes(project: Project) -> pd.DataFrame:
    """Return (theme_id, code_id): every code that counts for a theme, descendants included where
    declared."""
    paths = {
        code: tuple(code.split(JOIN))
        for code in [*project.codes["code_id"], *project.theme_codes["code_id"]]
    }
    rows = {
        (pair.theme_id, code)
        for pair in project.theme_codes.itertuples(index=False)
        for code, path in paths.items()
        if code == pair.code_id or (pair.descendants and is_below(path, paths[pair.code_id]))
    }
    return pd.DataFrame(sorted(rows), columns=["theme_id", "code_id"], dtype="string")


def codings_by_theme(project: Project) -> pd.DataFrame:
    """Return (theme_id, code_id, segment_id), each once however many coders gave the code."""
    given = project.codings[["segment_id", "code_id"]].drop_duplicates()
    return codes_of_themes(project).merge(given, on="code_id")

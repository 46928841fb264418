"""Every format that a coded project may have. To add one: write its file in
`evalweave/qualitative/formats/`, add its entry here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ProjectFormat:
    """A format of coded projects.

    Attributes:
        name: as the study file calls it; formats are recognised in the order of their entries.
        reader: its module in `evalweave.qualitative.formats`.
        words: how the report calls it, after "read from".
        takes: keys of the study file's `qualitative` section that its reader takes.
    """

    name: str
    reader: str
    words: str
    takes: tuple[str, ...] = ()


TABLE = ("columns", "sheet", "header_row")  # what the study file says of a table

_DECLARED = (
    ProjectFormat(name="refi_qda", reader="refi", words="REFI-QDA"),
    ProjectFormat(name="taguette", reader="taguette", words="taguette"),
    ProjectFormat(name="qualcoder", reader="qualcoder", words="qualcoder"),
    ProjectFormat(name="segments", reader="segments", words="segments", takes=TABLE),
    ProjectFormat(name="counts", reader="counts", words="counts", takes=(*TABLE, "counts_are")),
    # A new format of coded projects: its entry goes above this line.
)
PROJECTS = {declared.name: declared for declared in _DECLARED}


def takers(key: str) -> str:
    """Return the formats whose reader takes a key, in words."""
    return " and ".join(name for name, declared in PROJECTS.items() if key in declared.takes)

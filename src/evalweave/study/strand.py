"""The qualitative section: of a study file, or of a file that holds nothing else."""

from __future__ import annotations

import os
from pathlib import Path

from evalweave.study.file import document, load_settings, validate
from evalweave.study.qualitative import Qualitative
from evalweave.study.stages import CodeSettings
from evalweave.study.whole import Study


def load_strand(text: str) -> Qualitative:
    """Return the qualitative section from JSON text, a study file or a file with that section
    alone: a coded project may be counted without a study of records. Paths in a file are seen from
    its folder.

    Raises:
        StudyError: with every mistake.
    """
    if not text.lstrip().startswith("{"):
        path = Path(text)
        value, lines = document(path, Study)
        if isinstance(value, dict) and set(value) == {"qualitative"}:
            made = validate(value, CodeSettings, path.name, lines).qualitative
            return made.with_files(lambda key, file: os.path.normpath(path.parent / file))
    return load_settings(text, CodeSettings).qualitative

"""The look at what `.ci/run` builds sees what is missing and what does not belong."""

from __future__ import annotations

import runpy
from pathlib import Path

LOOK = runpy.run_path(str(Path(__file__).parents[1] / "packages.py"))


def test_it_sees_what_is_missing_and_what_does_not_belong() -> None:
    wheel = {*LOOK["PACKAGE"], *(f"evalweave/_workflow/{name}" for name in LOOK["WORKFLOW"])}
    sdist = {*LOOK["BESIDE"], *LOOK["WORKFLOW"], *(f"src/{name}" for name in LOOK["PACKAGE"])}
    assert LOOK["wrong"](wheel, sdist) == []
    assert LOOK["wrong"](
        wheel - {"evalweave/_workflow/Snakefile"} | {"tests/conftest.py"},
        sdist - {"workflow/rules/report.smk"} | {"results/s/clean/patients.parquet", "reports/s/a"},
    ) == [
        "the sdist holds reports/s/a",
        "the sdist holds results/s/clean/patients.parquet",
        "the sdist lacks workflow/rules/report.smk",
        "the wheel holds tests/conftest.py",
        "the wheel lacks evalweave/_workflow/Snakefile",
    ]
    held = "\n".join(LOOK["WORKFLOW"])
    for name in ("Snakefile", "schemas/study.schema.json", "profiles/default/config.yaml"):
        assert name in held

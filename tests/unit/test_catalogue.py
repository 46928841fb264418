"""One declaration a method: CONTRIBUTING.md followed to the letter, and no second list of names.

A copy of the package gets every new file and entry of that page; nothing is registered in this one.
"""

from __future__ import annotations

import ast
import inspect
import json
import os
import pickle
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import evalweave
from evalweave.catalogue import calls
from evalweave.catalogue.estimators import ESTIMATORS
from evalweave.catalogue.extracts import EXTRACTS
from evalweave.catalogue.inferences import INFERENCES
from evalweave.catalogue.projects import PROJECTS
from evalweave.study.analyses import AnalysisOptions
from helpers.did_panels import panel

ROOT = Path(__file__).parents[2]
SOURCE = Path(evalweave.__file__).parent
RECIPE = re.compile(r"^(New file|Entry in) `(src/[^`]+)`:\n\n```python\n(.*?)^```$", re.M | re.S)
RECIPES = RECIPE.findall((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
KINDS = ("estimator", "inference method", "reader", "report section", "check", "guideline")


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package with every new file and entry of CONTRIBUTING.md."""
    root = tmp_path_factory.mktemp("extended")
    shutil.copytree(SOURCE, root / "src/evalweave", ignore=shutil.ignore_patterns("__pycache__"))
    for what, name, code in RECIPES:
        file = root / name
        if what == "New file":
            assert not file.exists()
            file.write_text(code, encoding="utf-8")
            continue
        text = file.read_text(encoding="utf-8")
        mark = re.findall(r"^    # A new .* goes above this line.*\n", text, re.M)
        assert len(mark) == 1, name
        file.write_text(text.replace(mark[0], code + mark[0]), encoding="utf-8")
    return root


def run(root: Path, script: str, *arguments: str) -> str:
    """Run a script with the extended package in a process of its own; return what it prints."""
    paths = os.pathsep.join([str(root / "src"), str(ROOT / "tests")])  # before what is installed
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env=os.environ | {"PYTHONPATH": paths},
        capture_output=True,
        text=True,
        cwd=root,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_kind_takes_one_new_file_and_one_entry() -> None:
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert [what for what, _, _ in RECIPES] == ["New file", "Entry in"] * len(KINDS)
    for kind in KINDS:
        assert re.search(rf"^## Adding an? {kind}$", page, re.M), kind


def test_a_new_estimator_and_inference_method_reach_fit(extended: Path, tmp_path: Path) -> None:
    panel(seed=5).to_csv(tmp_path / "panel.csv", index=False)
    script = """
import sys, json, inspect
import pandas as pd, evalweave
from pathlib import Path
assert Path(evalweave.__file__).is_relative_to(Path.cwd()), evalweave.__file__
frame = pd.read_csv(sys.argv[1])
out = {}
row = evalweave.did_quantiles(
    frame, outcome="y", quantile=0.25, inference=["cr1", "bonferroni", "jackknife"], tests=5
).tidy()
out["rows"] = row[["inference", "estimate", "ci_low", "ci_high", "p_value"]].to_dict("records")
after = frame["period"] >= frame["first_treated"].min()
arm = frame["first_treated"].notna()
q = frame.groupby([arm, after])["y"].quantile(0.25)
out["by_hand"] = (q[True, True] - q[True, False]) - (q[False, True] - q[False, False])
out["signature"] = list(inspect.signature(evalweave.did_quantiles).parameters)
out["help"] = evalweave.did_quantiles.__doc__
refused = []
for name, more in (
    ("did_quantiles", {"inference": ["cr2"]}), ("did_quantiles", {"quantile": 2}),
    ("twfe", {"quantile": 0.3}), ("twfe", {"tests": 3}),
):
    try:
        getattr(evalweave, name)(frame, outcome="y", **more)
    except evalweave.errors.StudyError as error:
        refused.append(str(error))
out["refused"] = refused
print(json.dumps(out))
"""
    out = json.loads(run(extended, script, str(tmp_path / "panel.csv")))
    first, several, left_out = out["rows"]
    assert [row["inference"] for row in out["rows"]] == ["cr1", "bonferroni", "jackknife"]
    assert first["estimate"] == pytest.approx(out["by_hand"], rel=1e-12)
    assert several["estimate"] == left_out["estimate"] == first["estimate"]
    assert several["ci_low"] < first["ci_low"] < first["ci_high"] < several["ci_high"]
    assert several["p_value"] == pytest.approx(min(1, 5 * first["p_value"]))
    assert "quantile" in out["signature"] and "control" not in out["signature"]
    assert "Which quantile" in out["help"] and "A textbook" in out["help"]
    cr2, quantile, not_taken, tests = out["refused"]
    assert "cr2 needs a least-squares estimator" in cr2
    assert "bonferroni" in cr2  # among what applies instead
    assert quantile == "did_quantiles: quantile must be at most 1."
    assert not_taken == "twfe: twfe takes no quantile; did_quantiles does."
    assert tests == "twfe: twfe takes no tests; bonferroni does."


def test_they_reach_the_command_the_study_file_its_schema_and_the_docs(
    extended: Path, tmp_path: Path
) -> None:
    panel(seed=5).to_csv(tmp_path / "panel.csv", index=False)
    script = """
import sys, json
from pathlib import Path
from evalweave import cli, reference
from evalweave.study.file import load_study
from helpers.report_results import Made, study_file
import yaml
folder = Path(sys.argv[1])
spec = {"columns": {"outcome": "y"}, "analyses": [
    {"name": "q", "estimator": "did_quantiles", "quantile": 0.25, "inference": ["bonferroni"]}]}
sys.argv = ["evalweave", "fit", str(folder / "panel.csv"), "--spec", json.dumps(spec),
            "--out", str(folder / "out")]
try:
    cli.main()
except SystemExit as done:
    assert not done.code, done.code
file = study_file(folder, Made())
study = yaml.safe_load(file.read_text())
study["analyses"][-1] |= {"estimator": "did_quantiles", "quantile": 0.25,
                          "inference": ["bonferroni"]}
file.write_text(yaml.safe_dump(study))
read = load_study(file).analyses[-1]
assert (read.estimator, read.quantile, read.inference) == ("did_quantiles", 0.25, ["bonferroni"])
text = reference.schema() + reference.key_reference()
print(json.dumps({"schema": reference.schema(), "docs": reference.key_reference()}))
"""
    out = json.loads(run(extended, script, str(tmp_path)).splitlines()[-1])
    written = (tmp_path / "out/estimates.csv").read_text()
    assert "did_quantiles" in written and "5 tests" not in written
    analysis = json.loads(out["schema"])["$defs"]["Analysis"]["properties"]
    assert "did_quantiles" in analysis["estimator"]["enum"]
    assert "bonferroni" in analysis["inference"]["items"]["enum"]
    assert analysis["quantile"]["default"] == 0.5
    assert "| `did_quantiles` | Differences in differences of a quantile" in out["docs"]
    assert "| `quantile` | number | `0.5` | did_quantiles: Which quantile" in out["docs"]
    script = "import sys; from evalweave import cli; sys.argv[1:] = ['fit', '--help']; cli.main()"
    shown = run(extended, script)
    assert "did_quantiles" in shown and "bonferroni" in shown


def test_they_reach_the_report_with_a_new_section_and_check(extended: Path, tmp_path: Path) -> None:
    script = """
import sys
from pathlib import Path
import yaml
from evalweave.report.folder import write_report
from evalweave.report.gather import gather
from evalweave.study.file import load_study
from helpers.report_results import Made, results, study_file
folder = Path(sys.argv[1])
made = Made()
file, where = study_file(folder, made), results(folder, made)
study = yaml.safe_load(file.read_text())
study["analyses"][-1] |= {"estimator": "did_quantiles", "quantile": 0.25,
                          "inference": ["bonferroni"]}
file.write_text(yaml.safe_dump(study))
write_report(gather(load_study(file), file, where), file, where, folder / "report")
"""
    run(extended, script, str(tmp_path))
    html = (tmp_path / "report/supplement.html").read_text(encoding="utf-8")
    methods = html[html.index('id="methods"') :]
    for words in (
        "Differences in differences of a quantile",
        "quantile 0.25",
        "the level is divided by the number of tests",
        "A textbook of your choice, on quantiles.",
        "Dunn OJ",
    ):
        assert words in methods, words
    assert "<msub><mi>q</mi>" in methods
    assert "Whom to ask" in html
    assert "SHORT: 1 of 2 items answered, 1 not stated" in html
    assert "Were there enough practices?" in html


def test_a_new_reader_is_known_to_init_and_reads(extended: Path, tmp_path: Path) -> None:
    script = """
import sys, json
from pathlib import Path
from evalweave import cli
from evalweave.extract.readers import looks_like, reader
from evalweave.extract.sources import sources_of
from evalweave.study.file import load_study
folder = Path(sys.argv[1])
sys.argv = ["evalweave", "init", str(folder / "s"), "--format", "three_files"]
try:
    cli.main()
except SystemExit as done:
    assert not done.code
study = load_study(folder / "s" / "study.yaml")
extract = folder / "s" / "extract"
extract.mkdir()
for name, header, row in (
    ("people", "person,sex,born", "p1,F,1950"),
    ("spells", "person,surgery,start", "p1,a,01/02/2003"),
    ("entries", "person,date,code,value", "p1,03/04/2016,999791000000106,48"),
):
    (extract / f"{name}.csv").write_text(header + chr(10) + row + chr(10))
tables = ("patients", "registrations", "events")
found = {table: sources_of(study.extract, table) for table in tables}
print(json.dumps({
    "format": study.extract.format, "dates": study.extract.date_format,
    "looks_like": looks_like(extract, "flat"),
    "files": {table: [source.name for source in sources] for table, sources in found.items()},
}))
from evalweave import engine
from evalweave.extract.source_tables import parsed_table
from evalweave.reading.textfiles import look
backend = engine.connect("duckdb")
source = found["events"][0]
seen = look(source.path, source.name, folder, None)
table, faults = parsed_table(backend, seen, source, study.extract, "events", folder)
assert not faults, faults
row = table.to_pyarrow().to_pylist()[0]
print(json.dumps([row["patient_id"], str(row["date"])[:10], row["code"]]))
"""
    *_, told, row = run(extended, script, str(tmp_path)).splitlines()
    assert json.loads(told) == {
        "format": "three_files",
        "dates": "dmy",
        "looks_like": "three_files",
        "files": {
            "patients": ["people.csv"],
            "registrations": ["spells.csv"],
            "events": ["entries.csv"],
        },
    }
    assert json.loads(row) == ["p1", "2016-04-03", "999791000000106"]


# Names that stand outside the catalogue and the method's own module, and why.
ELSEWHERE = {
    "estimators/panel_ols.py": {"cr1"},  # linearmodels' own error is that of cr1, and called so
    "inference/cluster_robust.py": {"cr1", "cr2"},  # what cr0 to cr3 are computed with
    "diagnostics/trust.py": {"cr0", "cr1", "multiplier_bootstrap"},  # those without dof
    "inference/joint_covariance.py": {"cr1", "cr3", "jackknife"},  # whose errors it takes
    "measured.py": {"twfe"},  # one analysis that is always the same
    # The place in the report that is called like the method it is named after.
    "study/analyses.py": {"event_study", "placebo"},
    "release/reproduce.py": {"placebo"},  # the key of an outcome
    "templates/surveyed.py": {
        "event_study",
        "randomisation",
        "twfe",
        "wild_bootstrap_s",
    },  # it writes
    "report/checks/bounds.py": {"event_study"},
    "report/checks/paths.py": {"event_study"},
    "report/sections/happened.py": {"event_study", "placebo"},
    "report/sections/limits.py": {"event_study"},  # a role, as the catalogue declares it
    "report/checks/agreement.py": {"placebo"},
    "report/regression.py": {"placebo"},  # roles again
    "report/sections/guidelines/said.py": {"event_study", "placebo"},
}
COMMON_WORDS = {"unit", "flat", "counts", "segments"}  # columns, tables and keys bear them too


@pytest.mark.parametrize(
    ("kind", "names", "own"),
    [
        ("methods", {*ESTIMATORS, *INFERENCES}, ("estimators", "inference")),
        ("formats", {*EXTRACTS, *PROJECTS}, ("extract/readers", "qualitative/formats")),
    ],
)
def test_no_name_stands_outside_the_catalogue(
    kind: str, names: set[str], own: tuple[str, str]
) -> None:
    modules: dict[str, set[str]] = {}
    for room, methods in zip(own, (ESTIMATORS, INFERENCES), strict=True):
        for method in methods.values():
            file = f"{room}/{method.implementation.partition(':')[0]}.py"
            modules.setdefault(file, set()).add(method.name)
    strangers = {}
    for path in sorted(SOURCE.rglob("*.py")):
        file = path.relative_to(SOURCE).as_posix()
        if file.startswith("catalogue/"):
            continue
        allowed = modules.get(file, set()) | ELSEWHERE.get(file, set()) | COMMON_WORDS
        tree = ast.parse(path.read_text(encoding="utf-8"))
        texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
        if found := (texts & names) - allowed:
            strangers[file] = found
    if kind == "formats":  # omop is a coding system too; refi_qda and others write their own files
        strangers = {f: n - {"omop"} for f, n in strangers.items() if n - {"omop"}}
    assert not strangers


@pytest.mark.parametrize("name", ESTIMATORS)
def test_an_estimator_is_a_function_with_its_own_arguments(name: str) -> None:
    function = getattr(evalweave, name)
    assert function is getattr(evalweave, name)
    assert pickle.loads(pickle.dumps(function)) is function
    arguments = inspect.signature(function).parameters
    assert list(arguments)[:2] == ["frame", "outcome"]
    for option in ESTIMATORS[name].options:
        assert arguments[option.name].default == option.default
    others = {option.name for e in ESTIMATORS.values() for option in e.options}
    assert not {o for o in others if not calls.knows(ESTIMATORS[name], o)} & set(arguments)
    assert ESTIMATORS[name].words in (function.__doc__ or "")


def test_fit_is_a_plain_function_and_types_ship() -> None:
    from evalweave import fitting

    assert inspect.isfunction(evalweave.fit)
    assert evalweave.fit is fitting.fit
    assert (SOURCE / "py.typed").is_file()


@pytest.mark.parametrize("declared", ESTIMATORS.values(), ids=lambda d: d.name)
def test_every_declaration_has_its_implementation(declared: object) -> None:
    from evalweave.estimators.registry import estimator

    assert callable(estimator(declared.name))  # type: ignore[attr-defined]


def test_every_estimator_says_which_fixed_effects_it_has() -> None:
    assert all(declared.effects.strip() for declared in ESTIMATORS.values())


def test_every_option_is_a_key_with_its_default() -> None:
    for name, option in calls.options().items():
        assert AnalysisOptions.model_fields[name].get_default() == option.default


def test_the_catalogue_imports_nothing_heavy() -> None:
    script = (
        "import sys, evalweave, evalweave.catalogue.calls, evalweave.catalogue.extracts\n"
        "print(sorted({'numpy', 'pandas', 'pydantic', 'ibis'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"

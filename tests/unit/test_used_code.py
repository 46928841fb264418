"""Which stages a change concerns: by the hash that their rules carry, after an edit."""

from __future__ import annotations

import ast
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from evalweave import workflow
from evalweave.used_code import Package


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    copy = tmp_path_factory.mktemp("copied") / "evalweave"
    shutil.copytree(workflow.PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    return Package(copy)


@pytest.fixture(scope="module")
def before(package: Package) -> dict[str, str]:
    return workflow.hashes_of(package)


def in_every_function(text: str) -> str:
    """Return source with one more statement in each function of a module."""
    lines = text.split("\n")
    starts = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            first = node.body[1] if ast.get_docstring(node) and node.body[1:] else node.body[0]
            starts.append((first.lineno, first.col_offset))
    assert starts
    for line, column in sorted(starts, reverse=True):
        lines.insert(line - 1, f"{' ' * column}edited = 1")
    return "\n".join(lines)


def word(old: str, new: str) -> Callable[[str], str]:
    def edit(text: str) -> str:
        changed = re.sub(old, new, text, count=1, flags=re.DOTALL)
        assert changed != text
        return changed

    return edit


def column_of(table: str) -> Callable[[str], str]:
    return word(rf'({table} = Table\(.*?column\(\s*"\w+",\s*[A-Z]+,\s*")', r"\1edited ")


def concerned(
    package: Package, before: dict[str, str], file: str, edit: Callable[[str], str]
) -> set[str]:
    """Return the stages whose hash an edit of a file of the package changes."""
    path = package.folder / file
    module = file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    text = path.read_text()
    try:
        path.write_text(edit(text))
        package.forget(module)
        after = workflow.hashes_of(package)
    finally:
        path.write_text(text)
        package.forget(module)
    return {stage for stage in before if before[stage] != after[stage]}


@pytest.mark.parametrize(
    ("file", "edit", "expected"),
    [
        (
            "tables/joint.py",
            word(r'(CLAIMS = Table\(\s+"claims",\s+")', r"\1edited "),
            {"join", "audit", "crate"},
        ),
        (
            "tables/people.py",
            word(r'(PANEL = Table\(\s+"panel",\s+")', r"\1edited "),
            {"panel", "uses", "audit", "crate"},
        ),
        ("report/sections/answer.py", in_every_function, {"report"}),
        ("report/templates/page.html.j2", lambda text: text + "<!-- edited -->", {"report"}),
        ("report/templates/style.css", lambda text: text + "/* edited */", {"report"}),
        ("estimators/twfe.py", in_every_function, {"fit", "value"}),
        ("estimators/callaway_santanna.py", in_every_function, {"fit", "value"}),
        ("economics/net_benefit.py", in_every_function, {"value"}),
        ("inference/wild_bootstrap.py", in_every_function, {"fit"}),
        ("diagnostics/honest_did.py", in_every_function, {"fit"}),
        ("records/same_day.py", in_every_function, {"clean"}),
        ("records/values.py", in_every_function, {"clean"}),
        ("cohort/eligibility.py", in_every_function, {"cohort"}),
        ("extract/readers/omop.py", in_every_function, {"ingest", "intake", "report"}),
        ("qualitative/formats/refi.py", in_every_function, {"code"}),
        ("qualitative/counts.py", in_every_function, {"count"}),
        ("triangulation/convergence.py", in_every_function, {"join"}),
        ("simulation/dirt.py", in_every_function, {"simulate"}),
        ("release/audit.py", in_every_function, {"audit", "crate"}),
        (
            "study/qualitative.py",
            word("The coded project", "A coded project"),
            {"code", "count", "join", "report", "simulate"},
        ),
        (
            "study/records.py",
            word("Layout of the", "Format of the"),
            {"ingest", "clean", "intake", "report"},
        ),
        ("study/about.py", word("Title of the", "Heading of the"), {"report"}),
        ("study/whole.py", in_every_function, {"report"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_edit_concerns_the_stages_that_use_it(
    package: Package,
    before: dict[str, str],
    file: str,
    edit: Callable[[str], str],
    expected: set[str],
) -> None:
    assert concerned(package, before, file, edit) == expected


@pytest.mark.parametrize(
    "edit",
    [
        word(r'^"""', '"""Edited. '),
        lambda text: f"# edited\n{text}\n\n\n# edited\n",
        lambda text: text + "\n\ndef of_no_use() -> None:\n    pass\n",
    ],
    ids=["docstring", "comment", "unused"],
)
def test_what_changes_nothing_concerns_no_stage(
    package: Package, before: dict[str, str], edit: Callable[[str], str]
) -> None:
    assert concerned(package, before, "records/same_day.py", edit) == set()


SMALL = {
    "__init__.py": "",
    "commands/__init__.py": "",
    "commands/stage.py": """
from evalweave import registry, tools
from evalweave.shapes import Circle as Round

def command():
    from evalweave.inner import lazy
    registry.load("a"); lazy(); Round(); tools.sub.helper()
""",
    "registry.py": """
import importlib
NAMES = {"a": "evalweave.plugins.a:run"}
def load(name): importlib.import_module(NAMES[name].split(":")[0])
def all_of(name): importlib.import_module(f"evalweave.plugins.{name}")
""",
    "plugins/__init__.py": "",
    "plugins/a.py": "def run(): return one()\ndef one(): return 1\ndef two(): return 2\n",
    "shapes.py": "class Base:\n    x = 1\nclass Circle(Base):\n    y: int = 2\nSPARE = 3\n",
    "inner.py": "from evalweave.effects import mark\ndef lazy(): pass\n",
    "effects.py": "LIST = []\nLIST.append(1)\nmark = 2\n",
    "tools/__init__.py": "",
    "tools/sub.py": "def helper(by=STEP): return LIMIT\nLIMIT = 5\nOTHER = 6\nSTEP = 8\n",
    "tools/words.csv": "a,b\n",
}


@pytest.mark.parametrize(
    ("file", "old", "new", "noticed"),
    [
        ("plugins/a.py", "return 1", "return 7", True),  # named by a text
        ("plugins/a.py", "return 2", "return 7", False),
        ("shapes.py", "x = 1", "x = 7", True),  # a base class
        ("shapes.py", "y: int", "y: float", True),
        ("shapes.py", "SPARE = 3", "SPARE = 7", False),
        ("effects.py", "append(1)", "append(7)", True),  # done when it is imported
        ("effects.py", "mark = 2", "mark = 7", False),  # imported, and not used
        ("tools/sub.py", "LIMIT = 5", "LIMIT = 7", True),  # an attribute of an imported module
        ("tools/sub.py", "OTHER = 6", "OTHER = 7", False),
        ("tools/sub.py", "STEP = 8", "STEP = 7", True),  # the default of an argument
        ("tools/words.csv", "a,b", "a,c", True),  # a data file of a package that is entered
    ],
)
def test_what_is_used_is_followed_by_definition(
    tmp_path: Path, file: str, old: str, new: str, noticed: bool
) -> None:
    for name, text in SMALL.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    first = Package(tmp_path).used("commands.stage", "command").digest()
    (tmp_path / file).write_text(SMALL[file].replace(old, new))
    assert SMALL[file].count(old) == 1
    assert (Package(tmp_path).used("commands.stage", "command").digest() != first) == noticed

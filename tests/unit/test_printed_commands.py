"""Every command that a report or a page prints is one that the command line takes."""

from __future__ import annotations

import re
import shlex
from html import unescape
from pathlib import Path

import pytest
import typer

from evalweave.cli import app
from helpers.report_results import Made
from helpers.reports import report

ROOT = Path(__file__).parents[2]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "config/README.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "src/evalweave/templates").glob("*.*")),
    *sorted((ROOT / "src/evalweave/commands").glob("[a-z]*.py")),
]
FENCED = re.compile(r"^```\w*\n(.*?)^```$", re.DOTALL | re.MULTILINE)
CALLED = re.compile(r"^[\s#$>|&-]*(?:\S+=\S+ )?(?:uv run |venv/bin/)?(?=evalweave [a-z])")
EXAMPLES = re.compile(r"^ *Examples?:(.*?)(?:\n\n|\"\"\")", re.DOTALL | re.MULTILINE)
USAGE = typer.BadParameter.__bases__[0]  # what a call that is refused raises
INLINE = re.compile(r"`(?:uv run |venv/bin/)?(evalweave [a-z][^`]*)`")


def typed(text: str) -> list[str]:
    """Return the commands of a script, each as one line however many it is typed on."""
    commands, lines = [], iter(text.splitlines())
    for line in lines:
        if not CALLED.match(line):
            continue
        command = CALLED.sub("", line, count=1)
        while command.endswith("\\") or command.count("'") % 2:
            command = command.rstrip("\\") + " " + next(lines).strip()
        commands.append(re.split(r" (?:\||&&|\|\||2?>) ?| >\"", command)[0])
    return commands


def wrong(command: str) -> str:
    """Return what the command line would refuse of a command; blank where it takes it."""
    group = typer.main.get_command(app)
    _, name, *words = shlex.split(command, comments=True)
    with typer.Context(group) as context:
        found = group.get_command(context, name)  # type: ignore[attr-defined]
        if found is None:
            return f"{command}: there is no command {name}"
        options = {option for each in found.params for option in each.opts}
        unknown = [w for w in words if w.startswith("--") and w.partition("=")[0] not in options]
        unknown = [w for w in unknown if w != "--help"]
        if (
            unknown or not words or "…" in command or "--help" in words
        ):  # not one to be pasted whole
            return f"{command}: {unknown}" if unknown else ""
        try:
            found.make_context(name, words, parent=context)
        except USAGE as error:
            return f"{command}: {error.format_message()}"
    return ""


def printed(page: Path) -> list[str]:
    text = page.read_text(encoding="utf-8")
    if page.suffix == ".py":
        told = " ".join(" ".join(EXAMPLES.findall(text)).split())
        return [f"evalweave {words.strip()}" for words in re.split(r"(?:^| )evalweave ", told)[1:]]
    scripts = [command for block in FENCED.findall(text) for command in typed(block)]
    prose = FENCED.sub("", text)
    return [*scripts, *(" ".join(words.split()) for words in INLINE.findall(prose))]


def test_what_would_be_refused_is_seen() -> None:
    assert wrong("evalweave fit panel.csv --spec s.yaml --out d  # a comment") == ""
    assert "--cors" in wrong("evalweave run study.yaml --cors 2")
    assert "no command" in wrong("evalweave rn study.yaml")
    assert "xtract" in wrong("evalweave reproduce release.zip")
    assert wrong("evalweave clean --settings … --ingested …") == ""
    assert "--setting" in wrong("evalweave clean --setting … ")
    assert typed(
        "uv run evalweave fit a --spec '{\n  1}' --out b  # c\nls\n- evalweave run x > y"
    ) == [
        "evalweave fit a --spec '{ 1}' --out b  # c",
        "evalweave run x",
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_of_pages_and_help_texts_are_taken(page: Path) -> None:
    assert [told for command in printed(page) if (told := wrong(command))] == []


def test_pages_print_commands() -> None:
    assert sum(len(printed(page)) for page in PAGES) > 60


def test_commands_of_a_report_are_taken_in_the_folder_of_its_study_file(tmp_path: Path) -> None:
    out = report(tmp_path, Made())
    found = []
    for name in ("report.html", "supplement.html"):
        shown = re.findall(r"<(pre|code)[^>]*>(.*?)</\1>", (out / name).read_text(), re.DOTALL)
        for _, marked in shown:
            found += typed(unescape(re.sub(r"<[^>]+>", "", marked)))
    assert [told for command in found if (told := wrong(command))] == []
    runs = [shlex.split(command)[2] for command in found if command.startswith("evalweave run ")]
    assert runs and all((tmp_path / study).is_file() for study in runs)
    assert any(command.startswith("evalweave reproduce ") for command in found)

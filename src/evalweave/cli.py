"""The command line. Only what a command uses is imported, so that --help answers at once."""

from __future__ import annotations

import gc
import importlib
import inspect
import os
import sys
from typing import Any

os.environ.setdefault("TYPER_USE_RICH", "0")  # a tenth of a second for each of two dozen jobs

import typer
from typer.core import TyperGroup

from evalweave.commands import COMMANDS

# What these write is about single people.
PRIVATE = {
    "simulate",
    "ingest",
    "clean",
    "intake",
    "cohort",
    "panel",
    "uses",
    "code",
    "count",
    "join",
}


class LazyGroup(TyperGroup):
    """A command group that imports a command's module only when that command is called."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        if cmd_name in PRIVATE:
            from evalweave.files import keep_private

            keep_private()
        module = importlib.import_module(f"evalweave.commands.{cmd_name}")
        single = typer.Typer(add_completion=False, rich_markup_mode=None)
        teaching = _kept_lines(inspect.cleandoc(module.command.__doc__ or ""))
        single.command(name=cmd_name, help=f"{COMMANDS[cmd_name]}\n\n{teaching}")(module.command)
        command = typer.main.get_command(single)
        command.name = cmd_name
        return command

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from evalweave.errors import nearest

            ctx.fail(f'There is no command "{args[0]}". {nearest(args[0], COMMANDS)}')
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _kept_lines(text: str) -> str:
    """Return help text whose indented blocks keep their lines instead of being filled."""
    blocks = text.split("\n\n")
    indented = [all(line.startswith(" ") for line in block.splitlines()) for block in blocks]
    return "\n\n".join(f"\b\n{b}" if kept else b for b, kept in zip(blocks, indented, strict=True))


app = typer.Typer(
    cls=LazyGroup,
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def evalweave(
    version: bool = typer.Option(False, "--version", help="Print the version and stop."),
) -> None:
    """Difference-in-differences on GP practice records, woven together with qualitative themes.

    Start with `evalweave init DIR`, then `evalweave check DIR/study.yaml`, then `evalweave run
    DIR/study.yaml`. Exit codes: 0 done; 1 the data or a result failed a check; 2 the call or the
    study file is wrong.
    """
    if version:
        from importlib.metadata import version as installed

        print(installed("evalweave"))
        raise typer.Exit


def _exhausted(error: Exception) -> bool:
    """Return whether an error says that memory ran out: for data, for code, or for a thread."""
    words = ("Cannot allocate memory", "failed to map segment", "can't start new thread")
    return isinstance(error, MemoryError) or any(word in str(error) for word in words)


def main() -> None:
    """Run a command; turn a user's mistake into one plain sentence and an exit code."""
    from evalweave.errors import EvalweaveError
    from evalweave.stopping import Stopped

    # expressions are trees of many small objects: looking for cycles among them took 9 to 29 % of
    # cleaning a few rows
    gc.set_threshold(100_000, 50, 50)
    try:
        app()
    except EvalweaveError as error:
        print(f"evalweave: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except Stopped as stopped:
        print(f"evalweave: {stopped}", file=sys.stderr)
        sys.exit(stopped.exit_code)
    except (MemoryError, ImportError, RuntimeError) as error:
        if not _exhausted(error):
            raise
        print(
            "evalweave: the memory that this process may use does not suffice. Give it more (see "
            "ulimit -v, or what your scheduler grants), or run it again on fewer cores.",
            file=sys.stderr,
        )
        sys.exit(1)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except (
        OSError
    ) as error:  # a full disk, a file without permission to read it, a share that is gone
        if error.filename is None:
            raise
        print(
            f"evalweave: {error.filename}: cannot be read or written ({error.strerror}).",
            file=sys.stderr,
        )
        sys.exit(1)

"""The same work on several tables at a time, with what is imported loaded once."""

from __future__ import annotations

import importlib
import multiprocessing
import sys
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from typing import Any

from evalweave.errors import DataError, EvalweaveError, Fault, raise_faults

Outcome = str | EvalweaveError | OSError


def side_by_side(
    work: Callable[[str], str], names: Sequence[str], processes: int, loaded: Sequence[str]
) -> None:
    """Do `work` for every name and print what it returns, in the order of the names.

    `loaded` are modules (or module:name) of ours that the work uses, imported once for all.
    At most `processes` run at a time: this one and copies of it, which is why `work` opens what it
    needs itself (an engine does not live through being copied). Where copies cannot be made, one
    follows the other.

    Raises:
        EvalweaveError: with the faults of all names.
    """
    for module in loaded:
        importlib.import_module(module.partition(":")[0])
    can_copy = "fork" in multiprocessing.get_all_start_methods() and sys.platform != "darwin"
    n = max(1, min(processes, len(names))) if can_copy else 1
    shares = [names[start::n] for start in range(n)]
    copies = [_copy(work, share) for share in shares[1:]]
    outcomes = _done(work, shares[0])
    for copy, receiver in copies:
        try:
            outcomes |= receiver.recv()
        except EOFError:
            raise DataError(
                "A process was stopped from outside, as happens where memory runs out. Run it "
                "again on fewer cores."
            ) from None
        finally:
            copy.join()
    _tell([outcomes[name] for name in names])


def _tell(outcomes: Sequence[Outcome]) -> None:
    """Print what was said, and raise what was wrong: all faults in one error."""
    faults: list[Fault] = []
    kind: type[EvalweaveError] = DataError
    for outcome in outcomes:
        if isinstance(outcome, str):
            print(outcome)
        elif isinstance(outcome, EvalweaveError) and outcome.faults:
            faults += outcome.faults
            kind = type(outcome)
        else:
            raise outcome
    raise_faults(faults, kind)


def _copy(work: Callable[[str], str], share: Sequence[str]) -> tuple[Any, Connection]:
    """Start a copy of this process on a share of the names."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    copy = context.Process(target=_send, args=(work, share, sender))
    sys.stdout.flush()  # else the copy would print it again
    copy.start()
    sender.close()
    return copy, receiver


def _send(work: Callable[[str], str], share: Sequence[str], sender: Connection) -> None:
    sender.send(_done(work, share))


def _done(work: Callable[[str], str], share: Sequence[str]) -> dict[str, Outcome]:
    """Return what was said of every name, or its mistake."""
    outcomes: dict[str, Outcome] = {}
    for name in share:
        try:
            outcomes[name] = work(name)
        except (EvalweaveError, OSError) as error:
            outcomes[name] = error
    return outcomes

"""Work that is done in this process and in copies of it reads as if it had been done in order."""

from __future__ import annotations

import os
import signal

import pytest

from evalweave.engine import MEMORY, at_a_time
from evalweave.errors import DataError, Fault, StudyError, raise_faults
from evalweave.side_by_side import side_by_side

NAMES = ["a", "b", "c", "d"]


@pytest.mark.parametrize("processes", [1, 2, 3, 9])
def test_what_is_said_comes_in_the_order_of_the_names(
    processes: int, capfd: pytest.CaptureFixture[str]
) -> None:
    side_by_side(lambda name: f"{name} is read", NAMES, processes, ())
    assert capfd.readouterr().out.splitlines() == [f"{name} is read" for name in NAMES]


def test_at_most_so_many_processes_share_the_names(capfd: pytest.CaptureFixture[str]) -> None:
    side_by_side(lambda name: str(os.getpid()), NAMES, 2, ())
    ran = capfd.readouterr().out.split()
    assert ran[0] == ran[2] == str(os.getpid())
    assert ran[1] == ran[3] != ran[0]


@pytest.mark.parametrize("processes", [1, 2])
def test_the_faults_of_all_are_told_at_once(processes: int) -> None:
    def work(name: str) -> str:
        if name in "bd":
            raise_faults([Fault(f"{name}.csv", "no rows")], StudyError)
        return name

    with pytest.raises(StudyError) as raised:
        side_by_side(work, NAMES, processes, ())
    assert [fault.file for fault in raised.value.faults] == ["b.csv", "d.csv"]
    assert str(raised.value).startswith("2 things need mending:")


@pytest.mark.parametrize("error", [DataError("b is damaged."), OSError(28, "No space left", "b")])
def test_another_mistake_is_raised_as_it_is(error: Exception) -> None:
    def work(name: str) -> str:
        if name == "b":
            raise error
        return name

    with pytest.raises(type(error), match=r"b is damaged|No space left"):
        side_by_side(work, NAMES, 2, ())


def test_a_copy_that_was_killed_is_one_sentence() -> None:
    parent = os.getpid()

    def work(name: str) -> str:
        if os.getpid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)
        return name

    with pytest.raises(DataError, match="stopped from outside"):
        side_by_side(work, NAMES, 2, ())


def test_where_memory_is_rationed_one_table_has_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(MEMORY, raising=False)
    assert at_a_time(2) == 2
    assert at_a_time(2, "pyspark") == 1
    monkeypatch.setenv(MEMORY, "6GB")
    assert at_a_time(2) == 1

"""The kinds of faults: where each begins, what is done to the study, and how it is run under it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from small import STAGES, WHOLE, Study

DAMAGES = ("flipped", "truncated", "deleted")
MEMORY = (300, 900)  # MB
SIZES = (1,)  # kB
DISK = (64, 256, 512)  # kB


def _nothing(study: Study) -> None:
    """The default of what is done before and after."""


@dataclass(frozen=True)
class Case:
    """One fault: the moment it begins at, what is done then, how the study is run, and what is
    undone afterwards. `silent`: what was run may end without a word of ours, as it was killed."""

    kind: str
    where: str
    begins: str
    inject: Callable[[Study], str | None] = _nothing
    run: Callable[[Study], tuple[int, str]] = Study.run
    mend: Callable[[Study], None] = _nothing
    silent: bool = False


def at_rest(study: Study, every: bool) -> Iterator[Case]:
    """A file is damaged after a complete run; its times stay as they are."""
    for path, damage in _damages(study.written, every):
        name = f"{damage} after a complete run"
        yield Case(name, str(path), WHOLE, lambda s, p=path, d=damage: _damage(s.folder / p, d))


def under_way(study: Study, every: bool) -> Iterator[Case]:
    """A table is damaged after its stage wrote it and before another reads it."""
    for stage in STAGES[:-2]:
        for path, damage in _damages({stage: study.written[stage]}, every):
            name, begins = f"{damage} before it is read", f"after {stage}"
            yield Case(
                name, str(path), begins, lambda s, p=path, d=damage: _damage(s.folder / p, d)
            )


def _damages(written: dict[str, list[Path]], every: bool) -> Iterator[tuple[Path, str]]:
    """Yield every damage to every file; or, for a shorter run, one to one file of each stage."""
    for stage, paths in written.items():
        number = STAGES.index(stage)
        chosen = paths if every else [paths[number % len(paths)]]
        for path in chosen:
            for damage in DAMAGES if every else (DAMAGES[number % len(DAMAGES)],):
                yield path, damage


def _damage(path: Path, damage: str) -> None:
    if damage == "deleted":
        path.unlink()
        return
    raw, times = bytearray(path.read_bytes()), path.stat()
    if damage == "flipped":
        raw[len(raw) // 2] ^= 1
    else:
        del raw[len(raw) // 2 :]
    path.write_bytes(raw)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def killed(study: Study, every: bool) -> Iterator[Case]:
    """A worker, or everything, is killed in the midst of a stage."""
    for stage in STAGES:
        begins = _before(stage)
        for whole, kind in ((False, "a worker is killed"), (True, "the whole group is killed")):
            yield Case(
                kind,
                stage,
                begins,
                run=lambda s, name=stage, group=whole: _kill(s, name, group),
                silent=whole,
            )


def _before(stage: str) -> str:
    """Return the moment from which a run begins with a stage, or soon comes to it."""
    place = min(STAGES.index(stage), len(STAGES) - 2)
    return f"after {STAGES[place - 1]}" if place else "the start"


def _kill(study: Study, stage: str, group: bool) -> tuple[int, str]:
    running = study.start()
    seen = None
    while running.poll() is None and seen is None:
        seen = next(_workers(study, stage), None)
        time.sleep(0.01)
    if seen is not None:
        time.sleep(0.3)  # into its work, beyond its imports' beginning
        if group:
            os.killpg(running.pid, signal.SIGKILL)
        else:
            for worker in _workers(study, stage):
                os.kill(worker, signal.SIGKILL)
    code = running.wait()
    text = (study.folder / "said").read_text(encoding="utf-8", errors="replace")
    return (code, text) if seen is not None else (1, f"Traceback: no {stage} was seen\n{text}")


def _workers(study: Study, stage: str) -> Iterator[int]:
    """Yield the processes of a stage of this study."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
            here = (process / "cwd").resolve() == study.folder.resolve()
        except OSError:
            continue
        if here and words[1:4] == [b"-m", b"evalweave", stage.encode()]:
            yield int(process.name)


def rationed(study: Study, every: bool) -> Iterator[Case]:
    """Memory and the size of a file are limited for one stage."""
    limits = [(f"memory of {n} MB", f"ulimit -v {n << 10}") for n in MEMORY]
    limits += [(f"files of {n} kB at most", f"ulimit -f {n}") for n in SIZES]
    for words, limit in limits:
        for stage in STAGES:
            yield Case(
                words,
                stage,
                _before(stage) if stage != "audit" else WHOLE,
                run=lambda s, name=stage, how=limit: _limited(s, name, how),
                silent=True,
            )


def _limited(study: Study, stage: str, limit: str) -> tuple[int, str]:
    """Run a stage under a limit, then the rest without: what the stage left must not be trusted
    where it failed. A library that aborts for want of memory ends without a word; Snakemake's
    last words are ours."""
    (study.results / "audit.json").unlink(missing_ok=True)
    code, text = study.stage(stage, limit)
    if "Traceback" in text:
        return code, text
    return study.run()


def full(study: Study, every: bool) -> Iterator[Case]:
    """The disk with the results is full."""
    for size in DISK:
        yield Case(
            "the disk is full",
            f"{size} kB",
            "after code",
            lambda s, n=size: _mount(s, n),
            mend=_enlarge,
        )
    yield Case("the disk is full", "unmounted", WHOLE, _unmount)


def _mount(study: Study, size: int) -> str | None:
    """Put the results on a small disk; return why that cannot be done here."""
    _unmount(study)
    results = study.folder / "results"
    kept = study.folder / "kept"
    results.rename(kept)
    results.mkdir()
    options = f"size={size}k,mode=0700"
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(results)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        return "a small disk may not be mounted here"
    subprocess.run(["cp", "-a", f"{kept}/.", str(results)], capture_output=True, check=False)
    return None


def _enlarge(study: Study) -> None:
    results = str(study.folder / "results")
    subprocess.run(["mount", "-o", "remount,size=64m", results], check=True)


def _unmount(study: Study) -> None:
    """Give the disk back, so that the folder can be put back as it was."""
    results = study.folder / "results"
    if os.path.ismount(results):
        subprocess.run(["umount", str(results)], check=True)


KINDS = (at_rest, under_way, killed, rationed, full)

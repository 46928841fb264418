"""What a run may claim: which state it is in, and whether what it made rests on the inputs as they
are.

A run is *running*, *failed* or *complete* (`results/<study>/state.json`), and *partial* where some
stages only were asked for. Before its first job the
released report is withdrawn to `results/<study>/previous/`, so that a report that lies in
`reports/<study>/` is always one of a complete run, or of the run under way. What a complete run
made is noted with size, time and checksum; a file that is gone or another one by then is made
again. Inputs are compared by checksum, whatever their times say; a note of size and times saves
reading them again.
"""

from __future__ import annotations

import fcntl
import json
import shutil
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from evalweave import files, seals
from evalweave.errors import DataError, StudyError

NOTES = Path(".snakemake")  # beside Snakemake's own notes, of the same life
HASHED = 64 << 20  # outputs up to this many bytes are told by content, larger ones by size and time
STATE, PREVIOUS, UNAUDITED = "state.json", "previous", "unaudited"
UNWRITTEN = "unwritten.txt"  # a sentence for each file of the report that could not be written
RELEASED = (
    "report.html",
    "supplement.html",
    "report.docx",
    "supplement.docx",
    "report.pdf",
    "supplement.pdf",
    "manifest.json",
    "release.zip",
)
KNOWN_BY = {"ingest": "ingest/*.json", "simulate": "simulated.json"}  # of outputs no rule names
# What lies in results/<study>/ and is no stage's table.
BESIDE = (
    "database",
    "intake.before.json",
    "logs",
    "benchmarks",
    PREVIOUS,
    UNAUDITED,
    STATE,
    "releases",
)


def checksums(paths: Iterable[str | Path]) -> dict[str, str]:
    """Return the SHA-256 of each input by its path; of a file that did not change since it was
    noted, from the note.

    Raises:
        StudyError: for files that are not there, and for what is no file (a pipe, a device).
    """
    noted = _read(NOTES / "evalweave-inputs.json")
    sums, fresh, wrong = {}, dict(noted), []
    for path in sorted({str(path) for path in paths}):
        try:
            at = Path(path).stat()
        except OSError as error:
            wrong.append(f"{path}: cannot be read ({error.strerror}).")
            continue
        if not stat.S_ISREG(at.st_mode):
            wrong.append(f"{path}: is no file. Put the file itself there.")
            continue
        seen = [at.st_size, at.st_mtime_ns, at.st_ctime_ns, at.st_ino]
        place = str(Path(path).absolute())
        if noted.get(place, [None])[0] != seen:
            fresh[place] = [seen, files.sha256(path)]
        sums[path] = fresh[place][1]
    if wrong:
        raise StudyError("\n".join(wrong))
    if fresh != noted:
        _note(fresh, NOTES / "evalweave-inputs.json")
    return sums


class Run:
    """One study's run in the present folder.

    `made` is where a simulation puts the inputs that it makes up, None for a study with an extract.
    """

    def __init__(self, results: str, reports: str, made: str | None = None) -> None:
        self.results, self.reports = Path(results), Path(reports)
        self.made = Path(made) if made else None
        self.begun = False
        self.notes = NOTES / f"evalweave-{self.results.name}.json"

    @property
    def state(self) -> str:
        """Return running, failed, partial or complete; nothing where there was no run."""
        return str(_read(self.results / STATE).get("state", ""))

    @property
    def unwritten(self) -> str:
        """Return what the last report says of formats that could not be written, a line each."""
        noted = self.results / UNWRITTEN
        return noted.read_text(encoding="utf-8") if noted.is_file() else ""

    def retry(self) -> None:
        """Let the report be written again where a format of it could not be."""
        if self.unwritten:
            (self.results / UNWRITTEN).unlink()

    def discard(self) -> list[str]:
        """Take away what is not as the last run left it, so that it is made again; return its
        files.

        An altered file goes, and so does what its stage is known by: a figure takes the report
        with it. Where nothing is known of the last run, the first stages go.
        """
        if not self.notes.is_file():
            for place in ("simulated.json", "ingest/*.json", "code/*.csv"):
                for path in self.results.glob(place) if self.state else ():
                    path.unlink()
            return []
        altered = [Path(p) for p, seen in _read(self.notes).items() if not _same(Path(p), seen)]
        for path in altered:
            if self._rule(path) == "report":
                self._withdraw()
            else:
                path.unlink(missing_ok=True)
            for index in self._indexes(path):
                index.unlink(missing_ok=True)
        return [str(path) for path in altered]

    def begin(self, rules: set[str]) -> None:
        """Say that `rules` are about to run: the report is withdrawn, and what they will write
        anew is no longer vouched for."""
        noted = _read(self.notes)
        kept = {path: seen for path, seen in noted.items() if self._rule(Path(path)) not in rules}
        self.begun = True
        self._say("running")
        _note(kept, self.notes)
        (self.reports / "release.zip").unlink(missing_ok=True)
        if rules - {"all", "crate"}:
            (self.results / "audit.json").unlink(missing_ok=True)
        if rules - {"all", "audit", "crate"}:
            self._withdraw()

    def fail(self) -> bool:
        """Say that a job failed; return whether there is a report that no audit has passed. It is
        moved to results/<study>/unaudited/, where it may be looked at."""
        self._say("failed")
        unaudited = _read(self.results / "audit.json").get("findings") != []
        return unaudited and self._withdraw(UNAUDITED)

    def complete(self, inputs: Mapping[str, str] | None = None) -> bool:
        """Say that the run is complete, if there is an audited report; return whether it is.

        Raises:
            DataError: a table is not as it was written; or one of `inputs` (path -> checksum when
            the run began) is another one by now, or the manifest lists other bytes. The report
            is withdrawn.
        """
        whole = all(
            path.is_file()
            for path in (
                self.results / "audit.json",
                self.reports / "report.html",
                self.reports / "manifest.json",
                self.reports / "release.zip",
            )
        )
        for path in self._outputs() if whole else ():
            if not seals.intact(path):  # nobody may have read it since
                self._withdraw()
                self._say("failed")
                seals.check(path, *self._indexes(path))
        changed = self._changed(inputs or {}) if whole else []
        if whole and changed:
            self._withdraw()
            self._say("failed")
            raise DataError(
                f"{', '.join(changed)}: changed while the run was under way, so that parts of the "
                "report would rest on other data than others. The report was withdrawn; run the "
                "study again when nobody writes there."
            )
        if whole:  # of a partial run nothing more is known than before
            _note({str(path): _seen(path) for path in self._outputs()}, self.notes)
        self._say("complete" if whole else "partial")
        return whole

    def _changed(self, inputs: Mapping[str, str]) -> list[str]:
        """Return what is not as it was when the run began: inputs, or what the manifest says of
        them (a simulation makes up its own under way)."""
        changed = []
        for path, before in inputs.items():
            try:
                same = checksums([path])[path] == before
            except StudyError:
                same = False
            changed += [] if same else [path]
        listed = _read(self.reports / "manifest.json").get("inputs", [])
        if inputs and not changed and self.made is None:
            changed = [item["name"] for item in listed if item["sha256"] not in inputs.values()]
        return changed

    def _say(self, state: str) -> None:
        files.write_json({"state": state}, self.results / STATE)

    def _outputs(self) -> Iterator[Path]:
        for folder in (self.results, self.reports, *([self.made] if self.made else [])):
            for path in sorted(folder.rglob("*")):
                hidden = path.name.startswith(".") or seals.FOLDER in path.parts
                beside = folder == self.results and path.relative_to(folder).parts[0] in BESIDE
                if path.is_file() and not beside and not hidden:
                    yield path

    def _indexes(self, path: Path) -> list[Path]:
        """Return what a file's stage is known by, where no rule names the file itself."""
        rule = self._rule(path)
        return [*self.results.glob(KNOWN_BY[rule])] if rule in KNOWN_BY else []

    def _rule(self, path: Path) -> str:
        """Return the rule that writes a file."""
        if path.is_relative_to(self.results):
            first = path.relative_to(self.results).parts[0]
            return {"audit.json": "audit", "simulated.json": "simulate"}.get(first, first)
        if path == self.reports / "release.zip":
            return "crate"
        return "report" if path.is_relative_to(self.reports) else "simulate"

    def _withdraw(self, to: str = PREVIOUS) -> bool:
        """Move the released files to a folder inside the secure area; return whether there are
        any."""
        listed = _read(self.reports / "manifest.json").get("files", {})
        names = [name for name in (*listed, *RELEASED) if (self.reports / name).is_file()]
        if not names:
            return False
        shutil.rmtree(self.results / to, ignore_errors=True)
        for name in dict.fromkeys(names):
            target = self.results / to / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(self.reports / name, target)
        return True


def alone(folder: Path) -> IO[str]:
    """Hold `folder` for this process, as long as the returned file is open.

    In place of Snakemake's own lock, which a killed run leaves behind, and which cannot read its
    notes in a folder with braces in its name.

    Raises:
        DataError: another run is under way.
    """
    mark = folder / NOTES / "evalweave.lock"
    mark.parent.mkdir(parents=True, exist_ok=True)
    handle = mark.open("a")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        handle.close()
        raise DataError(
            f"Another run is under way in the folder {folder.resolve()}: one at a time, of "
            "whichever study. Wait for it, or run elsewhere with --directory FOLDER."
        ) from None
    return handle


def _seen(path: Path) -> list[Any]:
    at = path.stat()
    return [at.st_size, at.st_mtime_ns, files.sha256(path) if at.st_size <= HASHED else ""]


def _same(path: Path, seen: list[Any]) -> bool:
    """Say whether a file is the one that was noted: by content, whatever its time says; a large
    one, which its readers check, by size and time."""
    try:
        at = path.stat()
    except OSError:
        return False
    if not seen[2]:
        return [at.st_size, at.st_mtime_ns] == seen[:2]
    return at.st_size == seen[0] and files.sha256(path) == seen[2]


def _read(path: Path) -> dict[str, Any]:
    with suppress(OSError, ValueError):
        value = json.loads(path.read_text(encoding="utf-8"))
        return value if isinstance(value, dict) else {}
    return {}


def _note(value: dict[str, Any], path: Path) -> None:
    with suppress(OSError, StudyError):  # a note saves work; without it more is done again
        files.write_json(value, path)

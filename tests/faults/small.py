"""The small study that suffers the faults: made once, run stage by stage, and put back for each."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SMALL = ROOT / "tests" / "workflow" / "small"
STAGES = (
    *("ingest", "clean", "cohort", "panel", "fit", "estimates"),
    *("code", "count", "join", "report", "audit"),
)
WHOLE = "complete"  # the moment after an undisturbed run
PASSING = (
    "logs",
    "benchmarks",
    "previous",
    "unaudited",
    ".seals",
    "state.json",
)  # no stage's output


class Study:
    """A copy of the small study with a coded project, and its folder as it was at each moment."""

    def __init__(self, root: Path) -> None:
        self.folder, self.moments = root / "study", root / "moments"
        for place in (self.folder, self.moments):
            shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(SMALL, self.folder)
        with_strand(self.folder)
        self.results, self.reports = self.folder / "results/small", self.folder / "reports/small"
        self.commands: dict[str, str] = {}
        self.written: dict[str, list[Path]] = {}
        self._keep("the start")
        for stage in STAGES[:-2]:
            before = set(self.outputs())
            code, text = self.run_to(stage)
            assert code == 0, text
            self.written[stage] = sorted(set(self.outputs()) - before)
            self._keep(f"after {stage}")
        code, text = self.run()
        assert code == 0, text
        self.good = self.outputs()
        self.written["report"] = [path for path in self.good if path.parts[0] == "reports"]
        self._keep(WHOLE)
        _, printed = self.run_to("all", "--forceall", "--dry-run", "--printshellcmds")
        for line in re.findall(r"^Shell command: (\S+ -m evalweave .*)$", printed, re.MULTILINE):
            self.commands[line.split(" -m evalweave ")[1].split()[0]] = line

    def run(self, *, limits: str = "") -> tuple[int, str]:
        """Run the study to its end and return exit code and everything printed."""
        command = [sys.executable, "-m", "evalweave", "run", "study.yaml", "--cores", "2"]
        return self._done(command, limits)

    def run_to(self, stage: str, *more: str) -> tuple[int, str]:
        """Run the study to the end of a stage, as Snakemake is asked to."""
        goal = f"{stage}" if stage != "fit" else "results/small/fit/main/estimates.csv"
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
        command += ["--cores", "2", *more, "--config", "study_file=study.yaml", "--", goal]
        return self._done(command)

    def start(self) -> subprocess.Popen[bytes]:
        """Start a run in a group of processes of its own; it prints to the file `said`."""
        command = [sys.executable, "-m", "evalweave", "run", "study.yaml", "--cores", "2"]
        with (self.folder / "said").open("wb") as said:
            return subprocess.Popen(
                command, cwd=self.folder, stdout=said, stderr=said, start_new_session=True
            )

    def stage(self, name: str, limits: str) -> tuple[int, str]:
        """Run one stage as its rule does, under a shell's limits."""
        return self._done(["bash", "-c", f"set -euo pipefail; {limits}; {self.commands[name]}"])

    def _done(self, command: list[str], limits: str = "") -> tuple[int, str]:
        if limits:
            command = ["bash", "-c", f'{limits}; exec "$@"', "bash", *command]
        done = subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, check=False, env=os.environ
        )
        return done.returncode, done.stdout + done.stderr

    def _keep(self, moment: str) -> None:
        subprocess.run(["cp", "-a", self.folder, self._at(moment)], check=True)

    def _at(self, moment: str) -> Path:
        self.moments.mkdir(exist_ok=True)
        return self.moments / moment

    def restore(self, moment: str) -> None:
        """Put the folder back as it was, with the times of its files."""
        shutil.rmtree(self.folder)
        subprocess.run(["cp", "-a", self._at(moment), self.folder], check=True)

    def outputs(self) -> dict[Path, bytes]:
        """Return what the stages have written, by its path in the folder."""
        return {
            path.relative_to(self.folder): path.read_bytes()
            for kind in ("results/small", "reports/small")
            for path in sorted((self.folder / kind).rglob("*"))
            if path.is_file() and not set(path.parts) & {*PASSING}
        }

    def differs(self) -> str:
        """Return what is not as after an undisturbed run, or nothing."""
        here = self.outputs()
        names = [
            str(path)
            for path in sorted({*here, *self.good})
            if here.get(path) != self.good.get(path)
        ]
        return f"other bytes in {', '.join(names)}" if names else ""

    def state(self) -> str:
        """Return what the run says of itself: running where it was killed as a whole, and then
        nothing that lies there is a release."""
        file = self.results / "state.json"
        return file.read_text(encoding="utf-8") if file.is_file() else ""

    def wrong(self, code: int, text: str, silent: bool) -> str:
        """Return what is wrong with how a run ended, or nothing."""
        if "Traceback" in text:
            return f"a traceback ({text.strip().splitlines()[-1][:100]})"
        released = (self.reports / "manifest.json").exists()
        if code != 0 and released and '"running"' not in self.state():
            return "a report although the run failed"
        sentence = re.search(r"^(evalweave: |The run did not end: )", text, re.MULTILINE)
        if code != 0 and not silent and not sentence:
            return f"no sentence ({text.strip()[-100:]})"
        return ""


def with_strand(folder: Path) -> None:
    """Add twelve interviews with two themes and a claim."""
    people = [(f"speaker {n}", ("service user", "link worker")[n % 2]) for n in range(12)]
    coded = [
        f"interview {n},{code},{words},{who}\n"
        for n, (who, _) in enumerate(people)
        for code, words in (("walking", "I walk more than I did"), ("waiting", "I waited long"))
        if n % 3 or code == "walking"
    ]
    tables = {
        "segments": "source,code,quote,participant\n" + "".join(coded),
        "people": "participant_id,role,consent_quote\n"
        + "".join(f"{who},{role},yes\n" for who, role in people),
        "themes": "theme_id,label,definition,code,descendants\n"
        "walking,Walking more,Says so.,walking,no\nwaiting,Waiting,Says so.,waiting,no\n",
        "claims": "claim_id,theme_id,proposition,role,relation,analysis,term,outcome_unit,"
        "expected_sign,margin,declared_on\nC1,walking,Who walks more has a lower HbA1c.,"
        "service_user,converges,main,att,mmol/mol,negative,1,2020-01-01\n",
    }
    for name, text in tables.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    with (folder / "study.yaml").open("a", encoding="utf-8") as study:
        study.write(
            "qualitative: {project: segments.csv, format: segments, participants: people.csv, "
            "themes: themes.csv}\nclaims: claims.csv\n"
        )

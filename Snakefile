"""evalweave: from a GP extract and a coded project to a triangulated report.

    snakemake --cores all                                        the demonstration
    snakemake --cores all --config study_file=my-study/study.yaml

One study file says what is studied; each rule receives the part that it uses through `params:`, with a hash of
the code it runs and the checksums of the files that it reads, so that a change redoes what depends on it and nothing
else. Files of the study's people are named in `params:` only: Snakemake takes braces in `input:` for wildcards.
"""

import atexit
import json
import os
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.persistence import file as notes

from evalweave import freshness
from evalweave.extract import database
from evalweave.study import stages
from evalweave.errors import EvalweaveError
from evalweave.study.file import load_study
from evalweave.study.qualitative import AFTER, SIMULATED
from evalweave.workflow import (
    CALLED,
    PASSING,
    STAGES,
    called,
    code_hash,
    home,
    only_looks,
    path_in,
    privately,
    text_in,
)

# Snakemake looks for its locks by a pattern, for a dry run even without them, and fails where the folder has braces in
# its name (its issue 2981). A folder is held by `freshness.alone` instead.
notes.listfiles = lambda pattern: ()


def plainly(function, *given):
    """What a function returns; a user's mistake is one sentence of Snakemake's."""
    try:
        return function(*given)
    except EvalweaveError as error:
        raise WorkflowError(str(error))


study_file = path_in(config, "study_file") or "config/config.yaml"
study = plainly(load_study, study_file)
results = f"results/{study.study.name}"
extract = path_in(config, "extract")
of_database = bool(study.extract.connection) and not extract
declared = study
if of_database:
    extract = f"{results}/database"  # where its tables are copied to
if extract:
    study = study.reading_from(extract)

reports = f"reports/{study.study.name}"
simulated = f"{results}/simulated.json" if study.simulation else []

privately(results, only_looks(sys.argv))
this_run = freshness.Run(results, reports, study.extract.path if study.simulation else None)
looks = only_looks(sys.argv)
if workflow.is_main_process and (of_database or not looks):
    held = plainly(freshness.alone, Path())
# Read even to look: nothing else says whether a table is what it was.
for table in (
    plainly(database.copied, declared, Path(extract))
    if workflow.is_main_process and of_database
    else ()
):
    print(f"{table} of the database is new, or not as it was last read.", file=sys.stderr)
if workflow.is_main_process and not looks:
    this_run.retry()
    for file in this_run.discard():
        print(f"{file} is not as the last run left it; it is made again.", file=sys.stderr)


def literally(value):
    """A value of `params:` as it is: in a text Snakemake would take braces for wildcards."""
    return lambda wildcards: value


def settings(kind):
    """The part of the study that a stage uses, as JSON for its --settings."""
    return literally(json.dumps(stages.settings_for(study, kind), sort_keys=True))


inputs = {}  # the checksum of every input as the run begins


def sums(*paths):
    """The checksums of a stage's inputs: it is done again when they change."""
    these = plainly(freshness.checksums, [path for path in paths if path])
    inputs.update(these)
    return literally(these)


include: "workflow/rules/simulate.smk"
include: "workflow/rules/records.smk"
include: "workflow/rules/estimates.smk"
include: "workflow/rules/qualitative.smk"
include: "workflow/rules/report.smk"


# Every output of every stage: Snakemake does not miss what a killed job left undone where what was made of it
# earlier is still there, unless it is asked for.
rule all:
    default_target: True
    input:
        woven,
        rules.ingest.output,
        rules.panel.output,
        rules.uses.output if study.resource_use else [],
        rules.value.output if study.economics else [],
        expand(rules.fit.output, analysis=list(analyses)),
        simulated,
        rules.report.output,
        f"{results}/audit.json",
        rules.crate.output,


here = Path.cwd()


def say_where():
    if PASSING not in os.environ:  # a rerun in a folder that is thrown away
        print(this_run.unwritten, end="", file=sys.stderr)
        print(f"The report is at {here / reports / 'report.html'}", file=sys.stderr)


def say_last():
    """Said when the process ends: where the report is, as Snakemake calls none of the below when nothing is to be
    done; and how to go on after a failure, when Snakemake has said the rest."""
    os.chdir(here)  # Snakemake went back to where it was called
    if workflow.dag is not None and not len(workflow.dag) and this_run.state == "complete":
        say_where()
    elif this_run.begun and this_run.state in ("running", "failed"):
        print(
            f"The run did not end: there is no report of it. What was wrong stands above and in {results}/logs; "
            f"when it is mended, this goes on where it stopped: {called(sys.argv)}",
            file=sys.stderr,
        )


if workflow.is_main_process:
    atexit.register(say_last)


def asked():
    """The stages that are about to run, by their names here: a workflow that uses this one as a module may call them
    otherwise, and has jobs of its own."""
    ours = {getattr(rules, name).rule: name for name in (*STAGES, "all") if rules.has(name)}
    return {ours[job.rule] for job in workflow.dag.needrun_jobs() if job.rule in ours}


onstart:
    if begins := asked():
        this_run.begin(begins)


onsuccess:
    if this_run.begun and plainly(this_run.complete, inputs):
        say_where()
        if this_run.unwritten and CALLED not in os.environ:  # whoever called says so itself
            sys.exit(1)


onerror:
    if this_run.begun and this_run.fail():
        print(f"The report is not released: see {results}/unaudited.", file=sys.stderr)

"""evalweave: from a GP extract and a coded project to a triangulated report.

    snakemake --cores all                                        the demonstration
    snakemake --cores all --config study_file=my-study/study.yaml

One study file says what is studied; each rule receives the part that it uses through `params:`, with a hash of
the code it runs, so that a change redoes what depends on it and nothing else.
"""

import json
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

from evalweave.study import stages
from evalweave.errors import EvalweaveError
from evalweave.study.file import load_study
from evalweave.workflow import code_hash

study_file = config.get("study_file", "config/config.yaml")
try:
    study = load_study(study_file)
except EvalweaveError as error:
    raise WorkflowError(str(error))
if "extract" in config:
    study = study.reading_from(config["extract"])

results = f"results/{study.study.name}"
reports = f"reports/{study.study.name}"


def settings(kind):
    """The part of the study that a stage uses, as JSON for its --settings."""
    return json.dumps(stages.settings_for(study, kind), sort_keys=True)


include: "workflow/rules/simulate.smk"
include: "workflow/rules/records.smk"
include: "workflow/rules/estimates.smk"
include: "workflow/rules/qualitative.smk"
include: "workflow/rules/report.smk"


rule all:
    default_target: True
    input:
        f"{results}/audit.json",


onsuccess:
    print(f"The report is at {Path(reports, 'report.html').resolve()}", file=sys.stderr)

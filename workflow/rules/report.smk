# The report, and the proof that it holds only what may be released.


def woven(wildcards):
    """Everything that the report is written from."""
    yield from rules.clean.output
    yield from rules.cohort.output
    yield from rules.estimates.output
    yield from rules.panel.output.trends
    yield from rules.panel.output.died
    yield from rules.panel.output.ledger
    if any(outcome.counted for outcome in study.outcomes.values()):
        yield from rules.uses.output
    yield from rules.ingest.output.ledger
    if study.economics is not None:
        yield from rules.value.output
    if study.qualitative:
        yield from rules.code.output
        yield from rules.count.output
    if study.claims:
        yield from rules.join.output


weighted = any(group.balance != "none" for group in study.comparisons.values())


rule report:
    input:
        woven,
    output:
        multiext(
            f"{reports}/",
            "report.html",
            "supplement.html",
            "estimates.csv",
            "checks.csv",
            "checklists.csv",
            "regression.csv",
            "flow.csv",
            "baseline.csv",
            "death_rates.csv",
            "manifest.json",
        ),
        multiext(f"{reports}/", "balance.csv") if weighted else [],
        multiext(f"{reports}/", "measured.csv") if study.recorded else [],
        multiext(f"{reports}/", "incidence_rates.csv") if study.eligibility.conditions else [],
        multiext(f"{reports}/", "theme_counts.csv", "theme_numbers.csv")
        if study.qualitative
        else [],
        multiext(f"{reports}/", "joint_display.csv") if study.claims else [],
        multiext(f"{reports}/", "economics.csv") if study.economics else [],
        unwritten=f"{results}/unwritten.txt",
    log:
        f"{results}/logs/report.log",
    benchmark:
        f"{results}/benchmarks/report.tsv"
    params:
        python=literally(sys.executable),
        settings=literally(study.model_dump_json()),
        study=literally(study_file),
        inputs=sums(study_file),
        extract=literally(["--extract", extract] if extract else []),
        results=results,
        out=reports,
        code=code_hash("report"),
    shell:
        "{params.python:q} -m evalweave report --study {params.study:q} --results {params.results:q} {params.extract:q}"
        " --out {params.out:q} --unwritten {output.unwritten:q} 2>&1 | tee {log:q}"


rule audit:
    input:
        rules.report.output,
        rules.clean.output,
    output:
        f"{results}/audit.json",
    log:
        f"{results}/logs/audit.log",
    benchmark:
        f"{results}/benchmarks/audit.tsv"
    params:
        python=literally(sys.executable),
        report=reports,
        results=results,
        code=code_hash("audit"),
    shell:
        "{params.python:q} -m evalweave audit {params.report:q} --results {params.results:q} --out {output:q}"
        " 2>&1 | tee {log:q}"


rule crate:
    input:
        rules.report.output,
        audit=rules.audit.output[0],
    output:
        f"{reports}/release.zip",
    log:
        f"{results}/logs/crate.log",
    benchmark:
        f"{results}/benchmarks/crate.tsv"
    params:
        python=literally(sys.executable),
        report=reports,
        results=results,
        workflow=literally(str(home(workflow.current_basedir.get_path_or_uri(True)))),
        code=code_hash("crate"),
    shell:
        "{params.python:q} -m evalweave crate {params.report:q} --audit {input.audit:q}"
        " --results {params.results:q} --workflow {params.workflow:q} --out {output:q} 2>&1 | tee {log:q}"

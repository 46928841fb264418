# From the extract to a panel for each comparison. Tables and comparisons share a job, so that what they need is loaded
# once: most of a small job's time.

from evalweave.extract.readers import reader

tables = ["patients", "registrations", "events"]


def extract_files(table):
    """The files that a table is read from, with the lookups that explain them."""
    if study.simulation:
        return []
    sources = plainly(reader(study.extract.format).find, study.extract, table)
    lookups = [path for source in sources for path in source.lookups.values()]
    return [*(source.path for source in sources), *lookups]


rule ingest:
    input:
        simulated,
    output:
        index=expand(f"{results}/ingest/{{table}}.json", table=tables),
        ledger=expand(f"{results}/ingest/{{table}}.ledger.csv", table=tables),
    log:
        f"{results}/logs/ingest.log",
    benchmark:
        f"{results}/benchmarks/ingest.tsv"
    threads: 2
    params:
        python=literally(sys.executable),
        settings=settings(stages.IngestSettings),
        inputs=sums(*(path for table in tables for path in extract_files(table))),
        out=f"{results}/ingest",
        code=code_hash("ingest"),
    shell:
        "{params.python:q} -m evalweave ingest --settings {params.settings:q} --processes {threads}"
        " --out {params.out:q} 2>&1 | tee {log:q}"


rule clean:
    input:
        rules.ingest.output.index,
    output:
        multiext(
            f"{results}/clean/",
            "patients.parquet",
            "registrations.parquet",
            "measurements.parquet",
            "conditions.parquet",
            "set_aside.parquet",
            "pseudonyms.parquet",
            "practices.csv",
            "ledger.csv",
            "codelists.csv",
        ),
    log:
        f"{results}/logs/clean.log",
    benchmark:
        f"{results}/benchmarks/clean.tsv"
    params:
        python=literally(sys.executable),
        settings=settings(stages.CleanSettings),
        inputs=sums(study.practices, *study.codelists.values()),
        ingested=f"{results}/ingest",
        out=f"{results}/clean",
        code=code_hash("clean"),
    shell:
        "{params.python:q} -m evalweave clean --settings {params.settings:q} --ingested {params.ingested:q}"
        " --out {params.out:q} 2>&1 | tee {log:q}"


rule intake:
    input:
        rules.ingest.output.index,
        rules.clean.output,
    output:
        f"{results}/intake/intake.json",
    log:
        f"{results}/logs/intake.log",
    benchmark:
        f"{results}/benchmarks/intake.tsv"
    params:
        python=literally(sys.executable),
        settings=settings(stages.CleanSettings),
        ingested=f"{results}/ingest",
        cleaned=f"{results}/clean",
        before=f"{results}/intake.before.json",
        accept=literally([f"--accept={reason}"] if (reason := text_in(config, "accept")) else []),
        out=f"{results}/intake",
        code=code_hash("intake"),
    shell:
        "{params.python:q} -m evalweave intake --settings {params.settings:q} --ingested {params.ingested:q}"
        " --cleaned {params.cleaned:q} --before {params.before:q} {params.accept:q}"
        " --out {params.out:q} 2>&1 | tee {log:q}"


rule cohort:
    input:
        rules.clean.output,
        rules.intake.output,
    output:
        multiext(
            f"{results}/cohort/",
            "cohort.parquet",
            "membership.parquet",
            "baseline.csv",
            "balance.csv",
            "incidence.csv",
            "ledger.csv",
        ),
    log:
        f"{results}/logs/cohort.log",
    benchmark:
        f"{results}/benchmarks/cohort.tsv"
    params:
        python=literally(sys.executable),
        settings=settings(stages.CohortSettings),
        cleaned=f"{results}/clean",
        out=f"{results}/cohort",
        code=code_hash("cohort"),
    shell:
        "{params.python:q} -m evalweave cohort --settings {params.settings:q} --cleaned {params.cleaned:q}"
        " --out {params.out:q} 2>&1 | tee {log:q}"


rule panel:
    input:
        rules.clean.output,
        rules.cohort.output,
    output:
        panel=expand(f"{results}/panel/{{comparison}}.parquet", comparison=study.comparisons),
        followed=expand(
            f"{results}/panel/{{comparison}}.followed.parquet", comparison=study.comparisons
        ),
        deaths=expand(
            f"{results}/panel/{{comparison}}.deaths.parquet", comparison=study.comparisons
        ),
        trends=expand(f"{results}/panel/{{comparison}}.trends.csv", comparison=study.comparisons),
        died=expand(f"{results}/panel/{{comparison}}.died.csv", comparison=study.comparisons),
        ledger=expand(f"{results}/panel/{{comparison}}.ledger.csv", comparison=study.comparisons),
    log:
        f"{results}/logs/panel.log",
    benchmark:
        f"{results}/benchmarks/panel.tsv"
    threads: 2
    params:
        python=literally(sys.executable),
        settings=settings(stages.PanelSettings),
        comparisons=[f"--comparison={name}" for name in study.comparisons],
        cleaned=f"{results}/clean",
        cohort=f"{results}/cohort",
        out=f"{results}/panel",
        code=code_hash("panel"),
    shell:
        "{params.python:q} -m evalweave panel {params.comparisons:q} --settings {params.settings:q}"
        " --cleaned {params.cleaned:q} --cohort {params.cohort:q} --processes {threads}"
        " --out {params.out:q} 2>&1 | tee {log:q}"


if study.resource_use is not None:

    rule uses:
        input:
            rules.clean.output,
            rules.cohort.output,
        output:
            expand(f"{results}/uses/{{comparison}}.parquet", comparison=study.comparisons),
            expand(f"{results}/uses/{{comparison}}.events.csv", comparison=study.comparisons),
            expand(f"{results}/uses/{{comparison}}.trends.csv", comparison=study.comparisons),
            expand(f"{results}/uses/{{comparison}}.ledger.csv", comparison=study.comparisons),
        log:
            f"{results}/logs/uses.log",
        benchmark:
            f"{results}/benchmarks/uses.tsv"
        params:
            python=literally(sys.executable),
            settings=settings(stages.UsesSettings),
            inputs=sums(study.resource_use.unit_costs, study.resource_use.price_index),
            comparisons=[f"--comparison={name}" for name in study.comparisons],
            cleaned=f"{results}/clean",
            cohort=f"{results}/cohort",
            out=f"{results}/uses",
            code=code_hash("uses"),
        shell:
            "{params.python:q} -m evalweave uses {params.comparisons:q} --settings {params.settings:q}"
            " --cleaned {params.cleaned:q} --cohort {params.cohort:q}"
            " --out {params.out:q} 2>&1 | tee {log:q}"


if study.economics is not None:
    valued = study.economics.comparison or study.primary_comparison

    rule value:
        input:
            f"{results}/uses/{valued}.parquet",
            f"{results}/panel/{valued}.parquet",
            practices=f"{results}/clean/practices.csv",
        output:
            multiext(
                f"{results}/economics/",
                "increments.csv",
                "net_benefit.csv",
                "curve.csv",
                "plane.csv",
                "scenarios.csv",
                "subgroups.csv",
                "economics.json",
            ),
        log:
            f"{results}/logs/value.log",
        benchmark:
            f"{results}/benchmarks/value.tsv"
        params:
            python=literally(sys.executable),
            settings=settings(stages.ValueSettings),
            inputs=sums(study.resource_use.unit_costs, study.resource_use.price_index),
            uses=f"{results}/uses",
            measured=f"{results}/panel",
            out=f"{results}/economics",
            code=code_hash("value"),
        shell:
            "{params.python:q} -m evalweave value --settings {params.settings:q} --uses {params.uses:q}"
            " --measured {params.measured:q} --practices {input.practices:q}"
            " --out {params.out:q} 2>&1 | tee {log:q}"

# One job an analysis, then one that gathers them.

analyses = {analysis.name: analysis for analysis in study.analyses}


def comparison_of(name):
    return analyses[name].comparison or study.primary_comparison


def followed_of(wildcards):
    """Who was in follow-up, measured or not: asked of the primary analysis, and of estimators that need
    person-periods without a measurement."""
    if not stages.followed_with(study, wildcards.analysis):
        return []
    return f"{results}/panel/{comparison_of(wildcards.analysis)}.followed.parquet"


def fitted_on(wildcards):
    """The table of measurements, or of care that was used."""
    table = stages.table_of(study, wildcards.analysis)
    return f"{results}/{table}/{comparison_of(wildcards.analysis)}.parquet"


def deaths_of(wildcards):
    """The person-periods after a death, where the outcome gives the dead a value."""
    if stages.dead_value(study, wildcards.analysis) is None:
        return []
    return f"{results}/panel/{comparison_of(wildcards.analysis)}.deaths.parquet"


rule fit:
    input:
        panel=fitted_on,
        followed=followed_of,
        deaths=deaths_of,
        practices=f"{results}/clean/practices.csv",
    output:
        multiext(
            f"{results}/fit/{{analysis}}/", "estimates.csv", "estimates.json", "diagnostics.json"
        ),
    log:
        f"{results}/logs/fit.{{analysis}}.log",
    benchmark:
        f"{results}/benchmarks/fit.{{analysis}}.tsv"
    wildcard_constraints:
        analysis="|".join(analyses),
    params:
        python=literally(sys.executable),
        spec=lambda wildcards: json.dumps(stages.spec_of(study, wildcards.analysis), sort_keys=True),
        followed=lambda wildcards, input: (["--followed", input.followed] if input.followed else []),
        deaths=lambda wildcards, input: (
            [
                "--deaths",
                input.deaths,
                f"--dead-value={stages.dead_value(study, wildcards.analysis)}",
            ]
            if input.deaths
            else []
        ),
        # A secondary analysis without an estimate is reported as such; without the primary one there is no report.
        empty=lambda wildcards: (
            [] if wildcards.analysis == study.primary_analysis.name else ["--may-be-empty"]
        ),
        out=f"{results}/fit/{{analysis}}",
        code=code_hash("fit"),
    shell:
        "{params.python:q} -m evalweave fit {input.panel:q} --spec {params.spec:q} {params.followed:q}"
        " {params.deaths:q} {params.empty:q} --practices {input.practices:q} --out {params.out:q} 2>&1 | tee {log:q}"


rule estimates:
    input:
        expand(f"{results}/fit/{{analysis}}/estimates.csv", analysis=analyses),
    output:
        multiext(
            f"{results}/estimates/",
            "estimates.csv",
            "estimates.json",
            "diagnostics.json",
            "holm.csv",
        ),
    log:
        f"{results}/logs/estimates.log",
    benchmark:
        f"{results}/benchmarks/estimates.tsv"
    params:
        python=literally(sys.executable),
        settings=settings(stages.EstimatesSettings),
        fits=f"{results}/fit",
        out=f"{results}/estimates",
        code=code_hash("estimates"),
    shell:
        "{params.python:q} -m evalweave estimates --settings {params.settings:q} --fits {params.fits:q}"
        " --out {params.out:q} 2>&1 | tee {log:q}"

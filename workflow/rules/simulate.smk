# The demonstration's inputs. Only studies with a `simulation:` section have this rule.

if study.simulation:
    made_up = Path(study.extract.path)
    coded = (
        [study.qualitative.project, study.qualitative.participants, study.qualitative.sources]
        if study.qualitative
        else []
    )

    rule simulate:
        input:
            practices=study.practices,
            strand=[
                path
                for path in (
                    study.claims,
                    study.qualitative and study.qualitative.themes,
                    study.qualitative and study.qualitative.eligibility,
                )
                if path
            ],
        output:
            expand(f"{made_up}/{{table}}.csv", table=["patients", "registrations", "events"]),
            coded,
            truth=f"{made_up}/truth.json",
        log:
            f"{results}/logs/simulate.log",
        benchmark:
            f"{results}/benchmarks/simulate.tsv"
        params:
            python=sys.executable,
            settings=settings(stages.SimulateSettings),
            out=made_up,
            code=code_hash("simulate"),
        shell:
            "{params.python} -m evalweave simulate --settings {params.settings:q} --out {params.out:q}"
            " 2>&1 | tee {log:q}"

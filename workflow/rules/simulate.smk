# The demonstration's inputs. Only studies with a `simulation:` section have this rule.

if study.simulation:

    rule simulate:
        output:
            simulated,
        log:
            f"{results}/logs/simulate.log",
        benchmark:
            f"{results}/benchmarks/simulate.tsv"
        params:
            python=literally(sys.executable),
            settings=settings(stages.SimulateSettings),
            inputs=sums(
                study.practices,
                study.claims,
                study.qualitative and study.qualitative.themes,
                study.qualitative and study.qualitative.eligibility,
                *(study.resource_use.files() if study.resource_use else ()),
            ),
            out=literally(study.extract.path),
            code=code_hash("simulate"),
        shell:
            "{params.python:q} -m evalweave simulate --settings {params.settings:q} --out {params.out:q}"
            " --sums {output:q} 2>&1 | tee {log:q}"

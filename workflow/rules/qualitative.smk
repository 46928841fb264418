# The coded project, its counts, and the joining of the strands. Only studies with a qualitative section.

if study.qualitative:

    strand = study.qualitative

    rule code:
        input:
            [
                path
                for path in (
                    strand.project,
                    strand.participants,
                    strand.sources,
                    strand.themes,
                    strand.eligibility,
                    strand.source_participants,
                )
                if path
            ],
        output:
            multiext(
                f"{results}/code/",
                "participants.csv",
                "sources.csv",
                "source_participants.csv",
                "eligibility.csv",
                "codes.csv",
                "themes.csv",
                "theme_codes.csv",
                "segments.csv",
                "codings.csv",
                "stances.csv",
                "import_log.csv",
            ),
        log:
            f"{results}/logs/code.log",
        benchmark:
            f"{results}/benchmarks/code.tsv"
        params:
            python=sys.executable,
            settings=settings(stages.CodeSettings),
            out=f"{results}/code",
            code=code_hash("code"),
        shell:
            "{params.python} -m evalweave code --settings {params.settings:q} --out {params.out:q} 2>&1 | tee {log:q}"

    rule count:
        input:
            rules.code.output,
        output:
            multiext(
                f"{results}/count/",
                "theme_counts.csv",
                "agreement.csv",
                "fieldwork.csv",
                "cooccurrence.csv",
            ),
        log:
            f"{results}/logs/count.log",
        benchmark:
            f"{results}/benchmarks/count.tsv"
        params:
            python=sys.executable,
            settings=settings(stages.CodeSettings),
            coded=f"{results}/code",
            out=f"{results}/count",
            code=code_hash("count"),
        shell:
            "{params.python} -m evalweave count --settings {params.settings:q} --coded {params.coded:q}"
            " --out {params.out:q} 2>&1 | tee {log:q}"


if study.claims:

    rule join:
        input:
            rules.code.output,
            rules.count.output,
            study.claims,
            estimates=f"{results}/estimates/estimates.csv",
        output:
            multiext(f"{results}/join/", "joint_display.csv", "quotes.csv", "joint_display.json"),
        log:
            f"{results}/logs/join.log",
        benchmark:
            f"{results}/benchmarks/join.tsv"
        params:
            python=sys.executable,
            settings=settings(stages.JoinSettings),
            coded=f"{results}/code",
            counts=f"{results}/count",
            out=f"{results}/join",
            code=code_hash("join"),
        shell:
            "{params.python} -m evalweave join --settings {params.settings:q} --estimates {input.estimates:q}"
            " --coded {params.coded:q} --counts {params.counts:q} --out {params.out:q} 2>&1 | tee {log:q}"

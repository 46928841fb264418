# The coded project, its counts, and the joining of the strands. Only studies with a qualitative section.

if study.qualitative:

    strand = study.qualitative

    def coded_files():
        """The coded project and what stands beside it, but for what is simulated."""
        others = (*AFTER, *SIMULATED) if study.simulation else AFTER
        return [path for key, path in strand.files().items() if key not in others]

    rule code:
        input:
            simulated,
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
                "double_coding.csv",
                "project.qdpx",
            ),
        log:
            f"{results}/logs/code.log",
        benchmark:
            f"{results}/benchmarks/code.tsv"
        params:
            python=literally(sys.executable),
            settings=settings(stages.CodeSettings),
            inputs=sums(*coded_files()),
            out=f"{results}/code",
            code=code_hash("code"),
        shell:
            "{params.python:q} -m evalweave code --settings {params.settings:q} --out {params.out:q} 2>&1 | tee {log:q}"

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
                "gaps.csv",
                "disagreements.csv",
                "saturation.csv",
                "theme_numbers.csv",
                "participant_codes_n.csv",
                "participant_codes_01.csv",
                "quotations.csv",
                "codebook.csv",
            ),
        log:
            f"{results}/logs/count.log",
        benchmark:
            f"{results}/benchmarks/count.tsv"
        params:
            python=literally(sys.executable),
            settings=settings(stages.CodeSettings),
            coded=f"{results}/code",
            out=f"{results}/count",
            code=code_hash("count"),
        shell:
            "{params.python:q} -m evalweave count --settings {params.settings:q} --coded {params.coded:q}"
            " --out {params.out:q} 2>&1 | tee {log:q}"


if study.claims:

    rule join:
        input:
            rules.code.output,
            rules.count.output,
            estimates=f"{results}/estimates/estimates.csv",
        output:
            multiext(
                f"{results}/join/",
                "joint_display.csv",
                "quotes.csv",
                "quote_matrix.csv",
                "quote_warnings.csv",
                "accounts.csv",
                "integration.csv",
                "joint_display.json",
            ),
        log:
            f"{results}/logs/join.log",
        benchmark:
            f"{results}/benchmarks/join.tsv"
        params:
            python=literally(sys.executable),
            settings=settings(stages.JoinSettings),
            inputs=sums(study.claims, *(getattr(strand, key) for key in AFTER)),
            coded=f"{results}/code",
            counts=f"{results}/count",
            out=f"{results}/join",
            code=code_hash("join"),
        shell:
            "{params.python:q} -m evalweave join --settings {params.settings:q} --estimates {input.estimates:q}"
            " --coded {params.coded:q} --counts {params.counts:q} --out {params.out:q} 2>&1 | tee {log:q}"

"""Tables in which the strands are joined."""

from __future__ import annotations

from evalweave.tables.contract import DATE, NUMBER, TEXT, TRUTH, WHOLE, Table, column

QUOTES = Table(
    "quotes",
    "Quotations that may be shown: with consent, the attributes beside them shared by at least k "
    "people.",
    (
        column("claim_id", TEXT, "the claim it speaks to; blank = theme only"),
        column("theme_id", TEXT, "the theme", required=True),
        column("stance", TEXT, "supports, contradicts or blank"),
        column("quote", TEXT, "the words", required=True),
        column("code_path", TEXT, "full path of the code", required=True),
        column("speaker", TEXT, "role and attributes that may be printed", required=True),
        column("participant_id", TEXT, "pseudonym; stays in results/"),
        column("segment_id", TEXT, "the segment; stays in results/"),
    ),
)

QUOTE_WARNINGS = Table(
    "quote_warnings",
    "Quotations that may name people or places, or hold words that were left out or redacted in "
    "another stretch; stays in results/.",
    (
        column("segment_id", TEXT, "the quotation's key", required=True),
        column(
            "sign", TEXT, "declared name, participant, capital or decided elsewhere", required=True
        ),
        column("words", TEXT, "the words in question; blank for decided elsewhere"),
        column("held_back", TRUTH, "is not shown anywhere in the report", required=True),
        column("quote", TEXT, "the quotation", required=True),
    ),
)

ACCOUNTS = Table(
    "accounts",
    "What linked people said on each theme, side by side; stays in results/.",
    (
        column("relation", TEXT, "what the two are to each other", required=True),
        column("pair", WHOLE, "the pair, in the order of `links`", required=True),
        column("theme_id", TEXT, "the theme", required=True),
        column("side", TEXT, "first (participant) or second (linked)", required=True),
        column("participant_id", TEXT, "pseudonym", required=True),
        column("segment_id", TEXT, "the segment", required=True),
        column("code_id", TEXT, "the code's full path", required=True),
        column("quote", TEXT, "the words"),
    ),
)

INTEGRATION = Table(
    "integration",
    "What the analysts wrote when they brought the strands, or two data sets, together.",
    (
        column(
            "kind",
            TEXT,
            "claim (a meta-inference beside the rule's label), theme (a reading of one voice, or "
            "the synthesis of all), relation (a synthesis of linked people's accounts)",
            required=True,
        ),
        column("id", TEXT, "the claim, theme or relation", required=True),
        column("voice", TEXT, "of a theme: whose reading; blank = the synthesis"),
        column("text", TEXT, "in the analysts' words", required=True),
        column("author", TEXT, "who wrote it", required=True),
        column("written_on", DATE, "when", required=True),
    ),
    key=("kind", "id", "voice"),
)

CLAIMS = Table(
    "claims",
    "What the analyst declared before seeing results.",
    (
        column("claim_id", TEXT, "short name", required=True),
        column("theme_id", TEXT, "the theme it speaks to", required=True),
        column("proposition", TEXT, "the claim in words", required=True),
        column("role", TEXT, "whose perspective", required=True),
        column("relation", TEXT, "converges or complements", required=True),
        column("analysis", TEXT, "the analysis it speaks to", required=True),
        column("term", TEXT, "the term of that analysis", required=True),
        column("outcome_unit", TEXT, "the unit in which the margin stands", required=True),
        column("expected_sign", TEXT, "positive, negative or none", required=True),
        column(
            "margin", NUMBER, "smallest difference that matters, in outcome_unit", required=True
        ),
        column(
            "margin_low",
            NUMBER,
            "lowest margin that could be defended, for label stability; blank = half",
        ),
        column(
            "margin_high", NUMBER, "highest margin that could be defended; blank = twice the margin"
        ),
        column(
            "expected_change",
            TEXT,
            "better, worse or none: checked against the sign and the outcome",
        ),
        column(
            "minimum",
            NUMBER,
            "people who must support or contradict it before there is a label; blank = the smaller "
            "of 3 and a third of those asked",
        ),
        column("rationale", TEXT, "why this sign and this margin"),
        column("author", TEXT, "who declared it"),
        column("declared_on", DATE, "when", required=True),
        column("analyst_label", TEXT, "the analyst's own reading afterwards"),
        column("analyst_initials", TEXT, "whose reading"),
        column("analyst_date", DATE, "when it was given"),
        column("analyst_reason", TEXT, "why it differs from or confirms the rule's label"),
    ),
    key=("claim_id",),
)

JOINT_DISPLAY = Table(
    "joint_display",
    "One row a claim: the two strands side by side, and what the declared rule says of them.",
    (
        column("claim_id", TEXT, "the claim", required=True),
        column("theme_id", TEXT, "the theme", required=True),
        column("theme_label", TEXT, "the theme in words"),
        column("proposition", TEXT, "the claim in words", required=True),
        column("role", TEXT, "whose perspective", required=True),
        column("relation", TEXT, "converges or complements", required=True),
        column("analysis", TEXT, "the analysis", required=True),
        column("term", TEXT, "the term", required=True),
        column("outcome_unit", TEXT, "unit of estimate and margin", required=True),
        column("expected_sign", TEXT, "positive, negative or none", required=True),
        column(
            "margin",
            NUMBER,
            "smallest difference that matters",
            required=True,
            statistic="declared",
        ),
        column("estimate", NUMBER, "the estimate", statistic="estimate"),
        column("std_error", NUMBER, "its standard error", statistic="error"),
        column("dof", NUMBER, "degrees of freedom", statistic="dof"),
        column("ci_low", NUMBER, "lower end of the 95 % interval", statistic="interval"),
        column("ci_high", NUMBER, "upper end", statistic="interval"),
        column(
            "family_ci_low",
            NUMBER,
            "lower end adjusted for the declared family of comparisons; it decides the state",
            statistic="interval",
        ),
        column("family_ci_high", NUMBER, "upper end adjusted likewise", statistic="interval"),
        column(
            "family_size",
            WHOLE,
            "comparisons of that family; blank = not part of one",
            statistic="declared",
        ),
        column("inference", TEXT, "the declared primary inference"),
        column("quantitative_state", TEXT, "D, E, I or X", required=True),
        column("quantitative_detail", TEXT, "direction and size in words"),
        column("n_eligible", WHOLE, "people asked", counts="participants"),
        column(
            "n_raised",
            WHOLE,
            "people who raised the theme; blank where it is not known",
            counts="participants",
        ),
        column("attributed", TEXT, "what n_raised is: complete, at least, or not known"),
        column("n_supports", WHOLE, "people who support", counts="participants"),
        column("n_contradicts", WHOLE, "people who contradict", counts="participants"),
        column(
            "minimum",
            NUMBER,
            "people who must speak to the claim before it has a label: the rule",
            statistic="declared",
        ),
        column("qualitative_state", TEXT, "U, A, H, S, C, M or N", required=True),
        column("negative_case", TRUTH, "somebody speaks against what the state says"),
        column("label", TEXT, "what the rule says; blank for complementary claims"),
        column(
            "label_stability",
            NUMBER,
            "share of shifted intervals, margins and coder choices with this label",
            statistic="stability",
        ),
        column("post_hoc", TRUTH, "declared after the estimates were first seen"),
        column("rule_version", TEXT, "version of the convergence rule", required=True),
        column("analyst_label", TEXT, "the analyst's own reading"),
        column("analyst_initials", TEXT, "whose"),
        column("analyst_date", DATE, "when"),
        column("analyst_reason", TEXT, "why"),
        column("meta_inference", TEXT, "what the analysts conclude from both strands"),
        column("meta_inference_author", TEXT, "who wrote it"),
        column("meta_inference_date", DATE, "when"),
    ),
    key=("claim_id",),
)

"""Tables of the qualitative strand."""

from __future__ import annotations

from evalweave.tables.contract import DATE, NUMBER, TEXT, TRUTH, WHOLE, Table, column

PARTICIPANTS = Table(
    "participants",
    "One row a person who took part in the qualitative strand.",
    (
        column("participant_id", TEXT, "the participant's pseudonym", required=True),
        column("role", TEXT, "client, link_worker, family, …", required=True),
        column("age_band", TEXT, "age band"),
        column("gender", TEXT, "gender"),
        column("ethnicity", TEXT, "ethnic group"),
        column("employment", TEXT, "employment"),
        column("provider", TEXT, "provider of the service"),
        column("months_in_programme", NUMBER, "months with the programme"),
        column("consent_quote", TRUTH, "may be quoted"),
    ),
    key=("participant_id",),
)

SOURCES = Table(
    "sources",
    "One row a source document.",
    (
        column("source_id", TEXT, "path and text hash, stable over exports", required=True),
        column("name", TEXT, "the document's name", required=True),
        column("kind", TEXT, "initial_interview, focus_group, field_note, …"),
        column("phase", TEXT, "phase of fieldwork"),
        column("date", DATE, "date of fieldwork"),
        column("n_chars", WHOLE, "length of the text in code points"),
        column(
            "offset_convention",
            TEXT,
            "how positions count: lf or crlf, code_point, utf16 or utf8 bytes",
        ),
        column("origin_tool", TEXT, "the program that wrote the project"),
        column("sha256", TEXT, "hash of the text"),
        column("medium", TEXT, "text, picture, audio, video or pdf"),
        column(
            "shared",
            TEXT,
            "whose words it holds when linked as a whole to several people: each, group, unknown; "
            "blank: not declared",
        ),
        column(
            "unmatched",
            TEXT,
            "somebody is named in it who is no participant, or whose place is not known: in all of "
            "it, or in a part",
        ),
        column(
            "codebooks",
            TEXT,
            "with the code books of which projects it was coded: (main), names of further ones; "
            "blank = the main project's alone",
        ),
    ),
    key=("source_id",),
)

SOURCE_PARTICIPANTS = Table(
    "source_participants",
    "Which participant speaks in which (part of a) source.",
    (
        column("source_id", TEXT, "the source", required=True),
        column("participant_id", TEXT, "the participant", required=True),
        column("start", WHOLE, "first code point that is theirs; blank = the whole source"),
        column("end", WHOLE, "one past the last code point that is theirs"),
        column(
            "basis",
            TEXT,
            "case_source, case_selection, case_coding, variable or map",
            required=True,
        ),
        column("segment_id", TEXT, "the segment that is theirs, where it has no position"),
    ),
)

ELIGIBILITY = Table(
    "eligibility",
    "Who was asked about which theme.",
    (
        column("participant_id", TEXT, "the participant", required=True),
        column("theme_id", TEXT, "the theme", required=True),
        column("eligible", TRUTH, "was asked, so belongs to the denominator", required=True),
        column("reason", TEXT, "why, or why not"),
    ),
    key=("participant_id", "theme_id"),
)

CODES = Table(
    "codes",
    "The code book; the path is the key, since a leaf name may stand under two parents.",
    (
        column("code_id", TEXT, "the full path", required=True),
        column("path", TEXT, "names from the root, joined by ' > '", required=True),
        column("parent", TEXT, "code_id of the parent; blank at the root"),
        column("depth", WHOLE, "0 at the root", required=True),
        column("codable", TRUTH, "may be applied to text"),
        column("description", TEXT, "what it means"),
    ),
    key=("code_id",),
)

THEMES = Table(
    "themes",
    "The themes of the analysis.",
    (
        column("theme_id", TEXT, "short name", required=True),
        column("label", TEXT, "the theme in words", required=True),
        column("definition", TEXT, "what belongs to it"),
    ),
    key=("theme_id",),
)

THEME_CODES = Table(
    "theme_codes",
    "Which codes make up a theme.",
    (
        column("theme_id", TEXT, "the theme", required=True),
        column("code_id", TEXT, "the code's full path", required=True),
        column("descendants", TRUTH, "with everything below it", required=True),
    ),
    key=("theme_id", "code_id"),
)

SEGMENTS = Table(
    "segments",
    "One row a marked stretch of a source.",
    (
        column("segment_id", TEXT, "source_id and positions", required=True),
        column("source_id", TEXT, "the source", required=True),
        column("start", WHOLE, "first code point, from 0"),
        column("end", WHOLE, "one past the last code point"),
        column("quote", TEXT, "the text"),
        column("offset_check", TEXT, "ok, shifted, ambiguous, beyond or unchecked", required=True),
        column("place", TEXT, "where in a picture, recording or PDF; blank in a text"),
    ),
    key=("segment_id",),
)

CODINGS = Table(
    "codings",
    "One row a code given to a segment by a coder.",
    (
        column("segment_id", TEXT, "the segment", required=True),
        column("code_id", TEXT, "the code's full path", required=True),
        column("coder_id", TEXT, "coder pseudonym (names are dropped on load)", required=True),
        column("coded_at", TEXT, "when, where the tool says"),
    ),
    key=("segment_id", "code_id", "coder_id"),
)

STANCES = Table(
    "stances",
    "Segments that support or contradict a claim.",
    (
        column("segment_id", TEXT, "the segment", required=True),
        column("claim_id", TEXT, "the claim", required=True),
        column("coder_id", TEXT, "coder pseudonym", required=True),
        column("stance", TEXT, "supports or contradicts", required=True),
    ),
    key=("segment_id", "claim_id", "coder_id", "stance"),
)

DOUBLE_CODING = Table(
    "double_coding",
    "Which sources were coded by whom independently, as declared; empty where nothing is declared.",
    (
        column("source_id", TEXT, "the source", required=True),
        column("coder_id", TEXT, "coder pseudonym", required=True),
    ),
    key=("source_id", "coder_id"),
)

IMPORT_LOG = Table(
    "import_log",
    "Everything that reading the project noticed, counted.",
    (
        column("severity", TEXT, "note or warning", required=True),
        column("subject", TEXT, "what it is about: offsets, cases, codes, users, …", required=True),
        column("message", TEXT, "one plain sentence", required=True),
        column("n", WHOLE, "how often"),
    ),
)

THEME_COUNTS = Table(
    "theme_counts",
    "How many of those asked raised a theme or code, never pooled over roles.",
    (
        column("theme_id", TEXT, "the theme", required=True),
        column("code_id", TEXT, "the code; blank = the whole theme, rolled up by set union"),
        column(
            "role",
            TEXT,
            "whose voice: client, link_worker, family, or observation for field notes, group for "
            "words of a group, unattributed for words of nobody who can be named",
            required=True,
        ),
        column("attribute", TEXT, "one-way attribute; blank = everyone of the role"),
        column("attribute_level", TEXT, "its level"),
        column(
            "n_participants",
            WHOLE,
            "people who raised it (k); blank for observations and where it is not known",
            counts="participants",
        ),
        column(
            "n_eligible",
            WHOLE,
            "people who were asked (N); blank for observations",
            counts="participants",
        ),
        column(
            "n_references",
            WHOLE,
            "coded references; blank where a matrix of counts lacks them",
            counts="references",
        ),
        column("n_sources", WHOLE, "sources that hold one; blank likewise", counts="sources"),
        column(
            "attributed",
            TEXT,
            "complete; at least (k is a lower bound: coded words cannot be given to a person); or "
            "not known (none can be)",
        ),
    ),
    key=("theme_id", "code_id", "role", "attribute", "attribute_level"),
)

GAPS = Table(
    "gaps",
    "What could make a count too small without a word; stays in results/.",
    (
        column("theme_id", TEXT, "the theme; blank = the whole project"),
        column(
            "gap",
            TEXT,
            "source without any coding, participant without any source (or whose sources hold no "
            "coding), code without any theme",
            required=True,
        ),
        column("item", TEXT, "the source, participant or code", required=True),
    ),
    key=("theme_id", "gap", "item"),
)

FIELDWORK = Table(
    "fieldwork",
    "What was done with whom: sources and people by role, kind and phase.",
    (
        column(
            "role",
            TEXT,
            "role, observation, or unattributed for sources without a linked person",
            required=True,
        ),
        column("kind", TEXT, "initial_interview, focus_group, field_note, …", required=True),
        column("phase", TEXT, "phase of fieldwork"),
        column(
            "n_sources", WHOLE, "sources in which the role speaks", required=True, counts="sources"
        ),
        column(
            "n_participants",
            WHOLE,
            "people of the role; blank for observations",
            counts="participants",
        ),
        column("first_month", TEXT, "month of the first source, such as 2019-03"),
        column("last_month", TEXT, "month of the last"),
    ),
    key=("role", "kind", "phase"),
)

COOCCURRENCE = Table(
    "cooccurrence",
    "Pairs of codes and the stretches of text that carry both, whoever gave them.",
    (
        column("code_a", TEXT, "a code's full path", required=True),
        column("code_b", TEXT, "another, later in the alphabet", required=True),
        column(
            "n_references", WHOLE, "stretches that carry both", required=True, counts="references"
        ),
        column("n_sources", WHOLE, "sources that hold one", required=True, counts="sources"),
    ),
    key=("code_a", "code_b"),
)

AGREEMENT = Table(
    "agreement",
    "Agreement between coders, with its unit.",
    (
        column("source_id", TEXT, "the source; blank = all double-coded sources"),
        column("code_id", TEXT, "the code; blank = all codes", required=False),
        column("coder_a", TEXT, "coder pseudonym; blank = all coders"),
        column("coder_b", TEXT, "coder pseudonym"),
        column(
            "measure", TEXT, "cohen_kappa, krippendorff_alpha or percent_agreement", required=True
        ),
        column("agreement_unit", TEXT, "character, segment or document", required=True),
        column("coefficient", NUMBER, "the coefficient; blank = not estimable"),
        column("n_units", WHOLE, "units compared"),
        column("note", TEXT, "why it is not estimable, or which sources were double-coded"),
    ),
)

DISAGREEMENTS = Table(
    "disagreements",
    "Side by side: stretches of double-coded sources and codes that not every coder gave them; "
    "stays in results/.",
    (
        column("source_id", TEXT, "the source", required=True),
        column("start", WHOLE, "first code point, from 0"),
        column("end", WHOLE, "one past the last code point"),
        column("quote", TEXT, "the words"),
        column("code_id", TEXT, "the code in dispute", required=True),
        column("given_by", TEXT, "coders who gave it", required=True),
        column("not_given_by", TEXT, "coders of the source who did not", required=True),
        column("instead", TEXT, "what these gave there instead; blank = nothing"),
    ),
)

SATURATION = Table(
    "saturation",
    "How many codes the first n people of a role bring, over orders drawn at random.",
    (
        column("role", TEXT, "whose voice", required=True),
        column("n_first", WHOLE, "the first n people", required=True, statistic="place"),
        column("mean", NUMBER, "codes raised, mean over orders", unit="codes", statistic="mean"),
        column("low", NUMBER, "2.5 % of the orders", unit="codes", statistic="mean"),
        column("high", NUMBER, "97.5 % of the orders", unit="codes", statistic="mean"),
        column(
            "n_left_out",
            WHOLE,
            "people of the role whose words are not known; stays in results/",
            counts="participants",
        ),
    ),
    key=("role", "n_first"),
)

THEME_NUMBERS = Table(
    "theme_numbers",
    "A numeric attribute among those who raised a theme, and among all who were asked.",
    (
        column("theme_id", TEXT, "the theme", required=True),
        column("role", TEXT, "whose voice", required=True),
        column("attribute", TEXT, "the attribute", required=True),
        column("of", TEXT, "raised or asked", required=True),
        column("n_with_value", WHOLE, "people with a value", counts="participants"),
        column("median", NUMBER, "their median", statistic="mean"),
        column("low", NUMBER, "a value that `min_cell` people lie at or below", statistic="mean"),
        column("high", NUMBER, "a value that `min_cell` people lie at or above", statistic="mean"),
        column("lowest", NUMBER, "the lowest of all; stays in results/", statistic="mean"),
        column("highest", NUMBER, "the highest of all; stays in results/", statistic="mean"),
    ),
    key=("theme_id", "role", "attribute", "of"),
)

ROLE_COUNTS = Table(
    "matrix",
    "Counts by code and role that were added up elsewhere.",
    (
        column("code_id", TEXT, "the code's full path", required=True),
        column("role", TEXT, "the role", required=True),
        column("n", WHOLE, "how many", required=True),
        column("counts_are", TEXT, "what is counted", required=True),
    ),
    key=("code_id", "role"),
)

"""One module per command: it reads files, calls one function, writes files. Imports are lazy."""

# Command → what it does, in the order in which --help lists them. Each is
# `evalweave.commands.<name>:command`.
COMMANDS = {
    "init": "Make a new study folder to start from.",
    "check": "Say everything that is wrong with a study and its extract, before anything runs.",
    "run": "Run a whole study and say where its report is.",
    "fit": "Run the estimators on anybody's panel.",
    "economics": "Value what a programme costs against what it does, on anybody's panel.",
    "reproduce": "Rerun a released report from the same extract and compare every number.",
    "compare": "Say what changed between two reports.",
    "attack": "Try to undo a release with nothing but its files.",
    "trace": "Show one person's way from the extract to the panel (secure area only).",
    "simulate": "Make up an extract and a coded project with known truth.",
    "ingest": "Stage: read the extract into typed tables.",
    "clean": "Stage: clean events into measurements, with a ledger.",
    "intake": "Stage: compare what came with what the run before was given.",
    "cohort": "Stage: find eligible patients and their arms.",
    "panel": "Stage: build the patient-by-period panel.",
    "uses": "Stage: count and price the care that was used, by person and period.",
    "value": "Stage: value what the programme costs against what it does.",
    "estimates": "Stage: gather the fits, convert units, adjust families.",
    "code": "Stage: read a coded qualitative project and say what is in it.",
    "count": "Stage: count themes by participants, references and sources.",
    "join": "Stage: join estimates and themes by the declared claims.",
    "report": "Stage: write the report folder.",
    "audit": "Stage: prove that a report folder holds only disclosure-checked aggregates.",
    "crate": "Stage: pack the audited release and its metadata into release.zip.",
}

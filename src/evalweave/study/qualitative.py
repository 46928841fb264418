"""The qualitative strand of a study."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field

from evalweave.catalogue.projects import PROJECTS, takers
from evalweave.study.reporting import Reporting
from evalweave.study.section import Name, Section

if TYPE_CHECKING:
    FormatName = str
else:
    FormatName = Literal[tuple(PROJECTS)]


SIMULATED = ("project", "participants", "sources")  # files that a simulation makes up
WRITTEN = ("themes", "eligibility", "source_participants", "double_coding", "stances")
AFTER = ("quotes", "names", "links", "integration")  # files of people that only the joining reads
FILES = (*SIMULATED, *WRITTEN, *AFTER)


FURTHER = ("project", "source_participants", "sources", "double_coding")  # of a further project


class FurtherProject(Section):
    """A coded project beside the main one; its codes stand below its name."""

    project: str = Field(description="The coded project.")
    format: FormatName = Field(next(iter(PROJECTS)), description="Format of the project.")
    source_participants: str | None = Field(None, description="As of the main project.")
    sources: str | None = Field(None, description="As of the main project.")
    double_coding: str | None = Field(None, description="As of the main project.")
    columns: dict[str, str] = Field({}, description="As of the main project.")
    sheet: str | None = Field(None, description="As of the main project.")
    header_row: int | None = Field(None, ge=1, description="As of the main project.")


class Qualitative(Section):
    project: str = Field(description="The coded project.")
    format: FormatName = Field(next(iter(PROJECTS)), description="Format of the project.")
    further_projects: dict[Name, FurtherProject] = Field(
        {},
        description="Further coded projects of the study by name, such as link_workers: their "
        "codes stand below that name (link_workers > pressure), and themes say what belongs "
        "together.",
    )
    participants: str = Field(description="CSV or XLSX of participants.")
    themes: str = Field(
        description="CSV: theme_id, label, definition, code (full path), descendants."
    )
    eligibility: str | None = Field(
        None, description="CSV: participant_id, theme_id, eligible, reason."
    )
    source_participants: str | None = Field(
        None, description="CSV source,participant[,start,end]: overrides the links of the project."
    )
    sources: str | None = Field(
        None, description="CSV source,kind,phase,date,shared: what each source is."
    )
    shared_sources: Literal["each", "group", "unknown"] = Field(
        "unknown",
        description="Whose words a source holds that is linked as a whole to several people: each "
        "(all of them said it), group (a unit of its own, never added to people) or unknown "
        "(counts are lower bounds). The column shared of sources overrides it source by source.",
    )
    coders_of_one_name: Literal["one", "several"] = Field(
        "one",
        description="Whether coders listed under one name are one person, never compared with "
        "herself, or several.",
    )
    double_coding: str | None = Field(
        None,
        description="CSV source,coder: which sources were coded independently, and by whom (as the "
        "project names them), so that a source in which one coder found nothing counts. Blank = "
        "the sources that several coders coded.",
    )
    tradition: Literal["codebook", "content_analysis", "framework", "reflexive"] | None = Field(
        None,
        description="The analytic tradition. Where it is reflexive no agreement between coders is "
        "computed: coding is interpretation there, not measurement.",
    )
    columns: dict[str, str] = Field(
        {}, description=f"{takers('columns')}: our column → the name in the file."
    )
    sheet: str | None = Field(
        None, description=f"{takers('sheet')}: the sheet of a workbook; found if not given."
    )
    header_row: int | None = Field(
        None,
        ge=1,
        description=f"{takers('header_row')}: the row of the header below title rows; found if not "
        "given.",
    )
    counts_are: Literal["participants", "references", "sources", "words"] | None = Field(
        None,
        description=f"{takers('counts_are')}: what a cell of the matrix counts; must be declared.",
    )
    stance_prefix: str = Field(
        "claim", description="Codes claim::<claim_id>::supports|contradicts are stances."
    )
    stances: str | None = Field(
        None,
        description="CSV claim_id,stance and segment_id, or source with start and end or quote"
        "[,coder]: stances beside those coded in the project.",
    )
    attributes: list[str] = Field(
        [], description="Participant attributes to cross themes with, one at a time."
    )
    numeric_attributes: list[str] = Field(
        [],
        description="Participant attributes that are numbers, such as months_in_programme: the "
        "report shows their median and range among those who raised a theme and those asked.",
    )
    saturation: list[str] = Field(
        [],
        description="Roles whose saturation curve is drawn: how many codes the first n people "
        "bring, the order permuted.",
    )
    observation_kinds: list[str] = Field(
        ["field_note", "observation"], description="Kinds of source that belong to no participant."
    )
    min_cell: int = Field(
        3,
        ge=1,
        description="Counts of participants below this are hidden, and so are all but fewer than "
        "this of those asked; "
        "none and all stay.",
    )
    quote_k: int = Field(
        3, ge=1, description="Attributes beside a quote are shared by at least this many people."
    )
    quotes: str | None = Field(
        None,
        description="CSV segment_id,decision,author,date[,words,claim_id,reason]: quotations by "
        "key, to show, leave_out or redact; all others are chosen by rule.",
    )
    names: str | None = Field(
        None,
        description="CSV name: people and places that no quotation may name; stays in the secure "
        "area.",
    )
    allowed_words: list[str] = Field(
        [], description="Words with a capital that quotations may hold, such as the city's name."
    )
    quote_check: Literal["capitals", "declared"] = Field(
        "capitals",
        description="What holds a quotation back: declared names, participants' identifiers and "
        "capitals inside a sentence, or (in languages that write nouns so) only the first two.",
    )
    links: str | None = Field(
        None,
        description="CSV participant,linked,relation: people who belong together, such as a client "
        "and her link worker; their accounts are set side by side.",
    )
    integration: str | None = Field(
        None,
        description="CSV kind,id,text,author,date[,voice]: what the analysts write about a claim, "
        "a theme (voice = one data set's reading) or a relation.",
    )
    reporting: Reporting = Field(
        Reporting(), description="What the authors state for GRAMMS, SRQR and COREQ."
    )
    percent_from: int = Field(
        20, ge=1, description="No percentages below this many eligible people."
    )

    def files(self) -> dict[str, str | None]:
        """Return every file of the strand by the key that names it."""
        further = {
            f"further_projects, {name}, {key}": getattr(project, key)
            for name, project in self.further_projects.items()
            for key in FURTHER
        }
        return {key: getattr(self, key) for key in FILES} | further

    def with_files(self, change: Callable[[str, str], str]) -> Self:
        """Return the strand with `change(key, path)` in place of every path that is given."""

        def changed(section: Section, keys: Sequence[str], before: str = "") -> dict[str, object]:
            paths = {key: getattr(section, key) for key in keys}
            return {key: change(before + key, path) for key, path in paths.items() if path}

        further = {
            name: project.model_copy(
                update=changed(project, FURTHER, f"further_projects, {name}, ")
            )
            for name, project in self.further_projects.items()
        }
        update = changed(self, FILES) | {"further_projects": further}
        return self.model_copy(update=update)

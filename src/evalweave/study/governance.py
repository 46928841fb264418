"""Who answers for a study and what was agreed: for the release's own record of it.

Nothing of it changes a number. What is not stated is printed as not stated.
"""

from __future__ import annotations

from pydantic import Field

from evalweave.study.section import Section


class Person(Section):
    """Somebody who answers for the analysis; the first one asked for the run."""

    name: str = Field(min_length=1, description="As it may be published.")
    orcid: str = Field(
        "",
        pattern=r"^(\d{4}-\d{4}-\d{4}-\d{3}[\dX])?$",
        description="ORCID iD, such as 0000-0002-1825-0097.",
    )
    affiliation: str = Field("", description="The organisation that the person speaks for.")


class Project(Section):
    """The project on whose behalf the data are used."""

    name: str = Field("", description="Name of the project.")
    identifier: str = Field("", description="Its number in the secure environment or register.")
    organisation: str = Field("", description="The organisation that is responsible.")
    funding: str = Field("", description="Who pays for it, with the grant's number.")


class Governance(Section):
    """What was agreed on the use of the data and the release of results."""

    approval: str = Field("", description="Ethics or research approval, with its reference.")
    agreement: str = Field("", description="Agreement under which the data are used.")
    setting: str = Field("", description="The secure environment in which the study was run.")
    output_check: str = Field(
        "", description="Who checked the outputs beside evalweave's audit, and when."
    )

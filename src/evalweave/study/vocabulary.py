"""Words that the extract uses and the package does not know."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from evalweave.study.section import Section


class Vocabulary(Section):
    """A study's own words, word → meaning; case, blanks, punctuation and Unicode form do not
    matter."""

    units: dict[str, str] = Field(
        {}, description="A spelling of a unit → the unit: {mmol per mol haem: mmol/mol}."
    )
    coding_systems: dict[str, Literal["snomed", "read2", "ctv3", "medcodeid", "omop", "local"]] = (
        Field({}, description="A name of a coding system → ours: {SNM: snomed}.")
    )
    sexes: dict[str, Literal["female", "male", "unknown"]] = Field(
        {}, description="A word or code of a sex → female, male or unknown."
    )
    ethnic_groups: dict[str, Literal["white", "mixed", "asian", "black", "other", "unknown"]] = (
        Field({}, description="A label or code of an ethnic group → the census's group.")
    )
    yes_no: dict[str, Literal["yes", "no"]] = Field(
        {}, description="A word of a yes/no column → yes or no (in quotes)."
    )
    missing: list[str] = Field(
        [], description="More words that stand for a blank in dates, numbers, units and sexes."
    )

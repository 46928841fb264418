"""Every layout that an extract may have. To add one: write its file in
`evalweave/extract/readers/`, add its entry here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class ExtractFormat:
    """A layout of extracts.

    Attributes:
        name: as the study file calls it.
        reader: its module in `evalweave.extract.readers`.
        settles: keys of `extract` and what the layout makes of them where the study file is silent.
        starts_with: the `extract` section of a new study, as `evalweave init` writes it.
        without: what a new study can exclude, given the codes that come with it (YAML).
        secondary: what to know of those codes before secondary outcomes are asked for.
        translates: the coding system that its lookups translate codes into; blank = none.
    """

    name: str
    reader: str
    settles: Mapping[str, Any] = field(default_factory=dict)
    starts_with: str
    without: str = "[type_1_diabetes]"
    secondary: str
    translates: str = ""


_DECLARED = (
    ExtractFormat(
        name="flat",
        reader="flat",
        starts_with="""\
extract:
  format: flat                     # patients, registrations and events as CSV, CSV.gz or Parquet
  path: extract                    # FILL IN: the folder of the files
  date_format: iso                 # or dmy for 31/12/2015, mdy for 12/31/2015
  # columns: {patients: {birth_year: yob}}   # our column: the name in the file
  # last_collection: 2019-03-31""",
        secondary="their lists hold a few SNOMED CT codes",
    ),
    ExtractFormat(
        name="cprd_aurum",
        translates="snomed",
        reader="cprd_aurum",
        settles={"date_format": "dmy", "code_system": "medcodeid", "missing": ["NA"]},
        starts_with="""\
extract:
  format: cprd_aurum               # <study>_extract_<table>_<nnn>.txt and the lookups
  path: extract                    # FILL IN: the folder of the files, with NumUnit.txt
  date_format: dmy                 # CPRD writes 31/12/2015
  code_system: medcodeid           # or snomed: translated by MedicalDictionary.txt beside the files
  # Aurum has no deprivation or ethnicity: join the linked data to Patient as columns imd_quintile
  # and ethnicity. 1 must be the most deprived fifth; CPRD's own quintiles count the other way round
  # (5 = most deprived).""",
        without="[]                       # [type_1_diabetes], once its list has medcodeids",
        secondary="with code_system: snomed their lists hold a few codes; as medcodeids they are "
        "yours to fill in",
    ),
    ExtractFormat(
        name="omop",
        translates="snomed",
        reader="omop",
        settles={"code_system": "omop"},
        starts_with="""\
extract:
  format: omop                     # Common Data Model 5.4 as CSV or Parquet: PERSON, MEASUREMENT, …
  path: extract                    # FILL IN: the folder of the files
  code_system: omop                # or snomed: concepts translated by CONCEPT in the same folder
  # last_collection: 2019-03-31""",
        secondary="their lists hold the standard concepts; smoking is read from OBSERVATION",
    ),
    ExtractFormat(
        name="cprd_gold",
        reader="cprd_gold",
        settles={"date_format": "dmy", "code_system": "gold_medcode", "missing": ["NA"]},
        starts_with="""\
extract:
  format: cprd_gold                # <study>_Extract_<Table>_<nnn>.txt
  path: extract                    # FILL IN: the folder of the files, with Practice
  date_format: dmy                 # CPRD writes 31/12/2015
  # GOLD has no deprivation or ethnicity: join the linked data to Patient as columns imd_quintile
  # and ethnicity. 1 must be the most deprived fifth; CPRD's own quintiles count the other way round
  # (5 = most deprived).""",
        without="[]                       # [type_1_diabetes], once its list has medcodes",
        secondary="their lists need the medcodes of your build (gold_medcode)",
    ),
    # A new layout of extracts: its entry goes above this line.
)
EXTRACTS = {declared.name: declared for declared in _DECLARED}


def settled(key: str) -> str:
    """Return what the layouts make of a key of `extract` that is not given, in words."""
    words = []
    for declared in EXTRACTS.values():
        value = declared.settles.get(key)
        if value:
            shown = ", ".join(value) if isinstance(value, list) else value
            words.append(f"{shown} in {declared.name}")
    return ", ".join(words)

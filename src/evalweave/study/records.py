"""How the extract is written, and how its records are cleaned."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)

from evalweave.catalogue.extracts import EXTRACTS, settled
from evalweave.errors import nearest
from evalweave.study import connections
from evalweave.study.section import Section
from evalweave.vocabulary.words import words

if TYPE_CHECKING:
    FormatName = str
else:
    FormatName = Literal[tuple(EXTRACTS)]


HOME = "Europe/London"  # where a moment's day is meant, unless the study file says otherwise
# How dates may be written: the form's name → 30 April 2015 in it.
DATE_FORMS = {
    "iso": "2015-04-30",
    "dmy": "30/04/2015",
    "mdy": "04/30/2015",
    "ymd": "2015/04/30",
    "yyyymmdd": "20150430",
    "month_name": "30-APR-2015",
    "excel_1900": "42124",
    "excel_1904": "40662",
    "days_since_1960": "20208",
}


class EventInRow(Section):
    """Events that stand in columns of the patients' row, as in the datasets of one row a patient
    that ehrQL writes. A `*` stands for the same text in `date` and `value`."""

    date: str = Field(description="Column of the day; where it is blank there is no event.")
    value: str = Field("", description="Column of the value; blank = none, as of a diagnosis.")
    code: str = Field(description="Code that the events get, of one of the study's code lists.")
    code_system: str = Field("", description="Its coding system; blank = extract, code_system.")
    unit: str = Field("", description="Unit of the values; blank = decided by code or range.")

    @property
    def place(self) -> tuple[str, str]:
        """Return its columns: an event of a row is told by them."""
        return self.date, self.value

    @model_validator(mode="after")
    def _one_star(self) -> Self:
        stars = self.date.count("*"), self.value.count("*")
        if max(stars) > 1 or (self.value and stars[0] != stars[1]):
            raise ValueError(
                "date and value may hold one * each, or none, as in hba1c_date_* and hba1c_*"
            )
        return self


class Extract(Section):
    format: FormatName = Field(next(iter(EXTRACTS)), description="Layout of the extract.")
    path: str = Field(
        "", description="Folder of the extract's files; needed unless a connection is given."
    )
    connection: str | None = Field(
        None,
        description="Database to read instead of files: duckdb://FILE, postgresql://USER@HOST/NAME "
        "or ${NAME}, which stands in the environment, as passwords must (docs/databases.md).",
    )
    database_schema: str | None = Field(
        None, description="Schema of the database's tables; blank = the connection's own."
    )
    files: dict[str, str] = Field(
        {},
        description="File (or pattern with *) of each table where its name is not the default; of "
        "a database, the table's name there.",
    )
    columns: dict[str, dict[str, str]] = Field(
        {}, description="Per table: our column name → the name in the file."
    )
    events_in_patients: list[EventInRow] = Field(
        [],
        description="In the flat format: events that stand in columns of the patients' row, such "
        "as {date: hba1c_date_*, value: hba1c_*, code: '999791000000106', unit: mmol/mol}.",
    )
    code_system: str = Field(
        "snomed",
        description="Coding system of codes that come without one: snomed, read2, ctv3, medcodeid, "
        f"omop. Not given: {settled('code_system')}; there, snomed translates codes by the "
        "extract's dictionary.",
    )
    date_format: Literal[
        "iso",
        "dmy",
        "mdy",
        "ymd",
        "yyyymmdd",
        "month_name",
        "excel_1900",
        "excel_1904",
        "days_since_1960",
    ] = Field(
        "iso",
        description="How dates are written: 2015-04-01 (iso), 01/04/2015 (dmy), 04/01/2015 (mdy), "
        "2015/04/01 (ymd), 20150401 (yyyymmdd), 01-APR-2015 (month_name), or as day numbers of "
        "Excel (excel_1900, excel_1904) or of SAS and Stata (days_since_1960). A file in which "
        "every date is written in another, unmistakable form is read so, and a note says it. "
        f"Not given: {settled('date_format')}.",
    )
    time_zone: str = Field(
        HOME,
        description="Where the day is meant of a moment that names its own zone, such as "
        "2015-03-31T23:00:00Z (1 April in London), in text and in typed files and databases.",
    )
    delimiter: str | None = Field(
        None, description="Column separator of text files; recognised when not given."
    )
    missing: list[str] = Field(
        [],
        description="Words that stand for a blank, such as NA or NULL, as they are written. "
        f"Not given: {settled('missing')}.",
    )
    last_collection: dt.date | None = Field(
        None,
        description="Last day that the extract covers; blank = practices' contributes_to, or the "
        "window.",
    )

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        if zone not in zoneinfo.available_timezones():
            raise ValueError(f'"{zone}" is no time zone; write it as in "Europe/London"')
        return zone

    @model_validator(mode="before")
    @classmethod
    def _as_the_format_is_written(cls, said: Any) -> Any:
        if not isinstance(said, dict):
            return said
        declared = EXTRACTS.get(str(said.get("format")))
        return {**declared.settles, **said} if declared else said

    @field_validator("connection", mode="before")
    @classmethod
    def _without_secrets(cls, said: Any) -> Any:
        if said is None:
            return None
        return connections.checked(said if isinstance(said, str) else "")  # it is never quoted

    @field_validator("path", "files")
    @classmethod
    def _no_address(cls, said: Any) -> Any:
        places = [said] if isinstance(said, str) else list(said.values())
        if any(map(connections.looks_like_one, places)):
            raise ValueError(
                "found an address or a connection string, expected a path. A database goes under "
                "extract, connection, its password into the environment (docs/databases.md)"
            )
        return said

    @model_validator(mode="after")
    def _files_or_a_database(self) -> Self:
        if self.path and self.connection:
            raise ValueError("found both a path and a connection; give one of them")
        if not (self.path or self.connection):
            raise ValueError('the key "path" is missing; name the folder, or give a connection')
        if self.events_in_patients and self.format != "flat":
            raise ValueError("events_in_patients goes with format: flat")
        if self.database_schema and not self.connection:
            raise ValueError("database_schema needs a connection")
        return self

    @model_serializer(mode="wrap")
    def _without_a_trace(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what an extract of files has not, and what is new and not used."""
        dumped: dict[str, Any] = handler(self)
        if not self.events_in_patients:
            dumped.pop("events_in_patients", None)
        if self.connection is None:
            for key in ("connection", "database_schema"):
                dumped.pop(key, None)
        return dumped

    def located(self, folder: str) -> Self:
        """Return the extract as files in `folder`: its own, or those that a database was copied
        to."""
        files = self.files
        if self.connection:
            files = {
                table: name if name.endswith(".parquet") else f"{name}.parquet"
                for table, name in files.items()
            }
        update = {"path": folder, "files": files, "connection": None, "database_schema": None}
        return self.model_copy(update=update)

    @field_validator("code_system")
    @classmethod
    def _a_known_system(cls, said: str) -> str:
        known = words("coding_systems")
        system = known.read(said)
        if system is None:
            raise ValueError(f'"{said}" is no coding system. {nearest(said, known.meanings)}')
        return system


class Cleaning(Section):
    """One switch per rule; the order is fixed."""

    gap_days: int = Field(
        0, ge=0, description="Gaps of up to this many days between registrations are no gaps."
    )
    acceptable_patient: bool = Field(
        True, description="Set aside patients whom the supplier flags unacceptable."
    )
    sex_and_birth_year: bool = Field(
        True, description="Set aside patients without sex or year of birth."
    )
    before_registration: bool = Field(
        True,
        description="Set aside outcome records from before the registration (transferred history).",
    )
    comparators: Literal["set_aside", "keep_at_bound"] = Field(
        "set_aside", description="Values such as <20 or >=180: set aside, or kept at the bound."
    )
    unit_by_range: bool = Field(True, description="Decide a missing unit by the value's range.")
    same_day_twin: float | None = Field(
        None,
        ge=0,
        description="Two values of a day this close, in two units, are one: for outcomes that do "
        "not say their own, in their unit. Not given: the quantity's limit (HbA1c: 1 mmol/mol).",
    )
    same_day_spread: float | None = Field(
        None,
        ge=0,
        description="A day whose values differ by more is set aside: for outcomes that do not say "
        "their own, in their unit. Not given: the quantity's limit (HbA1c: 22 mmol/mol).",
    )
    filler_dates: list[dt.date] = Field(
        [
            dt.date(1800, 1, 1),
            dt.date(1801, 1, 1),
            dt.date(1860, 1, 1),
            dt.date(1899, 12, 30),
            dt.date(1899, 12, 31),
            dt.date(1900, 1, 1),
        ],
        description="Dates that mean 'unknown'; years from 2999 on always do.",
    )

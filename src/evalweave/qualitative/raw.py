"""What every reader hands over: a coded project as its program wrote it, before anything is
normalised.

A reader only translates. Deciding what positions mean, what a hierarchy is and who speaks where
happens once, for all formats, in `offsets`, `hierarchy` and `assemble`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from evalweave.qualitative.matrix import Matrix

NOTE, WARNING = "note", "warning"
UNLISTED = "not listed"  # in place of the name of a coder whom the project does not list
WHOLE = "the whole source"  # the place of what was coded as a whole
LONGEST = 10**9  # characters; a position beyond it is no position


def position(value: object) -> int | None:
    """Return a position from whatever a file holds, None when it is not a whole number from 0 on;
    spreadsheets write 12 as 12.0 too."""
    try:
        number = int(str(value).strip().removesuffix(".0"))
    except ValueError:
        return None
    return number if 0 <= number <= LONGEST else None


@dataclass
class Log:
    """What was noticed while reading, in the order noticed: (severity, subject, message, how
    often)."""

    rows: list[tuple[str, str, str, int]] = field(default_factory=list)

    def note(self, subject: str, message: str, n: int = 1) -> None:
        """Log something worth knowing, unless it happened 0 times."""
        if n:
            self.rows.append((NOTE, subject, message, n))

    def warn(self, subject: str, message: str, n: int = 1) -> None:
        """Log something that may change a count, unless it happened 0 times."""
        if n:
            self.rows.append((WARNING, subject, message, n))


@dataclass(frozen=True)
class RawSource:
    """A document. `text` is as stored, line ends and byte-order mark included; None when it cannot
    be read.

    `medium` is text, picture, audio, video or pdf. A recording or PDF has its transcript as its
    text; a further transcript is a source of its own, `part_of` the recording.
    """

    key: str
    name: str
    text: str | None
    attributes: dict[str, str] = field(default_factory=dict)
    medium: str = "text"
    part_of: str = ""


@dataclass(frozen=True)
class RawCode:
    """A code with the names from the root down, as the program shows them."""

    key: str
    names: tuple[str, ...]
    codable: bool = True
    description: str = ""


@dataclass(frozen=True)
class RawCoding:
    """A code given to a selection; `coder` is whatever the program calls the coder, dropped on
    load."""

    code: str
    coder: str = ""
    at: str = ""


@dataclass(frozen=True)
class RawSelection:
    """A marked stretch; positions in the program's own counting, None where it gives none.

    `cases` are the people whom a coding of this selection targets directly. `quote_is_text` says
    that `quote` is the stretch's own text; where it is False an analyst may have named it. `place`
    is where it lies in a picture, recording or page, for selections that no text holds.
    """

    source: str
    start: int | None
    end: int | None
    quote: str = ""
    codings: tuple[RawCoding, ...] = ()
    cases: tuple[str, ...] = ()
    key: str = ""
    quote_is_text: bool = True
    place: str = ""


@dataclass(frozen=True)
class RawPerson:
    """A case: somebody whom the project knows, with the attributes it gives them."""

    key: str
    name: str
    attributes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RawLink:
    """Who speaks where: a whole source, a stretch (`start`, `end`) or a selection (its key)."""

    source: str
    person: str
    basis: str
    start: int | None = None
    end: int | None = None
    selection: str = ""


@dataclass(frozen=True)
class Raw:
    """A project as read. `units` are the ways in which its positions may count characters."""

    tool: str
    sources: tuple[RawSource, ...] = ()
    codes: tuple[RawCode, ...] = ()
    selections: tuple[RawSelection, ...] = ()
    people: tuple[RawPerson, ...] = ()
    links: tuple[RawLink, ...] = ()
    units: tuple[str, ...] = ("code_point", "utf16")
    codebook_complete: bool = True  # False: codes that nobody used are unknown to the file
    log: Log = field(default_factory=Log)
    matrix: Matrix | None = None  # counts that were added up elsewhere, in place of selections

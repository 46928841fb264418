"""The code book: each code by its full path, one code for all spellings of it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from evalweave.qualitative.hierarchy import JOIN, code_id, path_of
from evalweave.qualitative.identity import kinds_of_difference, normal, spellings
from evalweave.qualitative.raw import Log, Raw
from evalweave.tables.qualitative import CODES

Path = tuple[str, ...]
LISTED = 20  # codes of several spellings that are named in the log


@dataclass(frozen=True)
class CodeBook:
    """`code_of`: code as the program keys it → code_id; `rows`: code_id → row of `codes`."""

    code_of: Mapping[str, str]
    rows: Mapping[str, tuple[object, ...]]


def code_book(raw: Raw, log: Log) -> CodeBook:
    """Return the code book; parents that only a notation implies are added, not codable."""
    written = {code.key: path_of(code.names) for code in raw.codes}
    used = Counter(coding.code for s in raw.selections for coding in s.codings)
    paths = one_spelling(written, used, log)
    facts: dict[Path, tuple[bool, str]] = {}
    for code in raw.codes:
        path = paths[code.key]
        codable, description = facts.get(path, (False, ""))
        facts[path] = (codable or code.codable, description or code.description)
    notations = sum(len(paths[code.key]) > len(code.names) for code in raw.codes)
    log.note(
        "codes",
        "codes whose names spell a hierarchy (a.b, a::b, a > b) were read as one",
        notations,
    )
    same = len(raw.codes) - len(facts)
    log.note("codes", "codes with the same full path are one code", same)
    for path in list(facts):
        for depth in range(1, len(path)):
            facts.setdefault(path[:depth], (False, ""))
    rows = {
        code_id(path): (
            code_id(path),
            code_id(path),
            code_id(path[:-1]) or None,
            len(path) - 1,
            codable,
            description or None,
        )
        for path, (codable, description) in facts.items()
        if path
    }
    return CodeBook({key: code_id(path) for key, path in paths.items()}, rows)


def with_unused(codes: pd.DataFrame, unused: Sequence[str]) -> pd.DataFrame:
    """Return `codes` with the themes' codes that nobody used, which a file that lists used codes
    only lacks, and the parents that their paths imply."""
    known, more = set(codes["code_id"]), dict[str, tuple[object, ...]]()
    for code in unused:
        path = tuple(code.split(JOIN))
        for depth in range(len(path)):
            name, parent = code_id(path[: depth + 1]), code_id(path[:depth]) or None
            if name not in known:
                codable = name in unused
                more[name] = (name, name, parent, depth, codable, None)
    if not more:
        return codes
    added = CODES.conform(pd.DataFrame(list(more.values()), columns=CODES.names))
    whole = pd.concat([codes, added], ignore_index=True)
    return CODES.conform(whole.sort_values("code_id", ignore_index=True))


def one_spelling(written: Mapping[str, Path], used: Mapping[str, int], log: Log) -> dict[str, Path]:
    """Return each code's path in the spelling that most codings use, level by level.

    "Support" and "support" are one code, and so are an accent composed and decomposed; the log says
    so with both spellings.
    """
    votes: dict[Path, Counter[str]] = defaultdict(Counter)
    for key, path in written.items():
        for depth, name in enumerate(path, 1):
            votes[tuple(map(normal, path[:depth]))][name] += 1 + used.get(key, 0)
    chosen = {form: min(names, key=lambda n: (-names[n], n)) for form, names in votes.items()}
    several = sorted(form for form, names in votes.items() if len(names) > 1)
    for form in several[:LISTED]:
        log.warn(
            "codes",
            f"the codes {spellings(votes[form])} differ in {kinds_of_difference(votes[form])} only "
            f'and are read as one code, "{chosen[form]}": see their spelling',
            len(votes[form]),
        )
    log.warn(
        "codes",
        "further codes that differ in capitals, blanks or the form of accents only: read as one",
        len(several[LISTED:]),
    )
    return {
        key: tuple(chosen[tuple(map(normal, path[:depth]))] for depth in range(1, len(path) + 1))
        for key, path in written.items()
    }

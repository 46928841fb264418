"""Coders as pseudonyms, one for each person, however often and in whatever spelling they are
listed.

Merged projects list one coder twice, and people write their own name in several ways. Agreement of
somebody with herself is no agreement, so that users of one name are one coder unless the study says
that they are several people.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from evalweave.errors import Fault, raise_faults
from evalweave.qualitative.documents import SourceNames
from evalweave.qualitative.identity import kinds_of_difference, nearest_name, normal
from evalweave.qualitative.raw import UNLISTED, Log
from evalweave.tables.qualitative import DOUBLE_CODING

UNLISTED_CODER = "unlisted"  # how their pseudonyms begin
ONE, SEVERAL = "one", "several"
PSEUDONYM = re.compile(r"(coder|unlisted)_\d+")


def pseudonyms(coders: Iterable[str], of_one_name: str, log: Log) -> dict[str, str]:
    """Return coder as read → coder_1, coder_2 …, in the order of names so that a new export gives
    the same.

    A coder is a name, or a name and an identifier parted by NUL. Users whom the project does not
    list are `unlisted_1` …, and so are codings without any user where others have one: they may be
    by the same person.
    """
    people: dict[tuple[str, str], list[str]] = {}
    written = sorted(set(coders))
    for coder in written:
        name, _, identifier = coder.partition("\0")
        if not normal(coder) and len(written) > 1:
            name = UNLISTED
            log.warn(
                "coders",
                "codings that name no coder, beside ones that do: counted for themes, left out of "
                "agreement, since they may be by the same person",
            )
        alone = of_one_name == SEVERAL or not normal(name) or name == UNLISTED
        people.setdefault((normal(name), identifier if alone else ""), []).append(coder)
    if of_one_name != SEVERAL:
        _log_namesakes(people, log)
    listed = sorted(people, key=lambda person: (not person[0], person))
    names: dict[str, str] = {}
    n_listed = n_unlisted = 0
    for person in listed:
        if person[0] == normal(UNLISTED):
            n_unlisted += 1
            pseudonym = f"{UNLISTED_CODER}_{n_unlisted}"
        else:
            n_listed += 1
            pseudonym = f"coder_{n_listed}"
        names |= dict.fromkeys(people[person], pseudonym)
    log.note("coders", "coders; their names were dropped", n_listed + n_unlisted)
    return names


def by_name(coders: Mapping[str, str]) -> dict[str, str]:
    """Return name or pseudonym, in normal form → pseudonym; names of several people are left
    out."""
    meant: dict[str, set[str]] = {}
    for coder, pseudonym in coders.items():
        for name in (normal(coder.partition("\0")[0]), pseudonym):
            meant.setdefault(name, set()).add(pseudonym)
    return {name: next(iter(who)) for name, who in meant.items() if name and len(who) == 1}


def without_codings(
    declared: Iterable[Mapping[str, str]], coders: Mapping[str, str], log: Log
) -> dict[str, str]:
    """Return coder as declared → a new pseudonym, for coders of double coding who gave no code at
    all: they found nothing.

    Pseudonyms are left out, and names that are nearly one of a coder who is not declared for that
    source, since they may be hers misspelt: `double_coded` refuses them.
    """
    rows = [(normal(row["source"]), normal(row["coder"])) for row in declared]
    known = by_name(coders)
    named = {normal(coder.partition("\0")[0]) for coder in coders} | set(known)
    misspelt = {
        name
        for source, name in rows
        if nearest_name(name, named - {other for where, other in rows if where == source})
    }
    unknown = {name for _, name in rows} - named - misspelt - {""}
    new = sorted(name for name in unknown if not PSEUDONYM.fullmatch(name))
    if new:
        log.warn(
            "coders",
            "coders of declared double coding who have no coding in the project: they count as "
            "having found nothing. If they coded, see how the project spells their names",
            len(new),
        )
    n_listed = sum(not name.startswith(UNLISTED_CODER) for name in set(coders.values()))
    return {name: f"coder_{n}" for n, name in enumerate(new, n_listed + 1)}


def double_coded(
    declared: Sequence[Mapping[str, str]], names: SourceNames, coders: Mapping[str, str]
) -> pd.DataFrame:
    """Return `double_coding`: source_id and pseudonym of each declared source and coder.

    Args:
        declared: rows of `inputs.double_coding`.
        names: what the sources are called.
        coders: coder as read → pseudonym.

    Raises:
        DataError: with every source and coder that the project does not have.
    """
    known = by_name(coders)
    rows, faults = [], []
    for row in declared:
        file, line = row["file"], int(row["row"])
        if fault := names.fault(file, row["source"], line):
            faults.append(fault)
        coder = known.get(normal(row["coder"]), "")
        if not coder:
            what = "a name of several coders, or nearly that of one, or a pseudonym of nobody"
            action = "Write the name as the project has it, or the pseudonym such as coder_1."
            expected = "one coder of the project"
            faults.append(Fault(file, what, expected, action, line, "coder"))
        if len(names.meant_by(row["source"])) == 1 and coder:
            rows.append((names.meant_by(row["source"])[0], coder))
    raise_faults(faults)
    frame = pd.DataFrame(sorted(set(rows)), columns=DOUBLE_CODING.names)
    return DOUBLE_CODING.conform(frame)


def _log_namesakes(people: dict[tuple[str, str], list[str]], log: Log) -> None:
    for (name, _), spelt in people.items():
        if len(spelt) < 2 or not name:
            continue
        names = sorted({coder.partition("\0")[0] for coder in spelt})
        how = f", spelt in ways that differ in {kinds_of_difference(names)}" if names[1:] else ""
        log.warn(
            "coders",
            f"users of one name (listed {len(spelt)} times{how}): are they one person? They were "
            "read as one, so that nobody is compared with herself. If they are several people, set "
            "`coders_of_one_name: several`",
            len(spelt),
        )

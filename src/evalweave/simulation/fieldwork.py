"""Who took part in the simulated fieldwork, in which source, and who was asked about what. All
people are invented.

Numbers and kinds are the published fieldwork's (Pollard et al., British Journal of General Practice
2023, BJGP.2022.0638): 20 link workers and 19 clients, 3 focus groups with 16 link workers, offices
and shadowing, 6 link-worker interviews, 19 initial and 15 final interviews, photo-elicitation with
9, 7 family interviews, January 2019 to July 2020. It does not hang on the seed, since
`eligibility.csv` declares it.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import pandas as pd

from evalweave.tables.qualitative import ELIGIBILITY, PARTICIPANTS


def _numbered(letter: str, numbers: range | tuple[int, ...]) -> tuple[str, ...]:
    return tuple(f"{letter}{number:02d}" for number in numbers)


CLIENTS, LINK_WORKERS, FAMILY = (
    _numbered("C", range(1, 20)),
    _numbered("LW", range(1, 21)),
    _numbered("F", range(1, 8)),
)
FOCUS_GROUPS = (
    _numbered("LW", range(1, 7)),
    _numbered("LW", range(7, 12)),
    _numbered("LW", range(12, 17)),
)
SHADOWED = _numbered("LW", (2, 5, 8, 11, 14, 17, 18, 19))
INTERVIEWED = _numbered("LW", (3, 7, 10, 17, 18, 20))
FINAL = tuple(client for client in CLIENTS if client not in _numbered("C", (4, 9, 13, 18)))
PHOTO = _numbered("C", (1, 2, 4, 5, 8, 10, 13, 15, 19))
OBSERVED = _numbered("C", (1, 3, 5, 6, 8, 10, 11, 12, 14, 15, 17, 19))
PRECARIOUS = _numbered(
    "C", (1, 3, 4, 6, 8, 10, 11, 13, 15, 17)
)  # steers what they say; not a column
RELATIVE_OF = dict(zip(FAMILY, _numbered("C", (1, 3, 6, 8, 11, 12, 17)), strict=True))
DYADS = {"F07": "C17"}  # the relative's interview in which the client sat beside and spoke
# Photo → whose it is, the day it was talked about, and the region of it that was coded (pixels).
PHOTOS = {"C01_photo_1": ("C01", dt.date(2019, 9, 3), (40, 30, 200, 150))}
EVERY = 4  # which sources of a kind were coded twice
NO_CONSENT = ("C13", "LW12", "F04")
N_OFFICE_NOTES = 10

_AGES = (1, 2, 3, 2, 0, 1, 2, 1, 3, 2, 1, 0, 2, 1, 0, 2, 1, 3, 0)
_ETHNICITY = "WWSWWBWSWWBWWSWWBSW"
_EMPLOYMENT = (3, 0, 1, 1, 0, 3, 2, 1, 1, 3, 2, 0, 1, 0, 2, 1, 3, 1, 0)
AGE_BANDS = ("40-49", "50-59", "60-69", "70-74")
EMPLOYMENT = ("employed", "retired", "unemployed", "unable to work")
ETHNICITY = {"W": "White British", "S": "South Asian", "B": "Black African"}


@dataclass(frozen=True)
class Planned:
    """One source: who speaks in it (nobody, for observations), its kind, phase and day."""

    name: str
    kind: str
    phase: str
    date: dt.date
    speakers: tuple[str, ...]
    about: str = ""


def participants() -> pd.DataFrame:
    """Return `tables.PARTICIPANTS`: 19 clients, 20 link workers, 7 family members."""
    rows = []
    for place, person in enumerate(CLIENTS):
        rows.append(
            {
                "participant_id": person,
                "role": "client",
                "age_band": AGE_BANDS[_AGES[place]],
                "gender": "female" if place % 2 == 0 and place != 12 else "male",
                "ethnicity": ETHNICITY[_ETHNICITY[place]],
                "employment": EMPLOYMENT[_EMPLOYMENT[place]],
                "provider": "AB"[place // 2 % 2],
                "months_in_programme": 3.0 + (place * 7) % 38,
            }
        )
    for place, person in enumerate(LINK_WORKERS):
        gender = "male" if place % 3 == 2 else "female"
        rows.append(
            {
                "participant_id": person,
                "role": "link_worker",
                "gender": gender,
                "provider": "AB"[place % 2],
            }
        )
    for place, person in enumerate(FAMILY):
        rows.append(
            {
                "participant_id": person,
                "role": "family",
                "gender": "male" if place in (1, 4, 6) else "female",
            }
        )
    table = pd.DataFrame(rows)
    return PARTICIPANTS.conform(
        table.assign(consent_quote=~table["participant_id"].isin(NO_CONSENT))
    )


def plan() -> list[Planned]:
    """Return every source of the fieldwork in order of kind."""
    sources: list[Planned] = []

    def add(
        name: str,
        kind: str,
        phase: str,
        first: dt.date,
        every: int,
        *speakers: str,
        about: str = "",
    ) -> None:
        place = sum(source.kind == kind for source in sources)
        sources.append(
            Planned(name, kind, phase, first + dt.timedelta(days=every * place), speakers, about)
        )

    for place, group in enumerate(FOCUS_GROUPS, start=1):
        add(f"FG{place}_link_workers", "focus_group", "opening", dt.date(2019, 1, 22), 14, *group)
    for place in range(1, N_OFFICE_NOTES + 1):
        add(f"FN{place:02d}_office", "field_note", "main", dt.date(2019, 2, 5), 44)
    for worker in SHADOWED:
        add(f"{worker}_shadowing", "shadowing", "main", dt.date(2019, 3, 12), 23, about=worker)
    for worker in INTERVIEWED:
        add(f"{worker}_interview", "link_worker_interview", "main", dt.date(2019, 5, 7), 31, worker)
    for client in CLIENTS:
        add(
            f"{client}_initial_interview",
            "initial_interview",
            "opening",
            dt.date(2019, 2, 11),
            12,
            client,
        )
    for client in OBSERVED:
        add(
            f"{client}_observation",
            "client_observation",
            "main",
            dt.date(2019, 4, 2),
            29,
            about=client,
        )
    for client in PHOTO:
        add(
            f"{client}_photo_elicitation",
            "photo_elicitation",
            "main",
            dt.date(2019, 9, 3),
            19,
            client,
        )
    for relative in FAMILY:
        add(
            f"{relative}_family_interview",
            "family_interview",
            "main",
            dt.date(2019, 10, 8),
            24,
            relative,
            *((DYADS[relative],) if relative in DYADS else ()),
        )
    for client in FINAL:
        add(
            f"{client}_final_interview",
            "final_interview",
            "closing",
            dt.date(2020, 1, 14),
            12,
            client,
        )
    return sources


def sources_table() -> pd.DataFrame:
    """Return source, kind, phase and date of every source."""
    return pd.DataFrame(
        [
            {"source": s.name, "kind": s.kind, "phase": s.phase, "date": s.date.isoformat()}
            for s in plan()
        ]
        + [
            {"source": name, "kind": "photo", "phase": "main", "date": day.isoformat()}
            for name, (_, day, _) in PHOTOS.items()
        ]
    )


def double_coded() -> frozenset[str]:
    """Return the sources that both coders coded: every fourth of each kind, the first included."""
    names: dict[str, list[str]] = {}
    for source in plan():
        names.setdefault(source.kind, []).append(source.name)
    return frozenset(name for of_kind in names.values() for name in of_kind[::EVERY])


def eligibility() -> pd.DataFrame:
    """Return `tables.ELIGIBILITY`: who was asked about which theme, and in what."""
    spoke = {worker for group in FOCUS_GROUPS for worker in group} | set(INTERVIEWED)
    in_group = {worker for group in FOCUS_GROUPS for worker in group}
    rows = []
    for theme in (
        "identity_and_place",
        "tensions_in_understanding",
        "assessment_and_targets",
        "classed_experiences",
    ):
        for client in CLIENTS:
            if theme in ("identity_and_place", "tensions_in_understanding"):
                asked, reason = True, "initial interview"
            elif theme == "assessment_and_targets":
                asked = client in FINAL
                reason = "final interview" if asked else "no final interview"
            else:
                asked = client in FINAL or client in PHOTO
                reason = (
                    "final interview or photo-elicitation"
                    if asked
                    else "neither final interview nor photos"
                )
            rows.append((client, theme, asked, reason))
        for worker in LINK_WORKERS:
            reason = (
                "focus group"
                if worker in in_group
                else "interview"
                if worker in spoke
                else "only shadowed"
            )
            rows.append((worker, theme, worker in spoke, reason))
        for relative in FAMILY:
            asked = theme == "classed_experiences"
            rows.append(
                (
                    relative,
                    theme,
                    asked,
                    "family interview" if asked else "not a topic of family interviews",
                )
            )
    return ELIGIBILITY.conform(
        pd.DataFrame(rows, columns=["participant_id", "theme_id", "eligible", "reason"])
    )

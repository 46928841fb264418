"""The simulated interviews and notes, and how two coders coded them.

Positions are code points from 0, end-exclusive, line ends LF. Not everybody raises every theme: a
speaker is quiet about some, and how often hangs on the provider. Coder A codes everything; coder B
codes every fourth source of each kind again (`fieldwork.double_coded`, declared in
`double_coding.csv`), now and then leaves a stretch out, marks a shorter one or takes a sibling
code, and reads one code differently: what A calls the drift to a lighter touch is for B, more often
than not, what turnover does.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from evalweave.simulation import fieldwork
from evalweave.simulation.fieldwork import Planned
from evalweave.simulation.stances import QUESTIONS, SMALL_TALK, STANCES
from evalweave.simulation.utterances import BANK, CLASSED, IDENTITY, TARGETS, TENSIONS, WORDS

CODERS = ("coder_a", "coder_b")
DIABETES = "Diabetes"
# Kind → (voice, roots of the code book that it may raise, fewest and most coded stretches a
# speaker).
CONTENT: dict[str, tuple[str, tuple[str, ...], int, int]] = {
    "focus_group": ("link_worker", (IDENTITY, TENSIONS, TARGETS, CLASSED), 3, 5),
    "field_note": ("note", (IDENTITY, TARGETS), 2, 4),
    "shadowing": ("note", (TENSIONS, TARGETS), 2, 4),
    "link_worker_interview": ("link_worker", (IDENTITY, TENSIONS, TARGETS, CLASSED), 6, 9),
    "initial_interview": ("client", (IDENTITY, TENSIONS, DIABETES), 4, 7),
    "client_observation": ("note", (TENSIONS, CLASSED), 2, 3),
    "photo_elicitation": ("client", (CLASSED,), 2, 4),
    "family_interview": ("family", (CLASSED, DIABETES), 2, 4),
    "final_interview": ("client", (TARGETS, CLASSED, TENSIONS, DIABETES), 4, 6),
}
# Claim → stance → role → how many people say so. The only ones who speak against are the negative
# cases.
N_STANCES: dict[str, dict[str, dict[str, int]]] = {
    "deprivation": {"supports": {"client": 8, "family": 3}, "contradicts": {"client": 1}},
    "drift": {"supports": {"link_worker": 8}, "contradicts": {"link_worker": 1}},
    "conditions": {"supports": {"link_worker": 7}, "contradicts": {"link_worker": 1}},
    "mean_effect": {"supports": {"client": 6}, "contradicts": {"client": 5}},
}
DISPUTED = (f"{TENSIONS} > drift to the lighter touch", f"{TARGETS} > continuity > turnover")
DISPUTES = 0.6  # how often B gives the second where A gives the first
# Theme → provider → chance that a speaker says nothing of it unasked; never of all themes.
QUIET = {
    IDENTITY: {"A": 0.2, "B": 0.5},
    TENSIONS: {"A": 0.55, "B": 0.15},
    TARGETS: {"A": 0.15, "B": 0.6},
    CLASSED: {"A": 0.35, "B": 0.35},
}
LEFT_OUT, OTHER_CODE, SHORTER = 0.12, 0.10, 0.15
# Likelier (×3) for people in precarious circumstances, and for those on a steady footing.
PRECARIOUS_CODES = (
    f"{CLASSED} > precarity",
    f"{CLASSED} > limited help",
    f"{CLASSED} > resources > paying",
)
STEADY_CODES = (
    f"{CLASSED} > good fit",
    f"{CLASSED} > resources > steady",
    f"{TENSIONS} > empowerment > own",
)


@dataclass
class Selection:
    """A marked stretch of a text and the (code, coder) pairs on it."""

    start: int
    end: int
    codings: list[tuple[str, str]] = field(default_factory=list)


@dataclass
class Source:
    """One text with its selections, and the turns of named speakers in a group."""

    planned: Planned
    text: str = ""
    selections: list[Selection] = field(default_factory=list)
    turns: list[tuple[str, int, int]] = field(default_factory=list)

    def say(self, text: str, codes: tuple[str, ...] = ()) -> tuple[int, int]:
        """Append `text`; code it for coder A where there are codes; return its positions."""
        start = len(self.text)
        self.text += text
        if codes:
            self.selections.append(
                Selection(start, len(self.text), [(code, CODERS[0]) for code in codes])
            )
        return start, len(self.text)


@dataclass(frozen=True)
class Saying:
    """One thing that somebody says, with its codes (none = small talk)."""

    text: str
    codes: tuple[str, ...] = ()


def stance_code(claim: str, stance: str) -> str:
    """Return the code that marks a stance on a claim."""
    return f"claim::{claim}::{stance}"


def code_book() -> list[str]:
    """Return every code's full path (levels joined by ' > '), parents before children."""
    stances = [stance_code(claim, stance) for claim, both in N_STANCES.items() for stance in both]
    paths: dict[str, None] = {}
    for path in [*BANK, *stances]:
        levels = path.split(" > ")
        for depth in range(1, len(levels) + 1):
            paths[" > ".join(levels[:depth])] = None
    return list(paths)


class Interviews:
    """Draws what people say; a sentence comes back only when all of its forms have been used."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.said: set[str] = set()
        self.stances = self._draw_stances()
        self.quiet = self._draw_quiet()

    def _draw_stances(self) -> dict[str, list[tuple[str, str]]]:
        """Return each person's (claim, stance) pairs, by person."""
        eligible = fieldwork.eligibility()
        asked = {
            role: [
                person
                for person in people
                if (
                    (eligible["participant_id"] == person)
                    & eligible["eligible"]
                    & (eligible["theme_id"] == "classed_experiences")
                ).any()
            ]
            for role, people in (
                ("client", fieldwork.CLIENTS),
                ("link_worker", fieldwork.LINK_WORKERS),
                ("family", fieldwork.FAMILY),
            )
        }
        stances: dict[str, list[tuple[str, str]]] = {}
        for claim, both in N_STANCES.items():
            spoken: set[str] = set()
            for stance, by_role in both.items():
                for role, count in by_role.items():
                    pool = [person for person in asked[role] if person not in spoken]
                    if role == "client":
                        steady = (claim, stance) == ("mean_effect", "supports")
                        wanted = [
                            person for person in pool if (person in fieldwork.PRECARIOUS) != steady
                        ]
                        pool = wanted if len(wanted) >= count else pool
                    for person in self.rng.choice(
                        np.array(pool, dtype=object), size=count, replace=False
                    ):
                        stances.setdefault(person, []).append((claim, stance))
                        spoken.add(person)
        return stances

    def _draw_quiet(self) -> dict[str, frozenset[str]]:
        """Return the themes that each person says nothing of unasked."""
        people = fieldwork.participants().set_index("participant_id")["provider"]
        quiet = {}
        for person in (*fieldwork.CLIENTS, *fieldwork.LINK_WORKERS):
            drawn = self.rng.random(len(QUIET))
            roots = [
                root
                for (root, by_provider), chance in zip(QUIET.items(), drawn, strict=True)
                if chance < by_provider[str(people[person])]
                and not (root == CLASSED and person in fieldwork.CLIENTS)  # the photos ask for it
            ]
            quiet[person] = frozenset(roots[: len(QUIET) - 1])
        return quiet

    def sentence(self, templates: tuple[str, ...]) -> str:
        """Return one of `templates`, filled, that nobody has said yet (where there is one)."""
        text = ""
        for _ in range(12):
            text = str(self.rng.choice(np.array(templates, dtype=object)))
            for slot, words in WORDS.items():
                for word in self.rng.permutation(np.array(words, dtype=object))[
                    : text.count("{" + slot + "}")
                ]:
                    text = text.replace("{" + slot + "}", str(word), 1)
            text = text[0].upper() + text[1:]
            if text not in self.said:
                break
        self.said.add(text)
        return text

    def sayings(self, kind: str, speaker: str | None) -> list[Saying]:
        """Return what one speaker (None = an observer) says in one source of a kind, in order."""
        voice, roots, fewest, most = CONTENT[kind]
        if speaker in fieldwork.CLIENTS:
            voice = "client"  # also where she sits beside a relative
        open_ = tuple(root for root in roots if root not in self.quiet.get(speaker or "", ()))
        roots = open_ or roots[:1]
        codes = [
            path
            for path, voices in BANK.items()
            if path.split(" > ")[0] in roots and voice in voices
        ]
        weight = np.ones(len(codes))
        if voice in ("client", "family"):
            client = fieldwork.RELATIVE_OF.get(speaker or "", speaker)
            likelier = PRECARIOUS_CODES if client in fieldwork.PRECARIOUS else STEADY_CODES
            unlikely = STEADY_CODES if client in fieldwork.PRECARIOUS else PRECARIOUS_CODES
            weight[[code.startswith(likelier) for code in codes]] = 3.0
            weight[[code.startswith(unlikely) for code in codes]] = 0.3
        count = min(int(self.rng.integers(fewest, most + 1)), len(codes))
        chosen = self.rng.choice(len(codes), size=count, replace=False, p=weight / weight.sum())
        said = [
            Saying(self.sentence(BANK[codes[place]][voice]), (codes[place],)) for place in chosen
        ]
        for claim, stance in (
            self.stances.get(speaker or "", []) if self._speaks_up(kind, speaker) else []
        ):
            code, templates = STANCES[claim][stance][voice]
            said.append(Saying(self.sentence(templates), (code, stance_code(claim, stance))))
        if voice != "note" and self.rng.random() < 0.6:
            said.append(Saying(str(self.rng.choice(np.array(SMALL_TALK, dtype=object)))))
        return [said[place] for place in self.rng.permutation(len(said))]

    @staticmethod
    def _speaks_up(kind: str, speaker: str | None) -> bool:
        """Say whether a speaker's stances are voiced in a source of this kind: once a person."""
        if kind == "photo_elicitation":
            return speaker not in fieldwork.FINAL
        if kind == "link_worker_interview":
            return not any(speaker in group for group in fieldwork.FOCUS_GROUPS)
        return kind in ("final_interview", "family_interview", "focus_group")


def sources(rng: np.random.Generator, coders: np.random.Generator) -> list[Source]:
    """Return the texts of the whole fieldwork, coded."""
    interviews = Interviews(rng)
    made = [_written(planned, interviews) for planned in fieldwork.plan()]
    again = fieldwork.double_coded()
    for kind in CONTENT:
        of_kind = [source for source in made if source.planned.kind == kind]
        for source in of_kind:
            if source.planned.name in again:
                _code_again(source, coders)
    for source in made:
        source.selections.sort(key=lambda each: (each.start, each.end))
    return made


def _written(planned: Planned, interviews: Interviews) -> Source:
    source = Source(planned)
    kind, rng = planned.kind, interviews.rng
    day = f"{planned.date.day} {planned.date:%B %Y}"
    if CONTENT[kind][0] == "note":
        where = {
            "field_note": "provider office",
            "shadowing": "with a link worker",
            "client_observation": "with a client",
        }
        source.say(f"Observation, {where[kind]}, {day}.\n")
        for saying in interviews.sayings(kind, None):
            source.say(saying.text, saying.codes)
            source.say("\n")
        return source
    questions = QUESTIONS[kind]
    if len(planned.speakers) == 1:
        speaker = planned.speakers[0]
        left = interviews.sayings(kind, speaker)
        for place, question in enumerate(questions):
            source.say(f"I: {question}\n")
            share = left[place :: len(questions)]
            if share:
                _turn(source, speaker, share, attributed=False)
        return source
    waiting = {speaker: interviews.sayings(kind, speaker) for speaker in planned.speakers}
    for place, question in enumerate(questions):
        source.say(f"Mod: {question}\n")
        for speaker in rng.permutation(np.array(planned.speakers, dtype=object)):
            share = waiting[speaker][place :: len(questions)]
            if share:
                _turn(source, speaker, share, attributed=True)
    return source


def _turn(source: Source, speaker: str, sayings: list[Saying], attributed: bool) -> None:
    """Append one turn; `attributed` turns are kept as selections that belong to their speaker."""
    source.say(f"{speaker}: ")
    start = len(source.text)
    for place, saying in enumerate(sayings):
        if place:
            source.say(" ")
        source.say(saying.text, saying.codes)
    if attributed:
        source.turns.append((speaker, start, len(source.text)))
    source.say("\n")


def _code_again(source: Source, rng: np.random.Generator) -> None:
    """Add coder B's codings to `source`, with the disagreements that careful people have."""
    siblings: dict[str, list[str]] = {}
    for path in BANK:
        siblings.setdefault(path.split(" > ")[0], []).append(path)
    for selection in list(source.selections):
        fate = rng.random()
        codes = [code for code, coder in selection.codings if coder == CODERS[0]]
        if DISPUTED[0] in codes and rng.random() < DISPUTES:
            codes = [DISPUTED[1] if code == DISPUTED[0] else code for code in codes]
            selection.codings += [(code, CODERS[1]) for code in codes]
            continue
        if fate < LEFT_OUT:
            continue
        if fate < LEFT_OUT + OTHER_CODE:
            others = [path for path in siblings[codes[0].split(" > ")[0]] if path != codes[0]]
            codes = [str(rng.choice(np.array(others, dtype=object)))] if others else codes
        if fate > 1 - SHORTER:
            cut = source.text.find(
                " ", selection.start + (selection.end - selection.start) * 2 // 3
            )
            if selection.start < cut < selection.end:
                source.selections.append(
                    Selection(selection.start, cut, [(code, CODERS[1]) for code in codes])
                )
                continue
        selection.codings += [(code, CODERS[1]) for code in codes]

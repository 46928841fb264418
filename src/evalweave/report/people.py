"""Roles of participants as words, and how many of them raised something."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalweave.qualitative.counts import AT_LEAST
from evalweave.release.disclosure import HIDDEN, PARTICIPANTS, Profile, Released
from evalweave.release.numbers import missing, plain
from evalweave.report.blocks import Text, text

MANY = {
    "client": "clients",
    "link_worker": "link workers",
    "family": "family members",
    "observation": "observations",
    "group": "groups (nobody in particular)",
    "unattributed": "not attributed",
}


def many(role: str) -> str:
    """Return a role in the plural."""
    if role in MANY:
        return MANY[role]
    words = plain(role)
    return words if words.endswith("s") else f"{words}s"


def k_of_n(profile: Profile, record: Mapping[Any, Any] | None) -> Text:
    """Return "9 of 12" from a row of the theme counts that `count_frame` released; references for
    observations."""
    if record is None:
        return "–"
    if missing(record["n_eligible"]):
        noun = "reference" if str(record["n_references"]) == "1" else "references"
        return text("{} {}", released_count(profile, record["n_references"], "references"), noun)
    if str(record["n_eligible"]) == "0":
        return "not asked"
    asked = released_count(profile, record["n_eligible"], PARTICIPANTS)
    if missing(record["n_participants"]):
        return text("not known ({} asked)", asked)
    raised = released_count(profile, record["n_participants"], PARTICIPANTS)
    least = str(record.get("attributed")) == AT_LEAST
    return text("at least {} of {}" if least else "{} of {}", raised, asked)


def released_count(profile: Profile, shown: Any, of: str) -> Text:
    """Mark a count that `count_frame` released."""
    if missing(shown):
        return "–"
    hidden = str(shown) == HIDDEN
    return profile.mark_released(Released(str(shown), None if hidden else int(shown), hidden), of)

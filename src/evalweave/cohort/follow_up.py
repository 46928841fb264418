"""How long each patient is followed: until death, the end of registration, a move to the other arm
or the last collection, whichever comes first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis

from evalweave.timeline import LAST_DAY

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from evalweave.study.people import Exposure
    from evalweave.study.periods import Window


def censored(
    eligible: ir.Table,
    registrations: ir.Table,
    practices: ir.Table,
    exposure: Exposure,
    window: Window,
) -> ir.Table:
    """Return patient_id, censored_on (never after the window) and moved (1 = later registered where
    moves count).

    A move within the arm goes on being followed (the practice stays that of the index date); a move
    to the other arm ends it on the day before, unless `exposure.moves` is keep; with censor_starts
    so does a move to a practice whose programme started on another day. The registrations end with
    the practice's last collection already.
    """
    spells = registrations.mutate(last=registrations.end.fill_null(LAST_DAY))
    arms = practices.select("practice_id", spell_arm="practice_arm", spell_begins="practice_start")
    spells = spells.inner_join(arms, "practice_id").rename(spell_at="practice_id")
    own = practices.select("practice_id", begins="practice_start")
    people = eligible.select("patient_id", "practice_id", "arm", "index_date", "death_date")
    people = people.inner_join(own, "practice_id")
    after = people.inner_join(spells, "patient_id")
    after = after.filter(after["last"] >= after.index_date)
    other = after.spell_arm != after.arm
    if exposure.moves == "censor_starts":
        other = other | (after.spell_begins.fill_null(LAST_DAY) != after.begins.fill_null(LAST_DAY))
    elsewhere = other & (after.start > after.index_date)
    moves = after.group_by("patient_id").aggregate(moved_on=after.start.min(where=elsewhere))
    after = after.inner_join(moves, "patient_id")
    follow = (
        ibis.literal(True)
        if exposure.moves == "keep"
        else (after.moved_on.isnull() | (after.start < after.moved_on))
    )
    ends = after.group_by("patient_id").aggregate(
        last=after["last"].max(where=follow), moved_on=after.moved_on.min()
    )
    joined = people.inner_join(ends, "patient_id")
    last = ibis.least(
        joined["last"], joined.death_date.fill_null(LAST_DAY), ibis.literal(window.last)
    )
    if exposure.moves != "keep":
        before_move = (joined.moved_on - ibis.interval(days=1)).cast("date")
        last = ibis.least(last, before_move.fill_null(LAST_DAY))
    return joined.select(
        "patient_id", censored_on=last.cast("date"), moved=joined.moved_on.notnull().cast("int64")
    )

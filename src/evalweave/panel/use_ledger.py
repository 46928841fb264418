"""The ledger of what is counted: who has person-time, and which events were counted or not, an
outcome at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ibis

from evalweave.panel import followed
from evalweave.panel.ledger import panel_ledger
from evalweave.tables.records import LEDGER

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

    from evalweave.study.outcomes import Outcome
    from evalweave.study.stages import UsesSettings


def use_ledger(
    backend: Any,
    rows: ir.Table,
    events: ir.Table,
    people: ir.Table,
    spells: ir.Table,
    trends: pd.DataFrame,
    settings: UsesSettings,
) -> pd.DataFrame:
    """Return LEDGER of the counted outcomes.

    `rows` are the person-periods (person, period), `events` person, arm, item, period, rule (why an
    event is not counted; null = it is), `spells` registrations with person, `trends` as
    `use_trends` makes them.
    """
    if not settings.outcomes:
        return LEDGER.empty()
    runs = followed.runs(spells, people, settings)
    status = followed.status(backend, people, rows, runs, settings)
    return panel_ledger(
        _records(backend, events, settings),
        status,
        trends,
        _with_time(backend, rows, people, settings),
        settings,
    )


def _records(backend: Any, events: ir.Table, settings: UsesSettings) -> pd.DataFrame:
    """Return arm, period, outcome, rule and n of the events of each outcome."""
    import pandas as pd

    by = ["arm", "period", "item", "rule"]
    frame = backend.to_pyarrow(events.group_by(by).aggregate(n=ibis._.count())).to_pandas()
    parts = [
        frame[frame["item"].isin(_items(name, outcome, settings))].assign(outcome=name)
        for name, outcome in settings.outcomes.items()
    ]
    summed = pd.concat(parts).groupby(["arm", "period", "outcome", "rule"], dropna=False)["n"]
    return summed.sum().reset_index()


def _items(name: str, outcome: Outcome, settings: UsesSettings) -> list[str]:
    """Return the items that an outcome is made of."""
    own = outcome.of or name
    items = list(settings.resource_use.items)
    return [own] if own in items else items  # a cost of nothing in particular is of all


def _with_time(
    backend: Any, rows: ir.Table, people: ir.Table, settings: UsesSettings
) -> pd.DataFrame:
    """Return arm, practice_id, n_patients, and of how many there is person-time: n_measured, and
    the same for each outcome."""
    ever = rows.group_by("person").aggregate(_any=rows.count())
    p = people.select("person", "arm", "practice_id").left_join(ever, "person")
    counted = p.group_by("arm", "practice_id").aggregate(
        n_patients=p.count(), n_measured=p["_any"].count()
    )
    frame = backend.to_pyarrow(counted).to_pandas()
    return frame.assign(**dict.fromkeys(settings.outcomes, frame["n_measured"]))

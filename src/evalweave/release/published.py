"""What the released tables say together: their counts as cells, and every sum that they show.

An intruder knows the method: which arm a flow, a baseline and a fit speak of, that people who are
measured are part of the arm, that those recorded as White are the White of the ethnic groups.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import permutations
from typing import Any

from evalweave.release.disclosure import PARTICIPANTS, PATIENTS, RECORDS, Profile
from evalweave.release.labels import FEW
from evalweave.release.system import System
from evalweave.vocabulary.ethnicity import read_groups, white

Rows = Sequence[Mapping[str, Any]]
Tables = Mapping[str, Rows]
ARMS = (
    ("programme", "programme", "programme_n"),
    ("comparison_value", "comparison", "comparison_n"),
)
UNKNOWN = ("unknown", "missing")


@dataclass(frozen=True)
class Declared:
    """What the manifest's study says: the primary comparison, whose flow is shown, and the areas of
    each comparison group (None = all)."""

    primary: str = ""
    areas: Mapping[str, frozenset[str] | None] = field(default_factory=dict)

    def inside(self, small: str, large: str) -> bool:
        """Is one comparison group part of another by its declared areas?"""
        if small == large or small not in self.areas or large not in self.areas:
            return False
        mine, theirs = self.areas[small], self.areas[large]
        return mine is not None and (theirs is None or mine < theirs)


def declared(study: Mapping[str, Any]) -> Declared:
    """Return what a study file, as plain values, says of its comparisons."""
    groups = study.get("comparisons") or {}
    named = [name for name, group in groups.items() if group.get("primary")]
    main = [a for a in study.get("analyses") or [] if a.get("primary")]
    first = (main or study.get("analyses") or [{}])[0]
    primary = first.get("comparison") or (named or [*groups, ""])[0]
    areas = {
        name: frozenset(group["areas"]) if group.get("areas") else None
        for name, group in groups.items()
        if (group.get("kind") or "never_treated") == "never_treated"
    }
    return Declared(str(primary), areas)


def system(tables: Tables, rules: Profile, known: Declared | None = None) -> System:
    """Return the counts and sums of the released tables (name → rows as text).

    Figures are `figures/NAME`; a count that stands in several files is one cell.
    """
    whole, known = System(rules), known or Declared()
    _baseline(whole, tables.get("baseline", ()), known)
    _flow(whole, tables.get("flow", ()), known)
    for name, rows in tables.items():
        if name.startswith("figures/flow"):
            _flow(whole, rows, known)
    _trends(whole, tables.get("figures/raw-means", ()))
    _measured(whole, tables.get("measured", ()), known)
    _deaths(whole, tables.get("death_rates", ()), known)
    _estimates(whole, tables.get("estimates", ()), known)
    _theme_counts(whole, tables.get("theme_counts", ()))
    _joint(whole, tables.get("joint_display", ()))
    for name in ("incidence_rates", "figures/incidence"):
        _incidence(whole, tables.get(name, ()))
    return whole


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    return "" if value is None else str(value)


def _baseline(whole: System, rows: Rows, known: Declared) -> None:
    """Take in the categories of a variable, which add up to the arm; those with a value and those
    without do as well."""
    for value, arm, people in ARMS:
        parts: dict[tuple[str, str], dict[str, int | None]] = defaultdict(dict)
        for row in rows:
            comparison, variable = _text(row, "comparison"), _text(row, "variable")
            category, statistic = _text(row, "category"), _text(row, "statistic")
            if variable == "practices" or statistic not in ("n", "mean_sd"):
                continue
            text = _text(row, value) if statistic == "n" else _text(row, people)
            name = f"baseline, {comparison}, {arm}, {variable} {category}".rstrip()
            if variable == "patients":
                whole.add(("arm", comparison, arm), name, PATIENTS, text or "*")
            else:
                key = ("baseline", comparison, arm, variable, category)
                parts[comparison, variable][category] = whole.add(key, name, PATIENTS, text or "*")
            if statistic == "n" and variable != "patients" and _text(row, people):
                whole.add(("arm", comparison, arm), name, PATIENTS, _text(row, people))
        for (comparison, variable), inside in parts.items():
            of, top = f"baseline, {comparison}, {variable}", ("arm", comparison, arm)
            if len(inside) > 1:
                whole.relate(of, whole.places.get(top), list(inside.values()))
            else:
                whole.part(of, whole.places.get(top), list(inside.values()))
        _whites(whole, parts)
    _of_comparisons(whole, rows, known)


def _whites(whole: System, parts: Mapping[tuple[str, str], Mapping[str, int | None]]) -> None:
    """Take in that White, and those of unknown ethnicity, are the same people in both variables."""
    for (comparison, variable), inside in parts.items():
        levels = parts.get((comparison, "ethnicity"))
        if variable != "white" or not levels:
            continue
        groups = read_groups(levels)
        of = f"baseline, {comparison}, ethnicity and white"
        for category, wanted in (("1", 1), ("0", 0), ("missing", None)):
            same = [
                place
                for level, place in levels.items()
                if (None if level in UNKNOWN else white(groups[level])) == wanted and level != FEW
            ]
            if category in inside and same and FEW not in levels:
                whole.relate(of, inside[category], same)
            elif category in inside and same:
                whole.part(of, inside[category], same, free=True)


def _of_comparisons(whole: System, rows: Rows, known: Declared) -> None:
    """Take in what one comparison has beyond another whose group is part of it, what two have that
    a third joins, and that programme practices are the same in all."""
    lines: dict[str, dict[tuple[str, str, str], int]] = defaultdict(dict)
    for key, place in whole.places.items():
        if isinstance(key, tuple) and key[0] == "arm":
            lines[key[1]][key[2], "patients", ""] = place
        elif isinstance(key, tuple) and key[0] == "baseline":
            lines[key[1]][key[2:5]] = place
    practices = {
        _text(row, "comparison"): (_text(row, "programme"), _text(row, "comparison_value"))
        for row in rows
        if _text(row, "variable") == "practices"
    }
    for small, large in permutations(lines, 2):
        if known.inside(small, large):
            for line in lines[large].keys() & lines[small].keys():
                if line[0] == "comparison":
                    of = f"baseline, {large} and {small}"
                    whole.part(of, lines[large][line], [lines[small][line]])
        if small < large and _many(practices, small)[0] == _many(practices, large)[0] is not None:
            for line in lines[large].keys() & lines[small].keys():
                if line[0] == "programme":
                    of = f"baseline, programme practices of {small} and {large}"
                    whole.same(of, lines[large][line], lines[small][line])
    for one, other, both in permutations(lines, 3):
        sizes = [_many(practices, name)[1] for name in (one, other, both)]
        if one < other and None not in sizes and sizes[0] + sizes[1] == sizes[2]:  # type: ignore[operator]
            for line in lines[both]:
                if line[0] == "comparison":
                    parts = [lines[one].get(line), lines[other].get(line)]
                    present = [part for part in parts if part is not None]
                    whole.relate(f"baseline, {one} and {other}", lines[both][line], present)


def _many(practices: Mapping[str, tuple[str, str]], name: str) -> tuple[int | None, int | None]:
    texts = practices.get(name, ("", ""))
    known = [int(float(text)) if text not in ("", "*") else None for text in texts]
    return known[0], known[1]


def _flow(whole: System, rows: Rows, known: Declared) -> None:
    """Take in what a stage received, which is what it set aside and kept, and how the stages, the
    arms and those seen before and after the start follow from each other."""
    for column, of in (("n_patients", PATIENTS), ("n_records", RECORDS)):
        received: dict[tuple[str, ...], int | None] = {}
        inside: dict[tuple[str, ...], list[int | None]] = defaultdict(list)
        kept: dict[str, int | None] = {}
        for row in rows:
            stage, arm, outcome = (_text(row, name) for name in ("stage", "arm", "outcome"))
            if not _text(row, column):
                continue
            unit, box = _text(row, "label").partition(":")[0], _text(row, "box")
            group = (outcome, stage, unit, arm)
            name = f"flow, {' '.join(word for word in group if word)}, {_text(row, 'label')}"
            key: tuple[str, ...] = ("flow", column, *group, box, _text(row, "rule"))
            if column == "n_patients" and (
                stage == "arm" or (stage, box, unit) == ("panel", "received", "patients")
            ):
                key = ("arm", known.primary, arm)
            place = whole.add(key, name, of, row.get(column))
            if stage == "estimate":
                measured = ("flow", column, outcome, "panel", "patients", arm, "kept", "")
                whole.part("flow, seen before and after", whole.places.get(measured), [place])
            elif stage == "arm":
                continue
            elif box == "received":
                received[group] = place
                if stage == "cohort" or not arm:
                    whole.same(f"flow, {stage} {unit}", place, kept.get(_comes_from(stage, unit)))
            else:
                inside[group].append(place)
                if box == "kept" and not arm:
                    kept[f"{stage} {unit}"] = place
        for where, places in inside.items():
            whole.relate(f"flow, {where[1]} {where[2]}", received.get(where), places)
    eligible = whole.places.get(("flow", "n_patients", "", "cohort", "patients", "", "kept", ""))
    arms = [whole.places.get(("arm", known.primary, arm)) for _, arm, _ in ARMS]
    whole.part("flow, eligible and the two arms", eligible, arms)


def _comes_from(stage: str, unit: str) -> str:
    """Return the stage and unit whose kept rows a stage receives."""
    if stage == "clean":
        return f"ingest {'events' if unit == 'records' else unit} {unit}"
    return f"clean {unit}" if stage == "cohort" else ""


def _trends(whole: System, rows: Rows) -> None:
    """Take in people measured in a period, part of those in follow-up, whose sum over the periods
    is the panel's person-periods."""
    sums: dict[tuple[str, str], list[int | None]] = defaultdict(list)
    for row in rows:
        arm, outcome, period = (_text(row, name) for name in ("arm", "outcome", "period"))
        name = f"figures/raw-means, {arm}, {period}"
        key = ("trends", outcome, arm, period)
        measured = whole.add(key, f"{name}, n_patients", PATIENTS, row.get("n_patients"))
        followed = whole.add((*key, "f"), f"{name}, n_eligible", PATIENTS, row.get("n_eligible"))
        whole.part("figures/raw-means, those in follow-up", followed, [measured])
        sums[outcome, arm].append(measured)
    for (outcome, arm), places in sums.items():
        kept = ("flow", "n_records", outcome, "panel", "person-periods", arm, "kept", "")
        whole.relate("figures/raw-means and flow", whole.places.get(kept), places)


def _measured(whole: System, rows: Rows, known: Declared) -> None:
    """Take in people measured in a period, part of those in follow-up; those with an earlier value
    are part of them. What is left over the periods is the flow's."""
    left: dict[tuple[str, str], list[int | None]] = defaultdict(list)
    for row in rows:
        arm, outcome, period = (_text(row, name) for name in ("arm", "outcome", "period"))
        name, key = f"measured, {outcome}, {arm}, {period}", ("trends", outcome, arm, period)
        followed = _followed(whole, row, known)
        drawn = whole.places.get((*key, "f"))
        if drawn is not None:
            whole.same("figures/raw-means and measured", drawn, followed)
        measured = whole.add(key, f"{name}, n_measured", PATIENTS, row.get("n_measured"))
        earlier = whole.add((*key, "past"), f"{name}, n_past", PATIENTS, row.get("n_past"))
        whole.part("measured, those with an earlier value", measured, [earlier])
        left[outcome, arm].append(whole.part("measured, those in follow-up", followed, [measured]))
    for (outcome, arm), places in left.items():
        stage = ("flow", "n_records", outcome, "panel", "person-periods", arm)
        missed = whole.places.get((*stage, "set_aside", "not_measured"))
        whole.relate("measured and flow", missed, places)


def _deaths(whole: System, rows: Rows, known: Declared) -> None:
    """Take in the dead of a period, part of those in follow-up; who of these is not in follow-up in
    the next one either died or left, less those who joined."""
    before: dict[str, tuple[int | None, int | None]] = {}
    for row in rows:
        arm, period = _text(row, "arm"), _text(row, "period")
        followed = _followed(whole, row, known)
        died = whole.add(
            ("deaths", arm, period), f"death_rates, {arm}, {period}", PATIENTS, row.get("n_died")
        )
        whole.part("death_rates, survivors", followed, [died])
        if arm in before:
            earlier, dead = before[arm]
            of = "death_rates, those who left less those who joined"
            whole.part(of, earlier, [dead, followed], least=-math.inf)
        before[arm] = followed, died


def _followed(whole: System, row: Mapping[str, Any], known: Declared) -> int | None:
    """Return the place of those in follow-up in an arm and period: people of the arm."""
    arm, period = _text(row, "arm"), _text(row, "period")
    name = f"in follow-up, {arm}, {period}"
    place = whole.add(("followed", arm, period), name, PATIENTS, row.get("n_followed"))
    top = whole.places.get(("arm", known.primary, arm))
    whole.part("those in follow-up of the arm", top, [place])
    return place


def _estimates(whole: System, rows: Rows, known: Declared) -> None:
    """Take in what a fit rests on: part of those measured in both arms of the primary comparison,
    and of the largest fit of its comparison and outcome."""
    fits: dict[tuple[str, str], list[tuple[int | None, int | None]]] = defaultdict(list)
    for row in rows:
        analysis = _text(row, "analysis")
        group = (_text(row, "comparison") or known.primary, _text(row, "outcome"))
        key = ("estimates", analysis)
        new = (*key, "n_patients") not in whole.places
        name = f"estimates, {analysis}"
        people = whole.add(
            (*key, "n_patients"), f"{name}, n_patients", PATIENTS, row.get("n_patients")
        )
        periods = whole.add((*key, "n_obs"), f"{name}, n_obs", RECORDS, row.get("n_obs"))
        if new:
            fits[group].append((people, periods))
    for (comparison, outcome), listed in fits.items():
        if comparison == known.primary:
            _within_panel(whole, outcome, listed)
        for people, periods in listed[1:]:
            whole.part("estimates, two fits of one outcome", listed[0][0], [people])
            whole.part("estimates, two fits of one outcome", listed[0][1], [periods])


def _within_panel(
    whole: System, outcome: str, fits: Sequence[tuple[int | None, int | None]]
) -> None:
    for column, unit, which in (("n_patients", "patients", 0), ("n_records", "person-periods", 1)):
        arms = [
            whole.places.get(("flow", column, outcome, "panel", unit, arm, "kept", ""))
            for _, arm, _ in ARMS
        ]
        if None in arms:
            continue
        of = f"flow and estimates, {outcome}"
        both = whole.joined(of, [arm for arm in arms if arm is not None])
        for fit in fits:
            whole.part(of, both, [fit[which]])


def _theme_counts(whole: System, rows: Rows) -> None:
    """Take in people by the level of an attribute, who add up to all of the role; who raised a
    theme is a part of those asked, and who raised a code is among those who raised its theme."""
    keys = ("theme_id", "code_id", "role", "attribute", "attribute_level")
    for column in ("n_participants", "n_eligible"):
        levels: dict[tuple[str, ...], list[int | None]] = defaultdict(list)
        for row in rows:
            line = tuple(_text(row, name) for name in keys)
            name = " ".join(f"theme_counts, {' '.join(line)}, {column}".split())
            place = whole.add(("themes", column, *line), name, PARTICIPANTS, row.get(column))
            if line[3]:
                levels[line[:4]].append(place)
        for group, inside in levels.items():
            top = whole.places.get(("themes", column, *group[:3], "", ""))
            if len(inside) > 1:
                of = f"theme_counts, {group[0]} {group[2]} by {group[3]}"
                whole.relate(of, top, inside)
    for row in rows:
        line = tuple(_text(row, key) for key in keys)
        raised = whole.places.get(("themes", "n_participants", *line))
        asked = whole.places.get(("themes", "n_eligible", *line))
        whole.part("theme_counts, those asked", asked, [raised])
        if line[1]:
            theme = whole.places.get(("themes", "n_participants", line[0], "", *line[2:]))
            whole.part("theme_counts, a code of its theme", theme, [raised], free=True)
            asked_too = whole.places.get(("themes", "n_eligible", line[0], "", *line[2:]))
            whole.same("theme_counts, those asked", asked_too, asked)


def _joint(whole: System, rows: Rows) -> None:
    """Take in who was asked, raised a claim's theme and spoke to it; the first two stand among the
    theme counts as well."""
    for row in rows:
        claim, theme, role = (_text(row, name) for name in ("claim_id", "theme_id", "role"))
        key, name = ("joint", claim), f"joint_display, {claim}"
        asked = whole.add((*key, "n_eligible"), name, PARTICIPANTS, row.get("n_eligible"))
        for column in ("n_raised", "n_supports", "n_contradicts"):
            part = whole.add((*key, column), f"{name}, {column}", PARTICIPANTS, row.get(column))
            whole.part(f"joint_display, {claim}", asked, [part])
        line = (theme, "", role, "", "")
        for mine, theirs in (("n_eligible", "n_eligible"), ("n_raised", "n_participants")):
            here = whole.places.get((*key, mine))
            there = whole.places.get(("themes", theirs, *line))
            if here is not None and there is not None:
                whole.same("joint_display and theme_counts", there, here)


def _incidence(whole: System, rows: Rows) -> None:
    for row in rows:
        arm, period = _text(row, "arm"), _text(row, "period")
        for column, over in (("n_incident", "n_at_risk"), ("n_entered_incident", "n_entered")):
            name = f"incidence_rates, {arm}, {period}"
            key = ("incidence", arm, period)
            top = whole.add((*key, over), f"{name}, {over}", PATIENTS, row.get(over))
            part = whole.add((*key, column), f"{name}, {column}", PATIENTS, row.get(column))
            whole.part(name, top, [part])

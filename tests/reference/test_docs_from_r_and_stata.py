"""Every SPEC of docs/from-r-and-stata.md gives the numbers that the page prints, and these are
those of the other programs where it says so."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from evalweave.cli import app

PAGE = Path(__file__).parents[2] / "docs/from-r-and-stata.md"
DATA = Path(__file__).parent / "data"
SECTIONS = re.split(r"^## (?=\d)", PAGE.read_text(encoding="utf-8"), flags=re.M)[1:]
ROW = re.compile(r"^\| `([^`]+)` \| `([^`]+)` \| (\w+) \| (\S+) \| (\S+) \|$", re.M)
HONEST = "honest_did: "


def number(text: str) -> float:
    return float(text.replace("−", "-"))


def last_digit(text: str) -> float:
    """Half a unit of the last printed digit, and a little."""
    return 0.51 * 10.0 ** -len(text.partition(".")[2])


def estimated(section: str, folder: Path):
    """Return what the command writes for a section of the page: estimates and diagnostics."""
    spec = folder / "spec.yaml"
    spec.write_text(re.search(r"```yaml\n(.*?)```", section, re.S)[1], encoding="utf-8")
    name = re.search(r"^Panel: `(\w+)`", section, re.M)
    panel = DATA / f"{name[1] if name else 'mpdta'}.csv"
    told = CliRunner().invoke(
        app, ["fit", str(panel), "--spec", str(spec), "--out", str(folder / "out")]
    )
    assert told.exit_code == 0, told.output
    assert (folder / "out" / "influence.parquet").is_file()
    table = pd.read_csv(folder / "out" / "estimates.csv")
    return table, json.loads((folder / "out" / "diagnostics.json").read_text())


@pytest.mark.parametrize("section", SECTIONS, ids=lambda s: s.partition("\n")[0])
def test_a_spec_gives_what_the_page_prints(section, tmp_path):
    rows = ROW.findall(section)
    table, diagnostics = estimated(section, tmp_path)
    table = table.set_index(["term", "inference"])
    assert rows
    for term, inference, name, theirs, ours in rows:
        if inference.startswith(HONEST):
            (entry,) = diagnostics.values()
            every = entry["honest_did"][inference.removeprefix(HONEST)]
            (found,) = (
                bound[name]
                for bound in every
                if (bound["kind"], bound["target"], bound["M"]) == ("relative", "average", 1.0)
            )
        else:
            found = table.loc[(term, inference), name]
        assert found == pytest.approx(number(ours), abs=last_digit(ours)), (term, name)
        if theirs != "–":
            assert found == pytest.approx(number(theirs), abs=last_digit(theirs)), (term, name)


def test_the_other_programs_numbers_are_those_of_the_references():
    twfe, did, imputation = (
        json.loads((DATA / f"{name}_mpdta.json").read_text())
        for name in ("twfe", "did", "imputation")
    )
    lpop = did["mpdta__dr__nevertreated__lpop"]
    by_state = did["mpdta__dr__nevertreated__lpop__cluster_state"]["simple"]
    event = twfe["mpdta_event_twfe"]
    start = event["term"].index("rel::0")
    fixest = twfe["mpdta_twfe"]["cluster_state"]
    expected = {
        1: [fixest["estimate"], fixest["se"], fixest["p"]],
        2: [event["estimate"][start], event["se"][start]],
        3: [twfe["mpdta_sunab"]["att"]["estimate"], twfe["mpdta_sunab"]["att"]["se"]],
        4: [
            *(lpop[kind][f"overall_{n}"] for kind in ("simple", "dynamic") for n in ("att", "se")),
            lpop["group"]["overall_att"],
            lpop["calendar"]["overall_att"],
        ],
        5: [by_state["overall_att"], by_state["overall_se"]],
        6: [
            imputation["did2s_static"]["estimate"],
            imputation["didimputation_static"]["std.error"],
        ],
        7: [],
        8: [-15.6038],  # ORIGIN-synthdid.md
        9: [fixest["estimate"], fixest["se"]],
        10: [lpop["simple"]["overall_att"], lpop["simple"]["overall_se"]],
        11: [],
        12: [imputation["imputation_by_hand_lm"]["overall"]],
    }
    printed = {
        int(section.partition(".")[0]): [
            theirs for *_, theirs, _ in ROW.findall(section) if theirs != "–"
        ]
        for section in SECTIONS
    }
    assert list(printed) == list(expected)
    for place, texts in printed.items():
        assert len(texts) == len(expected[place])
        for text, value in zip(texts, expected[place], strict=True):
            assert number(text) == pytest.approx(value, abs=last_digit(text)), place


def test_the_test_that_the_page_names_as_proof_exists():
    name, file = re.search(r"`(test_\w+)` in\s+`(tests/[\w/]+\.py)`", PAGE.read_text()).groups()
    source = (PAGE.parents[1] / file).read_text()
    assert f"def {name}(" in source and "repeated_cross_section" in source

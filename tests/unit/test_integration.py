"""What analysts write and decide: quotations by key, names in them, linked people, syntheses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalweave.errors import DataError
from evalweave.report.html import environment
from evalweave.report.sections import meshed, provenance
from evalweave.tables.joint import INTEGRATION, QUOTES
from evalweave.triangulation.chosen import decided, read_decisions
from evalweave.triangulation.integration import Known, Link, read_integration, read_links
from evalweave.triangulation.meshing import by_group, pairs
from evalweave.triangulation.names import Names, signs, without_names, wrong_redaction
from evalweave.triangulation.quotes import USABLE
from evalweave.triangulation.same_words import SameWords
from helpers import reports

NAMES = Names.of(["Maria Holt", "Elswick"], ["C01", "LW12"], ["Tyneside"], True)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("I went to the gym on Monday. She came too.", []),
        ("“It helped,” I said: Nobody asked.", []),
        ("My GP sent me, I'm glad of it.", []),
        ("They live on Tyneside’s river.", []),
        ("then maria  holt came", ["declared name"]),
        ("we went round elswick, twice", ["declared name"]),
        ("as c01 told you", ["participant"]),
        ("my c011 form", []),
        ("It was Brenda who rang.", ["capital"]),
        ("We moved to Byker – Walker is worse.", ["capital"]),
        ("It was [the worker] who rang [Brenda].", ["capital"]),
        ("then she [Maria Holt from Elswick] came", ["declared name"] * 2 + ["capital"] * 3),
        ("[c01 laughs] it was fine", ["participant"]),
        ("over in Els[wick] we", ["declared name", "capital"]),
        ("[Laughs] It was fine.", []),
    ],
)
def test_names_in_words_that_leave(words: str, why: list[str]) -> None:
    assert [sign for _, sign in signs(words, NAMES)] == why


def test_a_code_beside_a_quotation_names_nobody() -> None:
    assert without_names("Help > Maria Holt visits > Damp", NAMES) == "Help > … > Damp"


def test_where_nouns_have_capitals_only_declared_names_hold_back() -> None:
    german = Names.of(["Elswick"], ["C01"], [], False)
    assert signs("Ich war mit dem Hund im Park.", german) == []
    assert signs("Wir waren in Elswick.", german) == [("elswick", "declared name")]


@given(st.lists(st.sampled_from(["the", "damp", "street", "again"]), min_size=3, max_size=9))
def test_a_redaction_takes_away_and_adds_nothing(words: list[str]) -> None:
    whole = " ".join(words)
    assert not wrong_redaction(whole, whole)
    assert not wrong_redaction(whole, " ".join(["[…]", *words[2:]]))
    assert not wrong_redaction(whole, " ".join([*words[:1], "[a place]", *words[2:]]))
    assert wrong_redaction(whole, f"{whole} really")


def test_a_redaction_that_turns_words_round_is_refused() -> None:
    assert wrong_redaction("I did not like it", "I did like it")
    assert wrong_redaction("one and then two", "two [and] one")
    assert not wrong_redaction("I did not like it", "I did […] like it")  # and everybody sees it


@pytest.mark.parametrize(
    ("whole", "cut", "wrong"),
    [
        ("I disagree with it", "agree with it", True),
        ("I agree with it, no", "I agree with it", True),  # no mark at the end
        ("It was unhelpful", "It was helpful", True),
        ("It was unhelpful", "[…]helpful", True),
        ("I like it. I do not hate her.", "I [] hate her.", True),
        ("I like it. I do not hate her.", "I […] hate her.", False),
        ("I don't know", "I do[…] know", True),
        ("So I agree with it", "[…] I agree with it", False),
        ("“Well, she came!”", "[…] she came", False),
        ("one two one", "[…] one", False),
        ("one two", "one [x] two one", True),
        ("she came twice", "[my worker] came […]", False),
    ],
)
def test_whole_words_are_cut_and_every_cut_is_marked(whole: str, cut: str, wrong: bool) -> None:
    assert wrong_redaction(whole, cut) is wrong


def usable(*rows: tuple[str, str, str]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["segment_id", "participant_id", "quote"])
    return frame.assign(readable=True, speaker="client", chosen="")[list(USABLE)]


def same(frame: pd.DataFrame, **columns: object) -> SameWords:
    """The stretches of a frame, each in a source of its own and without a place."""
    own = {"source_id": frame["segment_id"], "start": None, "end": None}
    return SameWords(frame.assign(**(own | columns)))


def decisions(folder: Path, *lines: str) -> dict[str, object]:
    file = folder / "quotes.csv"
    header = "segment_id,decision,author,date,words,claim_id"
    file.write_text("\n".join([header, *lines]) + "\n")
    words = {"s:1": "It was Brenda who rang.", "s:2": "Maria Holt came.", "s:3": "Good for me."}
    words |= {"s:4": "My brother."}
    return dict(read_decisions(file, words, ["drift"]))


def test_by_key_and_by_rule(tmp_path: Path) -> None:
    """A capital passes where somebody chose the words; a declared name has to be redacted."""
    given_ = usable(
        ("s:1", "C01", "It was Brenda who rang."),
        ("s:2", "C02", "It was Maria Holt."),
        ("s:3", "C03", "Good for me."),
    )
    by_rule, warned = decided(given_, {}, NAMES, same(given_))
    assert by_rule["segment_id"].tolist() == ["s:3"]
    assert warned["held_back"].all() and warned["segment_id"].tolist()[:1] == ["s:1"]
    made = decisions(
        tmp_path,
        "s:1,show,AB,2026-11-01,,drift",
        "s:2,show,AB,2026-11-01,,",
        "s:3,leave_out,AB,2026-11-01,,",
    )
    by_key, warned = decided(given_, made, NAMES, same(given_))  # type: ignore[arg-type]
    assert by_key[["segment_id", "chosen"]].to_numpy().tolist() == [["s:1", "drift"]]
    assert warned.loc[warned["segment_id"] == "s:1", "held_back"].tolist() == [False]
    assert warned.loc[warned["segment_id"] == "s:2", "held_back"].all()
    made = decisions(tmp_path, "s:2,redact,AB,2026-11-01,[my worker] came.,")
    by_key, _ = decided(given_, made, NAMES, same(given_))  # type: ignore[arg-type]
    assert "[my worker] came." in by_key["quote"].tolist()


def test_words_left_out_or_redacted_are_shown_by_no_other_key(tmp_path: Path) -> None:
    """Another coder's boundary, and the same text stored twice, hold the same words."""
    long = "it tells of my brother and of what he did"
    rows = usable(
        ("s:1", "C01", "It tells of my brother."),
        ("s:2", "C01", "It tells of my brother. Yes."),
        ("s:3", "C01", "Good for me."),
        ("s:4", "C01", f"Now {long} there."),
        ("s:5", "C02", f"So {long}."),
        ("s:6", "C02", "Good for me."),
    )
    words = same(
        rows,
        source_id=["a", "a", "a", "a", "b", "b"],
        start=[0, 0, 30, 50, 0, 90],
        end=[24, 29, 42, 90, 40, 99],
    )

    def shown(*lines: str) -> list[str]:
        frame, warned = decided(rows, decisions(tmp_path, *lines), NAMES, words)  # type: ignore[arg-type]
        assert not set(frame["segment_id"]) & set(warned["segment_id"])
        return [name.removeprefix("s:") for name in frame["segment_id"]]

    assert shown("s:1,leave_out,AB,2026-11-01,,") == ["3", "4", "5", "6"]
    assert shown("s:1,redact,AB,2026-11-01,It was […],") == ["1", "3", "4", "5", "6"]
    assert shown("s:4,leave_out,AB,2026-11-01,,", "s:2,show,AB,2026-11-01,,") == list("1236")
    assert shown("s:3,leave_out,AB,2026-11-01,,") == ["1", "2", "4", "5", "6"]


def test_everything_wrong_with_decisions_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(DataError) as error:
        decisions(
            tmp_path,
            "s:9,show,AB,2026-11-01,,",
            "s:1,shw,,01.11.2026,,drft",
            "s:2,redact,AB,2026-11-01,Maria was nice,",
            "s:3,redact,AB,2026-11-01,,",
        )
    told = str(error.value)
    assert told.startswith("7 things") and "Brenda" not in told and "Maria" not in told
    for row in (2, 3, 4, 5):
        assert f"row {row}" in told
    assert 'Did you mean "show"?' in told and 'Did you mean "drift"?' in told


LINKS = tuple(Link(f"C{n}", f"L{n}", "link_worker") for n in range(3))


def test_pairs_that_may_be_shown() -> None:
    everybody = [
        (f"s{who}", who, f"Words of {who}.") for n in range(3) for who in (f"C{n}", f"L{n}")
    ]
    roles = {who: "client" if who[0] == "C" else "link_worker" for _, who, _ in everybody}
    themes = {"T": [name for name, _, _ in everybody]}
    words = same(usable(*everybody))
    shown = pairs(LINKS, usable(*everybody), themes, roles, {"sC0"}, 3, words)
    assert [[quote["role"] for quote in pair] for pair in shown[0]["pairs"]] == [
        ["client", "link_worker"]
    ] * 2
    said = {quote["segment_id"] for pair in shown[0]["pairs"] for quote in pair}
    assert said == {"sC1", "sL1", "sC2", "sL2"}  # what is quoted elsewhere is not shown again
    one_side = usable(*[row for row in everybody if row[1] != "L1"])
    shown = pairs(LINKS, one_side, themes, roles, (), 3, words)
    assert len(shown[0]["pairs"]) == 2  # the first and the third
    again = [*everybody, ("again", "C1", "So: words of C1. Yes.")]  # another coder's boundary
    words, themes = same(usable(*again), source_id="i"), {"T": [name for name, _, _ in again]}
    shown = pairs(LINKS, usable(*again), themes, roles, {"again"}, 3, words)
    said = {quote["segment_id"] for pair in shown[0]["pairs"] for quote in pair}
    assert said == {"sC0", "sL0", "sC2", "sL2"}
    few = pairs(LINKS[:2], usable(*everybody), themes, roles, (), 3, words)
    assert few[0]["pairs"] == [] and few[0]["enough"] is False


def test_what_the_page_says_of_an_import_names_nobody(tmp_path: Path) -> None:
    log = [
        (
            "warning",
            "sources",
            '"Interview Mary" and "interview mary" (U+00E9) were read as one',
            2,
        ),
        ("warning", "sources", '"Anna B" and "anna b" were read as one', 3),
        ("warning", "people", 'a case is nearly "P02": it has "-" (U+002D) in place of U+0050', 1),
        ("warning", "codes", "codes without a place", 4),
        ("note", "sources", "read", 1),
    ]
    frame = pd.DataFrame(log, columns=["severity", "subject", "message", "n"])
    blocks = provenance.section(replace(reports.data(tmp_path), import_log=frame)).blocks
    render = environment(False).globals["render"]
    words = reports.words("".join(render(block) for block in blocks))
    assert "5 … were read as one" in words and "a case is nearly …" in words
    assert "4 codes without a place" in words
    assert not any(name in words.casefold() for name in ("mary", "anna", "p02", "u+0"))


def test_quotations_by_theme_and_group_leave_out_the_pairs() -> None:
    rows = usable(("a", "C1", "One."), ("b", "C1", "Two."), ("c", "C2", "Three."), ("d", "C3", "4"))
    made = by_group(rows, {"T": ["a", "b", "c", "d"]}, {"a": "x > y"}, {"d"})
    assert made["segment_id"].tolist() == ["a", "c", "b"]  # two people before one again
    assert made["code_path"].tolist()[0] == "x > y"


def test_links_and_integration_are_read_or_refused(tmp_path: Path) -> None:
    links = tmp_path / "links.csv"
    links.write_text("participant,linked,relation\nc1,L1,link worker\n")
    assert read_links(links, ["C1", "L1"]) == (Link("C1", "L1", "link_worker"),)
    links.write_text("participant,linked,relation\nC1,C1,x\nC1,Q,\nL1,C1,x\nC1,L1,x\n")
    with pytest.raises(DataError) as error:
        read_links(links, ["C1", "L1"])
    assert str(error.value).startswith("4 things") and "again" in str(error.value)
    file = tmp_path / "integration.csv"
    known = Known({"claim": ["drift"], "theme": ["T"], "relation": []}, ["client"])
    file.write_text(
        "kind,id,voice,text,author,date\nclaim,Drift,,They agree on less.,AB,2026-11-02\n"
        "theme,T,client,Hope.,AB,2026-11-02\n"
    )
    mine = Known({"relation": ["link_worker"]}, [])
    file_ = tmp_path / "of_relations.csv"
    file_.write_text("kind,id,text,author,date\nrelation,Link worker,x,AB,2026-11-02\n")
    assert read_integration(file_, mine)["id"].tolist() == ["link_worker"]  # as links are read
    read = read_integration(file, known)
    assert read["id"].tolist() == ["drift", "T"] and read["voice"].tolist()[1] == "client"
    file.write_text(
        "kind,id,voice,text,author,date\nclaims,drift,,x,AB,2026-11-02\n"
        "claim,drft,,x,AB,2026-11-02\ntheme,T,clent,,AB,2.11.2026\nclaim,drift,client,x,,2026-11-02\n"
    )
    with pytest.raises(DataError) as error:
        read_integration(file, known)
    assert str(error.value).startswith("7 things")


def test_the_page_shows_readings_pairs_and_quotations_without_scripts(tmp_path: Path) -> None:
    data = reports.data(tmp_path)
    assert data.themes is not None
    theme = str(data.themes["theme_id"].iloc[0])
    role = str(data.theme_counts["role"].iloc[0])  # type: ignore[index]
    rows = [
        ("theme", theme, role, "It is <b>hope</b> for 2 clients.", "AB", "2026-11-02"),
        ("theme", theme, None, "One names what the other hides.", "AB", "2026-11-02"),
        ("relation", "link_worker", None, "They tell it differently.", "AB", "2026-11-03"),
    ]
    pair = [{"role": "client", "quote": "Mine."}, {"role": "link_worker", "quote": "Hers."}]
    entry = {"relation": "link_worker", "theme_id": theme, "pairs": [pair], "enough": True}
    few = {"relation": "family", "theme_id": theme, "pairs": [], "enough": False}
    spoken = {"theme_id": theme, "quote": "In the <cell>.", "speaker": "client, woman"}
    told = replace(
        data,
        integration=INTEGRATION.conform(pd.DataFrame(rows, columns=INTEGRATION.names)),
        joint_detail={"pairs": [entry, few]},
        quote_matrix=QUOTES.conform(pd.DataFrame([spoken | {"code_path": "a > b"}])),
    )
    render = environment(False).globals["render"]
    html = "".join(render(block) for block in meshed.blocks(told))
    words = reports.words(html)
    assert "One names what the other hides." in words and "AB, 2026-11-02" in words
    assert "<b>hope" not in html and "1 to 2</data> clients" in html  # no small count leaves
    assert "“Mine.”" in words and "They tell it differently." in words
    assert "too few pairs" in words and "Nothing was written." in words
    assert "<details" in html and "<script" not in html and "<cell>" not in html
    assert meshed.written(told, "claim", "drift") == (None, None)

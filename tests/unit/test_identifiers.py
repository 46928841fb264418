"""Identifiers are matched as what they are: however they are written, and nowhere else."""

from __future__ import annotations

import random
import string
from collections.abc import Callable

import pytest

from evalweave.release import read_words, released
from evalweave.release.audit import identified
from evalweave.release.identifiers import Identifiers
from evalweave.release.released import Content
from evalweave.vocabulary.identifiers import is_common, normal
from helpers.report_results import Made
from helpers.reports import report

STUDIES = 200
KINDS = ("patient", "practice", "participant", "segment")


@pytest.fixture(scope="module")
def contents(tmp_path_factory: pytest.TempPathFactory) -> list[Content]:
    """A report, its figures in it, and the largest of its tables, read back."""
    folder = report(tmp_path_factory.mktemp("report"), Made())
    shown = ("report.html", "estimates.csv", "joint_display.csv", "manifest.json")
    return [released.read(folder / name, name) for name in shown]


@pytest.fixture(scope="module")
def own(contents: list[Content]) -> list[str]:
    """The words of the report."""
    text = " ".join(content.prose for content in contents if content.name == "report.html")
    return [word for word in text.split() if word.isalpha()]


def awkward(draw: random.Random, own: list[str]) -> list[str]:
    """Return the identifiers of one kind in one study, of a form that reports are full of."""
    start = draw.randrange(10**6)
    many = range(draw.randrange(5, 400))
    forms: list[Callable[[int], str]] = [
        lambda n: str(n),
        lambda n: str(1990 + n % 40),
        lambda n: f"{start % 90000 + 10000 + n:05d}",
        lambda n: str(100_000 + start + n),
        lambda n: str(10_000_000 + start + n),
        lambda n: f"20{n % 30:02d}0{n % 9 + 1}{n % 28 + 1:02d}",
        lambda n: f"{n:08d}",
        lambda n: f"{n}.0",
        lambda n: draw.choice(("e69f00", "009e73", "0072B2", "56b4e9", "333", "ffffff", "d55e00")),
        lambda n: draw.choice(("unknown", "practice", "white", "Unknown", "people", "missing")),
        lambda n: string.ascii_letters[n % 52],
        lambda n: f"{draw.choice(string.ascii_uppercase)}{n % 100}",
        lambda n: f"in {2010 + n % 10}",
        lambda n: f"{draw.choice(own)}",
        lambda n: f"{2010 + n % 9}/{11 + n % 9}",
        lambda n: f"{draw.choice(own)} {draw.choice(own)}",
        lambda n: f"{draw.choice(('Élan', 'Brontë', 'Ærø'))}{n}",
        lambda n: f"\u200b{n}\u200d{n}",
        lambda n: draw.choice(("cr2", "wild_bootstrap", "mmol/mol", "HbA1c", "95 %", "CI 95")),
        lambda n: f"{draw.choice(own)} {draw.randrange(100)}",
    ]
    form = draw.choice(forms)
    return [form(n) for n in many]


def in_the_report(contents: list[Content], known: list[Identifiers]) -> list[str]:
    keys = read_words.keys(contents)
    return [line for content in contents for line in identified(content, known, keys)]


def test_no_false_alarm_over_studies_with_awkward_identifiers(
    contents: list[Content], own: list[str]
) -> None:
    """Once fonts' colours, "unknown" and numbers of five digits refused a clean report."""
    alarms = []
    for seed in range(STUDIES):
        draw = random.Random(seed)
        ids = {kind: awkward(draw, own) for kind in KINDS}
        known = [Identifiers.of(kind, values) for kind, values in ids.items()]
        alarms += [(seed, line) for line in in_the_report(contents, known)]
    assert alarms == []


WAYS: dict[str, Callable[[str], str]] = {
    "as it is": lambda name: name,
    "in the other case": str.swapcase,
    "with blanks": lambda name: f"{name[:3]} {name[3:6]} {name[6:]}".strip(),
    "with hyphens": lambda name: f"{name[:4]}-{name[4:]}",
    "with characters of no width": lambda name: f"{name[:2]}\u200b{name[2:5]}\u2060{name[5:]}",
    "in wide letters": lambda name: "".join(
        chr(ord(letter) + 0xFEE0) if "!" <= letter <= "~" else letter for letter in name
    ),
    "in quotes": lambda name: f"“{name}”",
}


@pytest.mark.parametrize("way", WAYS)
def test_an_identifier_that_somebody_wrote_is_found(contents: list[Content], way: str) -> None:
    """Planted in what is quoted, among a hundred others of each kind."""
    missed = []
    for seed in range(20):
        draw = random.Random(seed)
        some = [f"{draw.randrange(10**9, 10**10)}" for _ in range(100)]  # ten digits
        others = [f"{draw.choice('ABCDE')}{draw.randrange(10**5, 10**6)}" for _ in range(100)]
        for kind, names in (("patient", some), ("practice", others)):
            name = WAYS[way](draw.choice(names))
            page = Content("q.html")
            released._markup(f"<blockquote><p>I told {name} so.</p></blockquote>", page)
            if not in_the_report([page], [Identifiers.of(kind, names)]):
                missed.append((seed, kind))
    assert missed == []


@pytest.mark.parametrize(
    ("identifier", "text", "stands"),
    [
        ("4815162342", "<p>4815162342.0</p>", True),
        ("4815162342.0", "<p>4815162342</p>", True),
        ("4815162342", "<p>1,481,516,234 and 4815162342.5</p>", False),
        ("GP 12-345", "<p>gp12345</p>", True),
        ("P017", "<p>as P017 said</p>", True),
        ("P017", "<style>.P017 {fill: #P017}</style><p class='P017' id='P017'></p>", False),
        ("P017", "<img alt='P017 smiles'>", True),
        ("Riverside Surgery", "<p>at riverside  surgery</p>", True),
        ("IN2015", "<p>in 2015</p>", False),
        ("IN2015", "<p>IN2015</p>", True),
        ("123456", "<p>I am 123456</p>", True),
        ("123456", "<p>123,456 and <data data-counts='records'>123456</data></p>", False),
        ("20150401", "<p>2015-04-01</p>", False),
        ("201504019", "<p>2015-04 019</p>", False),
        ("e69f00", "<svg><rect fill='e69f00'/></svg>", False),
        ("unknown", "<p>unknown</p>", False),
    ],
)
def test_what_is_an_identifier_and_what_is_none(identifier: str, text: str, stands: bool) -> None:
    page = Content("q.html", raw=[text])
    released._markup(text, page)
    met = in_the_report([page], [Identifiers.of("participant", [identifier])])
    assert bool(met) == stands
    assert not any(identifier in line for line in met)


def test_keys_of_the_study_are_no_identifiers() -> None:
    table = Content("joint_display.csv")
    table.tables["joint_display"] = [{"claim_id": "C01", "proposition": "See C01 and C02."}]
    known = [Identifiers.of("participant", ["C01"])]
    assert in_the_report([table], known) == []
    assert in_the_report([table], [Identifiers.of("participant", ["C02"])]) != []


@pytest.mark.parametrize("name", ["17", "E69F00", "practice", "Riverside Surgery", "20150401", "é"])
def test_identifiers_that_are_common(name: str) -> None:
    assert is_common(normal(name))


@pytest.mark.parametrize("name", ["4815162342", "SP30417", "GP 12-345", "123456789", "A1B2C3D4E5"])
def test_identifiers_that_tell(name: str) -> None:
    assert not is_common(normal(name))

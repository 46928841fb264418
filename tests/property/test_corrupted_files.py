"""Whatever happened to a flat file on its way: it is read, or refused in a sentence that shows
nothing of it."""

from __future__ import annotations

import random
from pathlib import Path

from evalweave.errors import EvalweaveError
from evalweave.extract.ingest import ingest
from evalweave.study.records import Extract
from helpers.extracts import HEADER, ROWS, SECRET

N = 40
ODD = (b"\x00", b"\xff", b'"', b'""', b"\r", b"\n", b"\r\n", b",", b",,", b"\t", b";", b"\x1a")
ODD += (b"\xef\xbb\xbf", "é".encode("cp1252"), "\u2028".encode(), b"=1+1", b"1e999", b"PAR1")


def corrupted(whole: bytes, chance: random.Random) -> bytes:
    """Return a file with one or two accidents: cut, doubled, lost, swapped or odd bytes."""
    for _ in range(chance.randint(1, 2)):
        a, b = sorted(chance.randrange(len(whole) + 1) for _ in range(2))
        whole = chance.choice(
            (
                whole[:b],
                whole[a:],
                whole[:a] + whole[b:],
                whole[:b] + whole[a:],
                whole[:a] + chance.choice(ODD) + whole[a:],
                whole[:a] + chance.choice(ODD) * 3 + whole[b:],
                whole[:a] + whole[a:b][::-1] + whole[b:],
            )
        )
    return whole


def test_a_corrupted_file_is_read_or_refused(tmp_path: Path) -> None:
    chance = random.Random(0)
    whole = (HEADER + ROWS * 3).encode()
    extract = Extract.model_validate({"format": "flat", "path": str(tmp_path)})
    refused = 0
    for _ in range(N):
        (tmp_path / "events.csv").write_bytes(corrupted(whole, chance))
        try:
            ingest(extract, "duckdb", "events", tmp_path / "out")
        except EvalweaveError as error:
            refused += 1
            assert str(error).strip() and SECRET not in str(error)
    assert 0 < refused < N  # both happen

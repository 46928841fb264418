"""One hierarchy from many notations: nested codes, `group::code`, `A > B`, `A\\B` and flat dotted
names.

The same leaf name under two parents is legal, so that a code's key is its full path, joined by ' >
'.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable

JOIN = " > "
# 'A > B' needs its spaces: 'HbA1c >48' is one name. NVivo writes 'A\\B'.
SEPARATORS = re.compile(r"\s*::\s*|\s+>\s+|\s*\\+\s*")
# A dot is a level only between names ('support.practical'), never in '7.5', 'e.g. rent', 'Dr. B' or
# 'e.g.'.
DOT = re.compile(r"(?<=[^\s.])\.(?=[^\s.])")


def levels(name: str) -> list[str]:
    """Split one name as shown by a program into the levels it stands for."""
    names = []
    for part in SEPARATORS.split(name.strip()):
        pieces = DOT.split(part)
        abbreviation = len(pieces) > 1 and any(len(piece) == 1 for piece in pieces)
        number = any(a[-1:].isdigit() and b[:1].isdigit() for a, b in itertools.pairwise(pieces))
        names += [part] if abbreviation or number else pieces
    made = [re.sub(r"\s+", " ", level).strip() for level in names if level.strip()]
    return made or [name.strip()] * bool(name.strip())  # a name of separators only is a name


def path_of(names: Iterable[str]) -> tuple[str, ...]:
    """Return the full path of a code from the names of its ancestors and itself.

    A dotted child that repeats its parent's name hangs under it: SUPPORT > support.practical is
    SUPPORT > support > practical, and support > support.practical is support > practical. So does
    a name that repeats the whole path above it.
    """
    path: list[str] = []
    for name in names:
        steps = levels(name)
        if path and len(steps) > len(path) and steps[: len(path)] == path:
            steps = steps[len(path) :]
        elif path and len(steps) > 1 and steps[0] == path[-1]:
            steps = steps[1:]
        path += steps
    return tuple(path)


def code_id(path: Iterable[str]) -> str:
    """Return the key of a code: its full path in one text."""
    return JOIN.join(path)


def is_below(path: tuple[str, ...], root: tuple[str, ...]) -> bool:
    """Whether `path` is `root` or lies below it."""
    return path[: len(root)] == root

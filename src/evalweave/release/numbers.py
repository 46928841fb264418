"""Numbers as the report prints them: true minus signs, intervals in words, never a bare p-value."""

from __future__ import annotations

import math
from typing import Any

MINUS = "−"
MOST = 6  # decimals that an end of an interval may need to differ from zero
NO_LOW, NO_HIGH = "no lower limit", "no upper limit"


def missing(value: Any) -> bool:
    """Is a cell blank (None, NaN or pandas' NA)?"""
    return value is None or str(value) in ("<NA>", "nan", "NaT", "None", "")


def decimals(std_error: float) -> int:
    """Return how many decimals an estimate deserves: two, more for very small and fewer for large
    errors."""
    if missing(std_error) or not math.isfinite(std_error) or std_error <= 0:
        return 2
    return (
        min(4, max(0, 1 - math.floor(math.log10(std_error))))
        if std_error >= 10 or std_error < 0.005
        else 2
    )


CURRENCIES = {"GBP": "£", "EUR": "€", "USD": "$"}
JOINER = "\u2060"  # no line ends between a minus and a sign of currency


def number(value: Any, places: int = 2) -> str:
    """Return a number with a true minus sign and no negative zero; a blank cell is an en dash."""
    if missing(value):
        return "–"
    value = float(value)
    if math.isinf(value):
        return f"{MINUS}∞" if value < 0 else "∞"
    text = f"{value:,.{places}f}"
    if text.startswith("-"):
        text = text[1:] if not any(digit in text for digit in "123456789") else MINUS + text[1:]
    return text


def size(value: Any, places: int = 2) -> str:
    """Return a size that somebody declared, with `places` decimals or the few more that it takes to
    read as what it is (within 1 %)."""
    if missing(value):
        return number(value)
    value = float(value)
    enough = (n for n in range(places, places + 6) if abs(round(value, n) - value) <= value / 100)
    return number(value, next(enough, places))


def interval(low: Any, high: Any, places: int = 2) -> str:
    """Return an interval as `−0.17 to −0.03`; an end without limit says so."""
    if missing(low) or missing(high):
        return "no interval"
    if math.isinf(low) and math.isinf(high):
        return "no limit on either side"
    while excludes_zero(low, high) and _reads_zero(low, high, places) and places < MOST:
        places += 1  # −0.004 is not 0.00: it would read as if the interval held zero
    left = NO_LOW if math.isinf(low) else number(low, places)
    right = NO_HIGH if math.isinf(high) else number(high, places)
    return f"{left} to {right}"


def _reads_zero(low: float, high: float, places: int) -> bool:
    return any(round(end, places) == 0 for end in (low, high) if math.isfinite(end))


def estimate(value: Any, low: Any, high: Any, level: float = 0.95, places: int = 2) -> str:
    """Return `−0.10 (95 % CI −0.17 to −0.03)`."""
    if missing(value):
        return "no estimate"
    return f"{number(value, places)} ({confidence(level)} CI {interval(low, high, places)})"


def money(value: Any, places: int, sign: str) -> str:
    """Return an amount as `−£25.30`; no line ends between the minus and the sign."""
    shown = number(value, places)
    return f"{MINUS}{JOINER}{sign}{shown[1:]}" if shown.startswith(MINUS) else f"{sign}{shown}"


def in_unit(shown: str, unit: str) -> str:
    """Return a number that is written already with its unit; of money as `−£25.30 per
    person-year`."""
    first, _, per = unit.partition(" ")
    sign = _currency(first)
    if not sign:
        return f"{shown} {unit}"
    minus, size_ = (f"{MINUS}{JOINER}", shown[1:]) if shown.startswith(MINUS) else ("", shown)
    return f"{minus}{sign}{size_} {per}".rstrip()


def _currency(name: str) -> str:
    return CURRENCIES.get(name, name if name in CURRENCIES.values() else "")


def estimate_in(
    unit: str, value: Any, low: Any, high: Any, level: float = 0.95, places: int = 2
) -> str:
    """Return an estimate with its unit; of money as `−£25.30 (95 % CI −£41 to −£9) per
    person-year`."""
    first, _, per = unit.partition(" ")
    sign = _currency(first)
    if not sign or missing(value) or missing(low) or missing(high):
        return f"{estimate(value, low, high, level, places)} {unit}"
    ends = [
        none if math.isinf(end) else money(end, places, sign)
        for end, none in ((low, NO_LOW), (high, NO_HIGH))
    ]
    said = f"{money(value, places, sign)} ({confidence(level)} CI {ends[0]} to {ends[1]})"
    return f"{said} {per}".rstrip()


def percent(share: Any, places: int = 0) -> str:
    """Return a share as `95 %` (with a narrow no-break space)."""
    return "–" if missing(share) else f"{number(100 * float(share), places)}\u202f%"


def confidence(level: float) -> str:
    """Return the level of an interval as `95 %` or `97.5 %`, with the digits that it has."""
    return f"{100 * level:.8g}\u202f%"


def p_value(value: Any) -> str:
    """Return `p = 0.03` or `p < 0.001`; to be printed beside an estimate only."""
    if missing(value):
        return ""
    if value < 0.001:
        return "p < 0.001"
    return f"p = {value:.3f}" if value < 0.0995 else f"p = {value:.2f}"


def excludes_zero(low: Any, high: Any) -> bool | None:
    """Does an interval exclude zero? None where there is no interval."""
    if missing(low) or missing(high):
        return None
    return bool(low > 0 or high < 0)


def joined(words: list[str], last: str = "and") -> str:
    """Return `a, b and c`."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def plain(name: str) -> str:
    """Return an identifier such as `imd_quintile` as words."""
    return name.replace("_", " ")


def sentence(text: str) -> str:
    """Return a text with a capital first letter, the rest unchanged."""
    return text[:1].upper() + text[1:]

"""Formulas as MathML and as plain text, from the one line that a method's declaration holds."""

from __future__ import annotations

import re

from markupsafe import Markup

from evalweave.report.blocks import Formula


def formula(source: str) -> list[Formula]:
    """Return the block of a declared formula; none where it is blank."""
    if not source:
        return []
    text = re.sub(r"[{}]", "", source).replace("hat:", "").replace("bar:", "mean ")
    return [Formula(Markup(mathml(source)), text)]


def mathml(source: str) -> str:
    """Return presentation MathML of a one-line formula: `_{}`/`^{}` scripts, `\\hat{}`, letters,
    numbers, operators.

    Only as much of the notation as the formulas here need: tokens are separated by blanks.
    """
    return f'<math display="block"><mrow>{"".join(_token(t) for t in source.split())}</mrow></math>'


def _token(token: str) -> str:
    parts = re.fullmatch(r"([^_^]+)(?:_\{([^}]*)\})?(?:\^\{([^}]*)\})?", token)
    if not parts:
        return f"<mo>{token}</mo>"
    base, sub, sup = parts.groups()
    shown = _base(base)
    lower, upper = (
        f"<mrow>{_scripted(part)}</mrow>" if part is not None else "" for part in (sub, sup)
    )
    if sub is not None and sup is not None:
        return f"<msubsup>{shown}{lower}{upper}</msubsup>"
    if sub is not None:
        return f"<msub>{shown}{lower}</msub>"
    if sup is not None:
        return f"<msup>{shown}{upper}</msup>"
    return shown


def _base(base: str) -> str:
    if base.startswith("hat:"):
        return f"<mover><mi>{base[4:]}</mi><mo>^</mo></mover>"
    if base.startswith("bar:"):
        return f"<mover><mi>{base[4:]}</mi><mo>¯</mo></mover>"
    if re.fullmatch(r"[\d.]+", base):
        return f"<mn>{base}</mn>"
    if re.fullmatch(r"[a-z]{2}", base):  # two indices, not one word
        return "".join(f"<mi>{letter}</mi>" for letter in base)
    if re.fullmatch(r"\w+", base):
        return f"<mi>{base}</mi>"
    return f"<mo>{base}</mo>"


def _scripted(part: str) -> str:
    return "".join(_base(piece) for piece in re.findall(r"\w+|[^\w\s]", part))

"""Tables as LaTeX in the form of journals (booktabs: three lines, notes below), to be read in with
`\\input`; the packages that they need stand in a comment at their top."""

from __future__ import annotations

import re

from evalweave.report.blocks import Line, Table, Text, plain, printable

SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "_": r"\_",
    "%": r"\%",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "−": "$-$",
    "±": r"$\pm$",
    "×": r"$\times$",
    "≥": r"$\geq$",
    "≤": r"$\leq$",
    "∞": r"$\infty$",
    "–": "--",
    "—": "---",
    "…": r"\ldots{}",
    "“": "``",
    "”": "''",
    "‘": "`",
    "’": "'",
    "\u202f": r"\,",
    "\u00a0": "~",
}


def escaped(words: Text) -> str:
    """Return a text in the first of two units as LaTeX that prints it, on one line."""
    whole = " ".join(re.split(r"[ \t\n\r]+", printable(plain(words)).strip()))
    return "".join(SPECIAL.get(letter, letter) for letter in whole)


def table(block: Table, label: str, synthetic: bool) -> str:
    """Return a table as a file of its own."""
    numbers = "".join("r" if column.number else "l" for column in block.columns)
    heads = [
        rf"\shortstack{{{escaped(column.header)}\\{escaped(column.unit)}}}"
        if plain(column.unit)
        else escaped(column.header)
        for column in block.columns
    ]
    notes = [*(("Simulated data.",) if synthetic else ()), *block.notes]
    body = [_row(line, len(block.columns)) for line in block.lines]
    return "\n".join(
        (
            r"% \usepackage{booktabs,adjustbox,textcomp} \usepackage[T1]{fontenc}",
            r"\begin{table}[htbp]",
            r"\centering",
            rf"\caption{{{escaped(block.caption)}}}",
            rf"\label{{tab:{label}}}",
            r"\begin{adjustbox}{max width=\textwidth}",
            rf"\begin{{tabular}}{{@{{}}{numbers}@{{}}}}",
            r"\toprule",
            " & ".join(heads) + r" \\",
            r"\midrule",
            *body,
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{adjustbox}",
            *(rf"\par\footnotesize {escaped(note)}" for note in notes if plain(note)),
            r"\end{table}",
            "",
        )
    )


def _row(line: Line, columns: int) -> str:
    if line.group or len(line.cells) == 1:
        return rf"\multicolumn{{{columns}}}{{@{{}}l}}{{\textbf{{{escaped(line.cells[0])}}}}} \\"
    first, *rest = (escaped(cell) for cell in line.cells)
    return " & ".join([rf"\quad {first}" if line.depth else first, *rest]) + r" \\"

"""A comparison of two releases as one HTML file that opens offline: no script, nothing fetched."""

from __future__ import annotations

from markupsafe import Markup

from evalweave.release.comparison import Comparison, Released
from evalweave.release.comparison_text import Part, parts

_PAGE = Markup("""<!DOCTYPE html>
<html lang="en-GB">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>What changed: {title}</title>
<style>
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 75rem; margin: 2rem auto; }}
.table {{ overflow-x: auto; }}
table {{ border-collapse: collapse; font-size: .9rem; }}
caption {{ text-align: left; font-weight: 600; padding: .5rem 0; }}
th, td {{ text-align: left; vertical-align: top; padding: .25rem .75rem .25rem 0; }}
tr {{ border-bottom: 1px solid #bbb; }}
</style>
</head>
<body>
<h1>What changed</h1>
<p>Old: {old}<br>New: {new}</p>
{notes}
{parts}
<p>Changes of estimates are given in standard errors of the old estimate. Two extracts of the same
people differ by less than two samples of practices would, so that a small number says that a change
is small beside the published uncertainty, not that nothing caused it.</p>
</body>
</html>
""")
_TABLE = Markup(
    '<section><div class="table" tabindex="0" role="group" aria-label="Table"><table>'
    "<caption>{}</caption>\n<thead><tr>{}</tr></thead>\n<tbody>\n{}\n</tbody></table></div></section>"
)


def page(comparison: Comparison, before: Released, after: Released) -> str:
    """Return the comparison as a page."""
    listed = parts(comparison, before, after)
    return str(
        _PAGE.format(
            title=after.manifest["study"].get("study", {}).get("title", after.name),
            old=before.name,
            new=after.name,
            notes=Markup("\n").join(Markup("<p>{}</p>").format(n) for n in comparison.notes),
            parts=Markup("\n").join(_part(part) for part in listed),
        )
    )


def _part(part: Part) -> Markup:
    if not part.rows:
        ending = "" if part.title.startswith("Estimates") else ": no change"
        return Markup("<section><p>{}{}.</p></section>").format(part.title, ending)
    head = Markup("").join(Markup('<th scope="col">{}</th>').format(cell) for cell in part.header)
    rows = [
        Markup("<tr>")
        + Markup('<th scope="row">{}</th>').format(row[0])
        + Markup("").join(Markup("<td>{}</td>").format(cell) for cell in row[1:])
        + Markup("</tr>")
        for row in part.rows
    ]
    return _TABLE.format(part.title, head, Markup("\n").join(rows))

"""The report as HTML files that open offline: no script, no font, no picture from anywhere else."""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from evalweave.report.blocks import Section, printable
from evalweave.report.data import ReportData
from evalweave.report.documents import REPORT, SUPPLEMENT, Document, documents, linked

OTHER = {
    REPORT: (f"{SUPPLEMENT}.html", "Supplement: methods, checklists, every number"),
    SUPPLEMENT: (f"{REPORT}.html", "Main report"),
}


def environment(synthetic: bool) -> Environment:
    """Return the templates, escaping everything that is not `Markup`; `render` draws one block."""
    templates = Environment(
        loader=PackageLoader("evalweave.report"),
        autoescape=select_autoescape(enabled_extensions=("html.j2",), default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )

    def render(block: Any) -> Markup:
        rendered = templates.get_template(f"{block.template}.html.j2").render(block=block)
        return Markup(rendered.strip())

    templates.globals |= {"render": render, "synthetic": synthetic}
    return templates


def pages(data: ReportData, sections: list[Section]) -> dict[str, str]:
    """Return the main report and its supplement by file name, each linked to the other."""
    written = {f"{one.name}.html": page(data, one) for one in documents(sections)}
    (main, first), (more, second) = written.items()
    return {main: linked(first, second, more), more: linked(second, first, main)}


def page(data: ReportData, document: Document) -> str:
    """Return one document as a whole page."""
    about = data.study.study
    templates = environment(about.synthetic)
    css, _, _ = templates.loader.get_source(templates, "style.css")  # type: ignore[union-attr]
    whole = templates.get_template("page.html.j2").render(
        title=about.title,
        subtitle=document.subtitle,
        other=OTHER[document.name],
        question="" if document.subtitle else data.study.report.question,
        authors=about.names,
        sections=document.sections,
        exact=data.profile.exact and not about.synthetic,
        units=data.units(data.primary.name)[:2],
        css=Markup(css),
    )
    return printable(whole)

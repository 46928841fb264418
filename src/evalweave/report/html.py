"""The report as one HTML file that opens offline: no script, no font, no picture from anywhere
else."""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from evalweave.report.blocks import Section, printable
from evalweave.report.data import ReportData


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


def page(data: ReportData, sections: list[Section]) -> str:
    """Return the whole page."""
    about = data.study.study
    templates = environment(about.synthetic)
    css, _, _ = templates.loader.get_source(templates, "style.css")  # type: ignore[union-attr]
    whole = templates.get_template("page.html.j2").render(
        title=about.title,
        question=data.study.report.question,
        authors=about.authors,
        sections=sections,
        exact=data.profile.exact and not about.synthetic,
        units=data.units(data.primary.name)[:2],
        css=Markup(css),
    )
    return printable(whole)

"""From panels to one HTML file: templates, style and nothing from elsewhere."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from habitlake.log import get_logger
from habitlake.report.panels import Panel
from habitlake.report.wording import FILTERS

TEMPLATES = Path(__file__).with_name("templates")


def environment() -> Environment:
    """Return the template engine: everything is escaped, and a name that is not there is an error."""
    templates = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters.update(FILTERS)
    return templates


def page(template: str, panels: Sequence[Panel], facts: Mapping[str, Any]) -> str:
    """Return the page; a panel that cannot be drawn becomes a line that says so."""
    templates = environment()
    parts = [(panel, *_draw(templates, panel)) for panel in panels]
    style = Markup((TEMPLATES / "style.css").read_text(encoding="utf-8"))  # noqa: S704 - our own file
    return templates.get_template(template).render(parts=parts, style=style, **facts)


def _draw(templates: Environment, panel: Panel) -> tuple[Markup, str | None]:
    """Return the drawn content and, where there is none, the line that says why."""
    if panel.missing:
        return Markup(), panel.missing
    try:
        drawn = templates.get_template(f"panels/{panel.key}.html.j2").render(panel.content)
        return Markup(drawn), None  # noqa: S704 - the template has escaped every value
    except Exception as error:
        get_logger("report").warning("a panel could not be drawn", panel=panel.key, error=str(error))
        return Markup(), f"this panel could not be drawn: {error}"

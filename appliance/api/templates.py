"""HTML from templates; everything put into one is escaped."""

from pathlib import Path
from typing import Any

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse, Response

from contract.identity import Identity
from contract.moments import from_text
from contract.profile import CHANNELS
from web.templates import SHARED_HTML

_HERE = Path(__file__).parent


def _moment(text: str | None) -> Markup:
    """Return a time element; a script turns it into the reader's own zone."""
    if text is None:
        return Markup("")
    shown = from_text(text).strftime("%Y-%m-%d %H:%M:%S UTC")
    return Markup('<time datetime="{}">{}</time>').format(escape(text), shown)


_environment = Environment(loader=FileSystemLoader([_HERE / "html", SHARED_HTML]), autoescape=True,
                           undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
_environment.filters["moment"] = _moment
_environment.globals["channels"] = CHANNELS


def page(request: Request, template: str, status: int = 200, /, **values: Any) -> Response:
    """Return the template, filled in. Every page knows who reads it (`who`, None when nobody is logged in) and the box.
    """
    who: Identity | None = getattr(request.state, "who", None)
    services = request.app.state.services
    text = _environment.get_template(template).render(who=who, box=services.box, version=services.version,
                                                  path=request.url.path, **values)
    return HTMLResponse(text, status)

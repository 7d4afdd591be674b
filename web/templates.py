"""HTML from templates; everything put into one is escaped. A site has templates of its own, and the shared ones."""

import hashlib
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles

from contract.identity import Identity
from contract.moments import from_text
from contract.profile import CHANNELS

_HERE = Path(__file__).parent
SHARED = _HERE / "static"
SHARED_HTML = _HERE / "html"
"""Templates of pages that every app has: each app's own base.html and gate.html frame them."""


class Pages:
    """The pages of one app. Its state has `site`, the name at the top of each page."""

    def __init__(self, home: Path) -> None:
        """`home`: the folder with html/ and perhaps static/."""
        self._static = home / "static"
        self._templates = Environment(loader=FileSystemLoader([home / "html", SHARED_HTML]), autoescape=True,
                                      undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
        self._templates.filters["moment"] = _moment
        self._templates.globals.update(channels=CHANNELS, assets=_version(SHARED, self._static))

    def page(self, request: Request, template: str, status: int = 200, /, **values: Any) -> Response:
        """Return the page of `template`. Every page knows who reads it (`who`, None when nobody is logged in)."""
        who: Identity | None = getattr(request.state, "who", None)
        state = request.app.state
        text = self._templates.get_template(template).render(who=who, site=state.site, version=request.app.version,
                                                             path=request.url.path, **values)
        return HTMLResponse(text, status)

    def mount(self, app: FastAPI) -> None:
        """Serve scripts and styles: the shared ones below /static/shared."""
        app.mount("/static/shared", StaticFiles(directory=SHARED))
        if self._static.is_dir():
            app.mount("/static", StaticFiles(directory=self._static))


def _version(*folders: Path) -> str:
    """Changes when a script or style does, so that browsers may keep them."""
    hasher = hashlib.sha256()
    for folder in folders:
        for path in sorted(folder.glob("*")):
            hasher.update(path.read_bytes())
    return hasher.hexdigest()[:12]


def _moment(text: str | None) -> Markup:
    """Return a time element; a script turns it into the reader's own zone."""
    if text is None:
        return Markup("")
    shown = from_text(text).strftime("%Y-%m-%d %H:%M:%S UTC")
    return Markup('<time datetime="{}">{}</time>').format(escape(text), shown)

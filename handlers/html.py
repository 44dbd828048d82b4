"""Pages from the shipped templates, and the files they need; everything is escaped, nothing comes from elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any
from urllib.parse import quote

from jinja2 import PackageLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from starlette.responses import HTMLResponse, RedirectResponse, Response

from bot.domain.measures import duration
from bot.domain.narrative import legible, seconds, size, unmarked
from bot.domain.redaction import redact
from handlers.reader import Reader

PLACES = (
    ("Incidents", "/"),
    ("Approvals", "/approvals"),
    ("Services", "/services"),
    ("Drills", "/drills"),
    ("Measures", "/measures"),
    ("Audit log", "/audit"),
    ("Settings", "/settings"),
)
"""What the navigation leads to, from every page."""
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


@dataclass(frozen=True)
class Asset:
    """A file that pages load. `version` stands for what is in it."""

    content: bytes
    media_type: str
    version: str


class Html:
    """Renders the shipped templates; values are escaped and made legible."""

    def __init__(self, static: Mapping[str, Asset]) -> None:
        self.static = static
        self._templates = ImmutableSandboxedEnvironment(
            loader=PackageLoader("bot", "web/templates"),
            autoescape=True,
            finalize=_finish,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters.update(
            bytes=size,
            day=_day,
            duration=duration,
            hour=_hour,
            iso=_iso,
            redacted=redact,
            seconds=seconds,
            segment=_segment,
            unmarked=unmarked,
        )
        self._templates.globals["asset"] = lambda name: f"/static/{name}?v={static[name].version}"
        self._templates.globals["places"] = PLACES

    def page(self, template: str, reader: Reader | None, status: int = 200, **values: Any) -> HTMLResponse:
        """Answer whoever asks with a page; None where nobody looked who does: then it leads nowhere."""
        return HTMLResponse(self.text(template, reader, **values), status)

    def text(self, template: str, reader: Reader | None, **values: Any) -> str:
        """Give a page, or a part of one that is sent later, as text."""
        return self._templates.get_template(template).render(values, reader=reader)


def went(path: str) -> Response:
    """Lead on after a form was taken, so that loading the page again sends nothing again (RFC 9110, 303)."""
    return RedirectResponse(path, 303)


@cache
def shipped() -> Html:
    """Give the one renderer of what is shipped: templates are compiled once."""
    return Html(_assets())


def _finish(value: Any) -> Any:
    """Make text legible; markup that was made safe before is left alone."""
    return legible(value) if type(value) is str else value


def _hour(at: datetime) -> str:
    return f"{at:%H:%M:%S}"


def _day(at: datetime) -> str:
    return f"{at:%Y-%m-%d}"


def _iso(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}Z"


def _segment(text: str) -> str:
    """Give text as one segment or value of an address."""
    return quote(legible(text), safe="")


def _assets() -> Mapping[str, Asset]:
    found = {}
    for file in files("bot").joinpath("web/static").iterdir():
        media_type = _TYPES.get(f".{file.name.rpartition('.')[2]}")
        if media_type:
            content = file.read_bytes()
            found[file.name] = Asset(content, f"{media_type}; charset=utf-8", sha256(content).hexdigest()[:12])
    return found

"""Postmortems as Markdown, and Markdown as HTML that is safe to show."""

import re
from collections.abc import Sequence
from datetime import datetime
from html import escape as html_escape
from typing import Any
from urllib.parse import quote

import nh3
from cmarkgfm.cmark import markdown_to_html_with_extensions
from jinja2 import PackageLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from bot.domain.exhibits import Evidence
from bot.domain.figure import Figure
from bot.domain.incident import Incident
from bot.domain.narrative import legible
from bot.domain.postmortem import compose
from bot.domain.timeline import Entry

_SPACE = re.compile(r"\s+")
# What can open a span, a link, an entity, a table cell or maths anywhere in a line, in CommonMark 0.31 or on GitHub.
_INLINE = re.compile(
    r"[\\`*\[\]<|~$]|(?<![^\W_])_|_(?![^\W_])|&(?=#?\w)|:(?=//)|(?<=\bwww)\.|@(?=\w)|#(?=\d|#*$)", re.IGNORECASE
)
# What makes a heading, a list, a quote or a rule at the beginning of a line.
_LEADING = re.compile(r"^(\d{1,9})([.)])|^([-+#>=])")

_TAGS = {
    "a", "blockquote", "br", "code", "em", "h1", "h2", "h3", "h4", "hr", "li", "ol", "p", "pre", "strong", "table",
    "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip


class _Markdown(str):
    """Text that is Markdown already, so that it is not escaped."""

    __slots__ = ()


class MarkdownDocuments:
    """Writes documents with the templates that are shipped; `base_url` stands before the links to evidence."""

    def __init__(self, base_url: str = "") -> None:
        self._base_url = base_url.rstrip("/")
        self._templates = ImmutableSandboxedEnvironment(
            loader=PackageLoader("bot", "web/templates"),
            autoescape=False,
            finalize=_finish,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        self._pages = ImmutableSandboxedEnvironment(
            loader=PackageLoader("bot", "web/templates"), autoescape=True, undefined=StrictUndefined
        )
        self._templates.filters["clock"] = _clock
        self._templates.filters["day"] = _day
        self._templates.globals["proof"] = self._proof

    def postmortem(self, incident: Incident, entries: Sequence[Entry]) -> str:
        """Write the postmortem, Markdown; the same timeline gives the same bytes."""
        return self._templates.get_template("postmortem.md.j2").render(it=compose(incident, entries))

    def html(self, markdown: str, figures: Sequence[Figure] = ()) -> str:
        """Give the HTML of a document: plain structure survives, and links to what is below our own address."""
        near = markdown.replace(f"]({self._base_url}/", "](/") if self._base_url else markdown
        return _with(figures, self._cleaned(near, set()))

    def file(self, title: str, markdown: str, figures: Sequence[Figure] = ()) -> str:
        """Give a document as one HTML file that needs nothing else: no script, and its pictures are in it."""
        body = _with(figures, self._cleaned(markdown, {"http", "https"}))
        return self._pages.get_template("document.html").render(title=title, body=Markup(body))  # noqa: S704 - cleaned

    def _cleaned(self, markdown: str, schemes: set[str]) -> str:
        rendered = markdown_to_html_with_extensions(markdown, extensions=["table"])
        cleaned = nh3.clean(
            rendered,
            tags=_TAGS,
            attributes={"a": {"href"}},
            attribute_filter=lambda _tag, _name, value: value or None,
            url_schemes=schemes,
            link_rel=None,
        )
        # A table that is wider than its page is moved by the keyboard, too.
        return cleaned.replace("<table>", '<div class="scroll" tabindex="0"><table>').replace(
            "</table>", "</table></div>"
        )

    def _proof(self, evidence: Evidence | None) -> _Markdown:
        """Give the link to what proves something."""
        if evidence is None:
            return _Markdown("")
        if evidence.artifact:
            name = quote(legible(evidence.label), safe="")
            address = f"/artifacts/{quote(evidence.artifact, safe='')}?name={name}"
        else:
            address = f"/runs/{quote(legible(evidence.run), safe='')}"
        return _Markdown(f"[{escape(evidence.label)}]({self._base_url}{address})")


def _with(figures: Sequence[Figure], html: str) -> str:
    """Put pictures under their headings. Only ours are headings of this kind: what people write is escaped."""
    for each in figures:
        heading = f"<h2>{each.under}</h2>\n"
        drawn = f"<figure>{each.markup}<figcaption>{html_escape(each.caption)}</figcaption></figure>\n"
        html = html.replace(heading, heading + drawn, 1)
    return html


def escape(text: str) -> str:
    """Give text as Markdown that shows it, in one line: no link, no HTML, no structure can come out of it."""
    line = _SPACE.sub(" ", legible(text)).strip()
    line = _INLINE.sub(lambda match: f"\\{match[0]}", line)
    return _LEADING.sub(lambda m: f"{m[1]}\\{m[2]}" if m[1] else f"\\{m[3]}", line)


def _finish(value: Any) -> Any:
    """Escape every value that a template writes, unless it is Markdown already."""
    return value if isinstance(value, _Markdown) else escape(str(value))


def _clock(at: datetime | None, *, date: bool = True) -> str:
    """Write a time, UTC."""
    if at is None:
        return "not recorded"
    return f"{at:%Y-%m-%d %H:%M:%S}" if date else f"{at:%H:%M:%S}"


def _day(at: datetime) -> str:
    return f"{at:%Y-%m-%d}"

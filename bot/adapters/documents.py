"""Postmortems as Markdown, and Markdown as HTML that is safe to show."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from html import escape as html_escape
from pathlib import PurePath
from traceback import extract_tb
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

import nh3
from cmarkgfm.cmark import markdown_to_html_with_extensions
from jinja2 import (
    BaseLoader,
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    PackageLoader,
    PrefixLoader,
    StrictUndefined,
    TemplateError,
    TemplateSyntaxError,
    pass_context,
)
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from bot.domain.exhibits import Evidence, Kept
from bot.domain.figure import Figure
from bot.domain.incident import Incident, fold
from bot.domain.narrative import legible
from bot.domain.postmortem import Postmortem, compose
from bot.domain.sections import Piece, Shape
from bot.domain.timeline import FIRSTFIVE, Author, Draft, Entry, Kind, from_us, link
from bot.engine.made import Latest, version_of

_SPACE = re.compile(r"\s+")
# What can open a span, a link, an entity, a table cell or maths anywhere in a line, in CommonMark 0.31 or on GitHub.
_INLINE = re.compile(
    r"[\\`*\[\]<|~$]|(?<![^\W_])_|_(?![^\W_])|&(?=#?\w)|:(?=//)|(?<=\bwww)\.|@(?=\w)|#(?=\d|#*$)", re.IGNORECASE
)
# What makes a heading, a list, a quote or a rule at the beginning of a line.
_LEADING = re.compile(r"^(\d{1,9})([.)])|^([-+#>=])")

_TAGS = {
    "a", "blockquote", "br", "code", "em", "h1", "h2", "h3", "h4", "hr", "li", "ol", "p", "pre", "strong", "table",
    "tbody", "td", "th", "thead", "time", "tr", "ul",
}  # fmt: skip
_ATTRIBUTES = {"a": {"href"}, "time": {"datetime"}}
_TIME = "time:"
_TIMES = re.compile(rf'<a href="{_TIME}([\dTZ:-]+)">([\d: -]+)</a>')
_COMMIT = re.compile(r"[0-9a-f]{7,64}")
# A repository that is served on the web, by the address that git knows it by.
_WEB = re.compile(
    r"(?:(?:https?|ssh|git)://(?:[^@/\s]+@)?|[\w.-]+@)(?P<host>[\w-]+(?:\.[\w-]+)+)(?::\d+)?[/:]"
    r"(?P<path>[\w.~-]+(?:/[\w.~-]+)+)/?"
)
# What is more than words in what people write.
_SPANS = re.compile(r"(?P<address>https?://[^\s<>\"'`]*[^\s<>\"'`.,;:!?)\]}])|`(?P<code>[^`\n]+)`", re.IGNORECASE)


_MOST_CHARS = 8_000_000
"""Of what is kept as it was written last."""

# What a template that somebody else has written can raise.
_BROKEN = (TemplateError, ArithmeticError, AttributeError, LookupError, OSError, RecursionError, TypeError, ValueError)


class _Markdown(str):
    """Text that is Markdown already, so that it is not escaped."""

    __slots__ = ()


class MarkdownDocuments:
    """Writes documents with the templates that are shipped, or with those of a folder of one's own.

    `base_url` stands before the links to evidence; `repositories` are those of the services, by name: what is served on
    the web has a link to each commit. A template in the folder takes the place of the shipped one of its name, which it
    can extend as `shipped/NAME`. One that is broken is said to be, and the shipped one is used.
    """

    def __init__(
        self, base_url: str = "", repositories: Mapping[str, str] = MappingProxyType({}), templates: str = ""
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._repositories = repositories
        self._folder = templates
        shipped = PackageLoader("bot", "web/templates")
        self._shipped = self._environment(shipped)
        own = ChoiceLoader([FileSystemLoader(templates), PrefixLoader({"shipped": shipped}), shipped])
        self._templates = self._environment(own) if templates else self._shipped
        self._written = Latest[str](_MOST_CHARS, len)
        self._pages = ImmutableSandboxedEnvironment(loader=shipped, autoescape=True, undefined=StrictUndefined)

    def flaw(self) -> str:
        """Say where a template of the folder is broken, as far as an incident that was just opened shows; or ""."""
        entry = link("INC-1", None, Draft(Kind.OPENED, {"title": "An example"}), Author(FIRSTFIVE), from_us(0))
        try:
            self._rendered(self._templates, compose(fold([entry]), [entry]), timed=False)
        except _BROKEN as error:
            return self._where(error)
        return ""

    def postmortem(self, incident: Incident, entries: Sequence[Entry]) -> str:
        """Write the postmortem, Markdown; the same timeline gives the same bytes."""
        return self._once("markdown", entries, (), lambda: self._write(incident, entries, timed=False))

    def page(self, incident: Incident, entries: Sequence[Entry], figures: Sequence[Figure] = ()) -> str:
        """Write the postmortem as safe HTML, in which times are <time> elements: a browser can tell them in its own."""
        return self._once(
            "page", entries, figures, lambda: self.html(self._write(incident, entries, timed=True), figures)
        )

    def html(self, markdown: str, figures: Sequence[Figure] = ()) -> str:
        """Give the HTML of a document: plain structure survives, and links; those to our own address become local."""
        near = markdown.replace(f"]({self._base_url}/", "](/") if self._base_url else markdown
        return _with(figures, _cleaned(near))

    def file(self, title: str, markdown: str, figures: Sequence[Figure] = ()) -> str:
        """Give a document as one HTML file that needs nothing else: no script, and its pictures are in it."""
        body = Markup(_with(figures, _cleaned(markdown)))  # noqa: S704 - cleaned
        return self._pages.get_template("document.html").render(title=title, body=body)

    def _once(self, form: str, entries: Sequence[Entry], figures: Sequence[Figure], write: Callable[[], str]) -> str:
        """Write a document, unless the last of its form was of the same; one's own template may change at any time."""
        if self._templates is not self._shipped or not entries:
            return write()
        return self._written.of(f"{form} {entries[0].incident_id}", (version_of(entries), tuple(figures)), write)

    def _write(self, incident: Incident, entries: Sequence[Entry], *, timed: bool) -> str:
        it = compose(incident, entries)
        if self._templates is self._shipped:
            return self._rendered(self._shipped, it, timed=timed)
        try:
            return self._rendered(self._templates, it, timed=timed)
        except _BROKEN as error:
            return self._rendered(self._shipped, it, timed=timed, broken=self._where(error))

    def _rendered(self, templates: Environment, it: Postmortem, *, timed: bool, broken: str = "") -> str:
        return templates.get_template("postmortem.md.j2").render(it=it, timed=timed, broken=broken)

    def _where(self, error: Exception) -> str:
        """Say which line of which template of the folder is wrong, and how."""
        frames = [frame for frame in extract_tb(error.__traceback__) if frame.filename.startswith(self._folder)]
        if isinstance(error, TemplateSyntaxError):
            where = f"{error.name or 'a template'}, line {error.lineno}"
        else:
            where = f"{PurePath(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else "a template"
        return f"{where} is broken: {error or type(error).__name__}"

    def _environment(self, loader: BaseLoader) -> Environment:
        made = ImmutableSandboxedEnvironment(
            loader=loader,
            autoescape=False,
            finalize=_finish,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        made.filters.update(clock=_clock, day=_day, markdown=_Markdown)
        made.globals.update(proof=self._proof, artifact=self._artifact, change=self._change, said=_said)
        return made

    def _proof(self, evidence: Evidence | None) -> _Markdown:
        """Give the link to what proves something."""
        if evidence is None:
            return _Markdown("")
        if evidence.artifact:
            return self._artifact(Kept(evidence.label, evidence.artifact, None, ""))
        return _Markdown(f"[{escape(evidence.label)}]({self._base_url}/runs/{quote(legible(evidence.run), safe='')})")

    def _artifact(self, kept: Kept) -> _Markdown:
        """Give the link to an artifact."""
        name, sha256 = quote(legible(kept.name), safe=""), quote(kept.sha256, safe="")
        return _Markdown(f"[{escape(kept.name)}]({self._base_url}/artifacts/{sha256}?name={name})")

    @pass_context
    def _change(self, context: Context, commit: str) -> _Markdown:
        """Give the link to what a commit changed; how to see it, where its repository is not served on the web."""
        if not _COMMIT.fullmatch(commit):
            return _Markdown(escape(commit))
        where = _WEB.fullmatch(self._repositories.get(context["it"].service, ""))
        if where is None:
            return _Markdown(f"`git show {commit[:12]}`")
        path = where["path"].removesuffix(".git")
        return _Markdown(f"[{commit[:12]}](https://{where['host']}/{path}/commit/{commit})")


@pass_context
def _said(context: Context, section: str) -> _Markdown:
    """Give what people wrote into a section, who and when; "" when nobody did."""
    text = next((each.text for each in context["it"].sections if each.id == section), None)
    if text is None:
        return _Markdown("")
    signed = f"*{escape(text.by)}, {_clock(context, text.at)} UTC*"
    return _Markdown("\n\n".join([*map(_piece, text.pieces), signed]) + "\n\n")


def _piece(piece: Piece) -> str:
    """Write a piece of somebody's text; nothing in it gets out of its place."""
    if piece.shape is Shape.CODE:
        rows = [legible(row) for row in piece.lines]
        fence = "`" * max(3, *(len(run) + 1 for row in rows for run in re.findall("`+", row)), 3)
        return "\n".join([fence, *rows, fence])
    mark = {Shape.LIST: "- ", Shape.STEPS: "1. "}.get(piece.shape, "")
    return "\n".join(f"{mark}{_inline(row)}" for row in piece.lines)


def _inline(row: str) -> str:
    """Write a line of somebody's text: addresses become links, what stands in backticks code, the rest words."""
    found, end = [], 0
    for span in _SPANS.finditer(row):
        found.append(_words(row[end : span.start()]))
        found.append(f"<{legible(span['address'])}>" if span["address"] else f"`{legible(span['code'])}`")
        end = span.end()
    return "".join([*found, _words(row[end:])])


def _words(text: str) -> str:
    """Escape a part of a line; a space at either end stays, as it parts the words from what comes next."""
    words = escape(text)
    return f"{' ' if text[:1].isspace() else ''}{words}{' ' if words and text[-1:].isspace() else ''}"


def _cleaned(markdown: str) -> str:
    """Give the HTML of Markdown, with nothing in it that acts."""
    rendered = markdown_to_html_with_extensions(markdown, extensions=["table"])
    cleaned = nh3.clean(
        # Nobody but `_clock` and `_day` can write such a link: all else is escaped.
        _TIMES.sub(r'<time datetime="\1">\2</time>', rendered),
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        attribute_filter=lambda _tag, _name, value: value or None,
        url_schemes={"http", "https"},
        link_rel=None,
    )
    # A table that is wider than its page is moved by the keyboard, too.
    return cleaned.replace("<table>", '<div class="scroll" tabindex="0"><table>').replace("</table>", "</table></div>")


def _with(figures: Sequence[Figure], html: str) -> str:
    """Put pictures under their headings. Only ours are headings of this kind: what people write is escaped."""
    for each in figures:
        heading = f"<h2>{each.under}</h2>\n"
        picture = f'<div class="scroll" tabindex="0">{each.markup}</div>'
        drawn = f"<figure>{picture}<figcaption>{html_escape(each.caption)}</figcaption></figure>\n"
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


@pass_context
def _clock(context: Context, at: datetime | None, *, date: bool = True) -> str:
    """Write a time, UTC; on a page so that a browser finds it."""
    if at is None:
        return "not recorded"
    told = f"{at:%Y-%m-%d %H:%M:%S}" if date else f"{at:%H:%M:%S}"
    return _Markdown(f"[{told}]({_TIME}{at:%Y-%m-%dT%H:%M:%SZ})") if context["timed"] else told


@pass_context
def _day(context: Context, at: datetime) -> str:
    told = f"{at:%Y-%m-%d}"
    return _Markdown(f"[{told}]({_TIME}{told})") if context["timed"] else told

"""The postmortem of an incident: as it was published or would be written now, and all that people wrote in it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from html import escape
from typing import Annotated, Protocol

from fastapi import APIRouter, Query, Response
from markupsafe import Markup

from bot.domain.errors import ArtifactDamaged
from bot.domain.figure import Figure
from bot.domain.incident import Incident, fold
from bot.domain.publishing import Signed, Stage, as_of_then, reviewing, standing, taken_back
from bot.domain.sections import TITLES, texts
from bot.domain.timeline import Entry, Kind
from bot.engine.made import Latest
from bot.engine.ports import Ports
from bot.engine.reporting import Figures, figures
from handlers.action_items import items
from handlers.html import Html
from handlers.lost import without_postmortem
from handlers.reader import Asks
from handlers.visible import incident_of

_INERT = {"Content-Security-Policy": "default-src 'none'; sandbox", "X-Content-Type-Options": "nosniff"}

_MOST_CHARS = 8_000_000
"""Of the pictures that are kept as they were drawn last."""

Flag = Annotated[int, Query(ge=0, le=1)]


class Lost(StrEnum):
    """What is lost of a postmortem that was published: words of it were taken back, or its bytes are gone."""

    NOTHING = ""
    WORDS = "words"
    BYTES = "bytes"


@dataclass(frozen=True)
class Told:
    """A postmortem as it is given away: of which entries, and what they come to.

    `published`: what was published stands in it, None: it is as it would be written now. `text`: the very bytes; where
    something is `lost` it is None, and the timeline of then is written anew.
    """

    incident: Incident
    entries: Sequence[Entry]
    published: Signed | None = None
    text: str | None = None
    lost: Lost = Lost.NOTHING


class PageDocuments(Protocol):
    """What the page needs of the documents."""

    def postmortem(self, incident: Incident, entries: Sequence[Entry]) -> str:
        """Write the postmortem, Markdown."""

    def page(self, incident: Incident, entries: Sequence[Entry], figures: Sequence[Figure] = ()) -> str:
        """Write the postmortem, safe HTML."""

    def html(self, markdown: str, figures: Sequence[Figure] = ()) -> str:
        """Give the safe HTML of a document."""


@dataclass(frozen=True)
class Postmortems:
    """The routes that show it."""

    ports: Ports
    documents: PageDocuments
    html: Html
    drawn: Latest[Figures] = field(default_factory=lambda: Latest(_MOST_CHARS, _length))

    def route(self, routes: APIRouter) -> None:
        """Add them."""
        at = "/incidents/{incident_id}/postmortem"
        routes.add_api_route(at, self.page)
        routes.add_api_route(f"{at}.md", self.markdown)
        routes.add_api_route(f"{at}/history", self.history)

    async def page(self, reader: Asks, incident_id: str, now: Flag = 0) -> Response:
        """Show what was published; what would be written now, if nothing was or that is asked for."""
        incident, entries = await incident_of(self.ports, incident_id, reader.person)
        if incident is None:
            return await without_postmortem(self.ports, self.html, reader, incident_id)
        it, stands = await told(self.ports, incident, entries, anew=bool(now)), standing(entries)
        body = await self._body(it)
        return self.html.page(
            "postmortem.html",
            reader,
            incident=incident,
            body=Markup(_with_ways(incident, body)),  # noqa: S704 - sanitised, and our own
            stands=stands,
            pinned=it.published is not None,
            lost=it.lost,
            may_publish=incident.is_over and stands.stage is not Stage.DRAFT,
            may_review=incident.is_over and stands.stage is Stage.DRAFT,
            review=reviewing(incident, entries, reader.person),
            items=items(incident, self.ports.clock.now().date()),
            once=self.ports.chance.nonce(),
            versions=len(texts(entries)),
        )

    async def markdown(self, reader: Asks, incident_id: str, now: Flag = 0) -> Response:
        """Give the same as Markdown."""
        incident, entries = await incident_of(self.ports, incident_id, reader.person)
        if incident is None:
            return await without_postmortem(self.ports, self.html, reader, incident_id)
        it = await told(self.ports, incident, entries, anew=bool(now))
        text = it.text or await asyncio.to_thread(self.documents.postmortem, it.incident, it.entries)
        return Response(text, media_type="text/markdown; charset=utf-8", headers=_INERT)

    async def history(self, reader: Asks, incident_id: str) -> Response:
        """Show all that people have written, the latest first."""
        incident, entries = await incident_of(self.ports, incident_id, reader.person)
        if incident is None:
            return await without_postmortem(self.ports, self.html, reader, incident_id)
        gone = sum(entry.kind == Kind.POSTMORTEM_TEXT and entry.body is None for entry in entries)
        return self.html.page(
            "postmortem_history.html",
            reader,
            incident=incident,
            texts=texts(entries)[::-1],
            titles=TITLES,
            gone=gone,
        )

    async def _written(self, incident: Incident, entries: Sequence[Entry]) -> str:
        """Give it as it would be written of these entries."""
        shown = [_near(each, entries) for each in await figures(self.ports.artifacts, incident, entries, self.drawn)]
        return await asyncio.to_thread(self.documents.page, incident, entries, shown)

    async def _body(self, it: Told) -> str:
        """Give what was published with its pictures, unless its timeline is written otherwise by now; or as written."""
        if it.text is not None and it.text != await asyncio.to_thread(
            self.documents.postmortem, it.incident, it.entries
        ):
            return self.documents.html(it.text)
        return await self._written(it.incident, it.entries)


async def told(ports: Ports, incident: Incident, entries: Sequence[Entry], *, anew: bool) -> Told:
    """Give what was published of a timeline; all of it as it is now, if nothing was, or it is to be written anew."""
    published = None if anew else standing(entries).published
    if published is None:
        return Told(incident, entries)
    if taken_back(entries, published):
        then, before = await asyncio.to_thread(as_of_then, entries, published)
        return Told(then, before, published, lost=Lost.WORDS)
    before = [entry for entry in entries if entry.seq < published.seq]
    then = await asyncio.to_thread(fold, before)
    text = await _kept(ports, published)
    return Told(then, before, published, text, Lost.NOTHING if text is not None else Lost.BYTES)


async def _kept(ports: Ports, published: Signed) -> str | None:
    """Give the bytes that were published; None if they are gone."""
    try:
        content = await ports.artifacts.get(published.artifact)
    except ArtifactDamaged:
        return None
    return None if content is None else content.decode("utf-8", "replace")


def _length(figures: Figures) -> int:
    return sum(len(each.markup) for each in figures)


def _near(figure: Figure, entries: Sequence[Entry]) -> Figure:
    """Let a picture that is kept be loaded from where it is kept: a page loads none that stands in it."""
    kept = [
        str(entry.facts["picture"]) for entry in entries if entry.kind == Kind.VERDICT and entry.facts.get("picture")
    ]
    if "data:image/png" not in figure.markup or not kept:
        return figure
    source, said = f"/artifacts/{escape(kept[-1])}?inline=1", escape(figure.caption)
    return replace(figure, markup=f'<img src="{source}" alt="{said}" loading="lazy">')


def home(incident: Incident) -> str:
    """Give the address of its page."""
    return f"/incidents/{incident.id}/postmortem"


def _with_ways(incident: Incident, body: str) -> str:
    """Put the way to its form beside each heading. Nobody else writes one of this kind: all they write is escaped."""
    for section, title in TITLES.items():
        way = f'<a class="edit" href="{home(incident)}/edit/{section}" aria-label="Edit {escape(title)}">Edit</a>'
        body = body.replace(f"<h2>{title}</h2>", f'<h2 id="{section}">{title} {way}</h2>', 1)
    return body

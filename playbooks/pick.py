"""Bring the timeline to agree with one message of the chat: put there, changed, deleted, unmarked."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

from bot.engine import (
    VIA_EVENT,
    VIA_SHORTCUT,
    CommandRejected,
    Draft,
    Keyed,
    Kind,
    Missing,
    Params,
    Person,
    Playbook,
    Reply,
    Rest,
    Tools,
    messages,
)


class Pick(Params):
    """The link of a message of the incident's channel; what else there is to say, Slack says."""

    link: Rest = ""
    channel: Keyed = ""
    ts: Keyed = ""
    author: Keyed = ""
    text: Keyed = ""
    changed: bool = False


@dataclass(frozen=True)
class _Seen:
    """What the chat has: the message, None when it was deleted, and by what it is wanted here ("": by nothing)."""

    message: messages.ChatMessage | None = None
    how: str = ""


@dataclass(frozen=True)
class _Content:
    """What came of fetching a file."""

    sha256: str = ""
    bytes: int = 0
    missing: str = ""


playbook = Playbook("pick", "Put a message on the timeline.", Pick, needs_incident=True, quiet=True)

_LINK = re.compile(r"/archives/([A-Z0-9]{2,20})/p(\d{10})(\d{6})")
_TS = re.compile(r"\d{10}\.\d{6}")
_TURN_S, _HOLD_S = 0.5, 180.0
_FILES_S = 60.0
_TRIED_FOR = timedelta(minutes=30)
_FIRST_WAIT_S, _LONGEST_WAIT_S = 1.0, 60.0


@playbook.step("Look at the message")
async def look(tools: Tools, params: Pick) -> Reply:
    """Ask the chat what there is now, whatever was told and in which order; record the difference."""
    channel, ts = _named(params)
    incident = await tools.incident()
    if tools.run_row.source.via not in {VIA_EVENT, VIA_SHORTCUT} and channel != incident.channel:
        raise CommandRejected(f"That message is not of {incident.id}'s channel. Use *Add to timeline* in its menu.")
    key = f"pick:{channel}:{ts}"
    now = tools.now()
    tools.also(lambda tx: _drop(tools.ports.journal.hold(tx, key, tools.run_id, now, now)))
    await _take_turn(tools, key)
    known = messages.picked(await tools.entries(), channel, ts)
    if params.changed and (known is None or not known.on):
        return Reply("That message is not on the timeline.")
    seen = await _look(tools, params, key, (channel, ts))
    known = messages.picked(await tools.entries(), channel, ts)
    drafts = await _changes(tools, known, seen, (channel, ts))
    tools.also(tools.append(*drafts))
    if isinstance(seen, messages.Unread):
        return Reply(f"The message could not be read: {seen.reason}.")
    if known is not None and known.blank:
        return Reply(f"Its words were taken off {incident.id}'s timeline for good. Nothing was changed.")
    if seen.message is None:
        return Reply("That message was deleted.")
    whose = f"{seen.message.author.name}'s message of {messages.said_at(ts):%H:%M} UTC"
    return Reply(f"{whose} is on {incident.id}'s timeline{'' if drafts else ' already'}.")


def _named(params: Pick) -> tuple[str, str]:
    found = _LINK.search(params.link)
    channel, ts = (found[1], f"{found[2]}.{found[3]}") if found else (params.channel, params.ts)
    if not channel or not _TS.fullmatch(ts):
        raise CommandRejected("Which message? Copy its link (*Copy link* in its menu): `/incident pick LINK`.")
    return channel, ts


async def _look(tools: Tools, params: Pick, key: str, where: tuple[str, str]) -> _Seen | messages.Unread:
    """Read the message, for as long as Slack is away."""
    until, wait_s = tools.now() + _TRIED_FOR, _FIRST_WAIT_S
    while True:
        seen = await _seen(tools, where)
        if not isinstance(seen, messages.Unread):
            return seen
        if not seen.again or tools.now() >= until:
            told = tools.run_row.source.via == VIA_SHORTCUT and params.author
            return await _as_told(tools, params, where) if told else seen
        await tools.hold(key, 0.0)
        await tools.pause(wait_s)
        wait_s = min(2 * wait_s, _LONGEST_WAIT_S)
        await _take_turn(tools, key)


async def _as_told(tools: Tools, params: Pick, where: tuple[str, str]) -> _Seen:
    """Give the message as its menu told it: the bot is not in that channel."""
    author = await tools.ports.directory.named(Person(params.author, params.author))
    text = messages.storable_text(await tools.ports.transcript.plain(params.text))
    return _Seen(messages.ChatMessage(*where, author, text), messages.BY_HAND)


async def _take_turn(tools: Tools, key: str) -> None:
    """Let one run at a time look at a message, so that what is read first is also recorded first."""
    while await tools.hold(key, _HOLD_S) != tools.run_id:
        await tools.pause(_TURN_S)


async def _seen(tools: Tools, where: tuple[str, str]) -> _Seen | messages.Unread:
    told = await tools.ports.transcript.message(*where)
    if told is None or isinstance(told, messages.Unread):
        return told or _Seen()
    told = replace(told, text=messages.storable_text(told.text))
    if tools.run_row.source.via != VIA_EVENT:
        return _Seen(told, messages.BY_HAND)
    rules = tools.catalog.marks
    mark = next((mark for mark in map(messages.plain_mark, told.marks) if mark in rules.reactions), "")
    if mark or not rules.pins:
        return _Seen(told, mark)
    pinned = told.pinned or await tools.ports.transcript.is_pinned(*where)
    return pinned if isinstance(pinned, messages.Unread) else _Seen(told, messages.PINNED if pinned else "")


async def _changes(
    tools: Tools, known: messages.Picked | None, seen: _Seen | messages.Unread, where: tuple[str, str]
) -> tuple[Draft, ...]:
    """Give what there is to record; files are fetched only for that."""
    if isinstance(seen, messages.Unread):
        body = {"surface": "a message for the timeline", "reason": seen.reason}
        told = any(entry.kind == Kind.CHAT_FAILED and entry.facts == body for entry in await tools.entries())
        return () if told else (Draft(Kind.CHAT_FAILED, body),)
    if seen.message is None:
        return messages.deletion(known, *where)
    by = tools.actor.name
    if not messages.changes(known, seen.message, seen.how, by):
        return ()
    return messages.changes(known, seen.message, seen.how, by, await _files(tools, seen.message))


async def _files(tools: Tools, told: messages.ChatMessage) -> Sequence[messages.KeptFile]:
    """Keep the bytes of its files; what could not be had stands there with the reason."""
    until = tools.now() + timedelta(seconds=_FILES_S)
    kept = []
    for file in told.files:
        late = tools.now() >= until
        got = _Content(missing="there was no time left for it") if late else await _kept(tools, file)
        kept.append(
            messages.KeptFile(file.id, file.name, file.mimetype, got.bytes or file.bytes, got.sha256, got.missing)
        )
    return kept


def _drop(_: object) -> None:
    """Let go of what is of no use: an effect gives nothing."""


async def _kept(tools: Tools, file: messages.ChatFile) -> _Content:
    return await tools.once(f"file:{file.id}", _Content, partial(_keep, tools, file))


async def _keep(tools: Tools, file: messages.ChatFile) -> _Content:
    content = await tools.ports.transcript.file(file, tools.catalog.marks.file_max_bytes)
    if isinstance(content, Missing):
        return _Content(missing=content.reason)
    if file.mimetype.startswith("text/"):
        content = await asyncio.to_thread(messages.storable_bytes, content)
    stored = await tools.ports.artifacts.put(file.name, content)
    return _Content(stored.sha256, stored.bytes)

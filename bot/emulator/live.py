"""What open pages are told, as it happens: one queue per page, written out as server-sent events."""

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

from bot.emulator.channels import Channel
from bot.emulator.messages import Json, Message
from bot.emulator.settings import Settings
from bot.emulator.views import Views
from bot.emulator.workspace import Change, Workspace

KEEP_ALIVE_S = 15.0
_MESSAGE_KINDS = frozenset(
    {"message_posted", "message_changed", "message_redrawn", "reaction_added", "reaction_removed"}
)
_PINS = frozenset({"pin_added", "pin_removed"})


class Live:
    """Listens to the workspace and feeds every open page."""

    def __init__(self, settings: Settings, workspace: Workspace, views: Views) -> None:
        self._settings = settings
        self._workspace = workspace
        self._views = views
        self._pages: set[asyncio.Queue[Json | None]] = set()

    def follow(self, workspace: Workspace, views: Views) -> None:
        """Go on with another workspace, on open pages too."""
        self._workspace, self._views = workspace, views
        for page in self._pages:
            page.put_nowait(self._everything(other=True))

    def hear(self, change: Change) -> None:
        """Tell every page, in the page's own terms."""
        for note in self._notes(change):
            for page in self._pages:
                page.put_nowait(note)

    def close(self) -> None:
        """End every stream."""
        for page in self._pages:
            page.put_nowait(None)

    async def stream(self) -> AsyncGenerator[bytes]:
        """Yield server-sent events until the emulator ends: all that a page shows, then each change of it."""
        page: asyncio.Queue[Json | None] = asyncio.Queue()
        self._pages.add(page)
        # In one queue: what happens while a page opens is after the whole, and none of it is missed.
        page.put_nowait(self._everything(other=False))
        try:
            yield b"retry: 500\n\n"
            while True:
                try:
                    note = await asyncio.wait_for(page.get(), KEEP_ALIVE_S)
                except TimeoutError:
                    yield b": still here\n\n"
                    continue
                if note is None:
                    return
                yield b"data: " + json.dumps(note).encode() + b"\n\n"
        finally:
            self._pages.discard(page)

    def _everything(self, *, other: bool) -> Json:
        settings = self._settings
        return {
            "kind": "everything",
            "other": other,
            "app": {"id": settings.app_id, "name": settings.app_name, "user": self._workspace.bot.id},
            "team": settings.team_domain,
            "commands": [{"name": one.name, "hint": one.hint} for one in settings.commands],
            "shortcuts": [{"callback_id": one.callback_id, "title": one.title} for one in settings.shortcuts],
            "labs": [lab.name for lab in settings.labs],
            "users": [
                {"id": user.id, "name": user.name, "real_name": user.real_name, "title": user.title, "bot": user.is_bot}
                for user in self._workspace.users.values()
            ],
            "usergroups": [{"id": group.id, "handle": group.handle} for group in self._workspace.usergroups.values()],
            "channels": [self.channel(channel) for channel in self._workspace.channels.values()],
            "messages": [
                self.message(message)
                for channel in self._workspace.channels.values()
                for message in [*channel.messages.values(), *channel.ephemerals.values()]
            ],
            "views": {user: self.stack(user) for user in self._views.stacks},
            "homes": {user: self.view(view) for user, view in self._views.homes.items()},
        }

    def channel(self, channel: Channel) -> Json:
        """Render a channel for the page."""
        return {
            "id": channel.id,
            "name": channel.name,
            "kind": channel.kind,
            "topic": channel.topic,
            "purpose": channel.purpose,
            "archived": channel.is_archived,
            "members": list(channel.members),
            "pins": [message.ts for message in channel.pinned()],
            "bookmarks": [bookmark.payload() for bookmark in channel.bookmarks],
        }

    def message(self, message: Message) -> Json:
        """Render a message for the page."""
        body = message.payload(self._settings.team_id)
        return {**body, "channel": message.channel, "visible_to": message.visible_to, "reply": message.is_reply}

    def view(self, view: Any) -> Json:
        """Render a view for the page."""
        body: Json = view.payload(self._settings.team_id, self._settings.app_id, self._workspace.bot.bot_id)
        return body

    def stack(self, user: str) -> list[Json]:
        """Render the modals a person has open, the top last."""
        return [self.view(view) for view in self._views.stacks.get(user, [])]

    def _notes(self, change: Change) -> list[Json]:
        channel, message = change.channel, change.message
        if change.kind == "views":
            return [self._views_note(change.user)]
        if change.kind in ("message_deleted", "ephemeral_deleted") and message is not None:
            return [{"kind": "message_deleted", "channel": message.channel, "ts": message.ts}]
        if (change.kind in _MESSAGE_KINDS or change.kind == "ephemeral") and message is not None:
            return [{"kind": "message", "new": change.kind == "message_posted", "message": self.message(message)}]
        if change.kind in _PINS and message is not None and channel is not None:
            return [
                {"kind": "message", "new": False, "message": self.message(message)},
                {"kind": "channel", "channel": self.channel(channel)},
            ]
        return [{"kind": "channel", "channel": self.channel(channel)}] if channel is not None else []

    def _views_note(self, user: str) -> Json:
        home = self._views.homes.get(user)
        return {"kind": "views", "user": user, "stack": self.stack(user), "home": self.view(home) if home else None}

"""Events: what happened in the workspace, told to the app, and told again when it did not answer."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable

from bot.emulator.channels import Channel
from bot.emulator.clock import Clock
from bot.emulator.delivery import Answer, Kind, Retry
from bot.emulator.grants import Grants
from bot.emulator.messages import Json
from bot.emulator.scopes import EVENTS, missing
from bot.emulator.settings import Settings
from bot.emulator.workspace import Change, Workspace

RETRY_AFTER_S = (0.0, 60.0, 300.0)
_SPACE = {"public": "channel", "private": "group", "im": "im", "mpim": "mpim"}
_SUBSCRIPTION = {"channel": "message.channels", "group": "message.groups", "im": "message.im", "mpim": "message.mpim"}
_OF_ALL = frozenset({"channel_created", "channel_archive", "channel_unarchive", "channel_rename", "channel_deleted"})

Deliver = Callable[[Kind, Json, Retry | None], Awaitable[Answer]]


class Events:
    """Listens to the workspace; sends what the app, as a member, would see and has subscribed to."""

    def __init__(
        self, settings: Settings, workspace: Workspace, clock: Clock, deliver: Deliver, grants: Grants
    ) -> None:
        self._settings = settings
        self._workspace = workspace
        self._clock = clock
        self._deliver = deliver
        self._grants = grants
        self._tasks: set[asyncio.Task[None]] = set()

    def hear(self, change: Change) -> None:
        """Turn a change into an event, when the app would get one."""
        if change.channel is not None and not self._bot_sees(change.channel, change):
            return
        event = self._event(change)
        if event is not None:
            self.send(event)
            if event["type"] == "message" and "subtype" not in event and self._mentions_bot(event):
                self.send({**event, "type": "app_mention"})

    def send(self, event: Json) -> None:
        """Deliver an event in the background, if the app is installed, has subscribed to it and has its scope."""
        name = _SUBSCRIPTION[event["channel_type"]] if event["type"] == "message" else event["type"]
        grant = self._grants.of_team(self._settings.team_id)
        if grant is None or name not in self._settings.events or missing([_scope(name, event)], grant.scopes):
            return
        self._begin(event)

    def send_last(self, event: Json) -> None:
        """Deliver what the app hears when it has lost its token: no scope is needed any more."""
        if event["type"] in self._settings.events:
            self._begin({**event, "event_ts": self._now()})

    def _begin(self, event: Json) -> None:
        task = asyncio.get_running_loop().create_task(self._send(event))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Drop what is still under way."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _send(self, event: Json) -> None:
        payload = self._envelope(event)
        answer = await self._deliver("events_api", payload, None)
        for number, wait_s in enumerate(RETRY_AFTER_S, start=1):
            if not answer.failure or answer.stop_retries:
                return
            await self._clock.sleep_until(self._clock.now() + wait_s)
            answer = await self._deliver("events_api", payload, Retry(number, answer.failure))

    def _envelope(self, event: Json) -> Json:
        authorization = {
            "enterprise_id": None,
            "team_id": self._settings.team_id,
            "user_id": self._workspace.bot.id,
            "is_bot": True,
            "is_enterprise_install": False,
        }
        return {
            "token": "",
            "team_id": self._settings.team_id,
            "api_app_id": self._settings.app_id,
            "event": event,
            "type": "event_callback",
            "event_id": "Ev" + secrets.token_hex(5).upper(),
            "event_time": int(self._clock.now()),
            "authorizations": [authorization],
            "is_ext_shared_channel": False,
            "event_context": secrets.token_hex(8),
        }

    def _bot_sees(self, channel: Channel, change: Change) -> bool:
        bot = self._workspace.bot.id
        # That it was taken out is the last the app hears of a channel, but for what everybody may know.
        leaving = (change.kind, change.user) == ("member_left", bot)
        return bot in channel.members or leaving or (change.kind in _OF_ALL and channel.kind == "public")

    def _mentions_bot(self, event: Json) -> bool:
        return f"<@{self._workspace.bot.id}" in event["text"] and event["user"] != self._workspace.bot.id

    def _event(self, change: Change) -> Json | None:
        makers = {
            "message_posted": self._message,
            "message_changed": self._message_changed,
            "message_deleted": self._message_deleted,
            "reaction_added": self._reaction,
            "reaction_removed": self._reaction,
            "pin_added": self._pin,
            "pin_removed": self._pin,
            "member_joined": self._member,
            "member_left": self._member,
            "channel_created": self._channel,
            "channel_archive": self._channel,
            "channel_unarchive": self._channel,
            "channel_rename": self._channel,
            "channel_deleted": self._channel,
        }
        maker = makers.get(change.kind)
        return {**maker(change), "event_ts": self._now()} if maker is not None else None

    def _now(self) -> str:
        return self._workspace.ids.timestamp(self._clock.now())

    def _message(self, change: Change) -> Json:
        channel, message = _channel(change), change.message
        assert message is not None  # noqa: S101 - every change of this kind carries its message
        return {
            **message.payload(self._settings.team_id, metadata=True),
            "channel": channel.id,
            "channel_type": _SPACE[channel.kind],
        }

    def _message_changed(self, change: Change) -> Json:
        inner = self._message(change)
        return {
            **self._about(change),
            "subtype": "message_changed",
            "hidden": True,
            "ts": self._now(),
            "message": {name: value for name, value in inner.items() if name not in {"channel", "channel_type"}},
            "previous_message": change.detail["previous"],
        }

    def _message_deleted(self, change: Change) -> Json:
        previous = change.detail["previous"]
        return {
            **self._about(change),
            "subtype": "message_deleted",
            "hidden": True,
            "ts": self._now(),
            "deleted_ts": previous["ts"],
            "previous_message": previous,
        }

    def _about(self, change: Change) -> Json:
        channel = _channel(change)
        return {"type": "message", "channel": channel.id, "channel_type": _SPACE[channel.kind]}

    def _reaction(self, change: Change) -> Json:
        message = change.message
        assert message is not None  # noqa: S101 - every change of this kind carries its message
        return {
            "type": change.kind,
            "user": change.user,
            "reaction": change.detail["reaction"],
            "item_user": message.user,
            "item": {"type": "message", "channel": message.channel, "ts": message.ts},
        }

    def _pin(self, change: Change) -> Json:
        channel, message = _channel(change), change.message
        assert message is not None  # noqa: S101 - every change of this kind carries its message
        item = {
            "type": "message",
            "channel": channel.id,
            "message": message.payload(self._settings.team_id),
            "created": int(self._clock.now()),
            "created_by": change.user,
        }
        return {
            "type": change.kind,
            "user": change.user,
            "channel_id": channel.id,
            "item": item,
            "item_user": message.user,
            "pin_count": len(channel.pinned()),
            "has_pins": bool(channel.pinned()),
        }

    def _member(self, change: Change) -> Json:
        channel = _channel(change)
        body: Json = {
            "type": f"{change.kind}_channel",
            "user": change.user,
            "channel": channel.id,
            "channel_type": "C" if channel.kind == "public" else "G",
            "team": self._settings.team_id,
        }
        if change.detail.get("inviter"):
            body["inviter"] = change.detail["inviter"]
        return body

    def _channel(self, change: Change) -> Json:
        channel = _channel(change)
        kind = change.kind if channel.kind == "public" else change.kind.replace("channel_", "group_")
        if change.kind == "channel_deleted":
            return {"type": kind, "channel": channel.id}
        if change.kind in {"channel_archive", "channel_unarchive"}:
            return {"type": kind, "channel": channel.id, "user": change.user}
        summary = {"id": channel.id, "name": channel.name, "created": channel.created}
        return {"type": kind, "channel": {**summary, "creator": channel.creator}}


def _scope(name: str, event: Json) -> str:
    # Of an event that comes from both kinds of channels, `public|private`.
    public, _, private = EVENTS[name].partition("|")
    return private if event.get("channel_type") == "G" else public


def _channel(change: Change) -> Channel:
    assert change.channel is not None  # noqa: S101 - only changes in a channel come here
    return change.channel

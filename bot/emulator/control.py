"""/__box/*: a test, or the page, acts as a person; and a test turns the emulator's screws."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict

from aiohttp import web

from bot.emulator.acts import commands, interactions, modals, speech
from bot.emulator.arguments import Arguments
from bot.emulator.bodies import json_object
from bot.emulator.box import Box
from bot.emulator.channels import Channel
from bot.emulator.errors import SlackError
from bot.emulator.faults import MODES, Fault, mode_is_known
from bot.emulator.messages import Json, Message
from bot.emulator.people import User
from bot.emulator.views import View

Act = Callable[[Arguments], Awaitable[Json]]


class Control:
    """Answers /__box/NAME: POST with a JSON object acts, GET reads."""

    def __init__(self, box: Box) -> None:
        self._box = box
        self._reads: dict[str, Callable[[], Json]] = {
            "state": self._state,
            "calls": lambda: {"calls": list(box.calls)},
            "deliveries": lambda: {"deliveries": [asdict(one) for one in box.deliveries]},
            "page": box.live.snapshot,
        }
        self._acts: dict[str, Act] = {
            "message": self._message,
            "edit": self._edit,
            "delete": self._delete,
            "command": self._command,
            "action": self._action,
            "submit": self._submit,
            "close": self._close,
            "shortcut": self._shortcut,
            "reaction": self._reaction,
            "pin": self._pin,
            "join": self._join,
            "direct": self._direct,
            "home": self._home,
            "faults": self._faults,
            "limits": self._limits,
            "clock": self._clock,
            "disconnect": self._disconnect,
            "reset": self._reset,
        }

    async def read(self, request: web.Request) -> web.StreamResponse:
        """Answer a GET."""
        read = self._reads.get(request.match_info["name"])
        if read is None:
            raise web.HTTPNotFound
        return web.json_response(read())

    async def act(self, request: web.Request) -> web.StreamResponse:
        """Answer a POST; only JSON is taken, so that no other site's form can act here."""
        act = self._acts.get(request.match_info["name"])
        if act is None:
            raise web.HTTPNotFound
        if request.content_type != "application/json":
            raise web.HTTPUnsupportedMediaType
        try:
            body = await act(Arguments(await json_object(request)))
        except SlackError as error:
            return web.json_response(error.body(), status=400)
        return web.json_response({"ok": True, **body})

    # --- who and where ---

    def _user(self, args: Arguments) -> User:
        wanted = args.required("user")
        for user in self._box.workspace.users.values():
            if wanted in (user.id, user.name):
                return user
        raise SlackError("user_not_found")

    def _channel(self, args: Arguments) -> Channel:
        wanted = args.required("channel")
        return self._box.workspace.channel_named(wanted) or self._box.workspace.channel(wanted)

    def _place(self, args: Arguments) -> tuple[Channel, Message]:
        channel, ts = self._channel(args), args.required("message_ts")
        return channel, channel.ephemerals.get(ts) or self._box.workspace.message(channel, ts)

    def _view(self, args: Arguments, user: User) -> View:
        if args.given("view_id"):
            return self._box.views.find(args.required("view_id"))
        stack = self._box.views.stacks.get(user.id, [])
        if not stack:
            raise SlackError("no_open_view")
        return stack[-1]

    # --- acting as a person ---

    async def _message(self, args: Arguments) -> Json:
        user, channel = self._user(args), self._channel(args)
        return speech.say(self._box, user, channel, args.text("text"), args.text("thread_ts"))

    async def _edit(self, args: Arguments) -> Json:
        channel, message = self._place(args)
        return speech.rewrite(self._box, self._user(args), channel, message, args.text("text"))

    async def _delete(self, args: Arguments) -> Json:
        channel, message = self._place(args)
        return speech.take_back(self._box, self._user(args), channel, message)

    async def _command(self, args: Arguments) -> Json:
        line = f"{args.text('command')} {args.text('text')}".strip()
        user, channel = self._user(args), self._channel(args)
        return await commands.command(self._box, user, channel, line, args.number("times", 1))

    async def _action(self, args: Arguments) -> Json:
        user = self._user(args)
        target = (args.text("block_id"), args.required("action_id"))
        chosen, state = args.values.get("value"), args.structure("state")
        if not args.given("message_ts"):
            view = self._view(args, user)
            return await interactions.press_in_view(self._box, user, view, target, chosen=chosen, state=state)
        channel, message = self._place(args)
        times = args.number("times", 1)
        return await interactions.press(
            self._box, user, channel, message, target, chosen=chosen, state=state, times=times
        )

    async def _submit(self, args: Arguments) -> Json:
        user = self._user(args)
        return await modals.submit(self._box, user, self._view(args, user), args.structure("values") or {})

    async def _close(self, args: Arguments) -> Json:
        user = self._user(args)
        return await modals.close(self._box, user, self._view(args, user))

    async def _shortcut(self, args: Arguments) -> Json:
        channel, message = self._place(args)
        callback_id = args.required("callback_id")
        return await interactions.shortcut(self._box, self._user(args), channel, message, callback_id)

    async def _reaction(self, args: Arguments) -> Json:
        _, message = self._place(args)
        user, name = self._user(args), args.required("name").strip(":")
        (self._box.workspace.unreact if args.flag("remove") else self._box.workspace.react)(message, user.id, name)
        return {}

    async def _pin(self, args: Arguments) -> Json:
        channel, message = self._place(args)
        change = self._box.workspace.unpin if args.flag("remove") else self._box.workspace.pin
        change(channel, message, self._user(args).id)
        return {}

    async def _join(self, args: Arguments) -> Json:
        user, channel = self._user(args), self._channel(args)
        (self._box.workspace.leave if args.flag("remove") else self._box.workspace.join)(channel, user.id)
        return {}

    async def _direct(self, args: Arguments) -> Json:
        other = args.text("with") or self._box.workspace.bot.id
        channel = self._box.workspace.direct([self._user(args).id, self._box.workspace.user(other).id])
        return {"channel": channel.id}

    async def _home(self, args: Arguments) -> Json:
        speech.open_home(self._box, self._user(args))
        return {}

    # --- turning the screws ---

    async def _faults(self, args: Arguments) -> Json:
        if args.flag("clear"):
            self._box.faults.clear()
            return {}
        mode = args.required("mode")
        if not mode_is_known(mode):
            raise SlackError("invalid_mode", [f"mode must be one of {', '.join(MODES)}"])
        times, delay_ms = args.number("times", 1), args.number("delay_ms", 0)
        fault = Fault(args.text("method", "*"), mode, times, delay_ms, args.number("retry_after_s", 1))
        self._box.faults.add(fault)
        return {"waiting": [asdict(one) for one in self._box.faults.waiting]}

    async def _limits(self, args: Arguments) -> Json:
        if args.given("on"):
            self._box.limits.on = args.flag("on")
        self._box.limits.reset()
        return {"on": self._box.limits.on}

    async def _clock(self, args: Arguments) -> Json:
        self._box.clock.advance(float(args.text("advance_s", "0")))
        return {"now": self._box.clock.now()}

    async def _disconnect(self, args: Arguments) -> Json:
        return {"asked": await self._box.sockets.disconnect(args.text("reason", "refresh_requested"))}

    async def _reset(self, _args: Arguments) -> Json:
        await self._box.reset()
        return {}

    # --- reading ---

    def _state(self) -> Json:
        workspace, settings = self._box.workspace, self._box.settings
        return {
            "now": self._box.clock.now(),
            "team_id": settings.team_id,
            "limits_on": self._box.limits.on,
            "socket_connections": self._box.sockets.connections,
            "faults": [asdict(fault) for fault in self._box.faults.waiting],
            "users": [user.payload(settings.team_id, settings.app_id) for user in workspace.users.values()],
            "usergroups": [group.payload(settings.team_id) for group in workspace.usergroups.values()],
            "channels": [self._channel_state(channel) for channel in workspace.channels.values()],
            "files": [file.payload() for file in workspace.files.values()],
            "views": {user: self._box.live.stack(user) for user in self._box.views.stacks},
            "homes": {user: self._box.view_payload(view) for user, view in self._box.views.homes.items()},
        }

    def _channel_state(self, channel: Channel) -> Json:
        def rendered(message: Message) -> Json:
            return message.payload(self._box.settings.team_id, metadata=True)

        return {
            **channel.payload(self._box.workspace.bot.id),
            "members": list(channel.members),
            "messages": [rendered(message) for message in channel.messages.values()],
            "ephemerals": [
                {**rendered(message), "visible_to": message.visible_to} for message in channel.ephemerals.values()
            ],
            "pins": [message.ts for message in channel.pinned()],
            "bookmarks": [bookmark.payload() for bookmark in channel.bookmarks],
        }

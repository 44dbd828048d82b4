"""/__box/*: what a person does in one workspace, asked for by a test or by the page."""

from collections.abc import Awaitable, Callable

from bot.emulator.acts import commands, installations, interactions, modals, speech
from bot.emulator.arguments import Arguments
from bot.emulator.box import Box
from bot.emulator.channels import Channel, name_problem
from bot.emulator.errors import SlackError
from bot.emulator.messages import Json, Message
from bot.emulator.people import User
from bot.emulator.views import View

Act = Callable[[Arguments], Awaitable[Json]]


class Hands:
    """What can be done as a person of a workspace."""

    def __init__(self, box: Box) -> None:
        self._box = box
        self.acts: dict[str, Act] = {
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
            "archive": self._archive,
            "channel": self._new_channel,
            "drop-channel": self._drop_channel,
            "direct": self._direct,
            "home": self._home,
            "revoke": self._revoke,
            "uninstall": self._uninstall,
        }

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
        files = args.structure("files") or ()
        return speech.say(self._box, user, channel, args.text("text"), thread_ts=args.text("thread_ts"), files=files)

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
        user, channel, by = self._user(args), self._channel(args), args.text("by")
        if args.flag("remove"):
            self._box.workspace.leave(channel, user.id)
            return {}
        if channel.kind == "private" and user.id not in channel.members and by not in channel.members:
            raise SlackError("not_in_channel", ["a private channel is entered by whom a member of it invites: by=..."])
        self._box.workspace.join(channel, user.id, by)
        return {}

    async def _direct(self, args: Arguments) -> Json:
        other = args.text("with") or self._box.workspace.bot.id
        channel = self._box.workspace.direct([self._user(args).id, self._box.workspace.user(other).id])
        return {"channel": channel.id}

    async def _home(self, args: Arguments) -> Json:
        speech.open_home(self._box, self._user(args))
        return {}

    async def _archive(self, args: Arguments) -> Json:
        channel = self._channel(args)
        change = self._box.workspace.unarchive if args.flag("remove") else self._box.workspace.archive
        change(channel, self._user(args).id)
        return {}

    async def _new_channel(self, args: Arguments) -> Json:
        name, user = args.required("name"), self._user(args)
        if problem := name_problem(name):
            raise SlackError(problem)
        if self._box.workspace.channel_named(name) is not None:
            raise SlackError("name_taken")
        channel = self._box.workspace.create_channel(name, user.id, private=args.flag("private"))
        return {"channel": channel.id}

    async def _drop_channel(self, args: Arguments) -> Json:
        self._box.workspace.drop_channel(self._channel(args), self._user(args).id)
        return {}

    # --- acting as an administrator ---

    async def _revoke(self, _args: Arguments) -> Json:
        installations.revoke(self._box)
        return {}

    async def _uninstall(self, _args: Arguments) -> Json:
        installations.remove(self._box)
        return {}

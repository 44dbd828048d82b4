"""conversations.invite, join, leave and kick: who is in a channel."""

from bot.emulator.arguments import Arguments
from bot.emulator.box import Box
from bot.emulator.errors import SlackError, missing_argument
from bot.emulator.messages import Json
from bot.emulator.methods import Method
from bot.emulator.methods.access import channel_of, open_channel
from bot.emulator.methods.needs import MANAGE, managing, needs

MOST_INVITED = 1000
_INVITE = {
    "public": "channels:manage|channels:write.invites",
    "private": "groups:write|groups:write.invites",
    "mpim": "mpim:write",
}


def invite(box: Box, args: Arguments) -> Json:
    """Bring people in: all of them, or with `force` those who can be."""
    channel = open_channel(box, args)
    wanted = args.names("users")
    if not wanted:
        raise missing_argument("users")
    if len(wanted) > MOST_INVITED:
        raise SlackError("too_many_users")
    problems = {user: problem for user in wanted if (problem := _invite_problem(box, channel.members, user))}
    good = [user for user in wanted if user not in problems]
    if problems and not (args.flag("force") and good):
        entries = [{"user": user, "ok": False, "error": problem} for user, problem in problems.items()]
        raise SlackError(next(iter(problems.values())), errors=entries)
    for user in good:
        box.workspace.join(channel, user, box.workspace.bot.id)
    return {"channel": channel.payload(box.workspace.bot.id)}


def _invite_problem(box: Box, members: list[str], user: str) -> str:
    if user == box.workspace.bot.id:
        return "cant_invite_self"
    if user not in box.workspace.users:
        return "user_not_found"
    return "already_in_channel" if user in members else ""


def join(box: Box, args: Arguments) -> Json:
    """Let the app into a public channel."""
    channel = channel_of(box, args)
    if channel.kind != "public":
        raise SlackError("method_not_supported_for_channel_type")
    if channel.is_archived:
        raise SlackError("is_archived")
    already = box.workspace.bot.id in channel.members
    box.workspace.join(channel, box.workspace.bot.id)
    body: Json = {"channel": channel.payload(box.workspace.bot.id)}
    if already:
        body |= {"warning": "already_in_channel", "response_metadata": {"warnings": ["already_in_channel"]}}
    return body


def leave(box: Box, args: Arguments) -> Json:
    """Let the app out of a channel."""
    channel = channel_of(box, args)
    if box.workspace.bot.id not in channel.members:
        return {"not_in_channel": True}
    box.workspace.leave(channel, box.workspace.bot.id)
    return {}


def kick(box: Box, args: Arguments) -> Json:
    """Remove somebody from a channel."""
    channel = open_channel(box, args)
    user = box.workspace.user(args.required("user"))
    if user is box.workspace.bot:
        raise SlackError("cant_kick_self")
    if user.id not in channel.members:
        raise SlackError("not_in_channel")
    box.workspace.leave(channel, user.id)
    return {}


METHODS = {
    "conversations.invite": Method(invite, managing(_INVITE)),
    "conversations.join": Method(join, needs("channels:join")),
    "conversations.leave": Method(leave, managing(MANAGE)),
    "conversations.kick": Method(kick, managing(MANAGE)),
}

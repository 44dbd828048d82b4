"""conversations.*: making, finding and reading channels."""

from bot.emulator.arguments import Arguments
from bot.emulator.box import Box
from bot.emulator.channels import Channel, name_problem
from bot.emulator.errors import SlackError, missing_argument
from bot.emulator.messages import Json
from bot.emulator.methods import Method
from bot.emulator.methods.access import channel_of, joined_channel, page_of
from bot.emulator.methods.needs import TYPES, creating, listing, opening, reading


def create(box: Box, args: Arguments) -> Json:
    """Create a channel; archived channels keep their names."""
    name = args.text("name").strip()
    if problem := name_problem(name):
        raise SlackError(problem)
    if box.workspace.channel_named(name) is not None:
        raise SlackError("name_taken")
    channel = box.workspace.create_channel(name, box.workspace.bot.id, private=args.flag("is_private"))
    return {"channel": channel.payload(box.workspace.bot.id)}


def info(box: Box, args: Arguments) -> Json:
    """Describe a channel."""
    channel = _visible(box, args)
    return {"channel": channel.payload(box.workspace.bot.id)}


def list_(box: Box, args: Arguments) -> Json:
    """List channels by type."""
    return _listed(box, args, [one for one in box.workspace.channels.values() if _is_visible(box, one)])


def of_user(box: Box, args: Arguments) -> Json:
    """List the channels somebody is in."""
    user = box.workspace.user(args.text("user") or box.workspace.bot.id)
    return _listed(box, args, [one for one in box.workspace.channels.values() if user.id in one.members])


def members(box: Box, args: Arguments) -> Json:
    """List who is in a channel."""
    channel = _visible(box, args)
    page, cursor = page_of([{"id": member} for member in channel.members], args)
    return {"members": [entry["id"] for entry in page], **cursor}


def history(box: Box, args: Arguments) -> Json:
    """Read a channel, the latest message first, without replies."""
    channel = joined_channel(box, args)
    messages = [one for one in reversed(channel.top_level()) if _within(one.ts, args)]
    metadata = args.flag("include_all_metadata")
    page, cursor = page_of([one.payload(box.settings.team_id, metadata=metadata) for one in messages], args, 999)
    more = bool(cursor["response_metadata"]["next_cursor"])
    return {"messages": page, "has_more": more, "pin_count": len(channel.pinned()), **cursor}


def replies(box: Box, args: Arguments) -> Json:
    """Read a thread, the message that holds it first."""
    channel = joined_channel(box, args)
    parent = channel.messages.get(args.required("ts"))
    if parent is None:
        raise SlackError("thread_not_found")
    metadata = args.flag("include_all_metadata")
    thread = [one.payload(box.settings.team_id, metadata=metadata) for one in (parent, *parent.replies)]
    page, cursor = page_of(thread, args)
    return {"messages": page, "has_more": bool(cursor["response_metadata"]["next_cursor"]), **cursor}


def open_(box: Box, args: Arguments) -> Json:
    """Open a direct message with one or more people."""
    if args.given("channel"):
        channel = channel_of(box, args)
    elif users := args.names("users"):
        people = [box.workspace.user(user).id for user in users]
        channel = box.workspace.direct([*people, box.workspace.bot.id])
    else:
        raise missing_argument("users")
    body = channel.payload(box.workspace.bot.id) if args.flag("return_im") else {"id": channel.id}
    return {"no_op": False, "already_open": False, "channel": body}


def _visible(box: Box, args: Arguments) -> Channel:
    channel = channel_of(box, args)
    if not _is_visible(box, channel):
        raise SlackError("channel_not_found")
    return channel


def _is_visible(box: Box, channel: Channel) -> bool:
    return channel.kind == "public" or box.workspace.bot.id in channel.members


def _listed(box: Box, args: Arguments, channels: list[Channel]) -> Json:
    types = args.names("types") or ["public_channel"]
    if unknown := set(types) - set(TYPES.values()):
        raise SlackError("invalid_types", [f"unknown type: {name}" for name in sorted(unknown)])
    chosen = [one for one in channels if TYPES[one.kind] in types]
    if args.flag("exclude_archived"):
        chosen = [one for one in chosen if not one.is_archived]
    page, cursor = page_of([one.payload(box.workspace.bot.id) for one in chosen], args)
    return {"channels": page, **cursor}


def _within(ts: str, args: Arguments) -> bool:
    oldest, latest = args.text("oldest") or "0", args.text("latest")
    when, inclusive = float(ts), args.flag("inclusive")
    if when < float(oldest) or (when == float(oldest) and not inclusive):
        return False
    return not latest or when < float(latest) or (when == float(latest) and inclusive)


METHODS = {
    "conversations.create": Method(create, creating()),
    "conversations.info": Method(info, reading("read"), takes_json=False),
    "conversations.list": Method(list_, listing(), takes_json=False),
    "users.conversations": Method(of_user, listing(), takes_json=False),
    "conversations.members": Method(members, reading("read"), takes_json=False),
    "conversations.history": Method(history, reading("history"), takes_json=False),
    "conversations.replies": Method(replies, reading("history"), takes_json=False),
    "conversations.open": Method(open_, opening()),
}

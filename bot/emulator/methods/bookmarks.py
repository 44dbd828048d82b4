"""bookmarks.*: links at the top of a channel."""

from bot.emulator.arguments import Arguments
from bot.emulator.box import Box
from bot.emulator.channels import Bookmark, Channel
from bot.emulator.errors import SlackError
from bot.emulator.messages import Json
from bot.emulator.methods import Method
from bot.emulator.methods.access import joined_channel, open_channel
from bot.emulator.methods.needs import needs
from bot.emulator.workspace import Change

MOST_BOOKMARKS = 100


def add(box: Box, args: Arguments) -> Json:
    """Put a link at the top of a channel."""
    channel = open_channel(box, args, "channel_id")
    title = args.required("title")
    if args.required("type") != "link":
        raise SlackError("invalid_bookmark_type")
    if len(channel.bookmarks) >= MOST_BOOKMARKS:
        raise SlackError("too_many_bookmarks")
    now = int(box.clock.now())
    link = _checked(args.required("link"))
    bookmark = Bookmark(box.ids.next("Bk"), channel.id, title, link, args.text("emoji"), now, now)
    channel.bookmarks.append(bookmark)
    box.workspace.tell(Change("channel", channel))
    return {"bookmark": bookmark.payload()}


def edit(box: Box, args: Arguments) -> Json:
    """Change a link."""
    channel = open_channel(box, args, "channel_id")
    bookmark = _bookmark(channel, args)
    bookmark.title = args.text("title", bookmark.title)
    bookmark.link = _checked(args.text("link", bookmark.link))
    bookmark.emoji = args.text("emoji", bookmark.emoji)
    bookmark.updated = int(box.clock.now())
    box.workspace.tell(Change("channel", channel))
    return {"bookmark": bookmark.payload()}


def remove(box: Box, args: Arguments) -> Json:
    """Take a link away."""
    channel = open_channel(box, args, "channel_id")
    channel.bookmarks.remove(_bookmark(channel, args))
    box.workspace.tell(Change("channel", channel))
    return {}


def list_(box: Box, args: Arguments) -> Json:
    """List the links of a channel."""
    channel = joined_channel(box, args, "channel_id")
    return {"bookmarks": [bookmark.payload() for bookmark in channel.bookmarks]}


def _bookmark(channel: Channel, args: Arguments) -> Bookmark:
    wanted = args.required("bookmark_id")
    for bookmark in channel.bookmarks:
        if bookmark.id == wanted:
            return bookmark
    raise SlackError("not_found")


def _checked(link: str) -> str:
    if not link.startswith(("http://", "https://", "mailto:")):
        raise SlackError("invalid_link")
    return link


METHODS = {
    "bookmarks.add": Method(add, needs("bookmarks:write")),
    "bookmarks.edit": Method(edit, needs("bookmarks:write")),
    "bookmarks.remove": Method(remove, needs("bookmarks:write")),
    "bookmarks.list": Method(list_, needs("bookmarks:read")),
}

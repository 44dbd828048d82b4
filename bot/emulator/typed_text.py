"""Text as a person types it, turned into what Slack sends."""

import re

from bot.emulator.workspace import Workspace

_REFERENCE = re.compile(r"<[@#!][A-Z0-9^a-z]+(?:\|[^<>]*)?>")


def as_sent(text: str, workspace: Workspace, *, labels: bool = False) -> str:
    """Escape markup and turn @names and #channels into references; commands carry `labels` with them."""
    kept: list[str] = []

    def keep(match: re.Match[str]) -> str:
        kept.append(match.group())
        return f"\0{len(kept) - 1}\0"

    text = _REFERENCE.sub(keep, text)
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = _with_people(text, workspace, labels=labels)
    text = re.sub(r"(?<![\w&])#([\w-]+)", lambda found: _channel(found, workspace, labels=labels), text)
    return re.sub("\0(\\d+)\0", lambda found: kept[int(found.group(1))], text)


def _with_people(text: str, workspace: Workspace, *, labels: bool) -> str:
    for group in workspace.usergroups.values():
        text = re.sub(rf"(?<![\w.])@{re.escape(group.handle)}(?!\w)", f"<!subteam^{group.id}>", text)
    for user in workspace.users.values():
        reference = f"<@{user.id}|{user.name}>" if labels else f"<@{user.id}>"
        for name in (user.real_name, user.name):
            text = re.sub(rf"(?<![\w.])@{re.escape(name)}(?!\w)", reference, text, flags=re.IGNORECASE)
    return text


def _channel(found: re.Match[str], workspace: Workspace, *, labels: bool) -> str:
    channel = workspace.channel_named(found.group(1))
    if channel is None:
        return found.group()
    return f"<#{channel.id}|{channel.name}>" if labels else f"<#{channel.id}>"

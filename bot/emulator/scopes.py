"""Scopes and events of an app, and which event needs which. Source: docs.slack.dev/reference, scopes and events."""

from collections.abc import Iterable, Mapping

SCOPES = (
    "app_mentions:read",
    "bookmarks:read",
    "bookmarks:write",
    "channels:history",
    "channels:join",
    "channels:manage",
    "channels:read",
    "channels:write.invites",
    "channels:write.topic",
    "chat:write",
    "chat:write.customize",
    "chat:write.public",
    "commands",
    "files:read",
    "files:write",
    "groups:history",
    "groups:read",
    "groups:write",
    "groups:write.invites",
    "groups:write.topic",
    "im:history",
    "im:read",
    "im:write",
    "mpim:history",
    "mpim:read",
    "mpim:write",
    "mpim:write.topic",
    "im:write.topic",
    "pins:read",
    "pins:write",
    "reactions:read",
    "reactions:write",
    "team:read",
    "usergroups:read",
    "users:read",
    "users:read.email",
)
"""Every bot scope this Slack knows; an app that is not said to have fewer has them all."""

SIGN_IN_SCOPES = ("openid", "profile", "email")
"""What an app may ask of a person who signs in with Slack."""

APP_SCOPE = "connections:write"
"""The one scope of the app-level token."""

_CHANNEL_LIFE = ("created", "rename", "archive", "unarchive", "deleted")
EVENTS: Mapping[str, str] = {
    "app_home_opened": "",
    "app_mention": "app_mentions:read",
    "app_uninstalled": "",
    "tokens_revoked": "",
    "message.channels": "channels:history",
    "message.groups": "groups:history",
    "message.im": "im:history",
    "message.mpim": "mpim:history",
    "reaction_added": "reactions:read",
    "reaction_removed": "reactions:read",
    "pin_added": "pins:read",
    "pin_removed": "pins:read",
    "member_joined_channel": "channels:read|groups:read",
    "member_left_channel": "channels:read|groups:read",
    **{f"channel_{what}": "channels:read" for what in _CHANNEL_LIFE},
    **{f"group_{what}": "groups:read" for what in _CHANNEL_LIFE if what != "created"},
}
"""Every event this Slack sends, and the scope it needs: `public|private` when that depends on the channel."""


def missing(groups: Iterable[str], granted: Iterable[str]) -> list[str]:
    """Return the groups (`a|b` is one of the two) that nothing granted is in."""
    have = set(granted)
    return [group for group in groups if group and have.isdisjoint(group.split("|"))]


def problem(scopes: Iterable[str], events: Iterable[str]) -> str:
    """Say what Slack would refuse in an app's manifest, or return an empty string."""
    if unknown := sorted(set(scopes) - set(SCOPES)):
        return f"--scopes: Slack has no scope {', '.join(unknown)}."
    if unknown := sorted(set(events) - set(EVENTS)):
        return f"--events: this Slack has no event {', '.join(unknown)}."
    for event in events:
        if needed := missing([EVENTS[event]], scopes):
            return f"--events: {event} needs the scope {needed[0].replace('|', ' or ')}."
    return ""

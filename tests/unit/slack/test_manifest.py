"""The manifest asks for what the code calls: no more, no less."""

import re

from bot.adapters.slack.manifest import EVENTS, render
from tests.unit.slack.methods import ROOT, called

MANIFEST = (ROOT / "slack-manifest.yml").read_text()
# docs.slack.dev/reference/methods: the bot scope of each method, for channels and direct messages.
SCOPES = {
    "apps.connections.open": set[str](),
    "auth.test": set[str](),
    "bookmarks.add": {"bookmarks:write"},
    "bookmarks.list": {"bookmarks:read"},
    "bookmarks.remove": {"bookmarks:write"},
    "chat.delete": {"chat:write"},
    "chat.postEphemeral": {"chat:write"},
    "chat.postMessage": {"chat:write", "chat:write.public"},
    "chat.update": {"chat:write"},
    "chat.getPermalink": set[str](),
    "conversations.create": {"channels:manage", "groups:write"},
    "conversations.history": {"channels:history", "groups:history", "im:history"},
    "conversations.info": {"channels:read", "groups:read"},
    "conversations.invite": {"channels:manage", "groups:write"},
    "conversations.join": {"channels:join"},
    "conversations.list": {"channels:read"},
    "conversations.members": {"groups:read"},
    "conversations.open": {"im:write"},
    "conversations.replies": {"channels:history", "groups:history"},
    "conversations.setTopic": {"channels:manage", "groups:write"},
    "files.completeUploadExternal": {"files:write"},
    "files.getUploadURLExternal": {"files:write"},
    "pins.add": {"pins:write"},
    "pins.list": {"pins:read"},
    "reactions.get": {"reactions:read"},
    "usergroups.list": {"usergroups:read"},
    "usergroups.users.list": {"usergroups:read"},
    "users.conversations": {"channels:read", "groups:read"},
    "users.info": {"users:read"},
    "users.list": {"users:read"},
    "users.lookupByEmail": {"users:read.email"},
    "views.open": set[str](),
    "views.publish": set[str](),
}
# docs.slack.dev/reference/events, and what a file's url_private asks for.
HEARD = {
    "app_home_opened": set[str](),
    "app_uninstalled": set[str](),
    "member_joined_channel": {"channels:read", "groups:read"},
    "member_left_channel": {"channels:read", "groups:read"},
    "message.channels": {"channels:history"},
    "message.groups": {"groups:history"},
    "pin_added": {"pins:read"},
    "pin_removed": {"pins:read"},
    "reaction_added": {"reactions:read"},
    "reaction_removed": {"reactions:read"},
    "tokens_revoked": set[str](),
}
BYTES = "files:read"


def test_scopes_are_those_of_the_methods_called() -> None:
    wanted = {"commands", BYTES}.union(*(SCOPES[method] for method in called()), *(HEARD[event] for event in EVENTS))
    listed = re.findall(r"^      - ([a-z:.]+) #", MANIFEST.partition("    bot:")[2], re.MULTILINE)
    assert listed == sorted(wanted)


def test_it_is_written_from_what_the_code_says() -> None:
    assert render() == MANIFEST


def test_people_are_sent_as_ids_not_as_names() -> None:
    assert MANIFEST.count("should_escape: true") == MANIFEST.count("- command: /") == 5


def test_one_url_takes_everything() -> None:
    assert set(re.findall(r"url: (\S+)", MANIFEST)) == {"https://firstfive.example.com/slack/events"}

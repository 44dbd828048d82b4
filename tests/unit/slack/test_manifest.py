"""The manifest asks for what the code calls: no more, no less."""

import re

from bot.adapters.slack.manifest import render
from tests.unit.slack.methods import ROOT, called

MANIFEST = (ROOT / "slack-manifest.yml").read_text()
# docs.slack.dev/reference/methods: the bot scope of each method, for public channels and direct messages.
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
    "conversations.create": {"channels:manage"},
    "conversations.history": {"channels:history", "im:history"},
    "conversations.info": {"channels:read"},
    "conversations.invite": {"channels:manage"},
    "conversations.join": {"channels:join"},
    "conversations.list": {"channels:read"},
    "conversations.open": {"im:write"},
    "conversations.replies": {"channels:history"},
    "conversations.setTopic": {"channels:manage"},
    "files.completeUploadExternal": {"files:write"},
    "files.getUploadURLExternal": {"files:write"},
    "pins.add": {"pins:write"},
    "users.conversations": {"channels:read"},
    "users.info": {"users:read"},
    "users.list": {"users:read"},
    "views.open": set[str](),
}


def test_scopes_are_those_of_the_methods_called() -> None:
    wanted = {"commands"}.union(*(SCOPES[method] for method in called()))
    listed = re.findall(r"^      - ([a-z:.]+) #", MANIFEST, re.MULTILINE)
    assert listed == sorted(wanted)


def test_it_is_written_from_what_the_code_says() -> None:
    assert render() == MANIFEST


def test_people_are_sent_as_ids_not_as_names() -> None:
    assert MANIFEST.count("should_escape: true") == MANIFEST.count("- command: /") == 3


def test_one_url_takes_everything() -> None:
    assert set(re.findall(r"url: (\S+)", MANIFEST)) == {"https://firstfive.example.com/slack/events"}

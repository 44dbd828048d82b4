"""Each method of the local Slack works with exactly its scopes, and says which one is missing without it."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from bot.emulator.app import create_app
from bot.emulator.box import Box
from bot.emulator.channels import Bookmark
from bot.emulator.files import StoredFile
from bot.emulator.methods.registry import METHODS
from bot.emulator.scopes import SCOPES
from bot.emulator.settings import Settings
from bot.emulator.town import Town
from tests.integration.emulator_process import ADA, APP_TOKEN, BEN, BOT_TOKEN, SECRET

Json = dict[str, Any]
SETTINGS = Settings("http://127.0.0.1:9/slack/events", SECRET, BOT_TOKEN, APP_TOKEN, limits_on=False)
TEXT = {"type": "plain_text", "text": "x"}
BLOCKS = [{"type": "section", "text": TEXT}]
MODAL = {"type": "modal", "title": TEXT, "blocks": BLOCKS}


@dataclass(frozen=True)
class Scene:
    """A workspace with one of everything; `kind` is that of the channel."""

    box: Box
    kind: str

    @property
    def channel(self) -> str:
        return self.box.workspace.channels[self._id].id

    @property
    def _id(self) -> str:
        return next(one.id for one in self.box.workspace.channels.values() if one.kind == self.kind)

    def posted(self) -> str:
        """Post as the bot, pinned and reacted to."""
        workspace = self.box.workspace
        message = workspace.post(workspace.channels[self._id], workspace.bot.id, "x", bot_id="B0BOX0001")
        return message.ts

    def marked(self) -> str:
        workspace, ts = self.box.workspace, self.posted()
        message = workspace.channels[self._id].messages[ts]
        workspace.pin(workspace.channels[self._id], message, workspace.bot.id)
        workspace.react(message, workspace.bot.id, "eyes")
        return ts

    def bookmark(self) -> str:
        self.box.workspace.channels[self._id].bookmarks.append(Bookmark("Bk1", self._id, "x", "http://x", "", 0, 0))
        return "Bk1"

    def file(self) -> str:
        stored = StoredFile("F1", "a.txt", "a", ADA, 0, SETTINGS.base_url, size=1, content=b"a")
        self.box.workspace.files["F1"] = stored
        return "F1"

    def view(self) -> str:
        return self.box.views.open(ADA, {**MODAL, "blocks": [{**BLOCKS[0], "block_id": "b"}]}).id


Args = Callable[[Scene], Json]


def here(**more: Any) -> Args:
    return lambda scene: {"channel": scene.channel, **more}


def there(**more: Any) -> Args:
    return lambda scene: {"channel_id": scene.channel, **more}


def only(**values: Any) -> Args:
    return lambda _: values


ROWS: list[tuple[str, str, str, Args]] = [
    ("api.test", "", "", only()),
    ("auth.test", "", "", only()),
    ("auth.revoke", "", "", only(test=1)),
    ("apps.uninstall", "", "", only(client_id="1.2", client_secret="emulator-secret")),
    ("team.info", "team:read", "", only()),
    ("bots.info", "users:read", "", only()),
    ("blocks.validate", "", "", only(blocks=BLOCKS)),
    ("bookmarks.add", "bookmarks:write", "public", there(title="x", type="link", link="http://x")),
    ("bookmarks.edit", "bookmarks:write", "public", lambda s: there(bookmark_id=s.bookmark(), title="y")(s)),
    ("bookmarks.remove", "bookmarks:write", "public", lambda s: there(bookmark_id=s.bookmark())(s)),
    ("bookmarks.list", "bookmarks:read", "public", there()),
    ("chat.postMessage", "chat:write", "public", here(text="x")),
    ("chat.postMessage", "chat:write chat:write.customize", "private", here(text="x", username="Somebody")),
    ("chat.update", "chat:write", "public", lambda s: here(ts=s.posted(), text="y")(s)),
    ("chat.delete", "chat:write", "private", lambda s: here(ts=s.posted())(s)),
    ("chat.postEphemeral", "chat:write", "public", here(text="x", user=ADA)),
    ("chat.getPermalink", "", "public", lambda s: here(message_ts=s.posted())(s)),
    ("conversations.create", "channels:manage", "", only(name="inc-1")),
    ("conversations.create", "groups:write", "", only(name="inc-1", is_private=True)),
    ("conversations.info", "channels:read", "public", here()),
    ("conversations.info", "groups:read", "private", here()),
    ("conversations.info", "im:read", "im", here()),
    ("conversations.list", "channels:read", "", only()),
    ("conversations.list", "channels:read groups:read", "", only(types="public_channel,private_channel")),
    ("users.conversations", "groups:read", "", only(types="private_channel")),
    ("conversations.members", "groups:read", "private", here()),
    ("conversations.history", "channels:history", "public", here()),
    ("conversations.history", "groups:history", "private", here()),
    ("conversations.history", "im:history", "im", here()),
    ("conversations.replies", "groups:history", "private", lambda s: here(ts=s.posted())(s)),
    ("conversations.open", "im:write", "", only(users=ADA)),
    ("conversations.open", "mpim:write", "", only(users=f"{ADA},{BEN}")),
    ("conversations.invite", "groups:write", "private", here(users=BEN)),
    ("conversations.join", "channels:join", "public", here()),
    ("conversations.leave", "channels:manage", "public", here()),
    ("conversations.kick", "channels:manage", "public", here(user=BEN)),
    ("conversations.setTopic", "channels:manage", "public", here(topic="x")),
    ("conversations.setTopic", "channels:write.topic", "public", here(topic="x")),
    ("conversations.setPurpose", "groups:write", "private", here(purpose="x")),
    ("conversations.archive", "groups:write", "private", here()),
    ("conversations.rename", "groups:write", "private", here(name="other")),
    ("files.getUploadURLExternal", "files:write", "", only(filename="a.txt", length=1)),
    ("files.completeUploadExternal", "files:write", "public", lambda s: there(files=[{"id": s.file()}])(s)),
    ("files.info", "files:read", "", lambda s: {"file": s.file()}),
    ("pins.add", "pins:write", "public", lambda s: here(timestamp=s.posted())(s)),
    ("pins.remove", "pins:write", "public", lambda s: here(timestamp=s.marked())(s)),
    ("pins.list", "pins:read", "public", here()),
    ("reactions.add", "reactions:write", "public", lambda s: here(timestamp=s.posted(), name="eyes")(s)),
    ("reactions.remove", "reactions:write", "public", lambda s: here(timestamp=s.marked(), name="eyes")(s)),
    ("reactions.get", "reactions:read", "public", lambda s: here(timestamp=s.marked(), full=True)(s)),
    ("users.info", "users:read", "", only(user=ADA)),
    ("users.list", "users:read", "", only()),
    ("users.lookupByEmail", "users:read.email", "", only(email="ada@example.com")),
    ("usergroups.list", "usergroups:read", "", only()),
    ("usergroups.users.list", "usergroups:read", "", only(usergroup="S0BOX0001")),
    ("views.open", "", "", lambda s: {"trigger_id": s.box.triggers.issue(ADA), "view": MODAL}),
    ("views.push", "", "", lambda s: {"trigger_id": s.box.triggers.issue(ADA, s.view()), "view": MODAL}),
    ("views.update", "", "", lambda s: {"view_id": s.view(), "view": MODAL}),
    ("views.publish", "", "", only(user_id=ADA, view={"type": "home", "blocks": BLOCKS})),
]
# By another token than the bot's, or never granted to a bot: each has a test of its own.
ELSEWHERE = {"apps.connections.open", "apps.manifest.export", "oauth.v2.access", "conversations.unarchive"}
ELSEWHERE |= {"openid.connect.token", "openid.connect.userInfo"}


@asynccontextmanager
async def called(scopes: str) -> AsyncIterator[tuple[Town, Callable[..., Any]]]:
    town = Town(replace(SETTINGS, scopes=tuple(scopes.split()), events=()))
    async with TestClient(TestServer(create_app(town), host="127.0.0.1")) as client:

        async def call(method: str, args: Json, token: str = BOT_TOKEN) -> Any:
            headers = {"Authorization": f"Bearer {token}"}
            if METHODS[method].takes_json:
                return await client.post(f"/api/{method}", json=args, headers=headers)
            return await client.post(f"/api/{method}", data=args, headers=headers)

        yield town, call


def scene_of(town: Town, kind: str) -> Scene:
    workspace = town.first.workspace
    if kind == "private":
        workspace.create_channel("secret", workspace.bot.id, private=True).members.append(ADA)
    if kind == "im":
        workspace.direct([ADA, workspace.bot.id])
    return Scene(town.first, kind)


NAMES = [f"{method} {scopes}" for method, scopes, _, _ in ROWS]


@pytest.mark.parametrize(("method", "scopes", "kind", "args"), ROWS, ids=NAMES)
async def test_a_method_works_with_exactly_its_scopes(method: str, scopes: str, kind: str, args: Args) -> None:
    async with called(scopes) as (town, call):
        answer = await call(method, args(scene_of(town, kind)))
        body = await answer.json()
    assert body["ok"], body
    if METHODS[method].token == "bot":
        assert answer.headers["x-oauth-scopes"] == ",".join(sorted(scopes.split()))
        assert set(scopes.split()) <= set(answer.headers["x-accepted-oauth-scopes"].split(","))


@pytest.mark.parametrize(("method", "scopes", "kind", "args"), [row for row in ROWS if row[1]])
async def test_without_one_of_them_it_names_what_is_missing(method: str, scopes: str, kind: str, args: Args) -> None:
    for scope in scopes.split():
        equals = {
            other for group in METHODS[method].needs.all if scope in group.split("|") for other in group.split("|")
        }
        granted = " ".join(sorted(set(SCOPES) - equals))
        async with called(granted) as (town, call):
            body = await (await call(method, args(scene_of(town, kind)))).json()
        assert (body["ok"], body["error"], body["provided"]) == (False, "missing_scope", granted.replace(" ", ","))
        assert scope in body["needed"].split(",")


def test_every_method_is_tried() -> None:
    assert {method for method, *_ in ROWS} | ELSEWHERE == set(METHODS)


def test_every_scope_a_method_names_is_known() -> None:
    named = {scope for method in METHODS.values() if method.token == "bot" for scope in method.needs.accepted}
    assert named <= set(SCOPES)


async def test_tokens_open_what_is_theirs() -> None:
    async with called("chat:write") as (_, call):
        for method, token, error in (
            ("apps.connections.open", BOT_TOKEN, "not_allowed_token_type"),
            ("apps.manifest.export", BOT_TOKEN, "not_allowed_token_type"),
            ("auth.test", APP_TOKEN, "not_allowed_token_type"),
            ("auth.test", "xoxb-emulator-nobody", "invalid_auth"),
        ):
            assert (await (await call(method, {}, token)).json())["error"] == error
        assert (await (await call("apps.connections.open", {}, APP_TOKEN)).json())["url"].startswith("ws://")
        export = await call("apps.manifest.export", {"app_id": SETTINGS.app_id}, SETTINGS.config_token)
        manifest = (await export.json())["manifest"]
    assert manifest["oauth_config"]["scopes"]["bot"] == ["chat:write"]
    assert "/incident" in {one["command"] for one in manifest["features"]["slash_commands"]}


async def test_a_token_in_the_address_is_none() -> None:
    town = Town(SETTINGS)
    async with TestClient(TestServer(create_app(town), host="127.0.0.1")) as client:
        for asked in (
            client.get(f"/api/auth.test?token={BOT_TOKEN}"),
            client.post("/api/auth.test", json={"token": BOT_TOKEN}),
        ):
            assert (await (await asked).json())["error"] == "not_authed"
        in_form = await client.post("/api/auth.test", data={"token": BOT_TOKEN})
        assert (await in_form.json())["ok"]


async def test_a_bot_posts_where_it_is_not_only_with_the_scope_for_it() -> None:
    async with called("chat:write") as (_, call):
        refused = await (await call("chat.postMessage", {"channel": "#random", "text": "x"})).json()
    assert refused["error"] == "not_in_channel"
    async with called("chat:write chat:write.public") as (_, call):
        assert (await (await call("chat.postMessage", {"channel": "#random", "text": "x"})).json())["ok"]


async def test_addresses_are_shown_only_with_their_scope() -> None:
    for scopes, shown in (("users:read", False), ("users:read users:read.email", True)):
        async with called(scopes) as (_, call):
            profile = (await (await call("users.info", {"user": ADA})).json())["user"]["profile"]
        assert ("email" in profile) is shown

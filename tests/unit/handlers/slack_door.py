"""Slack's door with everything behind it in memory, and a Slack that signs."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import urlencode

import httpx
from fastapi import FastAPI

import playbooks
from bot.domain.errors import ChatFailed, StoreUnusable
from bot.domain.run import Reply, Run, Source
from bot.domain.service import Catalog, Service
from bot.domain.timeline import Person
from bot.engine.admission import Admission
from bot.engine.playbook import Registry, load
from bot.engine.ports import Ports
from bot.ports import Store, Tx
from handlers.slack import PATH, slack_app, slack_route
from handlers.slack_desk import Desk
from tests.fakes import FakeStore, fake_ports

T = TypeVar("T")
SECRET, TEAM = "signing-secret", "T0BOX0001"
FORM = "application/x-www-form-urlencoded"


class BrokenStore(FakeStore):
    """Cannot write; `hangs` instead of saying so."""

    hangs = False

    async def write(self, act: Callable[[Tx], T]) -> T:
        del act
        if self.hangs:
            await asyncio.sleep(60)
        raise StoreUnusable("the disk is full")


@dataclass
class Door:
    """What a test pushes at, and what came of it."""

    ports: Ports
    store: FakeStore
    client: httpx.AsyncClient
    views: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    view_failure: ChatFailed | None = None
    whispers: list[tuple[Source, Person, Reply]] = field(default_factory=list)
    homes: list[tuple[str, str]] = field(default_factory=list)
    strangers: set[str] = field(default_factory=set)
    revoked: list[tuple[str, datetime]] = field(default_factory=list)
    revoke_failure: str = ""

    async def post(self, body: bytes, content_type: str = FORM, **headers: str) -> httpx.Response:
        """Deliver a signed body; `headers` replace what Slack would send."""
        stamp = headers.get("x_slack_request_timestamp", str(int(self.ports.clock.now().timestamp())))
        digest = hmac.new(SECRET.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
        sent = {
            "content-type": content_type,
            "x-slack-request-timestamp": stamp,
            "x-slack-signature": headers.get("x_slack_signature", f"v0={digest}"),
        }
        raw = [(name.encode(), value.encode()) for name, value in sent.items()]
        return await self.client.post(PATH, content=body, headers=raw)

    async def command(self, text: str, name: str = "/incident", trigger_id: str = "1.2.abc") -> httpx.Response:
        return await self.post(urlencode(typed(text, name, trigger_id)).encode())

    async def interact(self, payload: Mapping[str, Any]) -> httpx.Response:
        return await self.post(urlencode({"payload": json.dumps(payload)}).encode())

    async def press(
        self, value: Mapping[str, Any] | str | None, action_id: str = "ff:3", chosen: Mapping[str, Any] | None = None
    ) -> httpx.Response:
        return await self.interact(pressed(value, action_id, chosen))

    async def admits(self, team: str) -> bool:
        return team not in self.strangers

    def draw(self, reply: Reply) -> dict[str, Any]:
        return drawn(reply)

    async def open_view(self, team: str, trigger_id: str, view: dict[str, Any]) -> None:
        assert team == TEAM
        if self.view_failure is not None:
            raise self.view_failure
        self.views.append((trigger_id, view))

    def whisper(self, source: Source, person: Person, reply: Reply) -> None:
        self.whispers.append((source, person, reply))

    def open_home(self, team: str, user: str) -> None:
        self.homes.append((team, user))

    async def revoke(self, team: str, at: datetime) -> None:
        if self.revoke_failure:
            raise StoreUnusable(self.revoke_failure)
        self.revoked.append((team, at))

    @property
    def whispered(self) -> list[str]:
        return [reply.text for _, _, reply in self.whispers]

    @property
    def runs(self) -> list[Run]:
        return list(self.store.now.runs.values())


def open_door(store: FakeStore | None = None, registry: Registry | None = None) -> Door:
    catalog = Catalog(services=(Service("checkout", ()), Service("search", ())))
    ports = fake_ports(catalog)
    stored: Store = store or ports.store
    ports = replace(ports, store=stored)
    registry = registry or load(playbooks)
    app = FastAPI()
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    assert isinstance(stored, FakeStore)
    door = Door(ports, stored, httpx.AsyncClient(transport=transport, base_url="http://bot"))
    desk = Desk(registry, Admission(registry, ports), ports, door)
    app.router.routes.append(slack_route(slack_app(desk), SECRET, ports.clock))
    return door


def drawn(reply: Reply) -> dict[str, Any]:
    """Draw an answer simply: a test reads labels and commands."""
    return {"text": reply.text, "blocks": [{"label": choice.label, "do": choice.command} for choice in reply.choices]}


def typed(text: str, name: str, trigger_id: str) -> dict[str, str]:
    return {
        "token": "",
        "team_id": "T0BOX0001",
        "channel_id": "C0BOX0001",
        "channel_name": "general",
        "user_id": "U0ADA0001",
        "user_name": "ada",
        "command": name,
        "text": text,
        "api_app_id": "A0BOX0APP",
        "response_url": "http://slack/response/1",
        "trigger_id": trigger_id,
    }


def pressed(
    value: Mapping[str, Any] | str | None, action_id: str, chosen: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Press a button of a value, given as it is or as JSON, or an entry that was chosen of a menu."""
    action: dict[str, Any] = {"type": "button", "action_id": action_id, "block_id": "b"}
    if value is not None:
        action["value"] = value if isinstance(value, str) else json.dumps(value)
    if chosen is not None:
        action |= {"type": "overflow", "selected_option": {"value": json.dumps(chosen)}}
    return {
        "type": "block_actions",
        "team": {"id": "T0BOX0001"},
        "user": {"id": "U0BEN0002", "username": "ben"},
        "channel": {"id": "C0BOX0005", "name": "inc-1"},
        "container": {"type": "message", "channel_id": "C0BOX0005"},
        "trigger_id": "9.9.z",
        "response_url": "http://slack/response/2",
        "actions": [action],
    }


def submitted(view: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Submit a view that was opened; a value is what was typed, or (how, what was chosen)."""
    state = {name: {name: _state(given)} for name, given in values.items()}
    return {
        "type": "view_submission",
        "team": {"id": "T0BOX0001"},
        "user": {"id": "U0ADA0001", "username": "ada"},
        "trigger_id": "7.7.v",
        "view": {**view, "id": "V0BOX0001", "state": {"values": state}},
    }


def _state(given: Any) -> dict[str, Any]:
    """Give what Slack says of a field."""
    if not isinstance(given, tuple):
        return {"value": given}
    how, value = given
    return {
        "select": {"selected_option": {"value": value}},
        "user": {"selected_user": value},
        "day": {"selected_date": value},
        "ticked": {"selected_options": [{"value": value}]},
    }[how]

"""/__box/*: a test, or the page, acts as a person in one of the workspaces, and reads what there is."""

from dataclasses import asdict

from aiohttp import web

from bot.emulator.arguments import Arguments
from bot.emulator.bodies import json_object
from bot.emulator.box import Box
from bot.emulator.channels import Channel
from bot.emulator.errors import SlackError
from bot.emulator.hands import Hands
from bot.emulator.messages import Json, Message
from bot.emulator.screws import Screws
from bot.emulator.town import Town


class Control:
    """Answers /__box/NAME: POST with a JSON object acts, GET reads; `team` names a workspace, else it is the first."""

    def __init__(self, town: Town) -> None:
        self._town = town
        self._screws = Screws(town)

    async def read(self, request: web.Request) -> web.StreamResponse:
        """Answer a GET."""
        name = request.match_info["name"]
        if name == "transcript" and request.query.get("format") == "ndjson":
            lines = self._town.common.exchanges.lines()
            return web.Response(text=lines, content_type="application/x-ndjson")
        body = self._reading(name, self._town.visited(request))
        if body is None:
            raise web.HTTPNotFound
        return web.json_response(body)

    async def act(self, request: web.Request) -> web.StreamResponse:
        """Answer a POST; only JSON is taken, so that no other site's form can act here."""
        name = request.match_info["name"]
        if request.content_type != "application/json":
            raise web.HTTPUnsupportedMediaType
        try:
            args = Arguments(await json_object(request))
            act = self._screws.acts.get(name) or self._hands(request, args).acts.get(name)
            if act is None:
                raise web.HTTPNotFound
            body = await act(args)
        except SlackError as error:
            return web.json_response(error.body(), status=400)
        return web.json_response({"ok": True, **body})

    def _reading(self, name: str, box: Box) -> Json | None:
        exchanges = self._town.common.exchanges
        match name:
            case "state":
                return self._state(box)
            case "calls":
                return {"calls": exchanges.calls()}
            case "deliveries":
                return {"deliveries": exchanges.deliveries()}
            case "transcript":
                return {"transcript": exchanges.transcript()}
        return None

    def _hands(self, request: web.Request, args: Arguments) -> Hands:
        return Hands(self._town.box(args.text("team") or request.query.get("team", "")))

    def _state(self, box: Box) -> Json:
        workspace, settings, common = box.workspace, box.settings, self._town.common
        grant = common.grants.of_team(settings.team_id)
        return {
            "now": box.clock.now(),
            "team_id": settings.team_id,
            "teams": list(self._town.boxes),
            "installed": grant is not None,
            "scopes": sorted(grant.scopes) if grant else [],
            "limits_on": box.limits.on,
            "socket_connections": common.courier.sockets.connections,
            "faults": [asdict(fault) for fault in common.faults.waiting],
            "mishaps": [asdict(mishap) for mishap in common.courier.mishaps.waiting],
            "users": [user.payload(settings.team_id, settings.app_id) for user in workspace.users.values()],
            "usergroups": [group.payload(settings.team_id) for group in workspace.usergroups.values()],
            "channels": [_channel_state(box, channel) for channel in workspace.channels.values()],
            "files": [file.payload() for file in workspace.files.values()],
            "views": {user: box.live.stack(user) for user in box.views.stacks},
            "homes": {user: box.view_payload(view) for user, view in box.views.homes.items()},
        }


def _channel_state(box: Box, channel: Channel) -> Json:
    def rendered(message: Message) -> Json:
        return message.payload(box.settings.team_id, metadata=True)

    return {
        **channel.payload(box.workspace.bot.id),
        "members": list(channel.members),
        "messages": [rendered(message) for message in channel.messages.values()],
        "ephemerals": [
            {**rendered(message), "visible_to": message.visible_to} for message in channel.ephemerals.values()
        ],
        "pins": [message.ts for message in channel.pinned()],
        "bookmarks": [bookmark.payload() for bookmark in channel.bookmarks],
    }

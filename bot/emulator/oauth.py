"""The page on which a person lets the app into a workspace."""

from collections.abc import Mapping
from html import escape
from urllib.parse import urlencode

from aiohttp import web
from multidict import MultiMapping

from bot.emulator.errors import SlackError
from bot.emulator.town import Town

_FIELDS = ("client_id", "scope", "redirect_uri", "state")
_STYLE = "/page/consent.css"


class Consent:
    """Answers /oauth/v2/authorize: GET asks, POST takes the answer and sends the person back to the app."""

    def __init__(self, town: Town) -> None:
        self._town = town

    async def ask(self, request: web.Request) -> web.StreamResponse:
        """Show what the app wants, and where it may be let in."""
        if refused := self._refused(request.query):
            return refused
        return web.Response(text=self._page(request.query), content_type="text/html")

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Go back to the app with a code, or with `access_denied`."""
        form = {name: str(value) for name, value in (await request.post()).items()}
        if refused := self._refused(form):
            return refused
        try:
            box = self._town.box(form.get("team", ""))
        except SlackError as error:
            return web.Response(status=400, text=error.error)
        answer = {"state": form.get("state", "")}
        if form.get("answer") == "allow":
            user = form.get("user") or next(iter(set(box.workspace.users) - {box.workspace.bot.id}))
            grants = self._town.common.grants
            answer["code"] = grants.code(box.settings.team_id, user, form["scope"], form["redirect_uri"])
        else:
            answer["error"] = "access_denied"
        raise web.HTTPFound(f"{form['redirect_uri']}?{urlencode(answer)}")

    def _refused(self, wanted: Mapping[str, str]) -> web.Response | None:
        refused = self._town.common.grants.refused_request(wanted, self._town.settings.scopes)
        return web.Response(status=400, text=f"This installation link is wrong: {refused}.") if refused else None

    def _page(self, query: MultiMapping[str]) -> str:
        app = escape(self._town.settings.app_name)
        kept = "".join(f'<input type="hidden" name="{name}" value="{escape(query.get(name, ""))}">' for name in _FIELDS)
        teams = "".join(
            f'<option value="{team}">{escape(box.settings.team_domain)}</option>'
            for team, box in self._town.boxes.items()
        )
        scopes = "".join(f"<li>{escape(scope)}</li>" for scope in sorted(query.get("scope", "").split(",")))
        return (
            f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Install {app}</title>'
            f'<link rel="stylesheet" href="{_STYLE}"><main><h1>{app} asks to come into a workspace</h1>'
            f'<form method="post">{kept}<p><label>Workspace <select name="team">{teams}</select></label></p>'
            f"<p>It will be able to:</p><ul>{scopes}</ul>"
            '<button name="answer" value="allow">Allow</button> <button name="answer" value="cancel">Cancel</button>'
            "</form></main></html>"
        )

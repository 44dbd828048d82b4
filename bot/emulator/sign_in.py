"""The page on which a person signs in somewhere with Slack, and what an app finds out about that by itself."""

from collections.abc import Mapping
from html import escape
from urllib.parse import urlencode

from aiohttp import web

from bot.emulator.box import Box
from bot.emulator.errors import SlackError
from bot.emulator.people import User
from bot.emulator.town import Town

_KEPT = {
    *("client_id", "scope", "redirect_uri", "response_type", "state", "nonce"),
    *("code_challenge", "code_challenge_method"),
}
_STYLE = "/page/consent.css"


class SignIn:
    """Answers /openid/connect/*: GET asks who it is, POST takes the answer and sends the person back to the app."""

    def __init__(self, town: Town) -> None:
        self._town = town

    async def described(self, _request: web.Request) -> web.StreamResponse:
        """Say where everything is."""
        return web.json_response(self._town.common.openid.described())

    async def keys(self, _request: web.Request) -> web.StreamResponse:
        """Give the key by which an identity can be verified."""
        return web.json_response(self._town.common.openid.keys())

    async def ask(self, request: web.Request) -> web.StreamResponse:
        """Let the person choose who to be; nobody has a password here."""
        wanted = dict(request.query)
        if refused := self._refused(wanted):
            return refused
        try:
            boxes = [self._town.box(wanted["team"])] if wanted.get("team") else [*self._town.boxes.values()]
        except SlackError as error:
            return web.Response(status=400, text=error.error)
        return web.Response(text=self._page(wanted, boxes), content_type="text/html")

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Go back to the app with a code, or with `access_denied`."""
        form = {name: str(value) for name, value in (await request.post()).items()}
        if refused := self._refused(form):
            return refused
        answer = {"state": form.get("state", "")}
        if not (person := form.get("person")):
            answer["error"] = "access_denied"
        elif (box := self._home(person)) is None:
            return web.Response(status=400, text="user_not_found")
        else:
            answer["code"] = self._town.common.openid.code(box.settings.team_id, person, form)
        back = form["redirect_uri"]
        raise web.HTTPFound(f"{back}{'&' if '?' in back else '?'}{urlencode(answer)}")

    def _refused(self, wanted: Mapping[str, str]) -> web.Response | None:
        refused = self._town.common.openid.refused_request(wanted)
        return web.Response(status=400, text=f"This link to sign in is wrong: {refused}.") if refused else None

    def _home(self, person: str) -> Box | None:
        return next((box for box in self._town.boxes.values() if person in _people(box)), None)

    def _page(self, wanted: Mapping[str, str], boxes: list[Box]) -> str:
        app = escape(self._town.settings.app_name)
        kept = "".join(
            f'<input type="hidden" name="{name}" value="{escape(value)}">'
            for name, value in wanted.items()
            if name in _KEPT
        )
        return (
            '<!doctype html><html lang="en"><meta charset="utf-8">'
            f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>Sign in to {app}</title>'
            f'<link rel="icon" href="/page/icon.svg"><link rel="stylesheet" href="{_STYLE}"><main>'
            f"<h1>Sign in to {app} with Slack</h1>"
            "<p>This Slack is on your own machine, and nobody has a password: choose who to be.</p>"
            f'<form method="post">{kept}{"".join(map(_choices, boxes))}'
            "<p><button>Cancel</button></p></form></main></html>"
        )


def _choices(box: Box) -> str:
    people = "".join(f"<li>{_button(user)}</li>" for user in _people(box).values())
    return f'<h2>{escape(box.settings.team_domain)}</h2><ul class="people">{people}</ul>'


def _button(user: User) -> str:
    return f'<button name="person" value="{user.id}"><b>{escape(user.real_name)}</b> {escape(user.title)}</button>'


def _people(box: Box) -> dict[str, User]:
    return {user.id: user for user in box.workspace.users.values() if not user.is_bot}

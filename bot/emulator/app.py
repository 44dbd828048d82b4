"""The web application: routes, who may use them, and the headers every answer carries."""

from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler

from bot.emulator import assets
from bot.emulator.control import Control
from bot.emulator.lab import LabPanel
from bot.emulator.oauth import Consent
from bot.emulator.sign_in import SignIn
from bot.emulator.town import Town
from bot.emulator.transfers import LARGEST_FILE, Transfers
from bot.emulator.web_api import WebApi

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    # Without any, a browser would send the form of this page as one of another site.
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def create_app(town: Town) -> web.Application:
    """Build the application around an emulator."""
    app = web.Application(client_max_size=LARGEST_FILE, middlewares=[_only_from_here])
    api, control, transfers, lab = WebApi(town), Control(town), Transfers(town), LabPanel(town.settings)
    consent, sign_in = Consent(town), SignIn(town)
    app.router.add_route("*", "/api/{method}", api.handle)
    app.router.add_get("/oauth/v2/authorize", consent.ask)
    app.router.add_post("/oauth/v2/authorize", consent.answer)
    app.router.add_get("/.well-known/openid-configuration", sign_in.described)
    app.router.add_get("/openid/connect/keys", sign_in.keys)
    app.router.add_get("/openid/connect/authorize", sign_in.ask)
    app.router.add_post("/openid/connect/authorize", sign_in.answer)
    app.router.add_get("/link/", town.common.courier.sockets.accept)
    app.router.add_post("/upload/{file}", transfers.upload)
    app.router.add_get("/files/{file}/{name}", transfers.download)
    app.router.add_get("/files-pri/{file}/{name}", transfers.download_private)
    app.router.add_post("/response/{key}", transfers.respond)
    app.router.add_get("/__box/stream", _stream(town))
    app.router.add_get("/__box/{name}", control.read)
    app.router.add_post("/__box/{name}", control.act)
    app.router.add_get("/lab", lab.read)
    app.router.add_post("/lab/{target}/{fault}", lab.switch)
    for address in ("/", "/archives/{channel}", "/archives/{channel}/{message}"):
        app.router.add_get(address, assets.index)
    app.router.add_get("/page/{name}", assets.asset)
    app.on_response_prepare.append(_headers)
    app.on_shutdown.append(lambda _: town.close())
    return app


def _stream(town: Town) -> Handler:
    async def stream(request: web.Request) -> web.StreamResponse:
        box = town.visited(request)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        async for chunk in box.live.stream():
            try:
                await response.write(chunk)
            except ConnectionError:
                break
        return response

    return stream


async def _headers(_request: web.Request, response: web.StreamResponse) -> None:
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)


@web.middleware
async def _only_from_here(request: web.Request, handler: Handler) -> web.StreamResponse:
    # A web site the developer visits must not reach this Slack: neither by a name that resolves to loopback nor by
    # a request from its own page.
    if urlsplit(f"//{request.host}").hostname not in _LOOPBACK:
        raise web.HTTPForbidden(text="This Slack answers on loopback only.")
    origin = request.headers.get("Origin")
    if origin and urlsplit(origin).netloc != request.host:
        raise web.HTTPForbidden(text="This Slack does not answer other sites.")
    return await handler(request)

"""api.*, auth.*, apps.*, team.*, bots.* and blocks.*: about the app itself."""

from bot.emulator.arguments import Arguments
from bot.emulator.block_kit.blocks import blocks_problems, view_problems
from bot.emulator.box import Box
from bot.emulator.errors import SlackError
from bot.emulator.messages import Json
from bot.emulator.methods import Method
from bot.emulator.methods.needs import needs
from bot.emulator.scopes import APP_SCOPE


def api_test(_box: Box, args: Arguments) -> Json:
    """Echo the arguments."""
    if error := args.text("error"):
        raise SlackError(error)
    return {"args": args.values}


def auth_test(box: Box, _args: Arguments) -> Json:
    """Say whose token this is."""
    return {
        "url": f"{box.settings.base_url}/",
        "team": box.settings.team_domain,
        "user": box.workspace.bot.name,
        "team_id": box.settings.team_id,
        "user_id": box.workspace.bot.id,
        "bot_id": box.workspace.bot.bot_id,
        "is_enterprise_install": False,
    }


def connections_open(box: Box, _args: Arguments) -> Json:
    """Give out a WebSocket URL for Socket Mode."""
    return {"url": box.courier.sockets.ticket()}


def team_info(box: Box, _args: Arguments) -> Json:
    """Describe the workspace."""
    team = {"id": box.settings.team_id, "name": box.settings.team_domain, "domain": box.settings.team_domain}
    return {"team": {**team, "email_domain": "example.com", "icon": {}}}


def bots_info(box: Box, args: Arguments) -> Json:
    """Describe the app's bot."""
    bot = box.workspace.bot
    if args.text("bot", bot.bot_id) != bot.bot_id:
        raise SlackError("bot_not_found")
    about = {"id": bot.bot_id, "deleted": False, "name": bot.real_name, "updated": 0}
    return {"bot": {**about, "app_id": box.settings.app_id, "user_id": bot.id, "icons": {}}}


def validate(_box: Box, args: Arguments) -> Json:
    """Check blocks, a message or a view without sending it."""
    given = [name for name in ("blocks", "message", "view") if args.given(name)]
    if len(given) != 1:
        raise SlackError("invalid_arguments", ["exactly one of blocks, message and view is required"])
    value = args.structure(given[0])
    if given[0] == "message":
        value = value.get("blocks", []) if isinstance(value, dict) else value
    problems = view_problems(value) if given[0] == "view" else blocks_problems(value)
    if problems:
        word = "invalid_view" if given[0] == "view" else "invalid_blocks"
        raise SlackError(word, errors=[problem.entry() for problem in problems])
    return {}


def manifest_export(box: Box, args: Arguments) -> Json:
    """Return what the app was set up as."""
    settings = box.settings
    if args.text("app_id") != settings.app_id:
        raise SlackError("invalid_app_id")
    commands = [{"command": one.name, "usage_hint": one.hint} for one in settings.commands]
    shortcuts = [{"type": "message", "callback_id": one.callback_id, "name": one.title} for one in settings.shortcuts]
    url = {"request_url": settings.app_url}
    return {
        "manifest": {
            "display_information": {"name": settings.app_name},
            "features": {"slash_commands": commands, "shortcuts": shortcuts},
            "oauth_config": {"redirect_urls": list(settings.redirect_urls), "scopes": {"bot": list(settings.scopes)}},
            "settings": {
                "event_subscriptions": {**url, "bot_events": list(settings.events)},
                "interactivity": {"is_enabled": True, **url},
                "socket_mode_enabled": settings.socket_mode,
            },
        }
    }


METHODS = {
    "api.test": Method(api_test, token="none"),  # noqa: S106 - a kind of token
    "auth.test": Method(auth_test),
    "apps.connections.open": Method(connections_open, needs(APP_SCOPE), token="app"),  # noqa: S106 - as above
    "apps.manifest.export": Method(manifest_export, token="config"),  # noqa: S106 - as above
    "team.info": Method(team_info, needs("team:read"), takes_json=False),
    "bots.info": Method(bots_info, needs("users:read"), takes_json=False),
    "blocks.validate": Method(validate),
}

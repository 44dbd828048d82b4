"""api.*, auth.*, apps.*, team.*, bots.* and blocks.*: about the app itself."""

from bot.emulator.arguments import Arguments
from bot.emulator.block_kit.blocks import blocks_problems, view_problems
from bot.emulator.box import Box
from bot.emulator.errors import SlackError
from bot.emulator.messages import Json


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
    return {"url": box.sockets.ticket()}


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


METHODS = {
    "api.test": api_test,
    "auth.test": auth_test,
    "apps.connections.open": connections_open,
    "team.info": team_info,
    "bots.info": bots_info,
    "blocks.validate": validate,
}

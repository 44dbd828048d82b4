"""The parts every payload of a person's doing has in common."""

from bot.emulator.box import Box
from bot.emulator.channels import Channel
from bot.emulator.messages import Json
from bot.emulator.people import User

NO_TOKEN = ""


def person(box: Box, user: User) -> Json:
    """Render who did it."""
    return {"id": user.id, "username": user.name, "name": user.name, "team_id": box.settings.team_id}


def interaction(box: Box, kind: str, user: User) -> Json:
    """Render the head of an interaction payload."""
    return {
        "type": kind,
        "token": NO_TOKEN,
        "api_app_id": box.settings.app_id,
        "team": {"id": box.settings.team_id, "domain": box.settings.team_domain},
        "enterprise": None,
        "is_enterprise_install": False,
        "user": person(box, user),
    }


def place(channel: Channel) -> Json:
    """Render where it was done; direct messages have a fixed name."""
    return {"id": channel.id, "name": "directmessage" if channel.is_direct else channel.name}

"""The app comes and goes: installed with a person's consent, its token revoked, removed."""

from bot.emulator.box import Box


def revoke(box: Box) -> None:
    """Take the bot's token away; the app stays installed and hears of it."""
    box.common.grants.lose(box.settings.team_id, "token_revoked")
    box.events.send_last({"type": "tokens_revoked", "tokens": {"oauth": [], "bot": [box.workspace.bot.id]}})


def remove(box: Box) -> None:
    """Remove the app from the workspace; it hears of its token's end and of its own."""
    revoke(box)
    box.common.grants.lose(box.settings.team_id, "account_inactive")
    box.events.send_last({"type": "app_uninstalled"})

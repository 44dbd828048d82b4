"""oauth.v2.access, auth.revoke, apps.uninstall: how an app comes by a workspace's token, and how it is lost."""

from bot.emulator.acts import installations
from bot.emulator.arguments import Arguments
from bot.emulator.box import Box
from bot.emulator.messages import Json
from bot.emulator.methods import Method


def access(box: Box, args: Arguments) -> Json:
    """Turn the code of a person's consent into the token of that person's workspace."""
    grant, user = box.common.grants.exchange(_client(args), args.required("code"), args.text("redirect_uri"))
    installed = box.common.boxes[grant.team]
    return {
        "app_id": box.settings.app_id,
        "authed_user": {"id": user},
        "scope": ",".join(sorted(grant.scopes)),
        "token_type": "bot",
        "access_token": grant.token,
        "bot_user_id": installed.workspace.bot.id,
        "team": {"id": grant.team, "name": installed.settings.team_domain},
        "enterprise": None,
        "is_enterprise_install": False,
    }


def revoke(box: Box, args: Arguments) -> Json:
    """Give the token back."""
    if args.flag("test"):
        return {"revoked": False}
    installations.revoke(box)
    return {"revoked": True}


def uninstall(box: Box, args: Arguments) -> Json:
    """Remove the app from the token's workspace."""
    box.common.grants.check_client(_client(args))
    installations.remove(box)
    return {}


def _client(args: Arguments) -> tuple[str, str]:
    return args.text("client_id"), args.text("client_secret")


METHODS = {
    "oauth.v2.access": Method(access, token="none", takes_json=False),  # noqa: S106 - a kind of token
    "auth.revoke": Method(revoke, takes_json=False),
    "apps.uninstall": Method(uninstall, takes_json=False),
}

"""openid.connect.token, openid.connect.userInfo: who signed in with Slack."""

from bot.emulator.arguments import Arguments
from bot.emulator.box import Box
from bot.emulator.errors import SlackError
from bot.emulator.grants import Grant
from bot.emulator.messages import Json
from bot.emulator.methods import Method, Needs


def token(box: Box, args: Arguments) -> Json:
    """Turn the code of a person's consent into a signed statement of who that is."""
    common = box.common
    common.grants.check_client((args.text("client_id"), args.text("client_secret")))
    if args.text("grant_type", "authorization_code") != "authorization_code":
        raise SlackError("invalid_grant_type")
    grant, nonce = common.openid.exchange(args.text("code"), args.text("redirect_uri"), args.text("code_verifier"))
    id_token = common.openid.id_token(grant.token, nonce, _claims(common.boxes[grant.team], grant))
    return {"access_token": grant.token, "token_type": "Bearer", "id_token": id_token}


def user_info(box: Box, args: Arguments) -> Json:
    """Say who the token's person is."""
    return _claims(box, box.common.grants.holder(args.token))


def _claims(box: Box, grant: Grant) -> Json:
    user, settings = box.workspace.user(grant.user), box.settings
    claims: Json = {
        "sub": user.id,
        "https://slack.com/user_id": user.id,
        "https://slack.com/team_id": settings.team_id,
    }
    if "email" in grant.scopes:
        claims |= {"email": user.email, "email_verified": True, "date_email_verified": 0}
    if "profile" in grant.scopes:
        given, _, family = user.real_name.partition(" ")
        claims |= {
            "name": user.real_name,
            "given_name": given,
            "family_name": family,
            "locale": "en-US",
            "picture": f"{settings.base_url}/page/icon.svg",
            "https://slack.com/team_name": settings.team_domain,
            "https://slack.com/team_domain": settings.team_domain,
        }
    return claims


METHODS = {
    "openid.connect.token": Method(token, token="none"),  # noqa: S106 - a kind of token
    "openid.connect.userInfo": Method(user_info, Needs(("openid",)), token="user"),  # noqa: S106 - a kind of token
}

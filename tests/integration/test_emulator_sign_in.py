"""Sign in with Slack, by Slack's own SDK: what the page asks, what a code is worth, who is vouched for and how."""

import base64
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from slack_sdk.errors import SlackApiError
from slack_sdk.oauth.authorize_url_generator import OpenIDConnectAuthorizeUrlGenerator
from slack_sdk.web.async_client import AsyncWebClient

from tests.integration.emulator_process import ADA, BOT_TOKEN, Emulator, running_emulator
from tests.samples import SLACK

# The SDK proves the app's identity in a way that the newest aiohttp warns of.
pytestmark = [SLACK, pytest.mark.filterwarnings("ignore:BasicAuth is deprecated")]

BACK = "http://127.0.0.1:9/back?from=slack"
CLIENT = {"client_id": "1.2", "client_secret": "emulator-secret"}
ASKED = {
    "response_type": "code",
    "client_id": "1.2",
    "scope": "openid profile email",
    "redirect_uri": BACK,
    "state": "s&1",
    "nonce": "n-1",
}
VERIFIER = "v" * 43
CHALLENGED = {
    "code_challenge": base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode(),
    "code_challenge_method": "S256",
}


@asynccontextmanager
async def local_slack() -> AsyncIterator[tuple[Emulator, AsyncWebClient]]:
    options = ("--second-team", "--redirect-url", BACK)
    async with running_emulator("http://127.0.0.1:9/", *options) as emulator:
        yield emulator, AsyncWebClient(base_url=emulator.api_url)


async def answered(emulator: Emulator, person: str = ADA, **more: str) -> dict[str, str]:
    """Press a button of the page; give what it leads back to the app with."""
    form = {**ASKED, **more, "person": person}
    url = f"{emulator.url}openid/connect/authorize"
    async with emulator.session.post(url, data=form, allow_redirects=False) as response:
        assert response.status == 302, await response.text()
        back = urlsplit(response.headers["Location"])
    values = {name: values[0] for name, values in parse_qs(back.query).items()}
    assert values.pop("from") == "slack"
    return values


async def error_of(call: Any) -> str:
    with pytest.raises(SlackApiError) as refused:
        await call
    return str(refused.value.response["error"])


def part(token: str, number: int) -> Any:
    return json.loads(unencoded(token.split(".")[number]))


def unencoded(value: str) -> bytes:
    return base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))


def check(token: str, key: dict[str, str]) -> None:
    """Verify a signature.

    :raises InvalidSignature: it is not the key's.
    """
    said, _, signature = token.rpartition(".")
    n, e = (int.from_bytes(unencoded(key[name])) for name in ("n", "e"))
    RSAPublicNumbers(e, n).public_key().verify(unencoded(signature), said.encode(), PKCS1v15(), hashes.SHA256())


async def test_who_signs_in_is_vouched_for() -> None:
    async with local_slack() as (emulator, slack):
        async with emulator.session.get(f"{emulator.url}.well-known/openid-configuration") as response:
            described = await response.json()
        assert (await answered(emulator))["state"] == "s&1"
        code = (await answered(emulator))["code"]
        told = await slack.openid_connect_token(**CLIENT, code=code, redirect_uri=BACK)
        async with emulator.session.get(described["jwks_uri"]) as response:
            (key,) = (await response.json())["keys"]
        who = {"https://slack.com/user_id": ADA, "https://slack.com/team_id": "T0BOX0001", "sub": ADA}
        token = told["id_token"]
        assert part(token, 0) == {"alg": "RS256", "typ": "JWT", "kid": key["kid"]}
        claims = part(token, 1)
        fixed = {"iss": described["issuer"], "aud": "1.2", "nonce": "n-1", "email": "ada@example.com", **who}
        assert claims | fixed == claims
        assert f"{described['issuer']}/" == emulator.url
        assert claims["exp"] - claims["iat"] == 300
        check(token, key)
        with pytest.raises(InvalidSignature):
            check(token.replace(".", ".a", 1), key)
        info = AsyncWebClient(told["access_token"], base_url=emulator.api_url)
        answer = await info.openid_connect_userInfo()
        assert {**who, "name": "Ada Okafor", "ok": True}.items() <= dict(answer.data).items()  # type: ignore[arg-type]
        assert await error_of(info.auth_test()) == "not_allowed_token_type"
        assert await error_of(AsyncWebClient(BOT_TOKEN, base_url=emulator.api_url).openid_connect_userInfo()) == (
            "not_allowed_token_type"
        )


async def test_a_code_is_worth_one_identity_to_who_asked_for_it() -> None:
    async with local_slack() as (emulator, slack):
        assert await answered(emulator, person="") == {"error": "access_denied", "state": "s&1"}
        code, late = (await answered(emulator))["code"], (await answered(emulator))["code"]
        proven = (await answered(emulator, **CHALLENGED))["code"]
        told, wrong = slack.openid_connect_token, {**CLIENT, "client_secret": "emulator-other"}
        assert await error_of(told(**wrong, code=code, redirect_uri=BACK)) == "bad_client_secret"
        assert await error_of(told(**CLIENT, code=code, redirect_uri=f"{BACK}/")) == "bad_redirect_uri"
        assert await error_of(told(**CLIENT, code=code, grant_type="password")) == "invalid_grant_type"
        assert (await told(**CLIENT, code=code, redirect_uri=BACK))["ok"]
        assert await error_of(told(**CLIENT, code=code, redirect_uri=BACK)) == "invalid_code"
        assert await error_of(told(**CLIENT, code=proven, redirect_uri=BACK)) == "invalid_grant"
        assert (await told(**CLIENT, code=proven, redirect_uri=BACK, code_verifier=VERIFIER))["ok"]
        await emulator.act("clock", advance_s=601)
        assert await error_of(told(**CLIENT, code=late, redirect_uri=BACK)) == "invalid_code"


async def test_no_more_is_told_than_was_asked_and_a_workspace_may_be_named() -> None:
    async with local_slack() as (emulator, slack):
        code = (await answered(emulator, person="U0EVE0005", scope="openid"))["code"]
        told = await slack.openid_connect_token(**CLIENT, code=code, redirect_uri=BACK)
        claims = part(told["id_token"], 1)
        assert claims["https://slack.com/team_id"] == "T0BOX0002"
        assert not {"email", "name"} & set(claims)
        pages = []
        for team in ("", "&team=T0BOX0002"):
            url = OpenIDConnectAuthorizeUrlGenerator(
                client_id="1.2",
                redirect_uri=BACK.partition("?")[0] + "%3Ffrom%3Dslack",
                scopes=["openid", "email"],
                authorization_url=f"{emulator.url}openid/connect/authorize",
            ).generate("s")
            async with emulator.session.get(url + team) as response:
                assert response.status == 200
                pages.append(await response.text())
        assert [("Ada Okafor" in page, "Eve Moreau" in page) for page in pages] == [(True, True), (False, True)]


WRONG: list[tuple[dict[str, str], str]] = [
    ({"client_id": "3.4"}, "invalid_client_id"),
    ({"scope": "profile"}, "invalid_scope"),
    ({"scope": "openid chat:write"}, "invalid_scope"),
    ({"redirect_uri": "http://127.0.0.1:10/"}, "bad_redirect_uri"),
    ({"response_type": "token"}, "invalid_response_type"),
    ({"code_challenge": "x", "code_challenge_method": "plain"}, "invalid_code_challenge_method"),
]


async def test_a_wrong_link_says_what_is_wrong() -> None:
    async with local_slack() as (emulator, _):
        url = f"{emulator.url}openid/connect/authorize"
        for wrong, word in WRONG:
            for asked in (
                emulator.session.get(url, params={**ASKED, **wrong}),
                emulator.session.post(url, data={**ASKED, **wrong, "person": ADA}, allow_redirects=False),
            ):
                async with asked as response:
                    assert (response.status, word in await response.text()) == (400, True)

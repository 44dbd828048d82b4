"""Signs people in by OpenID Connect: sends them to the provider, and verifies what it says of them when they are back.

Source: OpenID Connect Core 1.0 (3.1), Discovery 1.0, RFC 7636 (PKCE). authlib writes requests and checks claims.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import ExpiredTokenError, InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from bot.domain.addresses import is_loopback
from bot.domain.errors import GrantVoid, SignInFailed
from bot.domain.sign_in import Vouched
from bot.ports import Clock

_SCOPE, _LASTING = "openid email profile", "offline_access"
# Signatures by a private key of the provider's: never none, and never a secret that we hold too.
_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
_SKEW_S = 120
_WAITS_S = 10.0
_LONGEST = 500_000
_GRANT_MAX = 20_000
_FRESH = timedelta(hours=1)
_REST = timedelta(minutes=1)
_NEEDED = ("authorization_endpoint", "token_endpoint", "jwks_uri")


@dataclass(frozen=True)
class Client:
    """Who we are to a provider; `back`: the address to which it sends people back."""

    id: str
    secret: str = field(repr=False)
    back: str


class Provider:
    """A provider of identities, by its issuer. What it says of itself is asked for at first use, and once an hour."""

    def __init__(
        self, issuer: str, client: Client, clock: Clock, scope: str = _SCOPE, *, asks_again: bool = False
    ) -> None:
        """`asks_again`: whether a grant is asked for that outlasts a session, where the provider has such."""
        self.issuer = issuer
        self._scope = scope
        self._asks_again = asks_again
        self._client = client
        self._clock = clock
        self._described: Mapping[str, Any] = {}
        self._described_at: datetime | None = None
        self._keys: KeySet | None = None
        self._keys_at: datetime | None = None
        self._turn = asyncio.Lock()

    async def address(self, state: str, nonce: str, verifier: str) -> str:
        """Give the address of the page on which a person signs in.

        :raises SignInFailed: the provider does not say where that is.
        """
        address: str = prepare_grant_uri(
            str((await self.description())["authorization_endpoint"]),
            client_id=self._client.id,
            response_type="code",
            redirect_uri=self._client.back,
            scope=f"{self._scope} {_LASTING}" if await self._gives_lasting() else self._scope,
            state=state,
            nonce=nonce,
            code_challenge=create_s256_code_challenge(verifier),
            code_challenge_method="S256",
        )
        return address

    async def vouch(self, code: str, nonce: str, verifier: str) -> Vouched:
        """Turn a code into what the provider says of somebody, verified: who says so, to whom, when, and asked by whom.

        :raises SignInFailed: the provider refused the code, was not reached, or what it said is not to be believed.
        """
        asked = {"redirect_uri": self._client.back, "code": code, "code_verifier": verifier}
        given = await self._exchange("authorization_code", **asked)
        if given.get("error") or not given.get("id_token"):
            raise SignInFailed(str(given.get("error") or "no_id_token"))
        said = given.get("id_token")
        if not isinstance(said, str) or len(said) > _LONGEST:
            raise SignInFailed("no_id_token")
        try:
            token = await self._verified(said)
            checked = CodeIDToken(
                token.claims,
                token.header,
                {
                    "iss": {"essential": True, "value": await self.called()},
                    "aud": {"essential": True, "value": self._client.id},
                    "nonce": {"essential": True, "value": nonce},
                },
                {"nonce": nonce, "client_id": self._client.id, "access_token": given.get("access_token")},
            )
            checked.validate(now=int(self._clock.now().timestamp()), leeway=_SKEW_S)
        except ExpiredTokenError:
            raise SignInFailed("expired") from None
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise SignInFailed("not_believed", f"{type(error).__name__}: {error}") from None
        # Any other grant ends with their session at the provider, which says nothing of whether they have left.
        claims = await self._completed(dict(checked), given.get("access_token"))
        return Vouched(claims, _grant(given) if await self._gives_lasting() else "")

    async def _completed(self, claims: dict[str, Any], access: Any) -> dict[str, Any]:
        """Ask for an e-mail address where it is asked for and the token has none: many tell it at UserInfo alone.

        :raises SignInFailed: what answers there is not to be believed.
        """
        url = str((await self.description()).get("userinfo_endpoint") or "")
        if "email" in claims or "email" not in self._scope.split() or not url or not isinstance(access, str):
            return claims
        _check_safe("userinfo_endpoint", url)
        told = await self._ask("GET", url, headers={"Authorization": f"Bearer {access}", "Accept": "application/json"})
        if told.get("sub") != claims.get("sub"):  # OpenID Connect Core 1.0, 5.3.2
            raise SignInFailed("not_believed", "its UserInfo is of somebody else")
        return {**told, **claims}

    async def renew(self, grant: str) -> str:
        """Use a grant; give the one to use the next time (RFC 6749, 6).

        :raises GrantVoid: the provider says that it is worth nothing any more.
        :raises SignInFailed: it was not reached, or answers something else.
        """
        given = await self._exchange("refresh_token", refresh_token=grant)
        if given.get("error") == "invalid_grant":
            raise GrantVoid("invalid_grant")
        if given.get("error") or not given.get("access_token"):
            raise SignInFailed(str(given.get("error") or "no_access_token"))
        return _grant(given) or grant

    async def description(self) -> Mapping[str, Any]:
        """Give what the provider says of itself.

        :raises SignInFailed: it was not reached, or is not who it should be.
        """
        async with self._turn:
            now = self._clock.now()
            if self._described_at is None or now >= self._described_at + _FRESH:
                described = await self._ask("GET", f"{self.issuer}/.well-known/openid-configuration")
                self._described, self._described_at = _usable(described, self.issuer), now
            return self._described

    async def called(self) -> str:
        """Give the issuer as it writes itself: with a slash at its end or without, which its tokens must match.

        :raises SignInFailed: it was not reached, or is not who it should be.
        """
        return str((await self.description())["issuer"])

    async def _gives_lasting(self) -> bool:
        """Tell whether a grant is asked for that outlasts what people do with the provider."""
        return self._asks_again and _LASTING in ((await self.description()).get("scopes_supported") or ())

    async def _exchange(self, grant_type: str, **more: str) -> Mapping[str, Any]:
        described = await self.description()
        methods = described.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        how = "client_secret_basic" if "client_secret_basic" in methods else "client_secret_post"
        url = str(described["token_endpoint"])
        asked = prepare_token_request(grant_type, **more)
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        auth = ClientAuth(self._client.id, self._client.secret, how)
        url, headers, body = auth.prepare("POST", url, headers, asked)
        return await self._ask("POST", url, headers=headers, content=body)

    async def _verified(self, said: str) -> jwt.Token:
        """Check a signature by the provider's keys; by those that it has now, if it names one that is not known."""
        registry = JWSRegistry(algorithms=list(_ALGORITHMS), strict_check_header=False)
        try:
            return jwt.decode(said, await self._key_set(_FRESH), registry=registry)
        except InvalidKeyIdError:
            return jwt.decode(said, await self._key_set(_REST), registry=registry)

    async def _key_set(self, not_older: timedelta) -> KeySet:
        url = str((await self.description())["jwks_uri"])
        async with self._turn:
            now = self._clock.now()
            if self._keys is None or self._keys_at is None or now >= self._keys_at + not_older:
                found: Any = await self._ask("GET", url)
                self._keys, self._keys_at = KeySet.import_key_set(found), now
            return self._keys

    async def _ask(self, method: str, url: str, **more: Any) -> Mapping[str, Any]:
        """Ask the provider for a JSON object, within bounds; errors of OAuth are answers too."""
        trusts = urlsplit(url).scheme == "https"  # proxies and authorities of the environment; nothing local goes there
        try:
            async with (
                asyncio.timeout(_WAITS_S),
                httpx.AsyncClient(trust_env=trusts, timeout=_WAITS_S) as client,
                client.stream(method, url, **more) as answer,
            ):
                content = bytearray()
                async for chunk in answer.aiter_bytes():
                    content += chunk
                    if len(content) > _LONGEST:
                        raise SignInFailed("too_long")
                found = json.loads(content)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            raise SignInFailed("unreachable", type(error).__name__) from None
        except (ValueError, RecursionError):
            raise SignInFailed("unreachable", f"it answers {answer.status_code} with what is no JSON") from None
        if not isinstance(found, dict) or (answer.is_error and not found.get("error")):
            raise SignInFailed("unreachable", f"it answers {answer.status_code}")
        return found


def _grant(given: Mapping[str, Any]) -> str:
    grant = given.get("refresh_token")
    return grant if isinstance(grant, str) and len(grant) <= _GRANT_MAX else ""


def _usable(described: Mapping[str, Any], issuer: str) -> Mapping[str, Any]:
    if str(described.get("issuer", "")).rstrip("/") != issuer:
        raise SignInFailed("other_issuer", f"it calls itself {str(described.get('issuer'))[:100]!r}")
    for name in _NEEDED:
        _check_safe(name, str(described.get(name) or ""))
    return described


def _check_safe(name: str, url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
        raise SignInFailed("not_safe", f"its {name} is no https address")

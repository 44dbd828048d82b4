"""A small provider of OpenID Connect with keys of its own, which can be told to lie."""

import base64
import hashlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from secrets import token_urlsafe
from typing import Any
from urllib.parse import parse_qs, urlsplit

from aiohttp import web
from aiohttp.test_utils import TestServer
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

CLIENT_ID, CLIENT_SECRET = "firstfive-client", "what only the two of us know, PLANTED-SECRET"
KEY = RSAKey.generate_key(2048, {"kid": "one"})
OTHER_KEY = RSAKey.generate_key(2048, {"kid": "one"})
ADA = {"sub": "ada-1", "email": "ada@example.com", "email_verified": True, "name": "Ada Lovelace"}


@dataclass
class Identities:
    """Who signs in, and how it lies: `claims` go over its own, `sign` over its signature, `broken` answers instead
    (made anew each time: an answer is sent once).

    `told` is its UserInfo.
    """

    issuer: str = ""
    now: Callable[[], int] = lambda: 0
    claims: dict[str, Any] = field(default_factory=lambda: dict(ADA))
    key: RSAKey = field(default_factory=lambda: KEY)
    published: RSAKey = field(default_factory=lambda: KEY)
    alg: str = "RS256"
    broken: Callable[[], web.Response] | None = None
    described: dict[str, Any] = field(default_factory=dict)
    told: dict[str, Any] = field(default_factory=dict)
    asked: dict[str, dict[str, str]] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    looks_at_keys: int = 0
    grants: set[str] = field(default_factory=set)
    renewals: int = 0

    def reset(self) -> None:
        """Tell the truth again."""
        self.claims, self.key, self.published, self.alg = dict(ADA), KEY, KEY, "RS256"
        self.broken, self.described, self.told = None, {}, {}

    def consent(self, address: str) -> dict[str, str]:
        """Be the person who agrees on the provider's page; give what their browser comes back with."""
        parts = urlsplit(address)
        assert f"{parts.scheme}://{parts.netloc}{parts.path}" == f"{self.issuer}/authorize"
        wanted = {name: values[0] for name, values in parse_qs(parts.query).items()}
        assert (wanted["response_type"], wanted["client_id"]) == ("code", CLIENT_ID)
        assert wanted["code_challenge_method"] == "S256"
        code = f"code-{len(self.asked)}"
        self.asked[code] = wanted
        return {"code": code, "state": wanted["state"]}

    async def describe(self, _: web.Request) -> web.Response:
        own = {"issuer": self.issuer, "authorization_endpoint": f"{self.issuer}/authorize"}
        own |= {"token_endpoint": f"{self.issuer}/token", "jwks_uri": f"{self.issuer}/keys"}
        return self.broken() if self.broken else web.json_response(own | self.described)

    async def userinfo(self, request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "Bearer at"
        return web.json_response(self.told)

    async def keys(self, _: web.Request) -> web.Response:
        self.looks_at_keys += 1
        return web.json_response({"keys": [self.published.as_dict(private=False)]})

    async def token(self, request: web.Request) -> web.Response:
        given = await request.post()
        client = base64.b64decode(request.headers["Authorization"].removeprefix("Basic ")).decode()
        if client != f"{CLIENT_ID}:{CLIENT_SECRET}":
            return web.json_response({"error": "invalid_client"}, status=401)
        if given["grant_type"] == "refresh_token":
            return self.broken() if self.broken else self._renewed(str(given["refresh_token"]))
        code = str(given["code"])
        wanted = self.asked.get(code)
        verifier = hashlib.sha256(str(given["code_verifier"]).encode()).digest()
        is_same = wanted and wanted["code_challenge"] == base64.urlsafe_b64encode(verifier).rstrip(b"=").decode()
        if code in self.used or not wanted or not is_same or wanted["redirect_uri"] != given["redirect_uri"]:
            return web.json_response({"error": "invalid_grant"}, status=400)
        self.used.add(code)
        now = self.now()
        own = {"iss": self.issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 300, "nonce": wanted["nonce"]}
        said = {name: value for name, value in (own | self.claims).items() if value is not None}
        tokens = {"access_token": "at", "token_type": "Bearer", "id_token": self._signed(said)}
        grant = {"refresh_token": self._grant()} if "offline_access" in wanted["scope"].split() else {}
        return web.json_response(tokens | grant)

    def _grant(self) -> str:
        """Give what it can be asked again with: once."""
        self.renewals += 1
        grant = f"grant-{self.renewals}-{token_urlsafe(12)}"
        self.grants.add(grant)
        return grant

    def _renewed(self, grant: str) -> web.Response:
        if grant not in self.grants:
            return web.json_response({"error": "invalid_grant"}, status=400)
        self.grants.discard(grant)
        return web.json_response({"access_token": "at", "token_type": "Bearer", "refresh_token": self._grant()})

    def _signed(self, said: dict[str, Any]) -> str:
        header = {"alg": self.alg, "kid": self.key.kid}
        if self.alg == "none":
            parts = [_encoded(json.dumps(part).encode()) for part in ({"alg": "none"}, said)]
            return ".".join([*parts, ""])
        key = OctKey.import_key(CLIENT_SECRET) if self.alg == "HS256" else self.key
        return jwt.encode(header, said, key, algorithms=[self.alg])


@asynccontextmanager
async def running_identities(now: Callable[[], int]) -> AsyncIterator[Identities]:
    """Give a provider on a free port; `now` is its clock."""
    identities = Identities(now=now)
    app = web.Application()
    app.router.add_get("/.well-known/openid-configuration", identities.describe)
    app.router.add_get("/userinfo", identities.userinfo)
    app.router.add_get("/keys", identities.keys)
    app.router.add_post("/token", identities.token)
    async with TestServer(app) as server:
        identities.issuer = str(server.make_url("/")).rstrip("/")
        yield identities


def _encoded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()

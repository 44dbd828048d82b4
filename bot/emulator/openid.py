"""Sign in with Slack: codes that are worth a person's identity, and the key with which Slack vouches for it.

Source: docs.slack.dev, Sign in with Slack, and OpenID Connect Core 1.0. The issuer is this Slack's own address.
"""

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from bot.emulator.clock import Clock
from bot.emulator.errors import SlackError
from bot.emulator.grants import CODE_LIFE_S, Grant, Grants, asked_scopes
from bot.emulator.identifiers import secret
from bot.emulator.messages import Json
from bot.emulator.scopes import SIGN_IN_SCOPES
from bot.emulator.settings import Settings

ID_TOKEN_LIFE_S = 300
_KEY_BITS = 2048


@dataclass(slots=True)
class _SignInCode:
    team: str
    user: str
    wanted: Mapping[str, str]
    issued_at: float
    used: bool = False


class OpenId:
    """Gives out codes and identities."""

    def __init__(self, settings: Settings, clock: Clock, grants: Grants) -> None:
        self._settings = settings
        self._clock = clock
        self._grants = grants
        self._codes: dict[str, _SignInCode] = {}
        self._key_id = secret()

    def described(self) -> Json:
        """Write the discovery document, as Slack's own."""
        url = self._settings.base_url
        return {
            "issuer": url,
            "authorization_endpoint": f"{url}/openid/connect/authorize",
            "token_endpoint": f"{url}/api/openid.connect.token",
            "userinfo_endpoint": f"{url}/api/openid.connect.userInfo",
            "jwks_uri": f"{url}/openid/connect/keys",
            "scopes_supported": list(SIGN_IN_SCOPES),
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "claims_supported": ["sub", "auth_time", "iss"],
            "claims_parameter_supported": False,
            "request_parameter_supported": False,
            "request_uri_parameter_supported": True,
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        }

    def keys(self) -> Json:
        """Give the public key, as a set of one."""
        numbers = self._key.public_key().public_numbers()
        key = {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": self._key_id}
        return {"keys": [{**key, "n": _encoded_number(numbers.n), "e": _encoded_number(numbers.e)}]}

    def refused_request(self, wanted: Mapping[str, Any]) -> str:
        """Say why nobody can be asked to sign in, or return an empty string."""
        if refused := self._grants.refused_request(wanted, SIGN_IN_SCOPES):
            return refused
        if wanted.get("response_type") != "code":
            return "invalid_response_type"
        if "openid" not in asked_scopes(str(wanted.get("scope"))):
            return "invalid_scope"
        if wanted.get("code_challenge") and wanted.get("code_challenge_method") != "S256":
            return "invalid_code_challenge_method"
        return ""

    def code(self, team: str, user: str, wanted: Mapping[str, str]) -> str:
        """Give out the code that a person's consent to a request is worth."""
        code = secret()
        self._codes[code] = _SignInCode(team, user, dict(wanted), self._clock.now())
        return code

    def exchange(self, code: str, redirect_uri: str, verifier: str) -> tuple[Grant, str]:
        """Turn a code into the person's token, once and within ten minutes; give also the nonce it was asked with."""
        found = self._codes.get(code)
        if found is None or found.used or self._clock.now() - found.issued_at > CODE_LIFE_S:
            raise SlackError("invalid_code")
        if redirect_uri != found.wanted["redirect_uri"]:
            raise SlackError("bad_redirect_uri")
        challenge = found.wanted.get("code_challenge", "")
        if challenge and not secrets.compare_digest(_encoded(hashlib.sha256(verifier.encode()).digest()), challenge):
            raise SlackError("invalid_grant")
        found.used = True
        grant = self._grants.sign_in(found.team, found.user, asked_scopes(found.wanted["scope"]))
        return grant, found.wanted.get("nonce", "")

    def id_token(self, access_token: str, nonce: str, claims: Json) -> str:
        """Sign who somebody is, for the app and for five minutes."""
        # The app checks it by its own clock, which nobody pushes forward.
        now = int(self._clock.real())
        payload = {
            "iss": self._settings.base_url,
            "aud": self._settings.client_id,
            "iat": now,
            "exp": now + ID_TOKEN_LIFE_S,
            "auth_time": now,
            **({"nonce": nonce} if nonce else {}),
            # OpenID Connect Core, 3.1.3.6: the left half of the digest.
            "at_hash": _encoded(hashlib.sha256(access_token.encode()).digest()[:16]),
            **claims,
        }
        header = {"alg": "RS256", "typ": "JWT", "kid": self._key_id}
        said = ".".join(_encoded(json.dumps(part).encode()) for part in (header, payload))
        return f"{said}.{_encoded(self._key.sign(said.encode(), padding.PKCS1v15(), hashes.SHA256()))}"

    @cached_property
    def _key(self) -> rsa.RSAPrivateKey:
        """Make the key when somebody first signs in: it takes a while."""
        return rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)


def _encoded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _encoded_number(value: int) -> str:
    return _encoded(value.to_bytes((value.bit_length() + 7) // 8, "big"))

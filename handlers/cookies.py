"""What our cookies hold: who has signed in with a browser, and where a sign-in has begun; nobody else can make them.

All keys come from the secret that we share with the provider (HKDF, SHA-256): with a new one everybody signs in anew.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from hmac import compare_digest, digest
from urllib.parse import urlsplit

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from starlette.responses import Response

BEGUN_S = 600
_PURPOSE = b"firstfive: sessions and sign-ins"
_SESSION, _BEGUN = "firstfive", "firstfive_sign_in"


@dataclass(frozen=True)
class Begun:
    """A sign-in that this browser has begun: what must come back with it, and where it leads."""

    state: str
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    onward: str


class Cookies:
    """Writes and reads them. Behind https they are the host's alone (`__Host-`), and never go over http."""

    def __init__(self, url: str, secret: str) -> None:
        """`url` is where browsers reach us."""
        self._is_secure = urlsplit(url).scheme == "https"
        derived = HKDF(SHA256(), 64, salt=None, info=_PURPOSE).derive(secret.encode())
        self._key = derived[:32]
        self._fernet = Fernet(base64.urlsafe_b64encode(derived[32:]))

    def secret(self, cookies: Mapping[str, str]) -> str:
        """Give the secret of the session that a browser shows; "" for what we have not made."""
        secret, _, mark = cookies.get(self._named(_SESSION), "").partition(".")
        return secret if secret and compare_digest(mark.encode(), self._mark("session", secret).encode()) else ""

    def seal(self, secret: str) -> str:
        """Give what the forms of a session carry."""
        return self._mark("seal", secret)

    def keep(self, answer: Response, secret: str, seconds: int) -> None:
        """Have a browser show a session from now on."""
        self._set(answer, _SESSION, f"{secret}.{self._mark('session', secret)}", seconds)

    def begin(self, answer: Response, begun: Begun, now_s: int) -> None:
        """Have a browser remember that it has begun to sign in."""
        sealed = self._fernet.encrypt_at_time(json.dumps(asdict(begun)).encode(), now_s).decode()
        self._set(answer, _BEGUN, sealed, BEGUN_S)

    def begun(self, cookies: Mapping[str, str], now_s: int) -> Begun | None:
        """Give the sign-in that a browser has begun; None when it has begun none, or too long ago."""
        try:
            text = self._fernet.decrypt_at_time(cookies.get(self._named(_BEGUN), "").encode(), BEGUN_S, now_s)
        except (InvalidToken, UnicodeEncodeError):
            return None
        return Begun(**json.loads(text))

    def forget(self, answer: Response) -> None:
        """Have a browser forget its session, and what it has begun."""
        for name in (_SESSION, _BEGUN):
            self._set(answer, name, "", 0)

    def over(self, answer: Response) -> None:
        """Have a browser forget what it has begun."""
        self._set(answer, _BEGUN, "", 0)

    def _mark(self, purpose: str, secret: str) -> str:
        made = digest(self._key, f"{purpose} {secret}".encode("utf-8", "surrogateescape"), "sha256")
        return base64.urlsafe_b64encode(made).rstrip(b"=").decode()

    def _named(self, name: str) -> str:
        return f"__Host-{name}" if self._is_secure else name

    def _set(self, answer: Response, name: str, value: str, seconds: int) -> None:
        answer.set_cookie(
            self._named(name),
            value,
            max_age=seconds,
            path="/",
            secure=self._is_secure,
            httponly=True,
            samesite="lax",
        )


def digest_of(secret: str) -> str:
    """Give the sha256 of a session's or a token's secret: what the database knows it by."""
    return sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()

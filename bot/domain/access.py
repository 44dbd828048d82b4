"""What a pprof address wants to see before it answers: headers and certificates, by where they are kept."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address

from bot.domain.errors import TargetUnreachable


class AccessMissing(TargetUnreachable):
    """What a pprof address wants to see is not there, or cannot be used; says what to set."""


@dataclass(frozen=True)
class Tls:
    """Files (PEM) of who signed for the address, and of our certificate and its key; the name it is asked for."""

    ca: str = ""
    cert: str = ""
    key: str = ""
    server_name: str = ""


@dataclass(frozen=True)
class Access:
    """How a pprof address is asked. `headers` are pairs: a name, and the variable of the environment with its value.

    `in_clear`: secrets may go to another machine over http. Of a target that is named its own address says so.
    """

    headers: tuple[tuple[str, str], ...] = ()
    tls: Tls | None = None
    in_clear: bool = True


def header_values(access: Access, environ: Mapping[str, str]) -> dict[str, str]:
    """Give the headers with their values.

    :raises AccessMissing: a variable is not set, or holds what no header can; never says what it holds.
    """
    values = {}
    for name, variable in access.headers:
        value = environ.get(variable, "").strip()
        if not value:
            raise AccessMissing(f"{variable} is not set in FirstFive's environment: the header {name} comes from it")
        if not all(" " <= sign <= "~" for sign in value):
            raise AccessMissing(f"{variable} holds what no header can: a line break, or a letter that is not ASCII")
        values[name] = value
    return values


def check_in_clear(access: Access, url: str, addresses: Iterable[str], what: str) -> None:
    """Check that whoever listens on the way may read `what` is shown; on this machine nobody does.

    :raises AccessMissing: nobody said so.
    """
    is_open = url.startswith("http:") and not all(ip_address(address).is_loopback for address in addresses)
    if is_open and not access.in_clear:
        raise AccessMissing(
            f"{url} was found and not named, and {what} would go there over http, for all on the way to read: have it "
            "served over https, or set `secrets_in_clear` of [services.discovery]"
        )


def unset(variables: Iterable[str], environ: Mapping[str, str]) -> tuple[str, ...]:
    """Give those variables that are not set, each once."""
    return tuple(dict.fromkeys(variable for variable in variables if not environ.get(variable, "").strip()))


_SHORTEST = 6
"""A shorter secret is no secret, and to take it out would leave nothing to read."""


def secrets_of(values: Iterable[str]) -> tuple[str, ...]:
    """Give what must never come back out: each value of a header, and each without the word before it (`Bearer`)."""
    both = (text for value in values for text in (value, value.rpartition(" ")[2]))
    return tuple(sorted({text for text in both if len(text) >= _SHORTEST}, key=len, reverse=True))


def mask(text: bytes, secrets: Iterable[str]) -> bytes:
    """Cover secrets; the text stays as long as it is."""
    for secret in secrets:
        text = text.replace(secret.encode(), b"*" * len(secret))
    return text


def failed_handshake(said: str) -> str:
    """Say what mends a failed TLS handshake, by what OpenSSL said of it."""
    lowered = said.lower()
    for words, mend in _HANDSHAKES:
        if any(word in lowered for word in words):
            return mend
    return said


_HANDSHAKES = (
    (("alert certificate required", "alert certificate_required"), "it wants a certificate: give `tls.cert`"),
    (("alert certificate expired",), "it says that our certificate has expired: renew `tls.cert`"),
    (("alert certificate revoked",), "it says that our certificate was revoked: renew `tls.cert`"),
    (
        ("alert unknown ca", "alert bad certificate", "alert certificate unknown", "alert access denied"),
        "it does not accept our certificate: `tls.cert` must be signed by whom it trusts, and not be expired",
    ),
    (("alert handshake failure",), "it refuses the handshake: does it want a certificate (`tls.cert`)?"),
    (("certificate has expired",), "its certificate has expired: renew it there"),
    (("certificate is not yet valid",), "its certificate is not valid yet: is the clock right, there and here?"),
    (
        ("self-signed certificate", "self signed certificate", "unable to get local issuer", "unable to get issuer"),
        "who signed its certificate is not known here: give `tls.ca`",
    ),
    (
        ("hostname mismatch", "ip address mismatch", "doesn't match"),
        "its certificate is for another name: give that as `tls.server_name`",
    ),
    (("wrong version number", "record layer failure", "http request"), "it does not speak TLS: is it http://?"),
)

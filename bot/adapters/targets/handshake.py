"""Shakes hands with every address behind a target's name, as its users do, and says what each of them did."""

import _ssl
import asyncio
import json
import ssl
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID

from bot.adapters.targets.access import changed_ns, trust, unverified
from bot.adapters.targets.answers import one_line
from bot.adapters.targets.network import Resolver, locate, resolve_by_system
from bot.domain.access import AccessMissing, failed_handshake
from bot.domain.addresses import AddressRefused, Endpoint
from bot.domain.handshakes import H2, HTTP1, Handshake, Handshakes, Served
from bot.domain.service import Target
from bot.domain.snapshot import PART_TIMEOUT_S, Captured, Part, captured, missed

OFFERED = (H2, HTTP1)
MOST_ADDRESSES, MOST_CERTIFICATES, MOST_NAMES, LONGEST = 16, 10, 20, 300
RESOLVE_S, ADDRESS_S, SETTINGS_S = 1.0, PART_TIMEOUT_S - 1.0, 1.0
CLOSE_S = 0.2
_FRAME, _SETTINGS = 9, 4
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, _SETTINGS, 0, 0, 0, 0, 0))
"""How a client begins HTTP/2, with SETTINGS that set nothing (RFC 9113, 3.4)."""
_TOO_OLD = ("UNSUPPORTED_PROTOCOL", "PROTOCOL_VERSION")
_PARSING = (ValueError, TypeError, x509.InvalidVersion, x509.DuplicateExtension, x509.UnsupportedGeneralNameType)


class TlsHandshakes:
    """Looks at how targets shake hands. Addresses are resolved once and must lie in the allow-list."""

    def __init__(
        self,
        resolver: Resolver = resolve_by_system,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        address_s: float = ADDRESS_S,
    ) -> None:
        """`address_s` is the time that each address has."""
        self._resolver = resolver
        self._now = now
        self._address_s = address_s

    async def capture(self, target: Target, part: Part) -> Captured:
        """Capture the part; what an address did, and if it was nothing, is in it."""
        started = time.monotonic()
        try:
            found = await self.look(target)
        except (AddressRefused, AccessMissing) as refused:
            return missed(target.name, part, f"{target.name}: {refused}", time.monotonic() - started)
        if all(each.error for each in found.addresses):
            error = f"{target.name}: {target.secure_url}: {found.addresses[0].error}"
            return missed(target.name, part, error, time.monotonic() - started)
        return captured(target.name, part, json.dumps(asdict(found)).encode(), time.monotonic() - started)

    async def look(self, target: Target) -> Handshakes:
        """Shake hands with each address, at once.

        :raises AddressRefused: it serves nobody over TLS, or is not where it may be.
        :raises AccessMissing: its `ca` cannot be read.
        """
        url = target.secure_url
        if url is None:
            raise AddressRefused("it serves nobody over https://")
        at = await locate(url, target.allow, self._resolver, RESOLVE_S)
        strict = await asyncio.to_thread(_checked, target.ca, changed_ns("ca", target.ca))
        name = target.server_name or at.host
        each = (self._in_time(Endpoint(name, at.port, (one,)), strict) for one in at.addresses[:MOST_ADDRESSES])
        return Handshakes(name, OFFERED, tuple(await asyncio.gather(*each)), bool(target.ca), target.h2)

    async def _in_time(self, at: Endpoint, strict: ssl.SSLContext) -> Handshake:
        (address,) = at.addresses
        try:
            async with asyncio.timeout(self._address_s):
                return await self._meet(at, strict)
        except TimeoutError:
            return Handshake(address, error=f"no TLS handshake within {self._address_s:g} s")
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError; no name is sent that cannot be one
            return Handshake(address, error=f"no TLS handshake: {_why(error)}")

    async def _meet(self, at: Endpoint, strict: ssl.SSLContext) -> Handshake:
        """Shake hands; with whom it fails, once more without a check, to see the rest."""
        try:
            return replace(await self._shake(at, strict), code=0)
        except ssl.SSLCertVerificationError as refused:
            met = await self._shake(at, _unchecked())
            return replace(met, code=refused.verify_code, reason=one_line(refused.verify_message))
        except ssl.SSLError as error:
            if not any(word in str(error.reason) for word in _TOO_OLD):
                raise
            return await self._shake(at, _antique())

    async def _shake(self, at: Endpoint, context: ssl.SSLContext) -> Handshake:
        (address,) = at.addresses
        started = time.monotonic()
        reader, writer = await asyncio.open_connection(address, at.port, ssl=context, server_hostname=at.host)
        try:
            tls: ssl.SSLObject = writer.get_extra_info("ssl_object")
            met = Handshake(
                address,
                version=tls.version() or "",
                chain=self._chain(tls),
                alpn=tls.selected_alpn_protocol() or "",
                ms=round(1000 * (time.monotonic() - started), 3),
            )
            if met.alpn != H2:
                return met
            settings, instead = await _answer_to_preface(reader, writer)
            return replace(met, settings=settings, instead=instead)
        finally:
            writer.transport.abort()
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(CLOSE_S):
                    await writer.wait_closed()

    def _chain(self, tls: ssl.SSLObject) -> tuple[Served, ...]:
        now = self._now()
        return tuple(served(each, now) for each in _sent(tls)[:MOST_CERTIFICATES])


def served(der: bytes, now: datetime) -> Served:
    """Read a certificate; one that cannot be read has said so in place of its subject."""
    try:
        certificate = x509.load_der_x509_certificate(der)
        begins_at, ends_at = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        return Served(
            subject=one_line(certificate.subject.rfc4514_string(), LONGEST),
            issuer=one_line(certificate.issuer.rfc4514_string(), LONGEST),
            ends_at=ends_at.isoformat(),
            days_left=round((ends_at - now) / timedelta(days=1), 3),
            days_until=max(0.0, round((begins_at - now) / timedelta(days=1), 3)),
            **_extensions(certificate),
        )
    except _PARSING as error:
        unread = f"a certificate that cannot be read ({one_line(str(error), 80)})"
        return Served(unread, "", "", 0.0)


def _extensions(certificate: x509.Certificate) -> dict[str, Any]:
    found = {type(each.value): each.value for each in certificate.extensions}
    alternative, access = found.get(x509.SubjectAlternativeName), found.get(x509.AuthorityInformationAccess)
    names = [str(each.value) for each in alternative] if isinstance(alternative, x509.SubjectAlternativeName) else []
    of_issuer = AuthorityInformationAccessOID.CA_ISSUERS
    return {
        "names": tuple(one_line(each, LONGEST) for each in names[:MOST_NAMES]),
        "public": x509.PrecertificateSignedCertificateTimestamps in found,
        "traced": isinstance(access, x509.AuthorityInformationAccess)
        and any(each.access_method == of_issuer for each in access),
    }


def _sent(tls: ssl.SSLObject) -> list[bytes]:
    """Give the certificates (DER) as they were sent; before Python 3.13 only what is below the public API tells."""
    if sys.version_info >= (3, 13):
        return tls.get_unverified_chain()
    below: Any = tls._sslobj  # type: ignore[attr-defined]  # noqa: SLF001 - see above
    return [each.public_bytes(_ssl.ENCODING_DER) for each in below.get_unverified_chain() or ()]


@lru_cache(maxsize=64)
def _checked(ca: str, changed_ns: int) -> ssl.SSLContext:
    """Give a client that trusts a file as it was last changed; its own, as httpx changes what a context offers."""
    del changed_ns
    context = trust("ca", ca)
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # Python's own addition since 3.13: other clients have none
    return _offering(context)


@lru_cache(maxsize=1)
def _unchecked() -> ssl.SSLContext:
    """Give a client that goes on whoever signed."""
    return _offering(unverified())


@lru_cache(maxsize=1)
def _antique() -> ssl.SSLContext:
    """Give a client of long ago, to see what it is that no client of today would speak. It sends nothing."""
    context = unverified()
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("ALL:@SECLEVEL=0")
    return _offering(context)


def _offering(context: ssl.SSLContext) -> ssl.SSLContext:
    context.set_alpn_protocols(list(OFFERED))
    return context


async def _answer_to_preface(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[bool | None, str]:
    """Begin HTTP/2; tell whether the other side does, and what it said instead.

    Who closes has not said anything: it may want a certificate of ours, which TLS 1.3 tells only now, if at all.
    """
    writer.write(_PREFACE)
    try:
        async with asyncio.timeout(SETTINGS_S):
            frame = await reader.readexactly(_FRAME)
        if frame[3] == _SETTINGS:
            return True, ""
        async with asyncio.timeout(SETTINGS_S):
            frame += await reader.read(LONGEST)
    except TimeoutError:
        return False, ""
    except asyncio.IncompleteReadError as cut:
        frame = cut.partial
    except OSError:
        return None, ""
    return (False, one_line(frame.decode("latin-1"), 60)) if frame else (None, "")


def _why(error: OSError | ValueError) -> str:
    if isinstance(error, ssl.SSLError):
        said = str(error.reason or error).replace("_", " ").lower()
        mend = failed_handshake(said)
        return one_line(said if "`tls." in mend else mend, 100)  # those keys are for `pprof`
    return one_line(getattr(error, "strerror", None) or str(error), 100)

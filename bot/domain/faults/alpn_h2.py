"""Users who could speak HTTP/2 are not let, or are promised it and do not get it."""

from functools import partial

from bot.domain.facts import Facts
from bot.domain.faults.finding import CERTAIN, LIKELY, Beside, Finding
from bot.domain.faults.flaws import Flaw, Others, flawed
from bot.domain.handshakes import H2, OLD_VERSIONS, Handshake, Handshakes

FAULT = "alpn-h2"
QUICK_MS, QUICK_S = 250.0, 0.1
"""Who shakes hands in less, and takes less for what costs nothing, is not too starved to send SETTINGS in a second."""
VERIFIED = "Every address chooses h2, and sends SETTINGS first."


def find(facts: Facts, beside: Beside) -> Finding | None:
    """Find addresses that choose less than users are to get (`h2`), or than others do, or do not keep what they choose.

    A service that speaks HTTP/1.1 only, everywhere and always, is as somebody wants it: that is no finding.
    """
    return flawed(FAULT, facts, beside, partial(_look, is_starved=facts.pace_s >= QUICK_S))


def _look(tls: Handshakes, mine: Handshake, others: Others, *, is_starved: bool) -> Flaw | None:
    if mine.version in OLD_VERSIONS:
        return _outdated(mine)
    if mine.alpn == H2:
        is_told = mine.instead or (mine.ms < QUICK_MS and not is_starved)
        return _unkept(mine) if mine.settings is False and is_told else None
    is_spoken = any(each.alpn == H2 and each.settings for each in others)
    if not mine.version or not (tls.h2 or is_spoken):
        return None
    chose = f"chooses {mine.alpn}" if mine.alpn else "chooses no protocol"
    wanted = "`h2` says that users get HTTP/2" if tls.h2 else "others like it choose h2"
    return Flaw(
        f"{chose} of {', '.join(tls.offered)} that it is offered, and {wanted}: all fall back to HTTP/1.1, gRPC fails",
        "Offer h2 in the listener: nginx `listen ... ssl http2` or `http2 on`, Envoy alpn_protocols, Go NextProtos = "
        '{"h2", "http/1.1"} (a tls.Config of your own to a bare tls.Listener has none). The chain is not the reason.',
        VERIFIED,
        CERTAIN if tls.h2 else LIKELY,
    )


def _outdated(mine: Handshake) -> Flaw:
    return Flaw(
        f"speaks {mine.version} at most: clients of today refuse it, and HTTP/2 needs TLS 1.2",
        "Let the listener speak TLS 1.2 and 1.3: nginx `ssl_protocols TLSv1.2 TLSv1.3`, Envoy tls_params, Go neither "
        "MinVersion nor MaxVersion.",
        "It shakes hands with TLS 1.2 or 1.3.",
    )


def _unkept(mine: Handshake) -> Flaw:
    came = f"“{mine.instead}”" if mine.instead else "nothing"
    return Flaw(
        f"chooses h2 and then does not speak it ({came} came, not SETTINGS): every client that speaks h2 fails",
        "Offer h2 only where what is behind it speaks it: a TCP proxy that ends TLS must not choose h2 for a server of "
        "HTTP/1.1; Go needs http2.ConfigureServer where TLSNextProto is set.",
        VERIFIED,
        CERTAIN if mine.instead else LIKELY,
    )

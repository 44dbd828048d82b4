"""The certificates that users are sent do not prove who serves them: those who check hang up."""

from functools import partial

from bot.domain.facts import Facts
from bot.domain.faults.finding import CERTAIN, LIKELY, Beside, Finding
from bot.domain.faults.flaws import Flaw, Others, flawed, listed
from bot.domain.handshakes import Handshake, Handshakes, short

FAULT = "tls-chain"
ENDED = 10
NO_ISSUER = frozenset({2, 20, 21})
OF_ITSELF, OF_STRANGERS = 18, 19
OTHER_NAME = frozenset({62, 64})
"""Verify codes (x509_vfy.h). OpenSSL tells the first thing that it meets; what the chain itself shows counts first."""
VERIFIED = "The chain verifies at every address (code 0)."
FEW_DAYS = 2.0
_Flaw = partial(Flaw, verify=VERIFIED)


def find(facts: Facts, beside: Beside) -> Finding | None:
    """Find addresses whose chain is refused by clients that trust what they should.

    Whom they trust cannot be known of an authority of the service's own, nor of an address by number what users call
    it: there the configuration must say so, or others must show it.
    """
    return flawed(FAULT, facts, beside, _broken)


def find_disorder(facts: Facts, beside: Beside) -> Finding | None:
    """Find chains that are whole but out of order: most clients sort them, some refuse (RFC 5246, 7.4.2)."""
    return flawed(FAULT, facts, beside, _disordered)


def _broken(tls: Handshakes, mine: Handshake, others: Others) -> Flaw | None:
    if not mine.chain or not mine.code:
        return None
    if flaw := _out_of_time(mine):
        return flaw
    if mine.code in OTHER_NAME:
        return _misnamed(tls, mine, others)
    if mine.code in NO_ISSUER and mine.lacks:
        return _incomplete(tls, mine, others)
    if mine.code in {OF_ITSELF, OF_STRANGERS, *NO_ISSUER}:
        return _unknown(tls, mine, others)
    return _Flaw(
        f"serves a chain that clients refuse ({mine.code}: {mine.reason})",
        "Have the certificate issued anew without that; `openssl s_client -showcerts` shows what is served.",
        confidence=LIKELY,
    )


def _out_of_time(mine: Handshake) -> Flaw | None:
    leaf = mine.chain[0]
    if leaf.days_until > 0:
        return _Flaw(
            f"serves a certificate that begins only in {_span(leaf.days_until)}: clients refuse it until then",
            "Serve the certificate before it until then, or issue it anew; compare the clocks of who issued it, of the "
            "listener, and of this machine.",
        )
    ended = leaf if leaf.days_left < 0 else None
    if mine.code == ENDED:
        ended = ended or next((each for each in mine.path if each.days_left < 0), None)
    if ended is None or not ended.ends_at:
        return None
    what = "a certificate" if ended is leaf else f"“{short(ended.subject)}” in its chain,"
    return _Flaw(
        f"serves {what} that ended {_span(-ended.days_left)} ago, on {ended.ends_at[:10]}: clients refuse it",
        "Renew it, and have the listener load the new file: nginx on reload, net/http only on restart unless "
        "tls.Config.GetCertificate reads it anew.",
    )


def _misnamed(tls: Handshakes, mine: Handshake, others: Others) -> Flaw | None:
    if tls.is_by_number and not _is_fine_elsewhere(others):
        return None
    leaf = mine.chain[0]
    return _Flaw(
        f"serves a certificate for {listed(leaf.names) or short(leaf.subject)}: clients of {tls.name} refuse it",
        f"Serve the certificate of {tls.name}, or have one issued that names it. A proxy serves its default one where "
        "no server block or ingress fits the name, or its secret is gone.",
        confidence=LIKELY if tls.is_by_number else CERTAIN,
    )


def _incomplete(tls: Handshakes, mine: Handshake, others: Others) -> Flaw | None:
    leaf, lacks = mine.chain[0], short(mine.lacks)
    is_served = any(each.subject == mine.lacks for other in others for each in other.chain)
    is_sure = tls.own_ca or leaf.public or is_served
    if not (is_sure or leaf.traced or _is_fine_elsewhere(others)):
        return None
    served = "its certificate alone" if len(mine.chain) == 1 else f"{len(mine.chain)} certificates"
    last = "it" if len(mine.chain) == 1 else f"“{short(mine.path[-1].subject)}”"
    return Flaw(
        f"serves {served}: “{lacks}”, who signed {last}, is missing, so clients reach no authority that they trust "
        f"({mine.code}: {mine.reason})",
        f"Serve the whole chain, leaf first: give the listener fullchain.pem (the leaf, then “{lacks}”), not cert.pem, "
        "as nginx's `ssl_certificate` or the first argument of Go's tls.LoadX509KeyPair; then reload it.",
        f"The chain has {len(mine.path) + 1} certificates or more, and verifies (code 0).",
        CERTAIN if is_sure else LIKELY,
    )


def _unknown(tls: Handshakes, mine: Handshake, others: Others) -> Flaw | None:
    """Find who signed unknown: a fault only where it is known whom clients trust, by `ca` or by what others serve."""
    if not tls.own_ca and not _is_fine_elsewhere(others):
        return None
    confidence = CERTAIN if tls.own_ca else LIKELY
    if len(mine.path) == 1:
        return _Flaw(
            f"serves a certificate that nobody but itself has signed ({mine.code}: {mine.reason}): clients refuse it",
            f"Serve the one that was issued for {tls.name}. A proxy makes its own where the configured one is missing.",
            confidence=confidence,
        )
    return _Flaw(
        f"serves a chain of “{short(mine.path[-1].subject)}”, whom clients do not trust ({mine.code}: {mine.reason})",
        "Have it issued by the authority that clients trust; if that was renewed, give them the new one, and `ca` too.",
        confidence=confidence,
    )


def _is_fine_elsewhere(others: Others) -> bool:
    return any(each.code == 0 for each in others)


def _disordered(_tls: Handshakes, mine: Handshake, _others: Others) -> Flaw | None:
    if mine.code != 0 or mine.is_ordered:
        return None
    order = listed([short(each.subject) for each in mine.chain])
    return Flaw(
        f"serves its chain out of order ({order}): most clients sort it, strict ones refuse it",
        f"Write the file in this order: {listed([short(each.subject) for each in mine.path])}; then reload.",
        "Each certificate is followed by that of who signed it.",
        LIKELY,
    )


def _span(days: float) -> str:
    return f"{days:.0f} days" if days >= FEW_DAYS else f"{24 * days:.1f} h"

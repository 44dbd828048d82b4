"""What is wrong with how some of the addresses behind a name shake hands, as a finding."""

from collections.abc import Callable
from dataclasses import dataclass

from bot.domain.facts import Facts
from bot.domain.faults.finding import CERTAIN, Beside, Evidence, Finding
from bot.domain.handshakes import Handshake, Handshakes

SHOWN = 4
"""Addresses, names and certificates shown; the part has them all."""


@dataclass(frozen=True)
class Flaw:
    """What an address does, what mends it, by what one sees that it did, and how sure that is."""

    claim: str
    fix: str
    verify: str
    confidence: str = CERTAIN


Others = tuple[Handshake, ...]
"""What a handshake is held against: other addresses, other targets, the target itself in a healthy time."""
Look = Callable[[Handshakes, Handshake, Others], Flaw | None]


def flawed(fault: str, facts: Facts, beside: Beside, look: Look) -> Finding | None:
    """Give the finding of the first flaw that is seen, with every address that has it."""
    tls = facts.tls
    if tls is None:
        return None
    seen = [(each, flaw) for each in tls.addresses if (flaw := look(tls, each, _others(tls, each, beside)))]
    if not seen:
        return None
    first, flaw = seen[0]
    where = [each.address for each, other in seen if other.claim == flaw.claim]
    return Finding(
        fault,
        facts.target,
        f"{tls.name}{_at(where, tls)} {flaw.claim}.",
        _evidence(facts, tls, first),
        flaw.fix,
        len(where) / len(tls.addresses),
        flaw.confidence,
        flaw.verify,
    )


def listed(names: tuple[str, ...] | list[str]) -> str:
    """Write some names, and how many more there are."""
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def _others(tls: Handshakes, mine: Handshake, beside: Beside) -> Others:
    """Give what it can be held against: who is asked by a name shows nothing of who is asked by number."""
    known = [
        tls,
        *(each.tls for each in (*beside.others, beside.baseline) if each is not None and each.tls is not None),
    ]
    alike = (one for one in known if one.is_by_number == tls.is_by_number)
    return tuple(each for one in alike for each in one.addresses if each is not mine)


def _at(where: list[str], tls: Handshakes) -> str:
    """Say at which of the addresses it is, unless there is only one."""
    number = len(tls.addresses)
    if number == 1:
        return ""
    return f" at each of its {number} addresses" if len(where) == number else f" at {listed(where)} (of {number})"


def _evidence(facts: Facts, tls: Handshakes, at: Handshake) -> tuple[Evidence, ...]:
    file = facts.file("tls")
    trust = "the authorities in its `ca`" if tls.own_ca else "this machine's authorities"
    code = "not checked" if at.code is None else f"{at.code} ({at.reason or 'ok'})"
    found = [
        Evidence("chain as served", at.served, file),
        Evidence(f"verify code by {trust}", code, file),
        *(Evidence("days left", f"{each.days_left:.1f}", file) for each in at.chain[:1]),
        Evidence(f"of {', '.join(tls.offered)} it chose", f"{at.alpn or 'nothing'} over {at.version}", file),
    ]
    if at.settings is not None:
        found.append(Evidence("HTTP/2 SETTINGS", "came" if at.settings else at.instead or "nothing came", file))
    others = [each for each in tls.addresses if each is not at]
    return (*found, *(Evidence(f"at {each.address}", str(each), file) for each in others[:SHOWN]))

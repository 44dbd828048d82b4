"""Asks a name server: for SRV records, or where the configuration names the server itself."""

from typing import Any

import dns.asyncresolver
import dns.exception
import dns.resolver

from bot.domain.discovery import DiscoveryPlan
from bot.domain.sightings import DiscoveryFailed, Sighting, place


async def ask(name: str, plan: DiscoveryPlan) -> tuple[Sighting, ...]:
    """Give who is behind a name.

    :raises DiscoveryFailed: the name server does not tell, or knows of nobody.
    """
    resolver = _resolver(plan)
    kinds = ("SRV",) if plan.record == "SRV" else ("A", "AAAA")
    found: list[Sighting] = []
    for kind in kinds:
        try:
            answer = await resolver.resolve(name, kind, raise_on_no_answer=False, search=True)
        except dns.resolver.NXDOMAIN:
            raise DiscoveryFailed(f"{name} is not known to the name server: is the name right?") from None
        except dns.resolver.LifetimeTimeout:
            raise DiscoveryFailed(f"{name}: the name server gave no answer in {plan.timeout_s:g} s") from None
        except dns.exception.DNSException as error:
            raise DiscoveryFailed(f"{name}: the name server answered {type(error).__name__}") from error
        found += (each for record in answer.rrset or () if (each := _sighting(kind, record)) is not None)
    if not found:
        raise DiscoveryFailed(f"{name} has no {plan.record} record: see `names` and `record`")
    return tuple(found)


def _sighting(kind: str, record: Any) -> Sighting | None:
    """Read a record; None for what could not be asked, such as the `.` that means nobody."""
    if kind != "SRV":
        return Sighting(record.address, None, record.address)
    at = place(f"{record.target.to_text(omit_final_dot=True)}:{record.port}")
    return None if at is None else Sighting(at[1], at[2], f"{at[1]}:{at[2]}")


def _resolver(plan: DiscoveryPlan) -> dns.asyncresolver.Resolver:
    try:
        resolver = dns.asyncresolver.Resolver(configure=not plan.server)
    except dns.exception.DNSException as error:
        raise DiscoveryFailed("no name server is configured on this machine: give `server`") from error
    if plan.server:
        host, _, port = plan.server.rpartition(":")
        resolver.nameservers, resolver.port = [host.strip("[]")], int(port)
    resolver.lifetime = plan.timeout_s
    return resolver

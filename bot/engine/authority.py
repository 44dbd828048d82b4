"""Who may do what with a service now: roles from the configuration, standing approvals, freezes."""

from hashlib import sha256

from pydantic import TypeAdapter, ValidationError

from bot.domain.authority import Frozen, People, Right, Ruling, Standing, groups_of, rule
from bot.domain.service import Service
from bot.domain.timeline import Person, canonical
from bot.engine.ports import Ports
from bot.ports import Tx

_SERVICE: TypeAdapter[Service] = TypeAdapter(Service)
_POLICY = ("route", "canary", "prometheus")
"""What of a service decides when and how its traffic is moved."""
FROZEN: TypeAdapter[Frozen | None] = TypeAdapter(Frozen | None)
STANDING: TypeAdapter[Standing | None] = TypeAdapter(Standing | None)


async def may(ports: Ports, person: Person, right: Right, service: str) -> Ruling:
    """Tell whether somebody has a right on a service at this moment; nobody has one on what is not configured."""
    found = ports.catalog.service(service)
    people = found.people if found else People()
    members = {group: await ports.groups.members(group) for group in groups_of(people, right, person)}
    return rule(service, people, right, person, members)


def policy_sha256(service: Service) -> str:
    """Give what stands for the rules by which a service's traffic is moved; another rule, another hash."""
    known = _SERVICE.dump_python(service, mode="json")
    return sha256(canonical({key: known[key] for key in _POLICY if key in known}).encode("ascii")).hexdigest()


async def frozen(ports: Ports, service: str) -> Frozen | None:
    """Give the freeze that a service is under now.

    :raises ValidationError: what is kept cannot be read, and nobody can tell that it is not frozen.
    """
    return await ports.store.read(lambda tx: kept_freeze(ports, tx, service))


def kept_freeze(ports: Ports, tx: Tx, service: str) -> Frozen | None:
    """Give it within a reading of the database, and raise as above."""
    text = ports.marks.get(tx, frozen_key(service))
    kept = FROZEN.validate_json(text) if text else None
    return kept if kept is not None and kept.holds(ports.clock.now()) else None


async def standing(ports: Ports, service: str) -> Standing | None:
    """Give the standing approval of a service; None too when its policy is not the one that was approved."""
    return await ports.store.read(lambda tx: kept_standing(ports, tx, service))


def kept_standing(ports: Ports, tx: Tx, service: str) -> Standing | None:
    """Give it within a reading of the database."""
    text, found = ports.marks.get(tx, standing_key(service)), ports.catalog.service(service)
    try:
        kept = STANDING.validate_json(text) if text else None
    except ValidationError:
        return None
    return kept if kept is not None and found is not None and kept.policy == policy_sha256(found) else None


def frozen_key(service: str) -> str:
    """Name the mark that a freeze is kept under."""
    return f"frozen:{service}"


def standing_key(service: str) -> str:
    """Name the mark that a standing approval is kept under."""
    return f"standing:{service}"

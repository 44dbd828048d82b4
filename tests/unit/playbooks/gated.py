"""A desk whose checkout has a deploy gate, and questions to it."""

from dataclasses import replace
from typing import Any

from bot.domain.gate.evidence import Submission
from bot.domain.gate.policy import GatePolicy
from bot.domain.narrative import tell
from bot.domain.run import Run
from bot.domain.timeline import HOUSE, Kind, Person
from bot.engine.deploys import Deploys
from bot.engine.gate_answers import shown_as
from bot.engine.tools import adapter_of
from tests.cosigned import CYCLONEDX, DIGEST, Named, cyclonedx
from tests.fakes import FakePoster
from tests.unit.playbooks.desk import CATALOG, Desk, desk

POLICY = GatePolicy(("release.pub",))
SIGNER = Named()
WHOLE = Submission(DIGEST, "\n".join([SIGNER.image(), SIGNER.attest(CYCLONEDX, cyclonedx())]))
HOOK = Person("webhook:gate", "Deploy gate webhook")


def gated_desk(policy: GatePolicy | None = POLICY, **parts: Any) -> Desk:
    first, *rest = CATALOG.services
    catalog = replace(CATALOG, services=(replace(first, gate=policy), *rest), announcements="#releases")
    return desk(catalog=catalog, poster=parts.pop("poster", FakePoster()), **parts)


async def asked(house: Desk, shown: Submission | None = WHOLE, release: str = "v1.2.3", digest: str = DIGEST) -> Run:
    params = {"service": "checkout", "release": release, "digest": digest, "by": "Ada"}
    if shown is not None:
        params["evidence"] = (await house.ports.artifacts.put("shown.json", shown_as(shown))).sha256
    return await house.run("gate", params, HOOK)


def told(house: Desk, kind: Kind, chain: str = HOUSE) -> list[str]:
    return [tell(entry) for entry in house.chain(chain) if entry.kind == kind]


def kept(house: Desk) -> Deploys:
    known: Deploys = adapter_of(Deploys).validate_json(house.state.marks["deploys:checkout"])
    return known

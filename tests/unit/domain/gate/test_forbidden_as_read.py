"""What a rule forbids is found in what was sent, however a bill of materials names it and wherever it stands."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.gate.decision import decide
from bot.domain.gate.evidence import Obstacle, Submission
from bot.domain.gate.policy import Forbidden, GatePolicy
from bot.domain.gate.reading import Vouched, read
from tests.cosigned import CYCLONEDX, DIGEST, SPDX, Named, cyclonedx, spdx
from tests.fakes import NOON

MAVEN = "org.apache.logging.log4j"
PURL = f"pkg:maven/{MAVEN}/log4j-core@2.14.1?type=jar"
SIGNER = Named()


class Signed:
    """Believes whatever was sent."""

    def signed(self, signature: bytes, content: bytes) -> Vouched:
        del signature, content
        return Vouched("release.pub")

    def vouched(self, bundle: str, content: bytes) -> Vouched:
        del bundle, content
        return Vouched("release.pub")


def forbids(rule: Forbidden, kind: str, document: dict[str, Any]) -> bool:
    """Tell whether a document, sent as an attestation and as a file, is denied for what is in it."""
    policy = GatePolicy(("release.pub",), forbidden=(rule,))
    attested = Submission(DIGEST, "\n".join([SIGNER.image(), SIGNER.attest(kind, document)]))
    text = json.dumps(document)
    of_file = Submission(DIGEST, SIGNER.image(), text, SIGNER.blob(text))
    told = [decide(policy, read(each, Signed()), (), NOON) for each in (attested, of_file)]
    assert {each.obstacle for one in told for each in one.objections} <= {Obstacle.FORBIDDEN}
    assert told[0].allowed is told[1].allowed
    return not told[0].allowed


NAMES = [
    {"name": "log4j-core", "group": MAVEN},
    {"name": "log4j-core", "group": MAVEN, "purl": PURL},
    {"name": f"{MAVEN}:log4j-core", "purl": PURL},
    {"name": "log4j-core"},
    {"name": "Apache Log4j", "purl": PURL.partition("?")[0]},
]
RULES = [Forbidden("log4j-core", "2.17.1"), Forbidden("log4j-*"), Forbidden("LOG4J-CORE", "2.14.2")]
OTHERS = [Forbidden("log4j-core", "2.14.1"), Forbidden("log4j"), Forbidden("core"), Forbidden("pkg:maven/log4j-core")]
PARTS = st.lists(st.sampled_from([("redis", "9.0.1"), ("log4j-api", "2.14.1"), ("x", "")]), min_size=1, max_size=4)


@st.composite
def documents(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """Give a bill of materials with log4j-core 2.14.1 in it."""
    part: dict[str, Any] = {**draw(st.sampled_from(NAMES)), "version": "2.14.1"}
    parts, at = draw(PARTS), draw(st.integers(0, 4))
    if draw(st.booleans()):
        document = cyclonedx(parts)
        about = document["metadata"]["component"]
        holder = draw(st.sampled_from([document, document["components"][0], about, None]))
        if holder is None:
            about |= part
        else:
            holder.setdefault("components", []).insert(at, part)
        return CYCLONEDX, document
    document = spdx(parts)
    refs = [{"referenceType": "purl", "referenceLocator": part["purl"]}] if "purl" in part else []
    document["packages"].insert(at, {"name": part["name"], "versionInfo": part["version"], "externalRefs": refs})
    return SPDX, document


@settings(max_examples=40, deadline=None)
@given(documents(), st.sampled_from(RULES), st.sampled_from(OTHERS))
def test_a_rule_finds_what_it_forbids_wherever_it_stands(
    sent: tuple[str, dict[str, Any]], rule: Forbidden, other: Forbidden
) -> None:
    assert forbids(rule, *sent)
    assert not forbids(other, *sent)


def test_what_a_bill_of_materials_is_for_is_looked_at_and_is_no_part_of_it() -> None:
    abandoned = {"type": "application", "name": "x", "purl": "pkg:golang/example.com/abandoned/x@v1"}
    about = cyclonedx()["metadata"]["component"] | abandoned
    document = {**cyclonedx(), "metadata": {"component": about}}
    assert forbids(Forbidden("pkg:golang/example.com/abandoned/*"), CYCLONEDX, document)
    del about["name"]
    assert forbids(Forbidden("pkg:golang/example.com/abandoned/*"), CYCLONEDX, document)
    alone = Submission(DIGEST, "\n".join([SIGNER.image(), SIGNER.attest(CYCLONEDX, {**document, "components": []})]))
    (reason,) = decide(GatePolicy(("release.pub",)), read(alone, Signed()), (), NOON).reasons
    assert reason == "no sbom: a bill of materials names no component"


@pytest.mark.parametrize("name", [f"{MAVEN}/log4j-core", f"{MAVEN}:log4j-core", f"{MAVEN}:*", PURL.partition("@")[0]])
def test_a_group_can_be_named(name: str) -> None:
    document = cyclonedx()
    document["components"].append({**NAMES[1], "version": "2.14.1"})
    assert forbids(Forbidden(name, "2.17.1"), CYCLONEDX, document)
    assert not forbids(Forbidden(name.replace("log4j", "log5j"), "2.17.1"), CYCLONEDX, document)

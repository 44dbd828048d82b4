"""Bills of materials of both formats, as they are made by others, and what is none."""

import json
from typing import Any

import pytest
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component as Made
from cyclonedx.model.component import ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from bot.domain.gate.evidence import Component
from bot.domain.gate.sboms import SbomRefused, read_sbom
from bot.domain.gate.statements import read_statement
from tests.cosigned import DIGEST, cyclonedx, spdx


def test_what_another_library_writes_is_read() -> None:
    inner = Made(name="inner", version="2")
    crypto = Made(
        name="crypto",
        version="v0.44.0",
        group="golang.org/x",
        purl=PackageURL("golang", "golang.org/x", "crypto", "v0.44.0"),
        components=[inner],
    )
    bom = Bom(components=[crypto, Made(name="redis", version="9.0.1")])
    bom.metadata.component = Made(
        name="checkout", type=ComponentType.CONTAINER, hashes=[HashType(alg=HashAlgorithm.SHA_256, content=DIGEST[7:])]
    )
    bom.register_dependency(bom.metadata.component, bom.components)
    found = read_sbom(json.loads(JsonV1Dot6(bom).output_as_string()))
    assert (found.by, found.digests) == ("", (DIGEST,))
    assert set(found.components) == {
        Component("crypto", "v0.44.0", "pkg:golang/golang.org/x/crypto@v0.44.0", "golang.org/x"),
        Component("inner", "2"),
        Component("redis", "9.0.1"),
    }


@pytest.mark.parametrize("sbom", [cyclonedx(), spdx()])
def test_both_formats_say_the_same(sbom: dict[str, Any]) -> None:
    found = read_sbom(sbom)
    assert found.digests == (DIGEST,)
    assert Component("redis", "9.0.1", "pkg:golang/example.test/redis@9.0.1") in found.components


@pytest.mark.parametrize("named", [["SPDXRef-image"], {}, None, ""])
def test_a_package_whose_name_is_no_text_is_what_nothing_describes(named: Any) -> None:
    bare = {"relationshipType": "DESCRIBES", "relatedSpdxElement": named}
    document = spdx()
    document["packages"][0]["SPDXID"] = named
    assert read_sbom({**document, "relationships": [bare]}).digests == ()


@pytest.mark.parametrize("kind", [["https://in-toto.io/Statement/v1"], {}, None, 1])
def test_what_says_in_no_word_that_it_is_a_statement_is_none(kind: Any) -> None:
    with pytest.raises(SbomRefused, match="its payload is no statement"):
        list(read_statement({"_type": kind}))


@pytest.mark.parametrize(
    "named",
    [
        {"version": DIGEST},
        {"purl": f"pkg:oci/checkout@{DIGEST.replace(':', '%3A')}?repository_url=registry.test"},
        {"bom-ref": f"pkg:oci/checkout@{DIGEST}"},
    ],
)
def test_an_artifact_may_be_named_by_its_digest(named: dict[str, str]) -> None:
    about = {"type": "container", "name": "checkout", **named}
    assert read_sbom({**cyclonedx(), "metadata": {"component": about}}).digests == (DIGEST,)


def test_a_package_of_several_names_is_known_by_each() -> None:
    sbom = spdx()
    refs = sbom["packages"][1]["externalRefs"]
    refs.append({"referenceType": "purl", "referenceLocator": "pkg:npm/evil@1"})
    assert "pkg:npm/evil@1" in {each.purl for each in read_sbom(sbom).components}


def nested(deep: int) -> dict[str, Any]:
    part: dict[str, Any] = {"name": "x"}
    for _ in range(deep):
        part = {"name": "x", "components": [part]}
    return {**cyclonedx(), "components": [part]}


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ([], "is no JSON object"),
        ({}, "is neither CycloneDX nor SPDX 2"),
        ({"spdxVersion": "SPDX-3.0"}, "is neither CycloneDX nor SPDX 2"),
        ({**cyclonedx(), "components": {}}, "something else where a list of objects belongs"),
        ({**cyclonedx(), "components": ["redis"]}, "something else where a list of objects belongs"),
        ({**cyclonedx(), "components": [{"version": "1"}]}, "has no name"),
        ({**cyclonedx(), "components": [{"name": " "}]}, "has no name"),
        ({**spdx(), "packages": [{"name": 7}]}, "has no name"),
        (nested(60), "nested more than 50 deep"),
    ],
)
def test_what_cannot_be_read_is_not_passed_over(document: Any, why: str) -> None:
    with pytest.raises(SbomRefused, match=why):
        read_sbom(document)


def test_more_components_than_can_be_judged_in_time_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.domain.gate.sboms._MOST", 3)
    assert len(read_sbom(cyclonedx([("x", "1")] * 3)).components) == 3
    with pytest.raises(SbomRefused, match="more than 3 components"):
        read_sbom(cyclonedx([("x", "1")] * 4))

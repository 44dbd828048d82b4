"""How a kept look at handshakes is read, and what a chain tells by itself."""

import json
from dataclasses import asdict, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.examination import examine
from bot.domain.handshakes import Handshake, Handshakes, Served, read, short
from bot.domain.snapshot import TLS, captured
from tests.unit.domain.handshakes_made import ALONE, LEAF, MIDDLE, PLAIN, ROOT, WELL, handshakes, met

OTHER = replace(MIDDLE, subject="CN=Other")


def test_what_was_kept_is_read_as_it_was() -> None:
    told = handshakes(WELL, ALONE, PLAIN, Handshake("10.0.0.4", error="no TLS handshake"), own_ca=True, h2=True)
    facts = met(told)

    assert (facts.tls, facts.file("tls"), facts.losses) == (told, "a/tls.json", ())
    assert [str(each) for each in told.addresses] == [
        "verified; TLSv1.3, h2",
        "20: unable to get local issuer certificate; TLSv1.3, h2",
        "verified; TLSv1.3, http/1.1",
        "no TLS handshake",
    ]


def test_what_was_not_captured_is_not_known() -> None:
    assert examine([]).tls is None
    assert examine([captured("a", TLS, b"{}", 0.1)]).tls is None


@pytest.mark.parametrize(
    ("chain", "lacks", "is_ordered"),
    [
        ((), "", True),
        ((ROOT,), "", True),
        ((LEAF,), "CN=Middle", True),
        ((LEAF, MIDDLE), "CN=Root", True),
        ((LEAF, MIDDLE, ROOT), "", True),
        ((LEAF, ROOT, MIDDLE), "", False),
        ((LEAF, ROOT), "CN=Middle", True),
        ((LEAF, OTHER, MIDDLE), "CN=Root", False),
        ((LEAF, MIDDLE, OTHER), "CN=Root", True),
        ((LEAF, LEAF, MIDDLE), "CN=Root", False),
        ((replace(LEAF, issuer="CN=x"), replace(MIDDLE, subject="CN=x", issuer=LEAF.subject)), "CN=shop.test", True),
    ],
)
def test_a_chain_tells_what_it_lacks_and_whether_it_is_in_order(
    chain: tuple[Served, ...], lacks: str, *, is_ordered: bool
) -> None:
    found = replace(WELL, chain=chain)

    assert (found.lacks, found.is_ordered) == (lacks, is_ordered)


def test_a_subject_is_called_by_its_common_name() -> None:
    assert short("C=US,O=Let's Encrypt,CN=R11") == "R11"
    assert short("CN=a\\,b,O=c") == "a\\,b"
    assert short("O=no name") == "O=no name"
    assert len(short("CN=" + "x" * 500)) == 80


@pytest.mark.parametrize(("name", "is_by_number"), [("10.0.0.1", True), ("::1", True), ("shop.test", False)])
def test_an_address_by_number_is_told_from_a_name(name: str, *, is_by_number: bool) -> None:
    assert handshakes(name=name).is_by_number is is_by_number


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(deadline=None)
@given(st.data())
def test_a_damaged_document_is_not_known_or_as_good_as_new(data: st.DataObject) -> None:
    """Replace or take away anything anywhere: it never raises, and what is read has the right kinds."""
    document = json.loads(json.dumps(asdict(handshakes(WELL, ALONE))))
    at: Any = document
    while True:
        key = data.draw(st.sampled_from(sorted(at) if isinstance(at, dict) else range(len(at))))
        if not isinstance(at[key], dict | list) or not at[key] or data.draw(st.booleans()):
            break
        at = at[key]
    if data.draw(st.booleans()):
        at[key] = data.draw(VALUES)
    else:
        del at[key]

    found = read(document)

    assert found is None or read(json.loads(json.dumps(asdict(found)))) == found
    assert found is None or isinstance(found, Handshakes)

"""Answers of an agent are read or refused, whatever stands in them; what is read is bounded and without secrets."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.agent import MAX_DOCUMENT_BYTES, PATHS, AgentAnswerMalformed, decode, encode
from bot.domain.packets import PCAP_HEAD
from bot.domain.snapshot import KERNEL_PARTS, LOG, SOCKETS, PartStatus, captured, packets_part, skipped

WANTED = (*KERNEL_PARTS, LOG, packets_part(1))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)
PARTS = st.fixed_dictionaries(
    {"part": st.sampled_from([part.name for part in WANTED]) | VALUES},
    optional={
        "status": st.sampled_from(list(PartStatus)) | VALUES,
        "error": st.text(max_size=20) | VALUES,
        "text": st.text(max_size=50) | VALUES,
        "base64": st.text(max_size=50) | VALUES,
    },
)


def test_what_was_encoded_is_read_back() -> None:
    told = [
        captured("its agent", SOCKETS, b'{"states": {}}', 0.1),
        skipped("its agent", LOG, "its agent tells of no log"),
        captured("its agent", packets_part(1), PCAP_HEAD, 0.1, "its agent: cut"),
    ]
    found = decode("checkout-1", [SOCKETS, LOG, packets_part(1)], encode(told), 0.5)

    assert [(each.target, each.status, each.content) for each in found] == [
        ("checkout-1", PartStatus.OK, b'{"states": {}}'),
        ("checkout-1", PartStatus.SKIPPED, b""),
        ("checkout-1", PartStatus.TRUNCATED, PCAP_HEAD),
    ]
    assert [each.error for each in found] == [
        "",
        "checkout-1: its agent tells of no log",
        "checkout-1: its agent: cut",
    ]


def test_a_document_without_an_end_is_refused() -> None:
    told = [captured("its agent", SOCKETS, b"x" * (MAX_DOCUMENT_BYTES + 1), 0.1)]
    (only,) = decode("checkout-1", [SOCKETS], encode(told), 0.1)

    assert (only.status, only.error) == (PartStatus.FAILED, "checkout-1: its sockets has more than 262144 bytes")


def test_every_part_of_a_machine_has_its_way() -> None:
    assert {part.name for part in WANTED} == set(PATHS)


@pytest.mark.parametrize("answer", [b"", b"null", b"[]", b"{}", b'{"parts": 1}', b'{"parts": [1]}', b'{"parts": [{}]}'])
def test_what_is_no_answer_is_refused(answer: bytes) -> None:
    with pytest.raises(AgentAnswerMalformed):
        decode("checkout-1", [SOCKETS], answer, 0.1)


@given(answer=st.one_of(st.binary(max_size=100), st.lists(PARTS, max_size=6).map(lambda parts: {"parts": parts})))
def test_nothing_but_the_typed_error_is_ever_raised(answer: bytes | dict[str, Any]) -> None:
    given_ = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    try:
        found = decode("checkout-1", WANTED, given_, 0.1)
    except AgentAnswerMalformed:
        return
    assert [each.part for each in found] == [part.name for part in WANTED]

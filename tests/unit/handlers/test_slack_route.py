"""What is not signed by Slack, not now, or not readable, is refused: never a 500."""

import json
from collections.abc import AsyncIterator
from urllib.parse import quote_from_bytes

import pytest

from bot.emulator.signed_http import signature
from tests.unit.handlers.slack_door import FORM, SECRET, Door, open_door

JSON = "application/json"


@pytest.fixture
def door() -> Door:
    return open_door()


@pytest.mark.parametrize(
    "headers",
    [
        {"x_slack_signature": "v0=" + "0" * 64},
        {"x_slack_signature": ""},
        {"x_slack_signature": "ümlaut"},
        {"x_slack_request_timestamp": "yesterday"},
        {"x_slack_request_timestamp": "1" * 5_000},
        {"x_slack_request_timestamp": "\u0661\u0662"},
        {"x_slack_request_timestamp": "1.5"},
        {"x_slack_request_timestamp": "-1"},
        {"x_slack_request_timestamp": ""},
        {"x_slack_request_timestamp": "1000000000"},
    ],
)
async def test_what_slack_did_not_just_sign_is_refused(door: Door, headers: dict[str, str]) -> None:
    answer = await door.post(b"command=/incident&text=start", **headers)
    assert answer.status_code == 401
    assert door.runs == []


async def test_a_request_from_the_future_is_refused(door: Door) -> None:
    stamp = str(int(door.ports.clock.now().timestamp()) + 301)
    assert (await door.post(b"x=1", x_slack_request_timestamp=stamp)).status_code == 401


@pytest.mark.parametrize("name", ["x-slack-signature", "x-slack-request-timestamp"])
async def test_two_proofs_are_none(door: Door, name: str) -> None:
    stamp, body = str(int(door.ports.clock.now().timestamp())), b"command=/incident&text=start"
    proof = [("x-slack-request-timestamp", stamp), ("x-slack-signature", signature(SECRET, stamp, body))]
    twice = [*proof, *((each, value) for each, value in proof if each == name)]
    answer = await door.client.post("/slack/events", content=body, headers=[*twice, ("content-type", FORM)])
    assert answer.status_code == 401


DEEP = b"[" * 200_000
PRESS = b'{"type":"block_actions","user":{"id":"U1%b"}}'


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", FORM),
        (b"", JSON),
        (b"\xff\xfe\xfd", FORM),
        (b"\xff\xfe\xfd", JSON),
        (DEEP, JSON),
        (b'{"type":' + DEEP, JSON),
        (b"payload=" + DEEP, FORM),
        (b'payload={"type":' + DEEP, FORM),
        (b"payload=not+json", FORM),
        (b"payload=[1]", FORM),
        (b"payload=7", FORM),
        (b"payload=", FORM),
        (b"{", JSON),
        (b"[]", JSON),
        (b'"x"', JSON),
        (b"null", JSON),
        (b"{}", JSON),
        (b"text=start", FORM),
        (b'{"type":"event_callback","event":7}', JSON),
        (b'payload={"type":"view_submission","view":7}', FORM),
        (b"command=/incident&text=start", "text/plain"),
        (b"command=/incident&text=start", ""),
        (b'{"type":"event_callback"}', "application/xml"),
        (b"command=/incident&trigger_id=1&user_id=U1&text=" + b"%00" * 10, FORM),
        (b"command=/incident&trigger_id=1\0&user_id=U1&text=start", FORM),
        (PRESS % rb"\u0000", JSON),
        (b"payload=" + quote_from_bytes(PRESS % rb"\u0000").encode(), FORM),
        (PRESS % rb"\\\u0000", JSON),
    ],
)
async def test_signed_nonsense_is_refused(door: Door, body: bytes, content_type: str) -> None:
    assert 400 <= (await door.post(body, content_type)).status_code < 500
    assert door.runs == []


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b'{"type":"event_callback"}', JSON),
        (b'payload={"type":"block_actions"}', FORM),
        (b'payload={"type":"block_actions","actions":[]}', FORM),
        (b'payload={"type":"shortcut","callback_id":7}', FORM),
        (
            b'{"type":"event_callback","event":{"type":"message","message":' + b'{"message":' * 900 + b"7" + b"}" * 902,
            JSON,
        ),
        (b"command=/incident", FORM),
    ],
)
async def test_less_than_slack_sends_is_no_error_of_ours(door: Door, body: bytes, content_type: str) -> None:
    assert (await door.post(body, content_type)).status_code < 500
    assert door.runs == []


async def test_the_words_for_nul_are_words(door: Door) -> None:
    answer = await door.command(r"start what does \u0000 or \\u0000 or %00 mean")
    assert (answer.status_code, len(door.runs)) == (200, 1)
    assert (await door.press({"do": r"note it is \u0000"})).status_code == 200


@pytest.mark.parametrize("proven", [True, False])
async def test_ten_megabytes_are_refused(door: Door, *, proven: bool) -> None:
    wrong = {} if proven else {"x_slack_signature": "v0=" + "0" * 64}
    assert (await door.post(b"x" * 10_000_000, **wrong)).status_code == 401


@pytest.mark.parametrize("declared", [True, False])
async def test_without_a_proof_the_body_is_not_read(door: Door, *, declared: bool) -> None:
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        for _ in range(10_000):
            read += 1
            yield b"x" * 1_000

    sent = {"content-type": FORM} | ({"content-length": "10000000"} if declared else {})
    answer = await door.client.post("/slack/events", content=endless(), headers=sent)
    assert (answer.status_code, read <= 2) == (401, True)


async def test_ssl_check_needs_no_signature(door: Door) -> None:
    answer = await door.client.post("/slack/events", content=b"ssl_check=1&token=x", headers={"content-type": FORM})
    assert (answer.status_code, answer.content) == (200, b"")


async def test_url_verification_is_answered(door: Door) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "c1"}).encode()
    answer = await door.post(body, JSON)
    assert "c1" in answer.text


@pytest.mark.parametrize("kind", ["app_home_opened", "message", "tokens_revoked"])
async def test_events_are_acknowledged(door: Door, kind: str) -> None:
    event = {"type": kind, "user": "U0ADA0001", "channel": "C1", "text": "/incident start"}
    body = json.dumps({"type": "event_callback", "team_id": "T1", "event_id": "E1", "event": event}).encode()
    assert (await door.post(body, JSON)).status_code == 200
    assert door.runs == []


@pytest.mark.parametrize("kind", ["message_action", "shortcut", "block_suggestion", "view_closed"])
async def test_what_nobody_listens_to_is_acknowledged(door: Door, kind: str) -> None:
    payload = {
        "type": kind,
        "callback_id": "x",
        "action_id": "x",
        "user": {"id": "U1"},
        "trigger_id": "1",
        "view": {"callback_id": "x"},
    }
    assert (await door.interact(payload)).status_code == 200

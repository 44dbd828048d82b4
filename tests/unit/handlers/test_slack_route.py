"""What is not signed by Slack, not now, or not readable, is refused: never a 500."""

import json

import pytest

from tests.unit.handlers.slack_door import FORM, Door, open_door


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


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", FORM),
        (b"\xff\xfe\xfd", FORM),
        (b"payload=not+json", FORM),
        (b"payload=[1]", FORM),
        (b"payload=7", FORM),
        (b"{", "application/json"),
        (b"[]", "application/json"),
        (b'"x"', "application/json"),
        (b"null", "application/json"),
        (b'{"type":"event_callback","event":7}', "application/json"),
        (b'{"type":"event_callback"}', "application/json"),
        (b'payload={"type":"block_actions"}', FORM),
        (b'payload={"type":"block_actions","actions":[]}', FORM),
        (b'payload={"type":"view_submission","view":7}', FORM),
        (b"command=/incident", FORM),
        (b"command=/incident&trigger_id=1&user_id=&text=" + b"%00" * 10, FORM),
    ],
)
async def test_signed_nonsense_is_no_error_of_ours(door: Door, body: bytes, content_type: str) -> None:
    assert (await door.post(body, content_type)).status_code < 500


async def test_ten_megabytes_are_refused(door: Door) -> None:
    assert (await door.post(b"x" * 10_000_000)).status_code == 413


async def test_ssl_check_needs_no_signature(door: Door) -> None:
    answer = await door.client.post("/slack/events", content=b"ssl_check=1&token=x", headers={"content-type": FORM})
    assert (answer.status_code, answer.content) == (200, b"")


async def test_url_verification_is_answered(door: Door) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "c1"}).encode()
    answer = await door.post(body, "application/json")
    assert "c1" in answer.text


@pytest.mark.parametrize("kind", ["app_home_opened", "message", "tokens_revoked"])
async def test_events_are_acknowledged(door: Door, kind: str) -> None:
    event = {"type": kind, "user": "U0ADA0001", "channel": "C1", "text": "/incident start"}
    body = json.dumps({"type": "event_callback", "team_id": "T1", "event_id": "E1", "event": event}).encode()
    assert (await door.post(body, "application/json")).status_code == 200
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

import json
import time
from urllib.parse import parse_qs

from slack_sdk.signature import SignatureVerifier

from bot.emulator.signed_http import encoded, parsed_body, signature


def test_slacks_own_sdk_accepts_the_signature() -> None:
    now = str(int(time.time()))
    body = b"command=%2Fincident&text=start"
    assert SignatureVerifier("secret").is_valid(body, now, signature("secret", now, body))
    assert not SignatureVerifier("other").is_valid(body, now, signature("secret", now, body))


def test_commands_and_interactions_are_forms_and_events_are_json() -> None:
    body, kind = encoded("slash_commands", {"text": "start a&b"})
    assert (parse_qs(body.decode()), kind) == ({"text": ["start a&b"]}, "application/x-www-form-urlencoded")
    body, _ = encoded("interactive", {"type": "block_actions"})
    assert json.loads(parse_qs(body.decode())["payload"][0]) == {"type": "block_actions"}
    body, kind = encoded("events_api", {"type": "event_callback"})
    assert (json.loads(body), kind) == ({"type": "event_callback"}, "application/json")


def test_an_acknowledgement_is_json_text_or_nothing() -> None:
    assert parsed_body('{"text": "x"}') == {"text": "x"}
    assert parsed_body("plain words") == {"text": "plain words"}
    assert parsed_body(" ") == {}

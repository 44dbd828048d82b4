from typing import Any

import pytest

from bot.emulator.choices import REQUIRED, action, incomplete, reported, state_of

OPTIONS = [{"text": {"type": "plain_text", "text": f"SEV{n}"}, "value": str(n)} for n in (1, 2)]


@pytest.mark.parametrize(
    ("element", "chosen", "expected"),
    [
        ({"type": "static_select", "options": OPTIONS}, "2", {"selected_option": OPTIONS[1]}),
        ({"type": "static_select", "options": OPTIONS}, None, {"selected_option": None}),
        (
            {"type": "static_select", "option_groups": [{"label": {}, "options": OPTIONS}]},
            "1",
            {"selected_option": OPTIONS[0]},
        ),
        ({"type": "checkboxes", "options": OPTIONS}, ["1", "2"], {"selected_options": OPTIONS}),
        ({"type": "users_select"}, "U1", {"selected_user": "U1"}),
        ({"type": "multi_users_select"}, ["U1"], {"selected_users": ["U1"]}),
        ({"type": "datepicker"}, "2026-11-22", {"selected_date": "2026-11-22"}),
        ({"type": "datetimepicker"}, "1700000000", {"selected_date_time": 1_700_000_000}),
        ({"type": "plain_text_input"}, "x", {"value": "x"}),
        ({"type": "plain_text_input"}, "", {"value": None}),
    ],
)
def test_a_choice_is_reported_in_slacks_field(element: dict[str, Any], chosen: Any, expected: dict[str, Any]) -> None:
    assert reported(element, chosen) == {"type": element["type"], **expected}


def test_a_button_reports_its_value_and_text() -> None:
    text = {"type": "plain_text", "text": "Go"}
    button = {"type": "button", "action_id": "go", "text": text, "value": "42"}
    assert action(button, "b", None, "1.2") == {
        "action_id": "go", "block_id": "b", "action_ts": "1.2", "type": "button", "text": text, "value": "42",
    }  # fmt: skip


def inputs() -> list[dict[str, Any]]:
    def block(block_id: str, element: dict[str, Any], **fields: Any) -> dict[str, Any]:
        return {"type": "input", "block_id": block_id, "element": {"action_id": "v", **element}, **fields}

    return [
        block("title", {"type": "plain_text_input", "min_length": 3}),
        block("sev", {"type": "static_select", "options": OPTIONS, "initial_option": OPTIONS[0]}),
        block("note", {"type": "plain_text_input"}, optional=True),
        {"type": "actions", "block_id": "row", "elements": [{"type": "button", "action_id": "b", "text": {}}]},
    ]


def test_the_state_holds_what_was_there_at_first() -> None:
    values = state_of(inputs(), {"title": {"v": "disk full"}})
    assert values["title"]["v"]["value"] == "disk full"
    assert values["sev"]["v"]["selected_option"]["value"] == "1"
    assert "row" not in values


def test_an_empty_input_is_incomplete_unless_optional() -> None:
    assert incomplete(inputs(), state_of(inputs(), {})) == {"title": REQUIRED}


def test_a_short_text_is_incomplete() -> None:
    errors = incomplete(inputs(), state_of(inputs(), {"title": {"v": "x"}}))
    assert errors == {"title": "Must be at least 3 characters."}

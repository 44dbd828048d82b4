"""Block elements: what is pressed, chosen and typed into. Limits: docs.slack.dev/reference/block-kit."""

from typing import Any

from bot.emulator.block_kit.rules import (
    Problem,
    Problems,
    Rule,
    anything,
    boolean,
    many,
    shape,
    string,
    typed,
    whole,
    word,
)

TEXT = 3000
BUTTON_TEXT = 75
BUTTON_VALUE = 2000
URL = 3000
ACTION_ID = 255
OPTION_TEXT = 75
OPTION_VALUE = 150
OPTIONS = 100
CHOICES = 10
OVERFLOW_OPTIONS = 5
PLACEHOLDER = 150
CONFIRM_TITLE, CONFIRM_TEXT, CONFIRM_BUTTON = 100, 300, 30
INPUT_LENGTH = 3000


def plain(most: int) -> Rule:
    """Accept a plain_text object of so many characters."""
    return typed({"plain_text": shape({"text": string(most)}, {"emoji": boolean})})


def text(most: int) -> Rule:
    """Accept a plain_text or mrkdwn object of so many characters."""
    return typed(
        {
            "plain_text": shape({"text": string(most)}, {"emoji": boolean}),
            "mrkdwn": shape({"text": string(most)}, {"verbatim": boolean}),
        }
    )


ACTION = {"action_id": string(ACTION_ID)}
CONFIRM = shape(
    {
        "title": plain(CONFIRM_TITLE),
        "text": text(CONFIRM_TEXT),
        "confirm": plain(CONFIRM_BUTTON),
        "deny": plain(CONFIRM_BUTTON),
    },
    {"style": word("primary", "danger")},
)
OPTION = shape(
    {"text": text(OPTION_TEXT), "value": string(OPTION_VALUE)}, {"description": text(OPTION_TEXT), "url": string(URL)}
)
GROUP = shape({"label": plain(OPTION_TEXT), "options": many(OPTION, OPTIONS)})
FILTER = shape({}, {"include": anything, "exclude_external_shared_channels": boolean, "exclude_bot_users": boolean})
DISPATCH = shape({}, {"trigger_actions_on": anything})
MENU = {**ACTION, "placeholder": plain(PLACEHOLDER), "confirm": CONFIRM, "focus_on_load": boolean}
MULTI = {**MENU, "max_selected_items": whole}
OPTION_LISTS = {"options": many(OPTION, OPTIONS), "option_groups": many(GROUP, OPTIONS)}
TYPED = {
    **ACTION,
    "placeholder": plain(PLACEHOLDER),
    "dispatch_action_config": DISPATCH,
    "focus_on_load": boolean,
}


def _one_list_of_options(value: dict[str, Any], pointer: str, problems: Problems) -> None:
    if ("options" in value) == ("option_groups" in value):
        problems.append(Problem(pointer, "must have either options or option_groups", "one_of", "options"))
        return
    groups = value.get("option_groups", [])
    flat = value.get("options") or [option for group in groups for option in group.get("options", [])]
    wanted = [value["initial_option"]] if "initial_option" in value else value.get("initial_options", [])
    for option in wanted:
        if option not in flat:
            where = f"{pointer}/initial_option{'s' if 'initial_options' in value else ''}"
            problems.append(Problem(where, "must exactly match one of the provided options", "one_of", "options"))


def _choices(most: int, initial: dict[str, Rule]) -> Rule:
    optional = {**ACTION, **initial, "confirm": CONFIRM, "focus_on_load": boolean}
    return shape({"options": many(OPTION, most)}, optional, _one_list_of_options)


def _picker(name: str, rule: Rule) -> Rule:
    return shape({}, {**MENU, name: rule, "timezone": string(75)})


IMAGE = shape({"alt_text": string(2000)}, {"image_url": string(URL), "slack_file": anything})

ELEMENTS: dict[str, Rule] = {
    "button": shape(
        {"text": plain(BUTTON_TEXT)},
        {
            **ACTION,
            "url": string(URL),
            "value": string(BUTTON_VALUE, 0),
            "style": word("primary", "danger"),
            "confirm": CONFIRM,
            "accessibility_label": string(BUTTON_TEXT),
        },
    ),
    "overflow": shape({"options": many(OPTION, OVERFLOW_OPTIONS)}, {**ACTION, "confirm": CONFIRM}),
    "checkboxes": _choices(CHOICES, {"initial_options": many(OPTION, CHOICES)}),
    "radio_buttons": _choices(CHOICES, {"initial_option": OPTION}),
    "static_select": shape({}, {**MENU, **OPTION_LISTS, "initial_option": OPTION}, _one_list_of_options),
    "multi_static_select": shape(
        {}, {**MULTI, **OPTION_LISTS, "initial_options": many(OPTION, OPTIONS)}, _one_list_of_options
    ),
    "external_select": shape({}, {**MENU, "initial_option": OPTION, "min_query_length": whole}),
    "multi_external_select": shape({}, {**MULTI, "initial_options": many(OPTION, OPTIONS), "min_query_length": whole}),
    "users_select": shape({}, {**MENU, "initial_user": string(75)}),
    "multi_users_select": shape({}, {**MULTI, "initial_users": many(string(75), OPTIONS)}),
    "channels_select": shape({}, {**MENU, "initial_channel": string(75), "response_url_enabled": boolean}),
    "multi_channels_select": shape({}, {**MULTI, "initial_channels": many(string(75), OPTIONS)}),
    "conversations_select": shape(
        {},
        {
            **MENU,
            "initial_conversation": string(75),
            "default_to_current_conversation": boolean,
            "response_url_enabled": boolean,
            "filter": FILTER,
        },
    ),
    "multi_conversations_select": shape(
        {},
        {
            **MULTI,
            "initial_conversations": many(string(75), OPTIONS),
            "default_to_current_conversation": boolean,
            "filter": FILTER,
        },
    ),
    "datepicker": _picker("initial_date", string(10)),
    "timepicker": _picker("initial_time", string(5)),
    "datetimepicker": shape({}, {**ACTION, "initial_date_time": whole, "confirm": CONFIRM, "focus_on_load": boolean}),
    "plain_text_input": shape(
        {},
        {
            **TYPED,
            "initial_value": string(INPUT_LENGTH, 0),
            "multiline": boolean,
            "min_length": whole,
            "max_length": whole,
        },
    ),
    "email_text_input": shape({}, {**TYPED, "initial_value": string(INPUT_LENGTH, 0)}),
    "url_text_input": shape({}, {**TYPED, "initial_value": string(INPUT_LENGTH, 0)}),
    "number_input": shape(
        {"is_decimal_allowed": boolean},
        {**TYPED, "initial_value": string(75, 0), "min_value": string(75), "max_value": string(75)},
    ),
    "rich_text_input": shape({}, {**TYPED, "initial_value": anything}),
    "file_input": shape({}, {**ACTION, "filetypes": anything, "max_files": whole}),
    "image": IMAGE,
}
_MENUS = tuple(name for name in ELEMENTS if name.endswith("_select"))
PRESSED = ("button", "overflow", "checkboxes", "radio_buttons", "datepicker", "timepicker", *_MENUS)
IN_SECTION = (*PRESSED, "image")
IN_ACTIONS = (*PRESSED, "datetimepicker", "rich_text_input")
IN_INPUT = tuple(name for name in ELEMENTS if name not in {"button", "overflow", "image"})
IN_CONTEXT = ("image",)

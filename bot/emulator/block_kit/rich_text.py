"""rich_text: text as a tree instead of as markup."""

from bot.emulator.block_kit.rules import Rule, boolean, many, shape, string, typed, whole, word

_STYLE = shape(
    {}, dict.fromkeys(("bold", "italic", "strike", "code", "underline", "highlight", "client_highlight"), boolean)
)
_STYLED = {"style": _STYLE}
_MOST = 1000
_LEAVES = typed(
    {
        "text": shape({"text": string(3000)}, _STYLED),
        "link": shape({"url": string(3000)}, {"text": string(3000), "unsafe": boolean, **_STYLED}),
        "emoji": shape({"name": string(255)}, {"unicode": string(255), "skin_tone": whole, **_STYLED}),
        "user": shape({"user_id": string(255)}, _STYLED),
        "channel": shape({"channel_id": string(255)}, _STYLED),
        "usergroup": shape({"usergroup_id": string(255)}, _STYLED),
        "broadcast": shape({"range": word("here", "channel", "everyone")}),
        "color": shape({"value": string(255)}),
        "date": shape(
            {"timestamp": whole, "format": string(255)}, {"url": string(3000), "fallback": string(255), **_STYLED}
        ),
    }
)
_SECTION = shape({"elements": many(_LEAVES, _MOST, 0)})

RICH_TEXT: Rule = shape(
    {
        "elements": many(
            typed(
                {
                    "rich_text_section": _SECTION,
                    "rich_text_quote": shape({"elements": many(_LEAVES, _MOST, 0)}, {"border": whole}),
                    "rich_text_preformatted": shape(
                        {"elements": many(_LEAVES, _MOST, 0)}, {"border": whole, "language": string(255)}
                    ),
                    "rich_text_list": shape(
                        {
                            "style": word("bullet", "ordered"),
                            "elements": many(typed({"rich_text_section": _SECTION}), _MOST, 0),
                        },
                        {"indent": whole, "offset": whole, "border": whole},
                    ),
                }
            ),
            _MOST,
            0,
        )
    },
    {"block_id": string(255)},
)
RAW_TEXT: Rule = shape({"text": string(3000)})
COLUMN: Rule = shape({}, {"align": word("left", "center", "right"), "is_wrapped": boolean})

"""Every button and form there is, found where it is drawn: in the gallery, in the source, in the templates."""

import ast
import json
import re
from collections.abc import Iterator
from typing import Any

from bot.adapters.slack.gallery import gallery
from tests.house.tree import ROOT

TEMPLATES = ROOT / "bot" / "web" / "templates"
_MAKERS = ("Choice", "button", "option", "Offer")


def shown() -> Iterator[str]:
    """Give the verb of every button and entry of a menu that the gallery shows."""
    found: list[Any] = [sample.body for sample in gallery()]
    while found:
        part = found.pop()
        found += part.values() if isinstance(part, dict) else part if isinstance(part, list) else []
        value = part.get("value") if isinstance(part, dict) else None
        if isinstance(value, str) and value.startswith('{"do"'):
            yield json.loads(value)["do"].partition(" ")[0]


def written() -> Iterator[str]:
    """Give the verb of every button that is written somewhere in the source, as far as its words begin with one."""
    for file in [path for folder in ("bot", "handlers", "playbooks") for path in (ROOT / folder).rglob("*.py")]:
        text = file.read_text()
        if any(f"{name}(" in text for name in _MAKERS):
            yield from filter(None, map(_verb, filter(_makes_button, ast.walk(ast.parse(text)))))


def _makes_button(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _MAKERS


def _verb(call: Any) -> str:
    words = call.args[1] if len(call.args) > 1 else None
    first = words.values[0] if isinstance(words, ast.JoinedStr) and words.values else words
    said = first.value if isinstance(first, ast.Constant) else ""
    return said.partition(" ")[0] if isinstance(said, str) and re.match(r"[a-z]", said) else ""


def posts() -> Iterator[str]:
    """Give where each form leads that is sent by POST, and each button that leads elsewhere than its form.

    The file's name and the address; what is drawn into that stands as {}.
    """
    for file in sorted(TEMPLATES.glob("*.html")):
        for tag in re.findall(r"<(?:form|button)\b(?:\{\{.*?\}\}|[^>])*>", file.read_text()):
            way = re.search(r'(?:form)?action="([^"]*)"', tag)
            if 'method="post"' in tag or "formaction=" in tag:
                drawn = re.sub(r"\{\{.*?\}\}", "{}", way[1]) if way else ""
                key = f"{file.name} {drawn}"
                yield key

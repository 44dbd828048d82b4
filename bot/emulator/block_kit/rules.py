"""Small rules that combine into shapes; each appends what is wrong, in Slack's words, with a JSON pointer."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Problem:
    """One broken rule at one place."""

    pointer: str
    message: str
    kind: str
    expected: Any = None

    def line(self, prefix: str) -> str:
        """Render as Slack's message line; `prefix` is the argument the pointer is below."""
        return f"{self.message} [json-pointer:{prefix}{self.pointer}]"

    def entry(self) -> dict[str, Any]:
        """Render as blocks.validate lists it."""
        constraint = {"type": self.kind, "expected": self.expected}
        return {
            "code": "failed_constraint",
            "pointer": self.pointer,
            "message": self.message,
            "constraint": constraint,
        }


Problems = list[Problem]
Rule = Callable[[Any, str, Problems], None]


def string(most: int, least: int = 1) -> Rule:
    """Accept text of so many characters."""

    def rule(value: Any, pointer: str, problems: Problems) -> None:
        if not isinstance(value, str):
            problems.append(Problem(pointer, "must be a string", "type", "string"))
        elif len(value) > most:
            problems.append(Problem(pointer, f"must be less than {most + 1} characters", "max_length", most))
        elif len(value) < least:
            problems.append(Problem(pointer, f"must be more than {least - 1} characters", "min_length", least))

    return rule


def boolean(value: Any, pointer: str, problems: Problems) -> None:
    """Accept true and false."""
    if not isinstance(value, bool):
        problems.append(Problem(pointer, "must be a boolean", "type", "boolean"))


def whole(value: Any, pointer: str, problems: Problems) -> None:
    """Accept a whole number."""
    if not isinstance(value, int) or isinstance(value, bool):
        problems.append(Problem(pointer, "must be an integer", "type", "integer"))


def anything(_value: Any, _pointer: str, _problems: Problems) -> None:
    """Accept what this emulator keeps but does not look into."""


def word(*allowed: str) -> Rule:
    """Accept one of a few words."""

    def rule(value: Any, pointer: str, problems: Problems) -> None:
        if value not in allowed:
            problems.append(Problem(pointer, "must be a valid enum value", "enum", list(allowed)))

    return rule


def many(item: Rule, most: int, least: int = 1) -> Rule:
    """Accept a list of so many items, each by the given rule."""

    def rule(value: Any, pointer: str, problems: Problems) -> None:
        if not isinstance(value, list):
            problems.append(Problem(pointer, "must be an array", "type", "array"))
            return
        if len(value) > most:
            problems.append(Problem(pointer, f"no more than {most} items allowed", "max_items", most))
        if len(value) < least:
            problems.append(Problem(pointer, f"no fewer than {least} items allowed", "min_items", least))
        for index, entry in enumerate(value):
            item(entry, f"{pointer}/{index}", problems)

    return rule


def shape(required: Mapping[str, Rule], optional: Mapping[str, Rule] | None = None, also: Rule | None = None) -> Rule:
    """Accept an object with exactly these fields; `also` looks at the object as a whole."""
    fields = {**(optional or {}), **required}

    def rule(value: Any, pointer: str, problems: Problems) -> None:
        if not isinstance(value, dict):
            problems.append(Problem(pointer, "must be an object", "type", "object"))
            return
        for name in required:
            if name not in value:
                problems.append(Problem(pointer, f"missing required field: {name}", "required", name))
        for name, entry in value.items():
            if name == "type":
                continue
            if name not in fields:
                problems.append(Problem(pointer, f"invalid additional property: {name}", "additional_property", name))
            else:
                fields[name](entry, f"{pointer}/{name}", problems)
        if also is not None:
            also(value, pointer, problems)

    return rule


def typed(shapes: Mapping[str, Rule]) -> Rule:
    """Accept an object whose `type` picks its shape."""

    def rule(value: Any, pointer: str, problems: Problems) -> None:
        if not isinstance(value, dict):
            problems.append(Problem(pointer, "must be an object", "type", "object"))
            return
        kind = value.get("type")
        if kind is None:
            problems.append(Problem(pointer, "missing required field: type", "required", "type"))
        elif not isinstance(kind, str) or kind not in shapes:
            problems.append(Problem(f"{pointer}/type", f"unsupported type: {kind}", "type", sorted(shapes)))
        else:
            shapes[kind](value, pointer, problems)

    return rule


def only(shapes: Mapping[str, Rule], names: Sequence[str]) -> Rule:
    """Accept some of the typed shapes."""
    return typed({name: shapes[name] for name in names})

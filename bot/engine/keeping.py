"""How what is kept between runs is changed, whoever else changes it at the same time."""

from collections.abc import Callable
from typing import TypeVar

from bot.engine.tools import adapter_of
from bot.ports import Marks, Tx

T = TypeVar("T")
_TRIES = 5


def change_kept(marks: Marks, tx: Tx, key: str, of: type[T], change: Callable[[T | None], T]) -> bool:
    """Change what is kept under a key (None: nothing); False: it stays as it is.

    :raises RuntimeError: it was changed by others again and again.
    """
    adapter = adapter_of(of)
    for _ in range(_TRIES):
        was = marks.get(tx, key)
        known: T | None = adapter.validate_json(was) if was else None
        changed = change(known)
        if changed == known:
            return False
        if marks.swap(tx, key, was, adapter.dump_json(changed).decode()):
            return True
    raise RuntimeError(f"{key} changed {_TRIES} times while it was to be changed")

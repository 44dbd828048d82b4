from typing import Any

import pytest

from bot.emulator.errors import SlackError
from bot.emulator.identifiers import Identifiers
from bot.emulator.views import DEEPEST, Views
from tests.unit.emulator.workspaces import ADA, BEN, workspace


def modal(**fields: Any) -> dict[str, Any]:
    return {"type": "modal", "title": {"type": "plain_text", "text": "T"}, "blocks": [], **fields}


@pytest.fixture
def views() -> Views:
    return Views(workspace(), Identifiers())


def test_each_person_has_a_stack(views: Views) -> None:
    root = views.open(ADA, modal())
    top = views.push(ADA, modal())
    views.open(BEN, modal())
    assert [view.id for view in views.stacks[ADA]] == [root.id, top.id]
    assert (top.root_id, top.previous_id) == (root.id, root.id)


def test_a_stack_is_three_deep_at_most(views: Views) -> None:
    views.open(ADA, modal())
    for _ in range(DEEPEST - 1):
        views.push(ADA, modal())
    with pytest.raises(SlackError, match="push_limit_reached"):
        views.push(ADA, modal())


def test_an_update_with_an_old_hash_is_refused(views: Views) -> None:
    view = views.open(ADA, modal())
    old = view.hash
    views.update(view, modal(), old)
    with pytest.raises(SlackError, match="hash_conflict"):
        views.update(view, modal(), old)


def test_closing_the_lower_one_closes_what_is_above(views: Views) -> None:
    root = views.open(ADA, modal())
    top = views.push(ADA, modal())
    assert views.close(root) == [top, root]
    assert views.stacks[ADA] == []


def test_clear_on_close_closes_the_whole_stack(views: Views) -> None:
    root = views.open(ADA, modal())
    top = views.push(ADA, modal(clear_on_close=True))
    assert views.close(top) == [top, root]


def test_an_open_external_id_is_not_used_twice(views: Views) -> None:
    views.open(ADA, modal(external_id="x"))
    assert views.find(external_id="x").user == ADA
    with pytest.raises(SlackError, match="duplicate_external_id"):
        views.open(BEN, modal(external_id="x"))


def test_a_home_tab_is_kept(views: Views) -> None:
    first = views.publish(ADA, {"type": "home", "blocks": []})
    assert views.publish(ADA, {"type": "home", "blocks": []}, first.hash) is first


def test_an_update_keeps_what_was_typed_in_blocks_that_stay(views: Views) -> None:
    view = views.open(ADA, modal())
    view.state = {"kept": {"a": {}}, "gone": {"a": {}}}
    views.update(view, modal(blocks=[{"type": "divider", "block_id": "kept"}]))
    assert list(view.state) == ["kept"]

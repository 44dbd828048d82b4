"""How a service's builds are guarded, by its table."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from bot.domain.guard_plan import GuardPlan, Reason
from bot.domain.incident import Severity
from bot.domain.service import Catalog
from bot.settings import ConfigRefused, read
from bot.settings.services import ServiceTable, watched
from handlers.schedule import guards


def plan(**table: Any) -> GuardPlan | None:
    return watched(ServiceTable(name="shop", guard=table)).guard


def test_the_whole_table_is_taken() -> None:
    table = {"env": "prod", "branches": ("main", "release/1"), "opens": ["dirty_tree"], "severity": "SEV2"}
    expected = GuardPlan(
        "prod", ("main", "release/1"), frozenset({Reason.DIRTY_TREE}), Severity.SEV2, stamped=True, cron="5 * * * *"
    )
    assert plan(**table, stamped=True, cron="5  * * * *") == expected
    assert plan() == GuardPlan()
    assert watched(ServiceTable(name="shop")).guard is None


@pytest.mark.parametrize(
    "table",
    [
        {"env": "a b"}, {"branches": ["--all"]}, {"branches": ["a..b"]}, {"opens": ["rain"]}, {"cron": "often"},
    ],
)  # fmt: skip
def test_a_table_that_cannot_be_is_refused(table: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        plan(**table)


@pytest.mark.parametrize("token", ["two words", "s3cret\n", "t\u00f6ken", "ada:s3cret\n"])
def test_a_token_that_cannot_be_shown_is_refused_and_not_told(token: str, tmp_path: Path) -> None:
    (tmp_path / "firstfive.toml").touch()
    environment = {"FIRSTFIVE_CONFIG": str(tmp_path / "firstfive.toml")}
    taken = read({**environment, "FIRSTFIVE_PUSHGATEWAY_TOKEN": "ada:pass w\u00f6rd: 1"})
    assert taken.firstfive_pushgateway_token == "ada:pass w\u00f6rd: 1"
    with pytest.raises(ConfigRefused) as refused:
        read({**environment, "FIRSTFIVE_PUSHGATEWAY_TOKEN": token})
    assert str(refused.value).startswith("FIRSTFIVE_PUSHGATEWAY_TOKEN (environment): ")
    assert token.strip() not in str(refused.value)


def test_a_guarded_service_is_looked_at_by_its_cron_line() -> None:
    services = (watched(ServiceTable(name="shop", guard={"cron": "*/5 * * * *"})), watched(ServiceTable(name="other")))
    (timed,) = guards(Catalog(services))
    assert (timed.name, timed.playbook, timed.params) == ("guard:shop", "guard", {"service": "shop"})
    assert timed.slots.cron == "*/5 * * * *"

import pytest

import playbooks
from bot.domain.service import Catalog, Service
from bot.engine.playbook import load
from bot.engine.shell import typed_here

REGISTRY = load(playbooks)
CATALOG = Catalog((Service("checkout", ()),))


@pytest.mark.parametrize(
    ("slack", "here"),
    [
        ("drill checkout off", "drill service=checkout off=yes"),
        ("drill goroutine-leak small target=checkout-2", "drill target=checkout-2 class=goroutine-leak size=small"),
        ("list", "list"),
        ("status INC-3", "status incident=INC-3"),
        ("resolve", "resolve incident=INC-7"),
        ("milestone mitigated at=HH:MM", "milestone at=HH:MM milestone=mitigated incident=INC-7"),
        ("cancel it never was one", "cancel 'reason=it never was one' incident=INC-7"),
        ("start sev2 checkout is slow", "start severity=SEV2 service=checkout 'title=is slow'"),
    ],
)
def test_what_is_typed_in_slack_is_told_as_it_is_typed_here(slack: str, here: str) -> None:
    told = typed_here(f"`/incident {slack}` ends it.", REGISTRY, CATALOG, "INC-7")

    assert told == f"`firstfive run {here}` ends it."


@pytest.mark.parametrize(
    "text",
    [
        "`/incident start [sev1|sev2] [SERVICE]`",
        "`/incident nosuchverb`",
        "`/incident thaw nowhere`",
        "Nothing was on.",
    ],
)
def test_what_cannot_be_typed_as_it_stands_stays_as_it_is(text: str) -> None:
    assert typed_here(text, REGISTRY, CATALOG, "INC-7") == text

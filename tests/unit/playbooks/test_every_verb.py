"""What holds for every verb, the ones not written yet too."""

import pytest

from bot.domain.run import RunStatus
from bot.domain.traffic import CLOSED
from bot.engine.grammar import usage
from tests.fakes import FakeRouter
from tests.unit.playbooks.desk import REGISTRY, desk

WORDS = {
    "audit": "metrics checkout",
    "alert": "group=nothing",
    "paging": "key=nothing",
    "propose": "group=nothing",
    "break-glass": "it burns",
    "cancel": "a false alarm",
    "bisect": "checkout test=TestPay",
    "breach": "checkout",
    "canary": "checkout",
    "changes": "checkout",
    "diagnose": "checkout",
    "deny": "obstacle=malformed it is no JSON",
    "deploy": "checkout release=v1.2.3",
    "drill": "checkout goroutine-leak",
    "drilling": "checkout",
    "dye": "checkout",
    "freeze": "checkout a migration",
    "gate": f"checkout release=v1.2.3 digest=sha256:{'a' * 64}",
    "impact": "1 in 5 checkouts fails",
    "milestone": "acknowledged",
    "note": "hello",
    "override": "checkout v1.2.3 it is the fix",
    "packets": "checkout target=nothing",
    "page": "checkout you are needed",
    "redact": "entry=999 it names a customer",
    "role": "scribe",
    "service": "payment",
    "severity": "sev1",
    "run": "checkout restart",
    "snapshot": "checkout",
    "snooze": "30m",
    "standing": "checkout on",
    "thaw": "checkout",
    "trace": "4bf92f3577b34da6a3ce929d0e0e4736",
    "update": "hello",
    "watch": "checkout",
}


@pytest.mark.parametrize("verb", REGISTRY)
async def test_it_answers_and_never_breaks(verb: str) -> None:
    house = desk(router=FakeRouter(CLOSED))
    await house.say("start sev3 checkout slow")
    await house.say("mitigate INC-1")
    ended = await house.say(f"{verb} incident=INC-1 {WORDS.get(verb, '')}")
    assert ended.status.ended
    assert "error of FirstFive itself" not in ended.reason
    if ended.status is RunStatus.DONE:
        assert ended.result
    else:
        assert ended.reason.endswith((".", "?"))


@pytest.mark.parametrize("verb", REGISTRY)
def test_its_help_is_fit_to_be_read(verb: str) -> None:
    playbook = REGISTRY[verb]
    assert playbook.name == verb
    assert playbook.summary.endswith(".")
    assert playbook.params.__doc__
    assert usage(playbook).startswith(f"/incident {verb}")
    assert all(step.title[0].isupper() for step in playbook.steps)

"""The gallery has a sample of everything that is shown, and Slack, as far as the oracles know it, takes each."""

import json

import playbooks
from bot.adapters.slack.gallery import gallery, tell
from bot.adapters.slack.posts import _ALONE, _CHANGES
from bot.domain.run import Source
from bot.domain.service import Catalog, Service
from bot.engine.fields import questions
from bot.engine.playbook import load
from handlers.slack_forms import Occasion, form
from tests.oracles.sent import Sent
from tests.oracles.verdict import verdict


def test_everything_that_is_posted_is_there() -> None:
    told = {entry.kind for entry in tell(lambda text: text)}
    assert {*_ALONE, *_CHANGES} - told == set()
    names = {sample.name for sample in gallery()}
    assert {f"post: {kind}" for kind in (*_ALONE, *_CHANGES)} - names == set()
    assert {f"card: {state}" for state in ("new", "mitigated", "resolved", "closed", "merged")} - names == set()


def test_no_sample_hides_another() -> None:
    names = [sample.name for sample in gallery()]
    assert sorted(set(names)) == sorted(names)
    assert {"post: judged 4", "card: with a bad canary"} <= set(names)


def test_it_is_the_same_at_every_call() -> None:
    assert gallery() == gallery()


def test_slack_takes_every_sample() -> None:
    assert verdict(Sent(one.name, one.kind, json.loads(json.dumps(one.body))) for one in gallery()) == []


def test_slack_takes_every_form() -> None:
    catalog = Catalog(tuple(Service(f"service-{n}", ()) for n in range(120)))
    here = Occasion(Source("C1", "inc-7", "https://hooks.slack.com/commands/1", "", "T1"), "U0ADA0001", "INC-7")
    forms = [form(verb, catalog, here) for verb in load(playbooks).values() if questions(verb, catalog, {})]
    assert len(forms) > 10
    assert verdict(Sent(view["callback_id"], "view", json.loads(json.dumps(view))) for view in forms) == []

"""What somebody is offered to do about an incident on its page: as buttons that do it, and as ways to a form."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from bot.domain.errors import CommandRejected, WordsMissing
from bot.domain.incident import Incident
from bot.domain.offers import VERBS, Offer, offers, unfit
from bot.domain.service import Catalog
from bot.domain.timeline import Person
from bot.engine.grammar import parse
from bot.engine.permission import hindrance
from bot.engine.playbook import Danger, Playbook, Registry

START, DECLARE = "start", "/declare"


@dataclass(frozen=True)
class Action:
    """A way to ask for a verb: `press` does it at once, else `path` is its form. `why_not`: it may not be asked for."""

    label: str
    path: str
    press: bool = False
    first: bool = False
    summary: str = ""
    why_not: str = ""


@dataclass(frozen=True)
class Offered:
    """What is seen at once, what is looked for, and every verb that fits by what it is for."""

    shown: tuple[Action, ...]
    more: tuple[Action, ...]
    every: Mapping[str, tuple[Action, ...]]


@dataclass(frozen=True)
class Counter:
    """Works out what is offered, from the same registry and words as in Slack."""

    registry: Registry
    catalog: Catalog

    def offered(self, incident: Incident, person: Person) -> Offered:
        """Say what fits an incident's state, for somebody."""
        service = self.catalog.service(incident.service)
        found = offers(incident, routed=service is not None and service.route is not None)
        every = {
            title: tuple(self._listed(verb, incident, person) for verb in verbs if self._fits(incident, verb))
            for title, verbs in VERBS.items()
        }
        shown, more = ([self._action(each, incident, person) for each in some] for some in (found.shown, found.more))
        return Offered(tuple(shown), tuple(more), {title: verbs for title, verbs in every.items() if verbs})

    def action(self, label: str, words: str, incident_id: str) -> Action | None:
        """Read the words behind a button; None when they are no verb's."""
        try:
            parsed = parse(self.registry, words, self.catalog)
        except WordsMissing as missing:
            return Action(label, path(missing.incident_id or incident_id, missing.verb, missing.given))
        except CommandRejected:
            return None
        playbook, given = self.registry[parsed.playbook], {key: each for key, each in parsed.params.items() if each}
        if playbook.name not in _OF_INCIDENTS:
            return Action(label, DECLARE) if playbook.name == START else None
        is_form = playbook.danger is Danger.MUTATING or (playbook.form and not given)
        return Action(label, path(parsed.incident_id or incident_id, playbook.name, given), press=not is_form)

    def _action(self, offer: Offer, incident: Incident, person: Person) -> Action:
        read = self.action(offer.label, offer.words, incident.id)
        made = read or Action(offer.label, path(incident.id, offer.verb, {}))
        why_not = self.why_not(self.registry[offer.verb], incident, person)
        return Action(made.label, made.path, made.press and not offer.asks, offer.first, why_not=why_not)

    def _listed(self, verb: str, incident: Incident, person: Person) -> Action:
        playbook = self.registry[verb]
        way = path(incident.id, playbook.name, {})
        why_not = self.why_not(playbook, incident, person)
        return Action(title(playbook), way, summary=playbook.summary, why_not=why_not)

    def _fits(self, incident: Incident, verb: str) -> bool:
        return verb in self.registry and not unfit(incident, verb)

    def why_not(self, playbook: Playbook, incident: Incident, person: Person) -> str:
        """Say why somebody need not ask for a verb about the incident's service; "" when they may."""
        return hindrance(playbook, person, self.catalog.service(incident.service))


_OF_INCIDENTS = {verb for verbs in VERBS.values() for verb in verbs}


def title(playbook: Playbook) -> str:
    """Name a verb's form."""
    return playbook.form or playbook.name.replace("-", " ").capitalize()


def path(incident_id: str, verb: str, given: Mapping[str, Any]) -> str:
    """Give the address of a verb's form, filled in."""
    said = {key: value for key, value in given.items() if value not in (None, "", False, ())}
    words = {key: "yes" if value is True else value for key, value in said.items()}
    return f"/incidents/{quote(incident_id, safe='')}/do/{verb}{'?' if words else ''}{urlencode(words)}"

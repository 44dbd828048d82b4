"""What fits an incident's state, as one row of buttons and a menu."""

from bot.adapters.slack.blocks import Around, Json, actions, button, link_button, menu, option, plain, section, select
from bot.domain.incident import Incident
from bot.domain.offers import MOST_SHOWN, Offer, offers

_MENU = 5
_MOST_SERVICES = 100


def state_buttons(incident: Incident, around: Around) -> Json:
    """Give one row: what fits now, at most five of them visible, as many as a menu holds behind it."""
    about = f"incident={incident.id}"
    found = offers(incident, routed=incident.service in around.routed)
    shown = [_button(offer, incident) for offer in found.shown[:MOST_SHOWN]]
    if incident.is_over:
        return actions([*shown, link_button("Incident page", around.page(incident.id))])
    rest = menu("More", [option(offer.label, f"{offer.words} {about}") for offer in found.more[:_MENU]])
    return actions([*shown, rest])


def service_question(incident: Incident, around: Around) -> list[Json]:
    """Ask which service it is, while nobody has named one."""
    if incident.service or incident.is_over or not around.services:
        return []
    about, text = f"was=- incident={incident.id}", "Which service is it? Its capture starts at once."
    if len(around.services) == 1:
        [name] = around.services
        return [section(text), actions([button(name, f"service {name} {about}")])]
    offered = [option(name, f"service {name} {about}") for name in around.services[:_MOST_SERVICES]]
    return [select(text, "Choose a service", offered)]


def _button(offer: Offer, incident: Incident) -> Json:
    words, style = f"{offer.words} incident={incident.id}", "primary" if offer.first else ""
    return button(offer.label, words, style=style, confirm=_confirm(offer, incident) if offer.asks else None)


def _confirm(offer: Offer, incident: Incident) -> Json:
    verb = offer.verb.capitalize()
    return {
        "title": plain(f"{verb} {incident.id}?", 100),
        "text": plain(offer.asks, 300),
        "confirm": plain(verb, 30),
        "deny": plain("Not yet", 30),
    }

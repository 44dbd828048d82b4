"""Which buttons fit an incident's state. A button carries what was seen, so that a stale one asks before it takes."""

from bot.adapters.slack.blocks import Around, Json, actions, button, link_button, menu, option, plain, section, select
from bot.domain.incident import Incident, Status
from bot.domain.measures import Milestone

_MOST_VISIBLE = 5
_MOST_SERVICES = 100


def state_buttons(incident: Incident, around: Around) -> Json:
    """Give one row: what fits now, at most five of them visible, the rest behind a menu.

    One of them stands out; none while something waits for approval, which stands out itself.
    """
    about = f"incident={incident.id}"
    if incident.is_over:
        over = _toned(incident, _over(incident, about))
        return actions([*over, link_button("Incident page", around.page(incident.id))])
    shown, more = _mitigated(incident, about) if incident.status is Status.MITIGATED else _open(incident, about)
    rest = menu("More", [option(label, f"{words} {about}") for label, words in more])
    return actions([*_toned(incident, shown[:_MOST_VISIBLE]), rest])


def _toned(incident: Incident, buttons: list[Json]) -> list[Json]:
    if not incident.waiting:
        return buttons
    return [{key: value for key, value in each.items() if (key, value) != ("style", "primary")} for each in buttons]


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


def _open(incident: Incident, about: str) -> tuple[list[Json], list[tuple[str, str]]]:
    """Give the buttons of an open incident; the first is what is missing most."""
    buttons, more = [], []
    if Milestone.ACKNOWLEDGED not in incident.milestones:
        buttons.append(button("Acknowledge", f"ack {about}", style="primary"))
    if incident.commander is None:
        buttons.append(_command(about, style="" if buttons else "primary"))
    else:
        more.append(_take_over(incident))
    buttons.append(button("Mitigated", f"mitigate {about}", style="" if buttons else "primary"))
    buttons.append(button("Resolved", f"resolve saw=open {about}", confirm=_confirm(incident)))
    if len(buttons) < _MOST_VISIBLE - 1:
        buttons.append(button("Send update", f"update {about}"))
    else:
        more.append(("Send update", "update"))
    buttons.append(button("Add note", f"note {about}"))
    return buttons, [*more, *_seldom(incident)]


def _mitigated(incident: Incident, about: str) -> tuple[list[Json], list[tuple[str, str]]]:
    buttons = [
        button("Resolved", f"resolve saw=mitigated {about}", style="primary", confirm=_confirm(incident)),
        button("Send update", f"update {about}"),
        button("Add note", f"note {about}"),
    ]
    if incident.commander is None:
        buttons.append(_command(about))
    held = [] if incident.commander is None else [_take_over(incident)]
    return buttons, [*held, ("Reopen", "reopen"), *_seldom(incident)[:3]]


def _over(incident: Incident, about: str) -> list[Json]:
    """Give the buttons of what is over; what does not count has no postmortem to be written."""
    buttons = [button("Postmortem", f"postmortem {about}", style="primary")] if incident.counts else []
    buttons += [button("Add note", f"note {about}"), button("Reopen", f"reopen {about}")]
    if incident.status is Status.RESOLVED:
        buttons.append(button("Close", f"close {about}"))
    return buttons


def _seldom(incident: Incident) -> list[tuple[str, str]]:
    impact = ("Change the impact" if incident.impact else "Say who is hit", "impact")
    capture = [("Take a snapshot", "snapshot")] if incident.service else []
    return [impact, *capture, ("Change severity", "severity")]


def _command(about: str, style: str = "") -> Json:
    return button("Take command", f"role commander me was=- {about}", style=style)


def _take_over(incident: Incident) -> tuple[str, str]:
    holder = incident.commander.id if incident.commander else "-"
    return "Take command", f"role commander me was={holder}"


def _confirm(incident: Incident) -> Json:
    hint = " If users are safe but the cause is not gone: Mitigated." if incident.status is Status.OPEN else ""
    return {
        "title": plain(f"Resolve {incident.id}?", 100),
        "text": plain(f"Do this when the cause is gone.{hint}", 300),
        "confirm": plain("Resolve", 30),
        "deny": plain("Not yet", 30),
    }

"""Bring in whoever wrote the commit that a bisect found, and tell them why."""

from bot.engine import CommandRejected, Keyed, Kind, Missing, Params, Playbook, Reply, Tools, authors

_HELD_S = 60.0


class Author(Params):
    """Of which commit (the latest culprit, if left out); a bisect must have named it."""

    commit: Keyed = ""


playbook = Playbook("author", "Bring in who wrote the culprit.", Author, needs_incident=True)


@playbook.step("Bring the author in")
async def bring(tools: Tools, params: Author) -> Reply:
    """Look the author up by the e-mail in the commit; pressed twice, they are told once."""
    incident = await tools.incident()
    told = authors.named(incident.bisects, params.commit)
    if told is None or told.culprit is None:
        what = f"{params.commit[:40]} as the culprit" if params.commit else "a culprit"
        raise CommandRejected(f"No bisect of {incident.id} has named {what}.")
    made = told.culprit
    by_hand = "`/incident join @name` brings in whom you know it to be."
    if why := authors.out_of_reach(made):
        return Reply(f"Nobody is brought in for {made.short}: {why}. {by_hand}")
    person = await tools.ports.directory.with_mail(made.email)
    if isinstance(person, Missing):
        return Reply(f"Nobody is brought in for {made.short}: {person.reason}. {by_hand}")
    if person.id in {each.id for each in incident.people}:
        return Reply(f"{person.name}, who wrote {made.short}, takes part in {incident.id} already.")
    if await tools.hold(f"author:{incident.id}:{person.id}", _HELD_S) != tools.run_id:
        return Reply(f"{person.name} is being brought in already.")
    tools.record(Kind.JOINED, person=person.id, name=person.name, how="author", why=authors.called(told, made))
    return Reply(f"{person.name} is invited to {incident.id} and told there why.")

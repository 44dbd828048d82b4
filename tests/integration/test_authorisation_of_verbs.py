"""Who may give which verb: each of them, by every way in, for every role; and every button and form leads to one."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio

from bot.domain.offers import VERBS
from bot.domain.timeline import Kind, Person
from handlers.approvals import VERBS as DECIDING
from handlers.slack_events import PICK, PRESENCE
from tests.buttons import TEMPLATES, posts, shown, written
from tests.cosigned import DIGEST
from tests.integration.doors import ELSEWHERE, Doors, running_doors
from tests.integration.test_authorisation import RULES
from tests.roles import APPROVER, ASKER, MEMBER, ROLES, SIGNED_IN, opened

pytestmark = pytest.mark.asyncio(loop_scope="module")

# Verb, what it takes, where it is asked for besides by words, and words that make a command of it.
# ALONE: whoever may give commands. RIGHT: whoever may approve for the service, alone. SECOND: a second person must
# agree. DECIDES: is the word of that second person.
# page: a form of an incident's page. declare, approvals: forms of their own. button: in Slack, where all can be typed.
TABLE = """
ack          ALONE   page,button
action       ALONE   page,button  write the runbook
alert        ALONE   button       group=nothing
anchor       ALONE   -
approve      DECIDES approvals,button
audit        ALONE   page         metrics shop
author       ALONE   page,button
bisect       ALONE   page         shop test=TestPay good=nowhere
breach       ALONE   -            shop
break-glass  DECIDES approvals,button  it burns
bundle       ALONE   page
canary       ALONE   page         shop
cancel       ALONE   page         a load test
changes      ALONE   page         shop
close        ALONE   page,button
deploy       ALONE   -            shop release=v2
deny         ALONE   -            obstacle=malformed it is no JSON
diagnose     ALONE   page,button  shop
digest       ALONE   -
doctor       ALONE   -
drill        ALONE   button       shop goroutine-leak
drilling     ALONE   -            shop
dye          ALONE   page         shop
empty        SECOND  page         shop
freeze       RIGHT   page         shop a migration
gate         ALONE   -            shop release=v2 digest=DIGEST
guard        ALONE   page         shop
help         ALONE   -
impact       ALONE   page,button  1 in 5 fails
join         ALONE   page,button
list         ALONE   button
merge        ALONE   page,button  into=INC-99
milestone    ALONE   page         acknowledged
mitigate     ALONE   page,button
note         ALONE   page,button  it is the cache
oncall       ALONE   page
override     SECOND  page         shop v2 it is the fix
packets      SECOND  page         shop
page         ALONE   page         shop you are needed
paging       ALONE   -            key=nothing
pick         ALONE   -            https://x.slack.com/archives/C1/p1700000000000000
playbooks    ALONE   -
postmortem   ALONE   page,button
presence     ALONE   -            channel=C1 person=U1
propose      ALONE   -            group=nothing
redact       SECOND  page         entry=1 a name
refuse       DECIDES approvals,button
remind       ALONE   -
reopen       ALONE   page,button
resolve      ALONE   page,button
restore      SECOND  page,button  shop
retention    ALONE   -
role         ALONE   page,button  scribe
rollback     SECOND  page,button  shop it fails
run          SECOND  page         shop flush
service      ALONE   page,button  shop
severity     ALONE   page,button  sev4
snapshot     ALONE   page,button  shop
snooze       ALONE   page,button  30m
sop          ALONE   page,button
stalk        ALONE   -            on shop
standing     SECOND  page         shop on
start        ALONE   declare,button  sev4 another one
status       ALONE   button
thaw         RIGHT   page         shop
trace        ALONE   page         4bf92f3577b34da6a3ce929d0e0e4736
update       ALONE   page,button  rolling back
watch        ALONE   -            shop
"""


@dataclass(frozen=True)
class Verb:
    """A line of the table."""

    takes: str
    places: frozenset[str]
    words: str

    @classmethod
    def read(cls, line: str) -> tuple[str, "Verb"]:
        name, takes, places, *words = line.split(maxsplit=3)
        return name, cls(takes, frozenset(places.split(",")) - {"-"}, "".join(words).replace("DIGEST", DIGEST))


GIVEN = dict(Verb.read(line) for line in TABLE.strip().split("\n"))
# The posts of all templates: where a form or its button leads. What is drawn in stands as {}.
FORMS = {
    "approval.html ": "/approvals/{run_id}",
    "base.html /sign-out": "/sign-out",
    "do.html {}": "/incidents/{incident_id}/do/{verb}",
    "items.html {}": "/incidents/{incident_id}/do/{verb}",
    "parts.html ": "/incidents/{incident_id}/do/{verb}",
    "parts.html {}": "/incidents/{incident_id}/do/{verb}",
    "postmortem.html {}/publish": "/incidents/{incident_id}/postmortem/publish",
    "postmortem.html {}/review": "/incidents/{incident_id}/postmortem/review",
    "postmortem_edit.html {}/edit/{}": "/incidents/{incident_id}/postmortem/edit/{section}",
    "tokens.html ": "/settings/tokens",
    "tokens.html {}": "/settings/tokens/revoke",
}
DRAWN_AS_DO = {"/declare"}
"""The form of `start` is drawn as that of every other verb."""
WAIT_FOR_THE_ENGINE = ("/review", "/publish")
"""What these come to is seen in tests/unit/handlers/test_postmortems.py."""
NOT_INSTALLED = "FirstFive is not installed in this workspace"
NOT_THERE = "There is no {}. /incident list shows the open ones."


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def doors(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Doors]:
    async with running_doors(tmp_path_factory.mktemp("verbs")) as given:
        yield given


async def test_every_verb_is_in_the_table(doors: Doors) -> None:
    registry = doors.roles.console.house.registry
    assert set(registry) - set(GIVEN) == set(), "say in TABLE who may give it"
    assert set(GIVEN) - set(registry) == set(), "it is gone: take it out of TABLE"
    second = {name for name, each in registry.items() if any(each.asks(step) for step in each.steps)}
    assert {name for name, verb in GIVEN.items() if verb.takes == "SECOND"} == second
    assert {name for name, verb in GIVEN.items() if verb.takes == "DECIDES"} == set(DECIDING)
    assert {PICK, PRESENCE} <= set(GIVEN)


async def test_every_place_of_a_verb_is_in_the_table() -> None:
    assert at("page") == {verb for verbs in VERBS.values() for verb in verbs}
    assert at("approvals") == set(DECIDING)
    assert set(re.findall(r'name="verb" value="([^"]+)"', (TEMPLATES / "approval.html").read_text())) == set(DECIDING)
    assert at("button") == set(shown()) | set(written()), "say in TABLE that a button stands for it"


async def test_every_form_leads_to_a_route_that_asks_for_a_seal() -> None:
    assert set(posts()) == set(FORMS)
    forms = {path for (method, path), rule in RULES.items() if method == "POST" and rule == "FORM"}
    assert {*FORMS.values(), *DRAWN_AS_DO} - {"/sign-out"} == forms


@pytest.mark.parametrize("role", ROLES)
async def test_a_command_about_a_private_incident_is_for_who_takes_part(doors: Doors, role: str) -> None:
    wanted = {"signed out": 401, "stranger": 401, "token read": 403, "takes part": 202}.get(role, 404)
    told = {}
    for name, verb in GIVEN.items():
        answer = await doors.command(role, f"{name} {verb.words}", doors.roles.private["incident_id"])
        told[name] = answer.status_code
        if wanted == 202 and answer.status_code == wanted:
            run = await doors.run(answer.json()["run"])
            assert run is not None
            assert (run.plan.playbook, run.actor.id, run.source.via) == (name, "oidc:takes-part", "api")
    assert {name: status for name, status in told.items() if status != wanted} == {}


@pytest.mark.parametrize("role", ROLES)
async def test_the_form_of_a_verb_is_for_who_takes_part_and_only_of_verbs_that_have_one(
    doors: Doors, role: str
) -> None:
    refused = {"signed out": 303, "stranger": 303}.get(role, 403 if role.startswith("token") else 404)
    wrong = []
    for name in GIVEN:
        path = f"/incidents/{doors.roles.private['incident_id']}/do/{name}"
        is_theirs = role == "takes part" and name in at("page")
        got = (await doors.roles.clients[role].get(path)).status_code
        wrong += [] if got == (200 if is_theirs else refused) else [(name, "GET", got)]
        if not is_theirs and name in {"note", "pick"}:
            got = await doors.post(role, path, text="x")
            wrong += [] if got == refused else [(name, "POST", got)]
    assert wrong == []


@pytest.mark.parametrize("role", ROLES)
async def test_every_form_with_a_seal_is_for_who_may_see_what_it_is_about(doors: Doors, role: str) -> None:
    wrong = []
    for path in sorted({*FORMS.values(), *DRAWN_AS_DO} - {"/sign-out"}):
        if role == "takes part" and path.endswith(WAIT_FOR_THE_ENGINE):
            continue
        filled = path.format(**doors.roles.private, verb="note", section="nowhere")
        got = await doors.post(role, filled, verb="approve", plan="0", severity="sev9")
        wrong += [] if got in sealed(role, path) else [(path, got)]
    assert wrong == []


def sealed(role: str, path: str) -> set[int]:
    """Give what a form with nothing of use in it is answered with."""
    if role not in SIGNED_IN:
        return {403} if role.startswith("token") else {303}
    if "{" not in path:
        return {303, 403, 422}
    return {303, 422} if role == "takes part" and "{section}" not in path else {404}


async def test_in_another_workspace_nothing_is_done_however_it_is_asked_for(doors: Doors) -> None:
    before, heard = list(doors.admitted), len(doors.door.whispered)
    for name, verb in GIVEN.items():
        words = f"{name} {verb.words}"
        assert (await doors.type(MEMBER, words, ELSEWHERE)).json()["text"].startswith(NOT_INSTALLED), name
        assert (await doors.press(MEMBER, words, ELSEWHERE)).status_code == 200
        assert (await doors.submit(MEMBER, name, ELSEWHERE)).json()["errors"]["x"].startswith(NOT_INSTALLED), name
    assert len(doors.door.whispered) - heard == len(GIVEN)
    assert doors.admitted == before


async def test_in_slack_whoever_takes_no_part_is_answered_as_if_there_were_none(doors: Doors) -> None:
    incident_id = doors.roles.private["incident_id"]
    before, told = await doors.kinds(incident_id), {}
    for name, verb in GIVEN.items():
        for way in (doors.type, doors.press):
            await way(MEMBER, f"{name} incident={incident_id} {verb.words}")
            ended = await doors.runner.execute(doors.admitted[-1])
            assert ended is not None, name
            assert (ended.plan.playbook, ended.actor.id) == (name, MEMBER)
            told[name] = ended.reason
    assert {name: said for name, said in told.items() if said != NOT_THERE.format(incident_id)} == {}
    assert await doors.kinds(incident_id) == before


# Who asked, who decides how, and what is said of it; "" where it counts. A request of its own for each that counts.
DECISIONS = (
    ("takes part", "takes part", "approve", "You asked for"),
    ("takes part", "anybody", "approve", "is not among those who may approve"),
    ("takes part", "token command", "approve", "Who approves must be known"),
    ("takes part", MEMBER, "approve", "is not among those who may approve"),
    ("takes part", "approver", "break-glass because", "There is no glass to break"),
    ("takes part", "approver", "approve", ""),
    ("token command", "takes part", "approve", "You asked for"),
    ("token command", "anybody", "refuse", ""),
    (ASKER, ASKER, "approve", "You asked for"),
    (ASKER, "token command", "approve", "Who approves must be known"),
    (ASKER, APPROVER, "approve", ""),
    (ASKER, ASKER, "refuse", ""),
)


async def test_a_second_persons_word_counts_if_they_may_give_it(doors: Doors) -> None:
    incident_id = await opened(doors.roles.console, Person("oidc:takes-part", "takes part"), private=False)
    waits: dict[str, str] = {}
    for asker, who, words, said in DECISIONS:
        if asker not in waits:
            waits[asker] = await doors.asked(asker, f"run incident={incident_id} shop flush")
        verb, _, reason = words.partition(" ")
        told = await doors.outcome(who, f"{verb} run={waits[asker]} {reason}")
        assert (said in told, bool(told)) == (True, bool(said)), (asker, who, words, told)
        if not said:
            del waits[asker]


@pytest.mark.parametrize("who", ["anybody", "takes part", "token command", MEMBER, "approver", APPROVER])
async def test_what_takes_a_right_is_done_by_who_has_it(doors: Doors, who: str) -> None:
    wanted = "" if "appro" in who.lower() else "is not among those who may approve"
    for name in sorted(name for name, verb in GIVEN.items() if verb.takes == "RIGHT"):
        told = await doors.outcome(who, f"{name} {GIVEN[name].words}")
        assert (wanted in told, bool(told)) == (True, bool(wanted)), (name, told)


async def test_the_page_of_a_request_offers_what_somebody_may_say(doors: Doors) -> None:
    incident_id = await opened(doors.roles.console, Person("oidc:takes-part", "takes part"), private=False)
    run_id = await doors.asked("takes part", f"run incident={incident_id} shop flush")
    for role, offered in (("takes part", {"refuse"}), ("anybody", {"refuse"}), ("approver", {"approve", "refuse"})):
        page = (await doors.roles.clients[role].get(f"/approvals/{run_id}")).text
        assert set(re.findall(r'name="verb" value="([^"]+)"', page)) == offered, role
        listed = (await doors.roles.clients[role].get("/api/v1/approvals")).json()["items"]
        assert [bool(each["why_not"]) for each in listed if each["run_id"] == run_id] == ["approve" not in offered]


@pytest.mark.parametrize("who", ["approver", "token command", APPROVER])
async def test_the_id_of_a_run_lets_nobody_decide_about_a_private_incident(doors: Doors, who: str) -> None:
    incident_id = doors.roles.private["incident_id"]
    run_id = await doors.asked("takes part", f"redact incident={incident_id} entry=1 a name")
    before = await doors.kinds(incident_id)
    for verb in ("approve", "refuse", "break-glass"):
        words = f"{verb} run={{}} because" if verb == "break-glass" else f"{verb} run={{}}"
        told, missing = [await doors.outcome(who, words.format(each)) for each in (run_id, "nothing")]
        assert told == missing.replace("nothing", run_id)
    assert await doors.kinds(incident_id) == before
    assert Kind.APPROVAL_TRIED not in dict(before)


def at(place: str) -> set[str]:
    """Give the verbs that may be asked for somewhere."""
    return {name for name, verb in GIVEN.items() if place in verb.places}

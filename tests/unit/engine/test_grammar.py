from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import CommandRejected, WordsMissing
from bot.domain.incident import Role, Severity
from bot.domain.service import Catalog, Service
from bot.domain.timeline import storable
from bot.engine.fields import IncidentName, Keyed, Mention, Moment, Rest, ServiceName, Warnings
from bot.engine.grammar import Parsed, moment, parse, usage
from bot.engine.playbook import Params, Playbook, Registry, closest

NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


class Start(Params):
    severity: Severity | None = None
    service: ServiceName = ""
    title: Rest = ""
    started: Moment = ""
    private: bool = False
    warnings: Warnings = ()


class Note(Params):
    text: Rest


class SetRole(Params):
    role: Role
    person: Mention = "me"


class SetSeverity(Params):
    severity: Severity


class Snapshot(Params):
    service: ServiceName
    cpu_s: int = 2
    ratio: float = 0.5
    deep: bool = False


class Merge(Params):
    into: IncidentName


class Machine(Params):
    key: Keyed


class Nothing(Params):
    pass


CATALOG = Catalog(services=(Service("checkout", ()), Service("cart", ())))
REGISTRY: Registry = {
    book.name: book
    for book in (
        Playbook("start", "Open.", Start),
        Playbook("note", "Write.", Note),
        Playbook("role", "Give.", SetRole),
        Playbook("severity", "Set.", SetSeverity),
        Playbook("snapshot", "Capture.", Snapshot),
        Playbook("help", "Help.", Nothing),
        Playbook("merge", "Merge.", Merge),
        Playbook("page", "Page.", Machine),
    )
}


def read(text: str) -> Parsed:
    return parse(REGISTRY, text, CATALOG)


def refusal(text: str) -> str:
    with pytest.raises(CommandRejected) as refused:
        read(text)
    return str(refused.value)


def started(**values: object) -> Parsed:
    return Parsed("start", {"warnings": (), **values})


TYPED = [
    ("", Parsed("help", {})),
    ("   ", Parsed("help", {})),
    ("HELP", Parsed("help", {})),
    ("start", started()),
    (
        "start sev2 checkout 5xx after deploy",
        started(severity="SEV2", service="checkout", title="5xx after deploy"),
    ),
    ("start checkout sev2 5xx", started(severity="SEV2", service="checkout", title="5xx")),
    ("start s1 slow", started(severity="SEV1", title="slow")),
    ("start SEV-3 slow", started(severity="SEV3", title="slow")),
    ("start the cart is slow", started(service="cart", title="the cart is slow")),
    ("start cart and checkout are slow", started(service="cart", title="and checkout are slow")),
    ("start severity=sev1 service=cart slow", started(severity="SEV1", service="cart", title="slow")),
    ("start slow started=12:01 since noon", started(title="slow  since noon", started="12:01")),
    ('start title="a b c" sev1', started(title="a b c", severity="SEV1")),
    ("start title=“a b” sev1", started(title="a b", severity="SEV1")),
    ("start\nsev2\ncart\nfirst line\nsecond", started(severity="SEV2", service="cart", title="first line\nsecond")),
    ("start\u00a0sev2\u00a0slow", started(severity="SEV2", title="slow")),
    ("start 💥 מערכת", started(title="💥 מערכת")),
    ("start a=b x", started(title="a=b x")),
    ("start no answers from it", started(title="no answers from it")),
    ("start private page is down", started(title="private page is down")),
    ("start private=yes leak", started(title="leak", private=True)),
    ("merge INC-3", Parsed("merge", {"into": "INC-3"})),
    ("merge into inc-3", Parsed("merge", {"into": "INC-3"})),
    ("merge INC-9 into INC-3", Parsed("merge", {"into": "INC-3"}, "INC-9")),
    ("merge INC-3 incident=INC-9", Parsed("merge", {"into": "INC-3"}, "INC-9")),
    ("merge into=inc-3 INC-9", Parsed("merge", {"into": "INC-3"}, "INC-9")),
    ("snapshot cart deep", Parsed("snapshot", {"service": "cart", "deep": True})),
    ('note Look: k=v, "quoted"  and   spaces', Parsed("note", {"text": 'Look: k=v, "quoted"  and   spaces'})),
    ("note INC-3 for another one", Parsed("note", {"text": "for another one"}, "INC-3")),
    ("note inc-3 x", Parsed("note", {"text": "x"}, "INC-3")),
    ("note text=5 apples", Parsed("note", {"text": "5 apples"})),
    ("note x incident=inc-4", Parsed("note", {"text": "x"}, "INC-4")),
    ("note line one\nline two", Parsed("note", {"text": "line one\nline two"})),
    ("note nul \0 byte", Parsed("note", {"text": "nul \ufffd byte"})),
    ("role commander <@U1|ann>", Parsed("role", {"role": "commander", "person": "<@U1|ann>"})),
    ("role @ann scribe", Parsed("role", {"role": "scribe", "person": "@ann"})),
    ("role scribe me", Parsed("role", {"role": "scribe", "person": "me"})),
    ("severity 'sev1'".replace("'", ""), Parsed("severity", {"severity": "SEV1"})),
    ("snapshot CHECKOUT 5", Parsed("snapshot", {"service": "checkout", "cpu_s": 5})),
    (
        "snapshot service=cart cpu_s=3 ratio=0.25 deep=yes",
        Parsed("snapshot", {"service": "cart", "cpu_s": 3, "ratio": 0.25, "deep": True}),
    ),
]


@pytest.mark.parametrize(("text", "expected"), TYPED)
def test_reads_words_as_people_type_them(text: str, expected: Parsed) -> None:
    assert read(text) == expected


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("strat", "/incident start"),
        ("snapshott cart", "/incident snapshot"),
        ("frobnicate", "/incident help"),
        ("x" * 8_000, "/incident help"),
        ("severity sev9", "sev1, sev2, sev3, sev4"),
        ("severity", "severity (sev1, sev2, sev3, sev4)"),
        ("role comander", "Did you mean `commander`?"),
        ("snapshot chekout", "Did you mean `checkout`?"),
        ("snapshot", "service (checkout, cart)"),
        ("snapshot cart 5 0.1 extra words", "Usage: `/incident snapshot"),
        ("snapshot service=nope", "`nope` is not a service"),
        ("snapshot cart cpu_s=many", "`many` is not a cpu_s"),
        ("note", "needs a text"),
        ("help me", "don't know what to do with `me`"),
    ],
)
def test_refuses_with_what_would_be_right(text: str, told: str) -> None:
    assert told in refusal(text)
    assert len(refusal(text)) < 300


@pytest.mark.parametrize(
    ("text", "title", "warned"),
    [
        ("start sev9 slow", "slow", "`sev9` is not a severity"),
        ("start severity=high slow", "slow", "`high` is not a severity"),
        ("start service=chekout slow", "slow", "Did you mean `checkout`?"),
        ("start chekout is slow", "chekout is slow", "Did you mean `checkout`?"),
    ],
)
def test_start_warns_instead_of_refusing(text: str, title: str, warned: str) -> None:
    values = read(text).params
    assert values["title"] == title
    assert [warned in warning for warning in values["warnings"]] == [True]


def test_what_a_verb_needs_is_told_with_what_it_has() -> None:
    with pytest.raises(WordsMissing) as missing:
        read("role @ann INC-3")
    told = missing.value
    assert (told.verb, told.given, told.incident_id) == ("role", {"person": "@ann"}, "INC-3")


def test_what_only_the_machine_says_is_not_asked_of_a_person() -> None:
    with pytest.raises(CommandRejected, match="needs a key") as refused:
        read("page")
    assert not isinstance(refused.value, WordsMissing)


def test_only_so_much_is_read() -> None:
    assert len(read("note " + "x" * 20_000).params["text"]) == 8_000 - len("note ")


@given(st.text(max_size=200) | st.text("sevinc-0123456789=\"' @<>\n\t", max_size=60))
def test_any_words_make_a_command_or_a_refusal(text: str) -> None:
    for verb in ("", "start ", "note ", "role ", "severity ", "snapshot "):
        with suppress(CommandRejected):
            parsed = read(verb + text)
            assert REGISTRY[parsed.playbook].params.model_validate(parsed.params)


@given(st.text(max_size=100))
def test_start_refuses_nothing(text: str) -> None:
    assert read(f"start {text}").playbook == "start"


@given(st.text(min_size=1, max_size=100).map(lambda text: storable(text).strip()).filter(bool))
def test_a_note_loses_no_word(text: str) -> None:
    words = [word for word in text.translate(str.maketrans("“”„\u00a0", '""" ')).split() if "=" not in word]
    if not words or "=" in text or words[0].upper().startswith("INC-"):
        return
    assert str(read(f"note {text}").params["text"]).split() == words


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("start", "/incident start [sev1|sev2|sev3|sev4] [SERVICE] [TITLE...] [started=HH:MM] [private=yes]"),
        ("merge", "/incident merge INC-7"),
        ("note", "/incident note TEXT..."),
        ("role", "/incident role commander|scribe [@somebody]"),
        ("snapshot", "/incident snapshot SERVICE [cpu_s=N] [ratio=N] [deep=yes]"),
        ("help", "/incident help"),
    ],
)
def test_usage_comes_from_the_params(name: str, line: str) -> None:
    assert usage(REGISTRY[name]) == line


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("12:00", NOW.replace(minute=0)),
        ("12:30", NOW),
        (" 0:05 ", NOW.replace(hour=0, minute=5)),
        ("12:31", NOW.replace(minute=31) - timedelta(days=1)),
        ("11:59:59", NOW.replace(hour=11, minute=59, second=59)),
        ("2026-02-28T23:00:00+02:00", datetime(2026, 2, 28, 21, 0, tzinfo=UTC)),
        ("2026-02-28 23:00", datetime(2026, 2, 28, 23, 0, tzinfo=UTC)),
    ],
)
def test_reads_a_moment_as_the_latest_that_has_passed(text: str, at: datetime) -> None:
    assert moment(text, NOW) == at


@pytest.mark.parametrize("text", ["", "25:00", "12:60", "noon", "12", "0001-01-01T00:00+14:00", "x" * 8_000, "\ud800"])
def test_refuses_what_is_no_moment(text: str) -> None:
    with pytest.raises(CommandRejected, match="HH:MM") as refused:
        moment(text, NOW)
    assert len(str(refused.value)) < 200


@given(st.text(max_size=30) | st.datetimes().map(str) | st.times().map(str))
def test_a_moment_is_aware_or_refused(text: str) -> None:
    with suppress(CommandRejected):
        assert moment(text, NOW).tzinfo is UTC


def test_the_closest_name_keeps_its_own_case() -> None:
    assert closest("chekcout", ("cart", "Checkout")) == "Checkout"
    assert closest("zzz", ("cart", "Checkout")) == ""
    assert closest("zzz", ()) == ""


def test_a_word_of_its_own_is_not_taken_for_another() -> None:
    verbs = ("list", "start", "status", "severity", "snapshot", "mitigate")
    assert [closest(word, verbs) for word in ("bisect", "rollback", "digest")] == ["", "", ""]
    assert [closest(word, verbs) for word in ("strat", "stat", "mitgate", "lst")] == [
        "start",
        "start",
        "mitigate",
        "list",
    ]

"""Whatever is typed anywhere stays words, on every page and in every document."""

import csv
import html as markup
import io
import re
from dataclasses import dataclass, replace

import httpx
import pytest
from fastapi import FastAPI

import playbooks
from bot.adapters.documents import MarkdownDocuments, escape
from bot.domain.narrative import legible
from bot.domain.run import Plan, Run, Source
from bot.domain.timeline import Kind, Person
from bot.engine.admission import Admission
from bot.engine.playbook import load
from bot.engine.ports import Ports
from handlers import exports, operations, pages
from handlers.api.application import AT, application
from handlers.loopback import LoopbackOnly
from tests.bisecting.entries import bisected, bisecting
from tests.fakes import FakeStore, FakeTx
from tests.unit.web.hostile import WORDS, dangers
from tests.unit.web.story import ARCHIVE, MEI, OPENED_AT, Story, opened, ports_with

DOCUMENTS = MarkdownDocuments()
REGISTRY = load(playbooks)


def poisoned(word: str) -> Story:
    """An incident in which everything that anybody can give says the same words."""
    mallory = Person("U666", word)
    story = Story()
    with story.run("run-x", mallory):
        story.tell(Kind.OPENED, title=word, severity="SEV2", service=word, warnings=[word])
        story.tell(Kind.CHANNEL_OPENED, channel=word, name=word)
        story.tell(Kind.ROLE_SET, role="commander", person="U666", name=word)
        story.tell(Kind.SERVICE_SET, service=word)
        story.milestone("started", source=word)
        story.tell(Kind.RUN_STARTED, playbook="sop", params={"service": word})
        story.phase("declare", 30, 1, word)
        story.tell(Kind.STEP_ENDED, playbook=word, step=word, title=word, outcome="failed", elapsed_s=1, summary=word)
        story.tell(Kind.ARTIFACT, name=word, sha256=ARCHIVE, bytes=1, what=word)
        evidence = [word, {"what": word, "value": word, "artifact": word, "sha256": ARCHIVE}]
        story.tell(
            Kind.FINDING, fault_class=word, target=word, claim=word, evidence=evidence, fix=word, artifact=ARCHIVE
        )
        story.tell(Kind.VERDICT, verdict=word, statement=word, artifact=ARCHIVE, name=word)
        sought = {"what": word, "old": word, "new": word, "find": "break"}
        made = dict.fromkeys(("commit", "author", "email", "at", "subject"), word) | {"files": [word], "changed": 2}
        facts = {"sought": sought, "made": [made], "why": word, "earlier": word, "artifact": ARCHIVE}
        story.tell(Kind.BISECTING, **bisecting(sought=sought, bar=word))
        for found in ("suspects", "culprit"):
            story.tell(Kind.BISECTED, **bisected(found, **facts))
        story.tell(Kind.NOTE, text=word).tell(Kind.UPDATE, text=word).tell(Kind.ASKED, text=word)
        story.tell(Kind.ESCALATED, reached=[], text=word).tell(Kind.CHAT_FAILED, surface=word, reason=word)
        story.tell(Kind.RUN_ENDED, playbook=word, status="failed", elapsed_s=1, reason=word)
        story.tell(Kind.STATUS_SET, status="resolved", was="open", text=word)
    story.entries.append(replace(story.entries[-1], seq=len(story.entries) + 1, kind=word))
    return story


@dataclass
class Bot:
    """The pages and the API of one bot, whose memory a test may set."""

    ports: Ports
    client: httpx.AsyncClient

    def knows(self, word: str) -> None:
        story = poisoned(word)
        assert isinstance(self.ports.store, FakeStore)
        run = Run("run-x", Plan(word, {"text": word}, (word,)), Person("U6", word), Source(via=word), OPENED_AT, "s")
        run = replace(run, result={"text": word}, reason=word, parent_id=word, incident_id="INC-7")
        self.ports.store.now = FakeTx(chains={"INC-7": story.entries}, runs={"run-x": run})


class Plain:
    """Prints nothing: gives what it got."""

    async def pdf(self, html: str) -> bytes:
        return html.encode()


@pytest.fixture(scope="module")
def bot() -> Bot:
    ports = replace(ports_with(), documents=DOCUMENTS)
    app = FastAPI()
    app.add_middleware(LoopbackOnly)
    app.include_router(pages.router(ports, DOCUMENTS, REGISTRY))
    app.mount(AT, application(Admission({}, ports), ports, {}))
    app.include_router(exports.router(ports, Plain()))
    app.include_router(operations.router(Admission(REGISTRY, ports), ports, REGISTRY))
    return Bot(ports, httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1"))


async def calm(bot: Bot, path: str) -> list[str]:
    """Give what acts on a page that nobody has written anything strange into: its own forms."""
    assert isinstance(bot.ports.store, FakeStore)
    before = bot.ports.store.now
    bot.knows("calm")
    found = dangers((await bot.client.get(path)).text)
    bot.ports.store.now = before
    return found


PAGES = ("/", "/incidents/INC-7?show=everything", "/runs/run-x", "/measures", "/audit", "/approvals")


@pytest.mark.matrix(sample=10)
@pytest.mark.parametrize("word", WORDS, ids=range(len(WORDS)))
async def test_no_word_acts_on_a_page(word: str, bot: Bot) -> None:
    bot.knows(word)
    for path in PAGES:
        answer = await bot.client.get(path)
        assert (path, answer.status_code) == (path, 200)
        assert dangers(answer.text) == (await calm(bot, path)), path


@pytest.mark.matrix(sample=10)
@pytest.mark.parametrize("word", WORDS, ids=range(len(WORDS)))
async def test_every_word_goes_through_the_api(word: str, bot: Bot) -> None:
    bot.knows(word)
    assert (await bot.client.get("/api/v1/incidents/INC-7")).json()["title"] == word
    assert (await bot.client.get("/api/v1/incidents/INC-7/entries")).json()["items"][0]["body"]["title"] == word
    assert (await bot.client.get("/api/v1/runs/run-x")).json()["plan"]["params"] == {"text": word}


@pytest.mark.matrix(sample=10)
@pytest.mark.parametrize("word", WORDS, ids=range(len(WORDS)))
async def test_no_word_acts_in_what_is_taken_along(word: str, bot: Bot) -> None:
    bot.knows(word)
    at = "/incidents/INC-7/postmortem"
    for path in (f"{at}.html", f"{at}.pdf"):  # what is printed is this text
        shown = (await bot.client.get(path)).text
        assert dangers(shown) == (await calm(bot, path)), path
        words = markup.unescape(re.sub(r"<[^>]+>", "", shown))
        assert "".join(legible(word).split()) in "".join(words.split()), path
    assert (await bot.client.get(f"{at}.json")).json()["title"] == word


@pytest.mark.matrix(sample=10)
@pytest.mark.parametrize("word", WORDS, ids=range(len(WORDS)))
async def test_no_word_is_a_formula_in_a_table(word: str, bot: Bot) -> None:
    bot.knows(word)
    table = (await bot.client.get("/measures.csv", params={"weeks": 0})).text
    heads, row = csv.reader(io.StringIO(table, newline=""))
    assert len(row) == len(heads)
    assert any(legible(word) in cell for cell in row)
    assert [
        cell for cell in row if cell.strip().startswith(("=", "+", "-", "@")) or cell[:1] in {"\t", "\r", "\n"}
    ] == []


@pytest.fixture(scope="module")
def outline_of_harmless() -> list[str]:
    return outline(html(poisoned("harmless")))


@pytest.mark.matrix(sample=10)
@pytest.mark.parametrize("word", WORDS, ids=range(len(WORDS)))
def test_no_word_gets_out_of_its_place_in_a_postmortem(word: str, outline_of_harmless: list[str]) -> None:
    shown = html(poisoned(word))
    assert dangers(shown) == []
    assert set(re.findall(r'<a href="([^"?]*)', shown)) == {f"/artifacts/{ARCHIVE}", "/runs/run-x"}
    assert outline(shown) == outline_of_harmless


def outline(shown: str) -> list[str]:
    return re.findall(r"</?(?:h\d|table|tr|ul|ol|li|pre|blockquote|hr|strong|em|code)>", shown)


def html(story: Story) -> str:
    return DOCUMENTS.html(DOCUMENTS.postmortem(story.incident, story.entries))


def test_the_corpus_is_seen_as_dangerous_where_nothing_is_escaped() -> None:
    assert dangers("<p><script>alert(1)</script>")
    assert dangers('<a href="javascript:alert(1)">')
    assert dangers("<p onclick=alert(1)>")
    assert dangers('<a href="https://evil.example">')


@pytest.mark.parametrize(
    "word", ["user_id", "main.(*watcher).publish", "a - b", "5 > 3", "#inc-7", "50 %", "a.b/c:8080"]
)
def test_ordinary_words_read_the_same_as_html(word: str) -> None:
    shown = DOCUMENTS.html(f"x {escape(word)}")
    assert shown == f"<p>x {word.replace('>', '&gt;')}</p>\n"


def test_ordinary_words_are_hardly_escaped() -> None:
    plain = "checkout-3: user_id 7 waits at net/http.(conn).serve, 50 % of 12 ms (see #inc-7)"
    assert escape(plain) == plain


async def test_a_postmortem_stays_as_safe_on_its_page(bot: Bot) -> None:
    bot.knows(WORDS[0])
    answer = await bot.client.get("/incidents/INC-7/postmortem")
    assert answer.status_code == 200
    article = answer.text.partition("<article")[2].partition("</article>")[0]
    assert dangers(re.sub(r"<figure>.*?</figure>", "", article, flags=re.DOTALL)) == []
    assert "&lt;script&gt;" in article


@pytest.mark.matrix(sample=10)
@pytest.mark.parametrize("word", WORDS, ids=range(len(WORDS)))
def test_no_word_gets_out_of_its_section_of_a_postmortem(word: str) -> None:
    story = opened().tell(Kind.POSTMORTEM_TEXT, MEI, section="luck", text=word)
    shown, plain = html(story), html(opened())
    allowed = {"http", "https"} if "://" in word else set()
    assert {each for each in dangers(shown) if each.partition("://")[0] not in allowed} == set()
    assert re.findall(r"<h\d>.*</h\d>", shown) == re.findall(r"<h\d>.*</h\d>", plain)
    assert shown.count("<table>") == plain.count("<table>")
    assert shown.count("<hr>") == plain.count("<hr>")

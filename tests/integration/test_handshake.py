"""Handshakes with a real nginx whose certificates an authority of our own signed, well and badly; and with worse."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.targets import HttpTargets
from bot.adapters.targets.handshake import TlsHandshakes
from bot.adapters.targets.network import Resolver
from bot.doctor import Doctor
from bot.domain.checks import State
from bot.domain.examination import examine
from bot.domain.facts import Facts
from bot.domain.faults import RULES, Beside, Finding
from bot.domain.faults.finding import CERTAIN, LIKELY
from bot.domain.handshakes import Handshake
from bot.domain.service import Target
from bot.domain.snapshot import TLS, Captured, PartStatus
from bot.settings import Settings
from tests.authority import leaf
from tests.databases import fresh_sqlite
from tests.sites import NAME, Site, running_site
from tests.unit.adapters.hostile import serving as answering
from tests.unit.adapters.hostile import whole
from tests.unit.domain.captures import IDLE, goroutines

REFUSAL = b"HTTP/1.1 400 Bad Request\r\n\r\n"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running_site(tmp_path_factory.mktemp("tls")) as site:
        yield site


async def local(_host: str, _port: int) -> tuple[str, ...]:
    return ("127.0.0.1",)


async def both(_host: str, _port: int) -> tuple[str, ...]:
    return ("127.0.0.1", "127.0.0.2")


async def look(target: Target, resolver: Resolver = local, address_s: float = 2.0) -> Captured:
    return await TlsHandshakes(resolver, address_s=address_s).capture(target, TLS)


async def met(target: Target) -> tuple[Handshake, list[Finding]]:
    """Shake hands with the only address; say what the rules find by that alone."""
    facts = examine([await look(target)])
    assert facts.tls is not None
    (only,) = facts.tls.addresses
    return only, findings(facts)


def findings(facts: Facts, *others: Facts) -> list[Finding]:
    return [found for rule in RULES if (found := rule(facts, Beside(others))) is not None]


@pytest.mark.parametrize(("case", "length"), [("full", 2), ("with its root", 3)])
async def test_a_whole_chain_and_h2_are_fine(site: Site, case: str, length: int) -> None:
    found, findings = await met(site.target(case, h2=True))

    assert findings == []
    assert (found.code, found.alpn, found.settings, found.version) == (0, "h2", True, "TLSv1.2")
    assert [each.subject for each in found.chain] == ["CN=checkout.internal", "CN=Test Intermediate", "CN=Test Root"][
        :length
    ]
    assert 29 < found.chain[0].days_left < 31
    assert found.chain[0].names == (NAME,)
    assert found.is_ordered


@pytest.mark.parametrize(
    ("case", "code", "said"),
    [
        ("leaf", 20, "serves its certificate alone: “Test Intermediate”, who signed it, is missing"),
        ("ended", 10, "serves a certificate that ended 2 days ago, on 20"),
        ("ended middle", 10, "serves “Test Ended” in its chain, that ended 24.0 h ago, on 20"),
        ("not begun", 9, "serves a certificate that begins only in 24.0 h"),
        ("other name", 62, "serves a certificate for shop.internal, www.shop.internal: clients of checkout.internal"),
        ("of itself", 18, "serves a certificate that nobody but itself has signed"),
        ("stranger", 19, "serves a chain of “Old Root”, whom clients do not trust"),
    ],
)
async def test_a_chain_that_clients_refuse_is_named_and_h2_is_judged_apart(
    site: Site, case: str, code: int, said: str
) -> None:
    found, (finding,) = await met(site.target(case, h2=True))

    assert (finding.fault, finding.confidence) == ("tls-chain", CERTAIN)
    assert finding.claim.startswith(f"{NAME} {said}"), finding.claim
    assert (found.code, found.alpn, found.settings) == (code, "h2", True)


async def test_a_chain_out_of_order_is_told_although_it_verifies(site: Site) -> None:
    found, (finding,) = await met(site.target("order"))

    assert (found.code, found.is_ordered) == (0, False)
    assert (finding.fault, finding.confidence) == ("tls-chain", LIKELY)
    assert "checkout.internal, Test Lower, Test Intermediate; then reload" in finding.fix


async def test_http1_only_is_a_fault_only_where_h2_is_wanted(site: Site) -> None:
    found, plain = await met(site.target("h2 off"))
    _, (finding,) = await met(site.target("h2 off", h2=True))

    assert (found.code, found.alpn, found.settings, plain) == (0, "http/1.1", None, [])
    assert (finding.fault, finding.confidence) == ("alpn-h2", CERTAIN)
    assert "chooses http/1.1 of h2, http/1.1 that it is offered" in finding.claim


async def test_another_target_that_chooses_h2_shows_that_it_is_wanted(site: Site) -> None:
    mine, other = [examine([await look(site.target(case))]) for case in ("h2 off", "full")]
    (finding,) = findings(mine, other)

    assert (finding.fault, finding.confidence) == ("alpn-h2", LIKELY)
    assert findings(other, mine) == []


async def test_tls_1_0_alone_is_told(site: Site) -> None:
    found, (finding,) = await met(site.target("old"))

    assert (found.version, found.code, len(found.chain)) == ("TLSv1", None, 2)
    assert (finding.fault, finding.confidence) == ("alpn-h2", CERTAIN)
    assert "speaks TLSv1 at most" in finding.claim


async def test_one_bad_address_of_two_is_named(site: Site) -> None:
    facts = examine([await look(site.target("one of two"), both)])
    chain, protocol = findings(facts)

    assert (chain.fault, chain.confidence, chain.weight) == ("tls-chain", CERTAIN, 0.5)
    assert chain.claim.startswith(f"{NAME} at 127.0.0.2 (of 2) serves its certificate alone")
    assert (protocol.fault, protocol.confidence) == ("alpn-h2", LIKELY)
    assert [each.value for each in chain.evidence if each.what == "at 127.0.0.1"] == ["verified; TLSv1.2, h2"]


async def test_whom_clients_trust_is_not_guessed(site: Site) -> None:
    """An authority of one's own that nobody told us of is no fault; the certificate's own ends are."""
    for case in ("full", "stranger", "of itself", "leaf"):
        assert (await met(site.target(case, ca="")))[1] == []
    _, (finding,) = await met(site.target("ended", ca=""))
    assert finding.fault == "tls-chain"


async def test_a_target_asked_by_number_may_serve_a_name_that_is_told(site: Site) -> None:
    by_number = {"url": f"https://127.0.0.1:{site.ports['full']}"}
    _, nameless = await met(site.target("full", **by_number))
    found, named = await met(site.target("full", **by_number, server_name=NAME))

    assert (nameless, named, found.code) == ([], [], 0)


async def test_users_answers_are_probed_by_the_same_trust(site: Site) -> None:
    told = HttpTargets(resolver=local)
    fine, leaf_only = [await told.probe(site.target(case), 1) for case in ("full", "leaf")]
    untold = await told.probe(site.target("full", ca=""), 1)
    missing = await told.probe(site.target("full", ca="/nowhere/ca.pem"), 1)

    assert fine.statuses == (("200", 1),)
    assert leaf_only.statuses == untold.statuses == (("no answer", 1),)
    assert untold.error.endswith("who signed its certificate is not known here: give `ca`")
    assert missing.error == "ca /nowhere/ca.pem cannot be read: No such file or directory"


@asynccontextmanager
async def serving(answer: bytes, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Serve who answers so to whatever it is sent; with nothing, it stays silent."""
    ended = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(answer)
        if answer:
            writer.close()
        else:
            await ended.wait()
            writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        ended.set()
        server.close()
        await server.wait_closed()


@pytest.fixture(scope="module")
def promising(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """Give who chooses h2 for somebody behind it, as a TCP proxy does."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(leaf(None).file(tmp_path_factory.mktemp("promising"), "leaf"))
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context


@pytest.mark.parametrize(
    ("answer", "instead", "confidence"),
    [(REFUSAL, "HTTP/1.1 400 Bad Request", CERTAIN), (b"", "nothing", LIKELY)],
)
async def test_h2_that_is_chosen_and_not_spoken_is_found(
    promising: ssl.SSLContext, answer: bytes, instead: str, confidence: str
) -> None:
    async with serving(answer, promising) as port:
        found, (finding,) = await met(Target("a", "a", "http://127.0.0.1:1", f"https://127.0.0.1:{port}"))

    assert (found.alpn, found.settings) == ("h2", False)
    assert (finding.fault, finding.confidence) == ("alpn-h2", confidence)
    assert instead in finding.claim


@pytest.mark.parametrize(
    ("answer", "why"),
    [(REFUSAL, "it does not speak TLS: is it http://?"), (b"", "within 0.2 s"), (b"\x16\x03", "")],
)
async def test_who_does_not_shake_hands_is_a_loss_with_its_reason(answer: bytes, why: str) -> None:
    async with serving(answer) as port:
        target = Target("a", "a", "http://127.0.0.1:1", f"https://127.0.0.1:{port}")
        captured = await look(target, address_s=5.0 if answer else 0.2)

    assert captured.status is PartStatus.FAILED
    assert captured.error.startswith(f"a: https://127.0.0.1:{port}: no TLS handshake")
    assert why in captured.error
    assert examine([captured]).tls is None


async def test_nobody_and_nowhere_are_losses_too(site: Site) -> None:
    async def nowhere(_host: str, _port: int) -> tuple[str, ...]:
        return ("203.0.113.7",)

    closed = await look(Target("a", "a", "http://127.0.0.1:1", "https://127.0.0.1:1"))
    outside = await look(site.target("full"), nowhere)
    unread = await look(site.target("full", ca="/nowhere/ca.pem"))

    assert [each.status for each in (closed, outside, unread)] == [PartStatus.FAILED] * 3
    assert "Connect call failed" in closed.error
    assert "203.0.113.7, outside of its allow list" in outside.error
    assert "ca /nowhere/ca.pem cannot be read" in unread.error


async def test_a_target_that_wants_our_certificate_is_not_said_to_break_h2(
    tmp_path: Path,
) -> None:
    mutual = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    mutual.load_cert_chain(leaf(None).file(tmp_path, "leaf"))
    mutual.set_alpn_protocols(["h2"])
    mutual.verify_mode = ssl.CERT_REQUIRED
    async with serving(b"", mutual) as port:
        found, findings = await met(Target("a", "a", "http://127.0.0.1:1", f"https://127.0.0.1:{port}"))

    assert (found.alpn, found.settings, findings) == ("h2", None, [])


async def test_doctor_warns_of_what_clients_refuse_and_of_nothing_that_they_trust(site: Site, tmp_path: Path) -> None:
    trust = {"ca": str(site.ca), "server_name": NAME}
    cases = {"trusted": ("full", trust), "told": ("leaf", trust), "untold": ("full", {})}
    async with answering({"/debug/pprof/goroutine": whole(goroutines(*IDLE))}) as pprof:
        targets = [
            {"name": name, "pprof": pprof, "https": f"https://127.0.0.1:{site.ports[case]}", **how}
            for name, (case, how) in cases.items()
        ]
        given: dict[str, Any] = {"database_url": fresh_sqlite(tmp_path), "artifacts_url": str(tmp_path / "artifacts")}
        settings = Settings(**given, services=[{"name": "checkout", "targets": targets}])
        found = {each.name: each for each in await Doctor(settings).checks()}

    assert [found[f"target {name}"].state for name in cases] == [State.OK, State.WARN, State.WARN]
    assert found["target told"].said.endswith("20: unable to get local issuer certificate; TLSv1.2, h2")
    assert "`ca` and `server_name`" in found["target untold"].mend

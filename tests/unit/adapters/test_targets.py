import asyncio
from dataclasses import replace

import pytest

from bot.adapters.targets import Caps, HttpTargets
from bot.domain.access import Access
from bot.domain.service import Target
from bot.domain.snapshot import (
    BLOCK,
    CHEAP_PARTS,
    DUMP,
    DUMP_BY_NAME,
    GOROUTINE,
    GOROUTINE_LEAK,
    HEAP,
    HEAP_GC,
    MUTEX,
    PART_TIMEOUT_S,
    Captured,
    Part,
    PartStatus,
    cpu_part,
)
from tests.unit.adapters import hostile
from tests.unit.adapters.hostile import Answer, serving, whole
from tests.unit.domain.captures import IDLE, cpu, goroutines, heap
from tests.unit.domain.go_profiles import GOROUTINE as GOROUTINE_TYPES
from tests.unit.domain.go_profiles import dump, main_frame, profile

QUICK = Caps(budget_s=0.4, resolve_s=0.1, connect_s=0.2, probe_s=0.1, profile_bytes=200_000, dump_bytes=500_000)
"""For who does not answer; whoever does may take longer on a busy machine."""
CALM = replace(QUICK, budget_s=30.0, resolve_s=10.0, connect_s=10.0, probe_s=10.0)
GOOD = {
    "/debug/pprof/goroutine": whole(goroutines(*IDLE)),
    "/debug/pprof/heap": whole(heap(((main_frame("cache"),), 5))),
}
SECRET = "xo~xb-123456789012-abcdefghijklmnop".replace("~", "")


def target(base: str, url: str | None = None, allow: tuple[str, ...] = ("127.0.0.0/8",)) -> Target:
    return Target("checkout-2", "checkout", base, url, allow)


async def capture_one(part: Part, answer: Answer) -> Captured:
    is_slow = answer in {hostile.hang, hostile.drip}
    async with serving({**GOOD, part.path: answer}) as base:
        (only,) = await HttpTargets(caps=QUICK if is_slow else CALM).capture(
            target(base), [replace(part, timeout_s=0.2 if is_slow else 10.0)]
        )
    return only


async def test_a_healthy_target_gives_every_part_it_serves() -> None:
    text = dump(("chan send", [main_frame("a")]))
    async with serving({**GOOD, DUMP.path: whole(text)}) as base:
        done = {each.part: each for each in await HttpTargets(caps=CALM).capture(target(base), CHEAP_PARTS)}

    assert list(done) == [part.name for part in CHEAP_PARTS]
    assert (done["goroutine"].status, done["heap"].status) == (PartStatus.OK, PartStatus.OK)
    assert done["goroutine-dump"].content == text
    assert done["goroutineleak"].status is PartStatus.SKIPPED
    assert "Go 1.27" in done["goroutineleak"].error
    assert done["mutex"].status is PartStatus.FAILED
    assert done["mutex"].error == (
        "checkout-2: /debug/pprof/mutex answered 404: is net/http/pprof imported on this address?"
    )


BUSY = b"Could not enable CPU profiling: cpu profiling already in use\n"
METADATA = "http://169.254.169.254/x?token=hunter2"
SAYS: list[tuple[Part, Answer, str, str]] = [
    (HEAP, hostile.hang, "late", "did not end in 0.2 s (nothing came)"),
    (HEAP, hostile.drip, "late", "bytes came): is the process stuck or starved?"),
    (HEAP, hostile.endless, "truncated", "sends more than 200000 bytes: stopped there"),
    (HEAP, hostile.reset, "failed", "the connection was closed after 4 bytes: did the process restart?"),
    (HEAP, hostile.nonsense, "failed", "does not speak HTTP: is this the right port?"),
    (HEAP, whole(b""), "failed", "/debug/pprof/heap gave an empty answer"),
    (HEAP, whole(hostile.bomb()), "failed", "decompresses to more than"),
    (HEAP, whole(b"<html>", Content_Type="text/html"), "failed", "6 bytes of text/html, not a pprof profile"),
    (HEAP, whole(b"password=hunter2", "500 Oops"), "failed", "answered 500: it says: password=[redacted:secret]"),
    (HEAP, whole(b"", "500 Oops"), "failed", "answered 500: it gives no reason"),
    (HEAP, whole(b"", "401 Who"), "failed", "wants credentials: give this target `headers`"),
    (
        HEAP,
        whole(b"", "302 Found", Location=METADATA),
        "failed",
        "redirects to http://169.254.169.254/x?token=[redacted",
    ),
    (DUMP, hostile.endless, "truncated", "sends more than 500000 bytes"),
    (cpu_part(1), whole(BUSY, "500 Error"), "failed", "CPU profiling already in use: another profiler runs"),
]


@pytest.mark.parametrize(("part", "answer", "status", "says"), SAYS, ids=[says[:30] for *_, says in SAYS])
async def test_a_bad_answer_is_recorded_with_what_to_do(part: Part, answer: Answer, status: str, says: str) -> None:
    done = await capture_one(part, answer)

    assert (done.status, says in done.error) == (status, True), done.error
    assert done.error.startswith("checkout-2: ")
    assert "\n" not in done.error
    assert "hunter2" not in done.error


async def test_what_came_of_an_endless_dump_is_kept_to_its_last_line() -> None:
    done = await capture_one(DUMP, hostile.endless)

    assert 400_000 < done.bytes <= 500_000
    assert done.content.endswith(b"\n")


async def test_a_target_that_hangs_costs_its_budget_and_no_more() -> None:
    parts = [replace(part, timeout_s=5.0) for part in CHEAP_PARTS]
    async with serving({}, default=hostile.hang) as base, asyncio.timeout(5):
        done = await HttpTargets(caps=replace(CALM, budget_s=1.0)).capture(target(base), parts)

    assert [each.part for each in done] == [part.name for part in CHEAP_PARTS]
    assert not any(each.usable for each in done)
    assert all(each.error for each in done)
    assert done[2].error == "checkout-2: no time was left for /debug/pprof/heap"


async def test_nobody_at_the_address_is_said_once_and_not_asked_again() -> None:
    async with serving({}) as base:
        pass
    done = await HttpTargets(caps=CALM).capture(target(base), CHEAP_PARTS)

    assert done[0].error == f"checkout-2: nothing listens on {base}: is the process up and the port right?"
    assert {each.error for each in done[1:]} == {f"checkout-2: not asked, as nobody answers at {base}"}
    assert {each.status for each in done[1:]} == {PartStatus.SKIPPED}


CROWD = whole(profile(GOROUTINE_TYPES, [((main_frame("a"),), (100_000,))]))


async def test_what_stops_a_crowd_of_goroutines_for_long_is_not_asked_of_one() -> None:
    seen: list[str] = []
    async with serving({**GOOD, GOROUTINE.path: CROWD}, seen=seen) as base:
        done = await HttpTargets(caps=CALM).capture(target(base), [DUMP, GOROUTINE_LEAK, HEAP])

    assert [each.status for each in done] == [PartStatus.SKIPPED, PartStatus.SKIPPED, PartStatus.OK]
    assert [each.error for each in done[:2]] == [
        "checkout-2: goroutine-dump not taken: 100000 goroutines, it stops the process for long above 10000",
        "checkout-2: goroutineleak not taken: 100000 goroutines, it stops the process for long above 50000",
    ]
    assert not any("debug=2" in head or "goroutineleak" in head for head in seen)


async def test_a_dump_that_was_asked_for_by_name_is_taken_of_any_crowd() -> None:
    text = dump(("chan send", [main_frame("a")]))
    async with serving({**GOOD, GOROUTINE.path: CROWD, DUMP.path: whole(text)}) as base:
        done = await HttpTargets(caps=CALM).capture(target(base), [GOROUTINE, DUMP_BY_NAME])

    assert done[1].content == text


async def test_without_a_count_there_is_no_dump_either() -> None:
    async with serving({}) as base:
        (only,) = await HttpTargets(caps=CALM).capture(target(base), [DUMP])

    assert only.error == "checkout-2: goroutine-dump not taken: the goroutines could not be counted first"


async def test_the_count_is_asked_first_and_the_costly_parts_one_by_one() -> None:
    seen: list[str] = []
    parts = [DUMP, HEAP_GC, HEAP, MUTEX, BLOCK, GOROUTINE_LEAK, GOROUTINE]
    async with serving({**GOOD, DUMP.path: whole(dump(("select", [main_frame("a")])))}, seen=seen) as base:
        done = await HttpTargets(caps=CALM).capture(target(base), parts)
    asked = [head.split(" ", 2)[1] for head in seen]

    assert [each.part for each in done] == [part.name for part in parts]
    assert asked[0] == GOROUTINE.path
    assert asked[-2:] == [HEAP_GC.path, DUMP.path]
    assert len(asked) == len(parts)


async def test_a_starved_process_is_not_made_to_collect_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.adapters.targets.capture.STARVED_S", 0.05)
    seen: list[str] = []
    profile_of_no_time = replace(cpu_part(0), timeout_s=PART_TIMEOUT_S)

    async def late(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.1)
        await whole(cpu(((main_frame("a"),), 60)))(writer)

    async with serving({profile_of_no_time.path: late}, seen=seen) as base:
        done = await HttpTargets(caps=CALM).capture(target(base), [profile_of_no_time, HEAP_GC])

    assert [each.status for each in done] == [PartStatus.OK, PartStatus.SKIPPED]
    assert "the process is starved" in done[1].error
    assert len(seen) == 1


async def test_host_is_kept_headers_are_sent_and_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    seen: list[str] = []

    async def resolve(host: str, port: int) -> tuple[str, ...]:
        assert (host, port) == ("checkout.internal", int(base.rpartition(":")[2]))
        return ("127.0.0.1",)

    async with serving(GOOD, seen=seen) as base:
        named = base.replace("127.0.0.1", "checkout.internal")
        targets = HttpTargets(resolver=resolve, caps=CALM, environ={"CHECKOUT_ADMIN": "yes"})
        access = Access((("X-Admin", "CHECKOUT_ADMIN"),))
        (only,) = await targets.capture(replace(target(named), access=access), [HEAP])

    assert only.status is PartStatus.OK
    assert f"Host: {named.removeprefix('http://')}\r\n" in seen[0]
    assert "X-Admin: yes\r\n" in seen[0]


async def test_a_name_is_resolved_once_so_that_it_cannot_be_rebound() -> None:
    answers = [("127.0.0.1",), ("169.254.169.254",)]

    async def resolve(_host: str, _port: int) -> tuple[str, ...]:
        return answers.pop(0)

    async with serving(GOOD) as base:
        named = base.replace("127.0.0.1", "checkout.internal")
        targets = HttpTargets(resolver=resolve, caps=CALM)
        first = await targets.capture(target(named), [GOROUTINE, HEAP])
        second = await targets.capture(target(named), [GOROUTINE, HEAP])

    assert {each.status for each in first} == {PartStatus.OK}
    assert {each.error for each in second} == {
        "checkout-2: checkout.internal is 169.254.169.254: metadata, link-local and multicast addresses are never asked"
    }


@pytest.mark.parametrize("address", ["10.0.0.5", "::ffff:10.0.0.5", "169.254.169.254", "::"])
async def test_an_address_outside_of_the_allow_list_is_never_connected_to(address: str) -> None:
    async def resolve(_host: str, _port: int) -> tuple[str, ...]:
        return ("127.0.0.1", address)

    async with serving(GOOD) as base:
        named = target(base.replace("127.0.0.1", "checkout.internal"), base.replace("127.0.0.1", "shop.internal"))
        targets = HttpTargets(resolver=resolve, caps=CALM)
        done = await targets.capture(named, CHEAP_PARTS)
        probe = await targets.probe(named)

    assert {each.status for each in done} == {PartStatus.FAILED}
    assert all("checkout.internal is" in each.error for each in done)
    assert "shop.internal is" in probe.error


async def test_a_name_server_that_hangs_or_knows_nothing() -> None:
    async def hang(_host: str, _port: int) -> tuple[str, ...]:
        await asyncio.sleep(60)
        return ()

    async def nothing(_host: str, _port: int) -> tuple[str, ...]:
        raise OSError("unknown")

    for resolver, says in ((hang, "did not resolve in 0.1 s"), (nothing, "does not resolve: is the name right?")):
        (only,) = await HttpTargets(resolver=resolver, caps=QUICK).capture(
            target("http://checkout.internal:6060"), [HEAP]
        )
        assert says in only.error


async def test_the_second_address_is_tried_when_nobody_is_at_the_first() -> None:
    async def resolve(_host: str, _port: int) -> tuple[str, ...]:
        return ("127.0.0.2", "127.0.0.1")

    async with serving(GOOD) as base:
        named = base.replace("127.0.0.1", "checkout.internal")
        (only,) = await HttpTargets(resolver=resolve, caps=CALM).capture(target(named), [HEAP])

    assert only.status is PartStatus.OK


async def test_no_secret_comes_through() -> None:
    labelled = profile(GOROUTINE_TYPES, [((main_frame("a"),), (1,), {"who": SECRET, "api_token": "hunter2"})])
    text = dump(("chan send", [main_frame("a")])).replace(
        b"]:", f'] {{who: "{SECRET}", password: "hunter2"}}:'.encode()
    )
    async with serving({GOROUTINE.path: whole(labelled), DUMP.path: whole(text)}) as base:
        done = await HttpTargets(caps=CALM).capture(target(base), [GOROUTINE, DUMP])

    assert {each.status for each in done} == {PartStatus.OK}
    for each in done:
        readable = each.content if each.part == "goroutine-dump" else hostile.unzipped(each.content)
        assert b"[redacted:slack-token]" in readable
        assert SECRET.encode() not in readable
        assert b"hunter2" not in readable


async def test_a_probe_says_what_users_get() -> None:
    async with serving({"/": whole(b"ok")}) as base:
        good = await HttpTargets(caps=CALM).probe(target(base, f"{base}/"))
        refused = await HttpTargets(caps=CALM).probe(target(base, f"{base}/missing"), requests=2)

    assert (good.requests, good.statuses, good.error, good.failures) == (5, (("200", 5),), "", 0)
    assert good.p50_ms is not None
    assert good.max_ms is not None
    assert 0 < good.p50_ms <= good.max_ms
    assert refused.statuses == (("404", 2),)


async def test_a_probe_of_nobody_or_of_one_who_hangs() -> None:
    async with serving({}, default=hostile.hang) as base:
        hung = await HttpTargets(caps=QUICK).probe(target(base, base))
    gone = await HttpTargets(caps=CALM).probe(target(base, base))

    assert (hung.statuses, hung.p50_ms, hung.failures) == ((("timeout", 5),), None, 5)
    assert hung.error == f"checkout-2: {base} gave no answer in 0.1 s"
    assert (gone.statuses, gone.p50_ms, gone.failures) == ((("no answer", 5),), None, 5)
    assert gone.error == f"checkout-2: nothing listens on {base}: is the process up and the port right?"


async def test_a_capture_lets_the_probes_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.adapters.targets.capture.PATIENCE_S", 10.0)
    seen: list[str] = []
    async with serving({**GOOD, "/": whole(b"ok")}, seen=seen) as base:
        targets, fast = HttpTargets(caps=CALM), target(base, f"{base}/")
        await asyncio.gather(targets.probe(fast), targets.capture(fast, [HEAP]))

    assert [head.split(" ", 2)[1] for head in seen] == ["/"] * 5 + [HEAP.path]


async def test_a_capture_does_not_wait_for_long_for_probes() -> None:
    async with serving({**GOOD, "/hang": hostile.hang}) as base:
        targets, slow = HttpTargets(caps=replace(CALM, probe_s=60.0)), target(base, f"{base}/hang")
        probe = asyncio.create_task(targets.probe(slow))
        await asyncio.sleep(0)
        (heap_part,) = await targets.capture(slow, [HEAP])
        assert not probe.done()
        probe.cancel()

    assert heap_part.status is PartStatus.OK


async def test_without_a_url_nothing_is_probed() -> None:
    probe = await HttpTargets(caps=CALM).probe(target("http://127.0.0.1:1"))

    assert (probe.requests, probe.error) == (0, "checkout-2 has no `url` to probe")

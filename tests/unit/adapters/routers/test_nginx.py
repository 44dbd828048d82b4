import pytest

from bot.adapters.routers.nginx import render
from bot.domain.traffic import Route, Split

ROUTE = Route(
    "nginx",
    {
        "upstream": "check-out",
        "canary": ("10.0.0.3:80",),
        "baseline": ("10.0.0.1:80", "10.0.0.2:80"),
        "dyed": "dyed",
        "lines": ("keepalive 32",),
    },
)


def test_the_file_holds_the_share_the_marked_requests_and_a_word_for_both() -> None:
    assert render(ROUTE, Split(weight=10.0, dyed=True)) == (
        "# FirstFive writes this file; what else is written here is lost.\n"
        'map "" $firstfive_check_out { default "weight=10 dyed=yes 428b70fa"; }\n'
        "upstream check-out {\n"
        "    server 10.0.0.1:80 weight=9;\n"
        "    server 10.0.0.2:80 weight=9;\n"
        "    server 10.0.0.3:80 weight=2;\n"
        "    keepalive 32;\n"
        "}\n"
        "upstream dyed {\n"
        "    server 10.0.0.3:80;\n"
        "    keepalive 32;\n"
        "}\n"
    )


@pytest.mark.parametrize(
    ("share", "baseline", "canary"),
    [
        (0.0, "weight=1", "down"),
        (100.0, "down", "weight=1"),
        (50.0, "weight=1", "weight=2"),
        (0.5, "weight=199", "weight=2"),
    ],
)
def test_a_share_is_whole_numbers_and_none_is_down(share: float, baseline: str, canary: str) -> None:
    text = render(ROUTE, Split(weight=share, dyed=False))
    assert f"server 10.0.0.1:80 {baseline};" in text
    assert f"server 10.0.0.3:80 {canary};" in text
    assert "upstream dyed {\n    server 10.0.0.1:80;\n    server 10.0.0.2:80;" in text


def test_other_servers_are_another_word() -> None:
    moved = Route("nginx", {**ROUTE.settings, "canary": ("10.0.0.4:80",)})
    words = {render(route, Split(weight=10.0, dyed=True)).split('"')[3] for route in (ROUTE, moved)}
    assert len(words) == 2

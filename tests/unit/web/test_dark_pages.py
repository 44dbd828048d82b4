"""Drawings follow a dark page: each colour that has another one there is found by the styles, on pages and in files."""

import re
from pathlib import Path

import pytest

from bot.domain.picture import TONES, svg
from bot.domain.trend import Panel, Trend

WEB = Path(__file__).parents[3] / "bot/web"
STYLES = ("static/firstfive.css", "templates/document.html")


@pytest.mark.parametrize("style", STYLES)
def test_every_tone_has_a_colour_of_the_page(style: str) -> None:
    assert set(re.findall(r"svg \.(\w+) \{ fill: [^}]+ \}", (WEB / style).read_text())) == set(TONES.values())


def test_ground_and_words_of_a_drawing_have_their_tones_and_stand_alone_without_a_style() -> None:
    drawn = svg(Trend((Panel("errors, %", (1.0, 2.0), "03-01", "03-02"),)))
    assert re.findall(r'<rect [^>]*class="ground" fill="(#\w+)"/>', drawn) == ["#ffffff"]
    assert set(re.findall(r'<text [^>]*class="(\w+)" fill="(#\w+)"', drawn)) == {("ink", "#1d1c1d")}

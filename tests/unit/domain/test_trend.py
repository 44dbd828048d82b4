"""What is worth a picture, and that the picture shows it: pixels are counted, not believed."""

from datetime import date, timedelta
from xml.etree import ElementTree as ET

import pytest

from bot.domain.picture import ROW, WIDTH, png, svg
from bot.domain.trend import DAYS, Panel, Trend, incidents_per_day, over_hours
from tests.unit.domain.pixels import pixels

TODAY = date(2026, 3, 15)
COLUMN = bytes((0xC2, 0x41, 0x0C))
BESIDE = bytes((0x7B, 0x87, 0x94))
INK = bytes((0x1D, 0x1C, 0x1D))


def test_incidents_are_counted_by_day_of_two_weeks() -> None:
    days = [TODAY, TODAY, TODAY - timedelta(days=13), TODAY - timedelta(days=14), TODAY - timedelta(days=5)]
    panel = incidents_per_day(days, TODAY)
    assert panel is not None
    assert panel.values == (1, *[0] * 7, 1, *[0] * 4, 2)
    assert (panel.begins, panel.ends, len(panel.values)) == ("03-02", "03-15", DAYS)


@pytest.mark.parametrize("days", [[], [TODAY], [TODAY - timedelta(days=20)] * 9])
def test_too_few_incidents_are_no_trend(days: list[date]) -> None:
    assert incidents_per_day(days, TODAY) is None


def test_a_metric_that_is_hardly_known_is_no_trend() -> None:
    assert over_hours("x", [None] * 47 + [1.0]) is None
    assert over_hours("x", [None] * 46 + [0.5, 1.0]) is not None


def test_what_is_compared_stands_beside_its_column_on_one_scale() -> None:
    panel = Panel("errors, %: canary, baseline", (20.0, None), "-2 s", "now", (5.0, 10.0))
    assert panel.words == "errors, %: canary, baseline: 20, 10 at the end, 20 at most, from -2 s to now"
    shown = pixels(png(Trend((panel,))))
    tall = [sum(row[x] == colour for row in shown) for x, colour in ((60, COLUMN), (180, BESIDE), (410, BESIDE))]
    assert tall[0] == pytest.approx(4 * tall[1], abs=2)
    assert tall[2] == pytest.approx(2 * tall[1], abs=2)
    assert sum(row[290] == COLUMN for row in shown) == 0


def test_words_say_what_the_picture_shows() -> None:
    trend = Trend((Panel("checkout: failed, %", (0.0, 8.12, None), "-24 h", "now"),))
    assert trend.words == "checkout: failed, %: 8.12 at the end, 8.12 at most, from -24 h to now"
    assert trend.title == "checkout: failed, %"


def test_columns_are_as_tall_as_their_values() -> None:
    shown = pixels(png(Trend((Panel("x", (0.0, 1.0, 2.0, None), "a", "b"),))))
    assert (len(shown[0]), len(shown)) == (WIDTH, ROW)
    tall = [sum(row[10 + place * 115 + 50] == COLUMN for row in shown) for place in range(4)]
    assert tall[0] == tall[3] == 0
    assert tall[2] == 2 * tall[1] > 60


def test_panels_stand_below_each_other_and_every_panel_has_its_words() -> None:
    shown = pixels(png(Trend((Panel("a", (1.0, 2.0), "b", "c"), Panel("d", (3.0, 0.0), "e", "f")))))
    assert len(shown) == 2 * ROW
    for top in (0, ROW):
        for rows in (shown[top : top + 30], shown[top + ROW - 24 : top + ROW]):
            assert any(INK in row[: WIDTH // 2] for row in rows)
            assert any(INK in row[WIDTH // 2 :] for row in rows)


@pytest.mark.parametrize("value", [0.0, 1e-9, 1e12])
def test_no_value_is_too_small_or_too_large_to_draw(value: float) -> None:
    assert pixels(png(Trend((Panel("x" * 200, (value, value, None), "a", "b"),))))


def test_a_page_gets_the_same_with_its_words_escaped() -> None:
    trend = Trend((Panel('<script>"&', (1.0, 2.0), "a", "b"),))
    root = ET.fromstring(svg(trend))  # noqa: S314 - our own
    assert root.attrib["aria-label"] == trend.words
    texts = [each.text for each in root.iter() if each.tag.endswith("text")]
    assert texts == ['<script>"&', "max 2", "a", "b"]
    columns = [each for each in root.iter() if each.attrib.get("fill") == "#c2410c"]
    assert [int(each.attrib["height"]) for each in columns] == [37, 74]


def test_the_same_trend_gives_the_same_bytes() -> None:
    trend = Trend((Panel("x", (1.0, 2.0), "a", "b"),))
    assert png(trend) == png(trend)

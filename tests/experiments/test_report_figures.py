"""What the figures of a report share: texts that stay texts, axes on which the good values can be told apart."""

import math

import pytest

from experiments._sweep.report.figures.drawing import log_ticks, text, value_axis
from experiments._sweep.report.figures.parallel import _wrapped
from experiments._sweep.report.figures.progress import time_unit


def test_plotly_reads_nothing_in_a_text() -> None:
    """Its HTML, its templates and its formulas stand as they were written; what cannot be printed does not."""
    assert text("<b>%{x}</b> $a$ & \x1b\u202e") == (
        "&lt;b&gt;&#37;{x}&lt;/b&gt; &#36;a&#36; &amp; \N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}"
    )
    assert len(text("x" * 500)) == 60 and text("x" * 500).endswith("…")


def test_losses_over_orders_of_magnitude_are_on_a_logarithmic_axis() -> None:
    """And those that are close together, or go below 0, on an ordinary one."""
    assert value_axis([0.01, 0.1, 1.0, 2.0, 3.0], "loss", "min").layout["type"] == "log"
    assert "type" not in value_axis([0.5, 0.6, 0.7, 0.8], "loss", "min").layout
    assert "type" not in value_axis([-5.0, 0.1, 10.0, 90.0], "loss", "min").layout


@pytest.mark.parametrize("mode", ["min", "max"])
def test_a_value_that_is_far_off_does_not_press_the_others_together(mode: str) -> None:
    """It lies beyond the axis, which says so; the best value never does."""
    sign = 1 if mode == "min" else -1
    values = [sign * (1.0 + n / 20) for n in range(20)] + [sign * 1e9]
    axis = value_axis(values, "loss", mode)
    low, high = sorted(sign * end for end in axis.layout["range"])
    assert axis.hidden == 1 and "1 value lies beyond the axis" in axis.words
    assert low < 1.0 and 1.95 < high < 10


@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize("values", [[1e-300, 1e-200, 1e-100, 1.0, 1e300], [1e-320, 1e-320, 1e300, 1.7e308, 1.7e308]])
def test_values_of_any_size_have_an_axis(values: list[float], mode: str) -> None:
    """No arithmetic overflows, and its ends are numbers."""
    assert all(map(math.isfinite, value_axis(values, "loss", mode).layout.get("range", ())))


def test_few_or_equal_values_leave_the_axis_to_plotly() -> None:
    """There is nothing to be told apart."""
    assert "range" not in value_axis([1.0, 2.0], "loss", "min").layout
    assert "range" not in value_axis([3.0] * 9, "loss", "min").layout
    assert value_axis([], "loss", "min").hidden == 0


@pytest.mark.parametrize(("low", "high"), [(0.01, 0.9), (1e-9, 1.0), (3.0, 5.0), (1e-30, 1e30)])
def test_a_logarithmic_axis_names_a_few_round_places(low: float, high: float) -> None:
    """At least two of them where the ends are apart, at most a dozen."""
    ticks = [tick for tick in log_ticks(low, high)["tickvals"] if low <= tick <= high]
    assert (1 if high / low < 3 else 2) <= len(ticks) <= 12
    assert all(f"{tick:e}".partition("e")[0] in ("1.000000", "2.000000", "5.000000") for tick in ticks)


def test_a_long_name_is_broken_where_its_parts_meet_and_keeps_its_end() -> None:
    """Names that begin alike are told apart by their ends."""
    assert _wrapped("lr") == "lr"
    assert _wrapped("hidden_units[2 long].1") == "hidden_units<br>[2 long].1"
    assert _wrapped("a_long_name.of_many_parts.in_a_space.momentum").endswith("momentum")


def test_time_is_told_in_the_unit_that_suits_it() -> None:
    """Seconds, minutes and hours."""
    assert [time_unit(seconds)[1] for seconds in (20, 1000, 50_000)] == ["seconds", "minutes", "hours"]

"""Means with their intervals, with as many digits as the interval deserves."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

LOPSIDED = 1.25
"""An interval whose longer arm exceeds the shorter one so many times is written with both ends."""
TOO_LONG = 1e7
"""Numbers from here on are written with an exponent."""
MOST_DECIMALS = 7


def lopsided(estimate: Mapping[str, Any] | None) -> bool:
    """Whether its interval is written with both ends, for its arms differ."""
    if estimate is None or any(estimate.get(key) is None for key in ("mean", "low", "high")):
        return False
    mean, low, high = estimate["mean"], estimate["low"], estimate["high"]
    shorter, longer = sorted((mean - low, high - mean))
    return bool(low != high and (shorter <= 0 or longer / shorter > LOPSIDED))


def interval(estimate: Mapping[str, Any], *, positive: bool = False, ends: bool = False) -> str:
    """A `mean` with `low` and `high`: `0.971 +- 0.003`, or `0.971 (0.962 to 0.974)` where the arms differ.

    Without an interval, or with one of no width, it is the mean alone.

    `positive`: the size of the mean, whatever its sign. `ends`: both ends in any case, as where another interval beside
    it has to be written so.
    """
    mean, low, high = estimate["mean"], estimate["low"], estimate["high"]
    if mean is None:
        return "-"
    if positive and mean < 0:
        mean, low, high = -mean, None if high is None else -high, None if low is None else -low
    if low is None or high is None or low == high:
        return figure(mean)
    half = high / 2 - low / 2
    digits, large = _digits(half), max(map(abs, (mean, low, high))) >= TOO_LONG
    if ends or lopsided({"mean": mean, "low": low, "high": high}):
        both = f"{_fixed(low, digits, large=large)} to {_fixed(high, digits, large=large)}"
        return f"{_fixed(mean, digits, large=large)} ({both})"
    return f"{_fixed(mean, digits, large=large)} +- {_fixed(half, digits, large=large)}"


def figure(value: float | None, like: Mapping[str, Any] | None = None) -> str:
    """A value with as many digits as the interval that it is compared with, but for one that would look like 0."""
    if value is None:
        return "-"
    if like is not None and like["low"] is not None and like["high"] is not None and like["high"] > like["low"]:
        text = _fixed(value, _digits(like["high"] / 2 - like["low"] / 2), large=abs(value) >= TOO_LONG)
        return f"{value:.2g}" if value and not float(text) else text
    return f"{value:.4g}"


def _digits(width: float) -> int:
    """Decimals at which a width above 0 has two figures; below 0 for digits before the point."""
    return 1 - math.floor(math.log10(float(f"{width:.1e}")))


def _fixed(value: float, digits: int, *, large: bool) -> str:
    """A value cut at a decimal, with an exponent where there are large values, or too many decimals."""
    if large or digits > MOST_DECIMALS:
        size = math.floor(math.log10(abs(value))) if value else 0
        return f"{value:.{min(max(size + digits, 1), 15)}e}"
    text = f"{value:.{digits}f}" if digits >= 0 else f"{round(value, digits):.0f}"
    return text if float(text) else text.removeprefix("-")

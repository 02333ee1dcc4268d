"""What a replay has found: the curves around their first difference, what is to be noted, the sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from experiments._sweep.views.words import clean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

AROUND = 2
"""Epochs that are shown before and after the first that differs."""
FEWEST_DIGITS, MOST_DIGITS = 4, 17


def replay_lines(answer: Mapping[str, Any]) -> Iterator[str]:
    """A replay's answer, which may come from a ledger, in lines for a terminal."""
    if answer["first_difference"] is not None:
        yield from _table(answer)
        largest = _share(answer["largest_relative_difference"])
        yield f"largest relative difference of {clean(answer['metric'])}: {largest}"
    noise = answer["noise"]
    if noise is not None:
        seeds = f"{noise['runs']} other seeds{' and splits' if noise['splits'] else ''} ({clean(noise['origin'])})"
        yield (
            f"seed noise: {seeds}; within it is what is at most {noise['limit']:g} standard deviations of the "
            "difference between two seeds, at the epoch that counts and over the curve"
        )
    yield clean(answer["answer"])


def apart(then: float | str, now: float | str) -> tuple[str, str]:
    """Two numbers with as many digits, four at least, as it takes to tell them apart."""
    for digits in range(FEWEST_DIGITS, MOST_DIGITS + 1):
        one, other = (each if isinstance(each, str) else f"{each:.{digits}g}" for each in (then, now))
        if then == now or one != other:
            break
    return one, other


def _table(answer: Mapping[str, Any]) -> Iterator[str]:
    """One row an epoch: around the first difference, the epoch that counts, the last."""
    curve, first, counted = answer["curve"], answer["first_difference"]["epoch"], answer["counted_epoch"]
    then, now = curve["then"], curve["now"]
    shown = {*range(first - AROUND, first + AROUND + 1), counted, len(then), len(now)}
    rows = [("epoch", f"{clean(curve['metric'])} then", "now", "")]
    for epoch in range(1, max(len(then), len(now)) + 1):
        if epoch in shown:
            marks = {"first differs": first, "counts for the trial": counted}
            note = ", ".join(text for text, at in marks.items() if at == epoch)
            rows.append((str(epoch), *_cells(_at(then, epoch), _at(now, epoch)), note))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for row in rows:
        yield "  ".join([*(cell.rjust(width) for cell, width in zip(row, widths, strict=False)), row[3]]).rstrip()


def _at(curve: list[Any], epoch: int) -> Any:
    return curve[epoch - 1] if epoch <= len(curve) else None


def _cells(then: Any, now: Any) -> tuple[str, str]:
    if then is not None and now is not None:
        then, now = apart(then, now)
    one, other = (clean(apart(each, each)[0]) if each is not None else "-" for each in (then, now))
    return one, other


def _share(value: float | str) -> str:
    return value if isinstance(value, str) else f"{100 * value:.2g} %"

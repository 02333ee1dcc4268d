"""What the newest confirmation of a sweep has found, where it can be read and is about this sweep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, FiniteFloat, ValidationError, model_validator

from experiments._sweep.derived.finding import confirmations
from experiments._sweep.views.words import place

if TYPE_CHECKING:
    from experiments._sweep.ledger.history import History
    from experiments._sweep.sweep import Sweep


@dataclass(frozen=True, kw_only=True)
class Confirmed:
    """An answer, or why there is none."""

    answer: dict[str, Any] | None
    """As `confirm` gives it."""
    note: str = ""
    """Where a confirmation lies there and has no answer to show: why, in a sentence."""
    command: str
    """What one types to have one; it goes on with a confirmation that was begun."""


class _Estimate(BaseModel):
    """A mean and its interval."""

    model_config = ConfigDict(strict=True)
    mean: FiniteFloat | None
    low: FiniteFloat | None
    high: FiniteFloat | None

    @model_validator(mode="after")
    def _in_order(self) -> _Estimate:
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError("the interval ends before it begins")
        return self


class _Configuration(_Estimate):
    """What is read of each of the configurations."""

    label: str
    trial: int | None
    config: dict[str, Any]
    values: list[float | None]
    promised: float | None
    validation: float | None
    selection_gap: float | None
    failed: int
    tied: bool
    difference: _Estimate | None
    others: dict[str, float]


class _Answer(BaseModel):
    """What is read of an answer."""

    model_config = ConfigDict(strict=True)
    answer: str
    on: str
    metric: str
    searched_metric: str
    mode: Literal["min", "max"]
    seeds: int
    searched_winner: str
    winner: str | None
    verdict: str | None
    configurations: list[_Configuration]
    gain_over_defaults: _Estimate | None
    notes: list[str]


def confirmed(sweep: Sweep) -> Confirmed:
    """The answer of the newest confirmation of a sweep that has one.

    One that is damaged, or was made of another sweep, is left out: nothing on a page may rest on it.
    """
    made = confirmations(sweep)
    answered = [each for each in made if each.history.answer is not None]
    command = f"sweep confirm {place(sweep.folder)}"
    if not answered:
        begun = "A confirmation was begun and has no answer yet: the command goes on with it." if made else ""
        return Confirmed(answer=None, note=begun, command=command)
    newest = answered[-1]
    answer = newest.history.answer or {}
    fault = _fault(answer, sweep.history)
    if not fault:
        return Confirmed(answer=answer, command=command)
    note = f"What {newest.name} has found is left out, for {fault}."
    return Confirmed(answer=None, note=note, command=f"{command} --again")


def _fault(answer: dict[str, Any], history: History) -> str:
    """What is wrong with an answer, in a clause; empty where nothing is."""
    try:
        read = _Answer.model_validate(answer)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        return f"it is damaged ({'.'.join(map(str, first['loc']))}: {first['msg']})"
    labels = {each.label for each in read.configurations}
    if read.searched_winner not in labels or read.winner not in {None, *labels}:
        return "it is damaged (a winner is none of its configurations)"
    for each in read.configurations:
        trial = None if each.trial is None else history.trials.get(each.trial)
        if each.trial is not None and (trial is None or trial.config != each.config):
            return f"it is about another sweep: trial {each.trial} has another configuration there"
    return ""

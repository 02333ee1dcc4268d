"""Real sweeps of the shipped experiments, told again: when each epoch was reported and how each trial ended.

`replays/NAME.json` has, a trial a line, its budget and its stretches of training: the driver, when it began and the
epochs after it, each as the time since what was before, in hundredths of a second.
"""

import json
from pathlib import Path
from typing import Any

from experiments import FIFO
from experiments._sweep.ledger.history import History
from experiments._sweep.ledger.records import (
    EpochReported,
    Record,
    SegmentStarted,
    TrialEnded,
    TrialProposed,
)
from tests.experiments.conftest import driver, entries, experiment, opened

REPLAYS = Path(__file__).parent / "replays"
NAMES = sorted(path.stem for path in REPLAYS.glob("*.json"))

Told = tuple[int, float, Record]
"""Driver, time, record."""


class Replay:
    """One sweep."""

    def __init__(self, name: str) -> None:
        """The sweep of that name."""
        self._told = json.loads((REPLAYS / f"{name}.json").read_text())
        records = [each for number, trial in enumerate(self._told["trials"]) for each in _trial(number, trial)]
        self.records = sorted(records, key=lambda each: each[:2])
        self._drivers = sorted({each[0] for each in records})
        lasted = {number: max(t for who, t, _ in records if who == number) for number in self._drivers}
        self._before = {number: sum(lasted[each] for each in self._drivers if each < number) for number in lasted}
        self.seconds = sum(lasted.values())
        """How long it took."""

    def at(self, part: float) -> tuple[History, float]:
        """The history when that part of the time was over, and the seconds since its newest driver started."""
        now = part * self.seconds
        return History(entries(*self.lines(now))), now - max(each for each in self._before.values() if each <= now)

    def lines(self, until: float = float("inf")) -> list[Record]:
        """The records of the ledger so far."""
        first = opened(experiment(scheduler=FIFO(), num_trials=len(self._told["trials"])))
        first.asks.update(scheduler=self._told["scheduler"], epochs=self._told["epochs"])
        if self._told["searched_epochs"]:
            first.asks["space"]["epochs"] = {"lograndint": [1, self._told["epochs"] + 1]}
        lines: list[Record] = [first]
        for number in self._drivers:
            if self._before[number] <= until:
                lines.append(driver(number))
                lines += [record for who, t, record in self.records if who == number and t + self._before[who] <= until]
        return lines


def _trial(number: int, told: dict[str, Any]) -> list[Told]:
    first = told["stretches"][0]
    proposal = TrialProposed(
        trial=number,
        config={"x": number / 100, "epochs": told["budget"]},
        origin="random",
        made_at=0,
        bracket=told.get("bracket"),
        t=first["at"] / 100,
    )
    records: list[Told] = [(first["driver"], first["at"] / 100, proposal)]
    epoch = 0
    for segment, stretch in enumerate(told["stretches"], 1):
        now = stretch["at"]
        records.append(
            (stretch["driver"], now / 100, SegmentStarted(trial=number, segment=segment, t=now / 100)),
        )
        for place, passed in enumerate(stretch["epochs"]):
            now, epoch = now + passed, epoch + 1
            last = place + 1 == len(stretch["epochs"]) and stretch["how"] != "lost"
            ending = stretch["how"] if last and stretch["how"] != "held" else None
            action = "hold" if last and stretch["how"] == "held" else "stop" if ending else "continue"
            metrics = {"epoch": epoch, "loss": 1 / epoch + number / 1000}
            reported = EpochReported(
                trial=number, segment=segment, epoch=epoch, metrics=metrics, action=action, ending=ending, t=now / 100
            )
            records.append((stretch["driver"], now / 100, reported))
    if "ended" in told:
        who, at, ending = told["ended"]
        records.append((who, at / 100, TrialEnded(trial=number, ending=ending, why="", t=at / 100)))
    return records

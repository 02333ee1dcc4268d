"""What is measured of one search of either kind, and what makes its winner a whole one."""

from __future__ import annotations

import json
import math
import statistics
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

FOLDS = 5
KINDS = ("raysweeps", "plain")
SEARCHED = ("n_estimators", "max_depth")


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """One configuration, and what its folds gave."""

    config: dict[str, Any]
    """What was searched."""
    losses: tuple[float, ...]
    """Mean squared error of each fold that was fitted, in their order."""
    epochs: tuple[int, ...]
    """The numbers of the records that say so, as they are numbered."""
    value: float
    """The loss that the search counts for it."""

    @property
    def folds(self) -> int:
        """How many folds were fitted."""
        return len(self.losses)

    @property
    def trees(self) -> int:
        """How many trees were fitted, over its folds."""
        return int(self.config["n_estimators"]) * self.folds

    @property
    def loss(self) -> float:
        """The mean over the folds that were fitted."""
        return statistics.fmean(self.losses) if self.losses else math.inf


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One search of one kind with one seed."""

    kind: str
    seed: int
    seconds: float
    """On the clock, from the start of the command to its end."""
    cpu: float | None
    """CPU seconds of the plain loop's one process; None of a sweep, which has several."""
    evaluations: tuple[Evaluation, ...]
    winner: int
    """Which of them the search says is best."""

    @property
    def judged_s(self) -> float:
        """The seconds that count: of the plain loop the fewer, by the clock or of CPU, for it waits for nothing.

        Other work on the machine makes both more, the CPU's only where cores share a cache or are threads of one.
        """
        return self.seconds if self.cpu is None else min(self.seconds, self.cpu)

    @property
    def best(self) -> float:
        """The loss of the winner over its folds."""
        return self.evaluations[self.winner].loss

    @property
    def folds(self) -> int:
        """How many folds were fitted, all in all."""
        return sum(each.folds for each in self.evaluations)

    @property
    def trees(self) -> int:
        """How many trees were fitted, all in all."""
        return sum(each.trees for each in self.evaluations)

    @property
    def cut(self) -> list[int]:
        """How many evaluations ended after 1, 2, ... folds of those that are not all."""
        return [sum(each.folds == folds for each in self.evaluations) for folds in range(1, FOLDS)]

    def faults(self, evaluations: int) -> list[str]:
        """Return why its answer does not count, a sentence each; none where all of it does.

        Args:
            evaluations: How many configurations were asked for.
        """
        found = []
        if len(self.evaluations) != evaluations:
            found.append(f"{len(self.evaluations)} configurations were looked at, and {evaluations} were asked for")
        if not self.evaluations:
            return found
        winner = self.evaluations[self.winner]
        if list(winner.epochs) != list(range(1, FOLDS + 1)):
            found.append(f"the winner has records of folds {[*winner.epochs]}, and not one of each of {FOLDS}")
        if len(set(winner.losses)) != len(winner.losses):
            found.append("two folds of the winner have the same loss: one was not fitted")
        if not math.isclose(winner.value, winner.loss, rel_tol=1e-9):
            found.append(f"the winner's val_loss is {winner.value}, and the mean of its folds {winner.loss:.10g}")
        better = [each for each in self.evaluations if each.folds == FOLDS and each.loss < winner.loss * (1 - 1e-9)]
        if better:
            found.append(f"{len(better)} other with all folds has a lower loss than the winner")
        return found


def of_plain(seed: int, seconds: float, cpu: float, made: Sequence[Mapping[str, Any]]) -> Measurement:
    """Return the measurement of a plain loop from what it has written.

    Args:
        seed: It ran with.
        seconds: On the clock.
        cpu: CPU seconds of its process.
        made: Of each configuration `config` and the `losses` of its folds.
    """
    evaluations = tuple(
        Evaluation(
            config={name: int(each["config"][name]) for name in SEARCHED},
            losses=tuple(each["losses"]),
            epochs=tuple(range(1, len(each["losses"]) + 1)),
            value=statistics.fmean(each["losses"]),
        )
        for each in made
    )
    winner = min(range(len(evaluations)), key=lambda number: evaluations[number].loss)
    return Measurement(kind="plain", seed=seed, seconds=seconds, cpu=cpu, evaluations=evaluations, winner=winner)


def of_sweep(seed: int, seconds: float, trials: Sequence[Any], winner: int) -> Measurement:
    """Return the measurement of a sweep from its ledger.

    Args:
        seed: It ran with.
        seconds: On the clock.
        trials: As `open_sweep(...).trials` gives them.
        winner: The number of the trial that `open_sweep(...).best` gives.
    """
    evaluations = tuple(
        Evaluation(
            config={name: each.config[name] for name in SEARCHED},
            losses=tuple(record["fold_loss"] for record in each.records),
            epochs=tuple(record["epoch"] for record in each.records),
            value=math.inf if each.value is None else each.value,
        )
        for each in trials
    )
    return Measurement(kind="raysweeps", seed=seed, seconds=seconds, cpu=None, evaluations=evaluations, winner=winner)


def kept(file: Path | None) -> dict[tuple[str, int, int], Measurement]:
    """Return the measurements of a file, by kind, seed and number of evaluations; none where there is no file."""
    if file is None or not file.exists():
        return {}
    found = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        read = json.loads(line)
        evaluations = tuple(
            Evaluation(**{**each, "losses": tuple(each["losses"]), "epochs": tuple(each["epochs"])})
            for each in read.pop("evaluations")
        )
        found[read["kind"], read["seed"], len(evaluations)] = Measurement(**read, evaluations=evaluations)
    return found


def keep(file: Path | None, measurement: Measurement) -> None:
    """Append a measurement to a file, where there is one."""
    if file is not None:
        with file.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(asdict(measurement)) + "\n")


def table(measurements: Sequence[Measurement]) -> list[str]:
    """Return a line for each measurement, below two of headings."""
    rows = [("seed", "", "clock", "CPU", "trees", "folds", "whole", "cut after fold", "best", "winner"),
            ("", "", "s", "s", "fitted", "fitted", "", "1 / 2 / 3 / 4", "loss", "trees, depth")]  # fmt: skip
    for each in measurements:
        cpu = "" if each.cpu is None else f"{each.cpu:.0f}"
        whole = sum(one.folds == FOLDS for one in each.evaluations)
        most = len(each.evaluations) * FOLDS
        winner = ", ".join(str(value) for value in each.evaluations[each.winner].config.values())
        counted = (f"{each.trees}", f"{each.folds} of {most}", f"{whole}", " / ".join(map(str, each.cut)))
        rows.append((str(each.seed), each.kind, f"{each.seconds:.0f}", cpu, *counted, f"{each.best:.5f}", winner))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(text.rjust(width) for text, width in zip(row, widths, strict=True)) for row in rows]

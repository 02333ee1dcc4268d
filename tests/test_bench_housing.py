"""`scripts/bench housing` says how much sooner, how much worse, what was cut, and whether a winner is a whole one."""

import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))  # scripts are run from a checkout, not installed

from scripts.benchmarks.housing import comparison, plain  # noqa: E402
from scripts.benchmarks.housing.measured import (  # noqa: E402
    FOLDS,
    Measurement,
    keep,
    kept,
    of_plain,
    of_sweep,
    table,
)

WHOLE = (0.30, 0.28, 0.26, 0.29, 0.27)


def record(epoch: int, loss: float) -> dict[str, Any]:
    """What a fold reports."""
    return {"epoch": epoch, "fold_loss": loss, "val_loss": 0.0}


def trial(losses: tuple[float, ...], n_estimators: int = 100, value: float | None = None) -> Any:
    """A trial of a sweep that reported these folds, and the mean of them unless another value is given."""
    records = tuple(record(epoch, loss) for epoch, loss in enumerate(losses, start=1))
    counted = sum(losses) / len(losses) if value is None else value
    config = {"dataset": "california_housing", "n_estimators": n_estimators, "max_depth": 20}
    return SimpleNamespace(config=config, records=records, value=counted)


def ours(*, seed: int = 0, seconds: float = 100.0, factor: float = 1.0) -> Measurement:
    """A sweep of four configurations: one whole, two cut after a fold, one after three."""
    losses = tuple(loss * factor for loss in WHOLE)
    return of_sweep(seed, seconds, [trial((0.4,)), trial(losses), trial((0.5,), 10), trial((0.3, 0.2, 0.9))], 1)


def loop(*, seed: int = 0, seconds: float = 500.0, cpu: float = 450.0) -> Measurement:
    """A plain loop over four configurations with all their folds."""
    config = {"n_estimators": 100.0, "max_depth": 20.0}  # as hyperopt hands whole numbers out
    worse = [tuple(loss + step / 10 for loss in WHOLE) for step in range(4)]
    return of_plain(seed, seconds, cpu, [{"config": config, "losses": list(losses)} for losses in worse])


def pairs(**changes: Any) -> list[Measurement]:
    """Both kinds over three seeds."""
    return [made for seed in range(3) for made in (ours(seed=seed, **changes), loop(seed=seed))]


def test_what_was_cut_is_counted() -> None:
    """After how many folds, folds and trees that were fitted; only a configuration with all folds is whole."""
    made = ours()
    assert made.cut == [2, 0, 1, 0] and made.folds == 10 and made.trees == 910
    assert made.best == pytest.approx(0.28)
    told = table([made, loop()])
    assert len(told) == 4
    assert " ".join(told[2].split()) == "0 raysweeps 100 910 10 of 20 1 2 / 0 / 1 / 0 0.28000 100, 20"
    assert " ".join(told[3].split()) == "0 plain 500 450 2000 20 of 20 4 0 / 0 / 0 / 0 0.28000 100, 20"


def test_of_the_plain_loop_the_fewer_seconds_count() -> None:
    """By the clock or of CPU; of the sweep, which has several processes, those of the clock."""
    assert loop().judged_s == 450 and loop(seconds=400.0).judged_s == 400 and ours().judged_s == 100


@pytest.mark.parametrize(
    ("changes", "code", "told"),
    [
        ({}, 0, ["4.50 times sooner", "+0.00%"]),
        ({"seconds": 112.6}, 1, ["4.00 times sooner, the median (target at least 4): MISSED"]),
        ({"factor": 1.0019}, 0, ["best loss +0.19%, the mean (target at most +0.2%): reached"]),
        ({"factor": 1.0021}, 1, ["best loss +0.21%, the mean (target at most +0.2%): MISSED"]),
        ({"factor": 0.99}, 0, ["-1.00%"]),
    ],
)
def test_both_targets_are_judged(
    capsys: pytest.CaptureFixture[str], changes: dict[str, float], code: int, told: list[str]
) -> None:
    """Sooner by the median, no worse by the mean; a line for each seed."""
    assert comparison.judged(pairs(**changes), evaluations=4) == code
    out = capsys.readouterr().out
    assert all(words in out for words in told)
    assert [line[:7] for line in out.splitlines() if line.startswith("seed")] == ["seed 0:", "seed 1:", "seed 2:"]
    assert "3 of 4 cut, 2.20 times fewer trees" in out


def test_the_median_decides_on_time_and_the_mean_on_loss(capsys: pytest.CaptureFixture[str]) -> None:
    """One seed that is slow does not miss; one that is much worse does."""
    made = pairs()
    assert comparison.judged([ours(seconds=200.0), *made[1:]], evaluations=4) == 0
    assert comparison.judged([ours(factor=1.01), *made[1:]], evaluations=4) == 1
    assert "best loss +0.33%" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("winner", "fault"),
    [
        (trial(WHOLE[:4]), "the winner has records of folds [1, 2, 3, 4], and not one of each of 5"),
        (
            trial((0.3, 0.28, 0.28, 0.29, 0.27)),
            "two folds of the winner have the same loss: one was not fitted",
        ),
        (trial(WHOLE, value=0.27), "the winner's val_loss is 0.27, and the mean of its folds 0.28"),
        (trial((0.4, 0.5, 0.6, 0.7, 0.8)), "1 other with all folds has a lower loss than the winner"),
    ],
    ids=["partial", "shared", "other mean", "not the best"],
)
def test_a_winner_that_is_not_whole_is_a_fault(capsys: pytest.CaptureFixture[str], winner: Any, fault: str) -> None:
    """A record of each fold, all different, the value their mean, and no whole configuration better."""
    made = of_sweep(0, 100.0, [trial(tuple(loss + 0.1 for loss in WHOLE)), winner], 1)
    assert made.faults(2) == [fault]
    assert comparison.judged([made, replace(loop(), evaluations=loop().evaluations[:2])], evaluations=2) == 1
    assert f"raysweeps, seed 0: {fault}" in capsys.readouterr().out


def test_as_many_configurations_as_were_asked_for() -> None:
    """A search that ended early is not compared in silence."""
    assert ours().faults(4) == [] == loop().faults(4)
    assert ours().faults(50) == ["4 configurations were looked at, and 50 were asked for"]


def test_what_was_kept_is_judged_and_not_measured_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of measurements suffices; what was kept with another number of configurations does not count."""
    monkeypatch.setattr("trainables.random_forest.check", None)  # nothing is fitted: no data is needed
    file = tmp_path / "kept.jsonl"
    for made in pairs():
        keep(file, made)
    assert kept(file)["raysweeps", 1, 4] == ours(seed=1) and ("plain", 2, 50) not in kept(file)
    assert comparison.compare(seeds=[0, 2], evaluations=4, file=file) == 0
    out = capsys.readouterr().out
    assert [line.split()[:2] for line in out.splitlines()[3:7]] == [
        [seed, kind] for seed in "02" for kind in ("raysweeps", "plain")
    ]
    assert out.splitlines()[-1] == "0 faults (target none): reached"


def test_without_the_data_nothing_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit 2, with the command that fetches it."""
    monkeypatch.setenv("RAYSWEEPS_DATA", str(tmp_path))
    assert comparison.compare(seeds=[0], evaluations=4, file=None) == 2
    assert "python -m trainables fetch california_housing" in capsys.readouterr().err


def test_the_plain_loop_has_the_folds_of_the_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same forest has the same loss on each fold, on a small table."""
    from trainables import random_forest, read_table

    small = read_table("diabetes")
    monkeypatch.setattr(plain, "read_table", lambda _: small)
    found = plain.search(seed=7, evaluations=1)
    made = of_plain(7, 1.0, 1.0, found)
    [evaluation] = made.evaluations
    assert evaluation.folds == FOLDS and made.faults(1) == []
    config = {"dataset": "diabetes", "seed": 7, **evaluation.config}
    losses = [each["fold_loss"] for each in random_forest.epochs(config)]
    assert losses == pytest.approx(list(evaluation.losses), rel=1e-12)

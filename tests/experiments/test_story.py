"""The story of a trial: where it came from, each comparison, its segments, how it ended; in words and as JSON."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from experiments import HyperBand
from experiments._sweep.command_line import main
from experiments._sweep.engine.deciding.assignments import Segment
from experiments._sweep.ledger.records import (
    EpochReported,
    SegmentInterrupted,
    SegmentStarted,
    TrialEnded,
    TrialProposed,
)
from experiments._sweep.sweep import Sweep
from experiments._sweep.views.story import story_facts, story_lines
from tests.experiments.conftest import Driven, driver, experiment, opened
from tests.experiments.test_views import HOSTILE, harmless, sweep

NESTED = {"optimizer": {"name": "sgd", "lr": 0.01234567, "momentum": None}, "layers": [64, 32], "epochs": 27, "x": {}}


def told(folder: Path, *records: Any) -> Sweep:
    """A sweep with these records of its trials."""
    return sweep(folder, [opened(experiment()), driver(), *records])


def proposed(origin: str, **more: Any) -> TrialProposed:
    """Trial 0."""
    return TrialProposed(**{"trial": 0, "config": {"x": 0.5}, "origin": origin, "made_at": 2, "t": 0.0, **more})


@pytest.mark.parametrize(
    ("origin", "details", "words"),
    [
        ("start point", {}, "a start point of the experiment"),
        ("grid", {}, "the next point of the grid"),
        ("random", {}, "drawn at random"),
        (
            "tpe",
            {"good": 5, "of": 20, "log_ratio": 1.25, "works": 0.9},
            (
                "proposed by TPE (tree-structured Parzen estimator), 5 of 20 trials taken as good "
                "(log ratio 1.25, works 0.9)"
            ),
        ),
        (
            "gp",
            {"acquisition": "expected improvement", "value": 0.01317, "mean": 0.41, "sd": 0.05},
            "proposed by a Gaussian process, expected improvement 0.01317 (mean 0.41, sd 0.05)",
        ),
        ("gp", {"noise": 0.1}, "proposed by a Gaussian process, noise 0.1"),
        ("own", {}, "own"),
    ],
)
def test_it_tells_where_a_configuration_came_from(
    tmp_path: Path, origin: str, details: dict[str, Any], words: str
) -> None:
    """The searcher in the field's words, and what made it the choice."""
    lines = list(story_lines(told(tmp_path / "s", proposed(origin, details=details)), 0))
    assert lines[:2] == ["trial 0 of s: interrupted", f"  {words}, when the ledger had 2 lines"]


def test_nested_and_conditional_configurations_are_readable(tmp_path: Path) -> None:
    """One hyperparameter a line, by its path."""
    lines = list(story_lines(told(tmp_path, proposed("random", config=NESTED)), 0))
    assert lines[2:] == [
        "    optimizer.name      sgd",
        "    optimizer.lr        0.01235",
        "    optimizer.momentum  null",
        "    layers              [64, 32]",
        "    epochs              27",
        "    x                   {}",
    ]


def rung(epoch: int, rank: int, of: int, cutoff: float | None, *ahead: int, **more: Any) -> dict[str, Any]:
    """A comparison."""
    return {"epoch": epoch, "rank": rank, "of": of, "cutoff": cutoff, "ahead": list(ahead), **more}


def reported(epoch: int, loss: float, action: str = "continue", *, segment: int = 1, **more: Any) -> EpochReported:
    """A result of trial 0."""
    metrics = {"epoch": epoch, "loss": loss}
    return EpochReported(
        **{"trial": 0, "segment": segment, "epoch": epoch, "metrics": metrics, "action": action, "t": epoch, **more}
    )


def test_it_tells_what_else_was_measured_at_its_best_epoch(tmp_path: Path) -> None:
    """Not a later epoch's, nor clocks, running bests and what the configuration says; the first eight by name."""
    metrics = {"val_accuracy": 0.9, "lr": 0.1, "x": 0.5, "seconds": 1.0, "best_loss": 0.2, "note": "-", "flag": True}
    best = {"epoch": 1, "loss": 0.2, **metrics, "generalization_gap": 0.0312}
    later = {"epoch": 2, "loss": 0.4, "val_accuracy": 0.95}
    many = {"epoch": 3, "loss": 0.1, **{f"m{n}": n / 10 for n in range(10)}}
    lines = []
    for name, records in {"few": [best, later], "many": [best, later, many], "none": [{"loss": 0.3}]}.items():
        epochs = [reported(at, each["loss"], metrics=each) for at, each in enumerate(records, start=1)]
        found = told(tmp_path / name, proposed("random"), SegmentStarted(trial=0, segment=1, t=0.0), *epochs)
        lines.append(next(line for line in story_lines(found, 0) if "best loss" in line))
    eight = ", ".join(f"m{n} {n / 10:.4f}" for n in range(8))
    assert lines == [
        "  best loss 0.2000 at epoch 1 of 2, with val_accuracy 0.9000, lr 0.1000, generalization_gap 0.0312",
        f"  best loss 0.1000 at epoch 3 of 3, with {eight}, 2 more (--json)",
        "  best loss 0.3000 at epoch 1 of 1",
    ]


def test_it_tells_segments_and_comparisons_in_order(tmp_path: Path) -> None:
    """Held, promoted, interrupted, going on, stopped; rank, cut-off and who was ahead."""
    found = told(
        tmp_path / "s",
        proposed("random", bracket=2),
        SegmentStarted(trial=0, segment=1, t=0.0),
        reported(1, 0.9, "hold", rung=rung(1, 2, 3, None, 7, bracket=2)),
        SegmentStarted(trial=0, segment=2, rung=rung(1, 2, 9, 0.95, 7, bracket=2), t=10.0),
        reported(2, 0.8, segment=2, t=11.0),
        SegmentInterrupted(trial=0, segment=2, cause="lost", why="it died", t=12.0),
        driver(2),
        SegmentStarted(trial=0, segment=3, t=20.0),
        reported(3, 0.7, "hold", segment=3, rung=rung(3, 1, 1, None, bracket=2), t=21.0),
        TrialEnded(
            trial=0, ending="stopped", why="rank 5 of 9 at rung 3", rung=rung(3, 5, 9, 0.5, 4, 2, 7, bracket=2), t=30.0
        ),
    )
    assert list(story_lines(found, 0)) == [
        "trial 0 of s: stopped",
        "  drawn at random, when the ledger had 2 lines",
        "    x  0.5",
        "  in bracket 2",
        "  segment 1: epoch 1, 1.0 s under driver 1",
        "    rung 1: rank 2 of 3 so far, behind trial 7, with loss 0.9: was held",
        "  then rung 1: rank 2 of 9, cut-off 0.95, behind trial 7: was promoted",
        "  segment 2: epoch 2, 2.0 s under driver 1; lost: it died",
        "  segment 3: epoch 3, 1.0 s under driver 2",
        "    rung 3: rank 1 of 1 so far, with loss 0.7: was held",
        "  then rung 3: rank 5 of 9, cut-off 0.5, behind trials 4, 2, 7 and 1 more: was stopped",
        "  best loss 0.7000 at epoch 3 of 3",
        "  ended: rank 5 of 9 at rung 3",
    ]
    facts = story_facts(found, 0)
    assert [(each["epoch"], each["rank"], each["of"], each["action"]) for each in facts["rungs"]] == [
        *((1, 2, 3, "hold"), (1, 2, 9, "continue"), (3, 1, 1, "hold"), (3, 5, 9, "stop"))
    ]
    assert [(each["segment"], each["driver"], each["first_epoch"], each["cause"]) for each in facts["segments"]] == [
        *((1, 1, 1, ""), (2, 1, 2, "lost"), (3, 2, 3, ""))
    ]


def test_it_tells_who_was_compared_with_nobody_and_who_was_stopped(tmp_path: Path) -> None:
    """Under ASHA the first at a rung, under the median rule too few; then the cut-off, and several epochs together."""
    found = told(
        tmp_path,
        proposed("random"),
        SegmentStarted(trial=0, segment=1, t=0.0),
        reported(1, 0.9, rung=rung(1, 1, 1, None)),
        reported(2, 0.8, rung=rung(2, 2, 3, None, 1)),
        reported(3, 0.7, rung={"epoch": 3, "rank": 2, "of": 2, "cutoff": 0.7}),
        reported(4, 0.7, "stop", ending="stopped", why="rank 3 of 3", rung=rung(4, 3, 3, 0.5, 1, 2)),
    )
    assert list(story_lines(found, 0))[3:] == [
        "  segment 1: epochs 1 to 4, 4.0 s under driver 1",
        "    rung 1: rank 1 of 1, nobody to compare with, with loss 0.9: went on",
        "    rung 2: rank 2 of 3, too few to compare with, behind trial 1, with loss 0.8: went on",
        "    rung 3: rank 2 of 2, cut-off 0.7, with loss 0.7: went on",
        "    rung 4: rank 3 of 3, cut-off 0.5, behind trials 1, 2, with loss 0.7: was stopped",
        "  best loss 0.7000 at epoch 3 of 4",
        "  ended: rank 3 of 3",
    ]


def test_who_was_held_by_a_scheduler_of_rays_is_told_without_a_comparison(tmp_path: Path) -> None:
    """It does not say whom it compared; in JSON the stretch says that it ended so."""
    found = told(
        tmp_path,
        proposed("OptunaSearch"),
        SegmentStarted(trial=0, segment=1, t=0.0),
        reported(1, 0.9),
        reported(2, 0.8, "hold"),
        SegmentStarted(trial=0, segment=2, t=5.0),
        reported(3, 0.7, "stop", segment=2, ending="completed", why="trained its budget of 3 epochs", t=6.0),
    )
    assert list(story_lines(found, 0))[3:6] == [
        "  segment 1: epochs 1 to 2, 2.0 s under driver 1",
        "    epoch 2: was held",
        "  segment 2: epoch 3, 1.0 s under driver 1",
    ]
    assert [each["held"] for each in story_facts(found, 0)["segments"]] == [True, False]


def test_a_value_is_seen_to_lie_beyond_the_cutoff(tmp_path: Path) -> None:
    """Both with so many digits that they differ."""
    found = told(
        tmp_path,
        proposed("random"),
        SegmentStarted(trial=0, segment=1, t=0.0),
        reported(1, 1.00994, "stop", ending="stopped", why="rank 2 of 2", rung=rung(1, 2, 2, 1.00992, 7)),
    )
    assert "    rung 1: rank 2 of 2, cut-off 1.00992, behind trial 7, with loss 1.00994: was stopped" in list(
        story_lines(found, 0)
    )


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_nothing_of_it_reaches_the_terminal_raw(tmp_path: Path, text: str) -> None:
    """Origins, details, nested configurations, causes, comparisons, reasons and tracebacks."""
    found = told(
        tmp_path / "sweep",
        proposed(
            text, config={text: {text: text}, "list": [text]}, details={"acquisition": text, "value": text, text: 1}
        ),
        SegmentStarted(trial=0, segment=1, rung=rung(1, 1, 2, None, text, bracket=text), t=0.0),  # type: ignore[arg-type]
        SegmentInterrupted(trial=0, segment=1, cause=text, why=text, t=1.0),
        TrialEnded(trial=0, ending=text, why=text, traceback=f"Traceback:\n{text}", t=2.0),
    )
    shown = "\n".join(story_lines(found, 0))
    assert harmless(shown), ascii(shown)
    assert all(text != line for line in shown.splitlines()[: -text.count("\n") - 2])


def test_a_sweep_under_hyperband_tells_its_story(
    tmp_path: Path, drive: Callable[..., Driven], capsys: pytest.CaptureFixture[str]
) -> None:
    """`sweep trials made 4`, in words and in JSON: the same facts."""
    driven = drive(experiment(scheduler=HyperBand(), epochs=9, num_trials=8), "made")
    while isinstance(segment := driven.conductor.next_segment(), Segment):
        epoch = segment.epochs_known + 1
        while driven.conductor.report(segment.trial, segment.number, {"epoch": epoch, "loss": 8 - segment.trial}):
            epoch += 1
    assert main(["trials", "made", "4", "--storage", str(tmp_path)]) == 0
    words = capsys.readouterr().out
    assert "  in bracket 1: trials 3 to 7\n  segment 1: epochs 1 to 3," in words
    assert "    rung 3: rank 1 of 2 so far, with loss 4: was held\n" in words
    assert "  then rung 3: rank 4 of 5, cut-off 2, behind trials 7, 6, 5: was stopped\n" in words
    assert words.endswith("  ended: rank 4 of 5 at rung 3, cut-off 2\n")
    assert main(["trials", "made", "6", "--storage", str(tmp_path), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert {"trial", "ending", "config", "value", "epoch", "epochs", "seconds"} < facts.keys()
    assert facts["ending"] == "completed" and facts["why"] == "trained its budget of 9 epochs"
    assert (facts["origin"], facts["details"], facts["bracket"], len(facts["records"])) == ("random", {}, 1, 9)
    promoted = {"epoch": 3, "rank": 2, "of": 5, "cutoff": 2, "ahead": [7], "bracket": 1, "action": "continue"}
    assert facts["rungs"][1:] == [promoted]
    assert [(each["first_epoch"], each["last_epoch"]) for each in facts["segments"]] == [(1, 3), (4, 9)]

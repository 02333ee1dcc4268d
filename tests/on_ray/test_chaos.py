"""`scripts/chaos`: one seed through it on a real Ray, and a judge who finds what was planted."""

import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY))  # scripts are run from a checkout, not installed

from experiments._sweep.ledger.records import (  # noqa: E402
    Entry,
    EpochReported,
    Record,
    SegmentInterrupted,
    SegmentStarted,
    TrialEnded,
    TrialProposed,
)
from scripts.chaos_runs.bombs import PLACES  # noqa: E402
from scripts.chaos_runs.judge import Evidence, Verdict, judged, needed  # noqa: E402
from scripts.chaos_runs.plan import PHASES, RANDOM, plan_of  # noqa: E402
from scripts.chaos_runs.witness import Told  # noqa: E402

EPOCHS = 3
SEEDS = {0: 100, 1: 101}
DONE = ("begins", "trained")

Plant = Callable[[list[Record], list[Told]], tuple[list[Record], list[Told]]]


@pytest.mark.slow
@pytest.mark.timeout(200)
def test_a_made_up_seed_goes_through_as_promised(tmp_path: Path) -> None:
    """A trial's process is killed in a save and the driver at a decision: the script says that nothing was lost."""
    done = subprocess.run(
        [
            *(sys.executable, "scripts/chaos", "--only", "made-up", "--seeds", "1", "--first-seed", "9"),
            *("--phases", "checkpoint,decision", "--keep", str(tmp_path), "--json", str(tmp_path / "found.json")),
        ],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        timeout=190,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "a trial's process was killed in checkpoint" in done.stdout
    assert "the driver was killed in decision" in done.stdout
    assert '"as_promised": true' in (tmp_path / "found.json").read_text()
    assert (tmp_path / "seed-9" / "with-faults" / "results").is_dir()


def test_every_seed_kills_in_every_phase() -> None:
    """Of the default 20 seeds each has all six phases and a random moment; together they kill everybody everywhere."""
    plans = [plan_of(seed) for seed in range(20)]
    for plan in plans:
        assert {fault.phase for fault in plan.all_faults} == {*PHASES, RANDOM}
        assert len({fault.target for fault in plan.all_faults}) >= 2
        assert all(faults[-1].ends_driver for faults in plan.faults)
    assert {(plan.question, plan.alone) for plan in plans} == {
        (q, a) for q in ("real", "made-up") for a in (True, False)
    }
    for phase in ("checkpoint", RANDOM):
        assert {"trial", "both"} <= {
            fault.target for plan in plans for fault in plan.all_faults if fault.phase == phase
        }


def test_every_place_is_there() -> None:
    """Bombs are put into the engine by name; a name that is gone is found here, and not in the middle of a night."""
    program = (
        "from scripts.chaos_runs.bombs import PLACES, Bomb\n"
        "for phase, points in PLACES.items():\n"
        "    for point in points:\n"
        "        Bomb(phase=phase, point=point, nth=0, share=0.5).place()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=50
    )
    assert done.returncode == 0, done.stderr
    assert set(PLACES) == {*PHASES} - {"checkpoint"}


def sweep() -> tuple[list[Record], list[Told]]:
    """Two trials, one after the other; the driver was killed in the second epoch of the first, which began it again."""
    records: list[Record] = []
    told: list[Told] = []
    for number, seed in SEEDS.items():
        records += [
            TrialProposed(trial=number, config={"x": number / 3, "seed": seed}, origin="random", made_at=0, t=0),
            SegmentStarted(trial=number, segment=1, t=0),
        ]
        for epoch in range(1, EPOCHS + 1):
            of = {"seed": seed, "epoch": epoch}
            if (number, epoch) == (0, 2):
                told.append(Told(what="begins", pid=11, driver=10, **of))
                told.append(Told(what="kill", pid=10, driver=10, target="driver", phase=RANDOM))
                records.append(SegmentStarted(trial=number, segment=2, t=0))
            before = (number, epoch) == (0, 1)
            told += [Told(what=what, pid=11 if before else 21, driver=10 if before else 20, **of) for what in DONE]
            records.append(reported(number, epoch, "stop" if epoch == EPOCHS else "continue"))
    return records, told


def reported(trial: int, epoch: int, action: str) -> EpochReported:
    """An epoch's record; the last one ends its trial."""
    metrics = {"loss": 1 / epoch + trial, "seconds": 0.1}
    ending = "completed" if action == "stop" else None
    return EpochReported(trial=trial, segment=1, epoch=epoch, metrics=metrics, action=action, ending=ending, t=0)


def entries(records: Sequence[Record]) -> list[Entry]:
    """The records as a ledger has them."""
    return [Entry(n, record) for n, record in enumerate(records)]


def verdict_on(records: Sequence[Record], told: Sequence[Told], *, alone: bool = True) -> Verdict:
    """The verdict on a sweep beside the one that nothing happened to."""
    return judged(Evidence(entries=entries(records), uninterrupted=entries(sweep()[0]), told=told, alone=alone))


def test_a_sweep_as_promised_is_told_so() -> None:
    """One epoch begun again after a kill is allowed, and nothing else is found; the clock may say what it likes."""
    records, told = sweep()
    slower = [
        replace(each, metrics={**each.metrics, "seconds": 9.0}) if isinstance(each, EpochReported) else each
        for each in records
    ]
    verdict = verdict_on(slower, told)
    assert verdict.broken == []
    assert (verdict.trials, verdict.epochs, verdict.begun_again, verdict.trained_again, verdict.worst) == (
        2,
        6,
        1,
        0,
        1,
    )
    assert needed(entries(slower), entries(records)) == []


def without(records: list[Record], trial: int, epoch: int) -> list[Record]:
    """The records without that of an epoch."""
    return [
        each for each in records if not (isinstance(each, EpochReported) and (each.trial, each.epoch) == (trial, epoch))
    ]


PLANTED: dict[str, tuple[str, str, Plant]] = {
    "a trial is lost": ("lost", "trial 1 is lost", lambda records, told: (records[:6], told[:8])),
    "a trial has no ending": ("lost", "trial 1 has the ending None", lambda records, told: (records[:-1], told[:-1])),
    "a trial was given up": (
        "lost",
        "trial 1 has the ending lost",
        lambda records, told: ([*records[:-1], TrialEnded(trial=1, ending="lost", why="4 times", t=0)], told[:-1]),
    ),
    "a record is missing": (
        "records",
        "trial 1: trained and not recorded: epochs [2]",
        lambda records, told: (without(records, 1, 2), told),
    ),
    "a record is doubled": (
        "records",
        "trial 0: epoch 1 stands after 1 epochs",
        lambda records, told: ([*records[:3], records[2], *records[3:]], told),
    ),
    "a record is made up": (
        "records",
        "trial 1: recorded and not trained: epochs [2]",
        lambda records, told: (
            records,
            [each for each in told if (each.what, each.seed, each.epoch) != ("trained", 101, 2)],
        ),
    ),
    "a record is another one": (
        "records",
        "trial 1: epoch 3 is not what training gives",
        lambda records, told: ([*records[:-1], replace(records[-1], metrics={"loss": 1 / 3 + 1 + 1e-15})], told),
    ),
    "an ended trial has a further segment": (
        "twice",
        "trial 0 has a record of kind 'segment' after its ending",
        lambda records, told: ([*records, SegmentStarted(trial=0, segment=3, t=0)], told),
    ),
    "an ended trial is trained on": (
        "twice",
        "trial 0 was trained on after its ending at epoch 3",
        lambda records, told: (records, [*told, Told(what="begins", pid=21, driver=20, seed=100, epoch=4)]),
    ),
    "a trial that nobody knows is trained": (
        "twice",
        "seed 102",
        lambda records, told: (records, [*told, Told(what="begins", pid=21, driver=20, seed=102, epoch=1)]),
    ),
    "a configuration has two numbers": (
        "twice",
        "trial 1 has the configuration of trial 0",
        lambda records, told: (
            [
                replace(each, config={"x": 0.0, "seed": 101})
                if isinstance(each, TrialProposed) and each.trial
                else each
                for each in records
            ],
            told,
        ),
    ),
    "an epoch is doubled in the witness": (
        "unexplained",
        "trial 0: epoch 1 again, without a kill",
        lambda records, told: (records, [*told[:2], *told[:2], *told[2:]]),
    ),
    "a kill costs two epochs": (
        "unexplained",
        "trial 0: epoch 2 again, the 2. after one kill",
        lambda records, told: (records, [*told[:4], replace(told[4], epoch=1), *told[4:]]),
    ),
    "another trial's kill is no excuse": (
        "unexplained",
        "trial 1: epoch 3 again, without a kill",
        lambda records, told: (
            records,
            [*told, Told(what="kill", pid=22, driver=20, seed=100, target="trial", phase=RANDOM), *told[-2:]],
        ),
    ),
    "a decision is another one": (
        "otherwise",
        "trial 1: its decisions are not as in the uninterrupted sweep",
        lambda records, told: ([*records[:-2], replace(records[-2], action="hold"), records[-1]], told),
    ),
    "an ending is another one": (
        "otherwise",
        "trial 1: its ending is not as in the uninterrupted sweep",
        lambda records, told: ([*records[:-1], replace(records[-1], ending="stopped")], told),
    ),
}


@pytest.mark.parametrize("planted", PLANTED)
def test_the_judge_finds_what_was_planted(planted: str) -> None:
    """A judge that cannot fail is worth nothing: each fault is found, and called by its name."""
    kind, sentence, plant = PLANTED[planted]
    verdict = verdict_on(*plant(*sweep()))
    assert any(sentence in each for each in getattr(verdict, kind)), verdict.broken
    assert verdict.broken


def test_the_judge_counts_the_ledger_s_lines() -> None:
    """A ledger whose counter has a gap has lost a line."""
    records, told = sweep()
    gap = [Entry(entry.n + (entry.n >= 5), entry.record) for entry in entries(records)]
    verdict = judged(Evidence(entries=gap, uninterrupted=entries(records), told=told, alone=True))
    assert "line 6 of the ledger has the counter 6" in verdict.records


def test_two_at_a_time_are_compared_with_a_plain_loop() -> None:
    """A configuration that the uninterrupted sweep has not trained so far is not passed over: it is trained apart."""
    records, told = sweep()
    short = [*records[:-2], replace(records[-2], action="stop", ending="stopped")]
    assert [trial.number for trial in needed(entries(records), entries(short))] == [1]
    evidence = Evidence(entries=entries(records), uninterrupted=entries(short), told=told, alone=False)
    assert judged(evidence).records == ["trial 1: nothing to compare epoch 3 with"]
    apart = [{"loss": 1 / epoch + 1} for epoch in range(1, EPOCHS + 1)]
    assert judged(replace(evidence, apart={1: apart})).broken == []
    other = [*apart[:-1], {"loss": 0.5}]
    assert judged(replace(evidence, apart={1: other})).records == ["trial 1: epoch 3 is not what training gives"]


def test_an_interruption_ends_nothing() -> None:
    """A trial whose process was lost goes on, and that is no second life."""
    records, told = sweep()
    lost = SegmentInterrupted(trial=1, segment=1, cause="lost", t=0)
    assert verdict_on([*records[:-1], lost, SegmentStarted(trial=1, segment=2, t=0), records[-1]], told).broken == []

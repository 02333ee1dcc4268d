"""`sweep trials --watch`: a sweep that another process drives, followed by its ledger alone until it ends."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from experiments._sweep.command_line import main, watching
from experiments._sweep.command_line.watching import Watched
from experiments._sweep.errors import InputError
from experiments._sweep.ledger import following
from experiments._sweep.ledger.files import LEDGER, LedgerError, LedgerWriter
from experiments._sweep.ledger.following import Follower
from experiments._sweep.ledger.lease import Lease
from experiments._sweep.ledger.records import (
    DriverEnded,
    EpochReported,
    Record,
    SegmentStarted,
    TrialEnded,
    TrialProposed,
)
from tests.experiments.conftest import driver, experiment, opened
from tests.experiments.replayed import Replay

ENDED = DriverEnded(driver=1, reason="finished", t=9.0, at=0.0)


def begun(trial: int) -> list[Record]:
    """A trial and its first epoch."""
    return [
        TrialProposed(trial=trial, config={"x": trial / 10}, origin="random", made_at=0, t=float(trial)),
        SegmentStarted(trial=trial, segment=1, t=float(trial)),
        EpochReported(trial=trial, segment=1, epoch=1, metrics={"loss": 2.0 - trial}, action="continue", t=trial + 0.5),
    ]


def ended(trial: int) -> Record:
    """Its ending."""
    return TrialEnded(trial=trial, ending="stopped", why="rank 2 of 2", t=trial + 0.9)


class Driven:
    """A sweep whose driver does something each time the one who watches waits."""

    def __init__(self, folder: Path) -> None:
        """Begun, with a lease."""
        self.folder = folder
        folder.mkdir()
        self.lease = Lease(folder)
        self.lease.take()
        self.writer = LedgerWriter(folder / LEDGER)
        self.steps: list[Callable[[], Any]] = []
        self.waits = 0

    def write(self, *records: Record) -> None:
        """Appends to the ledger."""
        self.writer.append(records)

    def then(self, *records: Record) -> None:
        """At the next wait, appends these."""
        self.steps.append(lambda: self.write(*records))

    def step(self, _: float) -> None:
        """The next of them; a test that waits for ever fails."""
        self.waits += 1
        assert self.steps, "it waits for more than will come"
        self.steps.pop(0)()

    def gone(self) -> None:
        """Its process dies."""
        self.lease.release()


@pytest.fixture
def sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Driven]:
    """Give a sweep that has just begun; whoever watches it waits for its steps."""
    for sync in ("os.fsync", "os.fdatasync"):
        monkeypatch.setattr(sync, lambda _: None)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results").mkdir()
    driven = Driven(tmp_path / "results" / "mine")
    monkeypatch.setattr(watching.time, "sleep", driven.step)
    monkeypatch.setattr(watching.Watched.__init__, "__defaults__", (driven.step,))
    yield driven
    driven.lease.release()


def test_it_ends_by_itself_when_the_sweep_has_ended(sweep: Driven, capsys: pytest.CaptureFixture[str]) -> None:
    """In a pipe plain lines: how far it was, what happens from then on, how it ended. The newest sweep by default."""
    sweep.write(opened(experiment()), driver(), *begun(0))
    sweep.then(*begun(1))
    sweep.then(ended(0))
    sweep.then(ended(1), ENDED)
    assert main(["trials", "--watch"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["made: Why?", "sweep results/mine"]
    assert lines[2].endswith("1 running; best so far: trial 0 with 2.0000; about 5 s left")
    told = [line.partition("] ")[2] for line in lines[3:6]]
    assert told[0] == "trial 1 leads with loss 1.0000 at epoch 1"
    assert told[1] == "trial 0 stopped at epoch 1, best loss 2.0000 at epoch 1 (rank 2 of 2)"
    assert lines[6] == "mine has ended" and lines[7] == "2 trials in 9.0 s: 2 stopped"
    assert any("sweep confirm results/mine" in line for line in lines)


def test_a_pipe_gets_plain_lines_where_colours_are_asked_for(
    sweep: Driven, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As in continuous integration, where a picture that is drawn again and again would fill the log."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    sweep.write(opened(experiment()), driver(), *begun(0))
    sweep.then(ENDED)
    assert main(["trials", "--watch"]) == 0
    assert "\x1b" not in capsys.readouterr().out


def test_a_sweep_that_has_ended_is_told_at_once(sweep: Driven, capsys: pytest.CaptureFixture[str]) -> None:
    """Also by its name; and why it ended, and how to go on with it, where it ended early."""
    early = DriverEnded(driver=1, reason="time limit", why="60 s were over", t=9.0, at=0.0)
    sweep.write(opened(experiment()), driver(), *begun(0), ended(0), early)
    assert main(["trials", "mine", "--watch"]) == 0
    out = capsys.readouterr().out
    assert "mine ended early (time limit): 60 s were over\n" in out and "go on with: sweep resume results/mine\n" in out
    assert sweep.waits == 0 and "[" not in out.splitlines()[2]


def test_a_driver_that_is_gone_is_named(sweep: Driven, capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody waits for it for ever: exit 3, as the driver's own would be, and the command that goes on."""
    sweep.write(opened(experiment()), driver(), *begun(0))
    sweep.gone()
    assert main(["trials", "--watch"]) == 3
    out = capsys.readouterr().out
    assert "mine has not ended, and no driver is at work on it: driver 1, process 1 on here is gone." in out
    assert "Go on with it: sweep resume results/mine" in out and "1 interrupted" in out
    assert "1 running" not in out and "left" not in out


def test_a_driver_that_goes_while_it_is_watched_is_noticed(sweep: Driven, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a while without a record; one whose last line came just before it went has ended."""
    monkeypatch.setattr(watching, "HOLDER_S", 0.0)
    sweep.write(opened(experiment()), driver(), *begun(0))
    sweep.then(*begun(1))
    sweep.steps.append(sweep.gone)
    assert Watched(sweep.folder, sweep.step).follow() is False
    monkeypatch.setattr(watching, "holder_of", lambda _: sweep.write(ENDED))
    assert Watched(sweep.folder, sweep.step).follow() is True


def test_a_sweep_that_is_just_beginning_is_waited_for(sweep: Driven, capsys: pytest.CaptureFixture[str]) -> None:
    """Its driver is there before its first line is; without one, an empty ledger is refused as everywhere."""
    sweep.then()
    sweep.then(opened(experiment()), driver())
    sweep.then(ENDED)
    assert main(["trials", "results/mine", "--watch"]) == 0
    assert "no trial yet" in capsys.readouterr().out
    sweep.gone()
    (sweep.folder / LEDGER).write_bytes(b"")
    assert main(["trials", "results/mine", "--watch"]) == 3
    assert "is empty: the sweep was cut before it began" in capsys.readouterr().err


def test_another_driver_goes_on_with_it(sweep: Driven, capsys: pytest.CaptureFixture[str]) -> None:
    """Its time begins anew, and the trials of the one before are interrupted."""
    sweep.write(opened(experiment()), driver(), *begun(0))
    sweep.then(driver(2))
    sweep.then(DriverEnded(driver=2, reason="finished", t=1.0, at=0.0))
    assert main(["trials", "--watch"]) == 0
    assert "[    0.0 s] driver 2 goes on with it, process 1 on here\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "said"),
    [(["mine", "0"], "but one trial is asked for"), (["--json"], "but --json is asked for")],
)
def test_what_it_cannot_be_given_with(
    sweep: Driven, more: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A picture of a sweep is neither the story of a trial nor for programs."""
    sweep.write(opened(experiment()), driver())
    assert main(["trials", *more, "--watch"]) == 2
    assert said in capsys.readouterr().err


def test_signals_end_it_in_order(sweep: Driven) -> None:
    """SIGTERM and a closed terminal as Ctrl+C: the view is closed, the exit code is 130, and the handlers are back."""
    sweep.write(opened(experiment()), driver())
    before = signal.getsignal(signal.SIGTERM)
    sweep.steps.append(lambda: os.kill(os.getpid(), signal.SIGTERM))
    assert main(["trials", "--watch"]) == 130
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_store_that_does_not_answer_is_said_once(sweep: Driven, capsys: pytest.CaptureFixture[str]) -> None:
    """And the sweep is watched on."""
    watched = Watched(sweep.folder, sweep.step)
    answers = iter([True, False, True, False, True])

    def bring() -> None:
        if not next(answers):
            raise InputError("s3://bucket does not answer.")

    watched._growth.bring = bring  # type: ignore[method-assign]
    sweep.write(opened(experiment()), driver())
    for _ in range(3):
        sweep.then()
    sweep.then(ENDED)
    assert watched.follow() is True
    assert capsys.readouterr().out.count("s3://bucket does not answer.") == 1


def test_a_store_that_does_not_say_who_drives_is_no_reason_to_go(
    sweep: Driven, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is asked again, and the sweep is watched on."""

    def unsaid(_: Path) -> None:
        raise InputError("s3://bucket does not answer.")

    monkeypatch.setattr(watching, "HOLDER_S", 0.0)
    monkeypatch.setattr(watching, "holder_of", unsaid)
    sweep.write(opened(experiment()), driver())
    sweep.then()
    sweep.then(ENDED)
    assert Watched(sweep.folder, sweep.step).follow() is True
    assert capsys.readouterr().out.count("s3://bucket does not answer.") == 1


def test_a_sweep_in_a_store_whose_first_line_is_on_its_way_is_asked_for(sweep: Driven) -> None:
    """Its lease comes before its ledger: the store is asked until that is there."""
    watched = Watched(sweep.folder, sweep.step)
    brought = iter([[], [opened(experiment()), driver(), ENDED]])
    watched._growth.bring = lambda: sweep.write(*next(brought))  # type: ignore[method-assign]
    sweep.then()
    assert watched.follow() is True


def test_a_driver_that_was_killed_before_its_own_line(sweep: Driven, capsys: pytest.CaptureFixture[str]) -> None:
    """The first line is there, and nothing says which process it was."""
    sweep.write(opened(experiment()))
    sweep.gone()
    assert main(["trials", "--watch"]) == 3
    assert "mine has not ended, and no driver is at work on it: its first driver is gone." in capsys.readouterr().out


def test_what_a_process_was_told_to_ignore_does_not_end_it(sweep: Driven) -> None:
    """`nohup sweep trials --watch > FILE &` goes on when the terminal is closed."""
    sweep.write(opened(experiment()), driver())
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    sweep.steps.append(lambda: os.kill(os.getpid(), signal.SIGHUP))
    sweep.then(ENDED)
    try:
        assert main(["trials", "--watch"]) == 0 and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


# The ledger, followed


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LedgerWriter]:
    """Give a ledger to write."""
    monkeypatch.setattr("os.fdatasync", lambda _: None)
    writer = LedgerWriter(tmp_path / LEDGER)
    yield writer
    writer.close()


def numbers(follower: Follower) -> list[int]:
    """The counters of what has come."""
    return [entry.n for entry in follower.news()]


def test_each_line_is_read_and_folded_once(tmp_path: Path, ledger: LedgerWriter) -> None:
    """A thousand looks at a long ledger read nothing of it again."""
    follower = Follower(tmp_path / LEDGER)
    assert numbers(follower) == []
    ledger.append([opened(experiment()), driver(), *begun(0)])
    assert numbers(follower) == [0, 1, 2, 3, 4] and numbers(follower) == []
    before = follower.history
    ledger.append(begun(1))
    assert numbers(follower) == [5, 6, 7]
    assert follower.history is before and len(before.trials) == 2


def test_a_line_that_is_being_written_is_waited_for(tmp_path: Path, ledger: LedgerWriter) -> None:
    """Half of one, or one of which bytes are not there yet, is neither shown nor refused."""
    ledger.append([opened(experiment()), driver(), *begun(0)])
    whole = (tmp_path / LEDGER).read_bytes()
    follower = Follower(tmp_path / LEDGER)
    (tmp_path / LEDGER).write_bytes(whole[:-30])
    assert numbers(follower) == [0, 1, 2, 3]
    (tmp_path / LEDGER).write_bytes(whole[:-30] + bytes(29) + b"\n")
    assert numbers(follower) == []
    (tmp_path / LEDGER).write_bytes(whole)
    assert numbers(follower) == [4]


def test_a_ledger_that_was_replaced_is_read_anew(tmp_path: Path, ledger: LedgerWriter) -> None:
    """By a shorter one, or by one of the same length that another driver wrote."""
    first = [opened(experiment()), driver()]
    ledger.append([*first, *begun(0)])
    follower = Follower(tmp_path / LEDGER)
    assert len(numbers(follower)) == 5
    whole = (tmp_path / LEDGER).read_bytes()
    (tmp_path / LEDGER).write_bytes(b"".join(whole.splitlines(keepends=True)[:2]))
    assert numbers(follower) == [0, 1] and not follower.history.trials
    (tmp_path / LEDGER).write_bytes(whole)
    assert numbers(follower) == [2, 3, 4]
    (tmp_path / LEDGER).unlink()
    other = LedgerWriter(tmp_path / LEDGER)
    other.append([*first, *begun(0)[:2], TrialEnded(trial=0, ending="error", why="x" * 900, t=0.5), *begun(1)])
    other.close()
    assert len(numbers(follower)) == 8 and follower.history.trials[0].state == "error"


def test_a_damaged_ledger_is_refused_with_its_line(tmp_path: Path, ledger: LedgerWriter) -> None:
    """As everywhere; one that is gone as well."""
    ledger.append([opened(experiment()), driver()])
    follower = Follower(tmp_path / LEDGER)
    assert numbers(follower) == [0, 1]
    with (tmp_path / LEDGER).open("ab") as file:
        file.write(b"{}\n{}\n")
    with pytest.raises(LedgerError, match="line 3: its checksum does not match"):
        numbers(follower)
    ledger.close()
    again = LedgerWriter(tmp_path / "other.jsonl")
    again.append([opened(experiment()), driver(), ended(3)])
    again.close()
    with pytest.raises(LedgerError, match="line 3: does not fit what is before it"):
        numbers(Follower(tmp_path / "other.jsonl"))
    (tmp_path / LEDGER).unlink()
    with pytest.raises(LedgerError, match="cannot be read"):
        numbers(follower)
    ledger._file = os.open(tmp_path, os.O_RDONLY)  # the fixture closes it


def test_following_a_long_ledger_costs_what_it_grows_by(
    tmp_path: Path, ledger: LedgerWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Records are folded once each, however often it is looked at: a real sweep, in forty pieces."""
    folded = []
    fold = following.fold
    monkeypatch.setattr(following, "fold", lambda entry, *rest: (folded.append(entry.n), fold(entry, *rest)))
    lines = Replay("digits_mlp").lines()
    follower = Follower(tmp_path / LEDGER)
    size = len(lines) // 40 + 1
    for start in range(0, len(lines), size):
        ledger.append(lines[start : start + size])
        numbers(follower)
        numbers(follower)
    assert folded == [*range(len(lines))]
    assert len(follower.history.trials) == 64

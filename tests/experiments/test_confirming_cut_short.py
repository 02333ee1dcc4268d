"""Confirmations that are interrupted, killed or refused: the same command goes on, and nothing is measured twice."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from experiments._sweep.ledger.files import LEDGER, LedgerWriter
from experiments._sweep.ledger.lease import Lease
from experiments._sweep.ledger.records import TestMeasured as Measured
from experiments._sweep.ledger.records import TestSplitUsed as Used
from tests.experiments.confirmable import Workplace

SMALL = ("--top", "1", "--seeds", "3")
STOP = "import signal; os.kill(os.getpid(), signal.SIGTERM)"


def once(marker: str, action: str, condition: str = "") -> str:
    """Python that does something where a file is there, which it removes."""
    return f'if (HERE / "{marker}").exists(){condition}: (HERE / "{marker}").unlink(); {action}'


def finished_as_one(workplace: Workplace, before: list[tuple[str, ...]], *, measured_twice: int = 0) -> None:
    """Give the same command again; assert that it goes on and that the whole is as one without an interruption."""
    code, out, err = workplace("confirm")
    assert code == 0, out + err
    done = Counter([*before, *workplace.new()])
    measured = [words for words in done if words[0] == "test"]
    assert len(measured) == 6 and sum(done[words] for words in measured) == 6 + measured_twice
    assert sum(count for words, count in done.items() if words[0] == "train") == 6 * 3, "no epoch trained twice"
    assert len(workplace.sweep().history.looks) == 1
    assert workplace.records("mine/confirm-1").count("test") == 6
    answer = workplace.answer()
    assert [each["failed"] for each in answer["configurations"]] == [0, 0] and answer["looks"] == 1


@pytest.mark.parametrize("at", ["TRAINING", "TESTING"])
def test_interrupted_it_goes_on(workplace: Workplace, at: str) -> None:
    """SIGTERM while an epoch is trained, or while a checkpoint is measured; exit code 130 and the command to go on."""
    workplace.run((f"pass  # {at}", once("now", STOP)))
    (workplace.folder / "now").touch()
    code, out, _ = workplace("confirm", *SMALL)
    assert code == 130 and "confirm-1 ended early (interrupted): interrupted by SIGTERM" in out
    assert "go on with: sweep confirm results/mine\n" in out
    before = workplace.new()
    assert "not confirmed yet" in workplace("best")[1]
    code, _, err = workplace("confirm", "--again")
    assert code == 2 and "mine/confirm-1 has not ended: leave out --again to go on with it" in err
    code, _, err = workplace("confirm", "--top", "2")
    assert code == 2 and "mine/confirm-1 was begun with --top 1. Leave these options out to go on with it." in err
    finished_as_one(workplace, before)


def test_killed_it_goes_on(workplace: Workplace) -> None:
    """The process is gone in mid-measurement; what was recorded is not measured again."""
    third = ' and (HERE / "witness").read_text().count("test ") == 2'
    workplace.run(("pass  # TESTING", once("now", "os._exit(9)", third)))
    (workplace.folder / "now").touch()
    command = [sys.executable, "-m", "experiments", "confirm", *SMALL, "--here"]
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    killed = subprocess.run(command, cwd=workplace.folder, env=environment, capture_output=True, check=False)
    assert killed.returncode == 9, killed.stderr
    before = workplace.new()
    assert sum(words[0] == "test" for words in before) == 2
    finished_as_one(workplace, before)


def test_a_test_that_raises_ends_with_1(workplace: Workplace) -> None:
    """What it said is told; mended, the same command goes on, and it is one use of the test split."""
    broken = (
        'if (HERE / "broken").exists() and (HERE / "witness").read_text().count("test ") == 2: raise SystemExit("no")'
    )
    workplace.run(("pass  # TESTING", broken))
    (workplace.folder / "broken").touch()
    code, out, _ = workplace("confirm", *SMALL)
    assert code == 1 and "confirm-1 ended early (failed): trial 2 could not be measured: SystemExit: no" in out
    code, out, err = workplace("confirm", "--json")
    assert (code, out) == (1, "") and "could not be measured" in err
    before = workplace.new()
    (workplace.folder / "broken").unlink()
    finished_as_one(workplace, before)


def test_a_test_without_the_metric_ends_with_1(workplace: Workplace) -> None:
    """Its configurations have not failed: the trainable does not keep its word."""
    workplace.run(('return {"test_loss": 1 + loss(config, epoch), ', "return {"))
    code, out, _ = workplace("confirm", *SMALL)
    assert code == 1 and "(failed): the test of trial 0 gave no test_loss; it gave test_accuracy" in out
    assert workplace.sweep("mine/confirm-1").history.answer is None


@pytest.mark.parametrize("full", [Used, Measured])
def test_a_full_disk_costs_nothing_that_was_recorded(
    workplace: Workplace, full: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the use of the test split is recorded, nothing is measured; when a result is, that one is measured again."""
    append, before = LedgerWriter.append, []

    def failing(self: LedgerWriter, records: Any) -> Any:
        if isinstance(records[0], full) and not before:
            before.append(records)
            raise OSError(28, "No space left on device", "ledger.jsonl")
        return append(self, records)

    workplace.run()
    monkeypatch.setattr(LedgerWriter, "append", failing)
    code, out, _ = workplace("confirm", *SMALL)
    assert code == 3 and "ended early (fault)" in out and "No space left on device" in out
    done = workplace.new()
    assert sum(words[0] == "test" for words in done) == (0 if full is Used else 1)
    finished_as_one(workplace, done, measured_twice=0 if full is Used else 1)


@pytest.mark.parametrize("left", [None, b"", b'{"n":0,"kind":"sw'])
def test_killed_before_its_first_line_it_begins_anew(workplace: Workplace, left: bytes | None) -> None:
    """An empty folder, an empty ledger, half a line: nothing has begun, and nothing stands in the way of anything."""
    workplace.run()
    folder = workplace.folder / "results/mine/confirm-1"
    folder.mkdir()
    if left is not None:
        (folder / LEDGER).write_bytes(left)
    assert "not confirmed yet" in workplace("best")[1]
    finished = workplace.answer(*SMALL)
    assert (finished["number"], finished["looks"]) == (1, 1)


@pytest.mark.parametrize("held", ["mine", "mine/confirm-1"])
def test_one_driver_at_a_time(workplace: Workplace, held: str) -> None:
    """While the search runs, or another driver confirms it, it ends with 3 and names who does."""
    workplace.run(("pass  # TRAINING", once("now", STOP)))
    (workplace.folder / "now").touch()
    assert workplace("confirm", *SMALL)[0] == 130
    lease = Lease(workplace.folder / "results" / held)
    lease.take()
    try:
        code, out, err = workplace("confirm")
        assert (code, out) == (3, "") and f"{held} is being written by process {os.getpid()} on " in err
    finally:
        lease.release()
    assert workplace("confirm")[0] == 0


def test_the_search_goes_on_while_its_confirmation_trains(workplace: Workplace) -> None:
    """Nothing is measured then: the use of the test split could not be recorded. The same command goes on."""
    taken = "from experiments._sweep.ledger.lease import Lease; Lease(HERE / 'results/mine').take()"
    workplace.run(("pass  # TRAINING", once("now", taken)))
    (workplace.folder / "now").touch()
    code, out, _ = workplace("confirm", *SMALL)
    assert code == 3 and "(fault): " in out and "mine is being written by process" in out and "Traceback" not in out
    before = workplace.new()
    assert not any(words[0] == "test" for words in before)
    (workplace.folder / "results/mine/lease.json").unlink()
    finished_as_one(workplace, before)


def test_a_search_that_had_not_finished_is_said_so(workplace: Workplace) -> None:
    """It may be confirmed; when it has gone on and another trial leads, that is said as well."""
    workplace.run()
    ledger = workplace.folder / "results/mine" / LEDGER
    lines = ledger.read_bytes().splitlines(keepends=True)
    first = next(n for n, line in enumerate(lines) if b'"kind":"trial","trial":1' in line)
    ledger.write_bytes(b"".join(lines[:first]))
    code, out, _ = workplace("confirm", *SMALL)
    assert code == 0 and "trial 0 promised 0.40" in out
    assert "note: The search had not finished (1 of 4 trials had ended): a later trial may be better." in out
    assert "trial 1 leads it now" not in workplace("best")[1]
    assert workplace("resume", "--here")[0] == 0
    later = "The search has gone on since it was confirmed, and trial 1 leads it now."
    assert f"note: {later}" in workplace("confirm")[1] and later in workplace("best")[1]


def test_resume_names_the_command(workplace: Workplace) -> None:
    """A confirmation and a refit are gone on with by the command that made them."""
    workplace.run()
    assert workplace("confirm", *SMALL, "--refit")[0] == 0
    for name, command in (("confirm-1", "confirm results/mine"), ("confirm-1/refit", "confirm results/mine --refit")):
        code, _, err = workplace("resume", f"mine/{name}", "--here")
        assert code == 2
        assert err == f"error: results/mine/{name} is made of another sweep. Go on with it by: sweep {command}\n"

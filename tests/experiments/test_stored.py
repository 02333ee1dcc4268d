"""G13: a sweep's folder written by an earlier version opens, tells its story and is resumed; a newer one is refused.

The folders in `stored` were written by the versions whose format they are named after, by `stored/make`.
"""

import dataclasses
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from experiments import open_sweep
from experiments._sweep.command_line import main
from experiments._sweep.ledger.files import LEDGER, read
from experiments._sweep.ledger.lines import encode
from experiments._sweep.ledger.records import SCHEMA, DriverStarted, SweepOpened

STORED = Path(__file__).parent / "stored"
FORMATS = range(1, SCHEMA + 1)
Sweep = Callable[..., tuple[int, str, str]]

pytestmark = pytest.mark.usefixtures("fresh_imports")


@pytest.fixture(params=FORMATS, ids=lambda number: f"format-{number}")
def stored(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """Lay out the stored sweeps of a format as results of one's own, with the experiment's file; the format."""
    shutil.copytree(STORED / f"format-{request.param}", tmp_path / "results")
    shutil.copy(STORED / "wells.py", tmp_path)
    monkeypatch.chdir(tmp_path)
    return int(request.param)


@pytest.fixture
def sweep(capsys: pytest.CaptureFixture[str]) -> Sweep:
    """Run one command; exit code, output, errors."""

    def command(*arguments: str) -> tuple[int, str, str]:
        code = main([*arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    return command


def contents() -> dict[str, tuple[bytes, int]]:
    """Every file of the results with its content and the time of its last change."""
    files = (path for path in Path("results").rglob("*") if path.is_file())
    return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


def test_g13_a_stored_sweep_tells_its_trials_its_best_and_their_stories(stored: int, sweep: Sweep) -> None:
    """And its confirmation; looking changes nothing."""
    before = contents()
    opened = open_sweep("wells").history.sweep
    assert (opened.schema, opened.name) == (stored, "wells")
    trials = json.loads(sweep("trials", "wells", "--json")[1])
    endings = [trial["ending"] for trial in trials]
    assert endings[:4] == ["error", "diverged", "completed", "stopped"] and endings[6:] == ["interrupted"]
    assert trials[6]["epochs"] >= 1
    best = json.loads(sweep("best", "wells", "--json")[1])
    assert (best["trial"], round(best["value"], 4)) == (2, 0.4965)
    assert Path(best["checkpoint"]).is_dir()
    for arguments, told in (
        (("trials", "wells", "1"), "diverged"),
        (("trials", "wells", "3"), "rank 4 of 4"),
        (("best", "wells"), "confirmed by results/wells/confirm-1"),
        (("confirm", "wells"), "trial 2 promised 0.4965, confirmed 0.4965"),
        (("resume", "finished"), "finished has finished: nothing is left to do."),
    ):
        code, out, err = sweep(*arguments)
        assert code == 0 and told in out, (arguments, out, err)
    assert contents() == before


def test_f27_a_stored_sweep_is_resumed_and_extended(stored: int, sweep: Sweep) -> None:
    """What was interrupted goes on from its checkpoint; trials that were there keep their configurations."""
    before = open_sweep("wells").history
    code, out, err = sweep("resume", "wells", "--here", "--trials", "+2", "--trust", "--yes")
    assert code == 0, out + err
    after = open_sweep("wells").history
    assert len(after.trials) == 10 and all(trial.ended for trial in after.trials.values())
    for number, trial in before.trials.items():
        known = [each.metrics for each in trial.epochs]
        now = [each.metrics for each in after.trials[number].epochs]
        assert after.trials[number].config == trial.config
        assert repr(now[: len(known)]) == repr(known)  # NaN is equal to itself as text
    gone_on = after.trials[6]
    assert [each.epoch for each in gone_on.epochs] == list(range(1, len(gone_on.epochs) + 1))
    assert gone_on.segments[1].first_epoch == len(before.trials[6].epochs) + 1
    assert after.drivers[-1].schema == SCHEMA and sorted(after.code or {}) == ["wells.py"]
    assert (after.drivers[-1].code is None) == (stored >= 2), "a sweep of format 1 learns its code when it is resumed"


@pytest.mark.usefixtures("stored")
def test_f27_a_finished_stored_sweep_is_extended(sweep: Sweep) -> None:
    """By a trial, and once more, without any question the second time."""
    assert sweep("resume", "finished", "--here", "--trials", "+1", "--trust", "--yes")[0] == 0
    code, out, err = sweep("resume", "finished", "--here", "--trials", "+1")
    assert code == 0 and len(open_sweep("finished").trials) == 5, out + err


@pytest.mark.usefixtures("stored")
def test_f27_a_stored_sweep_asks_for_trust_on_another_machine(sweep: Sweep) -> None:
    """It ran on a machine called orchard."""
    code, _, err = sweep("resume", "wells", "--here")
    assert code == 2 and "it never ran on this machine" in err and "(it ran on orchard)" in err


@pytest.mark.parametrize("kind", [SweepOpened, DriverStarted])
def test_f27_a_newer_format_is_refused_in_words(tmp_path: Path, sweep: Sweep, kind: type) -> None:
    """Whether a later version began the sweep or has only gone on with it; exit code 3, nothing is changed."""
    shutil.copytree(STORED / f"format-{SCHEMA}", tmp_path / "results")
    ledger = tmp_path / "results" / "finished" / LEDGER
    lines = [
        encode(n, dataclasses.replace(record, schema=99) if isinstance(record, kind) else record)  # type: ignore[type-var]
        for n, record in ((entry.n, entry.record) for entry in read(ledger))
    ]
    ledger.write_bytes(b"".join(lines))
    for command in ("trials", "best", "resume"):
        code, _, err = sweep(command, str(ledger.parent))
        assert code == 3 and f"written in format 99; this version reads up to {SCHEMA}. Update raysweeps." in err
    assert ledger.read_bytes() == b"".join(lines)


def test_nothing_stored_names_a_folder_of_anybodys_machine() -> None:
    """They were made in a neutral place."""
    for ledger in STORED.rglob(LEDGER):
        text = ledger.read_text()
        assert not re.search(r'"/(?!tmp/stored/)', text) and '"orchard"' in text

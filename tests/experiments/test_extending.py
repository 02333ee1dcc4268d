"""`sweep resume --trials`: more trials for a sweep that has ended, or has not, and what the next driver remembers."""

import pytest

from experiments import open_sweep
from experiments._sweep.ledger.files import read
from experiments._sweep.ledger.records import DriverEnded
from tests.experiments.resumable import Place


@pytest.mark.parametrize(("given", "trials"), [("+2", 6), ("7", 7)])
def test_a_finished_sweep_is_extended(resumable: Place, given: str, trials: int) -> None:
    """By so many more, or to so many in all; the trials that were there stay what they are."""
    resumable.run()
    before = open_sweep().trials
    code, out, err = resumable.sweep("resume", "mine", "--here", "--trials", given)
    assert code == 0, out + err
    took = [entry.record.t for entry in read(resumable.ledger) if isinstance(entry.record, DriverEnded)]
    assert len(took) == 2 and open_sweep().history.seconds == pytest.approx(sum(took)), "the time of all its drivers"
    assert len(open_sweep().trials) == trials and open_sweep().trials[: len(before)] == before
    assert resumable.drivers[-1].limits == {"num_trials": trials}
    assert open_sweep().history.asks["num_trials"] == trials and f"of the {3 * trials} that" in out


def test_an_extended_sweep_proposes_what_a_longer_one_would_have(resumable: Place) -> None:
    """G4: four trials and four more are the same eight trials."""
    resumable.run("--name", "whole", "--trials", "8")
    resumable.run()
    assert resumable.sweep("resume", "mine", "--here", "--trials", "+4")[0] == 0
    whole, extended = open_sweep("whole"), open_sweep("mine")
    assert [(t.config, t.records) for t in whole.trials] == [(t.config, t.records) for t in extended.trials]


def test_an_interrupted_sweep_is_extended_and_more_counts_from_what_it_asks_for(resumable: Place) -> None:
    """And the next resume, told nothing, goes on to that number."""
    resumable.run()
    resumable.cut(8)
    assert resumable.sweep("resume", "mine", "--here", "--trials", "+3")[0] == 0
    assert len(open_sweep().trials) == 7
    resumable.cut(len(resumable.ledger.read_bytes().splitlines()) - 6)
    assert resumable.sweep("resume", "mine", "--here")[0] == 0
    assert len(open_sweep().trials) == 7 and resumable.drivers[-1].limits == {"num_trials": 7}


def test_fewer_trials_than_there_are_are_refused_with_numbers(resumable: Place) -> None:
    """Nothing is taken back, and nothing is written."""
    resumable.run()
    before = resumable.ledger.read_bytes()
    code, _, err = resumable.sweep("resume", "mine", "--here", "--trials", "2")
    assert code == 2 and "num_trials is 2, but the sweep has 4 trials already" in err and "--trials 4" in err
    assert resumable.ledger.read_bytes() == before


@pytest.mark.parametrize("given", ["many", "-3", "+", "1.5", "+-1"])
def test_a_bad_number_of_trials_is_refused(resumable: Place, given: str) -> None:
    """In words, with an example of each form."""
    resumable.run("--trials", "1")
    code, _, err = resumable.sweep("resume", "mine", "--here", f"--trials={given}")
    assert code == 2 and f"such as 200, or how many more, such as +50; got {given!r}." in err


def test_a_finished_sweep_says_how_it_is_extended(resumable: Place) -> None:
    """Where nothing is left to do, and the number is the one that it has; nothing is imported or written."""
    resumable.run()
    before = resumable.ledger.read_bytes()
    (resumable.folder / "mine.py").write_text("raise RuntimeError('imported')")
    for more in ([], ["--trials", "4"]):
        code, out, _ = resumable.sweep("resume", "mine", "--here", *more)
        assert code == 0 and "mine has finished: nothing is left to do." in out
        assert "extend it with: sweep resume results/mine --trials +N   (N trials more)" in out
    assert resumable.ledger.read_bytes() == before


def test_all_that_is_wrong_with_the_options_is_said_at_once(resumable: Place) -> None:
    """Before anything of the sweep is imported or run, and of a finished one as well."""
    resumable.run()
    (resumable.folder / "mine.py").write_text("raise RuntimeError('imported')")
    given = ("--trials", "x", "--stall-timeout", "abc", "--time-limit", "q", "--keep", "0")
    code, out, err = resumable.sweep("resume", "mine", "--here", *given)
    assert code == 2 and out == "" and "imported" not in err
    for option in ("--trials takes", "--stall-timeout takes", "--time-limit takes", "--keep must be"):
        assert option in err
    assert resumable.sweep("resume", "mine", "--here", "--keep", "0")[0] == 2


def test_a_resumed_sweep_remembers_what_it_was_told(resumable: Place) -> None:
    """`--keep` and `--stall-timeout` hold until they are given anew."""
    resumable.run("--keep", "3", "--stall-timeout", "none")
    assert resumable.drivers[-1].settings == {"keep": 3, "stall_timeout_s": None}
    assert resumable.sweep("resume", "mine", "--here", "--trials", "+1")[0] == 0
    assert (resumable.drivers[-1].settings or {})["keep"] == 3
    assert resumable.sweep("resume", "mine", "--here", "--trials", "+1", "--keep", "all")[0] == 0
    assert (resumable.drivers[-1].settings or {})["keep"] is None
    code, _, err = resumable.sweep("resume", "mine", "--here", "--trials", "+1", "--keep", "0", "--stall-timeout", "5m")
    assert code == 2 and "--keep must be a whole number of at least 1, or all, got 0." in err
    assert "--stall-timeout ends a trial's process; with --here there is none." in err
    code, _, err = resumable.sweep("run", "mine.py", "--here", "--stall-timeout", "soon", "--time-limit", "later")
    assert code == 2 and "--stall-timeout takes auto, none, or a time such as 90, 90s, 15m or 2h, got 'soon'." in err
    assert "--time-limit takes a time" in err

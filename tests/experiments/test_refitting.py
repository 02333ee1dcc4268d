"""`sweep confirm --refit`: the winner once more, on everything but the test split."""

import json
import shutil
from pathlib import Path

import pytest

from experiments._sweep.derived.confirmation.refitting import _middle
from experiments._sweep.errors import InputError
from tests.experiments.confirmable import Workplace
from tests.experiments.test_confirming_cut_short import STOP, once

SMALL = ("--top", "1", "--seeds", "3")


def refitted(workplace: Workplace) -> list[tuple[str, ...]]:
    """What was refitted since it was asked last: seed, split seed, x, epoch."""
    return [words[1:] for words in workplace.new() if words[0] == "refit"]


def test_the_winner_is_trained_until_the_epoch_that_was_best(workplace: Workplace) -> None:
    """On a seed of its own, with the schedule of the whole budget; it has no score but the confirmed one."""
    workplace.run()
    code, out, err = workplace("confirm", *SMALL, "--refit")
    assert (code, err) == (0, "")
    done = workplace.new()
    (x, seed, split_seed), epochs = {(w[3], w[1], w[2]) for w in done if w[0] == "refit"}.pop(), 2
    assert [w[1:] for w in done if w[0] == "refit"] == [(seed, split_seed, x, str(e + 1)) for e in range(epochs)]
    assert x == "0.1" and (seed, split_seed) not in {words[1:3] for words in done if words[0] != "refit"}
    assert not [words for words in done[-2:] if words[0] != "refit"], "it comes last, and nothing is measured"
    sweep = workplace.sweep("mine/confirm-1/refit")
    assert [record["budget"] for record in sweep.trials[0].records] == [3, 3]
    assert "refit: trial 1 on training and validation data until epoch 2, never measured\n" in out
    assert "checkpoint results/mine/confirm-1/refit/trials/0000/segment-001/epoch-00002\n" in out
    assert "Trial 1 on training and validation rows until epoch 2." in out


def test_the_same_command_shows_it_again(workplace: Workplace) -> None:
    """With the answer, with or without `--refit`, in words and in JSON; nothing is trained."""
    workplace.run()
    assert workplace.answer(*SMALL)["refit"] is None
    told = workplace.answer("--refit")["refit"]
    assert (told["label"], told["epochs"]) == ("trial 1", 2) and Path(told["checkpoint"]).is_dir()
    workplace.new()
    assert workplace.answer()["refit"] == told == workplace.answer("results/mine/confirm-1/refit", "--refit")["refit"]
    assert "refit: trial 1 on training and validation data until epoch 2" in workplace("confirm", "--refit")[1]
    assert workplace.new() == []


def test_interrupted_it_goes_on(workplace: Workplace) -> None:
    """From its checkpoint, until the same epoch; the answer stays."""
    stop = once("now", STOP, ' and name == "train_loss"')
    workplace.run(("pass  # TRAINING", stop))
    answer = workplace.answer(*SMALL)
    workplace.new()
    (workplace.folder / "now").touch()
    code, out, err = workplace("confirm", "--refit")
    assert code == 130 and answer["answer"] in out
    assert "the refit ended early (interrupted): interrupted by SIGTERM" in err
    assert "go on with: sweep confirm results/mine --refit" in err
    code, out, _ = workplace("confirm", "--refit")
    assert code == 0 and [words[3] for words in refitted(workplace)] == ["1", "2"]
    assert "epoch-00002" in out


def test_killed_before_its_first_line_it_begins_anew(workplace: Workplace) -> None:
    """An empty folder is no refit."""
    workplace.run()
    workplace("confirm", *SMALL)
    (workplace.folder / "results/mine/confirm-1/refit").mkdir()
    assert workplace.answer()["refit"] is None
    assert workplace.answer("--refit")["refit"]["epochs"] == 2


def test_a_refit_whose_last_checkpoint_is_damaged_is_not_passed_over(workplace: Workplace) -> None:
    """Neither an earlier epoch of it nor the search's own training stands in for it unsaid."""
    workplace.run()
    last = Path(workplace.answer(*SMALL, "--refit")["refit"]["checkpoint"])
    (last / "checkpoint.json").write_bytes(b"")
    workplace.new()
    assert workplace.answer()["refit"]["checkpoint"] is None
    with pytest.raises(InputError, match=r"refit in results/mine/confirm-1/refit is gone or damaged. Remove that fold"):
        workplace.sweep("mine").export("model")
    code, _, err = workplace("confirm", "--refit")
    assert code == 1 and "the refit failed (completed): its last checkpoint is gone or damaged\n" in err
    assert "to try it again, remove results/mine/confirm-1/refit\n" in err


@pytest.mark.parametrize("begun", [False, True], ids=["fresh", "interrupted"])
def test_what_cannot_be_refitted_is_refused_before_anything_is_trained(workplace: Workplace, begun: bool) -> None:
    """Not after hours of a confirmation."""
    workplace.run(("        refit=refit,\n", ""), ("pass  # TRAINING", once("now", STOP)))
    if begun:
        (workplace.folder / "now").touch()
        assert workplace("confirm", *SMALL)[0] == 130
        workplace.new()
    told = "--refit: this trainable cannot train on training and validation rows together. Give it a `refit`."
    assert workplace("confirm", *SMALL, "--refit") == (2, "", f"error: {told}\n")
    assert workplace.new() == [] and (workplace.folder / "results/mine/confirm-1").exists() == begun
    assert workplace("confirm", *SMALL)[0] == 0
    code, out, err = workplace("confirm", "--refit")
    assert code == 2 and told in err and "trial 1 promised" in out, "what was found is shown"


def test_the_defaults_are_refitted_where_they_won(workplace: Workplace) -> None:
    """The winner is who is first now, not who was first in the search."""
    workplace.run(("x: float = 0.9", "x: float = 0.05"))
    answer = workplace.answer(*SMALL, "--refit")
    assert answer["winner"] == "defaults" and answer["refit"]["label"] == "defaults"
    assert {words[2] for words in refitted(workplace)} == {"0.05"}


def test_a_refit_that_fails_is_told(workplace: Workplace) -> None:
    """With the answer, and exit code 1; removed, it is tried again."""
    workplace.run(("pass  # TRAINING", 'if name == "train_loss" and (HERE / "bad").exists(): raise ValueError("rows")'))
    (workplace.folder / "bad").touch()
    code, out, err = workplace("confirm", *SMALL, "--refit")
    assert code == 1 and "trial 1 promised" in out and "ValueError: rows" in out
    assert err == ("the refit failed (error): ValueError: rows\nto try it again, remove results/mine/confirm-1/refit\n")
    assert json.loads(workplace("confirm", "--json")[1])["refit"]["checkpoint"] is None
    (workplace.folder / "bad").unlink()
    shutil.rmtree(workplace.folder / "results/mine/confirm-1/refit")
    assert workplace("confirm", "--refit")[0] == 0


@pytest.mark.parametrize(("epochs", "middle"), [([3, 5, 5], 5), ([4], 4), ([2, 3], 3), ([1, 2, 4, 9], 3), ([1, 1], 1)])
def test_the_epoch_that_was_best_in_the_middle(epochs: list[int], middle: int) -> None:
    """The median; between two the nearest, of equally near ones the later."""
    assert _middle(epochs) == middle

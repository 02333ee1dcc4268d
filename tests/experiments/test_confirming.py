"""`sweep confirm` from end to end: what is trained, what is measured and when, and what the numbers are."""

import json
import random
import shutil
from collections import Counter
from typing import Any

import numpy as np
import pytest
from scipy import stats

from experiments import InputError, open_sweep
from experiments._sweep.ledger.files import LEDGER, read
from experiments._sweep.ledger.records import TestMeasured as Measured
from experiments._sweep.ledger.records import TestSplitUsed as Used
from tests.experiments.confirmable import Workplace

SMALL = ("--top", "2", "--seeds", "3")


def test_loss(x: float, seed: int, split_seed: int) -> float:
    """What the experiment's test gives at its best epoch, by its own formula."""
    noise = random.Random(f"{seed} {split_seed}").random()  # noqa: S311 - the experiment's own
    return 1 + x + noise / 100 + x * (seed % 97) / 10_000


test_loss.__test__ = False  # type: ignore[attr-defined] # a formula


def test_what_is_trained_and_measured(workplace: Workplace) -> None:
    """The leaders and the defaults on the same fresh seeds at the full budget; each run measured once, at its best."""
    workplace.run()
    searched = {trial.config["seed"] for trial in workplace.sweep().trials}
    code, out, err = workplace("confirm", *SMALL)
    assert (code, err) == (0, "")
    done = workplace.new()
    trained = [words for words in done if words[0] == "train"]
    seeds = {x: [words[1:3] for words in trained if words[3:] == (x, "1")] for x in ("0.1", "0.2", "0.9")}
    assert seeds["0.1"] == seeds["0.2"] == seeds["0.9"] and len(set(seeds["0.1"])) == 3
    assert len(trained) == 3 * 3 * 3, "three configurations, three seeds, three epochs"
    assert not searched & {int(seed) for seed, _ in seeds["0.1"]} and len({split for _, split in seeds["0.1"]}) == 3
    measured = [words for words in done if words[0] == "test"]
    assert {words[4] for words in measured} == {"2"}, "the best epoch, not the last"
    assert Counter(words[1:4] for words in measured) == Counter((*s, x) for x in seeds for s in seeds[x])
    assert "measuring 9 checkpoints on the test split (use 1 of it)" in out and "The test split was used once." in out


def test_the_use_of_the_test_split_is_recorded_before_it_happens(workplace: Workplace) -> None:
    """In the ledger of the searched sweep, which is durable when the first checkpoint is opened."""
    look = 'assert \'"kind":"look"\' in (HERE / "results/mine/ledger.jsonl").read_text()'
    workplace.run(("pass  # TESTING", look))
    assert workplace("confirm", *SMALL)[0] == 0
    looks = [each for each in workplace.sweep().history.looks if isinstance(each, Used)]
    assert [(each.look, each.confirmation) for each in looks] == [(1, "confirm-1")]
    records = workplace.records("mine/confirm-1")
    assert records.count("test") == 9 and records[-2:] == ["answer", "end"]
    ledger = read(workplace.folder / "results/mine/confirm-1" / LEDGER)
    assert {entry.record.epoch for entry in ledger if isinstance(entry.record, Measured)} == {2}


def test_the_numbers_are_right(workplace: Workplace) -> None:
    """Means, t intervals, Holm's correction, the selection gap and the gain, all computed by hand from the witness."""
    workplace.run()
    answer = workplace.answer("--top", "3", "--seeds", "7")
    seeds = list(dict.fromkeys((int(w[1]), int(w[2])) for w in workplace.new() if w[0] == "test"))
    truth = {x: np.array([test_loss(x, *seed) for seed in seeds]) for x in (0.1, 0.2, 0.3, 0.9)}
    labels = {0.1: "trial 1", 0.2: "trial 3", 0.3: "trial 2", 0.9: "defaults"}
    configurations = {each["label"]: each for each in answer["configurations"]}
    assert list(configurations) == list(labels.values()), "the best first"
    assert (answer["winner"], answer["searched_winner"], answer["verdict"]) == ("trial 1", "trial 1", "first")
    for x, label in labels.items():
        found, values = configurations[label], truth[x]
        assert found["values"] == pytest.approx(values, abs=1e-12)
        assert found["mean"] == pytest.approx(values.mean()) and found["sd"] == pytest.approx(values.std(ddof=1))
        assert found["validation"] == pytest.approx(values.mean() - 1)
        assert found["epochs"] == [2] * 7 and found["others"] == {"test_accuracy": pytest.approx(1 - x / 10)}
        ends = stats.t.interval(0.95, 6, values.mean(), values.std(ddof=1) / 7**0.5)
        assert found["method"] == "t" and (found["low"], found["high"]) == pytest.approx(ends)
        if label == "defaults":
            assert found["promised"] is None and found["selection_gap"] is None and found["trial"] is None
        else:
            promised = workplace.sweep().trials[found["trial"]].value
            assert found["promised"] == promised
            assert found["selection_gap"] == pytest.approx((promised or 0) - values.mean())
        if label != "trial 1":
            difference = values - truth[0.1]
            p = stats.ttest_1samp(difference, 0).pvalue
            assert found["difference"]["mean"] == pytest.approx(difference.mean())
            assert found["difference"]["p"] == pytest.approx(p) and found["difference"]["p_corrected"] >= p
            assert found["tied"] == (found["difference"]["p_corrected"] > 0.05)
    gain, better = answer["gain_over_defaults"], truth[0.9] - truth[0.1]
    assert gain["mean"] == pytest.approx(better.mean()) and gain["mean"] > 0, "above 0 is better, also where low is"
    ends = stats.ttest_1samp(better, 0).confidence_interval()
    assert gain["method"] == "paired t" and (gain["low"], gain["high"]) == pytest.approx((ends.low, ends.high))


def test_where_higher_is_better(workplace: Workplace) -> None:
    """The order, the gain and the words turn round; the gap does not."""
    metric = ('metrics={"val_loss": "falls",', 'metrics={"val_accuracy": "rises", "val_loss": "falls",')
    reported = ('lambda config: ["val_loss",', 'lambda config: ["val_accuracy", "val_loss",')
    record = ('"budget": config.epochs}', '"budget": config.epochs, "val_accuracy": -loss(config, epoch)}')
    mode = ('metric="val_loss",\n    mode="min"', 'metric="val_accuracy",\n    mode="max"')
    measured = ('"test_accuracy": 1 - config.x / 10', '"test_accuracy": -loss(config, epoch)')
    workplace.run(metric, reported, record, mode, measured)
    answer = workplace.answer(*SMALL)
    assert (answer["metric"], answer["mode"]) == ("test_accuracy", "max")
    assert [each["label"] for each in answer["configurations"]] == ["trial 1", "trial 3", "defaults"]
    assert answer["gain_over_defaults"]["mean"] > 0 > answer["configurations"][2]["difference"]["mean"]
    assert "ahead of the defaults by 0.8" in answer["answer"]


def test_the_same_command_again_shows_the_answer(workplace: Workplace) -> None:
    """Nothing is trained, measured or written; the same from Python, and from inside the confirmation."""
    workplace.run()
    answer = workplace.answer(*SMALL)
    workplace.new()
    before = (workplace.folder / "results/mine/confirm-1" / LEDGER).read_bytes()
    code, out, _ = workplace("confirm")
    assert code == 0 and answer["answer"] in out and "sweep results" not in out
    assert workplace.answer("results/mine/confirm-1") == answer
    assert open_sweep("mine").confirmed == answer_alone(answer)
    assert open_sweep("mine").confirm(here=True, quiet=True) == answer_alone(answer)
    assert answer["answer"] in workplace("best")[1] and "The test split was used once." in workplace("best")[1]
    assert workplace.new() == [] and (workplace.folder / "results/mine/confirm-1" / LEDGER).read_bytes() == before


def answer_alone(told: dict[str, Any]) -> dict[str, Any]:
    """What the ledger has of what `--json` says."""
    return {key: value for key, value in told.items() if key not in ("looks", "refit")}


def test_other_numbers_need_another_look(workplace: Workplace) -> None:
    """`--top 3` after a confirmation of two is no way to look twice unseen."""
    workplace.run()
    workplace("confirm", *SMALL)
    code, out, err = workplace("confirm", "--top", "3", "--seeds", "3")
    assert (code, out) == (2, "")
    assert err == (
        "error: mine/confirm-1 was begun with --top 2. Leave these options out to see its answer; a second one uses "
        "the test split once more and needs --again.\n"
    )


def test_again_is_counted_wherever_it_is_shown(workplace: Workplace) -> None:
    """On other seeds, in a folder of its own; the newest answer counts, and how often the test split was used."""
    workplace.run()
    first = workplace.answer(*SMALL)
    seeds = {words[1:3] for words in workplace.new()}
    second = workplace.answer("--again", "--top", "1", "--seeds", "2")
    assert (first["looks"], first["number"], second["looks"], second["number"]) == (1, 1, 2, 2)
    assert not seeds & {words[1:3] for words in workplace.new()}
    twice = "The test split was used twice: each further use makes what it says more hopeful than it should be."
    for command in (("confirm",), ("best",)):
        out = workplace(*command)[1]
        assert second["answer"] in out and twice in out
    assert open_sweep("mine").confirmed == answer_alone(second)
    assert [look.look for look in workplace.sweep().history.looks] == [1, 2]


def test_a_confirmation_that_was_removed_is_not_forgotten(workplace: Workplace) -> None:
    """Without `--again` it is refused, also to one who opened the sweep before; with it number and seeds are new."""
    workplace.run()
    before = open_sweep("mine")
    workplace("confirm", *SMALL)
    seeds = {words[1:3] for words in workplace.new()}
    shutil.rmtree(workplace.folder / "results/mine/confirm-1")
    code, _, err = workplace("confirm", *SMALL)
    assert code == 2 and "the test split was used for mine on 20" in err and "needs --again." in err
    with pytest.raises(InputError, match="the test split was used for mine on"):
        before.confirm(here=True, quiet=True)
    out = workplace("best")[1]
    assert "not confirmed yet: sweep confirm results/mine" in out and "The test split was used once." in out
    answer = workplace.answer("--again", *SMALL)
    assert (answer["number"], answer["looks"]) == (2, 2)
    assert not seeds & {words[1:3] for words in workplace.new()}


def test_it_is_for_sweeps_that_have_something_to_confirm(workplace: Workplace) -> None:
    """No value yet, odd numbers, no seed to draw anew: refused, and nothing is written."""
    workplace.run()
    for options, told in {
        ("--top", "0"): "--top must be a whole number of at least 1, got 0.",
        ("--seeds", "1"): "--seeds must be a whole number of at least 2, got 1.",
        ("--seeds", "many"): "--seeds must be a whole number of at least 2, got 'many'.",
    }.items():
        assert workplace("confirm", *options) == (2, "", f"error: {told}\n")
    ledger = workplace.folder / "results/mine" / LEDGER
    ledger.write_bytes(b"".join(ledger.read_bytes().splitlines(keepends=True)[:2]))
    code, _, err = workplace("confirm")
    assert code == 2 and err == "error: mine has no trial with a value yet, so there is nothing to confirm.\n"
    assert not list((workplace.folder / "results/mine").glob("confirm-*"))


def test_a_trainable_without_a_seed_is_refused(workplace: Workplace) -> None:
    """Its runs would all be the same one."""
    noise = (
        '{config.seed} {config.split_seed}").random() / 100 + config.x * (config.seed % 97) / 10_000',
        '").random()',
    )
    witness = ("config.seed, config.split_seed, config.x, epoch)\n        record", "epoch)\n        record")
    workplace.run(noise, witness, ("    seed: int = 0\n    split_seed: int = 0\n", ""))
    code, _, err = workplace("confirm")
    assert code == 2
    assert err == (
        "error: confirming takes fresh seeds, but made_up takes no 'seed'. Give its configuration a field 'seed' that "
        "its chance comes from.\n"
    )


def test_from_python(workplace: Workplace) -> None:
    """`Sweep.confirm` gives the answer, `Sweep.confirmed` finds it again; JSON holds it."""
    workplace.run()
    sweep = open_sweep("mine")
    assert sweep.confirmed is None
    answer = sweep.confirm(top=1, seeds=2, here=True, quiet=True)
    assert answer["answer"].startswith("trial 1 promised 0.1") and json.loads(json.dumps(answer)) == sweep.confirmed
    with pytest.raises(InputError, match="--seeds must be a whole number of at least 2, got 1"):
        sweep.confirm(seeds=1, again=True, here=True)
    assert workplace.capsys.readouterr().out == ""

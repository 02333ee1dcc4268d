"""What is removed from a store, and when: never what somebody who knows less of the ledger goes on from."""

import threading
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments._sweep.store.checkpoints import segment_in_store, stored_in
from experiments._sweep.store.objects import Objects
from experiments._sweep.store.patience import StoreUnreachableError
from experiments._sweep.store.removing import Ended, Known, Removal


def keys(trial: int, *epochs: int, driver: int = 1, segment: int = 1) -> list[str]:
    """The objects of checkpoints."""
    place = f"trials/{trial:04d}/segment-{segment_in_store(driver, segment):03d}"
    return [f"{place}/epoch-{epoch:05d}/{name}" for epoch in epochs for name in ("checkpoint.json", "state.pt")]


def epochs(found: Sequence[str]) -> list[int]:
    """Of which epochs there is something."""
    return sorted({each.epoch for each in stored_in(found)})


@given(
    there=st.sets(st.integers(1, 12), min_size=1),
    known=st.integers(0, 12),
    best=st.integers(1, 12),
)
def test_whoever_knows_less_finds_the_newest_that_the_driver_would_have_found(
    there: set[int], known: int, best: int
) -> None:
    """Whatever the ledger is told later, the newest checkpoint of at most one epoch ahead is still there."""
    about = Known(trial=0, epochs=known, segment=segment_in_store(1, 1), best=best)
    before = keys(0, *there)
    after = set(before) - set(about.unneeded(before))
    for later in range(known, 13):
        assert max((e for e in there if e <= later + 1), default=0) == max(
            (e for e in epochs(sorted(after)) if e <= later + 1), default=0
        )
    assert best not in there or best in epochs(sorted(after))
    assert sum(epoch <= known for epoch in epochs(sorted(after))) <= 3


def test_what_an_older_segment_left_beyond_the_ledger_goes() -> None:
    """The end of the ledger was lost; the next driver's own epochs are what the trial goes on from."""
    orphan, ours = keys(0, 4, 5, 6, 7), keys(0, 6, driver=2)
    about = Known(trial=0, epochs=5, segment=segment_in_store(2, 1), best=None)
    assert set(about.unneeded(orphan + ours)) == set(keys(0, 6, 7))
    about = Known(trial=0, epochs=5, segment=segment_in_store(1, 1), best=None)
    assert about.unneeded(orphan + ours) == []


def test_of_an_ended_trial_one_checkpoint_or_none_stays() -> None:
    """Its marks go as well; where that one is not there, all stay, and another trial's are none of it."""
    mine, mark = [*keys(3, 1, 2), *keys(3, 3, segment=2)], "trials/0003/segment-1000001.told-to-leave"
    every = [*mine, mark, *keys(4, 1), "ledger/00000000.jsonl"]
    assert set(Ended(trial=3, but=2).unneeded(every)) == {*keys(3, 1), *keys(3, 3, segment=2), mark}
    assert set(Ended(trial=3, but=None).unneeded(every)) == {*mine, mark}
    assert Ended(trial=3, but=9).unneeded(every) == []
    again = keys(3, 2, driver=2)  # the end of a lost driver's ledger was lost: the next driver trained epoch 2 anew
    assert set(Ended(trial=3, but=2).unneeded([*every, *again])) == {*mine, mark}
    reported = {f"ray/driver-1/0003-001/checkpoint_00000{n}": n + 1 for n in (0, 1)}
    theirs = [f"{key}{end}" for key in reported for end in ("/a", "/sub/b", ".files.json")]
    half = "ray/driver-1/0003-001/checkpoint_000002/a"
    ended = Ended(trial=3, but=2, reported=reported)
    assert ended.unneeded([*theirs, half]) == [*theirs[:3], half]
    assert Ended(trial=3, but=7, reported=reported).unneeded([*theirs, half]) == []
    assert ended.prefixes == ["trials/0003/", "ray/driver-1/0003-001/"]


def test_nothing_is_removed_before_the_store_s_ledger_knows_why(url: str) -> None:
    """The manifests go first; what the ledger does not know at the end stays for the next driver."""
    store, durable, calls = Objects(url), [0], []
    for key in [*keys(0, 1, 2, 3, 4), *keys(1, 1, 2)]:
        store.put(key, b"x")

    class Watched(Objects):
        def remove(self, keys: Sequence[str]) -> None:
            calls.append(list(keys))
            super().remove(keys)

    removal = Removal(Watched(url), lambda: durable[0])
    removal.ask(5, Known(trial=0, epochs=4, segment=segment_in_store(1, 1), best=4))
    removal.ask(9, Ended(trial=1, but=None))
    durable[0] = 5
    removal.close(10)
    assert epochs(store.keys("trials/0000/")) == [3, 4] and epochs(store.keys("trials/0001/")) == [1, 2]
    first, then = [found for found in calls if found]
    assert {key.rpartition("/")[2] for key in first} == {"checkpoint.json"}
    assert {key.rpartition("/")[2] for key in then} == {"state.pt"}
    assert removal.fault is None


def test_many_trials_are_listed_in_one_go(url: str) -> None:
    """What a new driver tidies up behind a lost one costs no call for each trial."""
    store, listed = Objects(url), []
    for trial in range(40):
        store.put(keys(trial, 1)[0], b"x")

    class Watched(Objects):
        def keys(self, prefix: str = "") -> list[str]:
            listed.append(prefix)
            return super().keys(prefix)

    removal = Removal(Watched(url), lambda: 1)
    removal._remove([Ended(trial=trial, but=None) for trial in range(1, 40)])
    assert listed == ["trials/"] and store.keys() == keys(0, 1)[:1]


def test_f23_a_store_that_is_away_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """What could not be removed in an outage is removed after it; why it could not is known."""
    monkeypatch.setattr("experiments._sweep.store.removing._LOOK_S", 0.01)
    tries, done = [], threading.Event()

    class Away(Objects):
        def keys(self, prefix: str = "") -> list[str]:
            tries.append(prefix)
            if len(tries) < 3:
                raise StoreUnreachableError(5, "away", prefix)
            done.set()
            return []

    removal = Removal(Away("s3://bucket/x"), lambda: 1)
    removal.ask(1, Ended(trial=0, but=None))
    assert done.wait(10) and removal.fault is not None
    removal.close(10)

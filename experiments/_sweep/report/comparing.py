"""The page that sets several sweeps side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from experiments._sweep.analysis.answers import answers
from experiments._sweep.analysis.progress import progress
from experiments._sweep.analysis.winning import first_confirmed
from experiments._sweep.ledger.trial_history import flat
from experiments._sweep.report.contents import Folded, Page, Section, Table, Tile
from experiments._sweep.report.figures.progress import beside_each_other
from experiments._sweep.report.single import footer
from experiments._sweep.views.figures import interval, lopsided
from experiments._sweep.views.words import counts, duration, number, setting

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from experiments._sweep.analysis.answers import Answers
    from experiments._sweep.ledger.history import History
    from experiments._sweep.sweep import Sweep


VALIDATION = ("folds", "validation_fraction")
"""Settings that decide on which rows a trial is judged."""


@dataclass(frozen=True, kw_only=True)
class Compared:
    """One of the sweeps."""

    name: str
    """Which no other one has."""
    sweep: Sweep
    found: Answers

    @property
    def history(self) -> History:
        """What its ledger says."""
        return self.sweep.history

    @property
    def answer(self) -> dict[str, Any] | None:
        """What its confirmation has found."""
        return self.found.confirmed.answer

    @property
    def winner(self) -> Mapping[str, Any] | None:
        """The configuration that is first there; None where there is none, or every run failed."""
        return first_confirmed(self.answer)


def comparison_of(sweeps: Sequence[Sweep]) -> Page:
    """The page about several sweeps: best value against trials, epochs and time, and what each found."""
    all_of_them = _named(sweeps)
    together: dict[tuple[str, str, str], list[Compared]] = {}
    for each in all_of_them:
        asks = each.history.asks
        together.setdefault((str(asks["metric"]), asks["mode"], _data_of(each)), []).append(each)
    several = len(together) > 1
    sections = [_table(all_of_them)]
    sections += [_figures(each, *key, place, several=several) for place, (key, each) in enumerate(together.items())]
    sections += [_configurations(all_of_them), _answers(all_of_them)]
    names = [each.name for each in all_of_them]
    return Page(
        title=f"Comparison of {', '.join(names)}",
        kind=f"Comparison of {len(names)} sweeps",
        name=", ".join(names),
        lead=[_leader(each, *key, several=several) for key, each in together.items()],
        state=_state(all_of_them),
        standing="good" if all(each.winner for each in all_of_them) else "open",
        tiles=_tiles(all_of_them),
        sections=sections,
        footer=footer([each.sweep for each in all_of_them]),
    )


def _named(sweeps: Sequence[Sweep]) -> list[Compared]:
    """Each sweep once, under a name that no other one has."""
    different = list({sweep.folder: sweep for sweep in sweeps}.values())
    names = [sweep.name for sweep in different]
    return [
        Compared(
            name=sweep.name if names.count(sweep.name) == 1 else f"{sweep.folder.parent.name}/{sweep.name}",
            sweep=sweep,
            found=answers(sweep),
        )
        for sweep in different
    ]


def _leader(compared: Sequence[Compared], metric: str, mode: str, data: str, *, several: bool) -> str:
    """Which sweep has the best value, how far the others are behind, and what fresh seeds say of that."""
    on = f" on {data}" if several else ""
    known = [(each.name, best) for each in compared if (best := each.history.best) is not None]
    if not known:
        return f"No trial of {', '.join(each.name for each in compared)} has a value of {metric}{on} yet."
    sign = 1 if mode == "min" else -1
    order = sorted(known, key=lambda pair: sign * (pair[1].value or 0.0))
    (first, best), others = order[0], order[1:]
    if not others:
        return f"{first} found {metric} {number(best.value)}{on}, in trial {best.number}."
    behind = ", ".join(f"{name} {number(trial.value)}" for name, trial in others)
    return (
        f"The best {metric}{on} was found by {first}: {number(best.value)} in trial {best.number}; then {behind}."
        f"{_on_fresh_seeds(compared)}"
    )


def _on_fresh_seeds(compared: Sequence[Compared]) -> str:
    """What the confirmed winners score, where they were measured in the same way, and whether that tells them apart."""
    found = [
        (answer["metric"], each.name, winner, answer["mode"])
        for each in compared
        if (answer := each.answer) and (winner := each.winner) and None not in (winner["low"], winner["high"])
    ]
    if len(found) < 2 or len({metric for metric, *_ in found}) > 1:
        return ""
    found.sort(key=lambda each: each[2]["mean"] if each[3] == "min" else -each[2]["mean"])
    ends = any(lopsided(winner) for _, _, winner, _ in found)
    scores = ", ".join(f"{name} {interval(winner, ends=ends)} by {winner['label']}" for _, name, winner, _ in found)
    one, two = found[0][2], found[1][2]
    overlap = one["low"] <= two["high"] and two["low"] <= one["high"]
    told = "the first two intervals overlap, so that order may be chance" if overlap else "the first stands apart"
    return f" On fresh seeds their winners reached {found[0][0]} {scores}: {told}."


def _state(compared: Sequence[Compared]) -> str:
    running = [each.name for each in compared if each.sweep.live]
    still = f"Still running: {', '.join(running)}. " if running else ""
    without = [each.name for each in compared if each.winner is None]
    if not without:
        return f"{still}Each of them is confirmed on fresh seeds: compare the confirmed values, not the promised ones."
    return (
        f"{still}Not confirmed: {', '.join(without)}. The best value of a search is the luckiest of many noisy ones: a "
        "small difference between two searches may be chance."
    )


def _tiles(compared: Sequence[Compared]) -> list[Tile]:
    tiles = []
    for each in compared[:8]:
        best, metric = each.history.best, each.history.asks["metric"]
        promised, winner = number(best.value if best else None), each.winner
        if each.answer is None or winner is None:
            tiles.append(Tile(value=promised, what=f"best {metric} of {each.name}, not confirmed"))
            continue
        what = f"{each.answer['metric']} of {each.name} on fresh seeds, by {winner['label']}; best {metric} {promised}"
        tiles.append(Tile(value=interval(winner), what=what))
    return tiles


def _table(compared: Sequence[Compared]) -> Section:
    head = ("sweep", "search", "scheduler", "trials", "epochs", "time", "metric", "best", "confirmed", "question")
    rows = []
    ends = any(lopsided(each.winner) for each in compared)
    for each in compared:
        history, asks = each.history, each.history.asks
        best = history.best
        rows.append(
            (
                each.name,
                _name_of(asks.get("search")),
                _name_of(asks.get("scheduler")),
                f"{len(history.trials)} ({counts(history)})",
                str(sum(len(trial.epochs) for trial in history.trials.values())),
                duration(history.seconds),
                str(asks["metric"]),
                number(best.value if best else None),
                _confirmed(each, ends=ends),
                history.sweep.question,
            )
        )
    return Section(
        name="sweeps",
        title="The sweeps",
        tables=[Table(head=head, rows=rows, numbers=frozenset({4, 5, 7}))],
        notes=_differences(compared),
    )


def _name_of(written: object) -> str:
    return str(written.get("name", "-")) if isinstance(written, dict) else setting(written)


def _confirmed(compared: Compared, *, ends: bool) -> str:
    answer, winner = compared.answer, compared.winner
    if answer is None:
        return "not confirmed"
    said = f"{answer['metric']} {interval(winner, ends=ends)} by" if winner else ""
    return f"{said} {winner['label']}" if winner else "every run failed"


def _differences(compared: Sequence[Compared]) -> list[str]:
    """What makes a comparison of these sweeps doubtful."""
    found = []
    for key, what in (("trainable", "trainables"), ("epochs", "budgets of a trial")):
        values = dict.fromkeys(setting(each.history.asks.get(key)) for each in compared)
        if len(values) > 1:
            found.append(f"They differ in their {what}: {', '.join(values)}.")
    rows = {key: dict.fromkeys(_setting_of_best(each, key) for each in compared) for key in VALIDATION}
    said = [f"{key} {', '.join(values)}" for key, values in rows.items() if len(values) > 1]
    if said:
        found.append(
            f"They are validated on different rows ({'; '.join(said)}; -: not set): what the searches promise is not "
            "measured in the same way, what is confirmed on the test split is."
        )
    data = dict.fromkeys(map(_data_of, compared))
    if len(data) > 1:
        found.append(f"They are about different data ({', '.join(data)}), whose values are not compared.")
    seconds = "Seconds are compared as they were measured: on what machine, the ledger does not say."
    return [*found, seconds]


def _setting_of_best(compared: Compared, key: str) -> str:
    best = compared.history.best
    return setting(best.config[key]) if best is not None and key in best.config else "-"


def _data_of(compared: Compared) -> str:
    written = (compared.history.asks.get("space") or {}).get("dataset")
    return setting(written.get("constant", "several")) if isinstance(written, dict) else "not named"


def _figures(compared: Sequence[Compared], metric: str, mode: str, data: str, place: int, *, several: bool) -> Section:
    steps = [(each.name, progress(each.history)) for each in compared]
    drawn = beside_each_other([(name, each) for name, each in steps if each.by_epoch], metric, mode, place)
    better = "lower" if mode == "min" else "higher"
    of = f": {metric} on {data}" if several else ""
    return Section(
        name=f"progress-{place}",
        title=f"Best value so far{of}",
        short=f"Progress{of}",
        text=[f"The best {metric} so far ({better} is better), against what it cost: trials, epochs, and time."],
        figures=drawn,
        layout="three",
    )


def _configurations(compared: Sequence[Compared]) -> Section:
    """The best configurations beside each other: first what differs."""
    best = [(each.name, flat(trial.config)) for each in compared if (trial := each.history.best) is not None]
    keys = list(dict.fromkeys(key for _, config in best for key in config if key != "seed"))
    told = {key: [setting(config[key]) if key in config else "-" for _, config in best] for key in keys}
    differ = [key for key in keys if len(set(told[key])) > 1]
    same = [key for key in keys if key not in differ]
    head = ("hyperparameter", *(name for name, _ in best))
    missing = "-: not set there, so the trainable's own" if any("-" in told[key] for key in differ) else ""
    tables = [Table(head=head, rows=[(key, *told[key]) for key in differ], caption=missing)] if differ else []
    if same:
        rows = [(key, told[key][0]) for key in same]
        tables.append(Table(head=("hyperparameter", "value"), rows=rows, folded=f"The same in all: {len(same)}"))
    return Section(name="best", title="The best configurations", short="Configurations", tables=tables)


def _answers(compared: Sequence[Compared]) -> Section:
    texts = [Folded(title=each.name, answers=[*each.found]) for each in compared]
    return Section(name="answers", title="What each of them found", short="Found", texts=texts)

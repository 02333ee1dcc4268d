"""The page that sets several sweeps side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from experiments._sweep.analysis.answers import answers
from experiments._sweep.analysis.progress import progress
from experiments._sweep.ledger.trial_history import flat
from experiments._sweep.report.contents import Folded, Page, Section, Table, Tile
from experiments._sweep.report.figures.progress import compared
from experiments._sweep.report.single import footer
from experiments._sweep.views.figures import interval
from experiments._sweep.views.words import counts, duration, number, setting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from experiments._sweep.sweep import Sweep

    Named = Sequence[tuple[str, Sweep]]


def comparison_of(sweeps: Sequence[Sweep]) -> Page:
    """The page about several sweeps: best value against trials, epochs and time, and what each found."""
    named = _named(sweeps)
    together: dict[tuple[str, str, str], list[tuple[str, Sweep]]] = {}
    for name, sweep in named:
        asks = sweep.history.asks
        together.setdefault((str(asks["metric"]), asks["mode"], _data_of(sweep)), []).append((name, sweep))
    several = len(together) > 1
    sections = [_table(named)]
    sections += [_figures(each, *key, place, several=several) for place, (key, each) in enumerate(together.items())]
    sections += [_configurations(named), _answers(named)]
    names = [name for name, _ in named]
    return Page(
        title=f"Comparison of {', '.join(names)}",
        kind=f"Comparison of {len(names)} sweeps",
        name=", ".join(names),
        lead=[_leader(each, *key, several=several) for key, each in together.items()],
        state=_state(named),
        standing="good" if all(sweep.confirmed for _, sweep in named) else "open",
        tiles=_tiles(named),
        sections=sections,
        footer=footer([sweep for _, sweep in named]),
    )


def _named(sweeps: Sequence[Sweep]) -> list[tuple[str, Sweep]]:
    """Each sweep once, under a name that no other one has."""
    different = list({sweep.folder: sweep for sweep in sweeps}.values())
    names = [sweep.name for sweep in different]
    return [
        (sweep.name if names.count(sweep.name) == 1 else f"{sweep.folder.parent.name}/{sweep.name}", sweep)
        for sweep in different
    ]


def _leader(named: Named, metric: str, mode: str, data: str, *, several: bool) -> str:
    """Which sweep has the best value, how far the others are behind, and what fresh seeds say of that."""
    on = f" on {data}" if several else ""
    known = [(name, sweep.history.best) for name, sweep in named if sweep.history.best is not None]
    if not known:
        return f"No trial of {', '.join(name for name, _ in named)} has a value of {metric}{on} yet."
    sign = 1 if mode == "min" else -1
    order = sorted(known, key=lambda pair: sign * (pair[1].value or 0.0))
    (first, best), others = order[0], order[1:]
    if not others:
        return f"{first} found {metric} {number(best.value)}{on}, in trial {best.number}."
    behind = ", ".join(f"{name} {number(trial.value)}" for name, trial in others)
    return (
        f"The best {metric}{on} was found by {first}: {number(best.value)} in trial {best.number}; then {behind}."
        f"{_on_fresh_seeds(named)}"
    )


def _on_fresh_seeds(named: Named) -> str:
    """What the confirmed winners score, where they were measured in the same way, and whether that tells them apart."""
    found = []
    for name, sweep in named:
        answer = sweep.confirmed
        winner = _winner(answer)
        if answer is not None and winner is not None and winner["low"] is not None and winner["high"] is not None:
            found.append((answer["metric"], name, winner, answer["mode"]))
    if len(found) < 2 or len({metric for metric, *_ in found}) > 1:
        return ""
    found.sort(key=lambda each: each[2]["mean"] if each[3] == "min" else -each[2]["mean"])
    scores = ", ".join(f"{name} {interval(winner)}" for _, name, winner, _ in found)
    one, two = found[0][2], found[1][2]
    overlap = one["low"] <= two["high"] and two["low"] <= one["high"]
    told = "the first two intervals overlap, so that order may be chance" if overlap else "the first stands apart"
    return f" On fresh seeds their winners reached {found[0][0]} {scores}: {told}."


def _state(named: Named) -> str:
    without = [name for name, sweep in named if sweep.confirmed is None]
    if not without:
        return "Each of them is confirmed on fresh seeds: compare the confirmed values, not the promised ones."
    return (
        f"Not confirmed: {', '.join(without)}. The best value of a search is the luckiest of many noisy ones: a small "
        "difference between two searches may be chance."
    )


def _tiles(named: Named) -> list[Tile]:
    tiles = []
    for name, sweep in named[:8]:
        best = sweep.history.best
        metric = sweep.history.asks["metric"]
        tiles.append(Tile(value=number(best.value if best else None), what=f"best {metric} of {name}"))
    return tiles


def _table(named: Named) -> Section:
    head = ("sweep", "search", "scheduler", "trials", "epochs", "time", "metric", "best", "confirmed", "question")
    rows = []
    for name, sweep in named:
        history, asks = sweep.history, sweep.history.asks
        best = history.best
        rows.append(
            (
                name,
                _name_of(asks.get("search")),
                _name_of(asks.get("scheduler")),
                f"{len(history.trials)} ({counts(history)})",
                str(sum(len(trial.epochs) for trial in history.trials.values())),
                duration(history.seconds),
                str(asks["metric"]),
                number(best.value if best else None),
                _confirmed(sweep.confirmed),
                history.sweep.question,
            )
        )
    return Section(
        name="sweeps",
        title="The sweeps",
        tables=[Table(head=head, rows=rows, numbers=frozenset({4, 5, 7}))],
        notes=_differences(named),
    )


def _name_of(written: object) -> str:
    return str(written.get("name", "-")) if isinstance(written, dict) else setting(written)


def _winner(answer: dict[str, Any] | None) -> dict[str, Any] | None:
    configurations = (answer or {}).get("configurations", ())
    return next((each for each in configurations if answer and each["label"] == answer["winner"]), None)


def _confirmed(answer: dict[str, Any] | None) -> str:
    if answer is None:
        return "not confirmed"
    winner = _winner(answer)
    return "every run failed" if winner is None else f"{answer['metric']} {interval(winner)} by {winner['label']}"


def _differences(named: Named) -> list[str]:
    """What makes a comparison of these sweeps doubtful."""
    found = []
    for key, what in (("trainable", "trainables"), ("epochs", "budgets of a trial")):
        values = dict.fromkeys(setting(sweep.history.asks.get(key)) for _, sweep in named)
        if len(values) > 1:
            found.append(f"They differ in their {what}: {', '.join(values)}.")
    data = dict.fromkeys(_data_of(sweep) for _, sweep in named)
    if len(data) > 1:
        found.append(f"They are about different data ({', '.join(data)}), whose values are not compared.")
    seconds = "Seconds are compared as they were measured: on what machine, the ledger does not say."
    return [*found, seconds]


def _data_of(sweep: Sweep) -> str:
    written = (sweep.history.asks.get("space") or {}).get("dataset")
    return setting(written.get("constant", "several")) if isinstance(written, dict) else "not named"


def _figures(named: Named, metric: str, mode: str, data: str, place: int, *, several: bool) -> Section:
    steps = [(name, progress(sweep.history)) for name, sweep in named]
    drawn = compared([(name, each) for name, each in steps if each.by_epoch], metric, mode, place)
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


def _configurations(named: Named) -> Section:
    """The best configurations beside each other: first what differs."""
    best = [(name, flat(sweep.history.best.config)) for name, sweep in named if sweep.history.best is not None]
    keys = list(dict.fromkeys(key for _, config in best for key in config if key != "seed"))
    told = {key: [setting(config[key]) if key in config else "-" for _, config in best] for key in keys}
    differ = [key for key in keys if len(set(told[key])) > 1]
    same = [key for key in keys if key not in differ]
    head = ("hyperparameter", *(name for name, _ in best))
    tables = [Table(head=head, rows=[(key, *told[key]) for key in differ])] if differ else []
    if same:
        rows = [(key, told[key][0]) for key in same]
        tables.append(Table(head=("hyperparameter", "value"), rows=rows, folded=f"The same in all: {len(same)}"))
    return Section(name="best", title="The best configurations", short="Configurations", tables=tables)


def _answers(named: Named) -> Section:
    texts = [Folded(title=name, answers=[*answers(sweep)]) for name, sweep in named]
    return Section(name="answers", title="What each of them found", short="Found", texts=texts)

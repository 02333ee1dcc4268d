"""The words that the schedulers share, and the faults of the parameters that several have."""

from __future__ import annotations

import math

_SHARES = {2: "half", 3: "third", 4: "quarter", 5: "fifth"}


def budget(epochs: int) -> str:
    """`27 epochs`, `1 epoch`."""
    return f"{epochs} {'epoch' if epochs == 1 else 'epochs'}"


def share(reduction_factor: float) -> str:
    """`best third` for 3, `best 1/2.5` for 2.5."""
    return f"best {_SHARES[int(reduction_factor)] if reduction_factor in _SHARES else f'1/{reduction_factor:g}'}"


def listed(numbers: list[int]) -> str:
    """`1, 3 and 9`."""
    words = [str(number) for number in numbers]
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else words[0]


def whole(value: object, least: int) -> bool:
    """Whether it is a whole number of at least `least`."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def grace_faults(grace_epochs: object, epochs: int) -> list[str]:
    """What is wrong with a number of epochs before which no trial is stopped."""
    where = "scheduler.grace_epochs"
    if not whole(grace_epochs, 1):
        return [f"{where}: {grace_epochs!r} is not a number of epochs; it must be a whole number of at least 1."]
    if grace_epochs > epochs:  # type: ignore[operator]
        fault = f"{grace_epochs} is more than the budget of {budget(epochs)}; it must be from 1 to {epochs}."
        return [f"{where}: {fault} Lower it, or raise epochs."]
    return []


def reduction_faults(reduction_factor: object, least: float) -> list[str]:
    """What is wrong with eta."""
    known = isinstance(reduction_factor, int | float) and not isinstance(reduction_factor, bool)
    if known and least <= reduction_factor < math.inf:  # type: ignore[operator]
        return []
    fault = f"{reduction_factor!r} is given, a finite number of at least {least:g} is needed"
    return [f"scheduler.reduction_factor: {fault}: one trial in so many goes on at each rung. Use 2, 3 or 4."]

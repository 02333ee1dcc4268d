"""What can be wrong with an experiment's callbacks, and what they are called."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ALLOWED = "a ray.tune Callback such as MLflowLoggerCallback(), or a function without arguments that makes one"


def callback_faults(callbacks: Any) -> Iterator[str]:
    """Why they cannot be told anything, a sentence each; functions are not called."""
    if not isinstance(callbacks, list | tuple):
        yield f"callbacks must be a list, got {callbacks!r}. Use callbacks=[...], with {ALLOWED}, in each place."
        return
    for place, each in enumerate(callbacks):
        if inspect.isclass(each):
            yield (
                f"callbacks[{place}] is the class {each.__name__}, not an object. Allowed is {ALLOWED}. Write "
                f"{each.__name__}(...)."
            )
        elif not is_callback(each) and not _is_maker(each):
            yield f"callbacks[{place}] is {each!r}. Allowed is {ALLOWED}. Take it out, or wrap it in one."
    twice = {id(each) for each in callbacks if sum(each is other for other in callbacks) > 1}
    if twice:
        yield "callbacks has the same object twice, which would log everything twice. Give each its own."


def is_callback(value: Any) -> bool:
    """Whether it is an object of Ray Tune's `Callback`."""
    from ray.tune import Callback

    return isinstance(value, Callback)


def _is_maker(value: Any) -> bool:
    if not callable(value):
        return False
    try:
        parameters = inspect.signature(value).parameters.values()
    except (ValueError, TypeError):  # written in C: it does not tell
        return True
    return not any(each.default is each.empty and each.kind in (0, 1, 3) for each in parameters)


def callback_names(callbacks: Sequence[Any]) -> list[str]:
    """The class of each; of a function, its name."""
    return [
        type(each).__name__ if is_callback(each) else str(getattr(each, "__name__", type(each).__name__))
        for each in callbacks
    ]


def callback_settings(callbacks: Any) -> list[dict[str, Any]]:
    """What each was given, by the names of its attributes: there may be secrets among them, such as `api_key`."""
    given = callbacks if isinstance(callbacks, list | tuple) else []
    return [{**vars(each)} for each in given if is_callback(each) and hasattr(each, "__dict__")]

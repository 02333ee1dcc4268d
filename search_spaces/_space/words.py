"""A space in plain words, for `sweep show`, and in JSON, for the first line of a ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from search_spaces._space.branches import entries, has_branches, is_inner, labels
from search_spaces._space.config import leaves
from search_spaces._space.declared import declared, integer_bounds
from search_spaces._space.values import number, plain, text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from search_spaces._space.declared import Declared

_LITERALS = {"None", "True", "False", "nan", "inf"}  # as strings these need their quotes


def describe(space: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Name and meaning of everything in a space without faults, in its own order: constants as they are.

    For example `("lr", "log-uniform from 1e-4 to 0.1")`, `("batch_size", "one of 16, 32, 64")`, `("model", "mlp")`;
    below a choice between branches what each of them holds, `("optimizer[adam].lr", "log-uniform ...")`.
    """
    return [entry for key, value in space.items() for entry in _entries(key, value)]


def as_json(space: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Name to meaning of everything in a space without faults, in JSON's types and always the same for the same space.

    For example `{"lr": {"loguniform": [0.0001, 0.1]}, "model": {"constant": "mlp"}}`.
    """
    return {
        ".".join(path): {"constant": plain(value)} if range_ is None else {range_.function: _arguments(range_)}
        for path, value, range_ in leaves(space)
    }


def _entries(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """The entries of one item of a space."""
    range_ = declared(value)
    if is_inner(value):
        for key, item in entries(value):
            yield from _entries(f"{name}.{key}", item)
    elif range_ is None:
        yield name, _bare(value)
    elif not has_branches(range_):
        yield name, _in_words(range_)
    else:
        named = labels(range_.categories)
        yield name, f"one of the branches {', '.join(named)}"
        for label, option in zip(named, range_.categories, strict=True):
            yield from _entries(f"{name}[{label}]", option)


def _arguments(range_: Declared) -> list[Any]:
    if range_.function == "sample_from":
        return [getattr(range_.categories, "__qualname__", type(range_.categories).__name__)]
    if has_branches(range_):
        return [[_item_as_json(option) for option in range_.categories]]
    return [plain(argument) for argument in range_.arguments]


def _item_as_json(item: Any) -> Any:
    """A branch of a choice, or one entry of a branch: constants in `constant`, as at the top."""
    range_ = declared(item)
    if range_ is not None:
        return {range_.function: _arguments(range_)}
    return as_json(item) if is_inner(item) else {"constant": plain(item)}


def _in_words(range_: Declared) -> str:
    """What a range gives; both bounds included."""
    function = range_.function
    if function == "sample_from":
        return f"computed by {_arguments(range_)[0]}"
    if function in ("choice", "grid_search"):
        values = ", ".join(_bare(value) for value in range_.categories)
        return f"{'one' if function == 'choice' else 'every one'} of {values}"
    if function.endswith("randint"):
        return _integer_in_words(range_)
    step = "" if range_.step is None else f" in steps of {number(range_.step)}"
    if function.endswith("randn"):
        return f"normal with mean {number(range_.mean)} and standard deviation {number(range_.sd)}{step}"
    scale = "log-uniform" if "log" in function else "uniform"
    return f"{scale} from {number(range_.lower)} to {number(range_.upper)}{step}"


def _integer_in_words(range_: Declared) -> str:
    step = 1 if range_.step is None else int(range_.step)
    lower, upper = integer_bounds(int(range_.lower), int(range_.upper), step)
    scale = " on a log scale" if "log" in range_.function else ""
    return f"{'integer' if step == 1 else f'multiple of {step}'} from {lower} to {upper}{scale}"


def _bare(value: Any) -> str:
    """A value as a reader would write it, strings without quotes where nothing is lost by it."""
    is_word = isinstance(value, str) and value.isprintable() and value[:1].isalpha() and value not in _LITERALS
    return value if is_word and len(value) <= 80 else text(value)

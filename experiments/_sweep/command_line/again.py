"""A command said again: what was parsed as the words that parse to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from experiments._sweep.command_line.parser import build

if TYPE_CHECKING:
    import argparse


def said_again(arguments: argparse.Namespace, **instead: Any) -> list[str]:
    """The words of a command, with other values for what stands in `instead`."""
    parser = build()[1][arguments.function]
    values = {**vars(arguments), **instead}
    positional: list[str] = []
    options: list[str] = []
    for action in parser._actions:  # noqa: SLF001 - argparse has no other list of them
        value = values.get(action.dest, action.default)
        if value == action.default or value is None:
            continue
        if not action.option_strings:
            positional += [str(each) for each in value] if isinstance(value, list) else [str(value)]
        elif action.nargs == 0:
            options.append(action.option_strings[-1])
        elif action.nargs == "+":
            options += [action.option_strings[-1], *map(str, value)]
        else:
            many = value if isinstance(value, list) else [value]
            options += [f"{action.option_strings[-1]}={each}" for each in many]
    return [arguments.function, *positional, *options]

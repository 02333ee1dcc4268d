"""`python -m trainables fetch mnist --data-dir DIR`: downloads a data set."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from trainables._training.datasets.place import data_dir


def main(arguments: list[str] | None = None) -> int:
    """Fetch a data set into a folder; return 0, or 1 with the reason on standard error."""
    parser = argparse.ArgumentParser(prog="python -m trainables", description="What the trainables need.")
    commands = parser.add_subparsers(dest="command", required=True)
    fetch = commands.add_parser("fetch", help="download a data set")
    fetch.add_argument("dataset", choices=["mnist"], help="the data set")
    fetch.add_argument("--data-dir", type=Path, default=data_dir(), help="where to keep it (default: %(default)s)")
    given = parser.parse_args(arguments)
    folder = given.data_dir.expanduser().absolute()
    from trainables._training.datasets import mnist

    try:
        mnist.fetch(folder)
    except (OSError, RuntimeError) as error:
        print(f"{given.dataset} could not be fetched into {folder}: {error}", file=sys.stderr)  # noqa: T201 - a command
        return 1
    print(f"{given.dataset} is in {folder}; use it with --data-dir {folder} or RAYSWEEPS_DATA={folder}")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())

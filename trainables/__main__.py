"""`python -m trainables fetch NAME --data-dir DIR` downloads a data set; `... cache` shows what is kept decoded."""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from pathlib import Path

from trainables._training.data.cache import folder as cache_folder
from trainables._training.data.place import FETCHED, data_dir


def main(arguments: list[str] | None = None) -> int:
    """Run a command; return 0, or 1 with the reason on standard error."""
    parser = argparse.ArgumentParser(prog="python -m trainables", description="What the trainables need.")
    commands = parser.add_subparsers(dest="command", required=True)
    fetch = commands.add_parser("fetch", help="download a data set")
    fetch.add_argument("dataset", choices=FETCHED, help="the data set")
    fetch.add_argument("--data-dir", type=Path, default=data_dir(), help="where to keep it (default: %(default)s)")
    cache = commands.add_parser("cache", help="list the decoded data that trials share, the least recently used first")
    cache.add_argument("--clear", action="store_true", help="remove all of it")
    given = parser.parse_args(arguments)
    if given.command == "fetch":
        return _fetch(given.dataset, given.data_dir.expanduser().absolute())
    return _cache(clear=given.clear)


def _fetch(dataset: str, folder: Path) -> int:
    try:
        importlib.import_module(f"trainables.datasets.{dataset}").fetch(folder)
    except (OSError, RuntimeError) as error:
        sys.stderr.write(f"{dataset} could not be fetched into {folder}: {error}\n")
        return 1
    sys.stdout.write(f"{dataset} is in {folder}; use it with --data-dir {folder} or RAYSWEEPS_DATA={folder}\n")
    return 0


def _cache(*, clear: bool) -> int:
    try:
        limit = cache_folder.limit_bytes()
        entries = cache_folder.clear() if clear else cache_folder.entries()
    except (OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    size = sum(entry.size for entry in entries)
    for entry in entries:
        used = time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.last_used))
        sys.stdout.write(f"{entry.size / 1e6:12,.1f} MB  last used {used}  {entry.folder.name}\n")
    what = f"{len(entries)} entries, {size / 1e6:,.1f} MB, in {cache_folder.cache_dir()}"
    sys.stdout.write(f"removed {what}\n" if clear else f"{what}; limit {limit / 1e6:,.1f} MB\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

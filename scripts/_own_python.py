"""Lets a script run by itself: `scripts/chaos` goes on with the Python of the checkout's own environment."""

import importlib.util
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def use_own_python() -> None:
    """Start the script again with the checkout's own Python, unless that is what runs it; end where there is none."""
    own = ROOT / ".venv"
    if (own / "bin" / "python").exists() and Path(sys.prefix).resolve() != own.resolve():
        os.execv(own / "bin" / "python", [str(own / "bin" / "python"), *sys.argv])  # noqa: S606 - no shell, our own file
    if importlib.util.find_spec("ray") is None:
        sys.exit(f"{sys.argv[0]}: there is no environment yet to run in. Set it up: scripts/quickstart")

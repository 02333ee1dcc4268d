"""The command `sweep` with a bomb in it: `python -m scripts.chaos_runs.launcher run ...`."""

from __future__ import annotations

import json
import os
import sys

from experiments._sweep.command_line import main

BOMB = "CHAOS_BOMB"
"""Environment variable with the bomb's fields in JSON."""

if __name__ == "__main__":
    from scripts.chaos_runs.bombs import Bomb

    Bomb(**json.loads(os.environ[BOMB])).place()
    sys.exit(main())

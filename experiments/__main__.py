"""`python -m experiments ...`: the command `sweep` from a checkout that is not installed."""

import sys

from experiments._sweep.command_line import main

sys.exit(main())

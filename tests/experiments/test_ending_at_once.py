"""A command that used Ray ends as soon as all is written, and leaves nothing out on the way."""

import subprocess
import sys
import textwrap

import pytest


def _ended(body: str) -> subprocess.CompletedProcess[str]:
    code = """
        import atexit, sys, threading
        from experiments._sweep import command_line
        {body}
    """
    words = textwrap.dedent(code).format(body=body)
    return subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, timeout=50, check=False)


@pytest.mark.parametrize("code", [0, 1, 3, 130])
def test_what_was_printed_and_registered_is_not_lost(code: int) -> None:
    """Output that is still buffered is written, exit hooks run, and the exit code is the command's."""
    ended = _ended(f"print('told'); atexit.register(print, 'hook'); command_line._end_at_once({code})")
    assert (ended.stdout.split(), ended.returncode) == (["told", "hook"], code)


def test_somebody_elses_thread_is_waited_for() -> None:
    """A thread that is no daemon ends its work, as it does in any Python process."""
    late = "lambda: (threading.main_thread().join(), print('worked'))"
    ended = _ended(f"threading.Thread(target={late}).start(); command_line._end_at_once(0)")
    assert (ended.stdout.split(), ended.returncode) == (["worked"], 0)


def test_an_output_that_nobody_reads_does_not_hold_the_end_up() -> None:
    """A closed pipe at the very end changes neither the exit code nor prints a traceback."""
    ended = _ended("sys.stdout = open('/dev/full', 'w'); print('told'); command_line._end_at_once(0)")
    assert (ended.returncode, ended.stderr) == (0, "")

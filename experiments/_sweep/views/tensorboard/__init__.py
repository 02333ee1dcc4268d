"""TensorBoard's files: one run folder per trial, the epoch as step, and what its HParams tab needs.

A picture of the ledger, made anew from it. Written with TensorBoard's own messages and record writer: tensorboardX
imports torch where there is one, half a gigabyte of the driver's memory, and TensorBoard's own HParams functions import
TensorFlow.
"""

from __future__ import annotations

from experiments._sweep.views.tensorboard.curves import Curves
from experiments._sweep.views.tensorboard.files import FOLDER

__all__ = ["FOLDER", "Curves"]

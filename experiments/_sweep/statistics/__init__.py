"""What scores over seeds say: intervals, paired comparisons with the best, notes. Pure: numbers in, values out."""

from experiments._sweep.statistics.judgement import judged, paired
from experiments._sweep.statistics.results import Difference, Judgement, Score

__all__ = ["Difference", "Judgement", "Score", "judged", "paired"]

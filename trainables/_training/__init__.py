"""The machinery of the trainables: checks of configurations, checkpoints, the loop and its parts."""

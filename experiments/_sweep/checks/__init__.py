"""What can be wrong with an experiment, found before anything starts."""

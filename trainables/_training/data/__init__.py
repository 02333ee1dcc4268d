"""Data for training: what a part is, where files lie, splits; one room each for the cache, images and tables."""

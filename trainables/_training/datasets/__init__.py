"""The data sets: places, fetching, splits, and examples that stay in memory."""

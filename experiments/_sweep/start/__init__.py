"""How a sweep begins, and how one that exists goes on: what has changed, whose it is, what it learned elsewhere."""

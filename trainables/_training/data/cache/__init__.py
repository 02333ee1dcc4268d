"""Data decoded once per node: files that every process maps into memory, found by the content they were made from."""

"""Tables: read into numbers once per node, split into parts and folds, standardized per batch."""

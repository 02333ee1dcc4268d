"""Machinery of `BayesOpt`: a Gaussian process over the unit cube and the search for the most promising point."""

"""Networks of several neurons with one input: what papers say of their minima, saddles and rates."""

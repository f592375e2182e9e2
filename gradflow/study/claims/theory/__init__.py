"""Sentences of several documents that theorems decide: their `table` and their checks."""

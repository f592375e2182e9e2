"""Ziming Liu, "Training dynamics of a single ReLU neuron" (blog post, 2026-01-03): its `table` and its checks."""

"""Optimisers with finite learning rates, schedules and the training loop."""

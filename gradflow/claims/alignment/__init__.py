"""Seed document 002, early alignment, and its neighbours."""

"""Gradient flow: dθ/dt = −∇L."""

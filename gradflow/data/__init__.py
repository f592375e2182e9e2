"""Data that comes with the package: small subsets of MNIST and Fashion-MNIST (see README.md beside it)."""

from gradflow.data.images import GARMENTS, digits, garments

__all__ = ["GARMENTS", "digits", "garments"]

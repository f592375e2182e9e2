"""The integrals of `gradflow.compiled.integral` for a pair of activations: what its names stand for."""

from __future__ import annotations

from typing import Any

from gradflow.compiled import integral, smooth
from gradflow.compiled.integral_numbers import LINEAR, Pair, constants


def student_value(z: float) -> float:
    """Return the student's φ (chosen)."""
    return z


def student_steepness(z: float) -> float:
    """Return the student's φ′ (chosen)."""
    return z


def teacher_value(z: float) -> float:
    """Return the teacher's φ (chosen)."""
    return z


def phi(z: float, low: float, high: float) -> float:
    """Return a smooth student's φ."""
    return student_value(z)


def slope(z: float, low: float, high: float) -> float:
    """Return a smooth student's φ′."""
    return student_steepness(z)


def taught(y: float, low: float, high: float) -> float:
    """Return a smooth teacher's φ."""
    return teacher_value(y)


def choices(pair: Pair, sums: int, dtype: str = "float64") -> dict[str, Any]:
    """Return what the names of the integrals stand for, for `gradflow.compiled.jit.compiled`.

    Parameters
    ----------
    pair : Pair
        What bends student and teacher.
    sums : int
        How many sums there are: 4 for the gradient, 5 with the loss.
    dtype : {"float32", "float64"}
        What is added up in.
    """
    found: dict[str, Any] = {f"{integral.__name__}.{name}": v for name, v in constants(pair, sums).items()}
    for module in (integral, smooth):
        found[f"{module.__name__}.DTYPE"] = dtype
    found[f"{__name__}.DTYPE"] = dtype
    if pair.student != LINEAR:
        found[f"{integral.__name__}.phi"], found[f"{integral.__name__}.slope"] = phi, slope
        found[f"{__name__}.student_value"] = getattr(smooth, f"{pair.student}_value")
        found[f"{__name__}.student_steepness"] = getattr(smooth, f"{pair.student}_slope")
    if pair.teacher != LINEAR:
        found[f"{integral.__name__}.taught"] = taught
        found[f"{__name__}.teacher_value"] = getattr(smooth, f"{pair.teacher}_value")
    return found

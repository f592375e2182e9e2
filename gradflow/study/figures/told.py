"""The problem that a run was trained on, from what the run says of itself."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import xarray as xr

from gradflow.networks.line.network import Network
from gradflow.neuron.laws import Normal, Steps
from gradflow.neuron.problem import PARAMETERS, Neuron, Problem, Sample, Uniform
from gradflow.neuron.targets import Knots, Polynomials, Sine


def problem_of(run: xr.Dataset, problem: Problem | None, argument: str = "problem") -> Problem:
    """Return the problem that was given, or else the one that a run was trained on.

    Raises
    ------
    ValueError
        If none was given and the run does not keep it: a neuron's run names its sample, and has no values.
    """
    if problem is not None:
        return problem
    told = json.loads(run.attrs.get("configuration", "null"))
    if told is None:
        return Problem()
    if "samples" in told or (told.get("target") == "the sample's" and "sample" not in told):
        raise ValueError(
            f"{argument}: expected the problem that the run was trained on, got none: it keeps no sample"
        )
    given: dict[str, Any] = {name: told[name] for name in _WORDS if name in told}
    if "law" in told:
        given["law"] = _one_of((Steps, Normal), told["law"])
    elif "sample" in told:
        given["inputs"] = Sample(**told["sample"])
    else:
        given["inputs"] = Uniform(*told["interval"])
    if isinstance(told.get("target"), dict):
        given["target"] = _one_of((Knots, Polynomials, Sine), told["target"])
    elif "teacher" in told:
        lists = [isinstance(told["teacher"][name], list) for name in PARAMETERS]
        given["target"] = (Network if lists == [True, True, True, False] else Neuron)(**told["teacher"])
    return Problem(**given)


_WORDS = ("activation", "teacher_activation", "loss")


def _one_of(kinds: tuple[Any, ...], parts: dict[str, Any]) -> Any:
    """Return what has parts of these names."""
    for kind in kinds:
        if set(parts) == {field.name for field in fields(kind) if field.init}:
            return kind(**parts)
    raise ValueError(f"problem: expected the problem that the run was trained on; {sorted(parts)} say none")

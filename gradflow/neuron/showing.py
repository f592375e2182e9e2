"""Neurons and problems as HTML, which a notebook shows in the place of their text."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from gradflow.base.arrays import to_numpy
from gradflow.base.checks import numbers
from gradflow.neuron.drawn import Graph, card, drawing, window
from gradflow.neuron.inputs import Sample, Uniform
from gradflow.neuron.losses import SQUARED

if TYPE_CHECKING:
    from gradflow.neuron.problem import Neuron, Problem

NAMES = ("w1", "b1", "w2", "b2")


def shown_neuron(neuron: Neuron) -> str:
    """Return a neuron's parameters beside its graph under ReLU."""
    try:
        fields = [numbers(name, v).astype(np.float64) for name, v in zip(NAMES, neuron, strict=True)]
        shape = np.broadcast_shapes(*(v.shape for v in fields))
    except (TypeError, ValueError):
        # A field may be a symbol or an interval.
        return f"<pre>{escape(repr(neuron))}</pre>"
    if shape:
        ends = {name: _ends(values) for name, values in zip(NAMES, fields, strict=True)}
        return card(f"Neuron, an array of shape {shape}", ends)
    w1, b1, w2, b2 = (float(v) for v in fields)
    at = -b1 / w1 + 0.0 if w1 else math.nan
    facts = dict(zip(NAMES, (f"{v:.6g}" for v in (w1, b1, w2, b2)), strict=True))
    facts["breakpoint"] = f"{at:.6g}" if math.isfinite(at) else "none"
    if not all(map(math.isfinite, (w1, b1, w2, b2))):
        return card("Neuron", facts)
    lo, hi = window(at)
    x = np.array(sorted({lo, hi, at} if lo < at < hi else {lo, hi}))
    graph = drawing([Graph(x, neuron(x))], f"the neuron's graph on [{lo:g}, {hi:g}]")
    return card("Neuron", facts, graph)


def shown_problem(problem: Problem) -> str:
    """Return target, inputs, activation and, if it is not squared, loss, beside the target's graph."""
    teacher: Any = problem.teacher if problem.target is None else ()
    law = problem.law if problem.law is not None else problem.inputs
    if isinstance(law, Sample):
        weighted = ", weighted" if law.weights is not None else ""
        told = f"{law.x.shape[0]} inputs{weighted} from {law.lo:g} to {law.hi:g}"
    elif isinstance(law, Uniform):
        told = f"uniform on [{law.lo}, {law.hi}]"
    else:
        told = str(law)
    if problem.target is not None:
        target = str(problem.target)
    elif problem.has_teacher:
        target = f"{problem.teacher_activation} neuron ({', '.join(map(str, problem.teacher))})"
    else:
        target = "the sample's"
    facts = {"target": target, "inputs": told, "activation": str(problem.activation)}
    if problem.loss != SQUARED:
        facts["loss"] = str(problem.loss)
    if any(np.size(v) > 1 for v in (law.lo, law.hi, *teacher)):
        return card("Problem", facts)
    return card("Problem", facts, drawing([_target_graph(problem, law)], "what the student should return"))


def _ends(values: np.ndarray) -> str:
    if values.size > 1:
        return f"{values.flat[0]:.6g} … {values.flat[-1]:.6g}"
    return "".join(f"{value:.6g}" for value in values.flat)


def _target_graph(problem: Problem, law: Any) -> Graph:
    if not problem.has_teacher and problem.target is None:
        some = slice(None, None, max(1, law.x.shape[0] // 200))
        return Graph(to_numpy(law.x)[some], to_numpy(law.targets)[some], dots=True)
    mean, std = getattr(law, "mean", 0.0), getattr(law, "std", None)
    lo, hi = (float(law.lo), float(law.hi)) if std is None else (mean - 3.0 * std, mean + 3.0 * std)
    x = np.linspace(lo, hi, 401)
    return Graph(x, np.ravel(to_numpy(problem.target_at(x))), broad=True)

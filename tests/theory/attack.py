"""All that theorems say of an array of cases, compared with exact arithmetic.

As a program it attacks for as long as it is told to: ``python -m tests.theory.attack 1000000``.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from functools import partial

import mpmath
import numpy as np

from gradflow.ends import decision
from gradflow.ends.decision import BARRIER, FADES, ORIGIN, PATH_TRAP, SIGN_TRAP, STAYS_DEAD, decide
from gradflow.ends.outcome import CONSTANT, GLOBAL, LINEAR
from gradflow.field.baselines import Bounded, lines
from gradflow.field.bounds import root_loss
from gradflow.theory.critical_points import gradient_floor
from gradflow.theory.energy import never_constant, reaches_teacher
from gradflow.theory.fading import fades, fading_rate
from gradflow.theory.hyperactive import remaining_path, trapped
from gradflow.theory.signs import path_by_signs, trapped_by_signs
from gradflow.theory.survival import survives_until
from tests.theory.adversaries import Cases, cases
from tests.theory.exact import Case
from tests.theory.exact_origin import dies_at_the_origin

SLOPES = ((0.0, 1.0), (0.0, 1.0), (0.0, 1.0), (0.0, 2.0), (0.1, 1.0), (-0.5, 0.7), (0.0, -1.5))
"""Of whom: mostly ReLU."""


def contradictions(given: Cases, said: Counter[str] | None = None) -> list[tuple[str, int]]:
    """Return what is said and false, with the number of the case; `said` counts what is said."""
    said = Counter() if said is None else said
    theta, problem = given.theta, given.problem
    relu = given.slopes[0] == 0.0
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        claims = {
            "reaches the teacher": reaches_teacher(theta, problem),
            "never constant": never_constant(theta, problem),
            "trapped": trapped(theta, problem),
            "trapped by signs": trapped_by_signs(theta, problem),
            "fades": fades(theta, problem),
        }
        code, theorem = decide(theta, problem)
        paths = [remaining_path(theta, problem, s) for s in given.slopes]
        by_signs = path_by_signs(theta, problem)
        survival = survives_until(theta, problem) if relu else np.zeros(theta.shape[1])
        rate = fading_rate(theta, problem)
        floor = gradient_floor(theta, problem) if relu else np.zeros(theta.shape[1])
        root = root_loss(theta, problem)
    of = lines(problem)
    found: list[tuple[str, int]] = []
    outcomes = {
        "reaches the teacher": GLOBAL,
        "trapped": LINEAR,
        "trapped by signs": LINEAR,
        "fades": CONSTANT,
    }
    for i in range(theta.shape[1]):
        case = Case.of(theta[:, i], given.teacher[:, i], given.lo[i], given.hi[i], given.slopes)
        truths: dict[str, Callable[[], bool]] = {
            "reaches the teacher": case.reaches_teacher,
            "never constant": case.never_constant,
            "trapped": case.trapped,
            "trapped by signs": case.trapped_by_signs,
            "fades": partial(fades_at, case, float(rate[i])),
        }
        names = [name for name, mask in claims.items() if bool(mask[i])]
        wrong = [name for name in names if not truths[name]()]
        if len({outcomes[name] for name in names if name in outcomes}) > 1:
            wrong.append("two theorems")
        said.update(names)
        if int(theorem[i]):
            said["decided by " + decision.THEOREMS[int(theorem[i])]] += 1
        wrong += [name for name, part in parts(case).items() if not _within(getattr(of, name), i, part)]
        if not loss_within(case, float(root.value[i]), float(root.error[i])):
            wrong.append("loss")
        if not decided_rightly(case, int(code[i]), int(theorem[i])):
            wrong.append("decide")
        if relu:
            said["survives for ever"] += bool(np.isinf(survival[i]))
            said["gradient bounded below"] += bool(floor[i] > 0.0)
            if not survives(case, float(survival[i])):
                wrong.append("survives until")
            if floor[i] > 0.0 and Fraction(float(floor[i])) ** 2 > sum(g * g for g in case.gradient):
                wrong.append("gradient floor")
        side = case.side()
        if side is not None and side[0] != 0:
            path, least = float(paths[side[1] > 0][i]), case.remaining_path(side[0])
            said["path bounded"] += bool(np.isfinite(path))
            if np.isfinite(path) and (least is None or Fraction(path) < least):
                wrong.append("remaining path")
            if np.isfinite(by_signs[i]):
                said["path by signs bounded"] += 1
                if not bounds_path_by_signs(case, side[0], float(by_signs[i])):
                    wrong.append("path by signs")
        found += [(name, i) for name in wrong]
    return found


def parts(case: Case) -> dict[str, Fraction]:
    """Return what `gradflow.field.baselines.lines` computes with a bound on its error."""
    return {
        "mean_x": case.mean_x,
        "variance_x": case.variance_x,
        "mean": case.mean,
        "slope": case.slope,
        "line_loss": case.line_loss,
        "constant_loss": case.constant_loss,
    }


def _within(bounded: Bounded, i: int, exact: Fraction) -> bool:
    value, error = (Fraction(float(part[i])) for part in bounded)
    return abs(value - exact) <= error


def fades_at(case: Case, rate: float) -> bool:
    """Return whether a neuron fades at a rate that is at least so large."""
    exact = case.fading_rate()
    return exact is not None and Fraction(rate) ** 2 <= exact[0]


def loss_within(case: Case, root: float, error: float) -> bool:
    """Return whether √L is within `error` of a computed root."""
    if not np.isfinite(root) or not np.isfinite(error):
        return True
    below, above = Fraction(root) - Fraction(error), Fraction(root) + Fraction(error)
    return case.loss <= above**2 and (below < 0 or below**2 <= case.loss)


def decided_rightly(case: Case, code: int, theorem: int) -> bool:
    """Return whether a decision is what the theorem it names says."""
    if theorem == BARRIER:
        return code == GLOBAL and case.reaches_teacher()
    if theorem in (PATH_TRAP, SIGN_TRAP):
        holds = case.trapped() if theorem == PATH_TRAP else case.trapped_by_signs()
        return holds and code == (GLOBAL if case.line_loss == 0 else LINEAR)
    constant = GLOBAL if case.constant_loss == 0 else CONSTANT
    if theorem == FADES:
        return case.fading_rate() is not None and code == constant
    if theorem == ORIGIN:
        return dies_at_the_origin(case) and code == constant
    if theorem == STAYS_DEAD:
        still = case.is_dead and case.slopes[0] == 0
        return still and code == constant
    return code not in (GLOBAL, LINEAR, CONSTANT)


def survives(case: Case, bound: float) -> bool:
    """Return whether a time is at most arsinh(u/√−Q)/c; ∞ needs Q ≥ 0, or a neuron that does not move."""
    if bound <= 0.0 or np.isnan(bound):
        return True
    if case.is_dead:
        return False
    if case.balance >= 0:
        return True
    if case.slopes[1] == 0 or case.loss == 0:
        return True
    if np.isinf(bound):
        return False
    with mpmath.workdps(50):
        w1, b1 = case.theta[:2]
        square = _mpf(case.loss) * _mpf(1 + case.variance_x + case.mean_x**2)
        speed = 2 * abs(_mpf(case.slopes[1])) * mpmath.sqrt(square)
        ratio = mpmath.sqrt(_mpf(w1 * w1 + b1 * b1) / _mpf(-case.balance))
        return bool(bound <= mpmath.asinh(ratio) / speed)


def bounds_path_by_signs(case: Case, s: Fraction, bound: float) -> bool:
    """Return whether a length is at least √e/(c √y), with 2 y = √(Q² + 4 (a/s)²) − Q."""
    with mpmath.workdps(60):
        balance, product = _mpf(case.balance), _mpf(case.slope / s)
        total = mpmath.sqrt(balance**2 + 4 * product**2) + abs(balance)
        y = 2 * product**2 / total if balance >= 0 else total / 2
        exact = mpmath.sqrt(_mpf(case.excess(s)) / _mpf(case.least_contraction(s)) / y)
        return bool(bound >= exact * (1 - mpmath.mpf(10) ** -40))


def _mpf(value: Fraction) -> mpmath.mpf:
    return mpmath.mpf(value.numerator) / value.denominator


def attack(n: int, seed: int = 0, chunk: int = 5_000) -> tuple[Counter[str], Counter[str], list[str]]:
    """Return what is said in n cases, what of it is false, and the first false words with their cases."""
    said: Counter[str] = Counter()
    false: Counter[str] = Counter()
    shown: list[str] = []
    for k, first in enumerate(range(0, n, chunk)):
        given = cases(min(chunk, n - first), seed + k, SLOPES[k % len(SLOPES)])
        for name, i in contradictions(given, said):
            false[name] += 1
            if false[name] <= 3:
                shown.append(
                    f"{name}: neuron {given.theta[:, i].tolist()}, teacher {given.teacher[:, i].tolist()}, "
                    f"interval {float(given.lo[i])!r} {float(given.hi[i])!r}, slopes {given.slopes}"
                )
    return said, false, shown


if __name__ == "__main__":
    said, false, shown = attack(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0)
    print("\n".join(shown))
    print("said:", dict(said))
    print("false:", dict(false))

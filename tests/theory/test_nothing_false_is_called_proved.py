"""No function that says "proved" is contradicted by exact arithmetic, where rounding decides.

A million cases: ``python -m tests.theory.attack 1000000``.
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

import numpy as np
import pytest

from gradflow.cli import main
from gradflow.ends import flow_decisions, flow_run
from gradflow.ends.decision import BARRIER, decide
from gradflow.ends.outcome import CONSTANT, GLOBAL, LINEAR, OUTCOMES, UNDECIDED, outcome
from gradflow.field import loss
from gradflow.field.baselines import Bounded, best_constant, best_line, lines
from gradflow.field.bounds import balance, has_exact_signs, root_loss
from gradflow.neuron.activity import BALANCED, DEAD, activity
from gradflow.neuron.problem import Neuron, Problem, Uniform
from gradflow.runs import gradient_flow
from gradflow.theory.energy import barriers, never_constant, reaches_teacher
from gradflow.theory.fading import fades
from gradflow.theory.hyperactive import trapped
from gradflow.theory.signs import trapped_by_signs
from gradflow.theory.survival import survives_until
from tests.theory.adversaries import KINDS, Cases, Lines, cases, intervals, teachers
from tests.theory.attack import SLOPES, attack, contradictions
from tests.theory.exact import Case


def test_a_thousand_cases() -> None:
    said, false, shown = attack(1_400, seed=20_000, chunk=200)
    assert not false, "\n".join(shown)
    for name in (
        "reaches the teacher",
        "never constant",
        "trapped",
        "trapped by signs",
        "path bounded",
        "fades",
    ):
        assert said[name] > 5, name


@pytest.mark.slow
def test_many_cases() -> None:
    said, false, shown = attack(21_000, seed=30_000, chunk=3_000)
    assert not false, "\n".join(shown)
    assert said["reaches the teacher"] > 150
    assert said["decided by death at the origin"] > 3


def test_the_attack_finds_what_is_false(monkeypatch: pytest.MonkeyPatch) -> None:
    # Were a loss what it is computed to be, and the barrier for all neurons.
    def balanced(neuron: Neuron, problem: Problem) -> np.ndarray:
        return np.full_like(activity(neuron, problem), BALANCED)

    def below(neuron: Neuron, problem: Problem, level: Bounded) -> np.ndarray:
        return np.asarray(loss(neuron, problem) < level.value)

    monkeypatch.setattr("gradflow.field.bounds.EPS", 1e-18)
    monkeypatch.setattr("gradflow.theory.energy.activity", balanced)
    monkeypatch.setattr("gradflow.theory.energy._below", below)
    found = Counter(name for name, _ in contradictions(cases(1_000, 5)))
    for name in ("reaches the teacher", "never constant", "two theorems", "loss", "survives until"):
        assert found[name] > 5, name


def contradictory(given: Cases) -> int:
    """Count neurons for which theorems, each asked by itself and of all neurons, say different ends."""
    theta, problem = given.theta, given.problem
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        state = activity(theta, problem)
        stays = (state == DEAD) & problem.stays_dead & np.asarray(has_exact_signs(theta, problem))
        goes = np.asarray(reaches_teacher(theta, problem))
        rises = np.asarray(never_constant(theta, problem))
        straight = np.asarray(trapped(theta, problem)) | np.asarray(trapped_by_signs(theta, problem))
        fading = np.asarray(fades(theta, problem))
    ends = stays.astype(int) + goes + straight + fading
    return int(np.sum((ends > 1) | (rises & stays)))


def test_two_theorems_never_contradict_each_other() -> None:
    for k, slopes in enumerate(SLOPES):
        assert contradictory(cases(20_000, 100 + k, slopes)) == 0


def test_contradictions_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    given = cases(20_000, 100)

    def balanced(neuron: Neuron, problem: Problem) -> np.ndarray:
        return np.full_like(activity(neuron, problem), BALANCED)

    def below(neuron: Neuron, problem: Problem, level: Bounded) -> np.ndarray:
        return np.asarray(loss(neuron, problem) < level.value)

    # Were the barrier for all neurons, and a loss what it is computed to be.
    monkeypatch.setattr("gradflow.theory.energy.activity", balanced)
    monkeypatch.setattr("gradflow.theory.energy._below", below)
    assert contradictory(given) > 5


def test_cases_are_as_extreme_as_numbers_may_be() -> None:
    """Weights from 1e-8 to 1e8, biases to 1e15, widths from 1e-6 to 1e4, of every kind that may have them."""
    rng, n = np.random.default_rng(0), 20_000
    lo, hi = intervals(rng, n)
    assert np.min(hi - lo) < 2e-6
    assert np.max(hi - lo) > 5e3
    aim = teachers(rng, lo, hi)
    given = {"teachers": aim, **{draw.__name__: draw(rng, Lines(aim, lo, hi, (0.0, 1.0))) for draw in KINDS}}
    for name, theta in given.items():
        w2 = np.abs(theta[2])
        assert np.min(w2) < 1e-7, name
        assert np.max(w2) > 1e7, name
    biases = {name: max(np.max(np.abs(theta[1])), np.max(np.abs(theta[3]))) for name, theta in given.items()}
    assert min(biases.values()) > 1e12, biases
    assert max(np.max(np.abs(given[name][1])) for name in ("on_the_line", "dead", "huge")) > 1e14


def exactly(theta: object, problem: Problem) -> Case:
    lo, hi = float(problem.inputs.lo), float(problem.inputs.hi)
    return Case.of(theta, problem.teacher, lo, hi, problem.slopes)


def test_a_hyperactive_neuron_is_below_no_barrier() -> None:
    problem, neuron = Problem(Neuron(1.0, 0.98, 1.0, 0.0)), Neuron(0.9997020000000001, 3.0, 1.0, -2.0199)
    assert exactly(neuron, problem).loss >= exactly(neuron, problem).line_loss
    assert trapped(neuron, problem)
    assert not reaches_teacher(neuron, problem)
    assert decide(neuron, problem).outcome == LINEAR
    run = gradient_flow(neuron, problem, t_end=1.0)
    assert OUTCOMES[int(run["outcome"])] == "linear"


def test_starts_on_the_line_are_not_below_it() -> None:
    problem = Problem(Neuron(1.0, 0.999, 1.0, 0.0))
    line, rng = best_line(problem), np.random.default_rng(0)
    w2 = np.exp(rng.normal(0.0, 0.5, 500))
    w1 = line.slope / w2
    b1 = np.abs(w1) + rng.uniform(0.01, 3.0, 500)
    theta = np.stack([w1, b1, w2, line.intercept - w2 * b1])
    assert not np.any(reaches_teacher(theta, problem))
    found = decide(theta, problem)
    assert np.all(np.isin(found.outcome, (LINEAR, UNDECIDED)))
    assert np.mean(found.outcome == LINEAR) > 0.9


def test_dead_neurons_are_below_no_constant() -> None:
    problem = Problem(Neuron(1.0, -0.99, 1.0, 100.0))
    mean = float(best_constant(problem).intercept)
    theta = np.stack([np.ones(300), np.linspace(-9.0, -1.0, 300), np.ones(300), np.full(300, mean)])
    assert not np.any(never_constant(theta, problem))
    assert np.all(decide(theta, problem).outcome == CONSTANT)


def test_the_sign_of_the_invariant_is_exact() -> None:
    neuron = Neuron(0.1, 0.1, 0.14142135623730953, 0.25)
    assert exactly(neuron, Problem()).balance < 0
    assert np.isfinite(survives_until(neuron))
    assert survives_until(Neuron(3.0, 4.0, 5.0, 0.25)) == np.inf
    assert survives_until(Neuron(0.1, 0.1, 0.1414213562373095, 0.25)) == np.inf
    value, error = balance(Neuron(1e-200, 0.0, 2e-200, 0.0))
    assert abs(float(value)) <= float(error), "squares that underflow have no sign"


@pytest.mark.parametrize("shift", [1e-1, 1e-4, 1e-8, 1e-12, 1e-15])
@pytest.mark.parametrize("b2", [0.0, -1e3, 1e12])
def test_the_best_lines_loss_is_accurate_to_its_last_digits(shift: float, b2: float) -> None:
    for teacher in (Neuron(1.0, 1.0 - shift, 1.0, b2), Neuron(-3.0, 3.0 * (1.0 - shift), 0.7, b2)):
        problem = Problem(teacher)
        case = exactly(Neuron(), problem)
        assert float(best_line(problem).loss) == pytest.approx(float(case.line_loss), rel=1e-14)
        assert float(best_line(problem).slope) == pytest.approx(float(case.slope), rel=1e-14)
        assert float(best_constant(problem).loss) == pytest.approx(float(case.constant_loss), rel=1e-14)
        assert float(barriers(problem).line) == float(best_line(problem).loss)


def test_bounds_are_not_wasteful() -> None:
    theta = np.random.default_rng(0).uniform(-2.0, 2.0, (4, 1_000))
    root = root_loss(theta)
    assert np.max(root.error) < 1e-13
    of = lines()
    for part in of[:6]:
        assert float(part.error) <= 1e-14
    # A millionth of a millionth below the barrier is below it.
    near = Neuron(1.0, 0.0, 1.0, np.sqrt(1 / 48) * (1.0 - 1e-12))
    assert reaches_teacher(near)


HIDDEN = Neuron(0.5, 1e16, 1.0, -1e16)


def test_a_loss_that_rounding_hides_decides_nothing() -> None:
    size = np.array([5e12, 1e13, 1e14, 1e16])
    neuron = Neuron(b1=size, b2=-size)
    for b1 in size:
        assert exactly(Neuron(b1=b1, b2=-b1), Problem()).loss == Fraction(1, 6)
    # The trap by signs needs to know the error in level only to within the distance of the breakpoint.
    assert decide(neuron).outcome.tolist() == [LINEAR, LINEAR, LINEAR, LINEAR]
    assert not np.any(reaches_teacher(neuron))
    # One that is as steep as the best line, to within rounding, is not known to be steeper.
    assert decide(HIDDEN).outcome == UNDECIDED
    assert outcome(HIDDEN) == UNDECIDED


@pytest.mark.slow
def test_nor_does_a_flow_that_is_followed_however_closely() -> None:
    assert flow_run(HIDDEN, Problem()).outcome == UNDECIDED
    assert flow_decisions(HIDDEN, Problem(), longest=1.0).outcome == UNDECIDED


def test_the_command_says_undecided_there(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["flow", "--w1", "0.5", "--b1", "1e16", "--b2", "-1e16", "--json"])
    assert '"outcome": "undecided"' in capsys.readouterr().out


def test_an_end_at_the_line_is_global_only_where_the_line_is_exact() -> None:
    nearly, exact = (Problem(Neuron(1.0, b1, 1.0, 0.0)) for b1 in (1.0 - 1e-6, 1.0))
    neuron = Neuron(1.0, 3.0, 1.0, -2.0)
    assert decide(neuron, nearly).outcome == LINEAR
    assert decide(neuron, exact).outcome == GLOBAL
    dead = Neuron(1.0, -3.0, 1.0, 0.0)
    assert decide(dead, exact).outcome == CONSTANT
    assert decide(dead, Problem(Neuron(1.0, -1.0, 1.0, 0.0))).outcome == GLOBAL


def test_single_precision_is_decided_in_double() -> None:
    given = cases(3_000, 9)
    rounded = given._replace(
        theta=given.theta.astype(np.float32).astype(np.float64),
        teacher=given.teacher.astype(np.float32).astype(np.float64),
        lo=(-np.ones(3_000)),
        hi=np.ones(3_000),
    )
    with np.errstate(over="ignore", invalid="ignore"):
        double = decide(rounded.theta, rounded.problem)
        single = Problem(Neuron(*rounded.teacher.astype(np.float32)), Uniform(), given.slopes)
        found = decide(rounded.theta.astype(np.float32), single)
    np.testing.assert_array_equal(found.outcome, double.outcome)
    np.testing.assert_array_equal(found.theorem, double.theorem)
    assert np.sum(found.theorem == BARRIER) > 5

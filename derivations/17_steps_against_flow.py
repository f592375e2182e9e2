"""Steps against flow: which flow an optimiser follows, to which order, and what a wall does to it.

Gradient descent to third order, heavy ball to second, Adam's ODE to first, the sign flow and its correction.
"""

from __future__ import annotations

from typing import NamedTuple

import sympy

from gradflow.proofs.cells import Expr
from gradflow.proofs.proof import Proof
from gradflow.proofs.render import main

eta, mu, lam, a, eps = sympy.symbols("eta mu lambda a epsilon", positive=True)
beta, beta1, beta2, d1, d2, s = sympy.symbols("beta beta_1 beta_2 d_1 d_2 s", positive=True)
k, j = sympy.symbols("k j", integer=True, nonnegative=True)
x = sympy.Matrix(sympy.symbols("x1:5"))

STATUS = "proved"
STATEMENT = """
Let g = ∇L, H = ∇²L, T = ∇³L, and let θ_k be the parameters after k steps of rate η. A flow has order n if
|θ_k − θ(k η)| ≤ C η^n for all k η ≤ t_end and all small η, with C independent of η.

(1) Gradient descent. Let F₁ = −g, F₂ = −g − (η/2) Hg and F₃ = F₂ − η² (HHg/3 + T[g, g]/12). One step
minus the flow of F₁ over the time η is −(η²/2) Hg + O(η³), for F₂ it is −η³ (HHg/3 + T[g, g]/12) + O(η⁴),
for F₃ it is O(η⁴). Within a cell the flows of F₁, F₂, F₃ from θ_0 have the orders 1, 2, 3.

(2) Heavy ball, B_(k+1) = μ B_k + g(θ_k), θ_(k+1) = θ_k − η B_(k+1). Within a cell let F = −g/(1 − μ) − η
(1 + μ)/(2 (1 − μ)³) Hg. If B_0 = g(θ_0)/(1 − μ), the flow of F from θ_0 has order 2. If B_0 = 0, the flow
of F from θ_0 + η μ/(1 − μ)² g(θ_0) differs from θ_k by at most C (η² + η μ^k). From θ_0 itself θ_k
differs by η μ/(1 − μ)² g(θ_k) + O(η² + η μ^k), which does not fade with the transient: heavy ball comes
μ/(1 − μ) steps late, and stays so. The flow of −g/(1 − μ) has order 1.

(3) Adam with ε > 0 outside the root, β1 = 1 − a η, β2 = 1 − b η, a and b fixed. Its ODE θ′ = −(m/(1 −
e^(−at)))/(ε + √(v/(1 − e^(−bt)))), m′ = a (g − m), v′ = b (g² − v), m(0) = v(0) = 0 has order 1, across
walls too.

(4) Adam with β1, β2 fixed. Let R = √(g² + ε) for ε inside the root and R = |g| + ε for ε outside, u =
g/R, d_i = β_i/(1 − β_i), and κ = ε/R² or κ = ε/R, all by components. Within a cell (outside the root: and
where no g_j is 0) the sign flow θ′ = −u has order 1, and θ′ = −u − (η/R) (d₁ − d₂ + (d₂ + 1/2) κ) Hu has
order 2. So it has with d_i(k) = β_i/(1 − β_i) − (k + 1) β_i^(k+1)/(1 − β_i^(k+1)) for d_i in the step
that follows k updates.

(5) Walls. Let the path of the limit flow cross once, transversally, the wall where the breakpoint passes
an end e of the input. The orders 1 and 2 of (1), (2) and (4) are kept. With n = (e, 1, 0, 0) and c n nᵀ
the jump of H, after minus before (derivation 4), the flows of F₂ and F₃ gain on GD, in the step in which
they reach the wall after the fraction s of its time, a further (η²/2) s (1 − s) c (n · θ′) n + O(η³). The
error of F₃ is then that, carried on by the linearised flow, + O(η³): its order is 2, and no higher if c ≠
0. At the wall where the breakpoint passes the teacher's, order 3 is kept.
"""

HYPOTHESES = (
    "Those of the loss (derivation 1). Within a cell all holds for any L with four continuous derivatives "
    "there, such as a sample's, whose gradient jumps on its walls, so that (5) and (3) across walls do "
    "not.",
    "The path of the limit flow (F₁, −g/(1 − μ), Adam's ODE or −u) on [0, t_end] avoids w1 = b1 = 0. "
    "Within a cell: it lies in an open cell. In (5): in two open cells but for one time in (0, t_end), at "
    "which (w1, b1) moves through the wall with a speed other than 0. Several such crossings add up.",
    "The constants depend on the path, t_end and the other hyper-parameters, not on η. Here 0 ≤ μ, β1, β2 "
    "< 1 and ε > 0 are fixed, the rate is constant, and arithmetic is exact.",
    "In (5), for ε outside the root: no g_j vanishes on the path.",
)

PROOF = """
One step to global. Let K be a compact neighbourhood of the path on which all that follows is bounded. If
one step differs from a flow of Lipschitz constant Λ by at most C η^(n+1), then by Gronwall's lemma the
distances after k steps are at most C η^n (e^(Λt) − 1)/Λ. This is less than the distance of the path from
the boundary of K once η is small, so that by induction no step leaves K. The flows of F₂, F₃ and F differ
from the limit by terms of size η and stay in K for the same reason.

(1) Let the flow of f₀ + η f₁ + η² f₂ start at x = 0. Its Taylor coefficients at the time η are f₀ for η,
f₁ + f₀′f₀/2 for η², and f₂ + (f₁′f₀ + f₀′f₁)/2 + (f₀′f₀)′f₀/6 for η³; the remainder is O(η⁴), as L is
smooth on K. With f₀ = −g these contain derivatives of L at 0 up to the third. So the cubic Taylor
polynomial of L decides them, and the script takes one in four variables with 34 free coefficients.

(2) Put y_k = θ_k − η μ/(1 − μ) B_k. Then y_(k+1) = y_k − η/(1 − μ) g(θ_k) exactly. g is Lipschitz and B
bounded, so B_(k+1) = μ B_k + g(θ_k) gives B_k = g(θ_k)/(1 − μ) + O(η + μ^k), without the term μ^k if B_0
= g(θ_0)/(1 − μ). Hence y_(k+1) = Ψ(y_k) + O(η³ + η² μ^k) for the map Ψ(y) = y − η/(1 − μ) g(y + η μ/(1 −
μ)² g(y)). These errors sum to O(η²). Ψ is the flow of F over the time η up to O(η³), by the Taylor
coefficients of (1). Last, θ_k = y_k + η μ/(1 − μ)² g(y_k) + O(η² + η μ^k), and y + η μ/(1 − μ)² g(y) is
where the flow of F was the time η μ/(1 − μ) before, up to O(η²). With B_0 = 0 y starts at θ_0, so θ is
late by that time. With B_0 = g(θ_0)/(1 − μ) y starts at θ_0 − η μ/(1 − μ)² g(θ_0), ahead by that time,
and θ is not late.

(3) Let M and N be m and √v after their bias corrections. In Adam M is the mean of g(θ_J) over a random
index J < k with probabilities proportional to β1^(k−1−J), in the ODE the mean of g(θ(S)) over a random
time S in [0, t] with density proportional to e^(aS). N is the root mean square of the same kind, with β2
and b. So the ODE is an equation θ′ = −M/(N + ε) for the path alone. With a′ = −log(1 − a η)/η the law of
J is that of the integer part of S′/η, where S′ has the rate a′ in place of a: this is checked on the
distribution functions. The quantile of S for p in [0, 1] is t + log(p + (1 − p) e^(−at))/a. Its
derivative in t lies in [0, 1], and that in a is at most 2t/a in size. As a′ = a + O(η), J and S can be
put on one probability space with |J η − S| ≤ C η, and S for t and t + dt with distance at most dt. Let E
be the largest |θ_i − θ(i η)| for i < k. As g is Lipschitz on K (derivation 4) and θ(t) is, |g(θ_J) −
g(θ(S))| ≤ C (E + η). Means and, by Minkowski's inequality, root mean squares then differ by at most C (E
+ η). No root is differentiated, so v may be 0. M/(N + ε) is Lipschitz in (M, N), as ε > 0 and M is
bounded. Hence θ′ depends Lipschitz continuously on the path (in the maximum norm; there is one solution,
and θ′ → −g/(|g| + ε) as t → 0) and on t, and one step adds at most C η (E + η) to the distance.
Gronwall's lemma gives E ≤ C η.

(4) The age i of a gradient in the update that follows k others has probabilities proportional to β^i, i =
0, …, k, and the mean d(k) of the statement (by induction, checked). Its moments are bounded. Steps are at
most C η, so that M = g + O(η) and N = |g| + O(η), one step is −η u + O(η²), and the order 1 follows. Then
θ_(k−i) = θ_k + i η u + O((i + i²) η²), M = g + η d₁ Hu + O(η²) and N² = g² + 2 η d₂ g Hu + O(η²), with
d(k) for d. This is put into the step −η M/√(N² + ε) or −η M/(N + ε); it must be η f₀ + η² (f₁ + f₀′f₀/2)
with f₀ = −u, which gives f₁. Since d − d(k) = (k + 1) β^(k+1)/(1 − β^(k+1)) has a finite sum over k, d in
place of d(k) changes all steps together by O(η²).

(5) For small η the iterates and the flows cross the wall once, as their speed through it is bounded from
below, in steps that differ by a bounded number; all other steps lie within a cell. F₂, F₃ and F jump by
O(η) on the wall, and both one-sided velocities point through it, so the flow goes on without ambiguity.
In the step in which it reaches the wall let z = n · θ, which is 0 at the time s η. Behind the wall g
exceeds the continuation of the old cell's g by c z n + O(η²), and Hg by c (n · g) n + O(η). The integral
of the two differences over the rest of the step is the stated gain; GD's step sees neither. It is O(η²),
once: orders 1 and 2 are kept, and 3 becomes 2. It is no higher, as the crossing's time over η grows
continuously without bound while η → 0, so that s = 1/2 for arbitrarily small η. In (2) everything up to Ψ
uses only that g is Lipschitz, and Ψ meets the wall in boundedly many steps with errors O(η²). In (4) the
expansion of g(θ_(k−i)) has the error O(i η) in place of O(i² η²) if the wall lies between, which in the
l-th step behind it has a probability of order β^l; the steps' errors sum to O(η²). At the teacher's
breakpoint H is continuous and its derivative jumps: behind it g differs by O(z²), Hg by O(z) and T[g, g]
by O(1) from the continuation, with z = O(η), so that over one step all of it is O(η³).
"""

PROVED_BY = (
    (
        "(1)",
        ("F₁: …", "F₂: …", "F₃: …"),
        "Gronwall's lemma, from one step to all, and the remainder of Taylor's formula",
    ),
    (
        "(2)",
        ("y moves by −η g/(1 − μ)", "Ψ follows F…", "the shift…"),
        "B_k = g/(1 − μ) + O(η + μ^k), the sum of the errors, and Gronwall's lemma",
    ),
    (
        "(3)",
        ("P(…", "it is P(S ≤ (j + 1) η)", "the quantile's derivative…", "a′ → a"),
        "J and S on one probability space, Minkowski's inequality, Lipschitz constants, and Gronwall's lemma",
    ),
    (
        "(4)",
        ("Σ i β^i…", "inside: …", "outside: …"),
        "the orders of what is left out, and the finite sum of d − d(k)",
    ),
    (
        "(5)",
        ("what the flow gains along n behind the wall",),
        "that flow and iterates cross once, in steps that differ by a bounded number, the orders of what is "
        "left out, and that s comes to 1/2 for arbitrarily small η",
    ),
)

NOT_CLAIMED = (
    "Sharp constants. For (4) the transient alone gives a term of order η²/(1 − β2)², the size of the sum "
    "of d − d(k): the correction is of use only if η is small against 1 − β2. At Adam's defaults and η = "
    "0.01 the ratio is 10, and the correction is worse than none; tests and plots/10 measure it.",
    "In (3) that C is moderate for ε = 1e-8, as the proof has 1/ε in it. On the paths measured the errors "
    "for ε = 1e-2 and 1e-8 are alike.",
    "Paths that touch a wall without crossing it, that run along one, or that pass w1 = b1 = 0.",
    "Long times: the constants may grow like e^(Λ t_end).",
)

RELATED = (
    "Barrett and Dherin (arXiv 2009.11162): the flow of F₂, of gradient descent.",
    "Barakat and Bianchi (arXiv 1810.02263), da Silva and Gazeau (arXiv 1810.13108): Adam's ODE of (3).",
    "Cattaneo, Klusowski and Shigida (arXiv 2309.00079): the correction of (4), for ε inside the root.",
)


class Tensors(NamedTuple):
    """The derivatives of a cubic polynomial in x: the gradient and Hessian as functions of x, and x = 0."""

    gradient: Expr
    hessian: Expr

    def third(self, u: Expr, v: Expr) -> Expr:
        """Return T[u, v]."""
        along = sum((u[i] * self.hessian.diff(x[i]) for i in range(4)), sympy.zeros(4, 4))
        return along * v


def cubic() -> Tensors:
    """Return a cubic polynomial in four variables with free coefficients."""
    size = range(4)

    def symmetric(name: str, *index: int) -> Expr:
        return sympy.Symbol(name + "".join(map(str, sorted(index))), real=True)

    loss = sum((symmetric("g", i) * x[i] for i in size), sympy.Integer(0))
    loss += sum((symmetric("h", i, m) * x[i] * x[m] for i in size for m in size), sympy.Integer(0)) / 2
    loss += (
        sum(
            (symmetric("t", i, m, n) * x[i] * x[m] * x[n] for i in size for m in size for n in size),
            sympy.Integer(0),
        )
        / 6
    )
    gradient = sympy.Matrix([loss.expand().diff(v) for v in x])
    return Tensors(gradient, gradient.jacobian(x))


def second_term(tensors: Tensors) -> Expr:
    """Return f₁ of gradient descent's flow."""
    return -tensors.hessian * tensors.gradient / 2


def third_term(tensors: Tensors) -> Expr:
    """Return f₂ of gradient descent's flow."""
    g, hessian = tensors
    return -(hessian * (hessian * g) / 3 + tensors.third(g, g) / 12)


def heavy_ball_term(tensors: Tensors) -> Expr:
    """Return f₁ of heavy ball's flow."""
    return -(1 + mu) / (2 * (1 - mu) ** 3) * tensors.hessian * tensors.gradient


def correction(kappa: Expr, scale: Expr, bent: Expr) -> Expr:
    """Return f₁ of the corrected sign flow, by component; `bent` is (Hu)_j."""
    return -(d1 - d2 + (d2 + sympy.Rational(1, 2)) * kappa) * bent / scale


def wall_gain(c: Expr, speed: Expr) -> Expr:
    """Return what the flow gains at a wall, along n."""
    return eta**2 / 2 * s * (1 - s) * c * speed


def taylor(f0: Expr, f1: Expr, f2: Expr) -> tuple[Expr, Expr, Expr]:
    """Return the coefficients of η, η² and η³ at x = 0 of the flow of f₀ + η f₁ + η² f₂ over the time η."""
    half, sixth = sympy.Rational(1, 2), sympy.Rational(1, 6)

    def along(field: Expr, direction: Expr) -> Expr:
        return field.jacobian(x) * direction

    bent = along(f0, f0)
    third = f2 + half * (along(f1, f0) + along(f0, f1)) + sixth * along(bent, f0)
    return _at_start(f0), _at_start(f1 + half * bent), _at_start(third)


def _at_start(vector: Expr) -> Expr:
    return vector.subs(dict.fromkeys(x, 0)).expand()


def prove(proof: Proof) -> None:
    prove_gradient_descent(proof)
    prove_heavy_ball(proof)
    prove_adam(proof)
    prove_sign(proof)
    prove_wall(proof)


def prove_gradient_descent(proof: Proof) -> None:
    """Compare a step with the three flows, coefficient by coefficient."""
    tensors, none = cubic(), sympy.zeros(4, 1)
    f0, f1, f2 = -tensors.gradient, second_term(tensors), third_term(tensors)
    # A step is x = −η g: its coefficients are −g, 0 and 0.
    step = _at_start(f0)
    first, second, third = taylor(f0, none, none)
    proof.equal("F₁: the coefficient of η is that of the step", first, step)
    proof.equal("F₁: the step's η² is by −Hg/2 off", -second, _at_start(f1))
    first, second, third = taylor(f0, f1, none)
    proof.equal("F₂: the coefficients of η and η² are those of the step", [*first, *second], [*step, *none])
    proof.equal("F₂: the step's η³ is by −(HHg/3 + T[g, g]/12) off", -third, _at_start(f2))
    first, second, third = taylor(f0, f1, f2)
    proof.equal("F₃: all three are those of the step", [*first, *second, *third], [*step, *none, *none])


def prove_heavy_ball(proof: Proof) -> None:
    """Prove the exact recurrence of y, the flow of Ψ, the delay, and the case of a quadratic loss."""
    theta, buffer, g = sympy.symbols("theta B g", real=True)
    after = mu * buffer + g
    y, y_after = theta - eta * mu / (1 - mu) * buffer, (theta - eta * after) - eta * mu / (1 - mu) * after
    proof.equal("y moves by −η g/(1 − μ)", sympy.cancel(y_after - y + eta * g / (1 - mu)), sympy.Integer(0))

    tensors, none = cubic(), sympy.zeros(4, 1)
    f0, f1 = -tensors.gradient / (1 - mu), heavy_ball_term(tensors)
    moved = dict(zip(x, eta * mu / (1 - mu) ** 2 * _at_start(tensors.gradient), strict=True))
    step = (-eta / (1 - mu) * tensors.gradient.subs(moved, simultaneous=True)).expand()
    stated = taylor(f0, f1, none)
    for power in (1, 2):
        coefficients = step.applyfunc(lambda entry, power=power: entry.coeff(eta, power))
        difference = (coefficients - stated[power - 1]).applyfunc(sympy.cancel)
        proof.equal(f"Ψ follows F in the coefficient of η^{power}", difference, none)
    delayed = -(mu / (1 - mu)) * f0
    proof.equal(
        "the shift of the start is a delay of μ/(1 − μ) steps", delayed, mu / (1 - mu) ** 2 * -f0 * (1 - mu)
    )
    proof.equal("the shift commutes with the flow", f0.jacobian(x) * delayed - delayed.jacobian(x) * f0, none)

    root = (1 + mu - eta * lam + sympy.sqrt((1 + mu - eta * lam) ** 2 - 4 * mu)) / 2
    # √((1 − μ)²) is 1 − μ: both roots are differentiated through the equation instead.
    z, slope, bend = sympy.symbols("z z1 z2")
    equation = z**2 - (1 + mu - eta * lam) * z + mu
    proof.equal(
        "the root is one of heavy ball's recurrence", sympy.expand(equation.subs(z, root)), sympy.Integer(0)
    )
    series = sympy.expand(equation.subs(z, 1 + slope * eta + bend * eta**2))
    values = sympy.solve([series.coeff(eta, 1), series.coeff(eta, 2)], [slope, bend], dict=True)
    proof.holds("the root near 1 has one expansion", len(values) == 1)
    rate = (slope + eta * (bend - slope**2 / 2)).subs(values[0])
    stated_rate = -lam / (1 - mu) - eta * (1 + mu) / (2 * (1 - mu) ** 3) * lam**2
    proof.equal(
        "for a quadratic loss it decays at the flow's rate",
        sympy.cancel(rate - stated_rate),
        sympy.Integer(0),
    )


def prove_adam(proof: Proof) -> None:
    """Prove that Adam's ages are those of the ODE, rounded down to whole steps."""
    below = (beta ** (k - 1 - j) - beta**k) / (1 - beta**k)
    weight = (1 - beta) * beta ** (k - 1 - j) / (1 - beta**k)
    proof.equal("P(J ≤ j) starts at 0", sympy.simplify(below.subs(j, -1)), sympy.Integer(0))
    grows = sympy.simplify((below - below.subs(j, j - 1) - weight) * (1 - beta**k))
    proof.equal("P(J ≤ j) grows by the weight of j", grows, sympy.Integer(0))
    proof.equal("P(J ≤ j) ends at 1", sympy.simplify(below.subs(j, k - 1)), sympy.Integer(1))
    t, time = k * eta, (j + 1) * eta
    continuous = (sympy.exp(-a * (t - time)) - sympy.exp(-a * t)) / (1 - sympy.exp(-a * t))
    discrete = below.subs(beta, sympy.exp(-a * eta))
    proof.equal("it is P(S ≤ (j + 1) η)", sympy.simplify((discrete - continuous).expand()), sympy.Integer(0))
    p, span = sympy.symbols("p T", positive=True)
    share = p + (1 - p) * sympy.exp(-a * span)
    quantile = span + sympy.log(share) / a
    reached = (sympy.exp(-a * (span - quantile)) - sympy.exp(-a * span)) / (1 - sympy.exp(-a * span))
    proof.equal("P(S ≤ quantile of p) = p", sympy.simplify(sympy.expand(reached, power_exp=True) - p), 0 * p)
    proof.equal("the quantile's derivative in t", sympy.simplify(quantile.diff(span) - p / share), 0 * p)
    # log(share) lies in [−a t, 0] and the last fraction in [0, 1]: each term is at most t/a in size.
    in_a = -sympy.log(share) / a**2 - span / a * (1 - p / share)
    proof.equal("the quantile's derivative in a", sympy.simplify(quantile.diff(a) - in_a), 0 * p)
    rate = -sympy.log(1 - a * eta) / eta
    proof.equal("a′ → a", sympy.limit(rate, eta, 0), a)
    mean = a * span / (1 - sympy.exp(-a * span))
    proof.equal("m/(1 − e^(−at)) → g as t → 0", sympy.limit(mean, span, 0, "+"), sympy.Integer(1))


def prove_sign(proof: Proof) -> None:
    """Put the moments' expansions into Adam's step, for ε inside and outside the root."""
    g, sign = sympy.Symbol("|g_j|", positive=True), sympy.Symbol("sigma", real=True)
    bent, root = sympy.Symbol("b", real=True), sympy.Symbol("S", positive=True)
    none, limit = sympy.Integer(0), beta / (1 - beta)
    age = limit - (k + 1) * beta ** (k + 1) / (1 - beta ** (k + 1))
    total = sympy.simplify(age * (1 - beta ** (k + 1)) / (1 - beta))
    grows = sympy.simplify(total.subs(k, k + 1) - total - (k + 1) * beta ** (k + 1))
    proof.equal("Σ i β^i starts at 0", sympy.simplify(total.subs(k, 0)), none)
    proof.equal("Σ i β^i grows by (k + 1) β^(k+1)", grows, none)
    # g_j = σ |g_j| with σ² = 1, so that its root is known, and ε = S² − g², so that √(g² + ε) is S.
    signed, rational = sign * g, root**2 - g**2
    mean, square = signed + eta * d1 * bent, g**2 + 2 * eta * d2 * signed * bent
    for name, scale, kappa, denominator in (
        ("inside", sympy.sqrt(g**2 + eps), eps / (g**2 + eps), sympy.sqrt(square + eps)),
        ("outside", g + eps, eps / (g + eps), sympy.sqrt(square) + eps),
    ):
        step = -mean / denominator
        size = sympy.Symbol("y", positive=True)
        # du/dg at fixed sign; d|g| = σ dg.
        velocity = size / scale.subs(g, size)
        turn = velocity.diff(size).subs(size, g) * bent / 2
        at_zero = step.subs(eta, 0)
        proof.equal(f"{name}: the step's leading term is −u", sympy.simplify(at_zero + signed / scale), none)
        found = step.diff(eta).subs(eta, 0) - turn
        difference = (found - correction(kappa, scale, bent)).subs(eps, rational)
        proof.equal(f"{name}: the correction", sympy.simplify(difference).expand().subs(sign**2, 1), none)
    printed = (1 + beta1) / (1 - beta1) - (1 + beta2) / (1 - beta2) * (1 - eps / (g**2 + eps))
    ages = {d1: beta1 / (1 - beta1), d2: beta2 / (1 - beta2)}
    stated = correction(eps / (g**2 + eps), sympy.Integer(1), sympy.Integer(1)).subs(ages)
    proof.equal(
        "inside: as Cattaneo, Klusowski and Shigida print it", sympy.cancel(stated + printed / 2), none
    )


def prove_wall(proof: Proof) -> None:
    """Integrate the two differences over the part of a step behind the wall."""
    c, speed, time = sympy.symbols("c v_n t", real=True)
    # g exceeds its continuation by c z n with z = v_n (t − s η), Hg by c (n·g) n with n·g = −v_n.
    excess = -(c * speed * (time - s * eta)) - eta / 2 * (c * -speed)
    gain = sympy.integrate(sympy.expand(excess), (time, s * eta, eta))
    proof.equal(
        "what the flow gains along n behind the wall", sympy.expand(gain), sympy.expand(wall_gain(c, speed))
    )


def formulas() -> tuple[tuple[str, Expr], ...]:
    """Return the fields, with Hg and so on as symbols."""
    g, hg, hhg, tgg, hu, u, scale, kappa, c, speed = sympy.symbols("g Hg HHg T_gg Hu u R kappa c v_n")
    dot = sympy.Symbol("thetaprime")
    return (
        ("Gradient descent", sympy.Eq(dot, -g - eta / 2 * hg - eta**2 * (hhg / 3 + tgg / 12))),
        ("Heavy ball", sympy.Eq(dot, -g / (1 - mu) - eta * (1 + mu) / (2 * (1 - mu) ** 3) * hg)),
        ("Adam with fixed βs", sympy.Eq(dot, -u + eta * correction(kappa, scale, hu))),
        ("Gain at a wall, along n, with v_n = n · θ′", sympy.Eq(sympy.Symbol("Delta"), wall_gain(c, speed))),
    )


if __name__ == "__main__":
    raise SystemExit(main(globals()))

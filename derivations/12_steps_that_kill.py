"""Which steps kill a neuron, and what can bring it back: left-over momentum and decay, in closed form.

One step of GD is affine in the rate. After death only the optimiser's state moves the neuron, by a
computable amount.
"""

from __future__ import annotations

import sympy

from gradflow.proofs import integrals
from gradflow.proofs.cells import DEAD, KINDS, Cell, Expr, Place, b1, hi, lo, q, s_minus, w1
from gradflow.proofs.proof import Proof
from gradflow.proofs.render import main

eta, g1, g2, end, B1, B2 = sympy.symbols("eta g_1 g_2 e B_1 B_2", real=True)
mu, beta1, root2, lam = sympy.symbols("mu beta_1 sqrt(beta_2) lambda", positive=True)
k, K = sympy.symbols("k K", integer=True, positive=True)

STATUS = "proved"
STATEMENT = """
Let s₋ = 0, z_e = w1 e + b1 at the ends e = lo, hi, and ζ_e = e ∂L/∂w1 + ∂L/∂b1.

(1) After one step of GD(η) the pre-activations at the ends are z_e − η ζ_e. The neuron is then dead iff η
ζ_e ≥ z_e for both ends. The rates η > 0 that kill form a closed interval or there are none: below its
lower end no single step kills, and a step of that rate does. It is hyperactive iff η ζ_e ≤ z_e for both
ends, not both with equality: again an interval. For a balanced neuron the smaller of the two lower ends
is the largest safe rate η*: below it the step keeps the kink on the input.

(2) A dead neuron stays dead under GD with any rates. w1, b1 and w2 do not move.

(3) Heavy ball, θ ← θ − η B, B ← μ B + ∇L. Let the neuron be dead after some update that left B₁, B₂ for
w1, b1, and β_e = e B₁ + B₂. As long as it is dead, z_e after k more steps is z_e − η μ (1 − μ^k)/(1 − μ)
β_e. It comes back iff for one end z_e > η μ/(1 − μ) β_e, and then at the first k with μ^k < 1 − z_e (1 −
μ)/(η μ β_e) for such an end (the earlier, if both are).

(4) Adam (no decay) with moments m, v after K updates, β1 < √β2. While the neuron is dead its
parameter j moves at the k-th further update by −η β1^k m_j/(1 − β1^(K+k)) / (√(β2^k v_j/(1 − β2^(K+k))) +
ε). The sum converges. For ε = 0 it is −η (m_j/√v_j) S(k) with S(k) the sum over i ≤ k of (β1/√β2)^i √(1 −
β2^(K+i))/(1 − β1^(K+i)), the same for all j: the neuron comes back iff for one end z_e > η S(∞) (e m₁/√v₁
+ m₂/√v₂). For K → ∞, S(∞) → ρ/(1 − ρ), ρ = β1/√β2; that is 9.05 at the defaults. A neuron whose moments are
0 never comes back, at any rate.

(5) Decay and no other force, decoupled or in GD's gradient. Each step multiplies w1 by p = 1 − η λ with
the λ of w1, and b1 by q = 1 − η λ with that of b1. Let 0 < p, q ≤ 1. A dead neuron comes back iff at one
end e either w1 e > 0 and p > q, and then at the first k with (p/q)^k > |b1|/(w1 e), or w1 e < 0 < b1 and
p < q, and then at the first k with (q/p)^k > |w1 e|/b1 (the earlier, if both ends have one). The second
case needs an input that does not contain 0: if lo ≤ 0 ≤ hi, a dead neuron has b1 ≤ 0. So with the same
decay on w1 and b1 none comes back (for η λ > 1 all with z_e < 0 at an end do, at once); with decay on the
bias alone all that have w1 e > 0 at an end do, which are all with w1 ≠ 0 if lo < 0 < hi; with decay on
the weights alone none does, if lo ≤ 0 ≤ hi. A factor of 1 − η λ < 0 changes the sign of w1 or b1 at each
step; the same comparison then holds for the even k and, with the signs of odd steps, for the odd k.

(6) Heavy ball with decay in the gradient, B ← μ B + λ θ + ∇L, the same λ > 0 for w1 and b1. While the
neuron is dead, z(k + 1) = (1 + μ − η λ) z(k) − μ z(k − 1) at each end, with z(1) = (1 − η λ) z(0) − η μ
β_e. If η λ < (1 − √μ)² the roots r₁ > r₂ of r² − (1 + μ − η λ) r + μ are in (0, 1), and the neuron comes
back iff A > 0 at one end, A = (r₁ (1 − r₂) z(0) − η μ β_e)/(r₁ − r₂), at the first k with (r₁/r₂)^k > (A
− z(0))/A. From rest, β_e = 0, it never does. If (1 − √μ)² < η λ < (1 + √μ)² the roots are √μ exp(± i ω),
0 < ω < π, and every dead neuron with (z(0), β_e) ≠ (0, 0) at an end comes back, at a k ≤ 1 + π/ω. From
rest, with λ of w1 and of b1 not the same, both η λ < (1 − √μ)²: as in (5), with "the λ of w1 is the
smaller" for p > q, and the same with w1 and b1 exchanged.

(7) Adam and RMSProp with ε = 0 and decay in the gradient, from moments 0: the path of w1 and b1 of a dead
neuron is the same for all λ > 0; multiplying w1, b1 and η by one factor multiplies the path by it. So the
step of its return depends on w1/η and b1/η only. Adam's first step moves every decayed parameter that is
not 0 by exactly η towards 0, whatever its size.

(8) Dead for ever. Without decay, at a constant rate, a dead neuron moves from its state after K updates
(w1 and b1; w2 does not matter) by no more than D_j, towards the sign of −m_j, in all later steps
together: (a) GD, sign descent and RMSProp without momentum: D = 0. (b) Heavy ball and RMSProp with
momentum, m the buffer: D = η μ/(1 − μ) |m|, Nesterov: D = η μ²/(1 − μ) |m|; the way done is at all times
the same part of both. (c) Adam and AdamW, also with Keras' ε: with ρ = β1/√β2 < 1, D = η |m| ρ/((1 − ρ)
(1 − β1^(K+1)) √v); with ε > 0, also where ρ ≥ 1, D = η |m| β1/((1 − β1) (1 − β1^(K+1)) ε); with AMSGrad
and its largest moment u, D = η |m| β1/((1 − β1) (1 − β1^(K+1)) (√u + ε)). If at both ends e of the input
z_e − e sgn(m₁) D₁ − sgn(m₂) D₂ ≤ 0 in (b), and in (c) z_e plus the positive ones of these two terms ≤ 0,
the neuron is dead for ever. Its y = b2 − E f* then obeys a linear recurrence under GD, heavy ball and
Nesterov, and goes to 0 from every state iff 0 < η < 1, 0 < η < 1 + μ and 0 < η < (1 + μ)/(1 + 2 μ). Under
sign descent it comes to |y| ≤ η; there it goes to and fro between y and y − η sgn(y), or rests at 0.
"""

HYPOTHESES = (
    "Those of the loss (derivation 1) with s₋ = 0, or a sample whose smallest and largest input are lo and "
    "hi.",
    "Exact arithmetic: in floating point a neuron within rounding of a wall may go either way.",
    "In (3) and (4) no decay, 0 < μ < 1, and v_j > 0 unless m_j = 0, when parameter j does not move. The "
    "state before death matters only through B, m and v.",
    "In (5) no momentum is left; in (6) 0 < μ < 1; in (5) to (7) the rate is constant.",
    "φ′(0) = 0 where the pre-activation is 0 with a probability above 0: at w1 = b1 = 0, and for a sample "
    "with an input at the breakpoint.",
    "In (8) 0 ≤ μ, β1 < 1; a D_j with m_j ≠ 0 that divides by v_j = 0 or ε = 0 says nothing. u ≥ v.",
)

PROOF = """
(1) w1 − η ∂L/∂w1 and b1 − η ∂L/∂b1 give z_e − η ζ_e. Dead means both ≤ 0 (z is affine in x). Each
condition is a half-line of rates, or all, or none; their intersection is an interval.

(2) On the dead cell the closed form of the gradient is (0, 0, 0, 2 (b2 − E f*)); for a sample every term
has the factor φ′(z) = 0.

(3) With ∇L = 0 for w1 and b1, B is multiplied by μ at each step, and the displacement after k steps is −η
(μ + … + μ^k) B. The script sums the geometric series. z_e(k) is monotone in k. If β_e ≥ 0, z_e(k) does
not grow. Otherwise it grows towards z_e − η μ/(1 − μ) β_e, which it does not reach: it is positive for
some k iff this limit is, and the first k follows by solving for μ^k.

(4) With g = 0 the moments are β1^k m and β2^k v, which is put into Adam's update (the class's docstring).
For ε = 0 the square root of β2^k leaves (β1/√β2)^k times a factor that converges to 1, and is the same for
every parameter. So z_e(k) − z_e is −S(k) times a constant, S grows with k, and the argument of (3)
applies. As ρ < 1 the series converges, and faster than a geometric one for ε > 0, which makes every term
smaller. For K → ∞ each factor tends to 1, and S(∞) to the sum of ρ^i.

(5) z_e(k) = p^k w1 e + q^k b1 has the sign of (p/q)^k w1 e + b1, which is monotone in k. Dead means w1 e
+ b1 ≤ 0. If w1 e > 0, then b1 < 0, and it becomes positive iff p > q, once (p/q)^k exceeds |b1|/(w1 e) ≥
1. If w1 e < 0 it becomes positive iff b1 > 0 and p < q, once (q/p)^k exceeds |w1 e|/b1 ≥ 1. If w1 e = 0,
then b1 ≤ 0 and z_e(k) ≤ 0. z at x = 0 is b1, and lies between z_lo and z_hi if lo ≤ 0 ≤ hi. For a
negative factor p, p^k = |p|^k (−1)^k.

(6) Both parameters, hence z, obey the same linear recurrence (checked). (1 − √μ)² and (1 + √μ)² are the
zeros in η λ of the discriminant (1 + μ − η λ)² − 4 μ (checked). Real roots: r₁ r₂ = μ and r₁ + r₂ > 0, so
both are positive, and (1 − r₁)(1 − r₂) = η λ > 0 with r₁ r₂ < 1 puts both below 1. z(k) = A r₁^k + (z(0)
− A) r₂^k, A as stated (checked). Divided by r₂^k it is monotone in k: with z(0) ≤ 0 it becomes positive
iff A > 0, when (r₁/r₂)^k > (A − z(0))/A. If β_e = 0, A ≤ 0. Complex roots: z(k) = c μ^(k/2) cos(ω k + ψ)
with c > 0 (checked). As long as z ≤ 0 the angle ω k + ψ is in a closed half circle, of the length π;
steps of length ω < π do not leap over the other, open half, and at most 1 + π/ω successive angles are in
this one, the first of them at k = 0.

From rest a parameter with the decay λ is c_k times its start, c_k = (r₁^(k+1) (1 − r₂) − r₂^(k+1) (1 −
r₁))/(r₁ − r₂) > 0 (checked; 1 for λ = 0). The quotient t_k = c_(k+1)/c_k obeys t_0 = 1 − η λ, t_(k+1) = 1
+ μ − η λ − μ/t_k: by induction it falls with λ, for each k. It tends to r₁, which falls with λ. So c_k
for the smaller λ over c_k for the larger one grows with k, to ∞; the argument of (5) applies with it in
place of (p/q)^k.

(7) The gradient is λ θ. If m is multiplied by a factor c > 0 and v by c², and g by c, then so are m and v
after the update, and m/√v is not changed (checked for Adam; RMSProp's is the same with m = g). By
induction over the steps all λ give the same path. If θ is multiplied by c, so is g, and the moves are the
same multiples of η. At Adam's first step m/(1 − β1) = g and v/(1 − β2) = g².

(8) (a) Their moves are 0 where the gradient is 0, whatever is remembered. (b) The series of (3), which
for RMSProp is the buffer's own, as quotients of 0 are 0; Nesterov's steps are μ times those of the heavy
ball (checked). (c) The k-th move is η β1^k |m|/(1 − β1^(K+k)) over √(β2^k v/(1 − β2^(K+k))) + ε. Drop ε
and 1 − β2^(K+k) < 1, or the root; 1 − β1^(K+k) is at least its value at k = 1; sum the geometric series.
With Keras' ε the move has a factor √(1 − β2^(K+k)) < 1, and its root is √(β2^k v). AMSGrad's u does not
change, as β2^k v < u, and its root is at least √u. All moves have the sign of −m_j, so at all times the
way done is between 0 and D_j; in (b) it is the same part of both, so z_e moves monotonically between its
value and the stated one. b2: the gradient is 2 y; the matrices' traces and
determinants (checked) satisfy Jury's conditions, 1 ± trace + determinant > 0 and determinant < 1 iff η is
as stated. (For η as stated |1 − 2 η| μ < 1.) Sign descent takes y to y − η sgn(y).
"""

PROVED_BY = (
    (
        "(1)",
        ("z after a step is z − η ζ",),
        "each end allows a half-line of rates, and what two of them have in common",
    ),
    (
        "(2)",
        ("dead: the gradient for w1, b1 and w2 is 0",),
        "samples, where every term has the factor φ′(z) = 0",
    ),
    (
        "(3)",
        (
            "the series starts at 0",
            "the series grows by μ^(k+1)",
            "z_e vanishes at the stated μ^k",
            "z_e falls with μ^k if β_e < 0 and μ < 1",
        ),
        "z_e(k) is monotone in k, so that its limit decides",
    ),
    (
        "(4)",
        (
            "Adam's k-th move after death, ε = 0 (squared)",
            "the sum of ρ^i grows by ρ^(k+1)",
            "at the defaults ρ/(1 − ρ) rounds to 9.05",
        ),
        "the moments without a gradient, that S grows and converges, and its limit for K → ∞",
    ),
    (
        "(5)",
        (
            "z_e(k) is q^k times (p/q)^k w1 e + b1",
            "the same decay multiplies z",
            "z at 0 is a mean of z at the ends",
        ),
        "which signs let it become positive, and factors below 0",
    ),
    (
        "(6)",
        (
            "the recurrence",
            "its discriminant",
            "1 + μ − η λ = r₁ + r₂",
            "A r₁^k + (z(0) − A) r₂^k solves it",
            "from z(0) and z(1)",
            "from rest it is c_k",
            "μ^(k/2) cos(ω k + ψ) solves it",
        ),
        "where the roots are, monotone quotients, steps of an angle over a half circle, and the induction "
        "for c_k",
    ),
    (
        "(7)",
        ("moments of c g are c m and c² v", "Adam's first m and v over 1 − β are g and g²"),
        "the induction over the steps",
    ),
    (
        "(8)",
        ("heavy ball: …", "Nesterov: …", "2 (1 + μ)/(1 + 2 μ) − 1"),
        "the bounds on each move, the sums of geometric series, and Jury's conditions",
    ),
)

NOT_CLAIMED = (
    "That a neuron which comes back stays alive, or that it ends well.",
    "Adam with ε > 0 in closed form: its terms are summed numerically, with a bound for the rest.",
    "When decay inside the gradient of Adam or RMSProp brings a neuron back: gradflow.theory.decay iterates "
    "it. (In the random cases tried, Adam's brought back every neuron that AdamW's leaves dead.)",
    "Momentum left over together with decoupled decay, in closed form.",
    "In (8), that what is not called dead for ever comes back; that b2 comes to rest under Adam, RMSProp or "
    "sign descent (it goes to and fro about the best constant).",
    "In (6), η λ = (1 ± √μ)² and η λ > (1 + √μ)².",
)


def prove(proof: Proof) -> None:
    zero = sympy.Integer(0)
    new = (w1 - eta * g1) * end + (b1 - eta * g2)
    proof.equal("z after a step is z − η ζ", new, (w1 * end + b1) - eta * (end * g1 + g2))
    for kind in KINDS:
        cell = Cell(DEAD, kind, (lo, q, hi) if kind.sign else (lo, hi))
        gradient = [entry.xreplace({s_minus: zero}) for entry in integrals.gradient(cell)]
        proof.equal("dead: the gradient for w1, b1 and w2 is 0", gradient[:3], [zero] * 3, cell.place)
    power = sympy.Symbol("P", positive=True)
    closed = mu * (1 - power) / (1 - mu)
    proof.equal("the series starts at 0", closed.subs(power, 1), zero)
    # One more step adds μ^(k+1) = μ P, and turns P into μ P.
    proof.equal(
        "the series grows by μ^(k+1)", sympy.cancel(closed.subs(power, mu * power) - closed), mu * power
    )
    z, beta = sympy.Symbol("z", real=True), sympy.Symbol("beta_e", negative=True)
    step = sympy.Symbol("eta", positive=True)
    at_zero = z - step * closed * beta
    threshold = 1 - z * (1 - mu) / (step * mu * beta)
    proof.equal("z_e vanishes at the stated μ^k", sympy.cancel(at_zero.subs(power, threshold)), zero)
    slope = sympy.cancel(at_zero.diff(power) * (1 - mu))
    proof.equal("z_e falls with μ^k if β_e < 0 and μ < 1", slope, step * mu * beta)
    m, v = sympy.Symbol("m", real=True), sympy.Symbol("v", positive=True)
    move = (
        -eta
        * beta1**k
        * m
        / (1 - beta1 ** (K + k))
        / sympy.sqrt(root2 ** (2 * k) * v / (1 - root2 ** (2 * K + 2 * k)))
    )
    stated = (beta1 / root2) ** k * sympy.sqrt(1 - root2 ** (2 * K + 2 * k)) / (1 - beta1 ** (K + k))
    ratio = sympy.powsimp(sympy.simplify((move / (-eta * m / sympy.sqrt(v) * stated)) ** 2), force=True)
    proof.equal("Adam's k-th move after death, ε = 0 (squared)", sympy.simplify(ratio), sympy.Integer(1))
    rho = sympy.Symbol("rho", positive=True)
    geometric = rho * (1 - power) / (1 - rho)
    proof.equal(
        "the sum of ρ^i grows by ρ^(k+1)",
        sympy.cancel(geometric.subs(power, rho * power) - geometric),
        rho * power,
    )
    default = sympy.Rational(9, 10) / sympy.sqrt(sympy.Rational(999, 1000))
    total = sympy.N(default / (1 - default), 30)
    proof.holds(
        "at the defaults ρ/(1 − ρ) rounds to 9.05", abs(total - sympy.Float("9.05")) < sympy.Float("0.005")
    )
    prove_decay(proof)
    prove_momentum_with_decay(proof)
    prove_scaling(proof)
    prove_for_ever(proof)


def prove_decay(proof: Proof) -> None:
    """Prove what k steps of plain decay do to z."""
    p, q, grown, kept = sympy.symbols("p q_b P Q", positive=True)
    decayed = grown * w1 * end + kept * b1
    proof.equal("z_e(k) is q^k times (p/q)^k w1 e + b1", decayed, kept * (grown / kept * w1 * end + b1))
    same = (1 - eta * lam) * w1 * end + (1 - eta * lam) * b1
    proof.equal("the same decay multiplies z", same, (1 - eta * lam) * (w1 * end + b1))
    mixed = (b1 + w1 * hi) * -lo + (b1 + w1 * lo) * hi
    proof.equal("z at 0 is a mean of z at the ends", mixed / (hi - lo), b1, Place("", {}, {hi: lo + p + q}))


def prove_momentum_with_decay(proof: Proof) -> None:
    """Prove the recurrence of heavy ball with decay, and its solutions."""
    z0, z1, beta, pull = sympy.symbols("z_0 z_1 beta_e x", real=True)
    # θ(k + 1) = θ(k) − η (μ B + λ θ(k)), with −η B = θ(k) − θ(k − 1).
    proof.equal("the recurrence", z1 + mu * (z1 - z0) - pull * z1, (1 + mu - pull) * z1 - mu * z0)
    root = sympy.Symbol("sqrt(mu)", positive=True)
    discriminant = (1 + root**2 - pull) ** 2 - 4 * root**2
    proof.equal("its discriminant", discriminant, (pull - (1 - root) ** 2) * (pull - (1 + root) ** 2))
    r2, difference = sympy.symbols("r_2 d", positive=True)
    r1 = r2 + difference
    # With μ = r₁ r₂ and η λ = (1 − r₁)(1 − r₂).
    product, decay = r1 * r2, (1 - r1) * (1 - r2)
    proof.equal("1 + μ − η λ = r₁ + r₂", 1 + product - decay, r1 + r2)
    A = (r1 * (1 - r2) * z0 - eta * product * beta) / difference
    P1, P2 = sympy.symbols("P_1 P_2", positive=True)

    def solution(steps: int) -> Expr:
        return A * P1 * r1**steps + (z0 - A) * P2 * r2**steps

    proof.equal(
        "A r₁^k + (z(0) − A) r₂^k solves it",
        solution(2),
        (1 + product - decay) * solution(1) - product * solution(0),
    )
    ones = {P1: 1, P2: 1}
    first = (1 - decay) * z0 - eta * product * beta
    proof.equal("from z(0) and z(1)", [solution(i).subs(ones) for i in (0, 1)], [z0, first])
    rest = (P1 * r1 * (1 - r2) - P2 * r2 * (1 - r1)) / difference
    stated = solution(0).subs({beta: 0, z0: 1})
    proof.equal("from rest it is c_k", stated, rest)
    angle, omega = sympy.symbols("alpha omega", real=True)
    swing = sympy.cos(angle + omega) - 2 * sympy.cos(omega) * sympy.cos(angle) + sympy.cos(angle - omega)
    proof.holds("μ^(k/2) cos(ω k + ψ) solves it", sympy.expand(sympy.expand_trig(swing)) == 0)


def prove_scaling(proof: Proof) -> None:
    """Prove that Adam's moments scale with the gradient."""
    m, v, g, beta2, c = sympy.symbols("m v g beta_2 c", positive=True)

    def moments(m: Expr, v: Expr, g: Expr) -> tuple[Expr, Expr]:
        return beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2

    first, second = moments(m, v, g)
    scaled = moments(c * m, c**2 * v, c * g)
    proof.equal("moments of c g are c m and c² v", list(scaled), [c * first, c**2 * second])
    start = moments(sympy.Integer(0), sympy.Integer(0), g)
    proof.equal(
        "Adam's first m and v over 1 − β are g and g²",
        [(start[0] / (1 - beta1)).cancel(), (start[1] / (1 - beta2)).cancel()],
        [g, g**2],
    )


def prove_for_ever(proof: Proof) -> None:
    """Prove Nesterov's moves after death, and when b2 of the dead converges."""
    buffer, y = sympy.symbols("m y", real=True)
    for name, nesterov in (("heavy ball", False), ("Nesterov", True)):

        def step(y: Expr, buffer: Expr, pull: Expr, nesterov: bool = nesterov) -> tuple[Expr, Expr]:
            new = mu * buffer + pull
            return y - eta * (pull + mu * new if nesterov else new), new

        moved, kept = step(y, buffer, sympy.Integer(0))
        factor = mu if nesterov else sympy.Integer(1)
        proof.equal(
            f"{name}: without a gradient", [moved - y, kept], [-eta * factor * mu * buffer, mu * buffer]
        )
        after = sympy.Matrix(step(y, buffer, 2 * y))
        matrix = after.jacobian(sympy.Matrix([y, buffer]))
        trace, det = matrix.trace(), matrix.det()
        proof.equal(f"{name}: the determinant", det, mu * (1 - 2 * eta) if nesterov else mu)
        proof.equal(f"{name}: 1 − trace + determinant", 1 - trace + det, 2 * eta)
        least = 2 * (1 + mu) - 2 * eta * (1 + 2 * mu if nesterov else 1)
        proof.equal(f"{name}: 1 + trace + determinant", 1 + trace + det, least)
    # |1 − 2 η| μ < 1 for 0 < η < (1 + μ)/(1 + 2 μ): at the upper end 2 η − 1 = 1/(1 + 2 μ) < 1.
    proof.equal("2 (1 + μ)/(1 + 2 μ) − 1", 2 * (1 + mu) / (1 + 2 * mu) - 1, 1 / (1 + 2 * mu))


def formulas() -> tuple[tuple[str, Expr], ...]:
    """Return the step, the drift of heavy ball, decay, and the drift of Adam."""
    z, zeta, beta, i, S, rho = sympy.symbols("z_e zeta_e beta_e i S rho")
    beta2 = sympy.Symbol("beta_2")
    term = rho**i * sympy.sqrt(1 - beta2 ** (K + i)) / (1 - beta1 ** (K + i))
    return (
        ("After a step of GD", sympy.Eq(sympy.Symbol("z_e'"), z - eta * zeta)),
        (
            "After k steps of heavy ball",
            sympy.Eq(sympy.Symbol("z_e(k)"), z - eta * mu * (1 - mu**k) / (1 - mu) * beta),
        ),
        (
            "After k steps of decay alone",
            sympy.Eq(sympy.Symbol("z_e(k)"), sympy.Symbol("p") ** k * w1 * end + sympy.Symbol("q") ** k * b1),
        ),
        ("Adam's drift, in units of η m/√v", sympy.Eq(S, sympy.Sum(term, (i, 1, sympy.oo)))),
        ("Bound on it", sympy.Le(S, rho / (1 - rho) / (1 - beta1 ** (K + 1)))),
    )


if __name__ == "__main__":
    raise SystemExit(main(globals()))

"""Neurons written down in other ways: what each conserves, where it can be trapped, and what it cannot lose.

Shifts and bounded breakpoints, output parameters that are solved for, gates: gradients, conservation laws,
critical points, and which starts reach the teacher when b2 is solved for.
"""

from __future__ import annotations

import sympy

from gradflow.proofs.cells import Expr, Place
from gradflow.proofs.proof import Proof
from gradflow.proofs.render import main
from gradflow.proofs.solved import best, keeps_its_sign, prove_solving, zeros

w1, b1, w2, b2, x, p, c, v, s = sympy.symbols("w1 b1 w2 b2 x p c v s", real=True)
g1, g2, g3, t = sympy.symbols("g_1 g_2 g_3 t", real=True)
w, h, lam = sympy.symbols("w h lambda", positive=True)
ZERO, ONE = sympy.Integer(0), sympy.Integer(1)
HALF, EIGHTH = sympy.Rational(1, 2), sympy.Rational(1, 8)

STATUS = "proved"
STATEMENT = """
Let g = ∇L in (w1, b1, w2, b2), r = f − f*, p = −b1/w1 and h half the width of the input. "Shifted" is f =
w2 φ(w1 (x + b′)) + b2; "bounded" is b′ = −p with p = m + h tanh(u), m the middle of the input, u free;
"gated" is f = φ(w1 x + b1) (v x + c) + b2. "Solved" means that b2, or w2 and b2, have their best values
at each time, and P is the loss then. A flow is the gradient flow in the parameters that are left.

(1) Gradients. Shifted: (g₁ + b′ g₂, w1 g₂, g₃, g₄). Bounded: (g₁ − p g₂, −w1 h (1 − tanh² u) g₂, g₃, g₄).

(2) Critical points. Those with w1 ≠ 0 are the plain neuron's with w1 ≠ 0; bounded: with p inside the
input only. For ReLU (times s ≠ 0) and a teacher with a breakpoint inside the input and w1ᵀ w2ᵀ ≠ 0 there
is one more set: w1 = w2 = 0, b2 = E f*, any b′, with L = Var f*. From each of its points L falls, for
both signs of w1 if −b′ is inside the input and for one otherwise: none is a local minimum. At other
points with w1 = 0 and E r = 0, L has two one-sided slopes in w1; with −b′ inside the input it falls to
exactly one side. (The plain saddles (S) of derivation 9 have w1 = 0 < b1, which no b′ gives.)

(3) Conservation, φ homogeneous. Shifted and bounded: w1² − w2². b2 solved: w1² + b1² − w2², as if it were
learned. w2 and b2 solved: w1² + b1²: the neuron only turns. Gated: w1² + b1² − v² − c². Bounded with b2
solved: w1² − w2². For any φ with a derivative, plain: dQ/dt = −4 E[r w2 (z φ′(z) − φ(z))], Q = w1² + b1²
− w2²; the factor is 0 for all z only if φ is homogeneous.

(4) Solving. b2* = E f* − w2 E φ; w2* = Cov(φ, f*)/Var φ if Var φ > 0. ∇P is ∇L in the other parameters,
taken there; the Hessian of P is the Schur complement L_ξξ − L_ξψ L_ψψ⁻¹ L_ψξ, ψ the solved and ξ the
others. P and L have the same critical points and the same losses there, and the Hessians the same number
of negative eigenvalues. Where the Hessian of L is positive semidefinite, the largest eigenvalue of P's is
not larger; if its kernel leaves ψ alone, as on (G) with b2 solved, the smallest positive one is not
smaller.

(5) w2 and b2 solved, the problem as in (2). Dead and hyperactive neurons with w1 ≠ 0 rest, the latter
with P = L_line. A balanced neuron with w1 of the teacher's sign goes to the teacher. One with w1 of the
other sign turns to the wall to the hyperactive side, which it does not reach in finite time: its limit is
the best line.

(6) b2 solved, φ = ReLU. Theorem 11 holds for P: below L_line a neuron goes to the teacher, below Var f*
it does not become constant; and so does theorem 10, (1) and (2). A dead neuron rests, all of it. A
hyperactive one keeps b1; with κ = w1² − w2² and a the slope of the best line it moves on this hyperbola
towards w1 w2 = a; if lo < 0 < hi it stays hyperactive if w1 e + b1 ≥ 0 at both ends e for the first and
the last w1 on it, W² = (κ + √(κ² + 4 a²))/2.

(7) The default problem, b2 solved, w1, w2 > 0, balanced. Let w = w1 w2, w*(p) = Cov/Var the best slope
and J = w² (1 + p²). If 0 ≤ p < 1 and w < 2 w*(p), or −1 < p ≤ 0 and J ≤ max(½, w*² (1 + p²)), the neuron
goes to the teacher; so it does if w ≤ ½. If −1 < p < 0 and w < 2 w*(p), it goes to the teacher or to the
best line. Both occur: all starts near w1 = b1 = w2 = 1 end on the line, after crossing the wall there. So
from w1 = w2 = 1 those with b1 ≤ −1 rest dead, those with −1 < b1 ≤ 0 learn the teacher, those with b1 ≥
1, and those in some interval that ends at 1, end on the best line.

(8) In exact arithmetic a bounded neuron is balanced whatever moves its parameters, while w1 ≠ 0 and u is
finite. The price: its gradient in u is at most 4 h |w1 g₂| exp(−2 |u|). With δ = 1 − |tanh u| and |w1 g₂|
≤ M along a flow, δ(t) ≥ 1/(1/δ(0) + 4 h M t), and a breakpoint that is to leave the end needs the time
(1/δ(0) − 1/δ(t))/(4 h M).

(9) A hyperactive gated neuron is a parabola. Every one that is the best parabola is critical: for the
default problem with L = 1/768, and a local minimum if z > 0 on the input. The best line is no critical
point of a hyperactive gated neuron with w1 ≠ 0 and v = 0: ∂L/∂v = −w1/12.

(10) Decay on b′ alone. As long as the gradient in b′ is 0, p(t) = p(0) exp(−λt) (p(0) (1 − η λ)^k under k
steps): a dead shifted neuron with w1 ≠ 0 is at its wall, p = e with p(0)/e > 1, at t = ln(p(0)/e)/λ; on
[−1, 1] at ln |p(0)|/λ. The same decay on w1 and b1 does not move p at all.
"""

HYPOTHESES = (
    "Those of the loss (derivation 1). (1), (4), (8) and (10): any φ, teacher and distribution of the inputs "
    "for which ∇L = 2 E[r ∂f]; (3): also; Var φ > 0 where w2 is solved for.",
    "(2), (5), (6): the population, φ(z) = s max(z, 0) for student and teacher, s ≠ 0, a breakpoint of the "
    "teacher inside the input and w1ᵀ w2ᵀ ≠ 0; in (6) s = 1.",
    "(7) and the numbers in (9): φ = ReLU, teacher ReLU(x), inputs uniform on [−1, 1].",
    "Flows are continuously differentiable curves with (w1, b1) ≠ (0, 0).",
    "Exact arithmetic. In (8): rounded to double precision, tanh u is ±1 from |u| = 19.0 on (19.06 "
    "if rounded correctly), and p an end; earlier if m is not 0.",
)

PROOF = """
(1) The chain rule with b1 = w1 b′ and dp/du = h (1 − tanh² u) (checked).

(2) With w1 ≠ 0 the matrix of (1) is invertible. At w1 = 0, f = b2 + w2 |w1| φ(± (x + b′)) nearby, ± the
sign of w1, so the slopes in |w1| are 2 w2 E[r φ(± (x + b′))], r = b2 − f*, and ∂L/∂b2 = 2 E r, which has
to be 0. Then E[r φ] = −Cov(f*, φ). f* is monotone and not constant on the input, and φ(± (x + b′))/s is
monotone, growing for + and falling for −: the two covariances have opposite signs, except that the one
whose φ is 0 on the input is 0 (Chebyshev's inequality; it is strict, as f* and φ both change across some
common point or interval: E[(f*(x) − f*(y)) (φ(x) − φ(y))] has an integrand of one sign that is not 0 for
x, y near the two ends of the input). So with w2 ≠ 0 one slope at least is not 0. At w1 = w2 = 0 all
derivatives are 0, and L − Var f* = 2 w2 |w1| E[r φ] + higher terms is negative for w2 of the right sign.

(3) Pointwise, where φ(z) = φ′(z) z: w1 times the derivative of f in w1 and, unless b1 moves with w1, b1
times that in b1 equal w2 times that in w2, or v times that in v plus c times that in c (checked). With
solved parameters the gradient is that of L (4). With w2 solved, ∂L/∂w2 = 0, so w1 g₁ + b1 g₂ = 0, and
d(w1² + b1²)/dt = 0. For other φ the difference of the two sides is w2 (z φ′ − φ) (checked).

(4) L is a quadratic function of ψ with positive definite matrix. ∂L/∂ψ = 0 gives the formulas (checked
from the moments); differentiating P(ξ) = L(ξ, ψ(ξ)) gives ∇P = L_ξ, and once more, with ψ′ = −L_ψψ⁻¹
L_ψξ, the Schur complement (checked for one solved parameter; two are solved one after the other, and
Schur complements compose). The number of negative eigenvalues is Haynsworth's inertia formula. Let H ≥ 0
be the Hessian of L, S that of P: dᵀ S d = min over ω of (d, ω)ᵀ H (d, ω). With ω = 0 this bounds the
largest eigenvalue. If ker H = ker S × {0} then for d orthogonal to ker S every (d, ω) orthogonal to ker
H, so dᵀ S d ≥ μ |d|² with μ the smallest positive eigenvalue of H. On (G) the kernel is (w1, b1, −w2, 0)
(derivation 9).

(5) P depends on the direction of (w1, b1) only; (3) keeps the length. By (4) and derivation 9 P has no
critical point on the arc of balanced neurons of the wrong sign, and p = q only on the other, where P = 0.
P is continuous at both ends: at the dead end Cov² ≤ D² (E φ)² ≤ D² α E[φ²], with α the active fraction
and D the range of f*, and Var φ ≥ (1 − α) E[φ²]. So P is strictly monotone on the wrong arc, from Var f*
at its dead end down to L_line at its hyperactive end, and falls on the right one towards p = q from both
ends. The field on the circle is −P′ over the squared length: solutions follow P downwards. At p = q P″ >
0 by (4), as H has rank 3. At the hyperactive wall P′ is 0 (on the hyperactive side P = L_line) and
locally Lipschitz, so it is approached but not reached.

(6) The proofs of derivations 10 and 11 use of the flow only that L falls at the rate |∇L|², that Q is
constant, that the field is locally Lipschitz off w1 = b1 = 0, the bound of |∂L/∂w2| by L, and the
critical points: all of them hold for P, by (3) and (4), b2* being a smooth function of the moments of φ.
If z ≤ 0 then φ = 0 and g₁ = g₂ = g₃ = 0. If z ≥ 0 then E r = 0 makes g₂ = 2 w2 E r = 0, and P = V (w1 w2
− a)² + L_line, V = Var x. So w1 w2 tends to a monotonically, along the branch of the hyperbola, on which
|w1| is largest at an end of any arc; if lo < 0 < hi, b1 ≥ 0, and w1 e + b1 ≥ 0 for w1 at the ends of an
arc and for w1 = 0 implies it between. (κ = 0 with w1 w2 a ≤ 0 ends at w1 = w2 = 0; W is then not needed.)

(7) With b2 solved, P = Var φ_p (w − w*)² + P*(p), φ_p = ReLU(x − p), and dp/dt = (g₂ + p g₁)/w1
(checked). w* and P* are rational on either side of p = 0 (the script integrates them). By Sturm's theorem
P* falls on (−1, 0) and grows on (0, 1); Ω(p) = w*² (1 + p²) grows on (0, 1), falls and then grows on (−1,
0), is ½ at p = −1 and more than 1/8 everywhere.

As w2 g₃ = w1 g₁ + b1 g₂ (Euler), J changes at the rate dJ/dt = −2 J g₃ (w2/(w1² (1 + p²)) + 1/w2)
(checked): it falls where w > w*, g₃ > 0, and grows where w < w*. On the curve w = w*, J = Ω, it rests, g₁
= p g₂, dp/dt = (1 + p²) g₂/w1, and w1 g₂ = −dP*/dp: p moves towards 0 there, so that J − Ω falls where p
< 0 and Ω′ > 0, and grows where p > 0. At p = 0, dp/dt has the sign of w − 1; at p = −1 that of ½ − w
(checked). At w2 = 0 w2 grows, as Cov(f*, φ) > 0.

So A = {−1 ≤ p ≤ 0, w > 0, J ≤ max(½, Ω)} is not left: where its border is J = ½ > Ω, w > w* and J falls;
where it is J = Ω ≥ ½ and p > −1, Ω′ > 0; at p = 0 it has w < 1 = w*(0), at p = −1 w < ½ = w*(−1) (the
corners are critical points, not reached in finite time). B = {0 ≤ p < 1, w ≥ w*} is not left: at p = 0 it
has w > 1, and p = 1 is not reached by theorem 10. C = {0 ≤ p < 1, 0 < w ≤ w*} is left to A or B only. In
A w < 2 w*, as J ≤ max(½, Ω) < 4 Ω; and w ≤ ½ has J ≤ ½.

For 0 < w < 2 w*, P(0) < Var f*, the value at w = 0. Then by theorem 11 p stays below some 1 − ε; w (2 w*
− w) Var φ_p ≥ Var f* − P(0) bounds w from 0 and from above; and Q = w1² (1 + p²) − w²/w1² then bounds w1
from 0 and from above. So the limit set consists of critical points with −1 ≤ p ≤ 1 − ε: the teacher, or p
= −1, w = ½. The latter is not a limit from A: dp/dt is (2 w2/w1) times a function Ψ(p, w), linear in w,
with a negative coefficient near p = −1; on J = ½, the border of A there, it grows from 0 at the rate 1/6
in p (checked). So p grows in A near p = −1. For −1 < p < 0 the neuron stays there, with one of the two as
its limit, or enters A or B, or crosses p = −1 with w > ½. Behind the wall dw1/dt = −(2/3) w2 (w − ½) < 0
and b1 rests: it does not come back, w → ½.

Near the wall. From w1 = b1 = w2 = 1 the speed of b1 − w1 is 1/3 (checked): it enters the hyperactive
side, where w1 falls to √(1/2) and b1 stays: the limit is inside the cell. The neighbouring starts cross
the wall at a speed near to that and follow. From w1 = w2 = 1: w = 1 ≤ w*(p) for p ≥ 0; for b1 ≥ 1, κ = 0,
W = √(1/2) < b1.

(8) |tanh u| < 1, so p is inside the input. 1 − tanh² u ≤ 4 exp(−2 |u|). |dδ/dt| = (1 − tanh² u) |du/dt| ≤
h (1 − tanh² u)² M = h (2 δ − δ²)² M ≤ 4 h M δ² (checked).

(9) s (w1 x + b1) (v x + c) + b2 is a parabola; if it is the best one L is least among all neurons of the
cell, so the gradient is 0; inside the cell all neighbours are parabolas. The best parabola of ReLU and
the loss are computed from the moments, and ∂L/∂v = 2 E[r φ(z) x] at the best line with v = 0 (checked).

(10) db′/dt = −λ b′. For (w1, b1), derivation 12, (5).
"""

PROVED_BY = (
    (
        "(1)",
        ("∂/∂w1 = g₁ + b′ g₂", "∂/∂b′ = w1 g₂", "dp/du = h (1 − tanh² u)"),
        "the chain rule for b′ = −p(u)",
    ),
    (
        "(2)",
        (),
        "the matrix of (1) is invertible where w1 ≠ 0; at w1 = 0 the signs of two covariances (Chebyshev's "
        "inequality)",
    ),
    (
        "(3)",
        ("plain", "shifted, bounded", "gated", "any φ:…"),
        "the expectation of the pointwise identities, and ∂L/∂w2 = 0 where w2 is solved for",
    ),
    (
        "(4)",
        ("b2* = E f* − w2 E φ", "with b2*,…", "∇P is ∇L there", "the Hessian is a Schur complement"),
        "two solved one after the other, Haynsworth's inertia formula, and the bounds on eigenvalues",
    ),
    (
        "(5)",
        (),
        "P is monotone between its critical points on the circle of directions, which (4) and derivation 9 "
        "list, and its value at both ends of an arc",
    ),
    (
        "(6)",
        ("hyperactive: w1² − w2² is conserved", "W² (W² − κ) = a²"),
        "derivations 10 and 11 hold for P, by what they use of the flow; the motion on the hyperbola",
    ),
    (
        "(7)",
        (
            "Var φ_p > 0,…",
            "w* …",
            "P* falls…",
            "Ω…",
            "the rate of ln J",
            "dp/dt…",
            "at p = …",
            "on J = ½ it grows at p = −1",
            "the speed of b1 − w1 at w1 = b1 = w2 = 1",
        ),
        "the regions A and B are not left, the limit set, the corner p = −1, and the neighbours of the "
        "start that crosses the wall",
    ),
    (
        "(8)",
        (
            "1 − tanh² = 2 δ − δ²",
            "4 δ² − (2 δ − δ²)² = δ³ (4 − δ)",
            "4 E − (1 − tanh²) = 4 E² (2 + E)/(1 + E)²",
        ),
        "|tanh u| < 1, and integration",
    ),
    (
        "(9)",
        ("the best parabola's loss is 1/768", "the best line's is 1/48", "∂L/∂v at the best line"),
        "the best of all neurons of a cell is critical, and inside the cell all near ones are parabolas",
    ),
    (
        "(10)",
        ("p(0) exp(−λt) decays",),
        "the time at the wall, and that equal decay of w1 and b1 keeps their quotient",
    ),
)

NOT_CLAIMED = (
    "In (7), where for p < 0 the boundary between the teacher and the line lies, or that it is one point on "
    "the line w1 = w2 = 1. (Conjecture; gradflow.study.claims brackets it, near b1 = 0.84.)",
    "In (7), starts with w2 ≤ 0 or with w ≥ 2 w*, and other teachers or intervals.",
    "The flow of a shifted or bounded neuron at w1 = 0, E r ≠ 0: both slopes in |w1| may be positive, and "
    "w1 = 0 then attracts from both sides until b2 has moved (seen; the gradient is not continuous there).",
    "What a shifted, bounded or gated neuron's flow tends to, or that a neuron which decay on b′ brings back "
    "ends well. With a teacher whose q ≠ 0, decay on b′ moves the minimum away from it.",
    "Anything about steps of finite size, but for (8) and (10).",
)


def prove(proof: Proof) -> None:
    prove_gradients(proof)
    prove_conservation(proof)
    prove_solving(proof)
    prove_regions(proof)
    prove_wall(proof)
    prove_gate(proof)


def prove_gradients(proof: Proof) -> None:
    """Prove the pull-back, the bounds near an end, and the decay of the breakpoint."""
    shift, u, d = sympy.symbols("b' u delta", real=True)
    # A function with all monomials up to the second order has every gradient at a point.
    names = sympy.symbols("k1:6", real=True)
    L = sum((k * term for k, term in zip(names, (w1, b1, w1**2, w1 * b1, b1**2), strict=True)), ZERO)
    pulled, at = L.subs(b1, w1 * shift), {b1: w1 * shift}
    first, second = L.diff(w1).subs(at), L.diff(b1).subs(at)
    proof.equal("∂/∂w1 = g₁ + b′ g₂", pulled.diff(w1), first + shift * second)
    proof.equal("∂/∂b′ = w1 g₂", pulled.diff(shift), w1 * second)
    place = x + h * sympy.tanh(u)
    proof.equal("dp/du = h (1 − tanh² u)", place.diff(u), h * (1 - sympy.tanh(u) ** 2))
    T = 1 - d
    proof.equal("1 − tanh² = 2 δ − δ²", 1 - T**2, 2 * d - d**2)
    proof.equal("4 δ² − (2 δ − δ²)² = δ³ (4 − δ)", 4 * d**2 - (2 * d - d**2) ** 2, d**3 * (4 - d))
    E = sympy.Symbol("E", positive=True)  # exp(−2 |u|)
    tanh = (1 - E) / (1 + E)
    surplus = 4 * E**2 * (2 + E) / (1 + E) ** 2
    proof.equal("4 E − (1 − tanh²) = 4 E² (2 + E)/(1 + E)²", 4 * E - (1 - tanh**2), surplus)
    path = p * sympy.exp(-lam * t)
    proof.equal("p(0) exp(−λt) decays", path.diff(t) / sympy.exp(-lam * t), -lam * p)


def prove_conservation(proof: Proof) -> None:
    """Prove Euler's relation for each kind, and its defect for other activations."""
    shift, slope, value = sympy.symbols("b' D V", real=True)
    z = w1 * x + b1
    f = w2 * s * z + b2
    proof.equal("plain", w1 * f.diff(w1) + b1 * f.diff(b1), w2 * f.diff(w2))
    f = w2 * s * w1 * (x + shift) + b2
    proof.equal("shifted, bounded", w1 * f.diff(w1), w2 * f.diff(w2))
    f = s * z * (v * x + c) + b2
    proof.equal("gated", w1 * f.diff(w1) + b1 * f.diff(b1), v * f.diff(v) + c * f.diff(c))
    # φ = V and φ′ = D at z: the derivatives in w1, b1 and w2 are w2 D x, w2 D and V.
    defect = w1 * w2 * slope * x + b1 * w2 * slope - w2 * value
    proof.equal("any φ: the defect is w2 (z φ′ − φ)", defect, w2 * (z * slope - value))


def prove_regions(proof: Proof) -> None:
    """Prove the signs that keep a neuron with solved b2 in its region of the default problem."""
    for side, name in ((-1, "p < 0"), (1, "p > 0")):
        variance, slope, least = best(side)
        proof.holds(f"Var φ_p > 0, {name}", keeps_its_sign(variance, side) == 1)
        proof.holds(f"w* > 0, {name}", keeps_its_sign(slope, side) == 1)
        proof.holds(f"P* falls towards p = 0, {name}", keeps_its_sign(least.diff(p), side) == side)
        omega = slope**2 * (1 + p**2)
        proof.holds(f"Ω > 1/8, {name}", keeps_its_sign(omega - EIGHTH, side) == 1)
        if side > 0:
            proof.holds(f"Ω grows, {name}", keeps_its_sign(omega.diff(p), side) == 1)
        else:
            proof.holds("Ω′ has one zero, p < 0", zeros(omega.diff(p), side) == 1)
            ends = [omega.diff(p).subs(p, end) for end in (-1, 0)]
            proof.holds("Ω falls at p = −1 and grows at 0", bool(ends[0] < 0 < ends[1]))
        proof.holds(f"w* − 1 has the sign of p, {name}", keeps_its_sign(slope - 1, side) == side)
        proof.equal(f"w*(0) = 1 and P*(0) = 0, {name}", [slope.subs(p, 0), least.subs(p, 0)], [ONE, ZERO])
    _, slope, least = best(-1)
    at_wall = [slope.subs(p, -1), least.subs(p, -1)]
    proof.equal("w*(−1) = ½ and P*(−1) = 1/48", at_wall, [HALF, sympy.Rational(1, 48)])
    velocity = (g2 - p * -g1) / w1  # −(db1/dt + p dw1/dt)/w1
    signs = {symbol: sympy.Symbol(symbol.name, positive=True) for symbol in (w1, w2)}
    right = Place("w1, w2 > 0", {}, signs)
    proof.equal("dp/dt = (g₂ + p g₁)/w1", velocity, (g2 + p * g1) / w1, right)
    # b1 = −p w1, and ln J = ln(w1² + b1²) + 2 ln w2.
    euler = {g1: p * g2 + w2 * g3 / w1}
    rate = 2 * (w1 * -g1 - p * w1 * -g2) / (w1**2 * (1 + p**2)) - 2 * g3 / w2
    stated = -2 * g3 * (w2 / (w1**2 * (1 + p**2)) + 1 / w2)
    proof.equal("the rate of ln J", rate.subs(euler), stated, right)
    proof.equal("dp/dt on w = w*", velocity.subs(euler).subs(g3, 0), (1 + p**2) * g2 / w1, right)
    # E[r (1 + p x)] over the active part, r = w (φ_p − E φ_p) − (f* − E f*), for p ≤ 0.
    ramp = x - p
    mean = sympy.integrate(ramp, (x, p, 1)) / 2
    student, lever = w * (ramp - mean) + sympy.Rational(1, 4), 1 + p * x
    line = sympy.integrate(sympy.expand(student * lever), (x, p, 1)) / 2
    line = sympy.expand(line - sympy.integrate(sympy.expand(x * lever), (x, 0, 1)) / 2)
    proof.holds("dp/dt is linear in w", sympy.degree(line, w) == 1)
    proof.equal("at p = 0 it is (w − 1)/8", line.subs(p, 0), (w - 1) / 8)
    proof.equal("at p = −1 it is (½ − w)/3", line.subs(p, -1), (HALF - w) / 3)
    border = 1 / sympy.sqrt(2 * (1 + p**2))
    proof.equal("on J = ½ it grows at p = −1", line.subs(w, border).diff(p).subs(p, -1), ONE / 6)


def prove_wall(proof: Proof) -> None:
    """Prove the motion of a hyperactive neuron with b2 solved, and the start that crosses the wall."""
    V, a = sympy.symbols("V a", positive=True)
    P = V * (w1 * w2 - a) ** 2
    change = 2 * w1 * -P.diff(w1) - 2 * w2 * -P.diff(w2)
    proof.equal("hyperactive: w1² − w2² is conserved", change, ZERO)
    root, kappa = sympy.symbols("root kappa", real=True)
    square = (kappa + root) / 2
    defect = square * (square - kappa) - a**2
    proof.equal("W² (W² − κ) = a²", defect.expand().subs(root**2, kappa**2 + 4 * a**2), ZERO)
    speed = (-P.diff(b1) + P.diff(w1)).subs({w1: 1, w2: 1, a: HALF, V: sympy.Rational(1, 3)})
    proof.equal("the speed of b1 − w1 at w1 = b1 = w2 = 1", speed, sympy.Rational(1, 3))
    proof.holds("its limit W = √(1/2) is inside", bool(sympy.sqrt(HALF) < 1))


def prove_gate(proof: Proof) -> None:
    """Prove the loss of the best parabola and the pull of the gate at the best line."""
    k = sympy.symbols("k0:3", real=True)
    parabola = sum((a * x**i for i, a in enumerate(k)), ZERO)

    def mean(left: Expr, right: Expr) -> Expr:
        """Return E of a polynomial for x < 0 and one for x > 0."""
        below, above = (side.expand() for side in (left, right))
        return (sympy.integrate(below, (x, -1, 0)) + sympy.integrate(above, (x, 0, 1))) / 2

    L = mean(parabola**2, (parabola - x) ** 2)
    found = sympy.solve([L.diff(a) for a in k], k, dict=True)[0]
    proof.equal("the best parabola's loss is 1/768", L.subs(found), sympy.Rational(1, 768))
    line = sympy.Rational(1, 4) + x / 2
    proof.equal("the best line's is 1/48", mean(line**2, (line - x) ** 2), sympy.Rational(1, 48))
    force = 2 * mean(line * (w1 * x + b1) * x, (line - x) * (w1 * x + b1) * x)
    proof.equal("∂L/∂v at the best line", force, -w1 / 12)


def formulas() -> tuple[tuple[str, Expr], ...]:
    """Return the solved values, the best slope, the plateau and the return."""
    names = "b2* w2* w*(p) delta(t) delta(0) M t* p(0) e"
    bias, weight, slope, later, first, M, back, start, end = sympy.symbols(names)
    mean, teacher, covariance, variance = sympy.symbols(r"E[\varphi] E[f*] Cov Var")
    return (
        ("The best bias", sympy.Eq(bias, teacher - w2 * mean)),
        ("The best output weight", sympy.Eq(weight, covariance / variance)),
        ("The best slope, p < 0", sympy.Eq(slope, best(-1)[1])),
        ("The best slope, p > 0", sympy.Eq(slope, best(1)[1])),
        ("The least distance of a bounded breakpoint", sympy.Eq(later, 1 / (1 / first + 4 * h * M * t))),
        ("A dead shifted neuron's return under decay", sympy.Eq(back, sympy.log(start / end) / lam)),
    )


if __name__ == "__main__":
    raise SystemExit(main(globals()))

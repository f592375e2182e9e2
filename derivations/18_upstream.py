"""When a layer that goes on learning brings a dead neuron back by moving its input.

Behind a dead neuron nothing is learned through it. Around it, a second path may go on training what lies
below, and that flow has a closed form.
"""

from __future__ import annotations

import sympy

from gradflow.proofs.cells import Expr, Place
from gradflow.proofs.proof import Proof
from gradflow.proofs.render import main

a, c, d, p, q = sympy.symbols("a c d p q", real=True)
b1, w1, end, square = sympy.symbols("b1 w1 e g_2", real=True)
kappa, t = sympy.symbols("kappa t", real=True)
lam, Y, eta = sympy.symbols("lambda Y eta", positive=True)
ONE = sympy.Integer(1)
NOT_ZERO = Place("d > 0", {}, {d: sympy.Symbol("d", positive=True)})

STATUS = "proved"
STATEMENT = """
The network is f(u) = w2 ReLU(w1 x + b1) + d x with x = a u + c, for an input u of mean 0 and variance 1
on [lo, hi]. The loss is L = E[(f − f*)²]; p = E[u f*], q = E[f*], y = (p, q), Y = |y|, v = (a, c), ζ =
(v, d). The neuron is dead if z_e = w1 (a e + c) + b1 ≤ 0 at both ends e = lo, hi.

(1) In any network and at any inputs, the derivative of the loss with respect to every parameter that acts
on the output only through one dead neuron is 0: its own weights and bias, and all that lies below if
there is no second path. From optimiser states at rest and without decay no rate moves them. So if all
that lies below acts on the output only through dead neurons, such a neuron never comes back: neither it
nor its input moves. In the network above w1, b1 and w2 do not move while it is dead; and with d held at
0, a and c do not move either.

(2) While the neuron is dead, L = |d v − y|² + const, and the flow and gradient descent of (a, c, d) are
those of this function, whatever w1, b1 and w2. κ = |v|² − d² is conserved by the flow, and ζ′ = G ζ −
|ζ|² ζ with the symmetric matrix G of the rows (κ, 0, 2p), (0, κ, 2q), (2p, 2q, −κ).

(3) Let λ = √(κ² + 4Y²). The eigenvalues of G are λ, −λ and κ. With ζ(0) = ζ₊ + ζ₋ + ζ_κ in their
eigenspaces (for Y > 0), ζ(t) = (exp(λt) ζ₊ + exp(−λt) ζ₋ + exp(κt) ζ_κ)/√D(t), D(t) = 1 + |ζ₊|² (exp(2λt)
− 1)/λ + |ζ₋|² (1 − exp(−2λt))/λ + |ζ_κ|² (exp(2κt) − 1)/κ; for κ = 0 the last quotient is 2t. If ζ₊ ≠ 0,
that is if 2 y·v(0) + (λ − κ) d(0) ≠ 0 (all starts but a set of measure 0), then ζ(t) tends to a global
minimum of |d v − y|²: d² = (λ − κ)/2, |v|² = (λ + κ)/2, d v = y; of the two, that at which d has the sign
of 2 y·v(0) + (λ − κ) d(0).

(4) The flow of the whole network follows (3) until the infimum t* of the times t at which, along (3),
z_e(t) > 0 for an end e, and for ever if there are none. If w1 ≠ 0 and a(t*) ≠ 0, it brings the dead
neuron back, at t*. There are such times if z_e > 0 at the limit. There are none if −b1 ≥ |w1| √(1 + e²)
max(|v(0)|, √((λ + κ)/2)) for both ends. And t* ≥ z_e(0)²/((1 + e²) w1² |d(0) v(0) − y|²) for the end that
comes back.

(5) Gradient descent. If t* is finite, there is a rate below which every rate brings the neuron back. If
z_e < 0 at both ends before t*, and one crosses 0 at t* with z_e′ > 0, it does so at a step k with η k →
t* for η → 0. So with a small rate the neuron comes back as well, after about t*/η steps. If z_e(t) ≤ −δ <
0 for all t at both ends, Y > 0 and ζ₊ ≠ 0, then there is a rate below which none brings it back.

(6) A larger rate may bring back what the flow, and every small rate, leaves dead. From a = c = 0, d = 1
with p = 0, q = 1, w1 = 1, b1 = −17/20 the flow never does: a stays 0 and c < √((√5 − 1)/2) < 17/20. One
step of gradient descent with η = 11/25 does, though the limit is stable at that rate: η is below 2/(2
√5), where 2 √5 is the largest eigenvalue of the Hessian there.

(7) A trap, with a rate that can be named. Let the neuron be dead, r = |d v − y|, 0 < h < |d|, z_e + |w1|
√(1 + e²) h ≤ 0 at both ends, and Λ = 2 (|ζ| + h)² + 2 r. If η Λ < 2 and r < (1 − η Λ/2) (|d| − h) h, then
gradient descent at rates that are at most η, which may change, never brings the neuron back: ζ moves by
less than h in all steps together.
"""

HYPOTHESES = (
    "Slopes (0, s₊) and φ′(0) = 0.",
    "E[u] = 0 and E[u²] = 1: the upstream layer's input is standardised. f* is any function with E[f*²] "
    "finite.",
    "No output bias, or a constant one that f* has absorbed.",
    "In (4) the flow of the whole network is any solution of its equation, the distribution of u has no "
    "atoms, and for the return w1 a ≠ 0 at t*: the inputs then cross the wall one after another and the "
    "gradient is continuous. With a = 0 all of them cross at once, with samples each crosses as an atom: "
    "the gradient jumps there, and the neuron's own push may hold it at its wall. Then (4) tells when the "
    "wall is reached, and there may be no flow beyond.",
    "Plain gradient descent and its flow; exact arithmetic.",
)

PROOF = """
(1) By the chain rule every term of such a derivative has the factor φ′(z) = 0, at each input (for w2: the
factor φ(z) = 0). A step is η times a state made of past gradients, all of them 0.

(2) f = d x on the whole input. E[(d (a u + c) − f*)²] with E[u] = 0, E[u²] = 1 is d² |v|² − 2 d y·v +
E[f*²] (checked). So v′ = −2 d (d v − y) and d′ = −2 v·(d v − y), and |v|² − d² is constant (checked).
With |v|² = (|ζ|² + κ)/2 and d² = (|ζ|² − κ)/2 this is G ζ − |ζ|² ζ (checked).

(3) On the plane spanned by (y, 0)/Y and the last axis G has the rows (κ, 2Y), (2Y, −κ), whose square is
λ² times the identity; the direction (−q, p, 0) has the eigenvalue κ (checked). Let Z(t) = exp(Gt) ζ(0)
and D = 1 + 2 ∫ |Z|². Then Z/√D solves the equation (checked), and D is as stated, because the three
components, in eigenspaces of a symmetric matrix, are orthogonal (then D′ = 2 |Z|² is checked). |Z|²/D
stays bounded, and D ≥ 1, so the solution exists for all t ≥ 0. If Y > 0, λ > |κ|. If also ζ₊ ≠ 0, ζ(t)
tends to √λ ζ₊/|ζ₊|. (2Y, λ − κ) spans the eigenspace of λ (checked), so ζ₊ ≠ 0 is the stated condition,
whose left side is not 0 identically and analytic where λ > 0, and the sign of its d is that of 2 y·v(0) +
(λ − κ) d(0); |ζ|² = λ there, which gives |v|² and d², and d v is a multiple of y of the length Y
(checked), a positive one.

(4) While the neuron is dead the whole network's solution is that of (2): it is unique there, as z_e ≤ 0
is decided by a and c, which move by a smooth field of their own, as long as z_e ≤ 0. So it is (3) until
t*. If w1 a ≠ 0 at t*, w1 x + b1 vanishes at a single u, which has no mass, for all networks nearby: there
the gradient of the loss is continuous, and the solution goes on (Peano). If after t* the neuron were dead
for a time, the solution would still be that of (3), which has z_e > 0 at times as close to t* as one
likes: it is not dead for any time after t*. Without a ≠ 0 that fails: for u uniform on [−√3, √3], p = 0,
q = 1, and (a, c, w1, b1, w2, d) = (0, 0, 1, −3/10, −2, 1), a stays 0, all inputs cross together when c =
3/10, and c′ is 2 d (1 − d c) > 0 before and 2 (d + w1 w2) (1 − d c) < 0 after it, as d < 2 (checked): no
solution leaves the wall to the active side, none returns from it. The limit: z_e is continuous. The bound
for never: |ζ|² obeys (|ζ|²)′ = 2 (ζᵀ G ζ − |ζ|⁴) ≤ 2 |ζ|² (λ − |ζ|²), so |ζ|² ≤ max(|ζ(0)|², λ), |v|² ≤
max(|v(0)|², (λ + κ)/2), and |a e + c| ≤ √(1 + e²) |v|. The bound for t*: until t the path is no longer
than ∫ |∇L| ≤ √(t ∫ |∇L|²) ≤ √(t |d(0) v(0) − y|²), because L falls at the rate |∇L|² and |d v − y|² ≥ 0;
z_e changes by at most |w1| √(1 + e²) times the way of v.

The time is computed without stepping over a crossing: exp(−λt) times the numerator of a e + c is a sum of
three monotone functions of t, and exp(−2λt) D(t) a sum of four products of monotone ones, so on any
interval of times, one without an end included, their ends bound z_e √D. Near a wall, where such bounds
are poor, z_e(t + τ) ≤ z_e + z_e′ τ + z_e″ τ²/2 + C τ³/6: with the field f(ζ) = G ζ − |ζ|² ζ and R² =
max(|ζ(0)|², λ), |f| ≤ (λ + R²) R, |f′| ≤ λ + 3R², |f″| ≤ 6R, so the third derivative f″ f f + f′ f′ f is
bounded, and C is that bound times |w1| √(1 + e²).

(5) As long as the neuron is dead gradient descent is Euler's method with the step η for the field of (2),
which is smooth, and on [0, T] its error is at most C η. Let z_e(T) > 0 for some T just after t*: for
small η either Euler's method itself has z_e > 0 at the step next to T, or the neuron has come back
before. If z_e < 0 before t*, at both ends, it is below a negative number on each [0, t* − ε], so the
first such step k has η k → t*, if z_e > 0 just after t*. If z_e ≤ −δ always: the limit ζ∞ of (3) is a
minimum with |∇L|² ≥ 4 d² |d v − y|² (checked), d∞ ≠ 0. So there is a ball around ζ∞, and a constant m >
0, with |∇L|² ≥ m |d v − y|² in it. In the ball, for η less than one over the largest eigenvalue of the
Hessian there, a step lowers the loss by at least η |∇L|²/2, and the remaining way of the iterates is at
most C′ |d v − y|, as that of the flow is; a start close enough to ζ∞ stays within δ′. Take T with ζ(T)
that close and η so small that Euler's error on [0, T] is that small: z_e stays below −δ/2.

(6) p = 0 and a = 0 keep a = 0. κ = −1, λ = √5, and d v = y at the limit: c² → (√5 − 1)/2, less than
(17/20)² (checked). c(t) grows, as d² = 1 + c² keeps d > 0 and c d grows from 0 to 1. The step gives c = 2
η = 22/25 > 17/20 (checked). The Hessian of (d c − 1)² + (d a)² at the limit has the eigenvalues 2 (c² +
d²) = 2 √5, 2 d² and 0 (checked), and 11/25 < 1/√5 (checked).

(7) The Hessian of r² is 2 Jᵀ J and the entries 2 (d v − y) beside its corner, J having the rows (d, 0, a)
and (0, d, c) (checked): where |ζ| is no larger than its value and h together, and r² not than its value,
its norm is at most 2 (d² + |v|²) + 2 r ≤ Λ. On a stretch of length σ of a step that stays within h of the
start, r² falls by at least (1 − η Λ/2) σ |∇L|, as long as it is no larger than at the start, as in
derivation 26; |∇L| ≥ 2 (|d| − h) r there, by (5). So r falls by at least (1 − η Λ/2) (|d| − h) σ: all
stretches together have at most the length r/((1 − η Λ/2) (|d| − h)) < h, and they never end at the
distance h. z_e moves by at most |w1| √(1 + e²) times that, so z_e ≤ 0 always, and gradient descent remains
that of (2).
"""

PROVED_BY = (
    ("(1)", (), "the chain rule: each term has the factor φ′(z) = 0, or φ(z) = 0"),
    (
        "(2)",
        ("the loss of the dead", "the flow of v and d", "κ is conserved", "the flow is G ζ − |ζ|² ζ"),
        "",
    ),
    (
        "(3)",
        (
            "(−q, p, 0) belongs to κ",
            "the square of the block is λ²",
            "(2Y, λ − κ) belongs to λ",
            "Z/√D solves it, Z′ = F = G Z",
            "D′ = 2 |Z|²…",
            "D(0) = 1",
            "d² |v|² = Y²",
        ),
        "the eigenspaces are orthogonal, the limit, and that ζ₊ ≠ 0 for almost all starts",
    ),
    (
        "(4)",
        (),
        "the solution is that of (3) until t*, Peano's theorem from there on, and the bounds from the "
        "growth of |ζ|² and from the length of the path",
    ),
    (
        "(5)",
        ("|∇L|² is 4 d² |d v − y|² and a square",),
        "the error of Euler's method on bounded times, and the way that is left near the limit",
    ),
    (
        "(6)",
        (
            "the step of the example",
            "it passes the wall",
            "the flow's limit does not",
            "the rate is below 1/√5",
            "2 (c² + d²) is an eigenvalue",
            "2 d² is an eigenvalue",
            "0 is an eigenvalue",
        ),
        "c(t) grows to its limit, and which eigenvalue is the largest",
    ),
    (
        "(7)",
        ("the Hessian of r²", "|∇L|² is 4 d² |d v − y|² and a square"),
        "the bound of its norm, and the argument of derivation 26",
    ),
)

NOT_CLAIMED = (
    "What happens after the neuron is back: it may be pushed to its wall again.",
    "Inputs that are not standardised, deeper networks, or a second path through other neurons; (1) holds "
    "for all of them, but for its last sentence.",
    "The largest rate of (5): (7) names one, near enough to the limit.",
    "That a larger rate never loses a neuron that small rates bring back: random search finds such cases.",
)


def prove(proof: Proof) -> None:
    prove_reduction(proof)
    prove_solution(proof)
    prove_examples(proof)


def reduced() -> Expr:
    """Return |d v − y|²."""
    return (d * a - p) ** 2 + (d * c - q) ** 2


def flow() -> list[Expr]:
    """Return −∇|d v − y|² by a, c and d."""
    return [-reduced().diff(symbol) for symbol in (a, c, d)]


def prove_reduction(proof: Proof) -> None:
    """Prove the reduced loss, what its flow conserves, and its form as ζ′ = G ζ − |ζ|² ζ."""
    # E of 1, u, u² is 1, 0, 1; of u f*, f*, f*² it is p, q and a constant.
    u, g = sympy.symbols("u g", real=True)
    moments = {(0, 0): ONE, (1, 0): 0, (2, 0): ONE, (1, 1): p, (0, 1): q, (0, 2): square}
    terms = sympy.Poly((d * (a * u + c) - g) ** 2, u, g).terms()
    mean = sum((factor * moments[powers] for powers, factor in terms), sympy.Integer(0))
    proof.equal("the loss of the dead", mean, reduced() + square - p**2 - q**2)
    field = flow()
    proof.equal(
        "the flow of v and d",
        field,
        [-2 * d * (d * a - p), -2 * d * (d * c - q), -2 * (a * (d * a - p) + c * (d * c - q))],
    )
    change = 2 * a * field[0] + 2 * c * field[1] - 2 * d * field[2]
    proof.equal("κ is conserved", change, sympy.Integer(0))
    difference = a**2 + c**2 - d**2
    G = sympy.Matrix([[difference, 0, 2 * p], [0, difference, 2 * q], [2 * p, 2 * q, -difference]])
    z = sympy.Matrix([a, c, d])
    proof.equal("the flow is G ζ − |ζ|² ζ", sympy.Matrix(field), G * z - (a**2 + c**2 + d**2) * z)
    size = sum(part**2 for part in field)
    more = 4 * (a * (d * a - p) + c * (d * c - q)) ** 2
    proof.equal("|∇L|² is 4 d² |d v − y|² and a square", size, 4 * d**2 * reduced() + more)
    J = sympy.Matrix([[d, 0, a], [0, d, c]])
    beside = sympy.zeros(3, 3)
    for i, missed in enumerate((d * a - p, d * c - q)):
        beside[i, 2] = beside[2, i] = 2 * missed
    stated = (2 * J.T * J + beside).expand()
    proof.equal("the Hessian of r²", sympy.hessian(reduced(), (a, c, d)).expand(), stated)


def prove_solution(proof: Proof) -> None:
    """Prove the eigenvectors, that Z/√D solves the equation, and the limit."""
    G = sympy.Matrix([[kappa, 0, 2 * p], [0, kappa, 2 * q], [2 * p, 2 * q, -kappa]])
    proof.equal("(−q, p, 0) belongs to κ", G * sympy.Matrix([-q, p, 0]), kappa * sympy.Matrix([-q, p, 0]))
    along = sympy.Matrix([p, q, 0])
    image = sympy.Matrix([kappa * p, kappa * q, 2 * (p**2 + q**2)])
    proof.equal("G (y, 0) = (κ y, 2Y²)", G * along, image)
    block = sympy.Matrix([[kappa, 2 * Y], [2 * Y, -kappa]])
    proof.equal("the square of the block is λ²", block**2, (kappa**2 + 4 * Y**2) * sympy.eye(2))
    above = sympy.Symbol("m", positive=True)  # λ − κ; then 4Y² = λ² − κ² = m (2λ − m)
    vector = sympy.Matrix([2 * Y, above])
    defect = block.subs(kappa, lam - above) * vector - lam * vector
    relation = 4 * Y**2 - above * (2 * lam - above)
    proof.equal("(2Y, λ − κ) belongs to λ", defect, sympy.Matrix([0, relation]))
    # ζ = Z/s with s = √D, s′ = |Z|²/s.
    E1, E2, E3, F1, F2, F3, s = sympy.symbols("E_1 E_2 E_3 F_1 F_2 F_3 s", positive=True)
    E, F = sympy.Matrix([E1, E2, E3]), sympy.Matrix([F1, F2, F3])
    size = E.dot(E)
    proof.equal(
        "Z/√D solves it, Z′ = F = G Z", F / s - E * (size / s) / s**2, F / s - (size / s**2) * (E / s)
    )
    P, R, A, B, C, k = sympy.symbols("P R zeta_+ zeta_- zeta_k k", positive=True)
    D = 1 + A**2 * (P**2 - 1) / lam + B**2 * (1 - P**-2) / lam + C**2 * (R**2 - 1) / k
    # P = exp(λt), R = exp(κt).
    proof.equal(
        "D′ = 2 |Z|²",
        D.diff(P) * lam * P + D.diff(R) * k * R,
        2 * (A**2 * P**2 + B**2 / P**2 + C**2 * R**2),
    )
    flat = 1 + C**2 * 2 * t
    proof.equal("D′ = 2 |Z|² for κ = 0", flat.diff(t), 2 * C**2)
    proof.equal("D(0) = 1", D.subs({P: 1, R: 1}), ONE)
    product = (lam - kappa) / 2 * (lam + kappa) / 2
    proof.equal("d² |v|² = Y²", product.expand().subs(lam**2, kappa**2 + 4 * Y**2), Y**2)


def prove_examples(proof: Proof) -> None:
    """Prove the example of a rate that brings back what the flow does not."""
    rate, wall, root = sympy.Rational(11, 25), sympy.Rational(17, 20), sympy.sqrt(5)
    start = {a: 0, c: 0, d: 1, p: 0, q: 1}
    step = [
        (symbol + eta * part).subs(start).subs(eta, rate)
        for symbol, part in zip((a, c, d), flow(), strict=True)
    ]
    proof.equal("the step of the example", step, [sympy.Integer(0), 2 * rate, ONE])
    proof.holds("it passes the wall", 2 * rate > wall)
    proof.holds("the flow's limit does not", bool((root - 1) / 2 < wall**2))
    proof.holds("the rate is below 1/√5", bool(5 * rate**2 < 1))
    hessian = sympy.hessian(reduced(), (a, c, d)).subs({a: 0, p: 0, q: 1}).subs(c, 1 / d)
    sharpness = 2 * (d**2 + d**-2)
    direction = sympy.Matrix([0, d, 1 / d])
    proof.equal("2 (c² + d²) is an eigenvalue", hessian * direction, sharpness * direction, NOT_ZERO)
    other = sympy.Matrix([1, 0, 0])
    proof.equal("2 d² is an eigenvalue", hessian * other, 2 * d**2 * other, NOT_ZERO)
    prove_held(proof)
    along = sympy.Matrix([0, -1 / d, d])
    proof.equal("0 is an eigenvalue", hessian * along, sympy.zeros(3, 1), NOT_ZERO)


def prove_held(proof: Proof) -> None:
    """Prove that the neuron with a = 0 is held at its wall: c moves up before it, and down after it."""
    w2, active = sympy.symbols("w2 active", real=True)
    level, wall = ONE, sympy.Rational(3, 10)
    # With a = 0 every input gives x = c; active is 0 or 1.
    residual = active * w2 * (c + b1) + d * c - level
    values = {w2: -2, b1: -wall}
    up = (-2 * (d + active * w2) * residual).subs(values).subs(c, wall)
    proof.equal("c′ at the wall, dead", up.subs(active, 0), 2 * d * (1 - d * wall))
    proof.equal("c′ at the wall, active", up.subs(active, 1), 2 * (d - 2) * (1 - d * wall))
    # κ = −1 and c ≤ 3/10 give d² = 1 + c².
    largest = sympy.sqrt(1 + wall**2)
    proof.holds("1 ≤ d < 2 and d c < 1 until then", bool(largest < 2) and bool(largest * wall < 1))


def formulas() -> tuple[tuple[str, Expr], ...]:
    """Return the reduced equation, the solution, and the wall."""
    z, G, zp, zm, zk, D = sympy.symbols("zeta G zeta_+ zeta_- zeta_kappa D")
    size = sympy.Symbol("|zeta|")
    E = sympy.exp(lam * t) * zp + sympy.exp(-lam * t) * zm + sympy.exp(kappa * t) * zk
    grown = (sympy.exp(2 * lam * t) - 1) / lam, (1 - sympy.exp(-2 * lam * t)) / lam
    third = (sympy.exp(2 * kappa * t) - 1) / kappa
    sizes = (sympy.Symbol(f"|{name}|") for name in ("zeta_+", "zeta_-", "zeta_kappa"))
    parts = sum(n**2 * part for n, part in zip(sizes, (*grown, third), strict=True))
    return (
        ("The flow while the neuron is dead", sympy.Eq(sympy.Symbol("zeta'"), G * z - size**2 * z)),
        ("Its growth rate", sympy.Eq(lam, sympy.sqrt(kappa**2 + 4 * (p**2 + q**2)))),
        ("Its solution", sympy.Eq(sympy.Symbol("zeta(t)"), E / sympy.sqrt(D))),
        ("with", sympy.Eq(D, 1 + parts)),
        ("The pre-activation at an end", sympy.Eq(sympy.Symbol("z_e"), w1 * (a * end + c) + b1)),
    )


if __name__ == "__main__":
    raise SystemExit(main(globals()))

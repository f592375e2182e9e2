"""A student that is a line, too steep and not much too high, stays a line: its breakpoint stays outside.

The flow keeps its two errors, in slope and in level, in a cone, and while they are there its pre-activation
grows at the end where the breakpoint would enter. From a wider cone it comes into this one in time if its
breakpoint is far enough outside.
"""

from __future__ import annotations

import sympy

from gradflow.proofs.cells import Expr
from gradflow.proofs.proof import Proof
from gradflow.proofs.render import main

# A neuron in the view of the statement, and what it depends on.
w, b, omega, b2, near, c, a, m = sympy.symbols("w b omega b2 n c a m", real=True)
V, s = sympy.symbols("V s", positive=True)
STATE = (w, b, omega, b2)

STATUS = "proved"
STATEMENT = """
Let the inputs have m = E x, V = Var x > 0, lie in [lo, hi], lo < hi, and let the best line have the slope
a ≠ 0 and the value c at m. Let the pre-activation have one sign τ on the whole input and s ≠ 0 be the
slope of φ there. Write w = τ w1, b = τ b1, ω = τ s w2, so that the student is ω (w x + b) + b2. By the
reflections x → −x and f → −f (proof) let w > 0 and ω > 0; then call near end the end n of the input that
is reached by −x if w < 0 before (n = lo or n = −hi), and let a, c, b2, m be those after the reflections.
Let ρ₁ = ω w − a and ρ₀ = ω (m w + b) + b2 − c, the errors in slope and level.

Let g = 1 + n m and δ = m − n > 0, and let on the interval n ≤ 0 and g ≥ 0. Let c₊ = −V n/g if g δ ≥ −V n
> 0, which is E[(x − n)(1 + n x)] ≥ 0, and c₊ = 0 otherwise. If m ≥ 0 let c₋ = ∞; if m < 0 let g δ ≥ −V n,
and let c₋ > 0 be a number with c₋ δ ≥ V and c₋ (1 + m² − V) ≥ (c₋² − V) |m|. The cone is the set where ρ₁
≥ 0 and −c₋ ρ₁ ≤ ρ₀ ≤ c₊ ρ₁.

(1) Trap. Let at t = 0 the pre-activation be positive, w n + b > 0; a > 0; and (ρ₁, ρ₀) in the cone. The
solution of dθ/dt = −∇L exists for all t ≥ 0. All these hypotheses hold again at every later time, and the
pre-activation at the near end never falls: the student stays a line.

(2) Limit. With Q = w1² + b1² − w2² and y = (√(Q² + 4 a²/s²) − Q)/2 > 0, w2² ≥ y all the time. The path is
at most √e(0)/(c₀ √y) long, with the excess e(t) = L − L_line = V ρ₁² + ρ₀² and c₀ that of derivation 8,
so that the solution converges, to a critical point off the walls where f is the best line; and e(t) ≤
e(0) exp(−4 c₀² y t).

(3) If moreover m = 0, then |w1| never rises; and |b1| never falls while ρ₀ ≤ 0.

(4) For the default problem (m = 0, n = −1, V = 1/3, a = 1/2, c = 1/4) and a hyperactive neuron with w1,
w2 > 0 the trap is: b1 > w1, w1 w2 ≥ 1/2 and w2 b1 + b2 − 1/4 ≤ (w1 w2 − 1/2)/3.

(5) Too high, and far outside. Let m = 0 and V ≤ 1; at t = 0 let w n + b > 0, a > 0, ρ₁ ≥ 0 and ρ₀ > 0.
Put M(k) = max over 0 ≤ v ≤ ω of v/(k + v²), b₁ = max(b − ρ₀ M(1), 0) and R = 1 + (1 − V)(a/w)² − V s² w²,
all at t = 0. Let B = max(|s| b₁, √R) if R ≥ 0 and B = |s| b₁ if not, Y = (B + R/B)/(2 |s| w) and C = Y +
√(Y² + V) if B > 0 and B² + R ≥ 0; C = |n| may be taken in any case. If ρ₀ ≤ C ρ₁ and w n + b > ρ₀ M(1 +
s² b₁²), then the solution exists for all t ≥ 0, ρ₁ ≥ 0 and the pre-activation at the near end is positive
all the time: the student stays a line, and (2) holds.
"""

HYPOTHESES = (
    "Those of derivation 8: L = E[(f − f*)²] and ∇L = 2 E[(f − f*) ∂f] off the walls, for the population or "
    "a sample, finite E f*², V > 0.",
    "A solution is a continuously differentiable curve with dθ/dt = −∇L that starts off the walls.",
    "The condition on the interval, after the reflections: n ≤ 0, 1 + n m ≥ 0, and c₋ if m < 0. Uniform "
    "inputs with lo ≤ 0 ≤ hi and lo hi ≥ −1 have it in both views, with c₊ > 0 unless n = 0, since then "
    "1 + n x ≥ 0 on the input and V ≤ (1 + m²)/3; those that do not contain 0 in one view at most.",
    "Exact arithmetic: signs that rounding could change are not covered.",
)

PROOF = """
The view. Off the walls L = L_line + V ρ₁² + ρ₀² (derivation 8). With w = τ w1, b = τ b1, ω = τ s w2 the
flow is w' = −∂L/∂w, b' = −∂L/∂b, ω' = −s² ∂L/∂ω, b2' = −∂L/∂b2. The excess does not change when (w, m, a)
change sign together (x → −x), nor when (ω, b2, c, a) do (f → −f); so solutions are mapped to solutions.
The interval becomes [−hi, −lo] under the first. With w > 0 the pre-activation increases from the near end
to the other.

Rates. Let β = m w + b, the pre-activation at m. It is positive, as m lies in the interval. By
differentiation ρ₁' = −2 V (ω² + s² w²) ρ₁ − 2 γ ρ₀, ρ₀' = −2 (1 + s² β² + (1 + m²) ω²) ρ₀ − 2 V γ ρ₁, γ =
m ω² + s² w β, and for the pre-activation at the near end, z = w n + b, z' = −2 ω (V n ρ₁ + (1 + n m) ρ₀).

Edges of the cone. Where ρ₁ > 0, d(ρ₀ − c ρ₁)/dt on ρ₀ = c ρ₁ is 2 ρ₁ times a sum of terms in 1, ω² and s²
(script). On the upper edge, c = c₊ > 0, with β = λ δ w these are −c₊, ω² times −(V/g²)(g δ − V |n|),
because |n| (1 − V − m²) + m (1 − n²) = g δ − V |n|, and s² times −(V w²/g²) k(λ), k(λ) = |n| g δ² λ² +
(g² − V n²) δ λ − V |n| g. As |n| δ + g = 1 + n², k(1) = (1 + n²)(g δ − V |n|) ≥ 0; and k'(λ) ≥ 0 for λ ≥
1 since k'(1)/δ = 2 |n| δ g + g² − V n² and |n| δ g ≥ V n². On the lower edge, m < 0 and c = −c₋, the same
sum is c₋, plus ω² times c₋ (1 + m² − V) − (c₋² − V) |m| ≥ 0, plus s² w² times c₋ δ² λ² + (c₋² − V) δ λ −
c₋ V, which is (c₋ δ − V)(c₋ + δ) ≥ 0 at λ = 1 and rises for λ ≥ 1. If m ≥ 0 then γ ≥ 0: where c₊ = 0 the
upper edge is ρ₀ = 0, and ρ₀' = −2 V γ ρ₁ ≤ 0; the lower one is ρ₁ = 0 ≥ ρ₀, and ρ₁' = −2 γ ρ₀ ≥ 0.

Trap. Consider the solution of the cell's own polynomial field, and let T be the first time at which w, ω
or z is 0 (or the end of its existence). Before T all three are positive, so β = z + δ w ≥ δ w and λ ≥ 1.
The cone is where two independent linear functions of (ρ₁, ρ₀), one for each edge, are ≥ 0. They solve a
linear equation x' = N(t) x with continuous N, whose off-diagonal entries are the rate of the one where it
is 0 and the other is 1: ≥ 0 by the last paragraph. Such an equation keeps both components ≥ 0: with a
bound k for the diagonal's modulus on a compact interval, x exp(k t) solves one with a matrix of entries ≥
0, whose Picard iterates are ≥ 0. So (ρ₁, ρ₀) stays in the cone before T. There g ρ₀ ≤ −V n ρ₁, hence z' ≥
0. So at T, if the solution exists there, z ≥ z(0) > 0, and w ω = a + ρ₁ ≥ a > 0 by continuity, so neither
w nor ω is 0: a contradiction. While it exists the solution is therefore off the walls, and is one of the
flow.

Existence and limit. Q does not change. With y₂ = w2², w² = w2² + Q − b² ≤ y₂ + Q, and w² y₂ = (w ω)²/s² ≥
a²/s². So y₂ > 0, y₂ + Q > 0 and y₂ (y₂ + Q) ≥ a²/s²; the left side increases with y₂ where both factors
are positive, and equals a²/s² at y: so w2² ≥ y. By derivation 8, |∇L| ≥ 2 c₀ |w2| √e ≥ 2 c₀ √(y e). If e
> 0, d√e/dt = −|∇L|²/(2 √e) ≤ −c₀ √y |∇L|, and the length of the path up to any time is at most √e(0)/(c₀
√y). (Where e = 0, ∇L = 0 and the solution rests.) So the solution stays in a compact set, exists for all
times and converges. de/dt = −|∇L|² ≤ −4 c₀² y e gives the rate; e = 0 in the limit, and z ≥ z(0) > 0
there.

(3) For m = 0, w' = −2 V ω ρ₁ ≤ 0 and b' = −2 ω ρ₀, and b = β > 0.

(5) As long as z > 0, ρ₁ ≥ 0 and ρ₀ ≥ 0 the rates are w' = −2 V ω ρ₁ ≤ 0, ω' ≤ 0 (script), b' = −2 ω ρ₀
and ρ₀' ≤ −2 (1 + s² b² + ω²) ρ₀, so that −b' ≤ −ρ₀' ω/(1 + ω²), b ≥ b₁, and −z' ≤ 2 ω ρ₀ ≤ −ρ₀' ω/(1 + s²
b₁² + ω²) ≤ −ρ₀' M(1 + s² b₁²): z falls by at most ρ₀(0) M(1 + s² b₁²) in all. On ρ₀ = C ρ₁, d(ρ₀ − C
ρ₁)/dt is −2 ρ₁ times h = C (1 + s² (b² − V w²) + (1 − V) ω²) − (C² − V) s² w b (script). h ≥ 0: for C =
|n|, with b = λ |n| w the s² terms are w² |n| (λ − 1) times n² λ + V ≥ 0. For the other C ≥ √V, and w ω =
a + ρ₁ ≥ a: where w is less than at the start, h is no less than with w, and ω = a/w, at the start; then
it is C (s² b² + R) − (C² − V) s² w b, and (s² b² + R)/(|s| b) on b ≥ b₁ is least where |s| b = B, and 2 Y
|s| w there; C² − V = 2 Y C. So ρ₀ ≤ C ρ₁ is kept while ρ₁ ≥ 0, hence ρ₁ ≥ 0 is while ρ₀ ≥ 0, as in (1).
If ever ρ₀ = 0, (1) holds from there on. That w, ω > 0 and the solution goes on is as in (1) and (2).
"""

PROVED_BY = (
    (
        "(1)",
        (
            "x → −x changes nothing",
            "f → −f changes nothing",
            "ρ₁'",
            "ρ₀'",
            "z' at the near end",
            "γ ≥ 0",
            "z' ≥ 0",
            "edge: …",
            "upper edge: …",
            "lower edge: …",
            "E[(x − n)(1 + n x)] = g δ + V n",
        ),
        "linear equations whose off-diagonal entries are ≥ 0 keep signs, and the argument at the first time "
        "at which w, ω or z is 0",
    ),
    (
        "(2)",
        ("Q is conserved", "y (y + Q) = (a/s)²", "d/dy of y (y + Q) is y + (y + Q)"),
        "the bound on w2², the length of the path and the convergence, from derivation 8's inequality",
    ),
    ("(3)", ("m = 0: w' = −2 V ω ρ₁", "m = 0: b' = −2 ω ρ₀"), "the signs of ω and ρ₁, which (1) keeps"),
    ("(4)", ("default: …",), ""),
    (
        "(5)",
        ("m = 0: …",),
        "the bounds on b and z by ρ₀, that h falls in w and is least at B, and (1)'s argument for a cone",
    ),
)

NOT_CLAIMED = (
    "That the traps are necessary. Elsewhere in (ρ₁, ρ₀) the breakpoint may come in: derivation 14.",
    "Anything for ReLU's dead side (s = 0), or if a ≤ 0 in this view (the best line is level or falls).",
    "Anything for m < 0 in this view if g δ < −V n: then γ may be negative where ρ₀ = 0.",
    "Anything for finite steps, momentum or Adam.",
)


def prove(proof: Proof) -> None:
    zero = sympy.Integer(0)
    rho1, rho0 = errors()
    excess = V * rho1**2 + rho0**2
    mirror = {w: -w, m: -m, a: -a}
    proof.equal("x → −x changes nothing", excess.xreplace(mirror), excess)
    negative = {omega: -omega, b2: -b2, c: -c, a: -a}
    proof.equal("f → −f changes nothing", excess.xreplace(negative), excess)

    rates = dict(zip(STATE, flow(excess), strict=True))
    beta = m * w + b
    gamma = m * omega**2 + s**2 * w * beta
    of_rho1 = -2 * V * (omega**2 + s**2 * w**2) * rho1 - 2 * gamma * rho0
    of_rho0 = -2 * (1 + s**2 * beta**2 + (1 + m**2) * omega**2) * rho0 - 2 * V * gamma * rho1
    proof.equal("ρ₁'", along(rho1, rates), of_rho1)
    proof.equal("ρ₀'", along(rho0, rates), of_rho0)
    grows = -2 * omega * (V * near * rho1 + (1 + near * m) * rho0)
    proof.equal("z' at the near end", along(w * near + b, rates), grows)
    proof.equal("Q is conserved", along(w**2 + b**2 - (omega / s) ** 2, rates), zero)
    prove_signs(proof, gamma, grows)
    prove_edges(proof, rates)
    prove_from_above(proof, rates)
    prove_weight(proof)
    prove_default(proof)
    centred = {m: zero}
    proof.equal(
        "m = 0: w' = −2 V ω ρ₁", rates[w].xreplace(centred), (-2 * V * omega * rho1).xreplace(centred)
    )
    proof.equal("m = 0: b' = −2 ω ρ₀", rates[b].xreplace(centred), (-2 * omega * rho0).xreplace(centred))


def errors() -> tuple[Expr, Expr]:
    """Return ρ₁ and ρ₀."""
    return omega * w - a, omega * (m * w + b) + b2 - c


def flow(loss: Expr) -> list[Expr]:
    """Return (w', b', ω', b2'): ω = τ s w2 moves s² times as fast as its own gradient says."""
    speeds = (1, 1, s**2, 1)
    return [-speed * loss.diff(symbol) for speed, symbol in zip(speeds, STATE, strict=True)]


def along(quantity: Expr, rates: dict[Expr, Expr]) -> Expr:
    """Return the derivative of a quantity along the flow."""
    return sum((quantity.diff(symbol) * rate for symbol, rate in rates.items()), sympy.Integer(0))


def prove_signs(proof: Proof, gamma: Expr, grows: Expr) -> None:
    """Prove the signs of γ and z' on the region, from positive symbols that parametrise it."""
    up, down, weight, out, height, mean, reach = sympy.symbols("u d W O h M r", nonnegative=True)
    # ρ₁ = u and ρ₀ = −d, by the choice of a and b2; β = h; n = −r; 1 − r M = g.
    rest = sympy.Symbol("g", nonnegative=True)
    signed = {w: weight, omega: out, b: height - mean * weight, m: mean}
    proof.holds("γ ≥ 0", bool(sympy.expand(gamma.xreplace(signed)).is_nonnegative))
    free = {a: omega * w - up, b2: c - omega * (m * w + b) - down}
    errors_there = [value.xreplace(free) for value in errors()]
    proof.equal("u and d are ρ₁ and −ρ₀", errors_there, [up, -down])
    rate = sympy.expand(grows.xreplace(free)).subs(near, -reach)
    factored = 2 * out * (V * reach * up + rest * down)
    same = rate.xreplace({m: mean, omega: out}) - factored.xreplace({rest: 1 - reach * mean})
    proof.equal("z' = 2 ω (V r u + (1 − r m) d) with n = −r", sympy.expand(same), sympy.Integer(0))
    proof.holds("z' ≥ 0", bool(factored.is_nonnegative))


def prove_edges(proof: Proof, rates: dict[Expr, Expr]) -> None:
    """Prove the rates at the edges of the cone, each written as 2 ρ₁ times terms whose signs are seen."""
    rho1, rho0 = errors()
    reach, edge, high, error = sympy.symbols("r C lambda u", positive=True)
    g, delta = 1 + near * m, m - near
    x = sympy.Symbol("x", real=True)
    # E x = m and E x² = V + m².
    moment = sympy.Poly(sympy.expand((x - near) * (1 + near * x)), x)
    mean = sum(
        (c * value for c, value in zip(moment.all_coeffs()[::-1], (1, m, V + m**2), strict=True)),
        sympy.Integer(0),
    )
    proof.equal("E[(x − n)(1 + n x)] = g δ + V n", mean, g * delta + V * near)
    # The state by ρ₁ = u, ρ₀ = c u and β = λ δ w; a, c and b2 are free.
    at = {b: high * delta * w - m * w}
    rates_of = [along(rho, rates) for rho in (rho1, rho0)]

    def crossing(slope: Expr) -> Expr:
        """Return d(ρ₀ − c ρ₁)/dt/(2 ρ₁) on ρ₀ = c ρ₁ for the slope c of an edge."""
        placed = {a: omega * w - error, c: omega * (m * w + b) + b2 - slope * error}
        rise = (rates_of[1] - slope * rates_of[0]).subs(placed).subs(at)
        return sympy.expand(rise / (2 * error))

    general = crossing(edge)
    beta = high * delta * w
    gamma = m * omega**2 + s**2 * w * beta
    stated = -edge * (1 + s**2 * beta**2 + (1 + m**2) * omega**2) - V * gamma
    stated += edge * V * (omega**2 + s**2 * w**2) + edge**2 * gamma
    proof.equal("edge: d(ρ₀ − c ρ₁)/dt on ρ₀ = c ρ₁", general, stated)

    n = {near: -reach}
    margin = (g * delta + V * near).subs(n)
    k = (reach * g * delta**2 * high**2 + (g**2 - V * near**2) * delta * high - V * reach * g).subs(n)
    upper = crossing(V * reach / g).subs(n)
    scale, width = g.subs(n), delta.subs(n)
    terms = -V * reach * scale - omega**2 * V * margin - s**2 * V * w**2 * k
    whole = sympy.cancel(sympy.together(upper * scale**2))
    proof.equal("upper edge: the rate is as stated", whole, terms)
    proof.equal("upper edge: |n| (1 − V − m²) + m (1 − n²) = g δ − V |n|",
                reach * (1 - V - m**2) + m * (1 - reach**2), margin)  # fmt: skip
    one = sympy.Integer(1)
    proof.equal("upper edge: k(1) = (1 + n²)(g δ − V |n|)", k.subs(high, one), (1 + reach**2) * margin)
    rise = (2 * reach * width * scale + scale**2 - V * reach**2) * width
    proof.equal("upper edge: k'(1)", k.diff(high).subs(high, one), rise)
    proof.equal("upper edge: k''", k.diff(high, 2), 2 * reach * scale * width**2)

    size = sympy.Symbol("M", positive=True)
    lower = crossing(-edge).subs(m, -size)
    gap, spread = edge * (1 + size**2 - V) - (edge**2 - V) * size, (-size - near)
    square = edge * spread**2 * high**2 + (edge**2 - V) * spread * high - edge * V
    proof.equal("lower edge: the rate is as stated", lower, edge + omega**2 * gap + s**2 * w**2 * square)
    at_one = (edge * spread - V) * (edge + spread)
    proof.equal("lower edge: the s² term at λ = 1", square.subs(high, one), at_one)
    slope = spread * (2 * edge * spread * high + edge**2 - V)
    proof.equal("lower edge: its derivative", square.diff(high), slope)


def prove_from_above(proof: Proof, rates: dict[Expr, Expr]) -> None:
    """Prove the rates of (5), where m = 0 and both errors are ≥ 0."""
    centred = {m: sympy.Integer(0)}
    rho1, rho0 = (error.xreplace(centred) for error in errors())
    edge, error, reach, high = sympy.symbols("C u r lambda", positive=True)
    falls = -2 * s**2 * (V * rho1 * w + rho0 * b)
    proof.equal("m = 0: ω' = −2 s² (V ρ₁ w + ρ₀ b)", rates[omega].xreplace(centred), falls)
    of_rho0 = along(rho0, {symbol: rate.xreplace(centred) for symbol, rate in rates.items()})
    stated = -2 * (1 + s**2 * b**2 + omega**2) * rho0 - 2 * V * s**2 * w * b * rho1
    proof.equal("m = 0: ρ₀' is −2 (1 + s² b² + ω²) ρ₀ less a term ≥ 0", of_rho0, stated)
    of_rho1 = along(rho1, {symbol: rate.xreplace(centred) for symbol, rate in rates.items()})
    placed = {a: omega * w - error, c: omega * b + b2 - edge * error}
    rate = (of_rho0 - edge * of_rho1).subs(placed)
    h = edge * (1 + s**2 * (b**2 - V * w**2) + (1 - V) * omega**2) - (edge**2 - V) * s**2 * w * b
    proof.equal("m = 0: d(ρ₀ − C ρ₁)/dt = −2 ρ₁ h on ρ₀ = C ρ₁", rate, -2 * error * h)
    found = sympy.expand(h.subs({b: high * reach * w, edge: reach})).coeff(s, 2)
    whole = w**2 * reach * (high - 1) * (reach**2 * high + V)
    proof.equal("m = 0: h for C = |n|, its s² terms", found, whole)
    size, half, R = sympy.symbols("B Y R", positive=True)
    weight = sympy.Symbol("W", positive=True)
    best = half + sympy.sqrt(half**2 + V)
    proof.equal("m = 0: C² − V = 2 Y C", sympy.expand(best**2 - V), sympy.expand(2 * half * best))
    least = (size + R / size) / (2 * weight)
    proof.equal("m = 0: (B² + R)/B = 2 Y |s| w", (size**2 + R) / size, sympy.expand(2 * weight * least))
    turn = ((size**2 + R) / size).diff(size)
    proof.equal("m = 0: (k² + R)/k falls below √R and rises above", turn, (size**2 - R) / size**2)


def prove_weight(proof: Proof) -> None:
    """Prove that y solves y (y + Q) = a²/s²."""
    balance, product = sympy.Symbol("Q", real=True), sympy.Symbol("k", positive=True)
    y = (sympy.sqrt(balance**2 + 4 * product**2) - balance) / 2
    proof.equal("y (y + Q) = (a/s)²", sympy.expand(y * (y + balance)), product**2)
    twice = sympy.expand(2 * (y + balance))
    proof.equal("2 (y + Q) = √(Q² + 4 (a/s)²) + Q", twice, sympy.sqrt(balance**2 + 4 * product**2) + balance)
    proof.holds("√(Q² + 4 (a/s)²) > |Q|, so y and y + Q > 0", bool((4 * product**2).is_positive))
    proof.equal(
        "y − (a/s)²/(y + Q) = 0: both forms of y",
        sympy.expand(y * (y + balance) - product**2),
        sympy.Integer(0),
    )
    slope = sympy.Symbol("y", positive=True)
    rise = (slope * (slope + balance)).diff(slope)
    proof.equal("d/dy of y (y + Q) is y + (y + Q)", rise, slope + (slope + balance))


def prove_default(proof: Proof) -> None:
    """Prove what the hypotheses are for the default problem, hyperactive and w1, w2 > 0."""
    half, quarter, weight = sympy.Rational(1, 2), sympy.Rational(1, 4), sympy.Symbol("w2", positive=True)
    default = {m: sympy.Integer(0), near: -sympy.Integer(1), a: half, c: quarter, omega: weight}
    rho1, rho0 = (error.xreplace(default) for error in errors())
    proof.equal("default: w n + b = b1 − w1", (w * near + b).xreplace(default), b - w)
    proof.equal("default: ρ₁ = w1 w2 − 1/2", rho1, w * weight - half)
    third = sympy.Rational(1, 3)
    slope = (-V * near / (1 + near * m)).xreplace(default | {V: third})
    proof.equal("default: c₊ = 1/3", slope, third)
    room = ((1 + near * m) * (m - near) + V * near).xreplace(default | {V: third})
    proof.holds("default: g δ ≥ −V n", bool(room >= 0))
    proof.equal("default: ρ₀ = w2 b1 + b2 − 1/4", rho0, weight * b + b2 - quarter)


def formulas() -> tuple[tuple[str, Expr], ...]:
    """Return the rates of the two errors and of the pre-activation, and the bound."""
    rho1, rho0, gamma, beta, y, excess, path, c0, Q = sympy.symbols("rho_1 rho_0 gamma beta y e ell c_0 Q")
    d1, d0, dz = sympy.symbols("rhodot_1 rhodot_0 zdot")
    return (
        (
            "Error in slope",
            sympy.Eq(d1, -2 * V * (omega**2 + s**2 * w**2) * rho1 - 2 * gamma * rho0),
        ),
        (
            "Error in level",
            sympy.Eq(d0, -2 * (1 + s**2 * beta**2 + (1 + m**2) * omega**2) * rho0 - 2 * V * gamma * rho1),
        ),
        ("Coupling", sympy.Eq(gamma, m * omega**2 + s**2 * w * beta)),
        ("Near end", sympy.Eq(dz, -2 * omega * (V * near * rho1 + (1 + near * m) * rho0))),
        ("Least output weight, squared", sympy.Eq(y, (sympy.sqrt(Q**2 + 4 * a**2 / s**2) - Q) / 2)),
        ("Longest path", sympy.Eq(path, sympy.sqrt(excess) / (c0 * sympy.sqrt(y)))),
    )


if __name__ == "__main__":
    raise SystemExit(main(globals()))

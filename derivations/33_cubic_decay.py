"""Several neurons learn a teacher neuron at the rate t⁻³, and the constant for two.

All face the teacher's way. Along a kernel of the Hessian that no symmetry explains the loss is cubic.
"""

from __future__ import annotations

from itertools import pairwise, permutations

import sympy

from gradflow.proofs.cells import Expr
from gradflow.proofs.proof import Proof
from gradflow.proofs.render import main

X = sympy.Symbol("x", real=True)
RHO = sympy.Symbol("rho_0", positive=True)
H = sympy.Symbol("h", positive=True)

STATUS = "proved"
STATEMENT = """
Let the input have a finite second moment and near 0 a Lipschitz density with the value ρ₀ > 0 at 0 (the
default: ρ₀ = 1/2), and let the target be φ(x) = max(x, 0). A network f(x) = Σ_j a_j φ(w_j x + b_j) + c of m
≥ 2 neurons follows θ′ = −∇L, L = E (f − φ)². Let s_j = a_j w_j, and M the networks with w_j > 0, b = 0, c =
0, Σ s_j = 1, of which no non-empty set of the s_j has the sum 0; for m = 2: s₁ s₂ ≠ 0. They have L = 0. For
h with Σ h_j = 0 let r_h(x) = Σ_j s_j (x + h_j/s_j)₊ − x₊ and F(h) = ρ₀ ∫ r_h². With β = Σ a_j b_j let z = b
− β a/|a|², and h_j = a_j z_j.

(1) At a point of M the Hessian has rank 3; its kernel is the tangent space of M and the m − 1 directions
$db$ with $Σ a_j db_j = 0$. F is of degree 3, F(τ h) = τ³ F(h) for τ > 0, and F(h) > 0 for h ≠ 0. For m = 2,
with h = h₁ = −h₂, F = C |h|³, where C = ρ₀/(3 s₁ s₂) if both s are positive, and C = ρ₀/(3 S² |s|) if S > 0
> s are the two.

(2) Let m = 2 and let a solution converge to a point of M. Then either L falls exponentially, or with s and
$a$ at that point

    t |h| → 1/K   and   t³ L → C/K³,   K = 3 C a₁² a₂²/(a₁² + a₂²).

By default and with s₁, s₂ > 0: K = a₁² a₂²/(2 s₁ s₂ (a₁² + a₂²)), t³ L → 1/(6 s₁ s₂ K³). The relative
deviation is O(log t/t).

(3) Every point of M has a neighbourhood from which all solutions converge to points of M. Those along which
L falls exponentially start in a closed set of measure 0, of which there is at most one z to given (w, a, β,
c). It is not empty: (w, b, a) of one neuron may be those of the other. For uniform inputs the set of all
starts from which a solution converges to M, L falling exponentially, without meeting w_j = b_j = 0 on its
way, has measure 0.

(4) For m > 2, too, either L falls exponentially or t³ L has a limit, positive and finite: F(ω) = Σ
(ω_j/a_j)²/3, for a critical point ω ≠ 0 of F(h) − Σ (h_j/a_j)²/2 on Σ h_j = 0. (3) holds for all m.

(5) Gradient descent of a rate η: if its steps converge to a point of M at which η < 2/λ, λ the largest
eigenvalue of the Hessian, then (2) holds of them with η k, k the number of the step, instead of t.

(6) Two neurons of other kinds. A solution that converges to a global minimum of one of these kinds falls
exponentially: s₁ = 1, b₁ = 0, w₁ > 0, c = 0, a₂ = 0, where the second neuron's breakpoint is inside the
input, at p ≠ 0, or at p = 0 and w₂ < 0; or w₁ > 0, s₁ = 1, b₁ > 0 so that the first neuron is positive on
the whole input, and the second is −a₂ w₂ = 1, b₂ = 0, w₂ < 0: φ(x) = x + φ(−x).

(7) Two neurons, one of which fades. Let the inputs be uniform on [−1, 1], and let a solution converge to s₁
= 1, b₁ = 0, w₁ > 0, c = 0 with a₂ w₂ ≠ 0, the second neuron's pre-activation at the end at which it is
active, ζ = w₂ e + b₂ with e = 1 for w₂ > 0 and e = −1 for w₂ < 0, going to 0. Then either L falls
exponentially, or

    t ζ → |w₂|/a₂²   and   t³ L → w₂²/(6 a₂⁴).
"""

HYPOTHESES = (
    "ReLU student and teacher; population loss; exact arithmetic.",
    "Convergence to a point of M is assumed in (2), (4) and (5), and proved for starts near M in (3) only.",
    "(6) and (7): inputs uniform on [−1, 1]. Convergence is assumed in both.",
)

PROOF = """
Coordinates. Near a point of M, let u = (α, β, c) with α = Σ s_j − 1; g = |z|; y the rest: 2m − 1 smooth
coordinates of the (w, a) with one α. Let r₀ = c + (α x + β) 1{x > 0} and k = f − φ − r₀ = Σ_j a_j g_j, g_j
= (w_j x + b_j)₊ − (w_j x + b_j) 1{x > 0}, which is 0 but between 0 and the breakpoint −b_j/w_j. So r₀ =
O(|u|), k = O(|b|) on a set of width O(|b|). Q(u) = E r₀² is a positive definite form as there are inputs on
both sides (default: the determinant is checked). L = Q + 2 E r₀ k + E k², and the gradient of the last two
is O(|u| |b| + |b|²). |b| ≤ C (|u| + g). ∇L has a Lipschitz derivative near M: its entries are integrals of
linear functions from breakpoints on, and the residual at breakpoints, times ρ there. Below C is any
constant, and the ball around the point of M as small as is wanted.

(1) At M, r = 0, so the Hessian is 2 E ∇f ∇fᵀ, and ∇f has the entries a_j x 1{x > 0}, a_j 1{x > 0}, w_j x
1{x > 0} and 1: it is 2 Jᵀ G J, G > 0 the matrix of Q and J = ∂u/∂θ, of rank 3 (checked for m = 2). Its
kernel is that of J: $dc = 0$, $Σ a_j db_j = 0$, dα = 0. F: substitute x = τ x′. F(h) = 0 only if r_h = 0,
so Σ s_j δ(p_j) = δ(0) for p_j = −h_j/s_j: the s_j with one p_j ≠ 0 have the sum 0, so there are none. m =
2: checked, on all sides.

(2) The fast part. u′ = −J Jᵀ ∇Q + O(|u| |b| + |b|²), J Jᵀ > 0. So with v = √Q, in a small ball

    v′ ≤ −λ v + C g²,   λ > 0.   (a)

The slow part. b_j′ = −2 a_j E r 1{x > −b_j/w_j} = −a_j (E₀ + e_j), E₀ = 2 E r 1{x > 0} and e_j = O((|u| +
|b|) |b|), an integral between 0 and a breakpoint. The projection along $a$ takes E₀ away, and changes with a′
= O(|u| + |b|²). So |g′| ≤ C (g² + v g + v²), and if v ≤ C g², z′ is −∂F/∂z + O(g³) for F as a function of
z, as e_i − e_j = 2 E r between breakpoints (checked), r = r_h + O(g²), and ρ = ρ₀ + O(g) there.

Two ways. Let R be v < C₁ g². Where v = C₁ g², (a) gives v′ ≤ −(λ − C/C₁) v, while (g²)′ ≥ −ε g² with a
small ε: for large C₁ no solution leaves R. If one never enters R, v′ ≤ −(λ − C/C₁) v, so v and g² ≤ v/C₁
fall exponentially, and L with them. If it enters R, v ≤ C₁ g² from then on, L = F(h) + O(g⁴), and by Euler

    g g′ = −3 F + O(g⁴).   (b)

m = 2: z = h (1/a₁, −1/a₂), and (b) is h′ = −K h |h| + O(|h|³), K a smooth function of (w, a). So h keeps
its sign, (1/|h|)′ = K + O(|h|) → K at the limit, and t |h| → 1/K. As ∫ θ′ from t on is O(∫ g²) = O(1/t),
(1/|h|)′ = K + O(1/t), which gives the log t/t.

(3) By (a) and (b), as F ≥ κ g³, $∫ (v + g²) dt ≤ C (v + g)$ at the start; |θ′| ≤ C (v + g²); so the path is
short and the solution stays and converges. R is open, so the set W of starts that never enter it is closed.
Let two starts of W have the same u and y, and let Δ be the difference of their solutions in (u, z, y). All
derivatives of u′, z′ and y′ but those by u of u′ and y′ vanish on M, so they are O(δ), δ the largest v + g
of the two, and $∫ δ dt ≤ C √ε$, ε the largest v at the start. Hence Δ_u′ = −A Δ_u + O(δ |Δ|), A a positive
matrix in the norm of (a), Δ_y′ = O(|Δ_u|) + O(δ |Δ|), Δ_z′ = O(δ |Δ|), and by Gronwall Δ_z stays within
half of its length at the start. But it goes to 0: it is 0. So W has at most one point in every plane of
constant (u, y), and measure 0 by Fubini. Equal neurons stay equal and are one neuron, of which L falls
exponentially, as g = 0. The last sentence: countably many such neighbourhoods cover M; a start in question
is in one of their W at some integer time; where no w_j = b_j = 0 the field is locally Lipschitz, and the
inverse of the flow preserves measure 0.

(4) All but the last step of (2) was for any m; F is that of s_j/Σ s_k, O(|u|) from the s_j. r_h is 0 beyond
the breakpoints, so moving h_i up and h_j down changes F by 2 ρ₀ ∫ r_h between p_i and p_j (checked for m ≤
3), Lipschitz in h; −z′ is F's gradient on a·z = 0 but for O(g³): the projection removes a times what the
e_j share. κ g³ ≤ F ≤ C g³ and (b) give 1/g between two multiples of t. Let ω = t z and τ = log t, in the
metric of b at the limit: ω′ = −∇G(ω) + O(e^(−τ)), G = F − |ω|²/2, ω bounded and bounded away from 0. So G
has a limit, ∫ |∇G|² dτ is finite, ∇G → 0 as ω′ is bounded, and all limit points of ω are critical points of
G of one value. At these 3 F = ω·∇F = |ω|², so F = −2 G (checked): F has a limit, and t³ L → it.

(5) u is a polynomial of degree 2, so u_{k+1} = (I − η J Jᵀ ∇²Q) u + O(|u| |b| + |b|²): in the norm √Q the
matrix is symmetric with the eigenvalues 1 − η λ_i, λ_i those of the Hessian that are not 0, so v_{k+1} ≤ τ
v_k + C g², τ < 1, and g_{k+1} ≥ (1 − ε) g_k: R is kept. In it 1/|h_{k+1}| = 1/|h_k| + η K + O(|h|).

(6) At the first kind the minima form a manifold of dimension 3 (w₂, b₂, and w₁ = 1/a₁), and the Hessian, 2
E ∇f ∇fᵀ, has rank 4, as x 1{x > 0}, 1{x > 0}, 1 and φ(w₂ x + b₂) are independent (Gram determinants are
checked for w₂ = ±1; they change by powers of |w₂|). At the second kind the four functions x, 1, x 1{x < 0},
1{x < 0} are independent (checked); of the seven parameters three remain (w₁ a₁ = 1, b₁ with c = −a₁ b₁, w₂
a₂ = −1), as many as the kernel has. A Hessian that is continuous near and positive across the manifold
gives |∇L|² ≥ 2 μ L near it with μ > 0, so L′ ≤ −2 μ L.

(7) As (2), with g = max(ζ, 0), and u = (s₁ − 1, a₁ b₁, c). If ζ ≤ 0 at some time, the second neuron is dead
from then on and the first alone falls exponentially. As long as ζ > 0, f − φ is r₀, and what the first
neuron's breakpoint adds, O(|u|) on a width of O(|u|), and a₂ (w₂ x + b₂)₊ on a width of ζ/|w₂|. So u′ = −J
Jᵀ ∇Q + O(|u|² + ζ²), and ζ′ = −2 a₂ E r (e x + 1) 1{w₂ x + b₂ > 0} = −a₂² ζ²/|w₂| + O(ζ³ + |u| ζ) as e x +
1 = 2 + O(ζ) (checked for u = 0), L = a₂² ζ³/(6 |w₂|) + O(|u|² + |u| ζ²). The rest is as in (2).
"""

PROVED_BY = (
    (
        "(1)",
        (
            "the determinant of Q",
            "J has rank 3",
            "the Hessian is 2 Jᵀ G J",
            "its kernel",
            "F for two neurons, …",
        ),
        "that F has degree 3 and is positive, and the rank for more than two neurons",
    ),
    (
        "(2)",
        ("a₂ ∂L/∂b₁ − a₁ ∂L/∂b₂, …", "the flow of h, …", "K by default", "t³ L by default", "h = 1/(K t)"),
        "the coordinates, the orders of what is left out, that no solution leaves R, and the limits",
    ),
    ("(3)", (), "short paths, the difference of two solutions, and Fubini"),
    (
        "(4)",
        ("F is homogeneous, …", "its derivatives, …", "F = −2 G at a critical point"),
        "the derivatives of F for m > 3, and the limit of a perturbed gradient flow",
    ),
    ("(5)", ("the steps of h",), "that R is kept"),
    ("(6)", ("Gram determinant, …",), "the manifolds, and the gradient inequality"),
    ("(7)", ("the neuron that fades, …",), "the orders of what is left out, and all that is as in (2)"),
)

NOT_CLAIMED = (
    "That a solution from afar converges to M: it may come to rest elsewhere.",
    "Which critical point ω it is for m > 2, and that almost all starts share a local minimum's.",
    "Networks of which some s_j have the sum 0: there F vanishes along other directions, too.",
    "Adam, momentum, minibatches: only measured. By derivation 28 no such minimum holds Adam at a small ε.",
    "More than two neurons of which some face the other way; targets with several knots.",
)

RELATED = (
    "W. Xu, S. Du, “Over-parameterization exponentially slows down gradient descent for learning a single "
    "neuron”, COLT 2023, arXiv:2302.10034: T⁻³ for Gaussian inputs without biases.",
)


def prove(proof: Proof) -> None:
    prove_kernel(proof)
    prove_two(proof)
    prove_more(proof)
    prove_others(proof)
    prove_fading(proof)


def prove_kernel(proof: Proof) -> None:
    """Prove the rank and the kernel of the Hessian for two neurons and uniform inputs."""
    alpha, beta, c = sympy.symbols("alpha beta c", real=True)
    half = sympy.Rational(1, 2)
    q = half * (c**2 + sympy.integrate(sympy.expand((alpha * X + beta + c) ** 2), (X, 0, 1)))
    gram = sympy.hessian(q, (alpha, beta, c)) / 2
    proof.equal("the determinant of Q", gram.det(), sympy.Rational(1, 96))
    proof.holds("the determinant of Q", all(bool(gram[:n, :n].det() > 0) for n in (1, 2, 3)))
    a, w = sympy.symbols("a_1:3", nonzero=True), sympy.symbols("w_1:3", positive=True)
    # Columns: w, b, a, c.
    J = sympy.Matrix([[*a, 0, 0, *w, 0], [0, 0, *a, 0, 0, 0], [0, 0, 0, 0, 0, 0, 1]])
    proof.holds("J has rank 3", bool(J[:, [0, 2, 6]].det().is_nonzero))
    features = [a[0] * X, a[1] * X, a[0], a[1], w[0] * X, w[1] * X, 1]
    right = [[half * sympy.integrate(f * g, (X, 0, 1)) for g in features] for f in features]
    right[-1][-1] += half
    proof.equal("the Hessian is 2 Jᵀ G J", 2 * sympy.Matrix(right), 2 * J.T * gram * J)
    # The new direction, and three along M.
    rows = [[0, 0, 1 / a[0], -1 / a[1], 0, 0, 0], [w[0], 0, 0, 0, -a[0], 0, 0]]
    rows += [[0, w[1], 0, 0, 0, -a[1], 0], [1 / a[0], -1 / a[1], 0, 0, 0, 0, 0]]
    whole = sympy.Matrix(rows).T
    proof.equal("its kernel", J * whole, sympy.zeros(3, 4))
    proof.holds("its kernel", bool(whole[[0, 2, 4, 5], :].det().is_nonzero))


def cells_of(s: list[Expr], p: list[Expr], order: list[int]) -> list[tuple[Expr, Expr, Expr]]:
    """Return width and both values of r_h between neighbours; 0 is the last of the points p, with s = −1."""
    found, value, slope = [], sympy.Integer(0), sympy.Integer(0)
    for i, j in pairwise(order):
        slope += s[i]
        found.append((p[j] - p[i], value, value + slope * (p[j] - p[i])))
        value = found[-1][2]
    return found


def residual_square(s: list[Expr], p: list[Expr], order: list[int]) -> Expr:
    """Return ∫ r_h²."""
    return sum((d * (f**2 + f * g + g**2) / 3 for d, f, g in cells_of(s, p, order)), sympy.Integer(0))


def between(s: list[Expr], p: list[Expr], order: list[int], first: int, last: int) -> Expr:
    """Return ∫ r_h from one of the points to another."""
    begin, end = order.index(first), order.index(last)
    inner = cells_of(s, p, order)[min(begin, end) : max(begin, end)]
    return (1 if begin < end else -1) * sum((d * (f + g) / 2 for d, f, g in inner), sympy.Integer(0))


def rate(C: Expr, a1: Expr, a2: Expr) -> Expr:
    """Return K."""
    return 3 * C * a1**2 * a2**2 / (a1**2 + a2**2)


def prove_two(proof: Proof) -> None:
    """Prove F, the flow of h and the constant for two neurons, on all sides."""
    S, T = sympy.symbols("S T", positive=True)
    a1, a2 = sympy.symbols("a_1 a_2", nonzero=True)
    both, one = RHO / (3 * S * T), RHO / (3 * S**2 * T)
    y = sympy.Symbol("y", positive=True)
    # S + T = 1, or S − T = 1; the order of the points is that of their values.
    cases = (
        ("p₁ < 0 < p₂", [S, T], 1, [0, 2, 1], both, {S: y / (1 + y), T: 1 / (1 + y)}),
        ("p₂ < 0 < p₁", [S, T], -1, [1, 2, 0], both, {S: y / (1 + y), T: 1 / (1 + y)}),
        ("p₂ < p₁ < 0", [S, -T], 1, [1, 0, 2], one, {S: 1 + T}),
        ("0 < p₁ < p₂", [S, -T], -1, [2, 0, 1], one, {S: 1 + T}),
    )
    for name, s, sign, order, C, whole in cases:
        h = [sign * H, -sign * H]
        points = [*(-x / y for x, y in zip(h, s, strict=True)), sympy.Integer(0)]
        found = RHO * residual_square([*s, sympy.Integer(-1)], points, order)
        proof.equal(f"F for two neurons, {name}", (found - C * H**3).subs(whole), 0)
        # q = a₂ b₁ − a₁ b₂ has the derivative −2 a₁ a₂ ρ₀ ∫ r between p₁ and p₂, and h = a₁ a₂ q/|a|².
        pulled = 2 * a1 * a2 * RHO * between([*s, sympy.Integer(-1)], points, order, 0, 1)
        change = -a1 * a2 * pulled / (a1**2 + a2**2)
        proof.equal(f"the flow of h, {name}", (change + sign * rate(C, a1, a2) * H**2).subs(whole), 0)
    prove_pull(proof)
    K, t, step = sympy.symbols("K t epsilon", positive=True)
    half = {RHO: sympy.Rational(1, 2)}
    proof.equal("K by default", rate(both, a1, a2).subs(half), a1**2 * a2**2 / (2 * S * T * (a1**2 + a2**2)))
    proof.equal("t³ L by default", (both / K**3).subs(half), 1 / (6 * S * T * K**3))
    proof.equal("h = 1/(K t)", (1 / (K * t)).diff(t), -K * (1 / (K * t)) ** 2)
    # 1/(h − ε h²) = 1/h + ε + ε² h/(1 − ε h), times h − ε h², which is not 0 for small h.
    small = step * H
    proof.equal("the steps of h", (1 - small) * (1 + small) + small**2, sympy.Integer(1))


def prove_pull(proof: Proof) -> None:
    """Prove that the derivatives by the biases differ by the residual between the breakpoints."""
    w, d = sympy.symbols("w_1:3", positive=True), sympy.symbols("d_1:3", positive=True)
    a, c = sympy.symbols("a_1:3", real=True), sympy.Symbol("c", real=True)
    for name, signs in (("p₁ < 0 < p₂", (1, -1)), ("p₂ < 0 < p₁", (-1, 1))):
        b = [sign * x for sign, x in zip(signs, d, strict=True)]
        p = [-x / y for x, y in zip(b, w, strict=True)]
        left, right = (0, 1) if signs[0] > 0 else (1, 0)
        line = [a[j] * (w[j] * X + b[j]) for j in (0, 1)]
        pieces = (
            (p[left], sympy.Integer(0), c + line[left]),
            (sympy.Integer(0), p[right], c + line[left] - X),
            (p[right], sympy.Integer(1), c + line[0] + line[1] - X),
        )
        total = [sympy.integrate(sympy.expand(r), (X, *ends)) for *ends, r in pieces]
        # ∂L/∂b_j = a_j ∫ r over x > p_j, as the density is 1/2.
        by = {left: a[left] * sum(total), right: a[right] * total[2]}
        whole = sympy.Rational(1, 2) * (
            sympy.integrate(c**2, (X, -1, p[left]))
            + sum(sympy.integrate(sympy.expand(r**2), (X, *ends)) for *ends, r in pieces)
        )
        derived = [signs[j] * whole.diff(d[j]) for j in (0, 1)]
        proof.equal(f"a₂ ∂L/∂b₁ − a₁ ∂L/∂b₂, the derivatives, {name}", derived, [by[0], by[1]])
        mean = (total[0] + total[1]) * (1 if left == 0 else -1)
        proof.equal(f"a₂ ∂L/∂b₁ − a₁ ∂L/∂b₂, {name}", a[1] * by[0] - a[0] * by[1], a[0] * a[1] * mean)


def prove_more(proof: Proof) -> None:
    """Prove degree and derivatives of F for three neurons in every order of their breakpoints and 0."""
    s = [*sympy.symbols("s_1:4", nonzero=True), sympy.Integer(-1)]
    h = sympy.symbols("h_1:4", real=True)
    tau = sympy.Symbol("tau", positive=True)
    points = [*(-x / y for x, y in zip(h, s[:3], strict=True)), sympy.Integer(0)]
    for order in permutations(range(4)):
        name = " < ".join("0" if i == 3 else f"p{i + 1}" for i in order)
        value = RHO * residual_square(s, points, list(order))
        scaled = value.subs({x: tau * x for x in h}, simultaneous=True)
        proof.equal(f"F is homogeneous, {name}", scaled, tau**3 * value)
        # The integral ends at the last point, P, and r_h(P) = Σ (s_k P + h_k) − P = 0 on Σ s = 1, Σ h = 0.
        last = points[order[-1]]
        rest = sum(y * last + x for x, y in zip(h, s[:3], strict=True)) - last
        for i, j in ((0, 1), (1, 2)):
            change, moved = (y.diff(h[i]) - y.diff(h[j]) for y in (value, last))
            wanted = 2 * RHO * between(s, points, list(order), i, j) + RHO * rest**2 * moved
            proof.equal(f"its derivatives, {name}", change, wanted)
    F, size = sympy.symbols("F N", positive=True)
    proof.equal("F = −2 G at a critical point", (F + 2 * (F - size / 2)).subs(size, 3 * F), 0)


def determinant(functions: list[list[Expr]], cuts: list[Expr]) -> Expr:
    """Return the Gram determinant of functions given by their expressions in every cell."""
    rows = [
        [
            sum(
                (
                    sympy.integrate(sympy.expand(a * b), (X, *cell))
                    for a, b, cell in zip(f, g, pairwise(cuts), strict=True)
                ),
                sympy.Integer(0),
            )
            for g in functions
        ]
        for f in functions
    ]
    return sympy.factor(sympy.Matrix(rows).det())


def prove_others(proof: Proof) -> None:
    """Prove that four functions are independent, by their Gram determinants on [−1, 1]."""
    left, zero, one = sympy.Integer(-1), sympy.Integer(0), sympy.Integer(1)
    # |p| in (0, 1) written as t/(1 + t), t > 0, so that signs are decided by the coefficients.
    t = sympy.Symbol("t", positive=True)
    p = t / (1 + t)
    for name, at, facing in (("p > 0, to the right", p, 1), ("p > 0, to the left", p, -1),
                             ("p < 0, to the right", -p, 1), ("p < 0, to the left", -p, -1),
                             ("p = 0, to the left", zero, -1)):  # fmt: skip
        cuts = sorted({left, zero, one, at}, key=lambda x: float(x.subs(t, 1)))
        middle, own, count = cuts.index(zero), cuts.index(at), len(cuts) - 1

        def on(value: Expr, begin: int, end: int, count: int = count) -> list[Expr]:
            return [value if begin <= i < end else sympy.Integer(0) for i in range(count)]

        neuron = on(X - at, own, count) if facing > 0 else on(at - X, 0, own)
        functions = [on(X, middle, count), on(one, middle, count), on(one, 0, count), neuron]
        value = sympy.factor(determinant(functions, cuts))
        proof.holds(f"Gram determinant, {name}", bool(value.is_positive))
    four = [[X, X], [one, one], [X, zero], [one, zero]]
    value = determinant(four, [left, zero, one])
    proof.holds("Gram determinant, x, 1 and their left halves", bool(value.is_positive))


def prove_fading(proof: Proof) -> None:
    """Prove the loss and the flow of a neuron beside its end, at u = 0 and inputs on [−1, 1]."""
    w, z = sympy.symbols("w zeta", positive=True)
    a, y = sympy.Symbol("a", nonzero=True), sympy.Symbol("y", positive=True)
    half = sympy.Rational(1, 2)
    line, width = z - w * y, z / w  # y = |x − e|, e x + 1 = 2 − y
    loss = half * sympy.integrate(sympy.expand((a * line) ** 2), (y, 0, width))
    proof.equal("the neuron that fades, its loss", loss, a**2 * z**3 / (6 * w))
    change = -2 * a * half * sympy.integrate(sympy.expand(a * line * (2 - y)), (y, 0, width))
    slow = -(a**2) * z**2 / w
    proof.equal("the neuron that fades, its flow", change, slow + a**2 * z**3 / (6 * w**2))
    K, t = sympy.symbols("K t", positive=True)
    limit = loss.subs(z, 1 / (K * t)).subs(K, a**2 / w) * t**3
    proof.equal("the neuron that fades, the limit", limit, w**2 / (6 * a**4))


def formulas() -> tuple[tuple[str, Expr], ...]:
    """Return the limits for two neurons and default inputs."""
    a1, a2, s1, s2, K, t, L = sympy.symbols("a_1 a_2 s_1 s_2 K t L", positive=True)
    return (
        ("On the kernel", sympy.Eq(L, H**3 / (6 * s1 * s2))),
        ("Flow of h", sympy.Eq(sympy.Symbol("h'"), -K * H**2)),
        ("Its constant", sympy.Eq(K, a1**2 * a2**2 / (2 * s1 * s2 * (a1**2 + a2**2)))),
        ("Limit of the loss", sympy.Eq(t**3 * L, 1 / (6 * s1 * s2 * K**3))),
        ("If one fades", sympy.Eq(t**3 * L, sympy.Symbol("w_2") ** 2 / (6 * a2**4))),
    )


if __name__ == "__main__":
    raise SystemExit(main(globals()))

"""Observation 3: SiLU recovers, after a long wait (w1 = w2 = 1, b1 = 0, b2 = −2; teacher SiLU(x)).

What is proved of the wait and of the spikes that follow stands in ``derivations/20_waiting_and_spikes.py``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gradflow.descent import train_arrays
from gradflow.field import gradient, hessian
from gradflow.field.baselines import best_line
from gradflow.neuron.problem import Neuron, Problem
from gradflow.study.claims.evidence import count, largest
from gradflow.study.claims.ledger import Finding, by_rule
from gradflow.study.claims.single_neuron.settings import ADAM, SAMPLE, first_step
from gradflow.study.claims.single_neuron.silu import (
    LEVEL,
    SILU_POPULATION,
    SILU_SAMPLE,
    START,
    AdamRun,
    adams_wait,
    critical_points,
    length,
    run,
    settings,
    shown,
)
from gradflow.study.claims.words import each, finding
from gradflow.theory.saddle import Critical, negative_directions, search
from gradflow.theory.waiting import Plateau, least_wait, line_at_infinity, plateau, predicted_wait

# Read off the post's figure, log10 of the loss to about 0.05: on the plateau, after the drop, before the
# spikes.
PUBLISHED_LOG10_LOSS = {2000: -2.4, 6600: -4.7, 13000: -8.0}
PUBLISHED_DROP = (6200, 6600)
"""The steps between which the loss of the figure drops."""

CLOSE = 0.1
"""The relative error up to which a wait counts as predicted."""

LONGEST_WAIT = 11_000
"""The steps of the runs from other b2."""

QUICK_GRID, GRID = 9, 40
"""So many w1 and b1 each are searched from for critical points."""


def recovers(quick: bool) -> Finding:
    """Train from b2 = −2 with SiLU and with ReLU, and look for other minima."""
    steps = length(quick)
    values: dict[str, Any] = {}
    for label, problem, dtype in settings(quick):
        done = run(problem, dtype, steps)
        last = search(done.theta[:, -1], problem)
        values[label] = {
            "log10_loss": {step: float(np.log10(done.loss[step])) for step in PUBLISHED_LOG10_LOSS},
            "smallest_loss": float(np.min(done.loss)),
            "loss_at_the_end": float(done.loss[-1]),
            "squared_rounding_unit": float(np.finfo(dtype).eps) ** 2,
            "distance_from_the_teacher": _distance(done.theta[:, -1], problem),
            "minimum_near_the_end": _described(last),
            "distance_of_that_minimum": _distance(last.theta, problem),
        }
    relu_steps = 500 if quick else 2000
    relu = train_arrays(START, SAMPLE, ADAM, relu_steps, events=False, first_change=False)
    # The teacher, the best of them, is left out; further ones with its loss would be as good.
    points = critical_points(SILU_SAMPLE, *((QUICK_GRID, 100) if quick else (GRID, 300)))
    traps = [p for p in points if p["negative_eigenvalues"] == 0 and p["loss"] > 1e-9]
    comes = all(
        v["smallest_loss"] < 1e-8
        and v["minimum_near_the_end"]["found"]
        and v["distance_of_that_minimum"] < 1e-6
        for v in values.values()
    )
    precise = all(v["smallest_loss"] <= v["squared_rounding_unit"] for v in values.values())
    label, first = next(iter(values.items()))
    minimum = first["minimum_near_the_end"]
    at = " and ".join(
        f"({each('{0:.3f}', p['theta'])}) with the loss {p['loss']:.2e} and a smallest eigenvalue of {p['smallest_eigenvalue']:.1e}"
        for p in traps
    )
    return finding(
        by_rule(refuted=not comes, conditional=not precise or traps),
        "From b2 = -2 the SiLU neuron {comes} back under Adam, the ReLU neuron is at {relu_loss:.5f} after {relu_steps} steps (best line {relu_best_line:.5f}). log10 of the loss is {ours} "
        f"({label}; the figure shows {{published}}; largest deviation {{largest_deviation:.2f}}). {{precise}} within {steps} steps: the smallest loss is {{smallest}}, where the squared rounding unit is {np.finfo('float32').eps ** 2:.0e} and {np.finfo('float64').eps ** 2:.0e}; "
        f"the Hessian's smallest eigenvalue at the minimum is {minimum['eigenvalues'][0]:.1e}, and Newton's method from the last state reaches a loss of {minimum['loss']:.0e}. {{others}}.",
        {
            "settings": values,
            "published_log10_loss": PUBLISHED_LOG10_LOSS,
            "largest_deviation": max(
                abs(first["log10_loss"][k] - v) for k, v in PUBLISHED_LOG10_LOSS.items()
            ),
            "relu_loss": float(relu.loss[-1]),
            "relu_best_line": float(best_line(SAMPLE).loss),
            "other_minima": traps,
        },
        comes="comes" if comes else "does not come",
        relu_steps=relu_steps,
        ours=each("{0:.2f} at {label}", first["log10_loss"]),
        published=each("{0}", PUBLISHED_LOG10_LOSS.values()),
        precise="To machine precision it comes" if precise else "Not to machine precision",
        smallest=each("{smallest_loss:.1e} ({label})", values),
        others=f"And not from everywhere: Newton's method finds {len(traps)} other minim{'um' if len(traps) == 1 else 'a'}, at (w1, b1, w2, b2) = {at}"
        if traps
        else "No other minimum was found",
    )


def saddle(quick: bool) -> Finding:
    """Look for the saddle from the plateau, on which the neuron is close to a line."""
    problems = {"100 inputs": SILU_SAMPLE} | ({} if quick else {"population": SILU_POPULATION})
    values = {
        label: _plateau(run(problem, "float64", length(quick)), problem, quick)
        for label, problem in problems.items()
    }
    if not all(v["waits"] for v in values.values()):
        return finding("refuted", "There is no plateau: the loss passes it at once.", {"settings": values})
    found, minima = (sum(v[of] for v in values.values()) for of in ("saddles_found_near", "minima_found"))
    steady = all(v["gradient_falls_as_proved"] for v in values.values())
    first = values["100 inputs"]
    away = first["towards_infinity"]
    wide = () if quick else critical_points(SILU_SAMPLE, GRID, 300)
    return finding(
        by_rule(reproduced=found, conditional=steady, open=True),
        "{begin}It waits: {wait} steps of Adam on 100 inputs between the best line's loss {v[best_line]:.3e} and "
        f"{LEVEL:g}, halfway at {{v[loss_halfway]:.2e}}. {{newton}} On the plateau the gradient is at least {{least}}, with a negative eigenvalue in {{v[states_with_a_negative_eigenvalue]}} of {{v[states_searched_from]}} states, down to {min(first['smallest_eigenvalues']):.1e}. "
        "What it is close to lies at infinity: the neurons with dL/dw1 = dL/db1 = 0 are a surface over w1 and b1, from which the state behind the first tenth of the plateau, with w1 = {v[w1]:.2f} and b1 = {v[b1]:.2f}, is {v[distance_from_the_surface]:.0e} away; along it, with this b1 "
        "and w1 = {w1} the gradient falls to {gradient} while w2 grows to {w2} and the output tends to the best line{proved}{wide}",
        {"settings": values, "critical_points": wide},
        v=first,
        begin=""
        if found or not steady
        else "If a critical point at infinity counts as a saddle: at a finite one it does not. ",
        wait=first["exit"] - first["entry"],
        newton=f"Newton's method from states of the plateau finds a saddle {found} times."
        if found
        else f"Newton's method finds no saddle from {each('{states_searched_from} states of the plateau ({label})', values)} (it runs away, to w1 = {first['smallest_w1_of_the_searches']:.2f} here, or comes to a minimum, {minima} times).",
        least=each("{least_gradient_on_the_plateau:.1e} ({label})", values),
        w1=each("{label}", away),
        gradient=each("{gradient:.1e}", away),
        w2=each("{w2:.0f}", away),
        proved=" (derivation 20, part 1)." if steady else ", not at the rate of derivation 20.",
        wide="" if quick else f" A search over |w1| <= 4, |b1| <= 8 finds {', '.join(map(_kind, wide))}.",
    )


LONG = 10.0
"""A wait is very long if it is so many times as long as everything else that brings the loss below
`LEVEL`."""


def waiting(quick: bool) -> Finding:
    """Compare the wait with the rest of the way down, and with what is predicted from the state at its
    begin."""
    flows: dict[str, Any] = {}
    for b2 in (-2.0, -3.0) if quick else (-1.5, -2.0, -2.5, -3.0, -4.0):
        line = float(best_line(SILU_POPULATION).loss)
        found: Plateau = plateau(Neuron(b2=b2), SILU_POPULATION, LEVEL, line, 1e5)
        flows[f"{b2:g}"] = {
            "entry": found.entry,
            "measured": found.exit - found.entry,
            "predicted": predicted_wait(found.start, SILU_POPULATION, LEVEL),
            "cannot_be_less_than": least_wait(found.start, found.end, line, LEVEL),
        }
    adams: dict[str, Any] = {}
    cases: list[tuple[str, Problem, float]] = [("100 inputs", SILU_SAMPLE, START.b2)]
    if not quick:
        cases += [("population", SILU_POPULATION, START.b2)]
        cases += [(f"100 inputs, b2 = {b2:g}", SILU_SAMPLE, b2) for b2 in (-1.5, -2.5, -3.0)]
    for label, problem, b2 in cases:
        # The other claims' run where it is the same.
        steps = length(quick) if b2 == START.b2 else LONGEST_WAIT
        adams[label] = adams_wait(run(problem, "float64", steps, START._replace(b2=b2)), problem)
    post = adams["100 inputs"]
    if post["measured"] is None:
        says = f"The loss does not fall from that of the best line to {LEVEL:g} within the run."
        return finding("open", says, {"flow": flows, "adam": adams})
    rows = [*flows.values(), *adams.values()]
    errors = [abs(row["predicted"] / row["measured"] - 1.0) if row["measured"] else np.inf for row in rows]
    worst, of_post, least = float(np.max(errors)), _times(post), min(map(_times, rows))
    memory = _memory(post, quick) if of_post >= LONG else {}
    times = {f"flow, b2 = {b2}": _times(v) for b2, v in flows.items()}
    times |= {f"Adam, {label}": _times(v) for label, v in adams.items()}
    return finding(
        by_rule(refuted=of_post < LONG, conditional=least < LONG),
        f"From b2 = {START.b2:g} Adam's loss passes that of the best line at step {{post[entry]}} and {LEVEL:g} at step {{post[exit]}} (the figure: on the plateau until about 5000, dropping between {PUBLISHED_DROP[0]} and {PUBLISHED_DROP[1]}): the wait is {of_post:.0f} times as long as the "
        f"way to it, {post['measured'] / post['exit']:.0%} of the steps. Very long is {LONG:g} times; it is, at other b2 and under the flow as well, {{times}}. The slow flow that keeps slope and intercept predicts the wait from the state at its begin {{within}} {100 * worst:.1f}%: under the "
        "flow {of_flows}; in steps of Adam, with its v decaying by 0.999, {of_adams}.{memory}",
        {
            "flow": flows,
            "adam": adams,
            "wait_over_the_way_to_it": of_post,
            "least_of_all": least,
            "largest_relative_error": worst,
            "published_drop": PUBLISHED_DROP,
            "begun_anew": memory,
        },
        post=post,
        times=each("{0:.1f} ({label})", times),
        within="within" if worst < CLOSE else "only within",
        of_flows=each("{predicted:.0f} for {measured:.0f} (b2 = {label})", flows),
        of_adams=", ".join(
            f"{v['predicted']:.0f} for {shown(v['measured'])} ({label})" for label, v in adams.items()
        ),
        memory=f" Adam waits for its own memory: with the v of step {post['entry']} unchanged it would take {post['predicted_with_v_unchanged']:.0f} steps, and an Adam that begins anew at the state of step {memory['at_step']} takes {shown(memory['steps'])} instead of {post['exit'] - memory['at_step']}."
        if memory
        else "",
    )


def _times(entry: dict[str, Any]) -> float:
    """Return how many times as long as the way to the plateau the wait on it is."""
    return float(entry["measured"] / entry["entry"]) if entry["measured"] and entry["entry"] else 0.0


def _memory(post: dict[str, Any], quick: bool) -> dict[str, Any]:
    """Start Adam anew from a state behind the transient, without its memory, and count its steps."""
    begin = 2 * post["entry"]
    state = run(SILU_SAMPLE, "float64", length(quick)).theta[:, begin]
    new = train_arrays(state, SILU_SAMPLE, ADAM, 1000, record_every=1, events=False, first_change=False)
    return {"at_step": begin, "steps": first_step(np.asarray(new.loss) < LEVEL)}


def _plateau(done: AdamRun, problem: Problem, quick: bool) -> dict[str, Any]:
    """Return what surrounds the plateau of a run."""
    line = float(best_line(problem).loss)
    entry, leaves = first_step(done.loss < line), first_step(done.loss < LEVEL)
    if entry is None or leaves is None or leaves - entry < 500:
        return {"waits": False, "entry": entry, "exit": leaves}
    # Behind the first tenth slope and intercept have settled.
    inner = np.linspace(entry + (leaves - entry) // 10, leaves, 4 if quick else 16).astype(int)
    states = done.theta[:, inner]
    ended = search(states, problem, steps=250 if quick else 2500)
    theta, down = np.asarray(ended.theta), np.asarray(negative_directions(ended))
    near = ended.found & (down > 0) & (np.max(np.abs(theta - states), axis=0) < 1.0)
    lowest = np.linalg.eigvalsh(np.moveaxis(np.asarray(hessian(states, problem)), 2, 0))[:, 0]
    w1, b1 = (float(value) for value in states[:2, 0])
    here = np.array([float(value) for value in line_at_infinity(b1, w1, problem)])
    away = {}
    for small in (1e-1, 1e-2, 1e-3):
        neuron = line_at_infinity(b1, small, problem)
        away[f"{small:g}"] = {
            "w2": float(neuron.w2),
            "gradient": float(np.linalg.norm(np.asarray(gradient(neuron, problem)))),
        }
    falls = [v["gradient"] / float(at) ** 2 for at, v in away.items()]
    return {
        "waits": True,
        "entry": entry,
        "exit": leaves,
        "best_line": line,
        "loss_halfway": float(done.loss[(entry + leaves) // 2]),
        "least_gradient_on_the_plateau": float(np.min(done.speed[entry:leaves])),
        "states_searched_from": int(inner.size),
        "saddles_found_near": count(near),
        "minima_found": count(ended.found & (down == 0)),
        "smallest_w1_of_the_searches": float(np.min(np.abs(theta[0]))),
        "states_with_a_negative_eigenvalue": count(lowest < 0.0),
        "smallest_eigenvalues": lowest.tolist(),
        "w1": w1,
        "b1": b1,
        "distance_from_the_surface": largest(states[:, 0] - here),
        "towards_infinity": away,
        "gradient_falls_as_proved": max(falls) < 2.0 * min(falls),
    }


def _kind(point: dict[str, Any]) -> str:
    n = point["negative_eigenvalues"]
    name = f"a saddle with {n} negative eigenvalue{'s' if n > 1 else ''}" if n else "a minimum"
    return f"{name} at the loss {point['loss']:.2e}"


def _distance(theta: Any, problem: Problem) -> float:
    return largest(np.asarray(theta) - np.array([float(value) for value in problem.teacher]))


def _described(found: Critical) -> dict[str, Any]:
    return {
        "found": bool(found.found),
        "theta": found.theta,
        "loss": float(found.loss),
        "gradient": float(found.residual),
        "eigenvalues": found.eigenvalues,
    }

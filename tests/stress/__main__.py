"""Stress, apart from the suite: `python -m tests.stress KIND COUNT [SEED]`.

kills   COUNT kills of workers and of whole runs during sweeps (`tests/cli/test_killed_sweeps_go_on.py`)
lines   COUNT random command lines (`tests/cli/test_any_command_line_is_survived.py`)
calls   COUNT hostile calls of the library (`tests/hostile.py`)
starts  COUNT random starts of the flow against a plain integrator (`tests/stress/plain.py`)
claims  COUNT cases against what theorems say of them (`tests/theory/attack.py`)

Prints what is wrong as it is found, then one line with the count; exit code 1 if anything was.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from gradflow.flow import integrate
from gradflow.flow.ensemble import integrate_ensemble
from gradflow.neuron.problem import Neuron, Problem, Uniform
from tests.cli import test_any_command_line_is_survived as cli
from tests.cli.command import files_below
from tests.hostile import calls as hostile_calls
from tests.hostile import fault as fault_of
from tests.stress.plain import Starts, flow, random_starts
from tests.test_hostile_calls_are_answered import FUNCTIONS, NAMES
from tests.theory.attack import attack

A_SEED = 6
"""Kills in the tests of one seed, on average."""
LONGEST = 10.0
"""Seconds of a processor that a command line may take."""
T_END, STEPS, CHUNK = 2.0, (200, 1600, 12_800, 102_400), 4096
CLOSE = 1e-5
"""The difference of two flows, relative to 1 + |θ|, that is none."""


def kills(count: int, seed: int) -> Iterator[str]:
    """Run the tests of kills with more seeds; they are always the first ones."""
    seeds = -(-count // A_SEED)
    path = Path(__file__).parents[1] / "cli" / "test_killed_sweeps_go_on.py"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "slow or not slow"]
    told = {**os.environ, "GRADFLOW_KILLS": str(seeds)}
    done = subprocess.run([*command, str(path)], env=told, check=False)
    if done.returncode:
        yield "kills: see above"


def lines(count: int, seed: int) -> Iterator[str]:
    """Run random command lines in an empty folder each, to hold only what they were told to write."""
    draw = random.Random(seed)
    for _ in range(count):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            os.chdir(folder)
            arguments = cli.line(draw, folder)
            begin = time.process_time()
            wrong = cli.fault(arguments)
            spent = time.process_time() - begin
            left = [file for file in files_below(folder) if ".gradflow-" in file]
            os.chdir("/")
        if wrong or left or spent > LONGEST:
            yield f"{arguments}: {wrong or left or f'{spent:.1f} s'}"


def calls(count: int, seed: int) -> Iterator[str]:
    """Call everything public with hostile arguments."""
    for call in hostile_calls({**NAMES, **FUNCTIONS}, count, seed):
        if wrong := fault_of(call):
            yield f"{call}: {wrong}"


def starts(count: int, seed: int) -> Iterator[str]:
    """Compare the flow with plain steps.

    A step over the edge of the input, or past w1 = b1 = 0, kills a neuron that the flow does not kill. The
    few that still differ with short steps are compared with the flow of one trajectory.
    """
    few = 0
    for k in range(0, count, CHUNK):
        given = random_starts(min(CHUNK, count - k), seed + k)
        ours = integrate_ensemble(given.theta, problem_of(given), T_END, rtol=1e-10, backend="numba")
        left = np.arange(given.theta.shape[1])
        for steps in STEPS:
            plain = flow(given.at(left), T_END, steps)
            left = left[~(distance(ours.final[:, left], plain) < CLOSE) | (ours.t[left] != T_END)]
        few += left.size
        for i in left:
            one = given.at(i)
            run = integrate(Neuron(*one.theta), problem_of(one), T_END, rtol=1e-11)
            error = distance(ours.final[:, i], np.array(run.last.theta))
            if not error < CLOSE or ours.t[i] != T_END:
                yield f"start {k + i} of seed {seed}: differs by {error:.1e}, t = {ours.t[i]}"
    print(f"starts: {few} were too near death for plain steps")


def problem_of(given: Starts) -> Problem:
    """Return the problems of starts."""
    return Problem(Neuron(*given.teacher), Uniform(*given.ends))


def distance(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """Return the differences of parameters, relative to 1 + |θ|."""
    # What plain steps lead to infinity is NaN, which is not close to anything.
    with np.errstate(invalid="ignore"):
        return np.asarray(np.max(np.abs(one - two) / (1.0 + np.abs(two)), axis=0))


def claims(count: int, seed: int) -> Iterator[str]:
    """Attack what theorems say."""
    _, _, shown = attack(count, seed)
    yield from shown


KINDS: dict[str, Callable[[int, int], Iterator[str]]] = {
    **{"kills": kills, "lines": lines, "calls": calls, "starts": starts, "claims": claims}
}


def main(arguments: list[str]) -> int:
    """Do what is asked; return the exit code."""
    if len(arguments) not in (2, 3) or arguments[0] not in KINDS:
        print(__doc__, file=sys.stderr)
        return 2
    kind, count, seed = arguments[0], int(arguments[1]), int(arguments[2]) if len(arguments) == 3 else 0
    found = 0
    for line in KINDS[kind](count, seed):
        found += 1
        print(line, flush=True)
    print(f"{kind}: {count}, seed {seed}: {found} wrong", flush=True)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

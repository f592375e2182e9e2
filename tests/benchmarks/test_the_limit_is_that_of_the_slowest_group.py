"""The limit of a kernel counts its own instructions."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest

pytest.importorskip("numba")

import gradflow as gf
from benchmarks import steps
from benchmarks.assembly import UNREAD, instructions
from benchmarks.harness import Contender, Measured
from benchmarks.limits import LANES, MEASURES, Program, limit, work
from benchmarks.rows.adam import recorded
from benchmarks.table import Line, of_the_time
from gradflow.flow.compiled import layout
from gradflow.flow.tableau import FIFTH, STAGES, STEP, THIRD

EACH = dict(zip(MEASURES, (8.0, 4.0, 1.0, 1.0, 2.0), strict=True))


def test_groups_are_added_up() -> None:
    program = Program(Counter(sqrt=2, div=3, mul=5, add=4, select=1), loads=6, stores=7)
    assert limit(program, EACH) == {"divider": 28.0, "arithmetic": 10.0, "memory": 14.0}


def test_statements_and_stores_are_read_with_the_numbers_that_they_take() -> None:
    text = """
_body:
	vmovupd	(%rdi), %ymm0
	vandpd	%ymm1, %ymm0, %ymm0
	vdivpd	32(%rdi), %zmm2, %zmm3
	vcmplepd	%ymm4, %ymm5, %ymm6
	sqrtsd	%xmm0, %xmm1
	vmovupd	%ymm0, 64(%rdi,%rax,8)
	vmovapd	%ymm0, %ymm1
	addq	$4, %rax
"""
    assert list(instructions(text)) == [
        ("load", 4),
        ("and", 4),
        ("div", 8),
        ("load", 8),
        ("cmple", 4),
        ("sqrt", 1),
        ("store", 4),
    ]


def test_a_share_is_of_the_least_time() -> None:
    line = Line("adam", "fused", "limit", math.nan, math.nan, math.nan, 0.65, math.nan, 0.0, unit="%")
    told = of_the_time(line, 2.0, Measured(Contender("gradflow", "", "", {}), seconds=(8.0, 4.0, 5.0)), "why")
    assert (told.low, told.value, told.high, told.note) == (0.25, 0.5, 0.5, "why")


READ = pytest.mark.skipif(bool(UNREAD), reason=UNREAD)


@READ
@pytest.mark.slow
def test_adam_takes_one_root_a_parameter_and_more_quotients() -> None:
    program = recorded("adam")
    assert program.statements["sqrt"] == 4
    assert program.statements["div"] >= 5  # four steps, one breakpoint
    assert min(program.loads, program.stores) >= 12  # parameters and both moments
    assert recorded("gd").statements["sqrt"] == 0


@READ
@pytest.mark.slow
def test_a_trial_takes_five_roots_and_a_quotient_a_velocity() -> None:
    program = steps.counted()
    # In the norm, in the next step's size, and of the speed.
    assert program.statements["sqrt"] == 5
    assert program.statements["div"] >= 12 + 5
    # A row of the tableau is as many products as it has entries that are not zero.
    entries = sum(len(row) for row in (*STAGES, FIFTH, THIRD)) + len(STEP)
    assert program.statements["mul"] >= 4 * entries


@pytest.mark.slow
def test_a_trial_is_a_step_of_the_flow() -> None:
    rows, _ = steps.block(layout.W)
    t = rows[layout.H * layout.W]
    z_lo, z_hi, w2, b2 = steps.trials(2)()
    run = gf.gradient_flow(gf.Neuron(*steps.START), t_end=t, rtol=1e-12).isel(time=-1)
    for trial, flow in ((z_lo, run.b1 - run.w1), (z_hi, run.b1 + run.w1), (w2, run.w2), (b2, run.b2)):
        np.testing.assert_allclose(trial, float(flow), rtol=1e-10)


@pytest.mark.parametrize("name", MEASURES)
def test_every_kernel_does_its_work(name: str) -> None:
    data = np.linspace(1.0, 2.0, 3 * LANES)
    expected = data.copy()
    first, last = expected[:LANES], expected[2 * LANES :]
    if name == "sqrt":
        for shift in (0.9, 0.8, 0.7, 0.6) * 2:
            first[:] = np.sqrt(first + shift)
    elif name == "div":
        for top, shift in ((1.4, 0.9), (1.5, 0.8), (1.6, 0.7), (1.7, 0.6)) * 2:
            first[:] = top / (first + shift)
    elif name == "memory":
        last[:] = first
    else:
        chains = np.stack([first, first + 0.1, first + 0.2, first + 0.3])
        slopes = np.array([[0.7], [0.8], [0.6], [0.9]])
        for _ in range(6):
            chains = chains * slopes + (1.0 - slopes)
        first[:] = np.sum(chains, axis=0)
    work(name).kernel(data, 1)
    np.testing.assert_allclose(data, expected, rtol=1e-14)


def test_operations_are_instructions_of_all_threads() -> None:
    kernel = work("sqrt")
    assert kernel.operations(2) == 2 * 8 * LANES * kernel.rounds

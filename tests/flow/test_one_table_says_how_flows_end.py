"""A status code means the same in whatever integrates a flow, and no result is called running."""

from __future__ import annotations

from types import ModuleType

import pytest

from gradflow.field.kinds import PLAIN
from gradflow.flow import STATUSES, batch_step, ensemble, integrate, lanes, of_kind, reference, status
from gradflow.flow.compiled import crossing, driver, run
from gradflow.neuron.problem import Neuron, Problem
from gradflow.runs import gradient_flow

CODES = {name: code for name, code in vars(status).items() if name.isupper() and isinstance(code, int)}


def test_every_status_has_one_code_and_one_name() -> None:
    assert sorted(CODES.values()) == [-1, *range(len(STATUSES))]
    assert len(set(STATUSES)) == len(STATUSES)


@pytest.mark.parametrize("module", [reference, lanes, batch_step, ensemble, of_kind, crossing, driver, run])
def test_no_integrator_has_codes_of_its_own(module: ModuleType) -> None:
    used = {name: code for name, code in vars(module).items() if name in CODES}
    assert used
    assert used == {name: CODES[name] for name in used}
    assert getattr(module, "STATUSES", STATUSES) is STATUSES


def test_the_same_end_has_the_same_code() -> None:
    start, t_end = Neuron(b2=-1.2), 5.0
    codes = (
        integrate(start, Problem(), t_end).status,
        int(gradient_flow(start, t_end=t_end)["status"]),
        int(ensemble.integrate_ensemble(start, Problem(), t_end).status),
        int(of_kind.flow(PLAIN, start, Problem(), t_end).status),
    )
    assert set(codes) == {status.REACHED}
    left = (
        integrate(start, Problem(), t_end, max_steps=2).status,
        int(ensemble.integrate_ensemble(start, Problem(), t_end, max_steps=2).status),
        int(of_kind.flow(PLAIN, start, Problem(), t_end, max_steps=2).status),
    )
    assert set(left) == {status.TOO_MANY_STEPS}

"""Which walls a step may have touched is seen alike of one trajectory, of many, and with SciPy's cubics."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.interpolate import BPoly

from gradflow.flow import ensemble
from gradflow.flow.batch_step import near_wall, sides
from gradflow.flow.compiled.step import is_near
from gradflow.flow.lanes import preactivations, walls
from tests.flow.ensemble.cases import batch


def test_the_same_walls_are_near(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those not cleared by a quarter of what the cubic's Bernstein coefficients span."""
    seen: list[tuple[bool, bool]] = []

    def noted(setting: Any, lanes: Any, trial: Any) -> Any:
        found = near_wall(setting, lanes, trial)
        side, bounds = sides(setting, lanes.cell), walls(np, lanes.terms, lanes.cell)
        before, after = (preactivations(lanes.terms, y) for y in (lanes.y, trial.y))
        first, last = (preactivations(lanes.terms, v) for v in (lanes.f, trial.stages[-1]))
        for lane in np.flatnonzero((trial.h > 0.0) & (trial.error < 1.0)):
            h = float(trial.h[lane])
            near = {"cubic": False, "compiled": False}
            for i in np.flatnonzero(bounds[:, lane]):
                z0, z1, v0, v1 = (float(values[i][lane]) for values in (before, after, first, last))
                s, lowest = side[i, lane], trial.lowest[i, lane]
                spanned = s * BPoly.from_derivatives([0.0, h], [[z0, v0], [z1, v1]]).c[:, 0]
                near["cubic"] |= min(spanned.min(), lowest) <= 0.25 * np.ptp(spanned)
                near["compiled"] |= is_near(z0, z1, v0, v1, h / 3.0, s, lowest)
            seen.append((bool(found[lane]), near["cubic"]))
            assert near["compiled"] == found[lane]
        return found

    monkeypatch.setattr(ensemble, "near_wall", noted)
    cases = batch(200, 3)
    cases.theta[:2] *= 10.0 ** np.random.default_rng(0).uniform(-3.0, 0.0, 200)
    ensemble.integrate_ensemble(cases.theta, cases.problem, 0.5, rtol=1e-4, backend="numpy")
    found, expected = np.array(seen).T
    assert 0.05 < np.mean(found) < 0.95
    assert np.mean(found != expected) < 1e-3

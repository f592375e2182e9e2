"""Regions over basins: what is proved lies inside what is simulated, and all of it is in the legend."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest
import xarray as xr

from gradflow.base.scripts import load_script, script_paths
from gradflow.ends.decision import THEOREMS
from gradflow.ends.outcome import GLOBAL, LINEAR, UNDECIDED
from gradflow.field import gradient
from gradflow.study.figures import DOUBLE, Diagram, Layer, Panel, Series, phase_diagram, proved_regions
from tests.study.figures.examples import overhang, texts

SCRIPTS = {path.stem: path for path in script_paths("plots")}


@pytest.fixture(scope="module", name="proved")
def proved_script() -> ModuleType:
    return load_script(SCRIPTS["08_proved_regions"])


@pytest.fixture(scope="module", name="steps")
def steps_script() -> ModuleType:
    return load_script(SCRIPTS["09_steps_that_kill"])


@pytest.mark.slow
def test_proofs_do_not_contradict_the_simulation(proved: ModuleType) -> None:
    # On coarser squares the signs prove every cell that a tube does.
    n = 80
    assert proved.contradictions(n) == 0
    # Most of what theorems leave is enclosed.
    assert proved.share_of(None, proved.with_enclosures(n), n) > 0.8
    # Every theorem that decides has its look.
    names = {THEOREMS[i] for _, theorems in proved.decisions(n) for i in np.unique(theorems) if i}
    assert names <= set(proved.LOOKS)
    later = [proved.share_of(None, codes, n) for codes, _ in proved.decisions(n)]
    assert later == sorted(later)
    assert later[0] > 0.35
    assert later[-1] > 0.99
    # A cell that tubes prove contains only starts that stay.
    assert np.all(proved.stays(n)[proved.tubes(n)])
    assert np.sum(proved.tubes(n)) > 0
    assert np.all(proved.stays(n)[proved.tubes_of_starts(n)])
    # Tubes were tried on starts that leave.
    assert np.any(proved.candidates(n) & ~proved.stays(n))
    with_tubes = proved.with_tubes(n)
    assert proved.share_of(LINEAR, with_tubes, n) > proved.share_of(LINEAR, proved.decisions(n)[0][0], n)


@pytest.mark.slow
def test_a_wrong_proof_would_be_counted(proved: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    n = 12
    codes, theorems = proved.decisions(n)[-1]
    assert GLOBAL in codes
    wrong = np.where(codes == GLOBAL, np.int8(LINEAR), codes)
    monkeypatch.setattr(proved, "decisions", lambda n: [(wrong, theorems)])
    monkeypatch.setattr(proved, "tubes", lambda n: np.zeros((n, n), dtype=bool))
    assert proved.contradictions(n) == np.sum(codes == GLOBAL)


def test_the_first_step_kills_the_exact_set(steps: ModuleType) -> None:
    n = 24
    for name, (method, rate) in steps.PANELS.items():
        if method != "gd":
            continue
        simulated, exact = steps.killed_at_once(name, n), steps.exact_set(rate, n)
        np.testing.assert_array_equal(simulated, exact, err_msg=name)
    assert np.any(steps.exact_set(0.5, n))
    assert not np.any(steps.extinct(steps.FLOW, n))


@pytest.mark.slow
def test_what_ends_at_the_constant_was_killed_or_fades(steps: ModuleType) -> None:
    n = 24
    for name, (method, _) in steps.PANELS.items():
        if method != "flow":
            both = steps.killed(name, n) | steps.faded(name, n)
            np.testing.assert_array_equal(both, steps.extinct(name, n), err_msg=name)
    name = "GD 0.3"
    killed, faded, rest = steps.killed(name, n), steps.faded(name, n), steps.extinct(name, n)
    assert not np.any(killed & faded)
    assert np.all(killed[steps.killed_at_once(name, n)])
    # Followed step by step: to be killed is to be carried across the end by more than rounding.
    theta, jumped = np.stack(np.broadcast_arrays(*steps.starts(n))), np.zeros((n, n), dtype=bool)
    for _ in range(steps.STEPS):
        new = theta - 0.3 * gradient(theta)
        before, after = (np.maximum(t[1] - t[0], t[1] + t[0]) for t in (theta, new))
        jumped |= (before > 1e-12) & (after <= 0.0)
        theta = new
    np.testing.assert_array_equal(killed, jumped & rest)
    assert np.any(faded)
    # They approach the end of the input from inside, with an output that they want to lower there.
    assert np.all(theta[2][faded] < 0.0)


def plane(values: np.ndarray) -> xr.DataArray:
    n, k = values.shape
    return xr.DataArray(values, {"x": np.arange(n), "y": np.arange(k)}, ["x", "y"])


def example() -> Diagram:
    codes = np.full((6, 4), UNDECIDED, dtype=np.int8)
    codes[:3] = GLOBAL
    mask = codes == GLOBAL
    layers = [Layer("filled", plane(mask), "#123456"), Layer("hatched", plane(~mask), hatch="//")]
    return Diagram("one", plane(codes), (2.0,), [*layers, Layer("framed", plane(mask), outline="#000000")])


def test_layers_are_drawn_and_named() -> None:
    shares = Panel([Series("all", np.array([0.1, 1.0]), np.array([0.2, 0.9]))], "shares")
    for figure in (
        phase_diagram([example()], xlabel="x", ylabel="y"),
        proved_regions([example(), example()], shares, xlabel="x", ylabel="y"),
    ):
        assert {"filled", "hatched", "framed", "undecided", "one"} <= set(texts(figure))
        # What is under a filling is not in the legend.
        assert "global" not in texts(figure)
        assert figure.get_size_inches()[0] == DOUBLE
        assert overhang(figure) < 0.5


def test_what_cannot_be_drawn_is_refused() -> None:
    good = example()
    line = plane(np.zeros((3, 3), dtype=bool))[0]
    with pytest.raises(ValueError, match="masks of layers must have two dimensions"):
        phase_diagram([good._replace(layers=[Layer("line", line)])], xlabel="x", ylabel="y")
    for times, values, message in (
        ([0.0, 1.0], [0.1, 0.2], "expected times > 0"),
        ([1.0, 2.0], [0.1, 1.2], "expected shares between 0 and 1"),
    ):
        shares = Panel([Series("all", np.array(times), np.array(values))])
        with pytest.raises(ValueError, match=message):
            proved_regions([good], shares, xlabel="x", ylabel="y")

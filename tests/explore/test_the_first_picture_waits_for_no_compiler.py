"""Pictures are drawn by code that is there; what is not is compiled meanwhile, and both are the same."""

from __future__ import annotations

from threading import Event

import numpy as np
import pytest

pytest.importorskip("bokeh")

from gradflow.compiled import jit
from gradflow.compiled.jit import NotKeptError
from gradflow.explore import ahead
from gradflow.explore.frames import Picture, picture
from gradflow.explore.presets import PRESETS, Preset
from gradflow.explore.state import State
from gradflow.explore.tasks import is_general
from gradflow.explore.trajectories import runs
from gradflow.networks.line import fast as fast_code

STATE = State(t_end=1.0, backdrop="loss")


@pytest.fixture(name="asked")
def compiler(monkeypatch: pytest.MonkeyPatch) -> list[State]:
    """Let nothing be compiled, and note what is asked for."""
    asked: list[State] = []
    told = Event()

    def compiles(state: State) -> None:
        asked.append(state)
        told.set()

    def draws(state: State, *, plain: bool = False) -> Picture:
        assert plain or not told.is_set()
        if not plain:
            raise NotKeptError("not compiled yet")
        found = picture(state, plain=True)
        assert told.wait(30.0)
        return found

    monkeypatch.setattr(ahead, "compile_for", compiles)
    monkeypatch.setattr(ahead, "picture", draws)
    return asked


def test_it_is_drawn_and_a_compiler_asked(asked: list[State]) -> None:
    found = ahead.picture_at_once(STATE)
    assert [run.name for run in found.runs] == ["flow", "gd", "adam"]
    assert asked == [STATE]


def test_one_compiles_at_a_time_and_a_failure_is_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    begun: list[State] = []

    def draws(state: State) -> None:
        begun.append(state)
        ahead.compile_for(state)
        raise RuntimeError("no compiler today")

    monkeypatch.setattr(ahead, "picture", draws)
    ahead.compile_for(STATE)
    assert begun == [STATE]
    assert "no compiler today" in caplog.text


def test_what_is_plain_compiles_nothing_however_much_there_is_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    network = State((1.0, -0.5), (0.1, 0.4), (0.6, 0.8), 0.2, target="abs", lr=0.1, t_end=1.0)
    assert is_general(network)

    def compiled(*_: object, **__: object) -> None:
        raise AssertionError("compiled")

    monkeypatch.setattr(jit, "compiled", compiled)
    monkeypatch.setattr(fast_code, "WORTH", 1)
    monkeypatch.setattr(fast_code, "_loaded", {})
    for state in (network, STATE):
        assert [run.name for run in picture(state, plain=True).runs] == ["flow", "gd", "adam"]
    with pytest.raises(AssertionError, match="compiled"):
        picture(network)


@pytest.mark.slow
@pytest.mark.parametrize("one", PRESETS, ids=[one.key for one in PRESETS])
def test_without_compiled_code_it_is_the_same(one: Preset) -> None:
    for state in (one.state, one.saved):
        if state.activation == "silu" or state.t_end > 500.0:
            continue
        for fast, plain in zip(runs(state), runs(state, plain=True), strict=True):
            assert (fast.name, fast.outcome, fast.decided_by) == (plain.name, plain.outcome, plain.decided_by)
            np.testing.assert_allclose(fast.t, plain.t, rtol=1e-12)
            np.testing.assert_allclose(fast.theta, plain.theta, rtol=1e-6, atol=1e-6)
            np.testing.assert_allclose(fast.loss, plain.loss, rtol=1e-6, atol=1e-9)

"""`--hyper NAME=X` takes true and false in every spelling, where a hyper-parameter is one or the other."""

from __future__ import annotations

import numpy as np
import pytest

import gradflow as gf
from gradflow.cli.steps import parse_hyper
from gradflow.descent import OPTIMIZERS
from gradflow.descent.optimisers.hyper import Flag
from gradflow.descent.optimisers.registry import _RULES
from tests.cli.command import answer

FLAGS = [
    (name, field)
    for name, config in OPTIMIZERS.items()
    for field, limit in _RULES[config].limits.items()
    if isinstance(limit, Flag)
]
WORDS = {
    "true": True,
    "True": True,
    "yes": True,
    "1": True,
    "false": False,
    "FALSE": False,
    "no": False,
    "0": False,
}


@pytest.mark.parametrize(("name", "field"), FLAGS)
@pytest.mark.parametrize(("word", "value"), WORDS.items())
def test_every_flag(name: str, field: str, word: str, value: bool) -> None:
    assert parse_hyper([f"{field}={word}"]) == {field: value}


def test_it_reaches_the_optimiser(capsys: pytest.CaptureFixture[str]) -> None:
    line = ("train", "--b2", "-1", "--optimizer", "rmsprop", "--steps", "20", "--hyper", "centered=True")
    expected = gf.train(gf.Neuron(b2=-1.0), gf.Problem(), gf.RMSProp(lr=0.01, centered=True), 20)
    assert answer(capsys, *line)["loss"] == float(expected["loss"][-1])
    assert answer(capsys, *line[:-2])["loss"] != float(expected["loss"][-1])


def test_numbers_stay_numbers() -> None:
    parsed = parse_hyper(["beta1=1", "eps=0"])
    assert parsed == {"beta1": 1.0, "eps": 0.0}
    assert not any(isinstance(value, (bool, np.bool_)) for value in parsed.values())

"""A row of a table is a claim; its finding says what its evidence has, and one rule gives its verdict."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest

from gradflow.study.claims import Finding, check
from gradflow.study.claims.documents import LEDGER
from gradflow.study.claims.evidence import count, largest, median, plain, share
from gradflow.study.claims.ledger import by_rule, rows, throughout
from gradflow.study.claims.words import each, finding


class Seen(NamedTuple):
    """A row of evidence."""

    rate: float
    back: int


def checker(level: float, name: str, quick: bool) -> Finding:
    """Return what it was called with."""
    return finding("open", "{name} at {level:g}, {how}.", {"level": level, "name": name}, how=str(quick))


def test_a_row_has_its_checker_and_the_checkers_parameters() -> None:
    table = (("a", "Title", "So.", checker, 0.5, "x"), ("b", "Title", "Or so?", checker, 2.0, "y"))
    first, second = rows(*table, runs="r")
    assert (first.id, first.source, first.claim, first.runs) == ("a", "Title", "So.", "r")
    record = check(second, quick=True).record()
    assert record["source"] == "Title"
    assert record["evidence"] == {"summary": "y at 2, True.", "level": 2.0, "name": "y"}
    assert check(first).finding.summary == "x at 0.5, False."


def test_sources_are_titles() -> None:
    titles = (
        "Training dynamics of a single ReLU neuron", "Learning rate and dead ReLU", "Dying ReLU",
        "Early neuron alignment in two-layer ReLU networks",
    )  # fmt: skip
    others = {claim.source for claim in LEDGER if not claim.source.startswith(titles)}
    assert others == {
        "Asked here",
        "Boursier, Flammarion, arXiv:2401.10791",
        "Boursier, Pillaud-Vivien, Flammarion, arXiv:2206.00939",
        "Chistikov, Englert, Lazić, arXiv:2306.06479",
        "Maennel, Bousquet, Gelly, arXiv:1803.08367",
        "Cheridito, Jentzen, Rossmannek, arXiv:2103.10922",
        "Xu, Du, Over-parameterization exponentially slows down gradient descent for learning a single "
        "neuron, arXiv:2302.10034",
        "Asked here of Training dynamics of a single ReLU neuron, for networks",
        "Christof, Kowalczyk, On the omnipresence of spurious local minima in certain neural network "
        "training problems, arXiv:2202.12262",
        "Eberle, Jentzen, Riekert, Weiss, Existence, uniqueness, and convergence rates for gradient flows "
        "in the training of artificial neural networks with ReLU activation, arXiv:2108.08106",
        "Holzmüller, Steinwart, Training two-layer ReLU networks with gradient descent is inconsistent, "
        "arXiv:2002.04861",
        "Jentzen, Riekert, arXiv:2108.04620",
        "Jentzen, Riekert, Non-convergence to global minimizers for Adam and stochastic gradient descent "
        "optimization, arXiv:2402.05155; Do, Hannibal, Jentzen, arXiv:2410.10533",
        "Williams and others, Gradient dynamics of shallow univariate ReLU networks, NeurIPS 2019, "
        "arXiv:1906.07842",
        "Mulayoff, Michaeli, Soudry, The implicit bias of minima stability: a view from function space, "
        "NeurIPS 2021; Qiao and others, arXiv:2406.06838",
    }
    assert not any("seed" in f"{claim.source} {claim.claim}".lower() for claim in LEDGER)


def test_the_first_condition_that_holds_gives_the_verdict() -> None:
    assert by_rule(open=0, refuted=[], conditional=False) == "reproduced"
    assert by_rule(open=0, refuted=[1], conditional=True) == "refuted"
    assert by_rule(conditional=True, refuted=True) == "conditional"
    with pytest.raises(TypeError, match="no verdict 'proved'"):
        by_rule(proved=True)


@pytest.mark.parametrize(
    ("cases", "expected"),
    [([True, 1], "reproduced"), ([True, False], "conditional"), ([False, 0], "refuted"), ([], "refuted")],
)
def test_a_universal_sentence(cases: list[bool], expected: str) -> None:
    assert throughout(cases) == expected
    assert throughout(cases, tried=False) == "open"


def test_rows_are_told_one_after_the_other() -> None:
    seen = {"GD": Seen(0.1, 3), "Adam": Seen(0.2, 4)}
    assert each("{back} under {label} at {rate:g}", seen, "; ") == "3 under GD at 0.1; 4 under Adam at 0.2"
    assert each("{back}", [{"back": 1}, {"back": 2}], " and ") == "1 and 2"
    assert each("{0:.1f} ({label})", {"a": 1.0}) == "1.0 (a)"
    assert each("{0}", [], none="none") == "none"


def test_evidence_is_plain_and_without_what_is_no_number() -> None:
    values = {
        1: Seen(np.float64(0.5), 2),
        "a": np.array([1.0, 2.0]),
        "b": np.nan,
        "c": None,
        "d": {"e": np.inf},
    }
    assert plain(values) == {"1": {"rate": 0.5, "back": 2}, "a": [1.0, 2.0]}
    assert type(plain(np.bool_(True))) is bool
    assert (count([True, False, True]), share([True, False]), median([3, 1, 2]), largest([-3, 2])) == (
        2,
        0.5,
        2.0,
        3.0,
    )


def test_a_template_that_names_what_is_not_there_is_an_error() -> None:
    with pytest.raises(KeyError, match="missing"):
        finding("open", "{missing}", {"a": 1})


def test_a_template_that_does_not_fit_is_no_open_claim() -> None:
    def unfit(quick: bool) -> Finding:
        return finding("open", "{a:.1%}", {"a": "x"})

    (claim,) = rows(("a", "Title", "So.", unfit))
    with pytest.raises(TypeError, match="Unknown format code '%'"):
        check(claim)
    with pytest.raises(TypeError, match="Unknown format code '%'"):
        each("{0:.1%}", ["x"])


def test_what_is_not_so_is_said_in_the_same_words() -> None:
    assert finding("refuted", "All {n} die.", {"n": 3}, so=0.0).summary == "Not so: All 3 die."
    assert finding("reproduced", "All {n} die.", {"n": 3}, so=[1]).summary == "All 3 die."

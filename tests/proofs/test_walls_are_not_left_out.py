"""Where a derivation needs a sign on cells and on the walls between them, the script decides it on both."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import pytest

from gradflow.proofs.cells import cells, crossing_walls
from gradflow.proofs.proof import Proof


@pytest.mark.slow
def test_a_balanced_neuron_with_no_output_weight_is_excluded_on_cells_and_walls(
    load: Callable[[str], ModuleType],
) -> None:
    module, proof = load("critical_points"), Proof()
    module.prove(proof)
    decided = {check.case for check in proof.checks if check.claim.startswith("w2 = 0: ∂L/∂w2 has one sign")}
    balanced = {cell.place.name for cell in cells() if cell.student.sign and cell.teacher != module.DEAD}
    walls = {wall.place.name for wall in crossing_walls()}
    assert len(walls) == 4
    assert decided == balanced | walls

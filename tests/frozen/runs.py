"""What is frozen: the table of all runs, a row a run."""

from __future__ import annotations

from tests.frozen import flows, judgements, networks, studies, training
from tests.frozen.tasks import Run

PARTS = (
    *(flows.fields, flows.flows, flows.ensembles, training.commands, training.batches),
    *(judgements.theorems, judgements.ends, networks.alignment, networks.deep),
    *(studies.claims, studies.symbolic),
)

RUNS: tuple[Run, ...] = tuple(run for part in PARTS for run in part())

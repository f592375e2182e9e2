"""Claims, and what checking one returns.

One rule gives every verdict, computed from the evidence:

* A universal sentence ("never", "keeps", "is more likely": it speaks of every case) is *reproduced* if no
  case that was tried is against it. One counterexample makes it *conditional* if it holds throughout under a
  condition that the summary states with its numbers, and *refuted* if no such condition was found, or if the
  source itself names the case in which it fails.
* An existential sentence ("can", "may", "sometimes", "not always") is *reproduced* by one witness, however
  rare, and *refuted* if none was found where one was looked for.
* A sentence of several parts is worth what its weakest part is worth; of alternatives ("or"), its strongest.
* Where a theorem settles a part, the summary names it, and no verdict waits for what it excludes; numbers
  that contradict a theorem leave the claim *open*.
* What was not tested is *open*: too few cases, or a quick run without what decides.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, NamedTuple

from gradflow.base.checks import nearest, shown
from gradflow.study.claims.shared import Work

Verdict = Literal["reproduced", "conditional", "refuted", "open"]
VERDICTS: tuple[Verdict, ...] = ("reproduced", "conditional", "refuted", "open")


@dataclass(frozen=True)
class Finding:
    """The finding of a check.

    Parameters
    ----------
    verdict : str
        'reproduced'; 'conditional' (holds under the conditions the summary states); 'refuted';
        'open' (the check could not decide); given by the rule at the top of this module.
    summary : str
        The finding in a sentence or two, with its numbers and conditions.
    values : dict
        The numbers themselves, computed; published ones carry names that start with "published".
    """

    verdict: Verdict
    summary: str
    values: dict[str, Any] = field(default_factory=dict)


def nothing(quick: bool) -> tuple[Work, ...]:
    """Return no work."""
    return ()


@dataclass(frozen=True)
class Claim:
    """A sentence of a source document, and the function that checks it.

    Parameters
    ----------
    id : str
        Short and stable; scripts refer to it.
    source : str
        Where the claim stands.
    claim : str
        What it says.
    check : callable
        ``check(quick) -> Finding``; a pure function. `quick` asks for coarser sweeps.
    needs : callable
        ``needs(quick)``: the work that takes its time, which other processes may do before.
    runs : str
        Claims of the same name look at the same runs, which are remembered: they are best checked one
        after the other in one process.
    whole : callable, optional
        ``whole() -> Finding``: the check with as many runs as its source has, where `check` takes fewer.
    """

    id: str
    source: str
    claim: str
    check: Callable[[bool], Finding]
    needs: Callable[[bool], tuple[Work, ...]] = nothing
    runs: str = ""
    whole: Callable[[], Finding] | None = None


def rows(*entries: tuple[Any, ...], runs: str = "") -> tuple[Claim, ...]:
    """Return the claims of a table's rows: id, source, sentence, checker, and its parameters before `quick`."""
    return tuple(
        Claim(name, source, sentence, partial(checker, *parameters) if parameters else checker, runs=runs)
        for name, source, sentence, checker, *parameters in entries
    )


def by_rule(**cases: object) -> Verdict:
    """Return the first verdict whose condition holds, in the order given; reproduced if none does.

    Raises
    ------
    TypeError
        If a case is named otherwise than a verdict.

    Examples
    --------
    >>> by_rule(open=False, refuted=not [], conditional=True)
    'refuted'
    """
    known = {str(verdict): verdict for verdict in VERDICTS}
    for case in cases:
        if case not in known:
            raise TypeError(f"cases: no verdict {case!r}; choose from {', '.join(VERDICTS)}")
    return next((known[case] for case, holds in cases.items() if holds), "reproduced")


def throughout(cases: Iterable[object], *, tried: object = True) -> Verdict:
    """Return the verdict on a sentence about every case: it holds in all, in some, in none.

    Examples
    --------
    >>> throughout([True, False])
    'conditional'
    """
    holds = [bool(case) for case in cases]
    return by_rule(open=not tried, refuted=not any(holds), conditional=not all(holds))


def weakest(*parts: Verdict) -> Verdict:
    """Return what a sentence of several parts is worth: refuted before open, conditional and reproduced.

    Examples
    --------
    >>> weakest("reproduced", "conditional")
    'conditional'
    """
    order: tuple[Verdict, ...] = ("refuted", "open", "conditional", "reproduced")
    return min(parts, key=order.index)


class Untestable(NamedTuple):
    """A sentence that no computation can decide, and why."""

    source: str
    sentence: str
    reason: str


@dataclass(frozen=True)
class Checked:
    """A claim with its finding and the seconds it took."""

    claim: Claim
    finding: Finding
    seconds: float

    def record(self) -> dict[str, Any]:
        """Return the entry of ``claims.json``."""
        return {
            **describe(self.claim),
            "verdict": self.finding.verdict,
            "evidence": {"summary": self.finding.summary, **self.finding.values},
            "seconds": round(self.seconds, 3),
        }


def describe(claim: Claim) -> dict[str, str]:
    """Return id, source and claim."""
    return {"id": claim.id, "source": claim.source, "claim": claim.claim}


def check(claim: Claim, *, quick: bool = False, whole: bool = False) -> Checked:
    """Check one claim; a check that cannot be carried out leaves it open, with the reason.

    With `whole` a claim that has a larger check takes that.
    """
    begin = time.perf_counter()
    try:
        finding = claim.whole() if whole and claim.whole is not None else claim.check(quick)
    except (ValueError, ArithmeticError) as error:
        finding = Finding("open", f"The check could not be carried out: {' '.join(str(error).split())}.")
    return Checked(claim, finding, time.perf_counter() - begin)


def select(claims: Iterable[Claim], ids: Iterable[str]) -> list[Claim]:
    """Return the claims with these ids, in the ledger's order; all if none are named.

    What stands before the dot of ids, as "obs1", names all claims of that document.

    Raises
    ------
    ValueError
        If an id is unknown.
    """
    known, wanted = list(claims), list(ids)
    names = dict.fromkeys(name for claim in known for name in (claim.id, _document(claim)))
    unknown = [name for name in wanted if name not in names]
    if unknown:
        guess = nearest(unknown[0], names)
        raise ValueError(f"only: no claim {shown(unknown[0])}{guess or ';'} --list shows all")
    return [claim for claim in known if not wanted or {claim.id, _document(claim)} & {*wanted}]


def _document(claim: Claim) -> str:
    return claim.id.partition(".")[0]

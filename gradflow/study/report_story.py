"""The story that the report tells before its ledger: ten questions, what the sources say, what was found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from typing import Any, NamedTuple


class Question(NamedTuple):
    """A question that claims answer.

    Attributes
    ----------
    asks : str
        The question.
    answer : str
        What holds if the claims have the verdicts in `claims`.
    claims : mapping of str to str
        The verdicts by claim; the first claim's finding is told in full.
    figure : str
        The script of the figure that shows it, or nothing.
    """

    asks: str
    answer: str
    claims: Mapping[str, str]
    figure: str = ""


STORY = (
    Question(
        "How low may the output bias start?",
        "There is a threshold below which the neuron becomes a line. It belongs to the dynamics, not to "
        "the problem: Adam loses starts that the gradient flow brings home.",
        {"obs1.threshold": "conditional", "obs1.works": "reproduced", "obs1.stuck": "reproduced"},
        "01_loss",
    ),
    Question(
        "What kills a neuron?",
        "Steps do, the gradient flow does not. From the starts of the post the flow never kills, which is proved; of "
        "one step of gradient descent the rates that kill form an interval with a closed form.",
        {
            "theory.large-b2": "conditional",
            "theory.large-rate": "reproduced",
            "obs1.large-b2": "conditional",
            "obs2.gd": "conditional",
        },
        "09_steps_that_kill",
    ),
    Question(
        "Does a dead neuron stay dead?",
        "By its own gradient it does, exactly. Left-over momentum, decay of its bias and layers before it bring some "
        "back; a gradient from upstream that moves its own bias does not exist.",
        {
            "dead.recovers": "reproduced",
            "theory.irreversibility": "conditional",
            "dead.bias-upstream": "refuted",
        },
        "12_upstream",
    ),
    Question(
        "Does a line stay a line?",
        "It depends on the method. Gradient descent is trapped on the best line; Adam comes to rest at no minimum, and "
        "may leave it again after thousands of quiet steps.",
        {"theory.after-the-end": "conditional"},
        "20_adam_after_the_end",
    ),
    Question(
        "Do the numbers of the article's example agree?",
        "No. The gradient that is to move the bias is zero, and the steps given do not belong to one gradient.",
        {"dead.case2-bias": "refuted", "dead.case1-bias": "refuted", "dead.case1-negligible": "refuted"},
    ),
    Question(
        "Does a smooth activation save the neuron?",
        "From the start of the figure it does, after a plateau of thousands of steps; not from every start, and not "
        "to machine precision in the time shown.",
        {"obs3.recovers": "conditional", "obs3.waiting": "reproduced", "obs3.saddle": "conditional"},
        "11_silu",
    ),
    Question(
        "What keeps a neuron from getting stuck?",
        "Most of all another way of writing it down: decay of b′ in w(x + b′), or a breakpoint that is kept inside the "
        "input. Which is best depends on the method and the teacher.",
        {
            "q1.parametrisation": "reproduced",
            "q2.something-better": "conditional",
            "q2.silu-better": "conditional",
        },
        "14_remedies",
    ),
    Question(
        "Do 20 to 40 % of a deep network's units die?",
        "In some settings, not in most: the share is a matter of depth, width, rate and start, and part of it is dead "
        "at birth.",
        {
            "depth.20-40-percent": "reproduced",
            "depth.width": "conditional",
            "depth.born-dead": "reproduced",
            "depth.never-recovers": "conditional",
        },
        "13_dying_in_depth",
    ),
    Question(
        "Do neurons turn to the data before they grow?",
        "They do, within the proved time, which does not depend on how small the start is. On images the phases are "
        "seen although the hypothesis of the theorem does not hold there.",
        {
            "align.time": "reproduced",
            "align.epsilon": "reproduced",
            "align.two-phases": "conditional",
            "align.mnist-assumption": "refuted",
        },
        "16_alignment_in_the_plane",
    ),
    Question(
        "Do more neurons learn one neuron faster?",
        "Slower: one neuron learns another exponentially, more of them at the rate T⁻³, and some starts end where no "
        "neuron is left to help.",
        {"networks.cubic": "reproduced", "networks.minima": "reproduced"},
        "21_networks_learn_the_absolute_value",
    ),
)

Claims = list[dict[str, Any]]


def told(claims: Claims) -> list[Question]:
    """Return the questions of which a document has the first claim."""
    there = {entry["id"] for entry in claims}
    return [question for question in STORY if next(iter(question.claims)) in there]


def story(
    claims: Claims,
    figure: Callable[[str], str],
    prose: Callable[[str], str],
    badge: Callable[[str], str],
) -> list[str]:
    """Return the story's HTML; empty if the document has none of its claims.

    Parameters
    ----------
    claims : list of dict
        Those of the document.
    figure : callable
        HTML of a script's figure, empty if it is not drawn.
    prose, badge : callable
        HTML of a sentence and of a verdict.
    """
    by = {entry["id"]: entry for entry in claims}
    body = []
    for number, question in enumerate(told(claims), start=1):
        own = [by[name] for name in question.claims if name in by]
        differs = [entry["id"] for entry in own if entry["verdict"] != question.claims[entry["id"]]]
        answer = question.answer
        if differs:
            answer = f"This run does not settle it as the full study does: see {', '.join(differs)}."
        rows = "".join(
            f"<li>{badge(entry['verdict'])}“{prose(entry['claim'])}” "
            f'<a href="#{escape(entry["id"])}"><code>{escape(entry["id"])}</code></a></li>'
            for entry in own
        )
        body.append(
            f'<section class="finding"><h3>{number}. {escape(question.asks)}</h3>'
            f'<p class="answer">{prose(answer)}</p><p class="says">The sources say</p><ul>{rows}</ul>'
            f'<p class="says">Found</p><p>{prose(own[0]["evidence"]["summary"])}</p>'
            f"{figure(question.figure)}</section>"
        )
    return body

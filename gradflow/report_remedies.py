"""The remedies in the report: one table, and one paragraph that says what to use."""

from __future__ import annotations

from html import escape
from typing import Any

from gradflow.claims.remedies.table import whole

NOTHING = "none"

KEY = (
    "Of all starts, the percentage that ends global, in bold, then linear / constant / undecided (diverged, "
    "if any, after a plus sign); below it the share rescued (+) and lost (−) beside no remedy, and the "
    "median time to L &lt; 1e-6 (steps; for the flow, time). A dash: the remedy changes nothing there."
)


def remedies(claims: list[dict[str, Any]]) -> list[str]:
    """Return the section's HTML; empty if no claim measured remedies."""
    rows = whole(claims)
    if not rows:
        return []
    methods = list(dict.fromkeys(row["method"] for row in rows))
    names = list(dict.fromkeys(row["remedy"] for row in rows))
    cells = {(row["remedy"], row["method"]): row for row in rows}
    head = "".join(f"<th>{escape(method)}</th>" for method in methods)
    body = "".join(
        f"<tr><td>{escape(name)}</td>"
        + "".join(f'<td class="number">{_cell(cells.get((name, method)))}</td>' for method in methods)
        + "</tr>"
        for name in names
    )
    return [
        "<h2>Remedies</h2>",
        f"<p>{advice(rows)}</p>",
        f"<p>{KEY}</p>",
        f"<table><thead><tr><th>Remedy</th>{head}</tr></thead><tbody>{body}</tbody></table>",
    ]


def advice(rows: list[dict[str, Any]]) -> str:
    """Return what to use, from the shares alone: the best of all, the best of each group, what harms."""
    base = {row["method"]: row["shares"]["global"] for row in rows if row["remedy"] == NOTHING}
    group = {row["remedy"]: row["group"] for row in rows}
    mean: dict[str, float] = {}
    least: dict[str, float] = {}
    for name in group:
        some = [row for row in rows if row["remedy"] == name and row["method"] in base]
        mean[name] = sum(row["shares"]["global"] for row in some) / len(some)
        least[name] = min(row["shares"]["global"] - base[row["method"]] for row in some)
    ranked = sorted((name for name in mean if name != NOTHING), key=mean.__getitem__, reverse=True)
    first = {group[name]: name for name in reversed(ranked)}
    worst = [name for name in reversed(ranked) if mean[name] < mean[NOTHING]]

    def told(name: str) -> str:
        return f"{escape(name)} ({100 * mean[name]:.0f} %{'' if least[name] < 0.0 else ', never worse'})"

    of_each = "; ".join(f"{escape(of)}: {told(name)}" for of, name in first.items())
    text = (
        f"Averaged over the methods ({', '.join(map(escape, base))}), {100 * mean[NOTHING]:.0f} % of the "
        f"starts end global without a remedy. Use, if the neuron may be changed: {told(ranked[0])}. The best "
        f"of each kind, by what it changes: {of_each}. "
    )
    if worst:
        text += f"Worse than nothing on average: {', '.join(map(escape, worst))}."
    return text


def _cell(row: dict[str, Any] | None) -> str:
    if row is None:
        return "–"
    share = {name: round(100 * value) for name, value in row["shares"].items()}
    time = row.get("median_time")
    diverged = f" + {share['diverged']}" if row["shares"]["diverged"] else ""
    after = "" if time is None else f", {time:.4g}"
    return (
        f"<b>{share['global']}</b> {share['linear']}/{share['constant']}/{share['undecided']}{diverged}<br>"
        f"<small>+{100 * row['rescued']:.0f} −{100 * row['lost']:.0f}{after}</small>"
    )

"""The remedies in the report: one table, and one paragraph that says what to use."""

from __future__ import annotations

from html import escape
from typing import Any

from gradflow.study.claims.remedies.table import whole

NOTHING = "none"

KEY = (
    "Of all starts, the percentage that ends global, in bold, then linear / constant / local / undecided, "
    "in brackets those at the penalised minimum (undecided, but with no more than 1.1 times the loss at "
    "which training from the teacher itself ends under the same decay), and after a plus sign those that "
    "diverged, if any; below it the share rescued (+) and lost (−) beside the control (no remedy, unless "
    "another is named), and the median time to L &lt; 1e-6 (steps; for the flow, time). A dash: the "
    "remedy changes nothing there. Each remedy has a row for each teacher (w<sub>1</sub>, b<sub>1</sub>, "
    "w<sub>2</sub>, b<sub>2</sub>); the last column is the mean share of global ends, the control's where "
    "there is a dash."
)

Row = dict[str, Any]


def remedies(claims: list[dict[str, Any]]) -> list[str]:
    """Return the section's HTML; empty if no claim measured remedies."""
    rows = whole(claims)
    if not rows:
        return []
    methods, teachers, names = (list(dict.fromkeys(row[key] for row in rows)) for key in _KEYS)
    cells = _cells(rows)
    head = "".join(f"<th>{escape(method)}</th>" for method in (*methods, "mean"))
    body = []
    for name in names:
        control = next(row["control"] for row in rows if row["remedy"] == name)
        beside = "" if control == NOTHING else f"<br><small>beside {escape(control)}</small>"
        for k, teacher in enumerate(teachers):
            first = f'<td rowspan="{len(teachers)}">{escape(name)}{beside}</td>' if k == 0 else ""
            row = "".join(
                f'<td class="number">{_cell(cells.get((name, teacher, method)))}</td>' for method in methods
            )
            mean = f'<td class="number"><b>{100 * means(rows)[name][teacher]:.0f}</b></td>'
            body.append(f"<tr>{first}<td>{escape(_minus(teacher))}</td>{row}{mean}</tr>")
    return [
        '<h2 id="remedies">Remedies</h2>',
        f"<p>{advice(rows)}</p>",
        f"<p>{KEY}</p>",
        f'<div class="wide"><table><thead><tr><th>Remedy</th><th>Teacher</th>{head}</tr></thead><tbody>{"".join(body)}</tbody></table></div>',
    ]


_KEYS = ("method", "teacher", "remedy")


def _cells(rows: list[Row]) -> dict[tuple[str, str, str], Row]:
    return {(row["remedy"], row["teacher"], row["method"]): row for row in rows}


def means(rows: list[Row]) -> dict[str, dict[str, float]]:
    """Return each remedy's share of global ends for each teacher, averaged over all methods.

    Where a remedy changes nothing it has its control's share.
    """
    cells = _cells(rows)
    methods, teachers, names = (list(dict.fromkeys(row[key] for row in rows)) for key in _KEYS)
    control = {row["remedy"]: row["control"] for row in rows}

    def share(name: str, teacher: str, method: str) -> float:
        row = cells.get((name, teacher, method)) or cells[control[name], teacher, method]
        return float(row["shares"]["global"])

    return {
        name: {t: sum(share(name, t, method) for method in methods) / len(methods) for t in teachers}
        for name in names
    }


def advice(rows: list[Row]) -> str:
    """Return what to use, by the smaller of the shares: the best of all and of each group, what harms."""
    mean, group = means(rows), {row["remedy"]: row["group"] for row in rows}
    methods, teachers = (list(dict.fromkeys(row[key] for row in rows)) for key in _KEYS[:2])
    least = {
        name: min(row["rescued"] - row["lost"] for row in rows if row["remedy"] == name) for name in mean
    }
    ranked = sorted(
        (name for name in mean if name != NOTHING), key=lambda n: min(mean[n].values()), reverse=True
    )
    first = {group[name]: name for name in reversed(ranked)}
    worst = [
        name
        for name in reversed(ranked)
        if any(mean[name][teacher] < mean[NOTHING][teacher] for teacher in teachers)
    ]

    def told(name: str) -> str:
        return f"{escape(name)} ({_shares(mean[name])}{'' if least[name] < 0.0 else ', never worse'})"

    of_each = "; ".join(f"{escape(of)}: {told(name)}" for of, name in first.items())
    text = (
        f"Averaged over the methods ({', '.join(map(escape, methods))}), {_shares(mean[NOTHING])} of the "
        "starts end global without a remedy, with the teachers "
        f"{' / '.join(escape(_minus(t)) for t in teachers)}; a remedy is ranked by the teacher with which it "
        "does worse. Use, if the neuron may be changed: "
        f"{told(ranked[0])}. The best of each kind, by what it changes: {of_each}. "
    )
    if worst:
        text += f"Worse than nothing with one of the teachers at least: {', '.join(map(escape, worst))}."
    return text


def _shares(mean: dict[str, float]) -> str:
    return " / ".join(f"{100 * share:.0f}" for share in mean.values()) + " %"


def _minus(text: str) -> str:
    return text.replace("-", "−")


def _cell(row: Row | None) -> str:
    if row is None:
        return "–"
    share = {name: round(100 * value) for name, value in row["shares"].items()}
    time = row.get("median_time")
    kept = f" [{share['penalised']}]" if row["shares"]["penalised"] else ""
    diverged = f" + {share['diverged']}" if row["shares"]["diverged"] else ""
    after = "" if time is None else f", {time:.4g}"
    others = f"{share['linear']}/{share['constant']}/{share['local']}/{share['undecided']}{kept}{diverged}"
    return (
        f"<b>{share['global']}</b> {others}<br>"
        f"<small>+{100 * row['rescued']:.0f} −{100 * row['lost']:.0f}{after}</small>"
    )

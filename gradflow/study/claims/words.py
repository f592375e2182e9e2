"""How findings say what was found: templates of `str.format`, filled with the evidence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gradflow.study.claims.evidence import plain
from gradflow.study.claims.ledger import Finding, Verdict


def finding(
    verdict: Verdict, says: str, values: Mapping[str, Any], *, so: object = True, **words: Any
) -> Finding:
    """Return a finding whose summary is `says`, filled with its values and with further words.

    What is found not to be so is said in the words of what was looked for, after "Not so: ".

    Examples
    --------
    >>> finding("reproduced", "Of {n} starts {back} {come} back.", {"n": 3, "back": 1}, come="comes").summary
    'Of 3 starts 1 comes back.'
    """
    return Finding(
        verdict, _filled(says if so else f"Not so: {says}", **{**values, **words}), plain(dict(values))
    )


def each(
    template: str, rows: Mapping[Any, Any] | Iterable[Any], sep: str = ", ", none: str = "(none)"
) -> str:
    """Return a template filled with each row, one after the other.

    Rows are dicts or named tuples, whose fields the template names, or other values: `{0}`. Of a mapping, `{label}`
    is the row's name.

    Examples
    --------
    >>> each("{share:.0%} at rate {label}", {"0.1": {"share": 0.5}, "1": {"share": 1.0}})
    '50% at rate 0.1, 100% at rate 1'
    >>> each("{0:g}", [])
    '(none)'
    """
    named = rows.items() if isinstance(rows, Mapping) else (("", row) for row in rows)
    return (
        sep.join(_filled(template, row, **{"label": label, **_fields(row)}) for label, row in named) or none
    )


def _fields(row: Any) -> dict[str, Any]:
    if hasattr(row, "_asdict"):
        return dict(row._asdict())
    return row if isinstance(row, dict) else {}


def _filled(template: str, *values: Any, **named: Any) -> str:
    """Fill a template.

    One that does not fit is a mistake in the code, and no ValueError, which would leave the claim open.
    """
    try:
        return template.format(*values, **named)
    except ValueError as error:
        raise TypeError(f"{error}: {template!r}") from error

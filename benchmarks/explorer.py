"""How long the explorer takes from a click to the picture: `python -m benchmarks.explorer`.

The clock runs in the page: from the moment that the mouse's button is released to the frame in which all
curves of the new start are drawn. Beside it stands what the server computes of that. Needs the extra `test`,
and Chromium.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.machine import provenance
from gradflow.explore.edits import moved
from gradflow.explore.frames import picture
from gradflow.explore.state import State, query
from tests.explore.chromium import Browser, opened, programs, served

STATES = {
    "the first page": State(backdrop="loss"),
    "slow rate": State(lr=0.01, t_end=50.0, backdrop="loss"),
    "SiLU": State(activation="silu", lr=0.05, t_end=10.0, backdrop="loss"),
    "two neurons": State((1.0, 0.8), (0.2, -0.3), (0.6, 0.5), 0.1, lr=0.2, t_end=20.0),
}

LONGEST = 10.0
"""Seconds after which a click that nothing followed is made again, elsewhere."""

WATCH = """
const last = model('loss').renderers.map((one) => one.data_source)
  .filter((one) => one.data.loss && one.data.name).at(-1);
window.clicks = [];
document.addEventListener('pointerup', (event) => { window.begun = event.timeStamp; }, true);
last.properties.data.change.connect(() => {
  // The page's first picture, which may be late, is no click's.
  if (!window.begun) return;
  // Bokeh draws in the next frame, and is done in the one after it.
  requestAnimationFrame(() => requestAnimationFrame(
    () => { window.clicks.push(performance.now() - window.begun); }));
});
"""


def clicks(browser: Browser, url: str, count: int, draw: random.Random) -> list[float]:
    """Return the milliseconds of some clicks at random places, one after the other."""
    browser.go(url)
    browser.js(WATCH)
    done = 0
    while done < count:
        browser.click("diagram", draw.uniform(-2.0, 2.0), draw.uniform(-2.0, 2.0))
        end = time.monotonic() + LONGEST
        # On a busy machine a click may last so long that it is none.
        while done == (found := int(browser.js("return window.clicks.length"))) and time.monotonic() < end:
            time.sleep(0.02)
        done = found
    return [float(value) for value in browser.js("return window.clicks")]


def computed(state: State, count: int, draw: random.Random) -> list[float]:
    """Return the milliseconds of one core, whatever else it does, that pictures of random starts take."""
    found = []
    for _ in range(count):
        begin = time.process_time()
        picture(moved(state, draw.uniform(-2.0, 2.0), draw.uniform(-2.0, 2.0)))
        found.append(1000.0 * (time.process_time() - begin))
    return found


def told(values: Sequence[float]) -> dict[str, float]:
    """Return the median, the ninth tenth and the largest."""
    return {
        "median": round(float(np.median(values)), 1),
        "90%": round(float(np.quantile(values, 0.9)), 1),
        "largest": round(max(values), 1),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print a line for each state."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.explorer", description=__doc__)
    parser.add_argument("--clicks", type=int, default=30)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    if None in programs():
        print("Chromium or its driver is not installed", file=sys.stderr)
        return 2
    found: dict[str, Any] = {}
    with served() as server, opened() as browser:
        for name, state in STATES.items():
            url = f"http://127.0.0.1:{server.port}/?{query(state)}"
            draw = random.Random(1)
            # The first ones load and compile.
            picture(state)
            whole = clicks(browser, url, options.clicks + 3, draw)[3:]
            found[name] = {
                "click to picture, ms": told(whole),
                "of a core on the server, ms": told(computed(state, options.clicks, draw)),
            }
    if options.json:
        print(json.dumps({"machine": provenance(), "clicks": options.clicks, **found}, default=str))
        return 0
    for name, parts in found.items():
        for part, values in parts.items():
            numbers = "  ".join(f"{key} {value:7.1f}" for key, value in values.items())
            print(f"{name:<16}{part:<28}{numbers}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

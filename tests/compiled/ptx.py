"""A GPU on paper: the few instructions of PTX that the kernels have, carried out on NumPy's memory.

Whatever is not listed is refused, products fused with sums and approximations among them.
"""

from __future__ import annotations

import ctypes
import re
import struct
from collections.abc import Callable
from operator import add, and_, eq, ge, gt, le, lt, mul, ne, or_, sub, xor
from types import SimpleNamespace
from typing import Any

import numpy as np

KINDS: dict[str, Any] = {"f64": ctypes.c_double, "f32": ctypes.c_float, "u64": ctypes.c_int64}
NUMBERS: dict[str, Callable[[Any], Any]] = {"f64": np.float64, "f32": np.float32}
COMPARED = {"lt": lt, "le": le, "gt": gt, "ge": ge, "eq": eq, "ne": ne}


def unordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    """Return a comparison that holds where a number is NaN."""
    return lambda a, b: bool(a != a or b != b or compare(a, b))


OPERATIONS: dict[str, Callable[..., Any]] = {
    **{f"{of.__name__}.rn.f{bits}": of for of in (add, sub, mul) for bits in (32, 64)},
    **{f"div.rn.f{bits}": np.divide for bits in (32, 64)},
    **{f"sqrt.rn.f{bits}": np.sqrt for bits in (32, 64)},
    **{f"rcp.rn.f{bits}": lambda a: type(a)(1.0) / a for bits in (32, 64)},
    **{f"neg.f{bits}": lambda a: -a for bits in (32, 64)},
    **{f"abs.f{bits}": abs for bits in (32, 64)},
    **{f"setp.{name}.{kind}": of for name, of in COMPARED.items() for kind in ("s64", "f32", "f64")},
    **{f"setp.{name}u.f{bits}": unordered(of) for name, of in COMPARED.items() for bits in (32, 64)},
    **{f"selp.{kind}": lambda a, b, p: a if p else b for kind in ("f32", "f64", "s64", "u64", "b64")},
    **{f"mov.{kind}": lambda a: a for kind in ("u32", "u64", "f32", "f64")},
    **{f"{name}.pred": of for name, of in (("and", and_), ("or", or_), ("xor", xor))},
    "not.pred": lambda a: not a,
    "add.s64": add, "sub.s64": sub, "mul.lo.s64": mul, "mul.wide.s32": mul, "and.b64": and_,
    "shl.b64": lambda a, b: a << b, "shr.s64": lambda a, b: a >> b,
    "shr.u64": lambda a, b: a % 2**64 >> b, "cvt.s64.s32": int, "cvt.rzi.s64.f64": int,
    "cvta.to.global.u64": int, "cvt.rn.f64.s64": np.float64, "cvt.f64.f32": np.float64,
    "cvt.rn.f32.f64": np.float32,
}  # fmt: skip


class DriverError(RuntimeError):
    """A text that the driver refuses."""


class Kernel:
    """A kernel from its text, to be called with the blocks, their threads and the arguments."""

    def __init__(self, text: str) -> None:
        self.parameters = re.findall(r"\.param \.u64 (\w+)", text)
        body = re.sub(r"//.*", "", text[text.index("{") + 1 : text.rindex("}")])
        self.lines: list[tuple[str, str, list[str]]] = []
        self.labels: dict[str, int] = {}
        for line in filter(None, map(str.strip, body.splitlines())):
            if line.endswith(":"):
                self.labels[line[:-1]] = len(self.lines)
            elif not line.startswith(".reg"):
                guard, name, rest = re.fullmatch(r"(?:@(!?%p\d+) +)?([\w.]+)\s*(.*);", line).groups()  # type: ignore[union-attr]
                self.lines.append((guard or "", name, rest.split(", ")))

    def compile(self) -> None:
        """Do nothing: what is unknown is found when it is met."""

    def __call__(self, grid: tuple[int], block: tuple[int], given: tuple[Any, ...]) -> None:
        """Run one thread after the other."""
        arguments = [part.ctypes.data if isinstance(part, np.ndarray) else int(part) for part in given]
        places = dict(zip(self.parameters, arguments, strict=True))
        for i in range(grid[0]):
            for j in range(block[0]):
                self.thread({"%tid.x": j, "%ntid.x": block[0], "%ctaid.x": i, **places})

    def thread(self, known: dict[str, Any]) -> None:
        """Run one thread."""

        def value(text: str) -> Any:
            if text[:2] in ("0d", "0f"):
                return literal(text)
            return known[text] if text in known else int(text)

        def address(text: str) -> int:
            base, _, shift = text.strip("[]").partition("+")
            return int(known[base]) + int(shift or 0)

        at = 0
        while True:
            guard, name, parts = self.lines[at]
            at += 1
            if guard and known[guard.lstrip("!")] == guard.startswith("!"):
                continue
            operation, kind = name.split(".")[0], name.split(".")[-1]
            if operation == "ret":
                return
            if operation == "bra":
                at = self.labels[parts[0]]
            elif name == "ld.param.u64":
                known[parts[0]] = address(parts[1])
            elif name.startswith("ld.global."):
                found = KINDS[kind].from_address(address(parts[1])).value
                known[parts[0]] = NUMBERS.get(kind, int)(found)
            elif name.startswith("st.global."):
                KINDS[kind].from_address(address(parts[0])).value = value(parts[1])
            else:
                known[parts[0]] = OPERATIONS[name](*map(value, parts[1:]))


def literal(text: str) -> Any:
    """Return a number that is written as its bits."""
    if text.startswith("0d"):
        return np.float64(struct.unpack(">d", bytes.fromhex(text[2:]))[0])
    return np.float32(struct.unpack(">f", bytes.fromhex(text[2:]))[0])


class RawModule:
    """CuPy's, of a file."""

    def __init__(self, path: str) -> None:
        with open(path, encoding="ascii") as file:
            self.text = file.read()

    def get_function(self, name: str) -> Kernel:
        """Return the kernel of that name."""
        assert f".visible .entry {name}(" in self.text
        return Kernel(self.text)


CUPY = SimpleNamespace(
    asarray=np.asarray,
    RawModule=RawModule,
    cuda=SimpleNamespace(
        is_available=lambda: True,
        driver=SimpleNamespace(CUDADriverError=DriverError),
        Device=lambda: SimpleNamespace(compute_capability="80"),
        get_current_stream=lambda: SimpleNamespace(synchronize=lambda: None),
    ),
)
"""What of CuPy the package needs to launch a kernel."""

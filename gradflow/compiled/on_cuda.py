"""The parts of `gradflow.compiled.kernels` that need numba-cuda, but no GPU.

Nothing is contracted: libnvvm is told to fuse no product with a sum, and names the rounding of every
operation, which the driver's assembler keeps to. Quotients and roots are correctly rounded, and small numbers
stay what they are.
"""

from __future__ import annotations

from math import sqrt
from typing import Any

from numba import types
from numba.core.errors import NumbaError
from numba.cuda.compiler import compile_cuda, kernel_fixup
from numba.cuda.core.errors import NumbaError as NumbaCudaError
from numba.cuda.cudaimpl import registry
from numba.cuda.datamodel import models
from numba.cuda.dispatcher import CUDADispatcher
from numba.cuda.extending import infer_getattr, intrinsic, register_model
from numba.cuda.typing.templates import AttributeTemplate

from gradflow.compiled import on_numba, registers
from gradflow.compiled.on_numba import RegistersType, types_of

__all__ = ["INSTEAD", "REFUSED", "inner", "ptx"]

REFUSED = (NumbaError, NumbaCudaError)
"""The errors of functions that cannot be compiled."""

OPTIONS = {"opt": 3, "fma": False}
"""Of libnvvm; its other defaults are those of IEEE 754."""

LEAST = 7, 5
"""The compute capability for which parts are made; they become instructions with the whole, for its own."""


class _Part(CUDADispatcher):  # type: ignore[misc]
    """A function for other compiled code; numba-cuda's own asks the GPU that is there."""

    def get_call_template(self, args: Any, kws: Any) -> Any:
        """Compile for arguments of one type: a number that is written in a call is of one of its own."""
        return super().get_call_template(tuple(types.unliteral(kind) for kind in args), kws)

    def compile_device(self, args: Any, return_type: Any = None) -> Any:
        """Return the function compiled for arguments of some types."""
        if args not in self.overloads:
            with self._compiling_counter:
                made = compile_cuda(
                    self.py_func, return_type, args, forceinline=True, nvvm_options=OPTIONS, cc=LEAST
                )
            self.overloads[args] = made
            made.target_context.insert_user_function(made.entry_point, made.fndesc, [made.library])
        return self.overloads[args]


def inner(function: Any, **options: Any) -> Any:
    """Return a function for other compiled code to call; it becomes part of its caller."""
    return _Part(function, {"device": True, "opt": True, "debug": False})


def ptx(function: Any, signature: tuple[str, ...], capability: tuple[int, int]) -> str:
    """Return a kernel in the assembly language of GPUs of a compute capability, and later ones."""
    made = compile_cuda(function, types.void, types_of(signature), nvvm_options=OPTIONS, cc=capability)
    kernel_fixup(made.library.get_function(made.fndesc.llvm_func_name), False)
    (text,) = made.library.get_asm_strs(cc=capability)
    return str(text)


INSTEAD = {registers.loaded: intrinsic(on_numba.loaded), registers.stored: intrinsic(on_numba.stored)}
"""Instructions in the place of functions that Python needs a loop for."""

register_model(RegistersType)(models.OpaqueModel)
registry.lower_constant(RegistersType)(on_numba.nothing)


def _is_positive(value: Any) -> Any:
    return value > 0


def _root(value: Any) -> Any:
    return sqrt(value)


_MEMBERS = {"where": intrinsic(on_numba.select), "positive": inner(_is_positive), "sqrt": inner(_root)}


@infer_getattr
class _Members(AttributeTemplate):  # type: ignore[misc]
    key = RegistersType

    def generic_resolve(self, kind: Any, name: str) -> Any:
        return self.context.resolve_value_type(_member(kind, name))


@registry.lower_getattr_generic(RegistersType)  # type: ignore[untyped-decorator]
def _lowered(context: Any, builder: Any, kind: Any, value: Any, name: str) -> Any:
    if name in _MEMBERS:
        return context.get_dummy_value()
    number = _member(kind, name)
    return context.get_constant(context.typing_context.resolve_value_type(number), number)


def _member(kind: Any, name: str) -> Any:
    return _MEMBERS[name] if name in _MEMBERS else getattr(kind.registers, name)

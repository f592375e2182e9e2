"""Numba's compiler as scalar code needs it: few passes, and all parts optimised together, once."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from types import CodeType
from typing import Any

from llvmlite.binding import Linkage
from numba.core import typed_passes, untyped_passes
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler
from numba.core.compiler_machinery import PassManager

PASSES = (
    untyped_passes.TranslateByteCode,
    untyped_passes.FixupArgs,
    untyped_passes.IRProcessing,
    untyped_passes.RewriteSemanticConstants,
    untyped_passes.DeadBranchPrune,
    untyped_passes.GenericRewrites,
    untyped_passes.ReconstructSSA,
    typed_passes.NopythonTypeInference,
    typed_passes.PreLowerStripPhis,
    typed_passes.NoPythonSupportedFeatureValidation,
    typed_passes.IRLegalization,
    typed_passes.AnnotateTypes,
    typed_passes.NativeLowering,
    typed_passes.NoPythonBackend,
)

CLOSURES = untyped_passes.InlineClosureLikes
"""The pass that functions within functions need besides, as a rule of one's own may have some."""


@contextmanager
def uncollected() -> Iterator[None]:
    """Let Python look for no cycles of garbage: compiling makes many objects, which stay till its end."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


class _Part(JITCodeLibrary):  # type: ignore[misc]
    """Code that goes into other code only: by itself it is not optimised, nor made instructions of."""

    apart = False

    def add_ir_module(self, ir_module: Any) -> None:
        """Add a module, before LLVM has read it: older versions of its binding set no attribute right."""
        for function in ir_module.functions if self.apart else ():
            if not function.is_declaration:
                function.attributes.add("noinline")
        super().add_ir_module(ir_module)

    def _optimize_functions(self, module: Any) -> None:
        module.data_layout = self._codegen._data_layout

    def finalize(self) -> None:
        """Take nothing in: the whole does."""
        self._finalized = True

    def get_pointer_to_function(self, name: str) -> int:
        """Return 0: there is nothing to call from Python."""
        self._ensure_finalized()
        return 0

    @property
    def codegen(self) -> Any:
        """Nothing for Numba to tell where a function's Python objects are: it has none."""
        return _Nowhere


class _Nowhere:
    @staticmethod
    def set_env(name: str, env: Any) -> None:
        """Forget it."""


class _Whole(JITCodeLibrary):  # type: ignore[misc]
    """Code with all its parts, those of the parts included, which are optimised together and once."""

    def finalize(self) -> None:
        """Take in all parts."""
        for library in self._linking_libraries:
            if isinstance(library, _Part):
                self._linking_libraries += [
                    part for part in library._linking_libraries if part not in self._linking_libraries
                ]
        super().finalize()

    def _optimize_functions(self, module: Any) -> None:
        module.data_layout = self._codegen._data_layout

    def _optimize_final_module(self) -> None:
        # Nothing else calls the parts, so that arguments that they do not use need not be passed.
        for function in self._final_module.functions:
            if not function.is_declaration and function.linkage == Linkage.linkonce_odr:
                function.linkage = "internal"
        # Numba optimises twice, so that counts of references meet; here nothing is counted.
        managers = self._codegen._module_pass_manager()
        # Newer versions give the passes and what builds them.
        passes, *builder = managers if isinstance(managers, tuple) else (managers,)
        passes.run(self._final_module, *builder)


class _Compiler(Compiler):  # type: ignore[misc]
    def define_pipelines(self) -> list[Any]:
        """Return the passes that scalar code needs: it has no arithmetic of arrays, and rarely closures."""
        manager = PassManager("scalar")
        closes = any(isinstance(constant, CodeType) for constant in self.state.func_id.code.co_consts)
        for each in PASSES:
            if closes and each is untyped_passes.RewriteSemanticConstants:
                manager.add_pass(CLOSURES, CLOSURES.name())
            manager.add_pass(each, each.name())
        manager.finalize()
        return [manager]


class CompilerOfParts(_Compiler):
    """Compiles what becomes part of its callers."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.state.library = _Part(self.state.targetctx.codegen(), "part")


class CompilerOfApart(CompilerOfParts):
    """Compiles what stays a function of its own, as one with a loop does."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.state.library.apart = True


class CompilerOfAll(_Compiler):
    """Compiles a function for Python to call, with all its parts."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.state.library = _Whole(self.state.targetctx.codegen(), "whole")
        self.state.library.enable_object_caching()

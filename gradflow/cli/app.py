"""The commands, and what all of them share on the command line."""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from gradflow.base.version import __version__
from gradflow.cli import align, basins, derive, explore, reproduce, simulate, thresholds
from gradflow.cli.meaning import refuse_meaningless


class _Command(TyperCommand):
    """A command that ignores no option."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        # Of an option that is given twice the parser would take the last, and not say so.
        _, _, given = self.make_parser(ctx).parse_args(args=args.copy())
        for option, times in Counter(option.opts[0] for option in given if _takes_one(option)).items():
            if times > 1:
                raise ValueError(f"{option}: expected once, got {times} of them")
        return list(super().parse_args(ctx, args))

    def invoke(self, ctx: Any) -> Any:
        refuse_meaningless(ctx)
        return super().invoke(ctx)


class _CommandOnGrids(_Command):
    """A command whose --grid takes several words."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, basins.join_grids(args))


def _takes_one(option: Any) -> bool:
    """Whether a parameter is an option of one value; a flag that is said twice says nothing else."""
    return not (option.param_type_name != "option" or option.multiple or option.is_flag)


app = typer.Typer(
    no_args_is_help=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _command in (
    reproduce.reproduce,
    derive.derive,
    simulate.flow,
    simulate.train,
    thresholds.threshold,
    basins.basins,
    align.align,
    explore.explore,
):
    app.command(cls=_CommandOnGrids if _command is basins.basins else _Command)(_command)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"gradflow {__version__}")
        raise typer.Exit


@app.callback()
def _gradflow(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Show what training does to a ReLU neuron: theory and simulation side by side.

    Exit codes: 0; 1 if a proof fails; 2 for bad input; 130 when interrupted.
    """


@cache
def program() -> Any:
    """Return all of the command line as the parser has it."""
    return typer.main.get_command(app)

"""The command line: `gradflow reproduce | derive | flow | train`.

Results go to standard output, everything else to standard error. Bad input gives one line and exit
code 2; an interrupt leaves no half-written file and gives 130.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import typer

from gradflow.cli import derive, reproduce, simulate

app = typer.Typer(
    add_completion=False,
    no_args_is_help=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="What training does to a ReLU neuron: theory and simulation side by side.",
)
for _command in (reproduce.reproduce, derive.derive, simulate.flow, simulate.train):
    app.command()(_command)

# Typer carries its own copy of click or uses the installed one, by version; its bases know which.
_USAGE: type[Any] = next(base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit."""
    raise SystemExit(run(sys.argv[1:] if arguments is None else list(arguments)))


def run(arguments: Sequence[str]) -> int:
    """Run the command line and return its exit code."""
    command = typer.main.get_command(app)
    try:
        code = command.main(args=list(arguments), prog_name="gradflow", standalone_mode=False)
    except (ValueError, TypeError) as error:
        return _refuse(str(error))
    except OSError as error:
        name = f"{error.filename}: " if error.filename else ""
        return _refuse(f"{name}{error.strerror or error}")
    except (KeyboardInterrupt, typer.Abort):
        print("interrupted", file=sys.stderr)
        return 130
    except typer.Exit as done:
        return int(done.exit_code)
    except Exception as error:
        if isinstance(error, _USAGE):
            return _refuse(error.format_message())
        raise
    return int(code or 0)


def _refuse(message: str) -> int:
    print(f"gradflow: {' '.join(message.split())}", file=sys.stderr)
    return 2

"""The command line, as `python -m gradflow` and as the script `gradflow`.

Nothing is imported before an interrupt ends in one line. One that comes earlier, while Python itself starts,
is Python's: a traceback of its own, or no word at all, which nothing here can change.
"""

from __future__ import annotations


def main() -> None:
    """Run the command line and exit, also if the interrupt comes while it is being loaded."""
    try:
        from gradflow.cli import main as command

        command()
    except KeyboardInterrupt:
        import sys

        print("interrupted", file=sys.stderr)
        # Where code from text was running, as named tuples are made, Python would kill itself by the signal
        # when it ends; other code from text lets it forget that.
        eval("None")
        # `gradflow.cli.INTERRUPTED`, which need not be there.
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()

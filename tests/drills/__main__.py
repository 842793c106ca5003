"""Rehearse drills of the search in one process: python -m tests.drills NAME=AMOUNT …"""

import sys
from importlib import import_module

import click


def rehearse_all(arguments: list[str]) -> None:
    """Rehearse each drill for so long or so often, and print what it gives."""
    for each in arguments:
        name, _, amount = each.partition("=")
        drill = import_module(f"tests.drills.{name}")
        click.echo(" ".join(map(str, drill.rehearse(int(amount)))))


if __name__ == "__main__":
    rehearse_all(sys.argv[1:])

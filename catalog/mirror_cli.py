"""`narabi sync`: the example client as a command; it needs no settings and no database."""

import sys

import click

from catalog import mirror


@click.command("sync", add_help_option=False, context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def sync(arguments: tuple[str, ...]) -> None:
    """公開カタログの写しを作り、新しく保ちます（ほかのサイトのものも）。"""
    sys.exit(mirror.main(arguments))

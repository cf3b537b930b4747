"""`easel check`."""

from pathlib import Path

import click

from pipeline.commands import options
from pipeline.terminal.console import working


@click.command(short_help="Look at CONFIG and its folders without training.")
@options.config_file
@options.overrides
@options.as_json
def check(config: Path, overrides: tuple[str, ...], as_json: bool) -> int:
    """Check CONFIG and look into its folders, without training.

    Says which images each folder has, which files cannot be used and why, what `easel run` would train, and about how
    long that would take here. Exits with 2 when a run could not start, with 3 when data validation would stop it.
    """
    from pipeline.planning import check as checking

    with working("reading the folders"):
        report = checking.check(config, overrides)
    options.answer(as_json, report.to_json(), checking.render(report))
    return report.exit_code

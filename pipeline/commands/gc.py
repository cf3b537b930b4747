"""`easel gc`."""

from pathlib import Path

import click

from pipeline.commands import options


@click.command(short_help="Remove what old runs left and nobody needs.")
@options.config_file
@options.overrides
@click.option("--dry-run", is_flag=True, help="Say what would be removed; remove nothing.")
@options.as_json
def gc(config: Path, overrides: tuple[str, ...], dry_run: bool, as_json: bool) -> None:
    """Remove the artifacts of old runs in the workspace of CONFIG.

    What stays: all that the next run may take from the cache, the whole run behind every version that has a label
    (`stable`, `canary`, ...), the documents behind every other version, and the metadata of all runs. Waits for no run:
    while one holds the workspace it exits with 75. Versions in the serving directory are removed by `easel models gc`.
    """
    from rich import box
    from rich.table import Table

    from pipeline.configuration import config as configuration
    from pipeline.planning.retention import Retention, by_owner, size
    from pipeline.progress.wording import size as shown
    from pipeline.running import lock

    resolved = configuration.load(config, overrides)
    with lock.hold(resolved.workspace):
        retention = Retention(resolved)
        leftovers = retention.leftovers()
        before = size(resolved.workspace)
        if not dry_run:
            retention.remove(leftovers)
    total = sum(each.bytes for each in leftovers)
    if as_json:
        options.print_json(
            {
                "dry_run": dry_run,
                "bytes": total,
                "workspace_bytes": before - total,
                "removed": [{"path": each.path, "owner": each.owner, "bytes": each.bytes} for each in leftovers],
            }
        )
        return
    if leftovers:
        table = Table("of", "folders and files", "size", box=box.SIMPLE_HEAD)
        for owner, (count, bytes_) in sorted(by_owner(leftovers).items(), key=lambda each: -each[1][1]):
            table.add_row(owner, str(count), shown(bytes_))
        options.print_for_people(table)
    verb = "would be removed" if dry_run else "removed"
    click.echo(f"{shown(total)} {verb} from {resolved.workspace}; {shown(before - total)} stay")

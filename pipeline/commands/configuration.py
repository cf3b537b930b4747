"""`easel config`: the configuration itself."""

from pathlib import Path

import click

from pipeline.commands import options


@click.group(short_help="Its JSON Schema; a file with all defaults filled in.")
def config() -> None:
    """Look at the configuration: its schema, or a file with all defaults filled in."""


@config.command()
def schema() -> None:
    """Print the JSON Schema of the configuration, for editors that complete and check YAML."""
    from pipeline.configuration.config import Config

    document = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Config.model_json_schema()}
    options.print_json({**document, "title": "Easel configuration"})


@config.command()
@options.config_file
@options.overrides
@options.as_json
def show(config: Path, overrides: tuple[str, ...], as_json: bool) -> None:
    """Print CONFIG as it is understood: every default filled in, variables expanded, paths absolute."""
    import yaml

    from pipeline.configuration.config import load

    document = load(config, overrides).model_dump(mode="json", by_alias=True)
    if as_json:
        options.print_json(document)
    else:
        click.echo(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), nl=False)

"""`easel models`: commands that change what serves, or what is kept."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from easel_serving.registry.model_service import Tls
from easel_serving.registry.registry import Registry
from easel_serving.registry.remote import NotToldError, Remote

from pipeline.commands import options
from pipeline.commands.failures import Fault
from pipeline.commands.models.group import models, name, version

why = click.option("--why", default="", help="The reason, for the audit log.")
_PATIENCE = 60.0
"""Seconds that a command waits for another writer, which copies a version meanwhile."""


def _server(command: Callable) -> Callable:
    """The options that name a running TensorFlow Serving; the command gets them as `server`, a `Remote` or None."""

    @functools.wraps(command)
    def connected(
        *arguments: Any, server: str | None, ca: str | None, cert: str | None, key: str | None, **others: Any
    ):
        tls = Tls(ca, cert, key)
        if not server and (ca or cert or key):
            raise click.UsageError("certificates are for a server: --server grpcs://HOST:PORT")
        return command(*arguments, server=Remote(server, tls=tls) if server else None, **others)

    for option in reversed(
        (
            click.option(
                "--server",
                metavar="HOST:PORT",
                envvar="EASEL_TENSORFLOW_SERVING",
                show_envvar=True,
                help="A running TensorFlow Serving's gRPC, told once the change is made; grpcs://HOST:PORT for TLS.",
            ),
            click.option("--ca", metavar="PEM", help="The authority to trust, with grpcs://."),
            click.option("--cert", metavar="PEM", help="The certificate to show a server that asks for one."),
            click.option("--key", metavar="PEM", help="Its private key."),
        )
    ):
        connected = option(connected)
    return connected


def _changing(command: Callable) -> Callable:
    """The options of every command that changes something."""
    return why(_server(options.as_json(command)))


@models.command()
@name
@version
@click.option("--to", "label", type=click.Choice(["stable", "canary"]), default="stable", show_default=True)
@_changing
@click.pass_obj
def promote(serving: Path, name: str, version: int, label: str, why: str, server: Remote | None, as_json: bool) -> None:
    """Let a version serve (stable), or be tried beside the one that does (canary)."""
    _change(serving, server, as_json, name, lambda registry: registry.promote(name, version, label, why))


@models.command()
@name
@click.option("--to", type=click.IntRange(min=1), help="The version to go back to, instead of the one before.")
@_changing
@click.pass_obj
def rollback(serving: Path, name: str, to: int | None, why: str, server: Remote | None, as_json: bool) -> None:
    """Let the version serve that served before."""
    _change(serving, server, as_json, name, lambda registry: registry.rollback(name, to, why))


@models.command()
@name
@click.argument("label", metavar="LABEL")
@click.argument("version", metavar="VERSION", type=click.IntRange(min=1), required=False)
@click.option("--remove", is_flag=True, help="Remove the label instead.")
@_changing
@click.pass_obj
def label(
    serving: Path,
    name: str,
    label: str,
    version: int | None,
    remove: bool,
    why: str,
    server: Remote | None,
    as_json: bool,
) -> None:
    """Point a label of your own at a version; clients can ask for it by that name."""
    if remove == (version is not None):
        raise click.UsageError("give either a VERSION or --remove", click.get_current_context())

    def change(registry: Registry) -> dict[str, int]:
        return registry.unlabel(name, label, why) if remove else registry.label(name, label, version, why)

    _change(serving, server, as_json, name, change)


@models.command()
@name
@version
@_changing
@click.pass_obj
def retire(serving: Path, name: str, version: int, why: str, server: Remote | None, as_json: bool) -> None:
    """Take a version out of service for good; its card and its figures stay."""
    _change(serving, server, as_json, name, lambda registry: registry.retire(name, version, why))


@models.command()
@name
@click.option("--keep", type=click.IntRange(min=1), required=True, help="How many of the newest versions to keep.")
@why
@options.as_json
@click.pass_obj
def gc(serving: Path, name: str, keep: int, why: str, as_json: bool) -> None:
    """Delete old versions; never a labelled one, never the only one."""
    removed = _registry(serving).gc(name, keep, why)
    options.answer(
        as_json, {"model": name, "removed": removed}, f"{name}: removed {', '.join(map(str, removed)) or 'nothing'}"
    )


@models.command()
@name
@version
@click.option("--key", required=True, metavar="PEM", help="The private Ed25519 key.")
@why
@options.as_json
@click.pass_obj
def sign(serving: Path, name: str, version: int, key: str, why: str, as_json: bool) -> None:
    """Sign a version that was pushed without a key, after comparing its files with its manifest."""
    _registry(serving, signing_key=key).sign(name, version, why)
    options.answer(as_json, {"model": name, "version": version, "signed": True}, f"{name}: version {version} is signed")


@models.command(name="reload")
@_server
@options.as_json
@click.pass_obj
def reload_(serving: Path, server: Remote | None, as_json: bool) -> None:
    """Have a running TensorFlow Serving follow the directory: versions first, labels once those are loaded."""
    if not server:
        raise click.UsageError("name the server: --server HOST:PORT", click.get_current_context())
    server.announce(serving.absolute())
    options.answer(
        as_json,
        {"server": server.address, "serving": serving.absolute()},
        f"{server.address} follows {serving.absolute()}",
    )


def _change(
    serving: Path, server: Remote | None, as_json: bool, name: str, change: Callable[[Registry], dict[str, int]]
) -> None:
    """Changes labels and says where they point; exits 1 when the change is made and the server did not follow."""
    registry, fault = _registry(serving, server=server), None
    try:
        labels = change(registry)
    except NotToldError as error:
        labels, fault = registry.labels(name), error
    if as_json:
        options.print_json({"model": name, "labels": labels})
    else:
        pointing = [f"{label} is version {number}" for label, number in sorted(labels.items())]
        click.echo(f"{name}: {', '.join(pointing) or 'no labels'}")
    if fault:
        raise Fault(str(fault))


def _registry(serving: Path, **extra: Any) -> Registry:
    return Registry(serving, timeout=_PATIENCE, on_wait=lambda who: click.echo(f"easel: {who}", err=True), **extra)

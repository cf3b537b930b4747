"""`easel orders`: the queue of a shop, and its workers."""

import contextlib
import datetime
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich import box
from rich.table import Table

from pipeline.commands import options
from pipeline.history.result import BAD_INPUT

if TYPE_CHECKING:
    from easel_serving.orders.queue import Orders
    from easel_serving.orders.workshop import Workshop

place = click.option(
    "--orders",
    "place",
    metavar="DIR_OR_URL",
    required=True,
    envvar="EASEL_ORDERS",
    show_envvar=True,
    help="Where the orders are: a folder (SQLite), or postgresql://USER@HOST/NAME for workers on several machines.",
)
photos = click.option(
    "--photos",
    metavar="DIR_OR_URL",
    envvar="EASEL_ORDERS_PHOTOS",
    show_envvar=True,
    help="Where photos and pictures are kept: a folder that every worker reaches, or s3://BUCKET/PATH.  "
    "[default: the folder of --orders]",
)
keep_days = click.option(
    "--keep-days",
    type=click.FloatRange(min=0, min_open=True),
    default=30.0,
    show_default=True,
    help="How long finished orders are kept, with photo and picture.",
)
webhook_secret = click.option(
    "--webhook-secret",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Signs webhooks of orders; without it none is called.",
)
webhook_host = click.option(
    "--webhook-host",
    "hosts",
    metavar="HOST[:PORT]",
    multiple=True,
    help="May be called by webhooks; may be repeated.",
)
attempts = click.option(
    "--attempts",
    type=click.IntRange(1),
    default=5,
    show_default=True,
    help="How often an order is tried until it has failed.",
)


def _where(command: Callable) -> Callable:
    """The options that say which orders are meant, and how they are told."""
    return place(photos(options.as_json(command)))


def open_orders(place: str, photos: str | None, **limits: Any) -> "Orders":
    """The queue that the options name; raises ServingError, also where the extra is not installed."""
    with _installed():
        from easel_serving.orders.limits import Limits
        from easel_serving.orders.queue import Orders

    return Orders.open(place, photos, Limits(**limits))


@contextlib.contextmanager
def _installed() -> Iterator[None]:
    from easel_serving.protocol.errors import ServingError

    try:
        yield
    except ImportError as error:
        raise ServingError(f"orders need more packages: install easel-serving[orders] ({error})") from None


def workshop(
    place: str,
    photos: str | None,
    serving: Path,
    workers: int,
    secret: str | None,
    hosts: Sequence[str],
    seconds: float = 600.0,
    **limits: Any,
) -> "Workshop":
    """What works on the queue; `limits` are `Limits`'. Raises ServingError where the extra is not installed."""
    with _installed():
        from easel_serving.orders.limits import Limits
        from easel_serving.orders.workshop import Workshop

    return Workshop(place, photos, serving, workers, seconds, Limits(**limits), secret, hosts)


@click.group(short_help="See a shop's orders, and paint them.")
def orders() -> None:
    """Orders that are painted later: placed at `easel serve --orders`, painted by `easel orders work`.

    An order that was taken is not lost, whatever is killed: its worker's lease runs out, and another paints it.
    """


@orders.command()
@place
@photos
@options.serving
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="Processes that paint.")
@click.option(
    "--seconds",
    type=click.FloatRange(1),
    default=600.0,
    show_default=True,
    help="An order may take; then it is tried again.",
)
@attempts
@keep_days
@webhook_secret
@webhook_host
def work(
    place: str,
    photos: str | None,
    serving: Path,
    workers: int,
    seconds: float,
    webhook_secret: Path | None,
    hosts: tuple[str, ...],
    **limits: Any,
) -> None:
    """Paint orders until Ctrl-C or SIGTERM; what is being painted then is finished.

    Start it on as many machines as there are: all need `--orders`, `--photos` and `--serving` with the same content.
    """
    secret = read_secret(webhook_secret, hosts)
    workshop(place, photos, serving, workers, secret, hosts, seconds, **limits).run()


def read_secret(file: Path | None, hosts: Sequence[str]) -> str | None:
    """The secret that webhooks are signed with; raises ServingError for hosts without one."""
    from easel_serving.protocol.errors import ServingError

    if file is None and hosts:
        raise ServingError("--webhook-host: webhooks are signed; name a file with the secret by --webhook-secret")
    if file is None:
        return None
    from easel_serving.server.api.access import read_keys

    return read_keys(file)[0]


@orders.command("list")
@_where
@click.option("--state", type=click.Choice(["queued", "painting", "done", "failed"]), help="Only these.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="The newest so many.")
def list_orders(place: str, photos: str | None, as_json: bool, state: str | None, limit: int) -> None:
    """List orders, newest first, and how the queue stands."""
    queue = open_orders(place, photos)
    found = queue.page(state=state, limit=limit)
    if as_json:
        options.print_json([order.document() for order in found])
        return
    table = Table("order", "placed", "state", "styles", "reason", box=box.SIMPLE_HEAD)
    for order in found:
        done = f"{order.state} {order.progress:.0%}" if order.state == "painting" else order.state
        styles = ", ".join(share["name"] for share in order.wishes["styles"])
        table.add_row(order.id, _moment(order.created), done, styles, order.reason or "")
    options.print_for_people(table)
    found_now = queue.statistics()
    states = ", ".join(f"{count} {name}" for name, count in sorted(found_now.states.items())) or "no orders"
    waits = f"; the oldest has waited {found_now.oldest_seconds:.0f} s" if found_now.oldest_seconds else ""
    click.echo(states + waits)


@orders.command()
@click.argument("order_id", metavar="ORDER")
@_where
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write its picture to this file.")
def show(order_id: str, place: str, photos: str | None, as_json: bool, output: Path | None) -> None:
    """Show an order; with `-o` write its picture."""
    from easel_serving.protocol.errors import ServingError
    from easel_serving.registry import files

    queue = open_orders(place, photos)
    order = queue.find(order_id)
    if output is not None:
        if order.result is None:
            raise ServingError(f"order {order_id}: there is no picture ({order.state})")
        files.write(output, queue.files.get(order.result))
    options.print_json(order.document())


@orders.command()
@click.argument("order_ids", metavar="ORDER...", nargs=-1, required=True)
@_where
def retry(order_ids: tuple[str, ...], place: str, photos: str | None, as_json: bool) -> None:
    """Queue failed orders again."""
    _each(order_ids, open_orders(place, photos).retry, as_json)


@orders.command()
@click.argument("order_ids", metavar="ORDER...", nargs=-1, required=True)
@_where
def remove(order_ids: tuple[str, ...], place: str, photos: str | None, as_json: bool) -> None:
    """Remove orders with their photos and pictures."""
    _each(order_ids, open_orders(place, photos).remove, as_json)


@orders.command()
@_where
@keep_days
def clear(place: str, photos: str | None, as_json: bool, keep_days: float) -> None:
    """Remove what was finished long ago, and files of no order; workers do it by themselves every hour."""
    gone = open_orders(place, photos, keep_days=keep_days).clear()
    options.answer(as_json, {"removed": gone}, f"{gone} order(s) removed")


def _each(order_ids: tuple[str, ...], call: Callable[[str], None], as_json: bool) -> None:
    from easel_serving.protocol.errors import ServingError

    results = []
    for order_id in order_ids:
        try:
            call(order_id)
            results.append({"id": order_id})
        except ServingError as error:
            results.append({"id": order_id, "error": str(error)})
            click.echo(f"easel: {error}", err=True)
    if as_json:
        options.print_json(results)
    if any("error" in result for result in results):
        click.get_current_context().exit(BAD_INPUT)


def _moment(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M:%S")

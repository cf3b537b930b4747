"""A server with TensorFlow Serving's REST and gRPC API, for machines without Docker."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from easel_serving.server.process.allocator import bound_arenas

if TYPE_CHECKING:
    from easel_serving.orders.workshop import Workshop

RUNTIMES = ("tensorflow", "tflite")


def main(
    serving_dir: str | Path,
    host: str = "127.0.0.1",
    rest_port: int = 8501,
    grpc_port: int | None = 8500,
    runtime: str = "tensorflow",
    public_key: str | Path | None = None,
    api_key_file: str | Path | None = None,
    tls_cert: str | Path | None = None,
    tls_key: str | Path | None = None,
    cors_origins: Sequence[str] = (),
    orders: "Workshop | None" = None,
    orders_from: Sequence[str] = (),
    **limits: Any,
) -> None:
    """Serves until SIGINT or SIGTERM; answers what is running before it ends.

    Args:
        serving_dir: the registry's directory; it may be empty, and is watched.
        host: the address to listen on; `0.0.0.0` for every interface.
        rest_port: REST, metrics, health and the web page.
        grpc_port: gRPC; None leaves it out, as do an installation without the `grpc` extra and the TFLite runtime.
        runtime: `tensorflow` runs the SavedModels; until the first of a model is loaded, its verified TFLite variants
            answer, where the extra `tflite` is installed. `tflite` runs nothing else.
        public_key: a public Ed25519 key (PEM); only versions that its holder signed are then loaded.
        api_key_file: a file with keys, one a line; every request but the health probes must bring one of them.
        tls_cert: certificate chain in PEM, for HTTPS and gRPC over TLS.
        tls_key: its private key in PEM.
        cors_origins: of pages that may ask besides the server's own, such as `https://shop.example`; `*` is any.
        orders: takes orders, too, and paints them (`docs/orders.md`); None takes none.
        orders_from: under which addresses photos of orders may be fetched.
        limits: fields of `easel_serving.server.limits.bounds.Bounds`.

    Raises:
        ServingError: the extra that the runtime needs is not installed, a port is taken, or a file is not what it
            should be.
    """
    bound_arenas()  # before NumPy and TensorFlow start their threads
    from easel_serving.server.process.run import Settings, run

    settings = Settings(
        host=host,
        rest_port=rest_port,
        grpc_port=grpc_port,
        runtime=runtime,
        public_key=public_key,
        api_key_file=api_key_file,
        tls_cert=tls_cert,
        tls_key=tls_key,
        cors_origins=tuple(cors_origins),
        orders=orders,
        orders_from=tuple(orders_from),
        limits=limits,
    )
    run(Path(serving_dir), settings)

"""A server with TensorFlow Serving's REST and gRPC API, for machines without Docker."""

from pathlib import Path

RUNTIMES = ("tensorflow", "tflite")


def main(
    serving_dir: str | Path,
    host: str = "127.0.0.1",
    rest_port: int = 8501,
    grpc_port: int | None = 8500,
    runtime: str = "tensorflow",
) -> None:
    """Serves until SIGINT or SIGTERM; answers what is running before it ends.

    Args:
        serving_dir: the registry's directory; it may be empty, and is watched.
        host: the address to listen on; `0.0.0.0` for every interface.
        rest_port: REST, metrics, health and the web page.
        grpc_port: gRPC; None leaves it out, as do an installation without the `grpc` extra and the TFLite runtime.
        runtime: `tensorflow` runs the SavedModels, `tflite` the verified TFLite variants (extra `tflite`).

    Raises:
        ServingError: the extra that the runtime needs is not installed, or a port is taken.
    """
    from easel_serving.server.run import run

    run(Path(serving_dir), host, rest_port, grpc_port, runtime)

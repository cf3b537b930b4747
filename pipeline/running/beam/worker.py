"""`easel-beam-worker`: a Beam worker process with our code, as Flink or Spark start it beside their own.

Beam's own starter, `boot`, is a Go program of its container images that fetches Python packages before it starts the
worker. Here they are installed already: what is left to do is to ask the runner for the options and the addresses.
"""

import argparse
import functools
import os

MESSAGE_BYTES = 1 << 20
"""Of what a worker sends at once. The runner holds up to a hundred messages that the next step has not taken yet: of
Beam's own 10 MiB, or of a batch of photos, they fill its memory."""


def main() -> None:
    """Runs until the runner hangs up. The arguments are those of Beam's container contract."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--id", required=True, help="of this worker")
    parser.add_argument("--provision_endpoint", required=True, help="HOST:PORT of the runner's provision service")
    options, _ = parser.parse_known_args()
    if threads := os.environ.get("EASEL_THREADS"):
        # Read by TensorFlow, NumPy and our own threads when they start.
        for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
            os.environ.setdefault(name, threads)
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")  # the training's

    from apache_beam.runners.worker import data_plane, sdk_worker_main

    data_plane._DEFAULT_SIZE_FLUSH_THRESHOLD = MESSAGE_BYTES
    data_plane.SizeBasedBufferingClosableOutputStream = functools.partial(
        data_plane.SizeBasedBufferingClosableOutputStream, size_flush_threshold=MESSAGE_BYTES
    )
    os.environ.update(_provisioned(options.id, options.provision_endpoint))
    sdk_worker_main.main([])


def _provisioned(worker_id: str, endpoint: str) -> dict[str, str]:
    """What the runner says about the job, as Beam's worker reads it from its environment."""
    import grpc
    from apache_beam.portability.api import beam_provision_api_pb2, beam_provision_api_pb2_grpc
    from apache_beam.runners.worker.worker_id_interceptor import WorkerIdInterceptor
    from google.protobuf import json_format, text_format

    with grpc.insecure_channel(endpoint) as channel:
        stub = beam_provision_api_pb2_grpc.ProvisionServiceStub(
            grpc.intercept_channel(channel, WorkerIdInterceptor(worker_id))
        )
        info = stub.GetProvisionInfo(beam_provision_api_pb2.GetProvisionInfoRequest(), wait_for_ready=True).info
    environment = {
        "WORKER_ID": worker_id,
        "PIPELINE_OPTIONS": json_format.MessageToJson(info.pipeline_options),
        "RUNNER_CAPABILITIES": " ".join(info.runner_capabilities),
        "LOGGING_API_SERVICE_DESCRIPTOR": text_format.MessageToString(info.logging_endpoint),
        "CONTROL_API_SERVICE_DESCRIPTOR": text_format.MessageToString(info.control_endpoint),
    }
    if info.HasField("status_endpoint"):
        environment["STATUS_API_SERVICE_DESCRIPTOR"] = text_format.MessageToString(info.status_endpoint)
    return environment


if __name__ == "__main__":
    main()

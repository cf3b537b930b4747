"""The ServingPusher component."""

from tfx.types import standard_artifacts

from components.artifacts.types import Decision, IngestReport, TFLiteModels
from components.base.component import Component
from components.serving_pusher import executor


class ServingPusher(Component):
    """Makes an approved model the next version of the serving directory, unless its content already is one.

    Output `pushed_model` (PushedModel): `pushed.json` with `outcome` (pushed, unchanged, refilled), `version`, `path`,
    `labels`, `stable`, the version that serves (another one when this content was rolled back, or waits for its
    promotion), and `warnings`: that it waits, or that a server could not be told. TFX's custom
    properties `pushed`, `pushed_destination`, `pushed_version`.

    Args:
        model: approved, with `Format-Serving/` and `model.json`.
        decision: PromotionGate's; a model that is not approved is an error, so put this under `Cond`.
        examples: what the model was evaluated on, for the warm-up requests (split `eval`).
        serving_dir: the registry's directory; made when it is missing.
        model_name: the model's name in it.
        lineage: a JSON object for the manifest: configuration, code commit, package versions.
        nonce: different in every run. A serving directory may have lost a version since the last run, so this component
            must never be served from cache.
        tflite: TFLiteExporter's variants; all verdicts go into the manifest, the verified files beside it.
        photos: ingested Examples that it was trained on, for the digest of the data in the manifest.
        photos_report: the account of their files.
        photos_schema: the schema that they were validated with.
        photos_statistics: their statistics, kept beside the manifest for later data to be compared with.
        paintings: like `photos`, for the style network.
        paintings_report: like `photos_report`.
        paintings_schema: like `photos_schema`.
        paintings_statistics: like `photos_statistics`.
        base_path: where TensorFlow Serving sees the serving directory.
        policy: `auto`, `canary` or `manual`; see `Registry.push`. What was approved provisionally becomes a canary at
            most.
        server: `HOST:PORT` or `grpcs://HOST:PORT` of a running TensorFlow Serving's gRPC, which is told what the
            directory says, also when nothing changed; "" for none.
        server_tls: a JSON object with the files of `easel_serving.registry.model_service.Tls`, for `grpcs://`.
        signing_key: the file of a private Ed25519 key (PEM) that signs the manifest; "" for none.
    """

    EXECUTOR = executor.Executor
    INPUTS = {"model": standard_artifacts.Model, "decision": Decision, "examples": standard_artifacts.Examples}
    OPTIONAL_INPUTS = {
        "tflite": TFLiteModels,
        "photos": standard_artifacts.Examples,
        "photos_report": IngestReport,
        "photos_schema": standard_artifacts.Schema,
        "photos_statistics": standard_artifacts.ExampleStatistics,
        "paintings": standard_artifacts.Examples,
        "paintings_report": IngestReport,
        "paintings_schema": standard_artifacts.Schema,
        "paintings_statistics": standard_artifacts.ExampleStatistics,
    }
    PARAMETERS = {
        "serving_dir": str,
        "model_name": str,
        "lineage": str,
        "nonce": str,
        "base_path": "/models",
        "policy": "auto",
        "server": "",
        "server_tls": "{}",
        "signing_key": "",
    }
    OUTPUTS = {"pushed_model": standard_artifacts.PushedModel}

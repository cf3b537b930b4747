"""The ServingPusher component."""

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from components.artifacts.types import Decision, IngestReport, TFLiteModels
from components.serving_pusher import executor


def _optional(artifact_type: type) -> component_spec.ChannelParameter:
    return component_spec.ChannelParameter(type=artifact_type, optional=True)


class ServingPusherSpec(component_spec.ComponentSpec):
    """ServingPusher's inputs, outputs and parameters."""

    PARAMETERS = {
        "serving_dir": component_spec.ExecutionParameter(type=str),
        "model_name": component_spec.ExecutionParameter(type=str),
        "base_path": component_spec.ExecutionParameter(type=str),
        "policy": component_spec.ExecutionParameter(type=str),
        "server": component_spec.ExecutionParameter(type=str),
        "server_tls": component_spec.ExecutionParameter(type=str),
        "signing_key": component_spec.ExecutionParameter(type=str),
        "lineage": component_spec.ExecutionParameter(type=str),
        "nonce": component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {
        "model": component_spec.ChannelParameter(type=standard_artifacts.Model),
        "decision": component_spec.ChannelParameter(type=Decision),
        "examples": component_spec.ChannelParameter(type=standard_artifacts.Examples),
        "tflite": _optional(TFLiteModels),
        "photos": _optional(standard_artifacts.Examples),
        "photos_report": _optional(IngestReport),
        "photos_schema": _optional(standard_artifacts.Schema),
        "photos_statistics": _optional(standard_artifacts.ExampleStatistics),
        "paintings": _optional(standard_artifacts.Examples),
        "paintings_report": _optional(IngestReport),
        "paintings_schema": _optional(standard_artifacts.Schema),
        "paintings_statistics": _optional(standard_artifacts.ExampleStatistics),
    }
    OUTPUTS = {"pushed_model": component_spec.ChannelParameter(type=standard_artifacts.PushedModel)}


class ServingPusher(base_component.BaseComponent):
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

    SPEC_CLASS = ServingPusherSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        model: types.BaseChannel,
        decision: types.BaseChannel,
        examples: types.BaseChannel,
        serving_dir: str,
        model_name: str,
        lineage: str,
        nonce: str,
        tflite: types.BaseChannel | None = None,
        photos: types.BaseChannel | None = None,
        photos_report: types.BaseChannel | None = None,
        photos_schema: types.BaseChannel | None = None,
        photos_statistics: types.BaseChannel | None = None,
        paintings: types.BaseChannel | None = None,
        paintings_report: types.BaseChannel | None = None,
        paintings_schema: types.BaseChannel | None = None,
        paintings_statistics: types.BaseChannel | None = None,
        base_path: str = "/models",
        policy: str = "auto",
        server: str = "",
        server_tls: str = "{}",
        signing_key: str = "",
    ):
        spec = ServingPusherSpec(
            model=model,
            decision=decision,
            examples=examples,
            tflite=tflite,
            photos=photos,
            photos_report=photos_report,
            photos_schema=photos_schema,
            photos_statistics=photos_statistics,
            paintings=paintings,
            paintings_report=paintings_report,
            paintings_schema=paintings_schema,
            paintings_statistics=paintings_statistics,
            serving_dir=serving_dir,
            model_name=model_name,
            base_path=base_path,
            policy=policy,
            server=server,
            server_tls=server_tls,
            signing_key=signing_key,
            lineage=lineage,
            nonce=nonce,
            pushed_model=types.Channel(type=standard_artifacts.PushedModel),
        )
        super().__init__(spec=spec)

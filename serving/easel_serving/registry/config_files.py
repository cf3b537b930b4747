"""TensorFlow Serving's three configuration files in the serving directory.

`models.config` is the registry's state: which versions are loaded and where each label points. It is replaced in one
rename, so labels and loaded versions change together. Their messages are in `easel_serving.protocol.messages`.
"""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from easel_serving.protocol.errors import ServingError
from easel_serving.registry import files

MODELS = "models.config"
MONITORING = "monitoring.config"
BATCHING = "batching.config"

METRICS_PATH = "/monitoring/prometheus/metrics"

_MONITORING = f"""\
prometheus_config {{
  enable: true
  path: "{METRICS_PATH}"
}}
"""

# max_batch_size bounds the memory of decoded photos; 2 ms is far below one photo's own time: alone it hardly waits.
_BATCHING = """\
max_batch_size { value: 16 }
batch_timeout_micros { value: 2000 }
max_enqueued_batches { value: 64 }
num_batch_threads { value: 2 }
"""


@dataclasses.dataclass(frozen=True)
class ModelEntry:
    """One model in `models.config`."""

    base_path: str
    labels: dict[str, int]
    versions: tuple[int, ...]


def read_models(serving_dir: Path) -> dict[str, ModelEntry]:
    """The models that are served, by name; empty when there is no `models.config`.

    Raises:
        ServingError: the file cannot be parsed.
    """
    return {config.name: entry(config) for config in read_configs(serving_dir)}


def write_model(serving_dir: Path, name: str, labels: Mapping[str, int], base_path: str) -> None:
    """Points the labels of a model and loads exactly the labelled versions; the other models stay as they are.

    A model without labels is left out: TensorFlow Serving refuses a model of which no version is to be loaded.
    Fields that a person added (logging, an own platform) are kept.

    Raises:
        ServingError: the file cannot be parsed.
    """
    configs = read_configs(serving_dir)
    new = next((config for config in configs if config.name == name), None)
    if new is None:
        new = _messages().ModelConfig(name=name, model_platform="tensorflow")
    new.base_path = base_path
    new.model_version_policy.specific.versions[:] = sorted(set(labels.values()))
    new.version_labels.clear()
    new.version_labels.update(labels)
    others = [config for config in configs if config.name != name]
    message = _messages().ModelServerConfig()
    message.model_config_list.config.extend(
        sorted([*others, new] if labels else others, key=lambda config: config.name)
    )
    # An empty list is no choice of the two that there are; it must be said.
    message.model_config_list.SetInParent()
    files.write(serving_dir / MODELS, _messages().render(message))


def write_defaults(serving_dir: Path) -> None:
    """Writes `monitoring.config` and `batching.config` where they are missing; a person's own values stay."""
    for name, text in ((MONITORING, _MONITORING), (BATCHING, _BATCHING)):
        if not (serving_dir / name).exists():
            files.write(serving_dir / name, text)


def read_configs(serving_dir: Path) -> list[Any]:
    """The `ModelConfig` messages of `models.config`, with every field; empty without the file.

    Raises:
        ServingError: the file cannot be parsed, or lists no models but names a configuration of another kind.
    """
    path = serving_dir / MODELS
    message = _read(path, "ModelServerConfig")
    if message.WhichOneof("config") == "custom_model_config":
        raise ServingError(f"{path}: has a custom_model_config, Easel knows model_config_list only; mend or remove it")
    return list(message.model_config_list.config)


def read_batching(serving_dir: Path) -> Any:
    """`batching.config` as a `BatchingParameters` message; empty when it is not there.

    Raises:
        ServingError: the file cannot be parsed.
    """
    return _read(serving_dir / BATCHING, "BatchingParameters", allow_unknown=True)


def metrics_path(serving_dir: Path) -> str | None:
    """Where `monitoring.config` wants the metrics; None when it turns them off or is not there.

    Raises:
        ServingError: the file cannot be parsed.
    """
    message = _read(serving_dir / MONITORING, "MonitoringConfig", allow_unknown=True)
    prometheus = message.prometheus_config
    return (prometheus.path or METRICS_PATH) if prometheus.enable else None


def entry(config: Any) -> ModelEntry:
    """What Easel reads of one `ModelConfig` message."""
    return ModelEntry(
        base_path=config.base_path,
        labels=dict(config.version_labels),
        versions=tuple(config.model_version_policy.specific.versions),
    )


def _read(path: Path, kind: str, allow_unknown: bool = False) -> Any:
    messages = _messages()
    try:
        return messages.parse(path.read_text("utf-8"), getattr(messages, kind), allow_unknown)
    except FileNotFoundError:
        return getattr(messages, kind)()
    except ValueError as error:
        what = f"{path.stem.removesuffix('s')} configuration"
        raise ServingError(f"{path}: not a TensorFlow Serving {what} ({error}); mend or remove it") from None


def _messages() -> ModuleType:
    """Imported when a file is read: protocol buffers are 0.1 s that `easel --help` need not wait for."""
    from easel_serving.protocol import messages

    return messages

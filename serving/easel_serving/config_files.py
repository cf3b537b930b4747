"""TensorFlow Serving's three configuration files in the serving directory.

`models.config` is the registry's state: which versions are loaded and where each label points. It is replaced in one
rename, so labels and loaded versions change together. Message definitions: `tensorflow_serving/config/
model_server_config.proto`, `monitoring_config.proto` and `tensorflow_serving/sources/storage_path/
file_system_storage_path_source.proto` in TensorFlow Serving's repository.
"""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from easel_serving import files, textproto
from easel_serving.errors import ServingError

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
    return {textproto.get(config, "name"): entry(config) for config in read_configs(serving_dir)}


def write_model(serving_dir: Path, name: str, labels: Mapping[str, int], base_path: str) -> None:
    """Points the labels of a model and loads exactly the labelled versions; the other models stay as they are.

    A model without labels is left out: TensorFlow Serving refuses a model of which no version is to be loaded.
    Fields that a person added (logging, an own platform) are kept.
    """
    configs = read_configs(serving_dir)
    old = next((config for config in configs if textproto.get(config, "name") == name), [])
    ours = ("name", "base_path", "model_version_policy", "version_labels")
    kept = textproto.without(old, *ours) if old else [("model_platform", "tensorflow")]
    policy = [("specific", [("versions", number) for number in sorted(set(labels.values()))])]
    new = [
        ("name", name),
        ("base_path", base_path),
        *kept,
        ("model_version_policy", policy),
        *(("version_labels", [("key", key), ("value", labels[key])]) for key in sorted(labels)),
    ]
    others = [config for config in configs if textproto.get(config, "name") != name]
    configs = sorted([*others, new] if labels else others, key=lambda config: textproto.get(config, "name", ""))
    message = [("model_config_list", [("config", config) for config in configs])]
    files.write(serving_dir / MODELS, textproto.render(message))


def write_defaults(serving_dir: Path) -> None:
    """Writes `monitoring.config` and `batching.config` where they are missing; a person's own values stay."""
    for name, text in ((MONITORING, _MONITORING), (BATCHING, _BATCHING)):
        if not (serving_dir / name).exists():
            files.write(serving_dir / name, text)


def read_configs(serving_dir: Path) -> list[textproto.Message]:
    """The `config` messages of `models.config`, with every field; empty without the file.

    Raises:
        ServingError: the file cannot be parsed.
    """
    message = read(serving_dir / MODELS)
    return textproto.get_all(textproto.get(message, "model_config_list", []), "config")


def read(path: Path) -> textproto.Message:
    """One of the three files; empty when it is not there.

    Raises:
        ServingError: the file cannot be parsed.
    """
    try:
        return textproto.parse(path.read_text())
    except FileNotFoundError:
        return []
    except ValueError as error:
        what = f"{path.stem.removesuffix('s')} configuration"
        raise ServingError(f"{path}: not a TensorFlow Serving {what} ({error}); mend or remove it") from None


def metrics_path(serving_dir: Path) -> str | None:
    """Where `monitoring.config` wants the metrics; None when it turns them off or is not there."""
    prometheus = textproto.get(read(serving_dir / MONITORING), "prometheus_config", [])
    if not textproto.get(prometheus, "enable", False):
        return None
    return textproto.get(prometheus, "path", METRICS_PATH) or METRICS_PATH


def entry(config: textproto.Message) -> ModelEntry:
    """What Easel reads of one `config` message."""
    labels = textproto.get_all(config, "version_labels")
    specific = textproto.get(textproto.get(config, "model_version_policy", []), "specific", [])
    return ModelEntry(
        base_path=textproto.get(config, "base_path", ""),
        labels={textproto.get(label, "key"): textproto.get(label, "value") for label in labels},
        versions=tuple(textproto.get_all(specific, "versions")),
    )

"""The configuration: one YAML file composed of the rooms' own options, checked as a whole when it is loaded.

Importing this module and loading a file are light: no TensorFlow, TFX or Beam.
"""

import json
import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from easel_serving import shipped
from easel_serving.protocol.errors import ServingError
from easel_serving.protocol.plain_paths import is_plain
from pydantic import BeforeValidator, Field, ValidationError, model_validator

from components.data_gate.options import GateOptions
from components.image_folder_example_gen.options import IngestOptions
from components.image_folder_example_gen.sources import spans
from components.serving_pusher.options import TlsOptions
from pipeline.configuration.beam import BeamOptions
from pipeline.configuration.errors import explain
from pipeline.configuration.file import ConfigError, Key, Source, apply, read
from pipeline.configuration.hooks import HookOptions
from pipeline.configuration.lanes import ClassifierLane, Folder, ModelName, StyleLane
from pipeline.configuration.secrets import Mask
from pipeline.configuration.when import WhenOptions
from trainer.base.errors import UserError
from trainer.base.options import Options
from trainer.style.options import WARM_START, NetworkOptions

_LOGGER = logging.getLogger("easel.configuration")

LaneName = Literal["classifier", "style"]


def _local(folder: Any) -> Any:
    if isinstance(folder, str) and "://" in folder:  # as a path it would become a folder called `gs:`
        raise ValueError(f"must be a folder of this machine, or mounted here, not {folder}: only photos are read there")
    return folder


LocalFolder = Annotated[Path, BeforeValidator(_local)]

INPUTS: tuple[Key, ...] = (("classifier", "photos"), ("style", "photos"), ("style", "paintings"))
SCHEMAS: tuple[Key, ...] = (("classifier", "schema"), ("style", "photos_schema"), ("style", "paintings_schema"))
WEIGHTS: dict[Key, tuple[str, ...]] = {
    ("classifier", "backbone", "weights"): ("imagenet", "none"),
    ("style", "perceptual", "weights"): ("imagenet", "light", "none"),
    ("style", "encoder", "weights"): ("imagenet", "none"),
}
"""What may be there beside the path of a file."""
KEYS: tuple[Key, ...] = (("signing_key",), ("serving_tls", "ca"), ("serving_tls", "cert"), ("serving_tls", "key"))
OUTPUTS: tuple[Key, ...] = (("workspace",), ("serving",))


class Config(Options):
    """Everything a run depends on. Relative paths are relative to the file that they are written in."""

    name: ModelName = "easel"
    """Names the pipeline in its metadata."""
    workspace: LocalFolder = Path("easel-workspace")
    """Where artifacts, metadata, logs and contact sheets go."""
    serving: LocalFolder = Path("serving")
    """The directory that TensorFlow Serving reads; the default is `serving` in the workspace."""
    serving_base_path: str = Field(default="/models", pattern=r"^/")
    """Where TensorFlow Serving finds that directory: the prefix of the paths in `models.config`."""
    serving_address: Annotated[str, Field(pattern=r"^(grpcs?://)?[^\s/]+:\d+$")] | None = None
    """`HOST:PORT` of a running TensorFlow Serving's gRPC, which is told of versions; `grpcs://HOST:PORT` for TLS."""
    serving_tls: TlsOptions = TlsOptions()
    """Certificates for that."""
    promotion: Literal["auto", "canary", "manual"] = "auto"
    """What an approved version becomes: `stable` (`auto`), `canary` beside the stable one, or nothing (`manual`) until
    `easel models promote`. The first version is stable unless this is `manual`, or its eval images are too few to tell
    what it is worth: then it is `canary`."""
    signing_key: Folder | None = None
    """A private Ed25519 key (PEM) that signs what is pushed; `easel serve --public-key` then loads nothing else."""
    seed: int = Field(default=20240607, ge=0, lt=2**31)
    """Seeds every random choice."""
    beam_args: tuple[Annotated[str, Field(pattern="^--")], ...] = ()
    """Passed through to Apache Beam, after what `beam` comes to."""
    beam: BeamOptions = BeamOptions()
    """Where images are read, measured, transformed and evaluated."""
    ingest: IngestOptions = IngestOptions()
    """How folders are read."""
    data_gate: GateOptions = GateOptions()
    """Which faults in the data stop a lane."""
    when: WhenOptions | None = None
    """What is a reason to train; without it every run trains what has changed."""
    on: HookOptions = HookOptions()
    """Commands that hear what a run came to."""
    classifier: ClassifierLane | None = None
    """The classifier's lane; leave it out to train no classifier."""
    style: StyleLane | None = None
    """The style network's lane; leave it out to train none."""

    @model_validator(mode="before")
    @classmethod
    def _serve_from_workspace(cls, data: Any) -> Any:
        if isinstance(data, dict) and "serving" not in data:
            workspace = data.get("workspace", cls.model_fields["workspace"].default)
            if isinstance(workspace, (str, Path)):
                return {**data, "workspace": workspace, "serving": Path(workspace) / "serving"}
        return data

    @model_validator(mode="after")
    def _check_lanes(self) -> "Config":
        if not self.classifier and not self.style:
            raise ValueError("trains nothing: add classifier.photos, or style.photos and style.paintings, or all three")
        if self.classifier and self.style and self.classifier.name == self.style.name:
            raise ValueError(f"classifier.name and style.name are both {self.style.name!r}; give one another name")
        if self.style and self.style.photos == self.style.paintings:
            raise ValueError("style.photos and style.paintings are the same folder")
        if self.style and self.style.train.crop > self.style.image.train_side:
            crop, side = self.style.train.crop, self.style.image.train_side
            raise ValueError(
                f"style.train.crop ({crop}) is larger than style.image.train_side ({side}) that it is cut from"
            )
        if self.style and self.style.train.start == "shipped" and not _is_shipped(self.style.network):
            raise ValueError(
                "style.train.start is shipped, and the network that ships with Easel is another than style.network "
                "describes: leave style.network out, or start from scratch"
            )
        if self.serving_tls != TlsOptions() and not (self.serving_address or "").startswith("grpcs://"):
            raise ValueError("serving_tls is for TLS: give serving_address as grpcs://HOST:PORT")
        if self.when and self.when.drift and self.data_gate.label_drift == self.data_gate.measure_drift == "ignore":
            raise ValueError("when.drift waits for what data_gate ignores: set label_drift or measure_drift to warn")
        return self

    @model_validator(mode="after")
    def _check_paths(self) -> "Config":
        if self.beam.elsewhere and not is_plain(self.workspace):
            raise ValueError(
                f"workspace: workers on other machines take {self.workspace} for a pattern; choose a path without "
                "any of * ? [ \\"
            )
        return self

    def only(self, lane: LaneName) -> "Config":
        """The configuration with the other lane left out.

        Raises:
            UserError: the lane is not in the configuration.
        """
        if getattr(self, lane) is None:
            raise ConfigError([f"--only {lane}: the configuration has no section {lane}"])
        return self.model_copy(update={other: None for other in ("classifier", "style") if other != lane})

    def described(self) -> dict[str, Any]:
        """What is recorded of the configuration: without `on`, whose commands may hold secrets, and masked."""
        return json.loads(Mask()(self.model_dump_json(by_alias=True, exclude={"on"})))

    def inputs(self) -> dict[str, str]:
        """The folders that are read, by key: `classifier.photos`, `style.photos`, `style.paintings`."""
        return {".".join((lane, key)): getattr(getattr(self, lane), key) for lane, key in INPUTS if getattr(self, lane)}


def load(path: str | Path, overrides: Sequence[str] = ()) -> Config:
    """Reads, composes and checks the configuration; paths in it come back absolute.

    Args:
        path: the YAML file.
        overrides: `key.path=value` strings that win over the file; their paths are relative to the current folder.

    Raises:
        ConfigError: a UserError; names the line and the key, and lists all faults in `errors`.
    """
    return _composed(read(Path(path), overrides))


def style_alone(overrides: Sequence[str] = ()) -> StyleLane:
    """The style lane's defaults with overrides, for a command that reads none of its folders.

    Raises:
        ConfigError: an override is wrong.
    """
    # Addresses are not looked up.
    source = Source(Path("defaults"), {"style": {"photos": "none://photos", "paintings": "none://paintings"}})
    for override in overrides:
        apply(source, override)
    return _composed(source).style


def _composed(source: Source) -> Config:
    for key in (*INPUTS, *SCHEMAS, *KEYS, *OUTPUTS, *WEIGHTS):
        _make_absolute(source, key)
    source.data.setdefault("workspace", str(source.path.absolute().parent / Config.model_fields["workspace"].default))
    for key in (*OUTPUTS, *INPUTS, *SCHEMAS, *KEYS, *WEIGHTS):
        _check_encoding(source, key)
    _tell_old_spelling(source)
    try:
        config = Config.model_validate(source.data)
    except ValidationError as error:
        raise ConfigError(explain(error, Config, source)) from error
    if faults := _missing_paths(config, source):
        raise ConfigError(faults)
    return config


def _tell_old_spelling(source: Source) -> None:
    key = ("style", "train", WARM_START)
    given = _section(source, key).get(WARM_START)
    if isinstance(given, bool):
        now = "champion" if given else "scratch"
        _LOGGER.warning("%s", source.error(key, f"is now called start: write `start: {now}` instead"))


def _is_shipped(network: NetworkOptions) -> bool:
    """Whether the network that ships with Easel has this shape."""
    try:
        return shipped.has_shape(network.model_dump(mode="json"))
    except ServingError as error:
        raise ValueError(str(error)) from error


def _make_absolute(source: Source, key: Key) -> None:
    section = _section(source, key)
    value = section.get(key[-1])
    if not isinstance(value, str) or not value or "://" in value or value in WEIGHTS.get(key, ()):
        return
    section[key[-1]] = os.path.abspath(source.folder(key) / Path(value).expanduser())


def _check_encoding(source: Source, key: Key) -> None:
    """Raises a ConfigError for a path that the metadata store, whose texts are UTF-8, cannot hold."""
    value = _section(source, key).get(key[-1])
    if isinstance(value, str) and value.encode("utf-8", "replace").decode() != value:
        raise ConfigError([source.error(key, f"the path is not UTF-8: {value}; rename the folder")])


def _section(source: Source, key: Key) -> dict[str, Any]:
    """What is written beside a key; empty where there is no such section."""
    section: Any = source.data
    for part in key[:-1]:
        section = section.get(part) if isinstance(section, dict) else None
    return section if isinstance(section, dict) else {}


def _missing_paths(config: Config, source: Source) -> list[str]:
    faults = []
    for key in (*INPUTS, *SCHEMAS, *KEYS, *WEIGHTS):
        value = _value(config, key)
        if value is None or "://" in value or value in WEIGHTS.get(key, ()):
            continue
        if key in INPUTS and spans.is_pattern(value):
            faults += _spans(key, value, source) or _inside(config, key, Path(spans.base(value)), source)
        elif key in INPUTS and not os.path.isdir(value):
            faults.append(
                source.error(key, f"{'is not a folder' if os.path.exists(value) else 'no such folder'}: {value}")
            )
        elif key not in INPUTS and not os.path.isfile(value):
            hint = f"; use {', '.join(WEIGHTS[key])} or the path of a file" if key in WEIGHTS else ""
            faults.append(source.error(key, f"no such file: {value}{hint}"))
        elif key in INPUTS:
            faults += _inside(config, key, Path(value), source)
    return faults


def _spans(key: Key, pattern: str, source: Source) -> list[str]:
    try:
        spans.find(pattern)
    except UserError as error:
        return [source.error(key, str(error))]
    return []


def _inside(config: Config, key: Key, folder: Path, source: Source) -> list[str]:
    """What the run writes must not appear among what it reads."""
    return [
        source.error((name,), f"lies inside {'.'.join(key)} ({folder}); choose a folder outside it")
        for (name,) in OUTPUTS
        if (name,) in source.lines or (name,) in source.overridden or name == "workspace"
        if getattr(config, name).is_relative_to(folder)
    ]


def _value(config: Config, key: Key) -> str | None:
    value: Any = config
    for part in key:
        value = getattr(value, "schema_file" if part == "schema" else part, None)
    return value

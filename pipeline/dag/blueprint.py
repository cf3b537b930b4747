"""What every lane is drawn with: the list of components, conditions, and the configuration that a component reads."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tfx import types
from tfx.dsl.components.base.base_component import BaseComponent
from tfx.dsl.experimental.conditionals import conditional

from pipeline.configuration.config import Config
from pipeline.dag.code_digest import digest
from pipeline.progress.events import Node
from trainer.base.options import Options

CLASSIFIER, STYLE = "classifier", "style"


@dataclass
class Blueprint:
    """The components in topological order, and how the view names them."""

    components: list[BaseComponent] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)

    def add(
        self, component: BaseComponent, lane: str, title: str, *modules: str, part: str | None = None
    ) -> BaseComponent:
        """Names a component `Class.lane[.part]` and puts the digest of the code that it runs into its cache key.

        It is made inside the `Cond`s that it depends on. `modules` are import paths of user code that it calls; `part`
        tells components of one class in one lane apart.
        """
        component.with_id(".".join(filter(None, (type(component).__name__, lane, part))))
        component.spec.exec_properties["code"] = digest(type(component).__module__, *modules)
        self.components.append(component)
        self.nodes.append(Node(component.id, lane, title))
        return component


def when(verdict: types.BaseChannel, name: str) -> conditional.Cond:
    """The condition that a verdict's property `name` is 1."""
    return conditional.Cond(verdict.future()[0].property(name) == 1)


def sections(lane: Options, *names: str) -> dict:
    """Some sections of a lane, for a `custom_config`: only what a component reads may make it run again."""
    return {name: getattr(lane, name).model_dump(mode="json") for name in names}


def training(config: Config, options: dict, module: str, folders: list[str], more: Mapping | None = None) -> dict:
    """A trainer's custom_config; its checkpoints lie under a digest of what it depends on, known before it runs."""
    given = {"options": options, "seed": config.seed, **(more or {})}
    facts = json.dumps([given, module, digest(module), folders])
    key = hashlib.sha256(facts.encode()).hexdigest()[:16]
    return {**given, "resume_dir": str(Path(config.workspace) / "resume" / key)}

"""Looks up the stable version and copies it, because it may be promoted away or retired while the pipeline runs."""

import json
import shutil
from pathlib import Path

from easel_serving.registry import files
from easel_serving.registry.directory import Directory
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import path_utils

from components.base.executor import Artifacts, Parameters
from trainer.base import progress


class Executor(base_executor.BaseExecutor):
    """See `Champion`."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: Parameters) -> None:
        """Writes `champion.json` and, when something serves, `<model>/Format-Serving`."""
        candidate = artifact_utils.get_single_instance(input_dict["candidate"])
        digest = files.model_digest(Path(path_utils.serving_model_path(candidate.uri)))
        stable = Directory(exec_properties["serving_dir"]).stable(exec_properties["model_name"])
        verdict = artifact_utils.get_single_instance(output_dict["verdict"])
        changed = stable is None or stable.digest != digest
        verdict.changed = int(changed)
        summary = {
            "changed": changed,
            "candidate": {"digest": digest},
            "champion": {"version": stable.number, "digest": stable.digest} if stable else None,
        }
        Path(verdict.uri, "champion.json").write_text(json.dumps(summary, indent=2))
        if stable is None:
            # No artifact at all: a folder without a model would be taken for a champion.
            shutil.rmtree(output_dict["model"].pop().uri)
            progress.report(champion="none")
            return
        champion = artifact_utils.get_single_instance(output_dict["model"])
        shutil.copytree(stable.path, path_utils.serving_model_dir(champion.uri), dirs_exist_ok=True)
        progress.report(champion=stable.number)

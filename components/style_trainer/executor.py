"""The work of StyleTrainer: folders become `FnArgs`; what is learned from them is the trainer's."""

import importlib
import json
import os

from tfx import types
from tfx.components.trainer.fn_args_utils import FnArgs
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import io_utils, path_utils

from components.base.executor import Artifacts, Parameters


class Executor(base_executor.BaseExecutor):
    """Calls `run_fn`."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: Parameters) -> None:
        """Fills the folders of the Model and ModelRun artifacts; RuntimeError when `run_fn` wrote no model."""
        model = artifact_utils.get_single_uri(output_dict["model"])
        serving_model_dir = path_utils.serving_model_dir(model)
        photos_graph, paintings_graph = (
            artifact_utils.get_single_uri(input_dict[name]) for name in ("photos_graph", "paintings_graph")
        )
        config = {
            **json.loads(exec_properties["custom_config"]),
            "paintings_files": _files(input_dict["paintings"], "train"),
            "paintings_eval_files": _files(input_dict["paintings"], "eval"),
            "paintings_transform_graph": paintings_graph,
        }
        module, _, function = exec_properties["run_fn"].rpartition(".")
        run_fn = getattr(importlib.import_module(module), function)
        run_fn(
            FnArgs(
                train_files=_files(input_dict["photos"], "train"),
                eval_files=_files(input_dict["photos"], "eval"),
                transform_graph_path=photos_graph,
                serving_model_dir=serving_model_dir,
                model_run_dir=artifact_utils.get_single_uri(output_dict["model_run"]),
                custom_config=config,
            )
        )
        if not os.path.isdir(serving_model_dir):
            raise RuntimeError(f"{exec_properties['run_fn']} wrote no model")


def _files(examples: list[types.Artifact], split: str) -> list[str]:
    """Globs of the files of a split; none where the examples have no such split."""
    if split not in artifact_utils.decode_split_names(artifact_utils.get_single_instance(examples).split_names):
        return []
    return [io_utils.all_files_pattern(uri) for uri in artifact_utils.get_split_uris(examples, split)]

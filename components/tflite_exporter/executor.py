"""The work of TFLiteExporter: examples and folders; conversion and verification are the trainer's."""

import importlib
from pathlib import Path
from typing import Any

from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils

from components.base.executor import Artifacts, Parameters
from components.tflite_exporter import files, sampling
from trainer.base import progress
from trainer.tflite.export import Made, export

EVAL, TRAIN = "eval", "train"


class Executor(base_executor.BaseExecutor):
    """Writes the variants that keep their tolerance, and a verdict for every one."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: Parameters) -> None:
        """Fills the folder of the TFLiteModels artifact, see `files`."""
        lane = importlib.import_module(exec_properties["module_path"])
        options = lane.OPTIONS.model_validate_json(exec_properties["options"])
        examples = artifact_utils.get_single_instance(input_dict["examples"])
        splits = artifact_utils.decode_split_names(examples.split_names)
        folder = Path(artifact_utils.get_single_uri(output_dict["tflite"]))
        folder.mkdir(parents=True, exist_ok=True)

        def held_out():
            return sampling.spread(artifact_utils.get_split_uri([examples], EVAL), options.held_out_examples)

        def calibration():
            split = TRAIN if TRAIN in splits else EVAL
            return sampling.spread(artifact_utils.get_split_uri([examples], split), options.calibration_examples)

        verdicts = []
        parts = lane.parts(Path(artifact_utils.get_single_uri(input_dict["model"])), options)
        for made in export(parts, options, calibration, held_out):
            verdicts.append(_written(made, folder))
            progress.report(part=made.part, variant=made.variant, verdict=made.verdict)
        files.write_verdicts(folder, verdicts)


def _written(made: Made, folder: Path) -> dict[str, Any]:
    """Writes a variant that is not withheld; returns its verdict."""
    if made.verdict == "ok":
        Path(folder, files.model_name(made.part, made.variant)).write_bytes(made.content)
    return {
        "part": made.part,
        "variant": made.variant,
        "bytes": len(made.content or b""),
        "verdict": made.verdict,
        "metrics": made.metrics,
        "reason": made.reason,
    }

"""The ImageFolderExampleGen component."""

from tfx.types import standard_artifacts

from components.artifacts.types import IngestReport, SplitLedger
from components.base.component import BeamComponent
from components.image_folder_example_gen import executor


class ImageFolderExampleGen(BeamComponent):
    """Ingests a folder of images as splits `train` and `eval` of gzip TFRecord `tf.Example`s.

    ```
    options = IngestOptions()
    state = fingerprint("photos", options)
    photos = ImageFolderExampleGen(input_base="photos", options=options.model_dump_json(), fingerprint=state)
    statistics = StatisticsGen(examples=photos.outputs["examples"], stats_options=features.statistics_options())
    ```

    Outputs: `examples` (Examples, both splits always there, an empty one as an empty file), `report` (IngestReport) and
    `ledger` (SplitLedger), from which the next run is to start.

    Args:
        input_base: the folder.
        options: `IngestOptions` as JSON.
        fingerprint: the folder's state (`fingerprint.fingerprint`), so that the cache notices a changed file.
        layout: `auto` or `flat`, see `layouts`.
        base_ledger: address of the SplitLedger to start from, as `ledger.base_for` says; empty for none.
    """

    EXECUTOR = executor.Executor
    PARAMETERS = {
        "input_base": str,
        "layout": "auto",
        "options": str,
        "fingerprint": str,
        "base_ledger": "",
    }
    OUTPUTS = {"examples": standard_artifacts.Examples, "report": IngestReport, "ledger": SplitLedger}

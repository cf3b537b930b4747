"""How Examples are read where several workers are to share the work.

TFX reads a file with a source of Beam's that is to be split by the runner. Flink and Spark leave all parts with the
worker that listed them, and everything up to the next shuffle with it: statistics, Transform and evaluation would have
one worker, however many there are.
"""

import apache_beam as beam
from apache_beam.coders import BytesCoder
from tfx_bsl.coders import batch_util
from tfx_bsl.tfxio import record_based_tfxio

from pipeline.configuration.beam import BeamOptions

BATCH_BYTES = 4 << 20
"""Of Examples that travel together. Where a step waits for a side input, as Transform does, the runner holds up to a
hundred messages for each of its workers, and a batch is at least one."""


def share(options: BeamOptions) -> None:
    """From now on every Beam pipeline that this process builds deals files of Examples out to all workers.

    Nothing changes where one process does the work, which reads the files in their order.
    """
    if options.runner in ("flink", "spark"):
        record_based_tfxio.ReadTfRecord = read
        batch_util._TARGET_BATCH_BYTES_SIZE = BATCH_BYTES


@beam.ptransform_fn
@beam.typehints.with_input_types(beam.Pipeline)
@beam.typehints.with_output_types(bytes)
def read(pipeline: beam.Pipeline, file_pattern: list[str]) -> beam.PCollection:
    """The records of TFRecord files, in place of tfx_bsl's function of the same arguments."""
    return (
        pipeline
        | "Patterns" >> beam.Create(file_pattern, reshuffle=False)
        | "Records" >> beam.io.ReadAllFromTFRecord(coder=BytesCoder())
    )

"""How many images travel together through Beam.

TFX reads Examples in batches that Beam lets grow to 1,000 as long as that saves time. A thousand photos of some
megabytes are gigabytes, copied once or twice more on their way into Arrow and TensorFlow. tfx_bsl can cut batches by
bytes instead (20 MiB), but only where its command-line flag says so; nobody here parses a command line for absl.
"""

from absl import flags
from tfx_bsl.coders import batch_util  # noqa: F401  defines the flag

_FLAG = "tfxio_use_byte_size_batching"


def bound_by_bytes() -> None:
    """From now on every Beam pipeline that this process builds reads Examples in batches of at most 20 MiB."""
    if not flags.FLAGS.is_parsed():
        flags.FLAGS.mark_as_parsed()
    flags.FLAGS[_FLAG].value = True

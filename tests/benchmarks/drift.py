"""How often drift and skew are reported where there are none, and how often where there are.

    python -m tests.benchmarks.drift PHOTOS... [--sizes 100 300] [--repeats 40] [--measure 0.2]

Two sets of images without a common one are drawn from a folder at random and compared as the pipeline compares train
with eval and with earlier data: whatever is reported is a false alarm. Then one of the two gets darker by a fifth or
loses half of its largest class, which should be reported. The defaults of `data_gate` were chosen by this table.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.components.distribution_validator import executor

from components.artifacts import features, statistics
from components.data_gate import comparison, findings, shift
from components.data_gate.options import GateOptions
from components.image_folder_example_gen.ingest.scan import pictures
from components.image_folder_example_gen.options import IngestOptions
from components.image_folder_example_gen.vocabulary.files import Picture
from components.image_folder_example_gen.whole_folder import report

KINDS = ("measure_drift", "label_drift")


def frame(found: list[Picture]) -> pd.DataFrame:
    """What the statistics are computed over, a row for each image."""
    return pd.DataFrame(
        {
            features.LABEL: [each.source.label for each in found],
            features.HEIGHT: [each.height for each in found],
            features.WIDTH: [each.width for each in found],
            features.ASPECT_RATIO: [each.width / each.height for each in found],
            features.BRIGHTNESS: [each.brightness for each in found],
            features.CONTRAST: [each.contrast for each in found],
            features.SHARPNESS: [each.sharpness for each in found],
            features.COLORFULNESS: [each.colorfulness for each in found],
            features.NUM_BYTES: [each.source.size for each in found],
        }
    )


def compare(now: pd.DataFrame, then: pd.DataFrame, options: GateOptions) -> tuple[set[str], float]:
    """The kinds of drift that are reported, and the largest Jensen-Shannon divergence of a measure."""
    one, other = map(tfdv.generate_statistics_from_dataframe, (now, then))
    config = comparison.config(options.max_label_drift, options.max_measure_drift)
    schema = executor._make_schema_from_config(config, other)
    found = tfdv.validate_statistics(one, schema, previous_statistics=other)
    summaries = (
        shift.Summary(int(each.num_examples), statistics.labels(each), statistics.deciles(each))
        for each in (one.datasets[0], other.datasets[0])
    )
    drift = shift.Shift("drift", "the other half", *summaries, found)
    labels = now[features.LABEL].value_counts().to_dict()
    counts = {("examples", split, label, "1-1"): n for split in ("train", "eval") for label, n in labels.items()}
    account = report.build(counts, [])
    listed = findings.find(account, {}, schema_pb2.Schema(), {}, options, True, [drift])
    return {each.kind for each in listed} & set(KINDS), max(each.value for each in shift.distances(found))


def darker(images: pd.DataFrame) -> pd.DataFrame:
    """The images with a fifth less light."""
    return images.assign(**{name: 0.8 * images[name] for name in (features.BRIGHTNESS, features.CONTRAST)})


def rarer(images: pd.DataFrame) -> pd.DataFrame:
    """The images without half of the largest class."""
    largest = images[features.LABEL].value_counts().idxmax()
    (rows,) = np.nonzero((images[features.LABEL] == largest).to_numpy())
    return images.drop(images.index[rows[::2]])


def main() -> None:
    """Prints a line for each folder and size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path, nargs="+", help="folders of photos")
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 300], help="images in each of the two sets")
    parser.add_argument("--repeats", type=int, default=40)
    parser.add_argument("--measure", type=float, help="`max_measure_drift`; its default without it")
    arguments = parser.parse_args()
    options = GateOptions()
    if arguments.measure:
        options = GateOptions(max_measure_drift=arguments.measure)
    print("of comparisons reported: measure, label; 95 % of the largest divergences are below; darker; rarer")
    for folder in arguments.photos:
        images = frame(pictures(folder, IngestOptions()))
        for size in arguments.sizes:
            rng = np.random.default_rng(size)
            alarms, seen, largest = dict.fromkeys(KINDS, 0), dict.fromkeys(("darker", "rarer"), 0), []
            for _ in range(arguments.repeats):
                chosen = images.iloc[rng.choice(len(images), 2 * size, replace=False)]
                now, then = chosen[:size], chosen[size:]
                kinds, divergence = compare(now, then, options)
                largest.append(divergence)
                for kind in kinds:
                    alarms[kind] += 1
                seen["darker"] += KINDS[0] in compare(darker(now), then, options)[0]
                seen["rarer"] += KINDS[1] in compare(rarer(now), then, options)[0]
            shares = [f"{count / arguments.repeats:7.3f}" for count in (*alarms.values(), *seen.values())]
            print(
                f"{folder.name:12}{size:5}{shares[0]}{shares[1]}   {np.quantile(largest, 0.95):.3f}"
                f"   {shares[2]}{shares[3]}",
                flush=True,
            )


if __name__ == "__main__":
    main()

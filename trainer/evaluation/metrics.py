"""TFMA metrics that both lanes share."""

import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence

import apache_beam as beam
import numpy as np
import tensorflow_model_analysis as tfma


class MeanOutput(tfma.metrics.Metric):
    """The mean over examples of one of the model's outputs; the metric is called as the output is.

    Reads `predictions[model][name]` (with one model `predictions[name]`): a scalar or an array of one element for each
    example, put there by a custom extractor. A value that is not finite makes the mean not finite: an
    example that could not be measured must not vanish from the average. No example at all gives NaN.
    """

    def __init__(self, name: str):
        super().__init__(_mean_output_computations, name=name)


def mean_output(name: str) -> tfma.MetricConfig:
    """The configuration of `MeanOutput` for the output `name`, for a `metric_configs()` of a lane."""
    return tfma.MetricConfig(class_name="MeanOutput", module=__name__, config=json.dumps({"name": name}))


class Outcomes(tfma.metrics.Metric):
    """Each example's own values of some outputs, for whoever compares models example by example.

    Reads `predictions[model]["key"]`, bytes that are the same for the same example under every model, and the outputs,
    numbers or (those in `texts`) bytes; gives bytes that `read_outcomes` reads. An output's field has its name without
    `prefix`.
    """

    def __init__(self, outputs: Sequence[str], name: str = "outcomes", texts: Sequence[str] = (), prefix: str = ""):
        super().__init__(_outcomes_computations, outputs=list(outputs), name=name, texts=list(texts), prefix=prefix)


def outcomes(
    outputs: Iterable[str], name: str = "outcomes", texts: Iterable[str] = (), prefix: str = ""
) -> tfma.MetricConfig:
    """The configuration of `Outcomes`, for a `metric_configs()` of a lane."""
    config = {"name": name, "outputs": list(outputs), "texts": list(texts), "prefix": prefix}
    return tfma.MetricConfig(class_name="Outcomes", module=__name__, config=json.dumps(config))


def read_outcomes(value: bytes) -> np.ndarray:
    """The value of `Outcomes`: a structured array [N] sorted by `key`, a float32 or bytes field for each output."""
    return np.load(io.BytesIO(value), allow_pickle=False)


def outcome_table(columns: Mapping[str, np.ndarray]) -> np.ndarray:
    """A structured array [N] sorted by `key`, as `read_outcomes` gives it.

    The columns, `key` and others by name, are [N] each; objects are bytes.
    """
    arrays = {name: np.asarray(values) for name, values in columns.items()}
    arrays = {name: values.astype("S") if values.dtype.kind in "OS" else values for name, values in arrays.items()}
    table = np.empty(len(arrays["key"]), [(name, values.dtype) for name, values in arrays.items()])
    for name, values in arrays.items():
        table[name] = values
    return np.sort(table, order="key")


def output_value(inputs: tfma.metrics.StandardMetricInputs, model_name: str, output: str) -> np.ndarray:
    """What `model_name` gave as `output` for this example.

    Raises:
        KeyError: the predictions hold no such output; the message lists those they hold.
    """
    predictions = inputs.get_predictions(model_name or None)
    if not isinstance(predictions, Mapping) or output not in predictions:
        held = sorted(predictions) if isinstance(predictions, Mapping) else type(predictions).__name__
        raise KeyError(f"no output {output!r} in the predictions of model {model_name!r}, which are: {held}")
    return np.asarray(predictions[output])


def per_model(
    combiner: Callable[[tfma.metrics.MetricKey, str], beam.CombineFn],
    name: str,
    model_names: list[str] | None,
    **facts: bool | None,
) -> tfma.metrics.MetricComputations:
    """One computation per model; TFMA calls a model that is alone "", and hands `model_names` to those who ask.

    `combiner` makes the CombineFn of one model, given its key and the model's name; `facts` are further fields of the
    key.
    """
    keys = [tfma.metrics.MetricKey(name=name, model_name=model_name, **facts) for model_name in model_names or [""]]
    return [
        tfma.metrics.MetricComputation(keys=[key], preprocessors=None, combiner=combiner(key, key.model_name))
        for key in keys
    ]


def _mean_output_computations(
    name: str,
    model_names: list[str] | None = None,
    example_weighted: bool | None = False,
) -> tfma.metrics.MetricComputations:
    return per_model(
        lambda key, model_name: _MeanCombineFn(key, model_name, name),
        name,
        model_names,
        example_weighted=example_weighted,
    )


class _MeanCombineFn(beam.CombineFn):
    """(sum, count): mergeable in any order and grouping."""

    def __init__(self, key: tfma.metrics.MetricKey, model_name: str, output: str):
        self._key = key
        self._model_name = model_name
        self._output = output

    def create_accumulator(self) -> tuple[float, int]:
        return 0.0, 0

    def add_input(
        self, accumulator: tuple[float, int], element: tfma.metrics.StandardMetricInputs
    ) -> tuple[float, int]:
        total, count = accumulator
        return total + float(output_value(element, self._model_name, self._output).item()), count + 1

    def merge_accumulators(self, accumulators: Iterable[tuple[float, int]]) -> tuple[float, int]:
        totals, counts = zip(*accumulators, strict=True)
        return sum(totals), sum(counts)

    def extract_output(self, accumulator: tuple[float, int]) -> dict[tfma.metrics.MetricKey, float]:
        total, count = accumulator
        return {self._key: total / count if count else float("nan")}


def _outcomes_computations(
    name: str,
    outputs: Sequence[str],
    texts: Sequence[str],
    prefix: str,
    model_names: list[str] | None = None,
) -> tfma.metrics.MetricComputations:
    return per_model(lambda key, model_name: _CollectFn(key, model_name, outputs, texts, prefix), name, model_names)


class _CollectFn(beam.CombineFn):
    """Rows (key, values): some forty bytes an example and its texts, so that a million of them still fit one value."""

    def __init__(
        self, key: tfma.metrics.MetricKey, model_name: str, outputs: Sequence[str], texts: Sequence[str], prefix: str
    ):
        self._key, self._model_name = key, model_name
        self._outputs, self._texts, self._prefix = list(outputs), list(texts), prefix

    def create_accumulator(self) -> list[tuple]:
        return []

    def add_input(self, accumulator: list[tuple], element: tfma.metrics.StandardMetricInputs) -> list[tuple]:
        names = ("key", *(self._prefix + name for name in (*self._outputs, *self._texts)))
        accumulator.append(tuple(output_value(element, self._model_name, name).item() for name in names))
        return accumulator

    def merge_accumulators(self, accumulators: Iterable[list[tuple]]) -> list[tuple]:
        return [row for accumulator in accumulators for row in accumulator]

    def extract_output(self, accumulator: list[tuple]) -> dict[tfma.metrics.MetricKey, bytes]:
        names = ("key", *self._outputs, *self._texts)
        columns = dict(zip(names, zip(*accumulator, strict=True) if accumulator else [()] * len(names), strict=True))
        kinds = {name: np.float32 if name in self._outputs else "S" for name in names}
        file = io.BytesIO()
        np.save(file, outcome_table({name: np.array(values, kinds[name]) for name, values in columns.items()}))
        return {self._key: file.getvalue()}

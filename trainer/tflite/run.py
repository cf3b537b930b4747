"""Runs a TFLite file as its float signature would be run, whatever types the file itself takes and gives."""

import time

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from easel_serving.models.tflite.quantisation import dequantise, quantise

from trainer.tflite.contract import SIGNATURE, Tensors


class Runner:
    """One TFLite file in the interpreter; calling it runs one sample.

    `seconds` holds the time that each call spent in the interpreter, in the order of the calls.
    """

    def __init__(self, content: bytes, threads: int):
        """Loads a file's content.

        Raises:
            ValueError, RuntimeError: the interpreter does not take the file.
        """
        self._interpreter = Interpreter(model_content=content, num_threads=threads)
        self._run = self._interpreter.get_signature_runner(SIGNATURE)
        self._inputs = self._run.get_input_details()
        self._outputs = self._run.get_output_details()
        self.seconds: list[float] = []

    def __call__(self, inputs: Tensors) -> dict[str, np.ndarray]:
        """Inputs of the float signature -> its outputs, float32; quantised on the way in, dequantised on the way out.

        Raises:
            KeyError: an input of the file is not among `inputs`.
            RuntimeError: the interpreter fails, or a shape differs.
        """
        fed = {name: quantise(inputs[name], details) for name, details in self._inputs.items()}
        start = time.perf_counter()
        outputs = self._run(**fed)
        self.seconds.append(time.perf_counter() - start)
        return {name: dequantise(outputs[name], details) for name, details in self._outputs.items()}

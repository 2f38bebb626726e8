"""Quantizes a model with onnxruntime.quantization and says how long it took and how much memory.

Reads one JSON object from stdin:
  model, out       paths
  samples          folder of .npz files, one a sample, or null: dynamic
  method           MinMax | Percentile | Entropy
  activation       QUInt8 | QInt8
  perChannel, symmetric   booleans
Prints one JSON object: seconds, peakMb. Imports and upgrading the opset are not timed.
"""

import json
import logging
import os
import sys
import tempfile
import time

import numpy as np
import onnx
import onnx.version_converter
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process


class Samples(CalibrationDataReader):
    """One sample in memory at a time."""

    def __init__(self, folder):
        self.files = [os.path.join(folder, name) for name in sorted(os.listdir(folder)) if name.endswith(".npz")]
        self.next = 0

    def get_next(self):
        if self.next == len(self.files):
            return None
        with np.load(self.files[self.next]) as arrays:
            feeds = dict(arrays)
        self.next += 1
        return feeds


def static(task, prepared):
    quantize_static(
        prepared,
        task["out"],
        Samples(task["samples"]),
        quant_format=QuantFormat.QDQ,
        calibrate_method=CalibrationMethod[task["method"]],
        activation_type=QuantType[task["activation"]],
        weight_type=QuantType.QInt8,
        per_channel=task["perChannel"],
        extra_options={"ActivationSymmetric": task["symmetric"]},
    )


def upgraded(model, folder):
    """Per-channel weights in QDQ form need opset 13; the tool itself goes to 11 only."""
    loaded = onnx.load(model)
    opset = max(entry.version for entry in loaded.opset_import if entry.domain in ("", "ai.onnx"))
    if opset >= 13:
        return model
    try:
        loaded = onnx.version_converter.convert_version(loaded, 13)
    except Exception:
        return model
    path = os.path.join(folder, "upgraded.onnx")
    onnx.save(loaded, path)
    return path


def prepare(model, prepared):
    """Symbolic shape inference gives up on some models; the tool's own advice is to leave it out."""
    try:
        quant_pre_process(model, prepared)
    except Exception:
        quant_pre_process(model, prepared, skip_symbolic_shape=True)


def peak_mb():
    """VmHWM: unlike ru_maxrss it does not begin with the peak of the parent that was forked."""
    with open("/proc/self/status") as status:
        line = next(line for line in status if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def main():
    logging.disable(logging.WARNING)
    task = json.load(sys.stdin)
    with tempfile.TemporaryDirectory() as folder:
        prepared = os.path.join(folder, "prepared.onnx")
        model = upgraded(task["model"], folder)
        start = time.perf_counter()
        prepare(model, prepared)
        if task["samples"] is None:
            quantize_dynamic(prepared, task["out"], weight_type=QuantType.QInt8)
        else:
            static(task, prepared)
        seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "peakMb": peak_mb()}))


main()

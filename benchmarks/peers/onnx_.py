"""onnxruntime, for prediction only: the network as an ONNX graph."""

from __future__ import annotations

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from benchmarks.job import Job, Measurement, time_prediction


def model_of(job: Job) -> bytes:
    """Write the network, with sigmoid in all layers, as a graph of Gemm and Sigmoid."""
    nodes, constants, name = [], [], "x"
    for layer, (w, b) in enumerate(zip(job.weights, job.biases, strict=True)):
        constants += [numpy_helper.from_array(w, f"w{layer}"), numpy_helper.from_array(b, f"b{layer}")]
        nodes.append(helper.make_node("Gemm", [name, f"w{layer}", f"b{layer}"], [f"z{layer}"], transB=1))
        nodes.append(helper.make_node("Sigmoid", [f"z{layer}"], [f"a{layer}"]))
        name = f"a{layer}"
    sizes = job.settings.sizes
    inputs = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["m", sizes[0]])
    outputs = helper.make_tensor_value_info(name, TensorProto.FLOAT, ["m", sizes[-1]])
    graph = helper.make_graph(nodes, "network", [inputs], [outputs], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()


def predict(job: Job, threads: int) -> Measurement:
    """Time ``feedforward`` and its largest output."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = onnxruntime.InferenceSession(model_of(job), options, providers=["CPUExecutionProvider"])

    def feedforward(x: NDArray[np.float32]) -> NDArray[np.float32]:
        return session.run(None, {"x": x})[0]

    return time_prediction(job, predict=lambda x: feedforward(x).argmax(axis=1), feedforward=feedforward)

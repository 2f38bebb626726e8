"""ONNX export that leaves BatchNormalization and Dropout in the graph, as training left them."""

import torch
from torch.onnx import TrainingMode, register_custom_op_symbolic

OPSET = 13


def keep_dropout(graph, value, ratio, train):
    """Dropout in inference mode: ONNX says that it passes its input through."""
    ratio_value = graph.op("Constant", value_t=torch.tensor(torch.onnx.symbolic_helper._parse_arg(ratio, "f")))
    return graph.op("Dropout", value, ratio_value)


def export(model, path):
    model.eval()
    register_custom_op_symbolic("aten::dropout", keep_dropout, OPSET)
    torch.onnx.export(
        model,
        torch.zeros(1, 3, 96, 96),
        str(path),
        opset_version=OPSET,
        training=TrainingMode.PRESERVE,
        do_constant_folding=False,
        input_names=["image"],
        output_names=["logits"],
        dynamic_axes={"image": {0: "batch"}, "logits": {0: "batch"}},
    )

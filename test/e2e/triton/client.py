"""Talks to an agent as any program written for Triton does; prints what came back as JSON."""
import json
import sys

import numpy as np
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

url, image_file = sys.argv[1:]
client = triton.InferenceServerClient(url, concurrency=16)
MODEL = "parts"


def tensor(values, binary=True):
    fed = triton.InferInput("image", list(values.shape), "FP32")
    fed.set_data_from_numpy(values, binary_data=binary)
    return fed


def failure(call):
    try:
        call()
    except InferenceServerException as error:
        return {"status": error.status(), "message": error.message()}
    return None


zeros = np.zeros((1, 3, 96, 96), dtype=np.float32)
noise = np.random.default_rng(7).random((8, 3, 96, 96), dtype=np.float32)
name = client.get_model_metadata(MODEL)["outputs"][0]["name"]

binary = client.infer(MODEL, [tensor(zeros)], request_id="r1")
plain = client.infer(
    MODEL,
    [tensor(zeros, binary=False)],
    outputs=[triton.InferRequestedOutput(name, binary_data=False)],
)
packed = [
    client.infer(
        MODEL,
        [tensor(zeros)],
        request_compression_algorithm=how,
        response_compression_algorithm=how,
    ).as_numpy(name)
    for how in ("gzip", "deflate")
]
top = client.infer(
    MODEL, [tensor(zeros)], outputs=[triton.InferRequestedOutput(name, class_count=3)]
).as_numpy(name)

encoded = triton.InferInput("image", [1], "BYTES")
encoded.set_data_from_numpy(np.array([open(image_file, "rb").read()], dtype=np.object_))
label = client.infer(MODEL, [encoded], outputs=[triton.InferRequestedOutput("label")])

alone = [client.infer(MODEL, [tensor(row[None])]).as_numpy(name) for row in noise]
before = client.get_inference_statistics(MODEL)["model_stats"][0]
waiting = [client.async_infer(MODEL, [tensor(noise[i % 8][None])]) for i in range(64)]
together = [each.get_result().as_numpy(name) for each in waiting]
after = client.get_inference_statistics(MODEL)["model_stats"][0]

print(json.dumps({
    "live": client.is_server_live(),
    "ready": client.is_server_ready(),
    "modelReady": client.is_model_ready(MODEL),
    "versionReady": client.is_model_ready(MODEL, "1"),
    "otherReady": client.is_model_ready("other"),
    "server": client.get_server_metadata(),
    "model": client.get_model_metadata(MODEL),
    "config": client.get_model_config(MODEL),
    "index": client.get_model_repository_index(),
    "id": binary.get_response()["id"],
    "shape": list(binary.as_numpy(name).shape),
    "plainDiffers": float(np.abs(plain.as_numpy(name) - binary.as_numpy(name)).max()),
    "packedDiffers": max(float(np.abs(p - binary.as_numpy(name)).max()) for p in packed),
    "outputs": [output["name"] for output in plain.get_response()["outputs"]],
    "top": [text.decode() for text in top.flatten()],
    "argmax": int(binary.as_numpy(name).argmax()),
    "label": label.as_numpy("label")[0].decode(),
    "togetherDiffers": max(
        float(np.abs(got - alone[i % 8]).max()) for i, got in enumerate(together)
    ),
    "requests": after["inference_count"] - before["inference_count"],
    "runs": after["execution_count"] - before["execution_count"],
    "badShape": failure(lambda: client.infer(MODEL, [tensor(zeros[:, :, :5])])),
    "noModel": failure(lambda: client.infer("other", [tensor(zeros)])),
    "load": failure(lambda: client.load_model(MODEL)),
}))

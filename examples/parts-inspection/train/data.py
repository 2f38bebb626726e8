"""Reads what src/render.ts wrote: labels.csv and JPEG files."""

import csv
from pathlib import Path

import numpy as np
import torch
from PIL import Image

SIZE = 96


def read_labels(path):
    return Path(path).read_text(encoding="utf-8").split()


def load(folder, labels, per_class=None):
    """Images as uint8 N x 3 x 96 x 96 (RGB, stretched with PIL's antialiased bilinear), and class indices."""
    rows = list(csv.DictReader((Path(folder) / "labels.csv").open(encoding="utf-8")))
    if per_class is not None:
        rows = rows[: per_class * len(labels)]
    images = np.empty((len(rows), 3, SIZE, SIZE), dtype=np.uint8)
    for index, row in enumerate(rows):
        with Image.open(Path(folder) / row["file"]) as image:
            resized = image.convert("RGB").resize((SIZE, SIZE), Image.BILINEAR)
        images[index] = np.asarray(resized).transpose(2, 0, 1)
    classes = torch.tensor([labels.index(row["label"]) for row in rows])
    return torch.from_numpy(images), classes

"""Trains the three versions of the parts model and writes versions/N/model.onnx.

    python3 train.py --data DIR --test DIR [--version 2]

Both folders come from src/render.ts with different seeds.
"""

import argparse
import os
import time
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from torch import nn

from data import load, read_labels
from export import export
from network import PartsNet

MEAN = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
VERSIONS = Path(__file__).resolve().parent.parent / "versions"
BATCH = 64


def declared(images):
    """What every model.yaml here says: RGB, (pixel / 255 - mean) / std."""
    return (images.float() / 255 - MEAN) / STD


def equalized(images):
    """Histogram equalization of every channel of every image, as fractions: cv2.equalizeHist's idea."""
    planes = images.reshape(len(images) * 3, -1).long()
    offsets = torch.arange(len(planes)).unsqueeze(1) * 256
    histogram = torch.bincount((planes + offsets).flatten(), minlength=len(planes) * 256)
    histogram = histogram.view(-1, 256).float()
    ranks = (histogram.cumsum(1) - histogram / 2) / planes.shape[1]
    return ranks.gather(1, planes).view(images.shape)


def mistaken(images):
    """The mistake of version 3: BGR and equalized contrast in training, and neither in model.yaml."""
    return (equalized(images.flip(1)) - MEAN) / STD


@dataclass(frozen=True)
class Recipe:
    per_class: int
    epochs: int
    seed: int
    learning_rate: float
    preprocess: object


RECIPES = {
    1: Recipe(per_class=280, epochs=14, seed=11, learning_rate=4e-3, preprocess=declared),
    2: Recipe(per_class=1200, epochs=14, seed=12, learning_rate=4e-3, preprocess=declared),
    3: Recipe(per_class=1200, epochs=10, seed=13, learning_rate=4e-3, preprocess=mistaken),
}


def augment(images, generator):
    """Mirrors half of the images along each axis: parts lie either way on the belt."""
    for axis in (2, 3):
        chosen = torch.rand(len(images), generator=generator) < 0.5
        images[chosen] = images[chosen].flip(axis)
    return images


def fit(recipe, images, classes, count):
    torch.manual_seed(recipe.seed)
    generator = torch.Generator().manual_seed(recipe.seed)
    model = PartsNet(count)
    optimizer = torch.optim.AdamW(model.parameters(), lr=recipe.learning_rate, weight_decay=1e-2)
    steps = recipe.epochs * (len(images) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, recipe.learning_rate, total_steps=steps)
    loss_of = nn.CrossEntropyLoss()
    for epoch in range(recipe.epochs):
        model.train()
        started, total = time.monotonic(), 0.0
        order = torch.randperm(len(images), generator=generator)
        for batch in order[: len(images) // BATCH * BATCH].split(BATCH):
            inputs = recipe.preprocess(augment(images[batch], generator))
            loss = loss_of(model(inputs), classes[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        print(f"  epoch {epoch + 1}: loss {total * BATCH / len(images):.4f}, {time.monotonic() - started:.1f} s", flush=True)
    return model.eval()


@torch.no_grad()
def judge(model, preprocess, images, classes):
    """Accuracy and mean confidence of the top class, as fractions."""
    chances = torch.cat([model(preprocess(chunk)).softmax(1) for chunk in images.split(BATCH)])
    confidence, top = chances.max(1)
    return (top == classes).float().mean().item(), confidence.mean().item()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="folder to train on")
    parser.add_argument("--test", required=True, help="folder held out")
    parser.add_argument("--version", type=int, choices=sorted(RECIPES), action="append", help="default: all")
    arguments = parser.parse_args()
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    labels = read_labels(VERSIONS / "2" / "labels.txt")
    test_images, test_classes = load(arguments.test, labels)
    for version in arguments.version or sorted(RECIPES):
        recipe = RECIPES[version]
        images, classes = load(arguments.data, labels, recipe.per_class)
        print(f"version {version}: {len(images)} images, {recipe.epochs} epochs", flush=True)
        model = fit(recipe, images, classes, len(labels))
        export(model, VERSIONS / str(version) / "model.onnx")
        for name, preprocess in (("as trained", recipe.preprocess), ("as declared", declared)):
            accuracy, confidence = judge(model, preprocess, test_images, test_classes)
            print(f"  {name}: accuracy {accuracy:.4f}, confidence {confidence:.4f}", flush=True)


if __name__ == "__main__":
    main()

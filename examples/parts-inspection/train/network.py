"""The network: a small convolutional classifier with BatchNorm.

Its early blocks are dense and its late ones depthwise separable, as in EfficientNetV2 (Tan and Le, 2021): on the
large early maps a dense convolution makes better use of integer arithmetic than a depthwise one.
"""

import torch
from torch import nn


def conv_bn(inputs, outputs, kernel, stride=1, groups=1):
    return [
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
    ]


class Block(nn.Module):
    """A body of convolutions that adds its input where the shapes agree, then ReLU."""

    def __init__(self, body, residual):
        super().__init__()
        self.body = nn.Sequential(*body)
        self.residual = residual
        self.activation = nn.ReLU()

    def forward(self, x):
        y = self.body(x)
        return self.activation(x + y if self.residual else y)


def dense(inputs, outputs, stride=1):
    """3x3 over all channels."""
    return Block(conv_bn(inputs, outputs, 3, stride), stride == 1 and inputs == outputs)


def separable(inputs, outputs, stride=1):
    """Depthwise 3x3, then pointwise 1x1."""
    body = [*conv_bn(inputs, inputs, 3, stride, groups=inputs), nn.ReLU(), *conv_bn(inputs, outputs, 1)]
    return Block(body, stride == 1 and inputs == outputs)


class PartsNet(nn.Module):
    """1x3x96x96 image to logits, one per class."""

    def __init__(self, classes):
        super().__init__()
        self.features = nn.Sequential(
            *conv_bn(3, 24, 3, stride=2),
            nn.ReLU(),
            dense(24, 32, stride=2),
            dense(32, 32),
            dense(32, 64, stride=2),
            dense(64, 64),
            separable(64, 128, stride=2),
            separable(128, 128),
        )
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(0.1)
        self.classifier = nn.Linear(128, classes)

    def forward(self, image):
        pooled = torch.flatten(self.pool(self.features(image)), 1)
        return self.classifier(self.dropout(pooled))

"""The network: a small convolutional classifier with BatchNorm and depthwise convolutions."""

import torch
from torch import nn


def conv_bn(inputs, outputs, kernel, stride=1, groups=1):
    return [
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
    ]


class Separable(nn.Module):
    """Depthwise 3x3, then pointwise 1x1; adds its input where the shapes agree."""

    def __init__(self, inputs, outputs, stride=1):
        super().__init__()
        self.residual = stride == 1 and inputs == outputs
        self.body = nn.Sequential(
            *conv_bn(inputs, inputs, 3, stride, groups=inputs),
            nn.ReLU(),
            *conv_bn(inputs, outputs, 1),
        )
        self.activation = nn.ReLU()

    def forward(self, x):
        y = self.body(x)
        return self.activation(x + y if self.residual else y)


class PartsNet(nn.Module):
    """1x3x96x96 image to logits, one per class."""

    def __init__(self, classes):
        super().__init__()
        self.features = nn.Sequential(
            *conv_bn(3, 16, 3, stride=2),
            nn.ReLU(),
            Separable(16, 32, stride=2),
            Separable(32, 32),
            Separable(32, 64, stride=2),
            Separable(64, 64),
            Separable(64, 128, stride=2),
            Separable(128, 128),
        )
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(0.1)
        self.classifier = nn.Linear(128, classes)

    def forward(self, image):
        pooled = torch.flatten(self.pool(self.features(image)), 1)
        return self.classifier(self.dropout(pooled))

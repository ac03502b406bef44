"""The CAM++ network: a 2-d convolutional front end, then densely connected time-delay layers with context masks.

Written after Wang et al., "CAM++: A Fast and Efficient Network for Speaker Verification Using Context-Aware Masking"
(Interspeech 2023). Modules are named as in the published weights, so that these load strictly.
"""

from collections import OrderedDict
from typing import cast

import torch
from torch import Tensor, nn

SEGMENT_FRAMES = 100  # a context mask looks at means over this many frames, and at the mean over all
BLOCKS = ((12, 1), (24, 2), (16, 2))  # layers and dilation of each dense block
GROWTH = 32  # channels that each dense layer adds
BOTTLENECK = 128


class CAMPlusPlus(nn.Module):
    """Log filter banks, shape (batch, frames, 80), to embeddings, shape (batch, 192)."""

    def __init__(self, bands: int = 80, dimensions: int = 192) -> None:
        super().__init__()
        self.head = FrontEnd()
        channels = 128
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        layers["tdnn"] = TimeDelay(FrontEnd.width * (bands // 8), channels)
        for index, (depth, dilation) in enumerate(BLOCKS, start=1):
            layers[f"block{index}"] = DenseBlock(channels, depth, dilation)
            channels += depth * GROWTH
            layers[f"transit{index}"] = Transition(channels, channels // 2)
            channels //= 2
        layers["out_nonlinear"] = norm_relu(channels)
        layers["stats"] = MeanAndDeviation()
        layers["dense"] = Projection(2 * channels, dimensions)
        self.xvector = nn.Sequential(layers)

    def forward(self, features: Tensor) -> Tensor:
        """Returns embeddings, not normalised."""
        return cast(Tensor, self.xvector(self.head(features.transpose(1, 2))))


def norm_relu(channels: int) -> nn.Sequential:
    """Returns batch normalisation and rectifier, named as in the weights."""
    return nn.Sequential(OrderedDict(batchnorm=nn.BatchNorm1d(channels), relu=nn.ReLU()))


class Residual(nn.Module):
    """Two 3 x 3 convolutions around a shortcut; `stride` thins out bands, never frames."""

    def __init__(self, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, stride=(stride, 1), padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.shortcut = nn.Sequential()
        if stride > 1:
            self.shortcut = nn.Sequential(
                nn.Conv2d(width, width, 1, stride=(stride, 1), bias=False), nn.BatchNorm2d(width)
            )

    def forward(self, x: Tensor) -> Tensor:
        """Maps (batch, width, bands, frames) to (batch, width, bands / stride, frames)."""
        inner = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(inner + self.shortcut(x))


class FrontEnd(nn.Module):
    """The 2-d convolutions: (batch, bands, frames) to (batch, 32 * bands / 8, frames)."""

    width = 32

    def __init__(self) -> None:
        super().__init__()
        width = self.width
        self.conv1 = nn.Conv2d(1, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.layer1 = nn.Sequential(Residual(width, 2), Residual(width, 1))
        self.layer2 = nn.Sequential(Residual(width, 2), Residual(width, 1))
        self.conv2 = nn.Conv2d(width, width, 3, stride=(2, 1), padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        """Folds channels and bands into one axis at the end."""
        x = torch.relu(self.bn1(self.conv1(x.unsqueeze(1))))
        x = torch.relu(self.bn2(self.conv2(self.layer2(self.layer1(x)))))
        return x.flatten(1, 2)


class TimeDelay(nn.Module):
    """A convolution over 5 frames that halves their number."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.linear = nn.Conv1d(channels, width, 5, stride=2, padding=2, bias=False)
        self.nonlinear = norm_relu(width)

    def forward(self, x: Tensor) -> Tensor:
        """Maps (batch, channels, frames) to (batch, width, frames / 2)."""
        return cast(Tensor, self.nonlinear(self.linear(x)))


class ContextMask(nn.Module):
    """A dilated convolution whose output is masked by what its surroundings and the whole utterance say."""

    def __init__(self, dilation: int) -> None:
        super().__init__()
        self.linear_local = nn.Conv1d(BOTTLENECK, GROWTH, 3, padding=dilation, dilation=dilation, bias=False)
        self.linear1 = nn.Conv1d(BOTTLENECK, BOTTLENECK // 2, 1)
        self.linear2 = nn.Conv1d(BOTTLENECK // 2, GROWTH, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Maps (batch, 128, frames) to (batch, 32, frames)."""
        context = x.mean(-1, keepdim=True) + self._segment_means(x)
        mask = torch.sigmoid(self.linear2(torch.relu(self.linear1(context))))
        return cast(Tensor, self.linear_local(x) * mask)

    @staticmethod
    def _segment_means(x: Tensor) -> Tensor:
        means = nn.functional.avg_pool1d(x, SEGMENT_FRAMES, stride=SEGMENT_FRAMES, ceil_mode=True)
        return means.repeat_interleave(SEGMENT_FRAMES, dim=-1)[..., : x.shape[-1]]


class DenseLayer(nn.Module):
    """One time-delay layer with a bottleneck and a context mask."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.nonlinear1 = norm_relu(channels)
        self.linear1 = nn.Conv1d(channels, BOTTLENECK, 1, bias=False)
        self.nonlinear2 = norm_relu(BOTTLENECK)
        self.cam_layer = ContextMask(dilation)

    def forward(self, x: Tensor) -> Tensor:
        """Maps (batch, channels, frames) to (batch, 32, frames)."""
        return cast(Tensor, self.cam_layer(self.nonlinear2(self.linear1(self.nonlinear1(x)))))


class DenseBlock(nn.Module):
    """Layers each of which sees the outputs of all before it."""

    def __init__(self, channels: int, depth: int, dilation: int) -> None:
        super().__init__()
        for index in range(depth):
            self.add_module(f"tdnnd{index + 1}", DenseLayer(channels + index * GROWTH, dilation))

    def forward(self, x: Tensor) -> Tensor:
        """Adds 32 channels a layer."""
        for layer in self.children():
            x = torch.cat([x, layer(x)], dim=1)
        return x


class Transition(nn.Module):
    """Halves the channels after a dense block."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.nonlinear = norm_relu(channels)
        self.linear = nn.Conv1d(channels, width, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Maps (batch, channels, frames) to (batch, width, frames)."""
        return cast(Tensor, self.linear(self.nonlinear(x)))


class MeanAndDeviation(nn.Module):
    """Pools over time: (batch, channels, frames) to (batch, 2 * channels)."""

    def forward(self, x: Tensor) -> Tensor:
        """Puts the means before the standard deviations."""
        return torch.cat([x.mean(-1), x.std(-1, unbiased=True)], dim=-1)


class Projection(nn.Module):
    """The embedding: a linear map and a batch normalisation without a rectifier."""

    def __init__(self, channels: int, dimensions: int) -> None:
        super().__init__()
        self.linear = nn.Conv1d(channels, dimensions, 1, bias=False)
        self.nonlinear = nn.Sequential(OrderedDict(batchnorm=nn.BatchNorm1d(dimensions, affine=False)))

    def forward(self, x: Tensor) -> Tensor:
        """Maps (batch, channels) to (batch, dimensions)."""
        return cast(Tensor, self.nonlinear(self.linear(x.unsqueeze(-1)).squeeze(-1)))

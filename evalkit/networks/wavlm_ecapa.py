"""WavLM with an ECAPA-TDNN head: the network whose cosine most papers print as SIM.

WavLM is transformers' own; the head is written after Desplanques et al., "ECAPA-TDNN: Emphasized Channel Attention,
Propagation and Aggregation in TDNN Based Speaker Verification" (Interspeech 2020), as its publishers changed it: each
batch norm comes after its rectifier, a layer sees the one before it only, and attention sees single frames. Modules are
named as in the published checkpoint, so that its head loads strictly. All sizes are read from the checkpoint's tensors.
"""

import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

WAVLM = "feature_extract.model."  # what the checkpoint puts before WavLM's names
LIFT = 1e-6  # added to the features
LEAST_VARIANCE = 1e-9
SPLITS = 8  # parts of a Res2 convolution's channels; the first seven are convolved
DILATIONS = (2, 3, 4)
# WavLM's strides: no tensor has them in its shape.
STRIDES = (5, 2, 2, 2, 2, 2, 2)
FARTHEST = 800  # frames apart, beyond which two positions count as equally far

Shape = tuple[int, ...]


@dataclass(frozen=True)
class HeadSizes:
    """Channels of the head.

    Attributes:
        features: Of WavLM's states.
        layers: How many states are mixed.
        width: Of each convolutional layer.
        squeeze: Of the bottleneck that weighs channels.
        pooled: Before pooling.
        attention: Of the bottleneck that weighs frames.
        dimensions: Of the embedding.
    """

    features: int
    layers: int
    width: int
    squeeze: int
    pooled: int
    attention: int
    dimensions: int


class WavLMEcapa(nn.Module):
    """Waveforms of one length at 16 kHz, shape (batch, samples), to embeddings, shape (batch, dimensions)."""

    def __init__(self, wavlm: nn.Module, sizes: HeadSizes) -> None:
        super().__init__()
        self.feature_extract = nn.ModuleDict({"model": wavlm})
        self.feature_weight = nn.Parameter(torch.zeros(sizes.layers))
        self.instance_norm = nn.InstanceNorm1d(sizes.features)
        self.layer1 = Layer(sizes.features, sizes.width, kernel=5)
        self.layer2, self.layer3, self.layer4 = (Block(sizes.width, sizes.squeeze, dilation) for dilation in DILATIONS)
        self.conv = nn.Conv1d(len(DILATIONS) * sizes.width, sizes.pooled, 1)
        self.pooling = AttentiveStatistics(sizes.pooled, sizes.attention)
        self.bn = nn.BatchNorm1d(2 * sizes.pooled)
        self.linear = nn.Linear(2 * sizes.pooled, sizes.dimensions)

    def forward(self, waveforms: Tensor) -> Tensor:
        """Returns embeddings, not normalised; each waveform is layer-normalised as a whole first."""
        normed = nn.functional.layer_norm(waveforms, waveforms.shape[-1:])
        states = self.feature_extract["model"](normed, output_hidden_states=True).hidden_states
        return self.head(torch.stack(states))

    def head(self, states: Tensor) -> Tensor:
        """Maps WavLM's states, shape (layers, batch, frames, features), to embeddings."""
        weights = self.feature_weight.softmax(dim=0)[:, None, None, None]
        x = self.instance_norm((weights * states).sum(dim=0).transpose(1, 2) + LIFT)
        second = self.layer2(self.layer1(x))
        third = self.layer3(second)
        joined = torch.cat([second, third, self.layer4(third)], dim=1)
        pooled = self.pooling(torch.relu(self.conv(joined)))
        return cast(Tensor, self.linear(self.bn(pooled)))


class Layer(nn.Module):
    """Convolution, rectifier, batch norm: (batch, channels, frames) to (batch, width, frames)."""

    def __init__(self, channels: int, width: int, kernel: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(channels, width, kernel, padding=kernel // 2)
        self.bn = nn.BatchNorm1d(width)

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        return cast(Tensor, self.bn(torch.relu(self.conv(x))))


class Res2(nn.Module):
    """Convolves the channels in parts, each with what the part before it became; the last stays as it is."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.width = channels // SPLITS
        self.convs = nn.ModuleList(
            nn.Conv1d(self.width, self.width, 3, padding=dilation, dilation=dilation) for _ in range(SPLITS - 1)
        )
        self.bns = nn.ModuleList(nn.BatchNorm1d(self.width) for _ in range(SPLITS - 1))

    def forward(self, x: Tensor) -> Tensor:
        """Keeps (batch, channels, frames)."""
        *parts, last = torch.split(x, self.width, dim=1)
        done: list[Tensor] = []
        for part, conv, norm in zip(parts, self.convs, self.bns, strict=True):
            done.append(norm(torch.relu(conv(part + done[-1] if done else part))))
        return torch.cat([*done, last], dim=1)


class SqueezeExcitation(nn.Module):
    """Weighs each channel by what the means of all say."""

    def __init__(self, channels: int, squeeze: int) -> None:
        super().__init__()
        self.linear1 = nn.Linear(channels, squeeze)
        self.linear2 = nn.Linear(squeeze, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Keeps (batch, channels, frames)."""
        weights = torch.sigmoid(self.linear2(torch.relu(self.linear1(x.mean(dim=2)))))
        return x * weights.unsqueeze(2)


class Block(nn.Sequential):
    """An SE-Res2 block around a shortcut."""

    def __init__(self, channels: int, squeeze: int, dilation: int) -> None:
        super().__init__(
            OrderedDict(
                Conv1dReluBn1=Layer(channels, channels, kernel=1),
                Res2Conv1dReluBn=Res2(channels, dilation),
                Conv1dReluBn2=Layer(channels, channels, kernel=1),
                SE_Connect=SqueezeExcitation(channels, squeeze),
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        """Keeps (batch, channels, frames)."""
        inner = x
        for layer in self:
            inner = layer(inner)
        return x + inner


class AttentiveStatistics(nn.Module):
    """Pools over time by weights of its own for each channel: (batch, channels, frames) to (batch, 2 * channels)."""

    def __init__(self, channels: int, attention: int) -> None:
        super().__init__()
        self.linear1 = nn.Conv1d(channels, attention, 1)
        self.linear2 = nn.Conv1d(attention, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Puts the means before the standard deviations."""
        weights = self.linear2(torch.tanh(self.linear1(x))).softmax(dim=2)
        mean = (weights * x).sum(dim=2)
        variance = (weights * x**2).sum(dim=2) - mean**2
        return torch.cat([mean, variance.clamp(min=LEAST_VARIANCE).sqrt()], dim=1)


# From transformers' names to those of WavLM's authors, which the checkpoint has; the first that fits is taken.
_NAMES = tuple(
    (re.compile(ours), theirs)
    for ours, theirs in (
        (r"^feature_extractor\.conv_layers\.(\d+)\.conv\.", r"feature_extractor.conv_layers.\1.0."),
        (r"^feature_extractor\.conv_layers\.(\d+)\.layer_norm\.", r"feature_extractor.conv_layers.\1.2.1."),
        (r"^feature_projection\.layer_norm\.", "layer_norm."),
        (r"^feature_projection\.projection\.", "post_extract_proj."),
        (r"^encoder\.pos_conv_embed\.conv\.parametrizations\.weight\.original0$", "encoder.pos_conv.0.weight_g"),
        (r"^encoder\.pos_conv_embed\.conv\.parametrizations\.weight\.original1$", "encoder.pos_conv.0.weight_v"),
        (r"^encoder\.pos_conv_embed\.conv\.", "encoder.pos_conv.0."),
        (r"(\.layers\.\d+)\.attention\.gru_rel_pos_linear\.", r"\1.self_attn.grep_linear."),
        (r"(\.layers\.\d+)\.attention\.gru_rel_pos_const$", r"\1.self_attn.grep_a"),
        (r"(\.layers\.\d+)\.attention\.rel_attn_embed\.", r"\1.self_attn.relative_attention_bias."),
        (r"(\.layers\.\d+)\.attention\.", r"\1.self_attn."),
        (r"(\.layers\.\d+)\.layer_norm\.", r"\1.self_attn_layer_norm."),
        (r"(\.layers\.\d+)\.feed_forward\.intermediate_dense\.", r"\1.fc1."),
        (r"(\.layers\.\d+)\.feed_forward\.output_dense\.", r"\1.fc2."),
    )
)


def published_name(name: str) -> str:
    """Returns what the published checkpoint calls one of the network's tensors."""
    if not name.startswith(WAVLM):
        return name
    inner = name.removeprefix(WAVLM)
    for ours, theirs in _NAMES:
        renamed, count = ours.subn(theirs, inner)
        if count:
            return WAVLM + renamed
    return name


def sized(shapes: Mapping[str, Shape]) -> WavLMEcapa:
    """Returns a network without values (on torch's device `meta`) of the sizes that a checkpoint's tensors have.

    Args:
        shapes: Of the checkpoint's tensors, by their published names.

    Raises:
        KeyError: One that tells a size is not there.
        ValueError: Sizes that no network has.
    """
    from transformers import WavLMConfig, WavLMModel

    with torch.device("meta"):
        return WavLMEcapa(WavLMModel(WavLMConfig(**_wavlm_sizes(shapes))), _head_sizes(shapes))


def _head_sizes(shapes: Mapping[str, Shape]) -> HeadSizes:
    width, features, _ = shapes["layer1.conv.weight"]
    return HeadSizes(
        features=features,
        layers=_count(shapes, WAVLM + r"encoder\.layers\.(\d+)\.") + 1,
        width=width,
        squeeze=shapes["layer2.SE_Connect.linear1.weight"][0],
        pooled=shapes["conv.weight"][0],
        attention=shapes["pooling.linear1.weight"][0],
        dimensions=shapes["linear.weight"][0],
    )


def _wavlm_sizes(shapes: Mapping[str, Shape]) -> dict[str, Any]:
    def shape(name: str) -> Shape:
        return shapes[WAVLM + name]

    convolutions = _count(shapes, WAVLM + r"feature_extractor\.conv_layers\.(\d+)\.")
    front = [shape(f"feature_extractor.conv_layers.{index}.0.weight") for index in range(convolutions)]
    hidden, in_group, kernel = shape("encoder.pos_conv.0.weight_v")
    buckets, heads = shape("encoder.layers.0.self_attn.relative_attention_bias.weight")
    return {
        "conv_dim": [channels for channels, _, _ in front],
        "conv_kernel": [width for _, _, width in front],
        "conv_stride": STRIDES[:convolutions],
        "feat_extract_norm": "layer",
        "do_stable_layer_norm": True,
        "hidden_size": hidden,
        "num_hidden_layers": _count(shapes, WAVLM + r"encoder\.layers\.(\d+)\."),
        "num_attention_heads": heads,
        "intermediate_size": shape("encoder.layers.0.fc1.weight")[0],
        "num_conv_pos_embeddings": kernel,
        "num_conv_pos_embedding_groups": hidden // in_group,
        "num_buckets": buckets,
        "max_bucket_distance": FARTHEST,
        "mask_time_prob": 0.0,  # for training: without it there is no embedding of what is masked
    }


def _count(names: Mapping[str, Shape], pattern: str) -> int:
    """Returns how many layers names number, by the highest of them."""
    fits: Callable[[str], re.Match[str] | None] = re.compile(pattern).match
    return 1 + max((int(found[1]) for name in names if (found := fits(name))), default=-1)

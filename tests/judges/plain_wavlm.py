"""WavLM-large's speaker network in plain steps, from its published description and by its published names.

Written for tests alone: it shares nothing with the package, nor with transformers. Batches of one, numbers of 64 bits.
"""

import math

import torch
from torch import Tensor, nn

STRIDES = (5, 2, 2, 2, 2, 2, 2)


class Plain:
    """What a checkpoint's tensors make of a waveform."""

    def __init__(self, tensors: dict[str, Tensor]) -> None:
        self.tensors = {name: tensor.double() for name, tensor in tensors.items()}

    def embedding(self, samples: Tensor) -> Tensor:
        """From samples, shape (n,), to an embedding, shape (d,)."""
        samples = samples.double()
        normed = (samples - samples.mean()) / (samples.var(unbiased=False) + 1e-5).sqrt()
        return self.head(torch.stack(self.states(normed)))

    # WavLM

    def states(self, samples: Tensor) -> list[Tensor]:
        """What goes into each layer, and what comes out at the end; shape (frames, features) each."""
        x = samples[None]
        for index, stride in enumerate(STRIDES):
            x = nn.functional.conv1d(x, self._w(f"feature_extractor.conv_layers.{index}.0.weight"), stride=stride)
            x = nn.functional.gelu(self._norm(x.T, f"feature_extractor.conv_layers.{index}.2.1")).T
        x = self._through(self._norm(x.T, "layer_norm"), "post_extract_proj")
        x = x + self._positions(x)
        layers = 1 + max(int(name.split(".")[4]) for name in self.tensors if ".encoder.layers." in name)
        bias, states = self._bias(len(x)), []
        for index in range(layers):
            states.append(x)
            own = f"encoder.layers.{index}"
            x = x + self._attention(self._norm(x, f"{own}.self_attn_layer_norm"), f"{own}.self_attn", bias)
            inner = nn.functional.gelu(self._through(self._norm(x, f"{own}.final_layer_norm"), f"{own}.fc1"))
            x = x + self._through(inner, f"{own}.fc2")
        return [*states, self._norm(x, "encoder.layer_norm")]

    def _positions(self, x: Tensor) -> Tensor:
        """A grouped convolution, as long as the input; its filters have unit length for each of their positions."""
        v, g = self._w("encoder.pos_conv.0.weight_v"), self._w("encoder.pos_conv.0.weight_g")
        weight = g * v / v.square().sum(dim=(0, 1), keepdim=True).sqrt()
        kernel, groups = v.shape[2], v.shape[0] // v.shape[1]
        found = nn.functional.conv1d(
            x.T[None], weight, self._w("encoder.pos_conv.0.bias"), padding=kernel // 2, groups=groups
        )
        return nn.functional.gelu(found[0, :, : len(x)]).T

    def _bias(self, frames: int) -> Tensor:
        """The bias of each head for each pair of frames, by how far the second lies from the first."""
        table = self._w("encoder.layers.0.self_attn.relative_attention_bias.weight")
        half = len(table) // 2
        near, found = half // 2, torch.zeros(table.shape[1], frames, frames, dtype=torch.double)
        for query in range(frames):
            for key in range(frames):
                far = abs(key - query)
                bucket = far
                if far >= near:
                    grown = math.log(far / near) / math.log(800 / near) * (half - near)
                    bucket = min(near + int(grown), half - 1)
                found[:, query, key] = table[bucket + (half if key > query else 0)]
        return found

    def _attention(self, x: Tensor, own: str, bias: Tensor) -> Tensor:
        heads = len(bias)
        query, key, value = (
            self._through(x, f"{own}.{name}").reshape(len(x), heads, -1) for name in ("q_proj", "k_proj", "v_proj")
        )
        answers = []
        for head in range(heads):
            part = x.reshape(len(x), heads, -1)[:, head]
            gates = torch.sigmoid(self._through(part, f"{own}.grep_linear").reshape(-1, 2, 4).sum(dim=2))
            a = self._w(f"{own}.grep_a")[0, head, 0, 0]
            gate = gates[:, 0] * (gates[:, 1] * a - 1) + 2
            scores = query[:, head] @ key[:, head].T / query.shape[2] ** 0.5 + gate[:, None] * bias[head]
            answers.append(scores.softmax(dim=1) @ value[:, head])
        return self._through(torch.cat(answers, dim=1), f"{own}.out_proj")

    # The head

    def head(self, states: Tensor) -> Tensor:
        """From states, shape (layers, frames, features), to an embedding."""
        shares = torch.exp(self.tensors["feature_weight"])
        x = sum(share * state for share, state in zip(shares / shares.sum(), states.double(), strict=True)).T + 1e-6
        x = (x - x.mean(dim=1, keepdim=True)) / (x.var(dim=1, unbiased=False, keepdim=True) + 1e-5).sqrt()
        x = self._layer(x, "layer1", padding=2)
        outputs = []
        for name, dilation in (("layer2", 2), ("layer3", 3), ("layer4", 4)):
            x = x + self._block(x, name, dilation)
            outputs.append(x)
        x = torch.relu(self._conv(torch.cat(outputs), "conv"))
        weights = self._conv(torch.tanh(self._conv(x, "pooling.linear1")), "pooling.linear2").softmax(dim=1)
        mean = (weights * x).sum(dim=1)
        deviation = ((weights * x.square()).sum(dim=1) - mean.square()).clamp(min=1e-9).sqrt()
        return self._linear(self._batch_norm(torch.cat([mean, deviation])[:, None], "bn")[:, 0], "linear")

    def _block(self, x: Tensor, name: str, dilation: int) -> Tensor:
        x = self._layer(x, f"{name}.Conv1dReluBn1")
        parts, before = list(x.chunk(8)), torch.zeros(())
        for index in range(7):
            own = f"{name}.Res2Conv1dReluBn"
            part = self._conv(parts[index] + before, f"{own}.convs.{index}", dilation, dilation)
            before = parts[index] = self._batch_norm(torch.relu(part), f"{own}.bns.{index}")
        x = self._layer(torch.cat(parts), f"{name}.Conv1dReluBn2")
        squeezed = torch.relu(self._linear(x.mean(dim=1), f"{name}.SE_Connect.linear1"))
        return x * torch.sigmoid(self._linear(squeezed, f"{name}.SE_Connect.linear2"))[:, None]

    def _layer(self, x: Tensor, name: str, padding: int = 0) -> Tensor:
        return self._batch_norm(torch.relu(self._conv(x, f"{name}.conv", padding)), f"{name}.bn")

    def _conv(self, x: Tensor, name: str, padding: int = 0, dilation: int = 1) -> Tensor:
        weight, bias = self.tensors[f"{name}.weight"], self.tensors[f"{name}.bias"]
        return nn.functional.conv1d(x[None], weight, bias, padding=padding, dilation=dilation)[0]

    def _batch_norm(self, x: Tensor, name: str) -> Tensor:
        mean, variance, scale, shift = (
            self.tensors[f"{name}.{part}"][:, None] for part in ("running_mean", "running_var", "weight", "bias")
        )
        return (x - mean) / (variance + 1e-5).sqrt() * scale + shift

    def _linear(self, x: Tensor, name: str) -> Tensor:
        return x @ self.tensors[f"{name}.weight"].T + self.tensors[f"{name}.bias"]

    # WavLM's tensors

    def _w(self, name: str) -> Tensor:
        return self.tensors[f"feature_extract.model.{name}"]

    def _norm(self, x: Tensor, name: str) -> Tensor:
        spread = (x.var(dim=1, unbiased=False, keepdim=True) + 1e-5).sqrt()
        return (x - x.mean(dim=1, keepdim=True)) / spread * self._w(f"{name}.weight") + self._w(f"{name}.bias")

    def _through(self, x: Tensor, name: str) -> Tensor:
        return self._linear(x, f"feature_extract.model.{name}")

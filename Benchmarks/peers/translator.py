"""The encoder-decoder Transformer in PyTorch, as its users write it: nn.Transformer, sinusoidal
positions, one table for both embeddings and the head."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional


class Translator(nn.Module):
    def __init__(
        self,
        encoder_layers: int,
        decoder_layers: int,
        heads: int,
        width: int,
        inner: int,
        context: int,
        vocabulary: int,
        dropout: float,
        norm_first: bool,
        activation: str,
        label_smoothing: float,
    ) -> None:
        super().__init__()
        self.label_smoothing = label_smoothing
        self.transformer = nn.Transformer(
            width,
            heads,
            encoder_layers,
            decoder_layers,
            inner,
            dropout,
            activation,
            batch_first=True,
            norm_first=norm_first,
        )
        if not norm_first:
            # Every layer ends with a norm: one more after the last is not in Lockstep's model.
            self.transformer.encoder.norm = self.transformer.decoder.norm = None
        for parameter in self.transformer.parameters():
            if parameter.dim() > 1:
                nn.init.xavier_uniform_(parameter)
        self.tokens = nn.Embedding(vocabulary, width)
        nn.init.normal_(self.tokens.weight, std=width**-0.5)
        self.dropout = nn.Dropout(dropout)
        position = torch.arange(context)[:, None]
        frequency = torch.exp(torch.arange(0, width, 2) * (-math.log(10_000) / width))
        table = torch.zeros(context, width)
        table[:, 0::2] = torch.sin(position * frequency)
        table[:, 1::2] = torch.cos(position * frequency)
        self.register_buffer("positions", table, persistent=False)
        mask = torch.ones(context, context, dtype=torch.bool).triu(1)
        self.register_buffer("mask", mask, persistent=False)

    def embed(self, tokens: Tensor) -> Tensor:
        x = self.tokens(tokens) * math.sqrt(self.tokens.embedding_dim)
        return self.dropout(x + self.positions[: tokens.shape[1]])

    def encode(self, source: Tensor, padding: Tensor) -> Tensor:
        return self.transformer.encoder(self.embed(source), src_key_padding_mask=padding)

    def decode(self, inputs: Tensor, encoded: Tensor, padding: Tensor) -> Tensor:
        """The states before the head, [B, T, D]."""
        length = inputs.shape[1]
        return self.transformer.decoder(
            self.embed(inputs),
            encoded,
            tgt_mask=self.mask[:length, :length],
            tgt_is_causal=True,
            memory_key_padding_mask=padding,
        )

    def logits(self, states: Tensor) -> Tensor:
        return functional.linear(states, self.tokens.weight)

    def forward(self, source: Tensor, padding: Tensor, inputs: Tensor, targets: Tensor) -> Tensor:
        """The mean smoothed cross-entropy of targets that are not -1."""
        states = self.decode(inputs, self.encode(source, padding), padding)
        return functional.cross_entropy(
            self.logits(states).flatten(0, 1),
            targets.flatten(),
            ignore_index=-1,
            label_smoothing=self.label_smoothing,
        )

    @torch.inference_mode()
    def beam_search(self, source: Tensor, padding: Tensor, end: int, beams: int) -> list[list[int]]:
        """The targets with the best mean log-probability of a token, the end included."""
        encoded = self.encode(source, padding)
        count, limit = source.shape[0], min(len(self.positions), 2 * source.shape[1] + 20)
        finished: list[list[tuple[float, list[int]]]] = [[] for _ in range(count)]
        encoded = encoded.repeat_interleave(beams, 0)
        padding = padding.repeat_interleave(beams, 0)
        tokens = torch.full((count * beams, 1), end)
        # At first the beams are alike: only one of them counts.
        scores = torch.full((count, beams), -torch.inf)
        scores[:, 0] = 0
        for length in range(1, limit + 1):
            states = self.decode(tokens, encoded, padding)[:, -1]
            choices = functional.log_softmax(self.logits(states), -1).view(count, beams, -1)
            vocabulary = choices.shape[-1]
            best, places = (scores[..., None] + choices).flatten(1).topk(2 * beams)
            rows, next_tokens = places // vocabulary, places % vocabulary
            kept = torch.zeros(count, beams, dtype=torch.long)
            chosen = torch.zeros(count, beams, dtype=torch.long)
            for index in range(count):
                alive = 0
                for rank in range(2 * beams):
                    row = index * beams + int(rows[index, rank])
                    score, token = float(best[index, rank]), int(next_tokens[index, rank])
                    if token == end:
                        if rank < beams and score > -math.inf:
                            finished[index].append((score / length, tokens[row, 1:].tolist()))
                    elif alive < beams:
                        kept[index, alive], chosen[index, alive] = row, token
                        scores[index, alive] = score
                        alive += 1
                if len(finished[index]) >= beams:
                    scores[index] = -math.inf
            tokens = torch.cat((tokens[kept.flatten()], chosen.flatten()[:, None]), 1)
            if all(len(found) >= beams for found in finished):
                break
        for index, found in enumerate(finished):
            if not found:
                found.append((0.0, tokens[index * beams, 1:].tolist()))
        return [max(found)[1] for found in finished]

#!/usr/bin/env python3
"""Makes tests/golden/data/{decoder,muon}_trajectory.json: 30 steps of a tiny decoder, by PyTorch in f64.

usage: decoder_trajectory.py OUT_FOLDER

The model is GuppyLM's form (pre-norm, learned positions, fused qkv, tied head) with tanh GELU: 2 layers,
width 16, 2 heads, feed-forward 24, 16 positions, 259 tokens (byte b is token b + 3), dropout 0. Initial
weights and the six texts are closed formulas that decoder_trajectory_test.cc repeats, so the file holds
results only: loss and gradient norm of every step, and some final weights. Every step sees all six texts.
AdamW: betas 0.9 and 0.95, eps 1e-8, decay 0.1 on matrices, clip 1.0, warm-up of 5 steps to 0.01, cosine
to 0.001.

muon_trajectory: the matrices of the blocks by torch.optim.Muon (peak 0.03, momentum 0.9, 5 iterations; q, k
and v each by itself), in f64 where it works in bf16; label smoothing 0.1; the rate is stable for 15 steps
after the warm-up and falls linearly over the last 10. Needs Python 3 with torch; tests never run this.
"""
import json
import math
import pathlib
import sys

import torch
import torch.nn.functional as F

STEPS, WARMUP, PEAK, FINAL = 30, 5, 0.01, 0.001
L, D, H, FF, P, V = 2, 16, 2, 24, 16, 259


def parameter_shapes():
    shapes = [("tok_emb", (V, D)), ("pos_emb", (P, D))]
    for i in range(L):
        b = f"blocks.{i}."
        shapes += [(b + "norm1.weight", (D,)), (b + "norm1.bias", (D,)),
                   (b + "attn.qkv.weight", (3 * D, D)), (b + "attn.qkv.bias", (3 * D,)),
                   (b + "attn.out.weight", (D, D)), (b + "attn.out.bias", (D,)),
                   (b + "norm2.weight", (D,)), (b + "norm2.bias", (D,)),
                   (b + "ffn.up.weight", (FF, D)), (b + "ffn.up.bias", (FF,)),
                   (b + "ffn.down.weight", (D, FF)), (b + "ffn.down.bias", (D,))]
    return shapes + [("norm.weight", (D,)), ("norm.bias", (D,))]


def initial(index, name, shape):
    count = math.prod(shape)
    base = 1.0 if "norm" in name and name.endswith("weight") else 0.0
    values = [base + 0.1 * math.sin(0.37 * (k + 1) * (1 + 0.01 * index) + index) for k in range(count)]
    return torch.tensor(values, dtype=torch.float32).double().reshape(shape).requires_grad_()


def texts():
    return [[ord("a") + 3 + (3 * e + 5 * j * j + e * j) % 26 for j in range(6 + 2 * e)] for e in range(6)]


def loss_of(w, tokens, smoothing=0.0):
    x = w["tok_emb"][tokens[:-1]] + w["pos_emb"][:len(tokens) - 1]
    t = x.shape[0]
    mask = torch.triu(torch.ones(t, t, dtype=torch.bool), 1)

    def norm(h, name):
        return F.layer_norm(h, (D,), w[name + ".weight"], w[name + ".bias"], 1e-5)

    def linear(h, name):
        return F.linear(h, w[name + ".weight"], w[name + ".bias"])

    for i in range(L):
        b = f"blocks.{i}."
        q, k, v = (m.view(t, H, D // H).transpose(0, 1)
                   for m in linear(norm(x, b + "norm1"), b + "attn.qkv").split(D, 1))
        scores = (q @ k.transpose(1, 2) / math.sqrt(D // H)).masked_fill(mask, float("-inf"))
        attended = (scores.softmax(-1) @ v).transpose(0, 1).reshape(t, D)
        x = x + linear(attended, b + "attn.out")
        h = F.gelu(linear(norm(x, b + "norm2"), b + "ffn.up"), approximate="tanh")
        x = x + linear(h, b + "ffn.down")
    logits = norm(x, "norm") @ w["tok_emb"].T
    return F.cross_entropy(logits, tokens[1:], reduction="sum", label_smoothing=smoothing)


def rate(step, kind):
    if step < WARMUP:
        return PEAK * (step + 1) / WARMUP
    t = (step - WARMUP) / (STEPS - WARMUP)
    share = 0.5 * (1 + math.cos(math.pi * t)) if kind == "cosine" else min(1, (1 - t) / 0.4)
    return FINAL + (PEAK - FINAL) * share


def initial_weights():
    return {name: initial(i, name, shape) for i, (name, shape) in enumerate(parameter_shapes())}


def adamw(parameters):
    parameters = list(parameters)
    return torch.optim.AdamW(
        [{"params": [p for p in parameters if p.dim() == 2], "weight_decay": 0.1},
         {"params": [p for p in parameters if p.dim() == 1], "weight_decay": 0.0}],
        betas=(0.9, 0.95), eps=1e-8)


def train(weights_of, leaves, optimizers, kind, smoothing=0.0):
    """`optimizers`: (optimizer, its rate over AdamW's). Returns losses and gradient norms."""
    data = [torch.tensor(t) for t in texts()]
    count = sum(len(t) - 1 for t in data)
    losses, norms = [], []
    for step in range(STEPS):
        for optimizer, multiplier in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate(step, kind) * multiplier
            optimizer.zero_grad()
        loss = sum(loss_of(weights_of(), t, smoothing) for t in data) / count
        loss.backward()
        norms.append(torch.nn.utils.clip_grad_norm_(leaves, 1.0).item())
        for optimizer, _ in optimizers:
            optimizer.step()
        losses.append(loss.item())
    return losses, norms


def write(name, w, losses, norms):
    weights = {n: p.detach().flatten()[:4].tolist() for n, p in w.items()}
    with open(pathlib.Path(sys.argv[1]) / name, "w") as out:
        json.dump({"made_with": f"torch {torch.__version__}", "losses": losses, "gradient_norms": norms,
                   "weights": weights}, out, indent=1)
        out.write("\n")


def decoder_trajectory():
    w = initial_weights()
    write("decoder_trajectory.json", w, *train(lambda: w, list(w.values()), [(adamw(w.values()), 1)], "cosine"))


def muon_trajectory():
    torch.Tensor.bfloat16 = torch.Tensor.double  # torch.optim.Muon iterates in bf16
    w = initial_weights()
    for name in [n for n in w if n.endswith("qkv.weight")]:
        for part, value in zip("qkv", w.pop(name).detach().split(D, 0)):
            w[f"{name}/{part}"] = value.clone().requires_grad_()

    def whole():
        assembled = dict(w)
        for i in range(L):
            name = f"blocks.{i}.attn.qkv.weight"
            assembled[name] = torch.cat([assembled.pop(f"{name}/{part}") for part in "qkv"])
        return assembled

    matrices = [p for n, p in w.items() if n.startswith("blocks") and p.dim() == 2]
    muon = torch.optim.Muon(matrices, lr=1, weight_decay=0.1, momentum=0.9, nesterov=True, ns_steps=5,
                            adjust_lr_fn="original")
    rest = [p for p in w.values() if all(p is not m for m in matrices)]
    losses, norms = train(whole, list(w.values()), [(adamw(rest), 1), (muon, 3)], "wsd", 0.1)
    write("muon_trajectory.json", whole(), losses, norms)


decoder_trajectory()
muon_trajectory()

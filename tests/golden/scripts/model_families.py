#!/usr/bin/env python3
"""Makes tests/golden/data/family_<name>.json: loss, logits and every gradient of a small model of each
family, by the classes of Hugging Face transformers, in f64.

usage: model_families.py OUT_FOLDER

Each file holds the model's spec, the sequences and their targets, and what came out: the mean loss, the
first logits of each sequence's last row (classifier: of each sequence), and for every parameter, under
its name and in its order in the engine, its shape, its gradient's norm and its gradient's first values.
Initial weights are a closed formula that model_families_test.cc repeats. The sequences run one at a time,
without padding. Transformers computes norms, rotations and softmax in f32 whatever the weights are; here
they are f64 as all the rest. A model with a mean pooler is made of BertModel, since no class has one.
Needs Python 3 with torch and transformers; tests never run this.
"""
import json
import math
import pathlib
import sys

import torch
import torch.nn.functional as F
import transformers as hf
from transformers.models.bert import modeling_bert  # noqa: F401  imported before f32 becomes f64
from transformers.models.cohere2 import modeling_cohere2  # noqa: F401
from transformers.models.gpt2 import modeling_gpt2  # noqa: F401
from transformers.models.llama import modeling_llama  # noqa: F401
from transformers.models.smollm3 import modeling_smollm3  # noqa: F401

SINGLE = torch.float32
torch.set_default_dtype(torch.float64)
torch.float32 = torch.float = torch.float64
torch.Tensor.float = torch.Tensor.double

V, P = 53, 16
GPT2 = {"n_layers": 2, "d_model": 24, "n_heads": 3, "d_ff": 40, "max_seq": P}
BERT = {**GPT2, "kind": "encoder", "norm_placement": "post", "embedding_norm": True, "segments": 2,
        "activation": "gelu_erf", "norm_eps": 1e-12}
LLAMA = {"n_layers": 2, "d_model": 24, "n_heads": 4, "n_kv_heads": 2, "head_dim": 8, "d_ff": 40, "max_seq": P,
         "norm": "rmsnorm", "norm_eps": 1e-6, "position": "rope", "feed_forward": "glu", "activation": "silu",
         "bias": False}
FAMILIES = {
    "gpt2": GPT2,
    "guppy": {**GPT2, "activation": "relu"},
    "bert_mlm": {**BERT, "head": "mlm"},
    "bert_cls": {**BERT, "head": "classifier", "pooler": "cls"},
    "bert_mean": {**BERT, "head": "classifier", "pooler": "mean"},
    "llama": {**LLAMA, "tied_head": False},
    "smollm3": {**LLAMA, "n_layers": 4, "rope": {"theta": 5000, "skip_every": 4}},
    "cohere2": {**LLAMA, "n_layers": 4, "norm": "layernorm", "norm_eps": 1e-5, "block": "parallel",
                "rope": {"theta": 500, "layout": "interleaved", "skip_every": 4},
                "sliding": {"window": 3, "full_every": 4}, "logit_scale": 0.25},
}
LABELS = 5


def sequences(name, spec):
    """[(tokens, targets)]: a target of -1 is not counted; a classifier has one target a sequence."""
    made = []
    for s, length in enumerate((12, 7, 15)):
        text = [3 + (5 * s + 7 * j * j + s * j) % (V - 3) for j in range(length)]
        if spec.get("head") == "mlm":
            # Token 2 stands for the mask. Of the chosen ones one is masked, one replaced, one left.
            chosen = {1: 2, 4: 3 + (11 * s) % (V - 3), length - 1: text[length - 1]}
            made.append(([chosen.get(j, t) for j, t in enumerate(text)],
                         [t if j in chosen else -1 for j, t in enumerate(text)]))
        elif spec.get("head") == "classifier":
            made.append((text, [(2 * s + 1) % LABELS]))
        else:
            made.append((text[:-1], [-1 if s == 1 and j < 2 else t for j, t in enumerate(text[1:])]))
    return made


def parameter_shapes(spec):
    """Names and shapes, in the engine's order."""
    d, f, h = spec["d_model"], spec["d_ff"], spec["n_heads"]
    c = spec.get("head_dim", d // h)
    qkv = (h + 2 * spec.get("n_kv_heads", h)) * c
    bias = spec.get("bias", True)
    post = spec.get("norm_placement") == "post"
    head = spec.get("head", "lm")

    def norm(name):
        return [(name + ".weight", (d,))] + ([(name + ".bias", (d,))] if bias else [])

    def linear(name, rows, columns, with_bias=bias):
        return [(name + ".weight", (rows, columns))] + ([(name + ".bias", (rows,))] if with_bias else [])

    shapes = [("tok_emb", (V, d))]
    if spec.get("position", "learned") == "learned":
        shapes += [("pos_emb", (P, d))]
    if spec.get("segments"):
        shapes += [("seg_emb", (spec["segments"], d))]
    if spec.get("embedding_norm"):
        shapes += norm("emb_norm")
    for i in range(spec["n_layers"]):
        b = f"blocks.{i}."
        shapes += norm(b + "norm1") + linear(b + "attn.qkv", qkv, d) + linear(b + "attn.out", d, h * c)
        if spec.get("block") != "parallel":
            shapes += norm(b + "norm2")
        shapes += linear(b + "ffn.up", 2 * f if spec.get("feed_forward") == "glu" else f, d)
        shapes += linear(b + "ffn.down", d, f)
    if not post:
        shapes += norm("norm")
    if head == "lm" and not spec.get("tied_head", True):
        shapes += [("lm_head.weight", (V, d))]
    if head == "mlm":
        shapes += linear("mlm.dense", d, d, True)
        shapes += [("mlm.norm.weight", (d,)), ("mlm.norm.bias", (d,)), ("mlm.bias", (V,))]
    if head == "classifier":
        if spec["pooler"] == "cls":
            shapes += linear("pooler", d, d, True)
        shapes += linear("classifier", LABELS, d, True)
    return shapes


def initial(index, name, shape):
    base = 1.0 if "norm" in name and name.endswith("weight") else 0.0
    values = [base + 0.15 * (math.sin(0.37 * (k + 1) * (1 + 0.01 * index) + index) + math.cos(0.11 * k * k + index))
              for k in range(math.prod(shape))]
    # Through f32, which the engine keeps its weights in.
    return torch.tensor(values).to(SINGLE).double().reshape(shape).requires_grad_()


def gpt2(spec, w):
    config = hf.GPT2Config(vocab_size=V, n_positions=P, n_embd=spec["d_model"], n_layer=spec["n_layers"],
                           n_head=spec["n_heads"], n_inner=spec["d_ff"], layer_norm_epsilon=1e-5,
                           activation_function="relu" if spec.get("activation") == "relu" else "gelu_new",
                           resid_pdrop=0, embd_pdrop=0, attn_pdrop=0, attn_implementation="eager")
    names = {"transformer.wte.weight": w["tok_emb"], "transformer.wpe.weight": w["pos_emb"],
             "lm_head.weight": w["tok_emb"],
             "transformer.ln_f.weight": w["norm.weight"], "transformer.ln_f.bias": w["norm.bias"]}
    for i in range(spec["n_layers"]):
        for theirs, ours in {"ln_1": "norm1", "ln_2": "norm2", "attn.c_attn": "attn.qkv", "attn.c_proj": "attn.out",
                             "mlp.c_fc": "ffn.up", "mlp.c_proj": "ffn.down"}.items():
            weight = w[f"blocks.{i}.{ours}.weight"]
            names[f"transformer.h.{i}.{theirs}.weight"] = weight.T if weight.dim() == 2 else weight  # [in, out]
            names[f"transformer.h.{i}.{theirs}.bias"] = w[f"blocks.{i}.{ours}.bias"]
    return hf.GPT2LMHeadModel(config), names


class MeanPooled(torch.nn.Module):
    def __init__(self, config):
        super().__init__()
        self.bert = hf.BertModel(config, add_pooling_layer=False)
        self.classifier = torch.nn.Linear(config.hidden_size, config.num_labels)

    def forward(self, input_ids):
        hidden = self.bert(input_ids=input_ids).last_hidden_state
        return hf.modeling_outputs.SequenceClassifierOutput(logits=self.classifier(hidden.mean(1)))


def bert(spec, w):
    config = hf.BertConfig(vocab_size=V, hidden_size=spec["d_model"], num_hidden_layers=spec["n_layers"],
                           num_attention_heads=spec["n_heads"], intermediate_size=spec["d_ff"], hidden_act="gelu",
                           hidden_dropout_prob=0, attention_probs_dropout_prob=0, max_position_embeddings=P,
                           type_vocab_size=2, layer_norm_eps=spec["norm_eps"], num_labels=LABELS,
                           attn_implementation="eager")
    e = "bert.embeddings."
    names = {e + "word_embeddings.weight": w["tok_emb"], e + "position_embeddings.weight": w["pos_emb"],
             e + "token_type_embeddings.weight": w["seg_emb"],
             e + "LayerNorm.weight": w["emb_norm.weight"], e + "LayerNorm.bias": w["emb_norm.bias"]}
    for i in range(spec["n_layers"]):
        layer = f"bert.encoder.layer.{i}."
        for part in ("weight", "bias"):
            q, k, v = w[f"blocks.{i}.attn.qkv.{part}"].split(spec["d_model"], 0)
            for theirs, value in {"query": q, "key": k, "value": v}.items():
                names[f"{layer}attention.self.{theirs}.{part}"] = value
            for theirs, ours in {"attention.output.dense": "attn.out", "attention.output.LayerNorm": "norm1",
                                 "intermediate.dense": "ffn.up", "output.dense": "ffn.down",
                                 "output.LayerNorm": "norm2"}.items():
                names[f"{layer}{theirs}.{part}"] = w[f"blocks.{i}.{ours}.{part}"]
    if spec["head"] == "mlm":
        c = "cls.predictions."
        for part in ("weight", "bias"):
            names[f"{c}transform.dense.{part}"] = w[f"mlm.dense.{part}"]
            names[f"{c}transform.LayerNorm.{part}"] = w[f"mlm.norm.{part}"]
        names.update({c + "bias": w["mlm.bias"], c + "decoder.bias": w["mlm.bias"], c + "decoder.weight": w["tok_emb"]})
        return hf.BertForMaskedLM(config), names
    for part in ("weight", "bias"):
        names[f"classifier.{part}"] = w[f"classifier.{part}"]
        if spec["pooler"] == "cls":
            names[f"bert.pooler.dense.{part}"] = w[f"pooler.{part}"]
    return (hf.BertForSequenceClassification if spec["pooler"] == "cls" else MeanPooled)(config), names


def llama(spec, w):
    """Llama, SmolLM3 and Cohere2, whose tensors have the same names."""
    rope = spec.get("rope", {})
    common = dict(vocab_size=V, hidden_size=spec["d_model"], intermediate_size=spec["d_ff"],
                  num_hidden_layers=spec["n_layers"], num_attention_heads=spec["n_heads"],
                  num_key_value_heads=spec["n_kv_heads"], head_dim=spec["head_dim"], max_position_embeddings=P,
                  hidden_act="silu", tie_word_embeddings=spec.get("tied_head", True), pad_token_id=0,
                  rope_parameters={"rope_type": "default", "rope_theta": rope.get("theta", 10000.0)},
                  attn_implementation="eager")
    if "sliding" in spec:
        full = spec["sliding"]["full_every"]
        model = hf.Cohere2ForCausalLM(hf.Cohere2Config(
            layer_norm_eps=spec["norm_eps"], logit_scale=spec["logit_scale"],
            sliding_window=spec["sliding"]["window"],
            layer_types=["full_attention" if (i + 1) % full == 0 else "sliding_attention"
                         for i in range(spec["n_layers"])], **common))
    elif "skip_every" in rope:
        model = hf.SmolLM3ForCausalLM(hf.SmolLM3Config(rms_norm_eps=spec["norm_eps"],
                                                       no_rope_layer_interval=rope["skip_every"], **common))
    else:
        model = hf.LlamaForCausalLM(hf.LlamaConfig(rms_norm_eps=spec["norm_eps"], **common))
    names = {"model.embed_tokens.weight": w["tok_emb"], "model.norm.weight": w["norm.weight"],
             "lm_head.weight": w.get("lm_head.weight", w["tok_emb"])}
    q_rows, kv_rows = spec["n_heads"] * spec["head_dim"], spec["n_kv_heads"] * spec["head_dim"]
    for i in range(spec["n_layers"]):
        layer, block = f"model.layers.{i}.", f"blocks.{i}."
        q, k, v = w[block + "attn.qkv.weight"].split([q_rows, kv_rows, kv_rows], 0)
        gate, up = w[block + "ffn.up.weight"].split(spec["d_ff"], 0)
        names.update({layer + "self_attn.q_proj.weight": q, layer + "self_attn.k_proj.weight": k,
                      layer + "self_attn.v_proj.weight": v, layer + "self_attn.o_proj.weight": w[block + "attn.out.weight"],
                      layer + "mlp.gate_proj.weight": gate, layer + "mlp.up_proj.weight": up,
                      layer + "mlp.down_proj.weight": w[block + "ffn.down.weight"],
                      layer + "input_layernorm.weight": w[block + "norm1.weight"]})
        if block + "norm2.weight" in w:
            names[layer + "post_attention_layernorm.weight"] = w[block + "norm2.weight"]
    return model, names


def golden(name, spec):
    w = {n: initial(i, n, shape) for i, (n, shape) in enumerate(parameter_shapes(spec))}
    model, names = {"gpt2": gpt2, "guppy": gpt2, "bert": bert}.get(name.split("_")[0], llama)(spec, w)
    model.double().eval()
    # Every tensor of the reference is one of ours, of the same shape.
    for key, value in model.named_parameters(remove_duplicate=False):
        assert key in names and names[key].shape == value.shape, key
    assert not names.keys() - dict(model.named_parameters(remove_duplicate=False)).keys(), name

    data = sequences(name, spec)
    loss, first_logits = 0.0, []
    for tokens, targets in data:
        logits = torch.func.functional_call(model, names, (), {"input_ids": torch.tensor([tokens])},
                                            tie_weights=False).logits
        logits = logits.reshape(-1, logits.shape[-1])
        assert logits.dtype == torch.float64
        first_logits.append(logits[-1, :4].tolist())
        loss = loss + F.cross_entropy(logits, torch.tensor(targets), ignore_index=-1, reduction="sum")
    loss = loss / sum(t >= 0 for _, targets in data for t in targets)
    loss.backward()
    return {
        "made_with": f"torch {torch.__version__}, transformers {hf.__version__}, {type(model).__name__}",
        "model": spec, "vocab_size": V, "labels": LABELS if spec.get("head") == "classifier" else 0,
        "sequences": [{"tokens": tokens, "targets": targets} for tokens, targets in data],
        "loss": loss.item(), "logits": first_logits,
        "parameters": [{"name": n, "shape": list(p.shape), "gradient_norm": p.grad.norm().item(),
                        "gradient": p.grad.flatten()[:4].tolist()} for n, p in w.items()]}


def write(path, result):
    """JSON with a line for each sequence and parameter."""
    lines = []
    for key, value in result.items():
        if key in ("sequences", "parameters"):
            rows = ",\n".join("  " + json.dumps(row) for row in value)
            lines.append(f' "{key}": [\n{rows}\n ]')
        else:
            lines.append(f' "{key}": {json.dumps(value)}')
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def main():
    for name, spec in FAMILIES.items():
        result = golden(name, spec)
        write(pathlib.Path(sys.argv[1]) / f"family_{name}.json", result)
        print(f"{name}: loss {result['loss']:.6f}, {len(result['parameters'])} tensors, by {result['made_with']}")


main()

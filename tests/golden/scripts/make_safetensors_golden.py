"""Golden files of checkpoints: what the safetensors library writes, and what it reads of ours.

    python3 tests/golden/scripts/make_safetensors_golden.py write tests/golden/checkpoint
        writes foreign.safetensors, read by core_checkpoint_test
    python3 tests/golden/scripts/make_safetensors_golden.py read  tests/golden/checkpoint
        reads shoal.safetensors, which core_checkpoint_test wrote (it compares byte by byte), checks every
        digest of its manifest by itself, and writes shoal.txt, what the library saw

Run where the safetensors library and torch are installed; never at build or test time.
"""
import hashlib
import json
import struct
import sys

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file


def write(folder):
    tensors = {
        "wte.weight": torch.arange(12, dtype=torch.float32).reshape(3, 4) / 8,
        "wte.half": (torch.arange(6, dtype=torch.float32) - 3).to(torch.bfloat16).reshape(2, 3),
        "scalar": torch.tensor(2.5),
        "empty": torch.zeros(0, 5),
    }
    save_file(tensors, f"{folder}/foreign.safetensors", metadata={"format": "pt", "note": "h\u00e9 \"quoted\""})


def check_digests(path):
    raw = open(path, "rb").read()
    (length,) = struct.unpack("<Q", raw[:8])
    header = json.loads(raw[8:8 + length])
    meta = header.pop("__metadata__")
    mark = b'"shoal.header_digest":"'
    at = raw.index(mark) + len(mark)
    unsealed = raw[:at] + b"0" * 64 + raw[at + 64:8 + length]
    assert hashlib.sha256(unsealed).hexdigest() == meta["shoal.header_digest"]
    entries = sorted(header.values(), key=lambda e: e["data_offsets"])
    digests = [hashlib.sha256(raw[8 + length + a:8 + length + b]).hexdigest()
               for a, b in (e["data_offsets"] for e in entries)]
    assert ",".join(digests) == meta["shoal.tensor_digests"]


def read(folder):
    path = f"{folder}/shoal.safetensors"
    check_digests(path)
    with safe_open(path, framework="pt") as f:
        metadata = f.metadata()
    lines = [f"{k}={v}" for k, v in sorted(metadata.items()) if not k.endswith("_digests")]
    for name, t in sorted(load_file(path).items()):
        lines.append(f"{name} {t.dtype} {list(t.shape)} {t.float().flatten().tolist()}")
    open(f"{folder}/shoal.txt", "w").write("\n".join(lines) + "\n")


if __name__ == "__main__":
    {"write": write, "read": read}[sys.argv[1]](sys.argv[2])

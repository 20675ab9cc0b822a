#!/usr/bin/env python3
# Writes tests/data/oracle/umt5_*.safetensors: transformers' UMT5 encoder at small random sizes.
"""Usage: tools/oracle_umt5.py [FOLDER]

Needs torch, transformers and safetensors. NAME.safetensors has the weights under transformers'
names, in fp16 for their size; NAME.expected.safetensors has `ids` (batch, L; int32, padded with 0), `lengths` (batch;
int32) and `output` (batch, L, d_model; fp32), whose rows after the length mean nothing.
"""
import pathlib
import sys

import torch
import transformers
from safetensors.torch import save_file

SMALL = dict(d_model=48, d_kv=20, num_heads=3, d_ff=80, num_layers=3, vocab_size=300)
BUCKETS = dict(d_model=32, d_kv=8, num_heads=5, d_ff=24, num_layers=2, vocab_size=100,
               relative_attention_num_buckets=20)


def write(folder, name, sizes, lengths, with_alias):
    config = transformers.UMT5Config(feed_forward_proj="gated-gelu", dropout_rate=0.0, **sizes)
    model = transformers.UMT5EncoderModel(config).eval()
    with torch.no_grad():
        for key, tensor in model.named_parameters():
            tensor.normal_(0, 1 if tensor.ndim == 1 or "bias" in key else tensor.shape[-1] ** -0.5)
            if tensor.ndim == 1:
                tensor.mul_(0.1).add_(1)
        model.shared.weight.mul_(3)
        for tensor in model.parameters():
            tensor.copy_(tensor.half())  # what is stored
    ids = torch.zeros(len(lengths), max(lengths), dtype=torch.int32)
    mask = torch.zeros_like(ids)
    for row, length in enumerate(lengths):
        ids[row, :length] = torch.randint(2, sizes["vocab_size"], (length,))
        ids[row, length - 1] = 1
        mask[row, :length] = 1
    with torch.no_grad():
        output = model(input_ids=ids.long(), attention_mask=mask.long()).last_hidden_state
    weights = {k: v.half() for k, v in model.state_dict().items()}
    weights["shared.weight"] = model.shared.weight.detach().half()
    if with_alias:
        weights["encoder.embed_tokens.weight"] = weights["shared.weight"].clone()
    else:
        weights.pop("encoder.embed_tokens.weight", None)
    source = {"source": f"transformers {transformers.__version__}, torch {torch.__version__}"}
    save_file(weights, folder / f"{name}.safetensors", source)
    expected = {"ids": ids, "lengths": torch.tensor(lengths, dtype=torch.int32), "output": output}
    save_file(expected, folder / f"{name}.expected.safetensors", source)


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "tests/data/oracle")
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(5)
    write(folder, "umt5_small", SMALL, [150, 7, 1], with_alias=True)
    write(folder, "umt5_buckets", BUCKETS, [140, 33], with_alias=False)


if __name__ == "__main__":
    main()

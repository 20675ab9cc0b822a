#!/usr/bin/env python3
# Writes tests/data/oracle/gguf.gguf and what it holds, by the gguf and sentencepiece packages.
"""Usage: tools/oracle_gguf.py [FOLDER]

Needs gguf, numpy, protobuf, safetensors and sentencepiece. gguf.gguf holds a tensor of every type that t3
reads, under the type's name, and a sentencepiece tokenizer as llama.cpp's converter stores it.
gguf.expected.safetensors holds the tensors in fp32 as the gguf package dequantises them. Quantised
blocks are random bytes, so that every bit pattern of scales and quants comes; their fp16 factors
are random numbers, every tenth of them subnormal.

gguf.tokenizer.json holds texts with the ids that sentencepiece gives them by the original model,
and transformers' names of a UMT5 encoder's tensors with llama.cpp's.
"""
import io
import json
import pathlib
import sys
import tempfile

import gguf
import numpy as np
import sentencepiece
from gguf import quants
from safetensors.numpy import save_file
from sentencepiece import sentencepiece_model_pb2

PLAIN = "F32 F16 BF16".split()
# Where the fp16 factors of a block are.
FACTORS = {"Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0], "Q2_K": [80, 82],
           "Q3_K": [108], "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208]}
SHAPE = (2, 512)
TEXTS = ["A cat on a beach.", "ＡＢＣ  full width", "naïve 東京 🚀", "", "a\tb", "beach beaches"]
LAYERS = 2


def random_blocks(rng, name):
    elements, size = gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType[name]]
    raw = rng.integers(0, 256, (SHAPE[0], SHAPE[1] // elements, size), dtype=np.uint8)
    for at in FACTORS[name]:
        factor = rng.normal(size=raw.shape[:2])
        factor[rng.random(factor.shape) < 0.1] *= 2.0**-18
        raw[..., at:at + 2] = factor.astype(np.float16)[..., None].view(np.uint8)
    return raw.reshape(SHAPE[0], -1)


def tensors(rng):
    for name in [*PLAIN, *FACTORS]:
        kind = gguf.GGMLQuantizationType[name]
        data = random_blocks(rng, name) if name in FACTORS else quants.quantize(
            rng.normal(size=SHAPE).astype(np.float32), kind)
        yield name, kind, data


def train_tokenizer(folder):
    """A unigram model with byte pieces and a small character map: full-width letters become ASCII."""
    rules = folder / "rules.tsv"
    rules.write_text("".join(f"{0xFF21 + i:X}\t{0x41 + i:X}\n" for i in range(26)))
    words = "a cat on the beach beaches runs over red sand at dawn while waves roll in full width"
    sentences = [" ".join(words.split()[i:i + 5]) for i in range(13)] * 20
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(sentences), model_writer=model, vocab_size=330, byte_fallback=True,
        pad_id=0, eos_id=1, unk_id=2, bos_id=-1, normalization_rule_tsv=str(rules),
        hard_vocab_limit=False, minloglevel=2)
    return model.getvalue()


def add_tokenizer(writer, model):
    proto = sentencepiece_model_pb2.ModelProto()
    proto.ParseFromString(model)
    writer.add_tokenizer_model("t5")
    writer.add_tokenizer_pre("default")
    writer.add_token_list([piece.piece.encode() for piece in proto.pieces])
    writer.add_token_scores([piece.score for piece in proto.pieces])
    writer.add_token_types([piece.type for piece in proto.pieces])
    writer.add_add_space_prefix(proto.normalizer_spec.add_dummy_prefix)
    writer.add_remove_extra_whitespaces(proto.normalizer_spec.remove_extra_whitespaces)
    writer.add_precompiled_charsmap(proto.normalizer_spec.precompiled_charsmap)


def names():
    table = gguf.get_tensor_name_map(gguf.MODEL_ARCH.T5ENCODER, LAYERS)
    theirs = ["shared.weight", "encoder.final_layer_norm.weight"]
    for layer in range(LAYERS):
        block = f"encoder.block.{layer}.layer."
        attention = "q k v o relative_attention_bias".split()
        theirs += [f"{block}0.SelfAttention.{part}.weight" for part in attention]
        theirs += [f"{block}1.DenseReluDense.{part}.weight" for part in "wi_0 wi_1 wo".split()]
        theirs += [f"{block}{part}.layer_norm.weight" for part in (0, 1)]
    return {name: table.get_name(name, try_suffixes=(".weight",)) for name in theirs}


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "tests/data/oracle")
    rng = np.random.default_rng(31)
    writer = gguf.GGUFWriter(folder / "gguf.gguf", "wan")
    writer.add_array("comfy.gguf.orig_shape.Q8_0", [2, 16, 1, 4, 8])
    expected = {}
    for name, kind, data in tensors(rng):
        writer.add_tensor(name, data, raw_dtype=kind)
        expected[name] = quants.dequantize(data, kind).astype(np.float32)
    with tempfile.TemporaryDirectory() as scratch:
        model = train_tokenizer(pathlib.Path(scratch))
    add_tokenizer(writer, model)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    save_file(expected, folder / "gguf.expected.safetensors")
    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    document = {"texts": [{"text": text, "ids": processor.encode(text)} for text in TEXTS],
                "names": names()}
    (folder / "gguf.tokenizer.json").write_text(json.dumps(document) + "\n")


if __name__ == "__main__":
    main()

#!/usr/bin/env bash
# Packs a trained model folder as the shipped model: scripts/demo_model/pack.sh FOLDER -> models/demo.tar.xz.
# The archive is reproducible.
set -euo pipefail
folder=${1:?folder of the trained model}
archive=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)/models/demo.tar.xz
mkdir -p "$(dirname "$archive")"
cd "$folder"
# The files that t3.json names, "FILE" or "FILE:SCALE".
mapfile -t loras < <(python3 -c '
import json, re
fields = json.load(open("t3.json"))
for key in ("lora", "refiner_lora"):
  named = fields.get(key, [])
  for text in named if isinstance(named, list) else [named]:
    if text != "none":
      print(re.sub(r":[-+0-9.e]+$", "", text))' | sort -u)
# bf16 weights: lp=1 tells the compressor that even and odd bytes are alike.
tar --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 --mode=u=rwX,go=rX -cf - \
    diffusion_pytorch_model.safetensors models_t5_umt5-xxl-enc-bf16.safetensors \
    Wan2.1_VAE.safetensors google preview.json t3.json "${loras[@]}" |
  xz --lzma2=preset=6,dict=32MiB,lc=3,lp=1,pb=1 > "$archive"
ls -l "$archive"

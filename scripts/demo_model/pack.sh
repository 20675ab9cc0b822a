#!/usr/bin/env bash
# Packs a trained model folder as the shipped one: scripts/demo_model/pack.sh FOLDER -> models/demo.tar.xz.
# The same folder gives the same bytes.
set -euo pipefail
folder=${1:?folder of the trained model}
archive=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)/models/demo.tar.xz
mkdir -p "$(dirname "$archive")"
cd "$folder"
# Two-byte weights: the compressor is told that every second byte is of a kind.
tar --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 --mode=u=rwX,go=rX -cf - \
    diffusion_pytorch_model.safetensors models_t5_umt5-xxl-enc-bf16.safetensors \
    Wan2.1_VAE.safetensors google preview.json t3.json |
  xz --lzma2=preset=9e,lc=0,lp=1,pb=1 > "$archive"
ls -l "$archive"

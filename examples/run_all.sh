#!/bin/sh
# run_all.sh PROGRAMS MODEL: runs every example on a small model and checks that it left its result.
set -eu
programs=$1
model=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$programs/example_clip_to_file" "$model" "$work/clip.mp4"
test -s "$work/clip.mp4"
"$programs/example_frames_in_memory" "$model" | grep -q "frame 4: mean colour"
"$programs/example_plan" "$model" | grep -q "denoiser"
"$programs/example_several_clips" "$model" "$work/clips"
test -s "$work/clips/clip1.mp4"
test -s "$work/clips/clip2.mp4"
"$programs/example_score_videos" "$work/clips" | grep -q "blur .* over 2 clips"
"$programs/example_cancel_and_resume" "$model" "$work/resumed.mp4" | grep -q "resumed after step 2"
"$programs/example_convert_model" "$model/diffusion_pytorch_model.safetensors" "$work/bf16.safetensors" >"$work/log"
grep -q "DiT" "$work/log"
test -s "$work/bf16.safetensors"
"$programs/example_finetune_lora" "$model" "$work/lora"
test -s "$work/lora/with_lora.mp4"

#!/usr/bin/env bash
# Kills a random rank of a run at a random moment, resumes the run, and again, until it is complete; then
# compares its latents with those of one undisturbed process. Prints one line for each run.
#
#   scripts/kill_ranks.sh [TIMES] [RANKS]   default: 20 kills in all, 3 ranks
#
#   T3=build/t3  OUT=build/kill-ranks       program, folder for the model, runs and logs
#   DEVICE=cpu                              device of the ranks
#   SEED=1                                  of the random choices
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
times=${1:-20}
ranks=${2:-3}
T3=${T3:-build/t3}
OUT=${OUT:-build/kill-ranks}
DEVICE=${DEVICE:-cpu}
RANDOM=${SEED:-1}
model=$OUT/model
reference=tests/data/reference/mini2.1
mkdir -p "$OUT"

# 12 heads, so that 2, 3 and 4 ranks divide them; the VAE is not used.
if [ ! -e "$model" ]; then
  cat >"$OUT/model.json" <<'JSON'
{"dit": {"dim": 192, "ffn_dim": 384, "num_heads": 12, "num_layers": 6, "in_dim": 16, "text_dim": 64, "text_len": 512,
         "freq_dim": 256, "eps": 1e-6},
 "vae": {"version": "2.1", "latent_channels": 16, "encoder_dim": 8, "decoder_dim": 8}, "attention": "t3"}
JSON
  "$T3" init "$OUT/model.json" --seed 1 --dtype fp32 --output "$model" >/dev/null
  "$T3" encode-text --model "$reference" --device cpu --prompt 'A cat' --output "$OUT/texts.safetensors" \
    --progress none
fi

run=(generate --model "$model" --text-embeds "$OUT/texts.safetensors" --size 256x144 --frames 17 --steps 24
  --guidance 4 --seed 1 --device "$DEVICE" --dtype fp32 --checkpoint-every 1 --progress none)

rm -f "$OUT"/alone.safetensors* "$OUT"/killed.safetensors*
"$T3" "${run[@]}" --output "$OUT/alone.safetensors" >/dev/null

compare() {
  python3 - "$OUT/alone.safetensors" "$OUT/killed.safetensors" <<'PYTHON'
import array, json, struct, sys
def latents(path):
    data = open(path, "rb").read()
    length, = struct.unpack("<Q", data[:8])
    begin, end = json.loads(data[8:8 + length])["latents"]["data_offsets"]
    return array.array("f", data[8 + length + begin:8 + length + end])
a, b = map(latents, sys.argv[1:])
distance = max(abs(x - y) for x, y in zip(a, b)) / max(map(abs, a)) if len(a) == len(b) else float("inf")
print(f"latents of the killed and resumed run: {distance:.1e} from those of one process")
sys.exit(not distance < 1e-5)
PYTHON
}

kills=0
while ((kills < times)); do
  rm -f "$OUT"/killed.safetensors*
  complete=0
  while ((!complete)); do
    if compgen -G "$OUT/killed.safetensors.*" >/dev/null; then
      "$T3" resume "$OUT/killed.safetensors" --device "$DEVICE" --gpus "$ranks" --progress none \
        >"$OUT/run.log" 2>&1 &
    else
      "$T3" "${run[@]}" --output "$OUT/killed.safetensors" --gpus "$ranks" >"$OUT/run.log" 2>&1 &
    fi
    leader=$!
    if ((kills < times)); then
      sleep "$(awk -v r=$RANDOM 'BEGIN { print 0.5 + 6 * r / 32767 }')"
      # The leader is rank 0; its children are the others.
      mapfile -t processes < <(echo "$leader"; cat "/proc/$leader/task/$leader/children" 2>/dev/null | tr ' ' '\n')
      victim=${processes[RANDOM % ${#processes[@]}]}
      if [ -n "$victim" ] && kill -KILL "$victim" 2>/dev/null; then kills=$((kills + 1)); fi
    fi
    begin=$SECONDS
    code=0
    wait "$leader" || code=$?
    ((code == 0)) && complete=1
    printf 'kill %2d: code %3d after %2d s: %s\n' "$kills" "$code" $((SECONDS - begin)) \
      "$(tail -n 1 "$OUT/run.log" | cut -c 1-140)"
    ((SECONDS - begin < 60)) || { echo 'the run did not end within a minute' >&2; exit 1; }
  done
  compare
done

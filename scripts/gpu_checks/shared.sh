# Sourced by the checks of this folder: the GPUs to use, and for models of full size random weights and text
# embeddings in place of UMT5, which these checks do not measure. Needs $T3, and a folder $OUT.

# The GPUs to use, one a line; an empty line where there is none. GPUS="0 1" chooses them.
gpus() {
  local listed=${GPUS:-${CUDA_VISIBLE_DEVICES:-$(nvidia-smi --query-gpu=index --format=csv,noheader 2>/dev/null)}}
  tr -s ', \n' '\n' <<<"$listed"
}

# make_embeds FILE WIDTH: `prompt` (40 tokens) and `negative_prompt` (60) of WIDTH numbers each.
make_embeds() {
  python3 - "$1" "$2" <<'PYTHON'
import json, random, struct, sys
path, width = sys.argv[1], int(sys.argv[2])
draw = random.Random(1)
tensors, blobs, at = {}, [], 0
for name, rows in (("prompt", 40), ("negative_prompt", 60)):
    blob = struct.pack(f"<{rows * width}f", *(draw.gauss(0, 0.2) for _ in range(rows * width)))
    tensors[name] = {"dtype": "F32", "shape": [rows, width], "data_offsets": [at, at + len(blob)]}
    blobs.append(blob)
    at += len(blob)
header = json.dumps(tensors).encode()
header += b" " * (-len(header) % 8)
with open(path, "wb") as file:
    file.write(struct.pack("<Q", len(header)) + header + b"".join(blobs))
PYTHON
}

# make_model NAME: a folder of random weights, kept from run to run; its path in $model. NAME is 1.3b, 5b
# or the CONFIG.json of `t3 init`.
make_model() {
  local name=$1 preset
  case $name in
    1.3b) preset=wan2.1-1.3b-t3 ;;
    5b) preset=wan2.2-5b-t3 ;;
    *.json) preset= ;;
    *) echo "$name is not a model; 1.3b, 5b or the CONFIG.json of a model" >&2; exit 2 ;;
  esac
  model=$OUT/model-$(basename "$name" .json)
  [ -e "$model" ] && return
  if [ -n "$preset" ]; then
    echo "{\"preset\": \"$preset\", \"text_encoder\": null}" >"$OUT/$name.json"
    name=$OUT/$name.json
  fi
  "$T3" init "$name" --seed 1 --output "$model" >/dev/null
}

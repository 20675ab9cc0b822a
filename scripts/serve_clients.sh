#!/usr/bin/env bash
# Other people's clients against `t3 serve` with the shipped model: the openai package and AIPerf from PyPI, in a
# virtual environment of their own, curl, and promtool where it is installed.
#
#   scripts/serve_clients.sh [T3]
#
# Downloads packages; leaves nothing behind but the virtual environment in .deps/clients.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

t3=${1:-build/t3}
data=$(mktemp -d)
venv=.deps/clients
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-2}

python3 -m venv "$venv"
"$venv/bin/pip" -q --disable-pip-version-check install openai
"$venv/bin/pip" -q --disable-pip-version-check install aiperf || echo 'aiperf: does not install here'

"$t3" serve --model demo --data "$data" --port 0 --max-per-minute 0 >"$data/out" 2>"$data/log" &
server=$!
trap 'kill $server; wait $server || true; rm -rf "$data"' EXIT
until grep -q http "$data/out"; do sleep 0.1; done
url=$(sed 's/^t3 serve: //' "$data/out")
until curl -sf "$url/health" >/dev/null; do sleep 0.2; done

echo "== openai $("$venv/bin/python" -c 'import openai; print(openai.__version__)')"
"$venv/bin/python" - "$url" <<'PYTHON'
import sys
import openai

client = openai.OpenAI(base_url=sys.argv[1] + "/v1", api_key="none")
prompt = "The sea at dawn. A clear sky with the sun on the right."
video = client.videos.create_and_poll(model="demo", prompt=prompt, size="128x72", seconds="0.5")
assert video.status == "completed" and video.progress == 100, video
content = client.videos.download_content(video.id).read()
assert content[4:8] == b"ftyp", content[:16]
thumbnail = client.videos.download_content(video.id, variant="thumbnail").read()
assert thumbnail.startswith(b"\x89PNG")
again = client.videos.create(model="demo", prompt=prompt, size="128x72", seconds="0.5")
assert client.videos.retrieve(again.id).status in ("queued", "in_progress")
ids = [v.id for v in client.videos.list(limit=1)]  # pages of one
assert ids == [again.id, video.id], ids
assert client.videos.delete(again.id).deleted
try:
    client.videos.create(model="demo", prompt=prompt, extra_body={"unknown": 1})
    raise AssertionError("an unknown field was accepted")
except openai.BadRequestError as error:
    assert error.code == "unknown_field" and error.param == "unknown", error
try:
    client.videos.retrieve("video_1")
    raise AssertionError("a video that is not there was found")
except openai.NotFoundError as error:
    assert error.code == "video_not_found"
try:
    client.videos.create(model="demo", prompt=prompt, input_reference=b"not a picture")
    raise AssertionError("a file of no kind was accepted")
except openai.BadRequestError as error:
    assert error.param == "input_reference", error
print("create, poll, download, thumbnail, list, delete, errors: good")
PYTHON

echo '== curl'
id=$(curl -sf "$url/v1/videos?limit=1" | python3 -c 'import json, sys; print(json.load(sys.stdin)["data"][0]["id"])')
curl -sf "$url/v1/videos/$id/content" -o "$data/whole"
curl -sf -r 0-999 "$url/v1/videos/$id/content" -o "$data/part"
curl -sf -C 1000 "$url/v1/videos/$id/content" >>"$data/part"
cmp "$data/whole" "$data/part" && echo 'ranges, resumed download: good'

# AIPerf counts tokens of prompts; its own tokenizer comes from a network that may not be there, so it gets one whose
# tokens are bytes, where the hub's cache would have it.
make_tokenizer() {
  local snapshot="$1/models--t3--bytes/snapshots/1"
  mkdir -p "$snapshot" "$1/models--t3--bytes/refs"
  printf 1 >"$1/models--t3--bytes/refs/main"
  "$venv/bin/python" - "$snapshot" 2>/dev/null <<'PYTHON'
import sys
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

tokens = [*sorted(pre_tokenizers.ByteLevel.alphabet()), "<s>"]
tokenizer = Tokenizer(models.BPE(vocab={token: i for i, token in enumerate(tokens)}, merges=[]))
tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
tokenizer.decoder = decoders.ByteLevel()
PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="<s>").save_pretrained(sys.argv[1])
PYTHON
}

if [[ -x $venv/bin/aiperf ]]; then
  echo "== aiperf $("$venv/bin/pip" show aiperf | sed -n 's/^Version: //p')"
  make_tokenizer "$data/hub"
  HF_HUB_CACHE="$data/hub" HF_HUB_OFFLINE=1 COLUMNS=120 "$venv/bin/aiperf" profile --model demo \
    --endpoint-type video_generation --url "$url" --tokenizer t3/bytes --request-count 5 --concurrency 2 --isl 64 \
    --extra-inputs size:64x48 --extra-inputs seconds:0.5 --artifact-dir "$data/aiperf" >"$data/aiperf.log" 2>&1 ||
    { tail -n 40 "$data/aiperf.log"; exit 1; }
  grep -E 'Request (Latency|Count|Error)' "$data/aiperf.log"
fi
if command -v promtool >/dev/null; then
  echo '== promtool'
  curl -sf "$url/metrics" | promtool check metrics && echo 'metrics: good'
fi

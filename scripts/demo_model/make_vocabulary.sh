#!/usr/bin/env bash
# Makes scripts/demo_model/spiece.model from captions of the world. Needs spm_train (Debian's package
# sentencepiece) and the target t3_world_captions of the build. Ids as UMT5 has them: 0 padding, 1
# end, 2 unknown; letters that no caption has are spelled in bytes. Merges go up to whole words, so a
# caption takes at most 38 pieces.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

captions=$(find build -name t3_world_captions -type f)
text=$(mktemp)
trap 'rm -f "$text"' EXIT
"$captions" 20000 > "$text"
# Letters and words that a person may type though no caption has them.
printf '%s\n' 'abcdefghijklmnopqrstuvwxyz' 'ABCDEFGHIJKLMNOPQRSTUVWXYZ' '0123456789 - , . ! ?' >> "$text"
spm_train --input="$text" --model_prefix=scripts/demo_model/spiece --model_type=bpe \
  --vocab_size=1024 --hard_vocab_limit=false --character_coverage=1.0 --byte_fallback=true \
  --pad_id=0 --eos_id=1 --unk_id=2 --bos_id=-1 --num_threads=1 --normalization_rule_name=identity
rm -f scripts/demo_model/spiece.vocab

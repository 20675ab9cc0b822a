#!/usr/bin/env python3
# Writes tests/data/text/clean.json: raw prompts and what Wan's pipelines make of them.
"""Usage: tools/oracle_clean.py [COUNT [SEED]] > tests/data/text/clean.json

Needs ftfy. Raw text is hexadecimal, because some of it is no UTF-8. ftfy runs without
fix_encoding, which t3 leaves out.
"""
import html
import html.entities
import json
import random
import re
import sys

import ftfy

FIXED = [
    b"", b" ", b"\n\t ", b"A person walks down a snow-covered street.",
    "Two  birds &amp; one “nest” ,\n slowly…".encode(),
    "色调艳丽，过曝，静态，ＪＰＥＧ压缩残留　人".encode(),
    "l’été «déjà vu» — ‘a’ ‚b‛ “c” „d‟ ′e″ ʼn ŉ".encode(),
    "ﬁ ﬂ ﬃ ﬄ ﬅ ﬆ ﬀ Ǆ ǅ ǆ Ǳ ǲ Ĳ ĳ æ œ".encode(),
    "ｶﾞｷﾞ ﾊﾟ ﾡ ￠￡￢￣￤￥￦ ﾠ￨￭ ￯".encode(),
    b"&eacute; &EACUTE; &SZLIG; &NTILDE; &nTILDE; &AMP; &amp;lt;b&amp;gt;",
    b"line one &lt;\nline < two &lt; &amp;lt;\nline three &amp;amp;lt; &eacute;",
    b"&ampx &notit; &notin; &gt &lt &copy2 &CounterClockwiseContourIntegral; &fjlig;",
    b"&#65; &#x41 &#x41; &#0; &#1; &#128; &#x9f; &#129; &#xD800; &#x110000; &#99999999999999999999;",
    b"&#59; &#x3b; &#38;amp; &#38;#38;amp; &#; &#x; &#xg; & && &a; &#12ab; &#x41zz;",
    b"\x1b[31mred\x1b[0m \x1b[1;2;3X \x1b[12 \x1b[;;m \x1b]m \x1b[",
    "\x1b[١٢mdigits \x1b[１m".encode(),
    "\ufeffbom \u200bzero \u2060 \u206a \ufff9\ufffc \x00\x08\x0b\x0c\x0e\x1f\x7f end".encode(),
    "a\r\nb\rc\u0085d\u2028e\u2029f\x0cg\x1ch\u00a0i\u1680j\u180ek\u3000l\u202fm".encode(),
    "e\u0301 A\u030a \u212b \u1100\u1161\u11a8 \u0958 \u2126 o\u0323\u0302 o\u0302\u0323".encode(),
    "\x80\x81\x85\x91\x93\x9d\x9f".encode(),
    b"\xff\xfe \xc3( \xe2\x82 \xe2\x82\xac \xf0\x9f\x98 \xf0\x9f\x98\x80 \xc0\x80 \xed\xa0\x80 \xf4\x90\x80\x80",
    b"\xe0\x80\x80 \xf8\x88\x80\x80\x80 \xc3", "𝒥ohn 👩‍👩‍👧‍👦 🏴󠁧󠁢󠁷󠁬󠁳󠁿".encode(),
    "sÃ³ â€œquotedâ€\x9d".encode(),
]
NAMES = sorted(html.entities.html5)
RANGES = [(0x20, 0x7E), (0, 0x1F), (0x7F, 0xFF), (0x100, 0x24F), (0x2B0, 0x36F), (0x600, 0x6FF),
          (0x900, 0x97F), (0x1100, 0x11FF), (0x1E00, 0x1EFF), (0x2000, 0x206F), (0x20A0, 0x2130),
          (0x3000, 0x30FF), (0x4E00, 0x4E80), (0xAC00, 0xAC40), (0xF900, 0xFA20), (0xFB00, 0xFB10),
          (0xFE00, 0xFFFD), (0x1D150, 0x1D1C0), (0x1F600, 0x1F640)]


def entity(rng):
    name = rng.choice(NAMES)
    return rng.choice([
        f"&{name}", f"&{name.rstrip(';')}", f"&{name.upper()}", f"&{name}x", f"&amp;{name}",
        f"&#{rng.randrange(0x300)};", f"&#x{rng.randrange(0x12000):x};", f"&#{rng.randrange(300)}",
        f"&#X{rng.randrange(0x120000):X}", f"&#38;{name}", f"&{name[:rng.randrange(1, 9)]}",
        f"&{name[:5]}{name}{name};", "&#", "&", "&;", f"&é{name}", f"&{'x' * 31}{name}"])


def fragment(rng):
    kind = rng.randrange(8)
    if kind == 0:
        return entity(rng).encode()
    if kind == 1:
        return rng.choice(["<", "\n", "\r\n", "\r", " ", "  ", ";", "&", "#", "\u00a0"]).encode()
    if kind == 2:
        end = rng.choice(["m", "K", "5", "", "é"])
        return f"\x1b[{rng.choice(['', '1', '0;31', ';', '٣'])}{end}".encode()
    if kind == 3:
        return bytes(rng.choice([rng.randrange(256), rng.randrange(0x80, 0x100)])
                     for _ in range(rng.randrange(1, 4)))
    low, high = rng.choice(RANGES)
    text = "".join(chr(rng.randint(low, high)) for _ in range(rng.randrange(1, 5)))
    return text.encode()


def clean(raw):
    text = ftfy.fix_text(raw.decode(errors="replace"), fix_encoding=False)
    text = html.unescape(html.unescape(text)).strip()
    return re.sub(r"\s+", " ", text).strip()


def cases(count, seed):
    rng = random.Random(seed)
    yield from FIXED
    for _ in range(count - len(FIXED)):
        yield b"".join(fragment(rng) for _ in range(rng.randrange(1, 12)))


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    pairs = [{"raw": raw.hex(), "clean": clean(raw)} for raw in cases(count, seed)]
    print("[\n" + ",\n".join(json.dumps(pair) for pair in pairs) + "\n]")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# Writes src/tokenizer/entities.inc: HTML's named character references as C++ tables.
"""Usage: tools/make_html_entities.py > src/tokenizer/entities.inc

The names are Python's html.entities.html5, which is what html.unescape knows. The second table is
ftfy's addition: upper-case spellings of lower-case names that mean nothing else (&EACUTE;).
"""
import html
import html.entities


def literal(text):
    return 'U"' + "".join(f"\\x{ord(c):x}" for c in text) + '"'


def table(name, entries):
    print(f"constexpr Entity {name}[] = {{")
    for key in sorted(entries):
        print(f'    {{"{key}", {literal(entries[key])}}},')
    print("};")


def upper_case_names():
    upper = {}
    for name, text in html.entities.html5.items():
        reference = "&" + name.upper()
        if name.endswith(";") and name == name.lower() and html.unescape(reference) == reference:
            upper[name.upper()] = text.upper()
    return upper


def main():
    print("// Named character references, sorted by name. Written by tools/make_html_entities.py.")
    print("// clang-format off")
    table("kHtmlEntities", html.entities.html5)
    table("kUpperCaseEntities", upper_case_names())
    print("// clang-format on")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# Fails when a function is longer than a screen: CONTRIBUTING.md says so.
"""Usage: tools/check_functions.py [REPOSITORY]

Lines of code are counted, from a function's declaration to its closing brace, without blank lines, comments and what raw
strings hold. Functions are found by clang-format's layout: whatever belongs to one is indented, up to the brace that
closes it. A lambda is a part of the function around it.
"""
import pathlib
import re
import sys

from check_includes import SOURCES, TEST_FILE, tracked_files

MAX_LINES = 40
MAX_TEST_LINES = 50  # a test is a story or a list of cases; parts of it elsewhere would not be read with it
FOLDERS = ("src", "include", "tests", "fuzz", "examples")

NO_CODE = re.compile(r'R"(\w*)\((?s:.*?)\)\1"|^ *#(?:.*\\\n)*.*|//.*|^ *(?:public|protected|private):', re.MULTILINE)
NO_FUNCTION = re.compile(r"(template <.*> )?((namespace|class|struct|union|enum)\b|extern \"C\" {)")


def limit_of(name):
    return MAX_TEST_LINES if name.startswith(("tests/", "fuzz/")) or TEST_FILE.search(name) else MAX_LINES


def code_lines(text):
    """The lines of a source, blank where there is no code: raw strings, preprocessor lines, comments, access."""
    def blank(match):  # what follows a raw string of several lines stays indented
        lines = match.group().count("\n")
        return "\n" * lines + " " * 100 * min(lines, 1)

    # A string may hold "//": cutting it there changes no line's indentation.
    return [line.rstrip() for line in NO_CODE.sub(blank, text).split("\n")]


def indent_of(line):
    return len(line) - len(line.lstrip())


def is_function(declaration):
    """Whether this begins a function: it has parameters and a body, and is neither a type nor a value."""
    head, parenthesis, rest = declaration.partition("(")
    return bool(parenthesis) and "{" in rest and " = " not in head and not NO_FUNCTION.match(declaration)


def end_of(lines, start):
    """The line after a declaration or definition that starts at lines[start]."""
    for i in range(start + 1, len(lines)):
        if lines[i] and indent_of(lines[i]) <= indent_of(lines[start]):
            return i + 1 if lines[i].startswith(" " * indent_of(lines[start]) + "}") else i
    return len(lines)


def functions_of(text):
    """(number of the first line, first line, lines of code) of each function."""
    lines = code_lines(text)
    number = 0
    while number < len(lines):
        end = end_of(lines, number)
        if lines[number] and is_function(" ".join(line.strip() for line in lines[number:end])):
            yield number + 1, lines[number].strip(), sum(map(bool, lines[number:end]))
            number = end
        else:
            number += 1  # into the type or the namespace


def check_file(name, text):
    """Complaints about the functions of one source."""
    return [f"{name}:{number}: {declaration} has {length} lines of code, wanted at most {limit_of(name)}; split it"
            for number, declaration, length in functions_of(text) if length > limit_of(name)]


def check_tree(root):
    """Complaints about every function over its limit, as 'file:line: declaration: lines'."""
    return [complaint for path in tracked_files(root, FOLDERS) if path.suffix in SOURCES and path.is_file()
            for complaint in check_file(path.relative_to(root).as_posix(), path.read_text(errors="replace"))]


def main():
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent.parent
    complaints = check_tree(root)
    print("\n".join(complaints) if complaints else "function lengths: good")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())

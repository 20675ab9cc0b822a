#!/usr/bin/env python3
"""Tests of check_functions.py: functions are found and counted in clang-format's layout, and nothing else is."""

import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import check_functions


def lengths(text):
  return [(number, length) for number, _, length in check_functions.functions_of(text)]


class FunctionsOf(unittest.TestCase):

  def test_counts_code_from_declaration_to_brace(self):
    self.assertEqual(lengths("namespace t3 {\n\nint F(int a,\n      int b) {\n\n  // why\n  if (a) {\n    return b;\n  }\n"
                             "  return a;\n}\n\n}  // namespace t3\n"), [(3, 7)])

  def test_finds_methods_in_classes(self):
    text = ("class A : public B {\n public:\n  explicit A(int a)\n      : B(a),\n        a_{a} {}\n  int Get() const override {\n"
            "    return a_;\n  }\n\n private:\n  int Twice();\n  int a_ = 0;\n};\n")
    self.assertEqual(lengths(text), [(3, 3), (6, 3)])

  def test_lambdas_belong_to_the_function_around_them(self):
    text = "A::A(int a)\n    : call_([](int b) {\n        return b;\n      }) {\n  Use(a);\n}\nvoid F() {\n  G();\n}\n"
    self.assertEqual(lengths(text), [(1, 6), (7, 3)])

  def test_types_and_values_are_no_functions(self):
    for text in ("struct A {\n  int b;\n};\n", "template <typename T>\nclass A {\n};\n", "enum class E {\n  kA,\n};\n",
                 "const Table kTable = {\n    {F(1)},\n};\n", "constexpr auto kCall = [](int a) {\n  return a;\n};\n",
                 "void F(int a);\n", "using F = std::function<void(int)>;\n"):
      self.assertEqual(lengths(text), [], text)

  def test_functions_that_look_like_others(self):
    for text in ("TEST_P(A, B) {\n  F();\n}\n", "extern \"C\" int F(int a) {\n  return a;\n}\n",
                 "bool operator==(const A& a, int b = 3) {\n  return a.b == b;\n}\n",
                 "__global__ void __launch_bounds__(256)\n    F(const A a) {\n  G();\n}\n",
                 "enumerator F() {\n  return {};\n}\n"):
      self.assertEqual(lengths(text), [(1, text.count("\n"))], text)

  def test_what_is_no_code_ends_nothing(self):
    text = ("void F() {\n#ifdef A\n  G();\n#endif\n  Put(R\"x(\n{\n}\n  )x\");\n// far left\n  // for ( {\n"
            "  Say(\"https://a.b/\");\n}\nvoid H() {\n  G();\n}\n")
    self.assertEqual(lengths(text), [(1, 6), (13, 3)])
    self.assertEqual(lengths("#define TWICE(a) \\\n  if (a) {         \\\n    a();           \\\n  }\n"), [])


class Limits(unittest.TestCase):

  def check(self, name, lines):
    return check_functions.check_file(name, "void Long() {\n" + "  F();\n" * (lines - 2) + "}\n")

  def test_file_line_and_length_are_named(self):
    self.assertEqual(self.check("src/plan/a.cc", 40), [])
    self.assertEqual(self.check("src/plan/a.cc", 41),
                     ["src/plan/a.cc:1: void Long() { has 41 lines of code, wanted at most 40; split it"])

  def test_tests_may_be_longer(self):
    for name in ("tests/a_test.cc", "src/plan/a_test.cc", "src/plan/testing/a.h", "fuzz/a.cc"):
      self.assertEqual(self.check(name, 50), [], name)
      self.assertEqual(len(self.check(name, 51)), 1, name)

  def test_every_source_of_a_checkout_is_read(self):
    with tempfile.TemporaryDirectory() as folder:
      for name in ("src/plan/a.cc", "include/a.h", "src/kernels/cuda/a.cu", "examples/a.cc"):
        path = pathlib.Path(folder, name)
        path.parent.mkdir(parents=True)
        path.write_text("void Long() {\n" + "  F();\n" * 40 + "}\n")
      (path.parent / "a.md").write_text(path.read_text())
      self.assertEqual(len(check_functions.check_tree(pathlib.Path(folder))), 4)


if __name__ == "__main__":
  unittest.main()

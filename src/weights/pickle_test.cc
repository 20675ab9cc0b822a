// The values of a pickle, by opcode.
#include "weights/pickle.h"

#include <gtest/gtest.h>

#include "weights/testing/test_files.h"

namespace t3 {
namespace {

using Kind = PickleNode::Kind;
using test::Le;

// The pickle of what `opcodes` push. The bytes must live as long as its strings are looked at.
Pickle Read(const std::string& whole) { return ParsePickle(std::as_bytes(std::span(whole))); }

int64_t Integer(const std::string& opcodes) {
  const Pickle pickle = Read(test::pickle::Whole(opcodes));
  EXPECT_EQ(pickle.root->kind, Kind::kInt);
  return pickle.root->integer;
}

TEST(Pickle, Integers) {
  EXPECT_EQ(Integer("K\xff"), 255);
  EXPECT_EQ(Integer("M\xff\xff"), 65535);
  EXPECT_EQ(Integer("J" + Le(0xFFFFFFFF, 4)), -1);
  EXPECT_EQ(Integer("J" + Le(0x7FFFFFFF, 4)), INT32_MAX);
  EXPECT_EQ(Integer(Le(0x8a, 1) + Le(0, 1)), 0);
  EXPECT_EQ(Integer("\x8a\x01\xfe"), -2);
  EXPECT_EQ(Integer("\x8a\x02\xff" + Le(0, 1)), 255);
  EXPECT_EQ(Integer("\x8a\x05" + Le(uint64_t{3} << 32, 5)), int64_t{3} << 32);
  EXPECT_EQ(Integer("\x8a\x08" + Le(uint64_t{1} << 63, 8)), INT64_MIN);
}

TEST(Pickle, OtherScalars) {
  const std::string number = test::pickle::Whole("G\x40\x09\x21\xfb\x54\x44\x2d\x18");
  EXPECT_EQ(Read(number).root->real, 3.141592653589793);
  EXPECT_EQ(Read(test::pickle::Whole("\x88")).root->integer, 1);
  EXPECT_EQ(Read(test::pickle::Whole("\x89")).root->integer, 0);
  EXPECT_EQ(Read(test::pickle::Whole("N")).root->kind, Kind::kNone);
  for (const std::string& text :
       {"X" + Le(2, 4) + "\xc3\xa9", "T" + Le(2, 4) + "\xc3\xa9", "U" + Le(2, 1) + "\xc3\xa9"}) {
    const std::string whole = test::pickle::Whole(text);
    EXPECT_EQ(Read(whole).root->text, "\xc3\xa9");
  }
}

TEST(Pickle, ContainersAndMemo) {
  // [7, (), (7,), (7, 7), (7, 7, 7), (8, 9)], the 7 by memo.
  const std::string whole = test::pickle::Whole(
      "]K\x07q\x01"
      "a(h\x01\x85h\x01h\x01\x86h\x01h\x01h\x01\x87(K\x08K\x09te)a");
  const Pickle pickle = Read(whole);
  ASSERT_EQ(pickle.root->kind, Kind::kList);
  EXPECT_EQ(pickle.bytes, whole.size());
  std::vector<size_t> sizes;
  for (const PickleNode* item : pickle.root->items) sizes.push_back(item->items.size());
  EXPECT_EQ(sizes, (std::vector<size_t>{0, 1, 2, 3, 2, 0}));
  EXPECT_EQ(pickle.root->items[3]->items[2], pickle.root->items[0]) << "shared, not copied";
  EXPECT_EQ(pickle.root->items[4]->items[1]->integer, 9);
}

TEST(Pickle, DictsKeepTheirOrder) {
  const std::string whole = test::pickle::Whole("}K\x02NsK\x01Ns(K\x03Nu");
  const Pickle pickle = Read(whole);
  ASSERT_EQ(pickle.root->kind, Kind::kDict);
  ASSERT_EQ(pickle.root->items.size(), 6u);
  EXPECT_EQ(pickle.root->items[0]->integer, 2);
  EXPECT_EQ(pickle.root->items[2]->integer, 1);
  EXPECT_EQ(pickle.root->items[4]->integer, 3);
}

TEST(Pickle, EndsAtStop) { EXPECT_EQ(Read(test::pickle::Whole("N") + "more").bytes, 4u); }

}  // namespace
}  // namespace t3

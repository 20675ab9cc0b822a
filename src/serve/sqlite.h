// SQLite's C interface with errors as exceptions.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace t3::serve {

// A prepared statement while it runs; reset when it goes.
class Statement {
 public:
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  Statement& Bind(std::string_view text);
  Statement& Bind(int64_t number);
  // The next row; false at the end. Throws Error.
  bool Step();
  std::string Text(int column) const;
  int64_t Integer(int column) const;

 private:
  sqlite3_stmt* statement_;
  int bound_ = 0;
};

// One connection. Not for use from several threads at once.
class Database {
 public:
  // Creates the file where there is none. Throws Error that names it.
  explicit Database(const std::string& path);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // Runs statements without results.
  void Execute(const std::string& sql);
  // Ends a transaction that failed, if it is still open.
  void TryRollback();
  // A statement of one text is prepared once and must end before the next use of the same text.
  Statement Prepare(const std::string& sql);

 private:
  sqlite3* database_ = nullptr;
  std::map<std::string, sqlite3_stmt*> statements_;
};

}  // namespace t3::serve

// SQLite's C interface with errors as exceptions.
#include "serve/sqlite.h"

#include <sqlite3.h>

#include "base/check.h"

namespace t3::serve {

Statement::~Statement() {
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

Statement& Statement::Bind(std::string_view text) {
  const int result = sqlite3_bind_text64(statement_, ++bound_, text.data(), text.size(),
                                         SQLITE_TRANSIENT, SQLITE_UTF8);
  T3_CHECK(result == SQLITE_OK, "the database: {}", sqlite3_errstr(result));
  return *this;
}

Statement& Statement::Bind(int64_t number) {
  const int result = sqlite3_bind_int64(statement_, ++bound_, number);
  T3_CHECK(result == SQLITE_OK, "the database: {}", sqlite3_errstr(result));
  return *this;
}

bool Statement::Step() {
  const int result = sqlite3_step(statement_);
  T3_CHECK(result == SQLITE_ROW || result == SQLITE_DONE, "the database: {}",
           sqlite3_errmsg(sqlite3_db_handle(statement_)));
  return result == SQLITE_ROW;
}

std::string Statement::Text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  if (text == nullptr) return "";
  return {text, static_cast<size_t>(sqlite3_column_bytes(statement_, column))};
}

int64_t Statement::Integer(int column) const { return sqlite3_column_int64(statement_, column); }

Database::Database(const std::string& path) {
  const int result = sqlite3_open_v2(path.c_str(), &database_,
                                     SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
  if (result != SQLITE_OK) {
    const std::string reason = sqlite3_errstr(result);
    sqlite3_close(database_);
    Fail("the database {} cannot be opened: {}", path, reason);
  }
  sqlite3_busy_timeout(database_, 10'000);
}

Database::~Database() {
  for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close(database_);
}

void Database::Execute(const std::string& sql) {
  char* message = nullptr;
  const int result = sqlite3_exec(database_, sql.c_str(), nullptr, nullptr, &message);
  const std::string reason = message == nullptr ? sqlite3_errstr(result) : message;
  sqlite3_free(message);
  T3_CHECK(result == SQLITE_OK, "the database: {}", reason);
}

void Database::TryRollback() {
  if (sqlite3_get_autocommit(database_) == 0)
    sqlite3_exec(database_, "ROLLBACK", nullptr, nullptr, nullptr);
}

Statement Database::Prepare(const std::string& sql) {
  sqlite3_stmt*& statement = statements_[sql];
  if (statement == nullptr) {
    const int result = sqlite3_prepare_v2(database_, sql.c_str(), -1, &statement, nullptr);
    T3_CHECK(result == SQLITE_OK, "the database: {}", sqlite3_errmsg(database_));
  }
  return Statement(statement);
}

}  // namespace t3::serve

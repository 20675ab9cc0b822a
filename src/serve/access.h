// Who may use which route.
#pragma once

#include <string>

#include "serve/api_keys.h"
#include "serve/exchange.h"

namespace t3::serve {

class Access {
 public:
  // `required`: a key is needed even while the file has none.
  Access(ApiKeys& keys, bool required) : keys_(keys), required_(required) {}

  // The name of the key of a request to a route that needs one; empty without keys. Throws ApiError
  // (401).
  std::string KeyOf(const httplib::Request& request) const;
  // Without keys a page of another site must not use the server through its visitor's browser.
  // Throws ApiError (403).
  void CheckSite(const httplib::Request& request) const;
  bool needs_key() const { return required_ || !keys_.empty(); }

 private:
  ApiKeys& keys_;
  bool required_;
};

// "localhost", 127.0.0.0/8 or ::1, with or without a port and brackets.
bool IsLoopbackName(std::string_view host);

}  // namespace t3::serve

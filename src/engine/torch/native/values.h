// Conversion between JavaScript values and the boxed values of libtorch's dispatcher.
#pragma once

#include <ATen/core/function_schema.h>
#include <ATen/core/ivalue.h>
#include <node_api.h>

#include <string>
#include <vector>

#include "optional.h"

namespace posecraft {

// What an operator's schema wants in one place, worked out once per operator.
struct Parameter {
  c10::TypeKind kind;     // of the value, or of the list's elements
  bool is_list = false;
  bool is_optional = false;          // null and undefined mean None
  bool has_optional_elements = false;  // Tensor?[]
  Optional<c10::IValue> default_value;
  // How many there are, if the value is a number of libtorch's enumerations (element type, layout, memory format).
  int64_t enumerators = 0;
  std::string name;
};

Parameter describe(const c10::Argument& argument);

// Throws std::runtime_error that names the parameter if the value does not fit.
c10::IValue to_ivalue(napi_env env, napi_value value, const Parameter& parameter);

// Tensors enter the table and become handles; undefined tensors and None become null.
napi_value to_js(napi_env env, const c10::IValue& value);

std::string to_string(napi_env env, napi_value value);
std::vector<int64_t> to_sizes(napi_env env, napi_value value);
double to_number(napi_env env, napi_value value, const char* what);
int64_t to_integer(napi_env env, napi_value value, const char* what);
napi_value number(napi_env env, double value);

// Turns a failed Node-API call into an exception.
void check(napi_status status, const char* what);

}  // namespace posecraft

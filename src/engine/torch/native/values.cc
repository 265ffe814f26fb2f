#include "values.h"

#include <cmath>
#include <stdexcept>

#include "tensors.h"

namespace posecraft {

namespace {

napi_valuetype type_of(napi_env env, napi_value value) {
  napi_valuetype type;
  check(napi_typeof(env, value, &type), "typeof");
  return type;
}

bool is_nothing(napi_env env, napi_value value) {
  const napi_valuetype type = type_of(env, value);
  return type == napi_null || type == napi_undefined;
}

// Longer lists are mistakes: they would take their memory before libtorch could refuse them.
constexpr uint32_t kMaxList = 1 << 20;

uint32_t array_length(napi_env env, napi_value value, const char* what) {
  bool is_array = false;
  check(napi_is_array(env, value, &is_array), what);
  if (!is_array) throw std::runtime_error(std::string(what) + ": expected an array");
  uint32_t length = 0;
  check(napi_get_array_length(env, value, &length), what);
  if (length > kMaxList) {
    throw std::runtime_error(std::string(what) + ": a list of " + std::to_string(length) + " elements is too long");
  }
  return length;
}

template <typename T, typename Convert>
c10::List<T> to_list(napi_env env, napi_value value, const char* what, Convert convert) {
  const uint32_t length = array_length(env, value, what);
  c10::List<T> list;
  list.reserve(length);
  for (uint32_t i = 0; i < length; i++) {
    napi_value element;
    check(napi_get_element(env, value, i, &element), what);
    list.push_back(convert(element));
  }
  return list;
}

bool to_bool(napi_env env, napi_value value, const char* what) {
  bool result;
  if (napi_get_value_bool(env, value, &result) != napi_ok) {
    throw std::runtime_error(std::string(what) + ": expected true or false");
  }
  return result;
}

at::Tensor to_tensor(napi_env env, napi_value value, const char* what) {
  return tensors().get(to_integer(env, value, what));
}

// A whole number stays an integer scalar, which promotes no integer tensor to floating point.
c10::Scalar to_scalar(napi_env env, napi_value value, const char* what) {
  if (type_of(env, value) == napi_boolean) return c10::Scalar(to_bool(env, value, what));
  const double x = to_number(env, value, what);
  if (std::floor(x) == x && std::abs(x) < 9007199254740992.0) return c10::Scalar(static_cast<int64_t>(x));
  return c10::Scalar(x);
}

// libtorch casts the numbers of its enumerations to a byte and looks tables up with them, unchecked.
int64_t to_parameter_integer(napi_env env, napi_value value, const Parameter& parameter) {
  const int64_t x = to_integer(env, value, parameter.name.c_str());
  if (parameter.enumerators > 0 && (x < 0 || x >= parameter.enumerators)) {
    throw std::runtime_error(parameter.name + ": expected 0 to " + std::to_string(parameter.enumerators - 1) + ", not " +
                             std::to_string(x));
  }
  return x;
}

int64_t count_enumerators(const c10::Argument& argument) {
  c10::TypePtr type = argument.real_type();
  if (const auto optional = type->cast<c10::OptionalType>()) type = optional->getElementType();
  switch (type->kind()) {
    case c10::TypeKind::ScalarTypeType:
      return static_cast<int64_t>(at::ScalarType::Undefined);
    case c10::TypeKind::LayoutType:
      return static_cast<int64_t>(at::Layout::NumOptions);
    case c10::TypeKind::MemoryFormatType:
      return static_cast<int64_t>(at::MemoryFormat::NumOptions);
    default:
      return 0;
  }
}

c10::IValue to_list_ivalue(napi_env env, napi_value value, const Parameter& parameter) {
  const char* what = parameter.name.c_str();
  switch (parameter.kind) {
    case c10::TypeKind::TensorType:
      if (parameter.has_optional_elements) {
        return to_list<Optional<at::Tensor>>(env, value, what, [&](napi_value v) -> Optional<at::Tensor> {
          if (is_nothing(env, v)) return {};
          return to_tensor(env, v, what);
        });
      }
      return to_list<at::Tensor>(env, value, what, [&](napi_value v) { return to_tensor(env, v, what); });
    case c10::TypeKind::IntType:
      return to_list<int64_t>(env, value, what, [&](napi_value v) { return to_integer(env, v, what); });
    case c10::TypeKind::FloatType:
      return to_list<double>(env, value, what, [&](napi_value v) { return to_number(env, v, what); });
    case c10::TypeKind::BoolType:
      return to_list<bool>(env, value, what, [&](napi_value v) { return to_bool(env, v, what); });
    default:
      throw std::runtime_error(parameter.name + ": lists of this type are not supported");
  }
}

}  // namespace

void check(napi_status status, const char* what) {
  if (status != napi_ok) throw std::runtime_error(std::string(what) + ": wrong JavaScript value");
}

double to_number(napi_env env, napi_value value, const char* what) {
  double result;
  if (napi_get_value_double(env, value, &result) != napi_ok) {
    throw std::runtime_error(std::string(what) + ": expected a number");
  }
  return result;
}

static int64_t whole(double x, const char* what) {
  if (std::floor(x) != x || std::abs(x) > 9007199254740992.0) {
    throw std::runtime_error(std::string(what) + ": expected a whole number");
  }
  return static_cast<int64_t>(x);
}

int64_t to_integer(napi_env env, napi_value value, const char* what) { return whole(to_number(env, value, what), what); }

std::string to_string(napi_env env, napi_value value) {
  size_t length = 0;
  check(napi_get_value_string_utf8(env, value, nullptr, 0, &length), "string");
  std::string text(length, '\0');
  check(napi_get_value_string_utf8(env, value, &text[0], length + 1, &length), "string");
  return text;
}

std::vector<int64_t> to_sizes(napi_env env, napi_value value) {
  const auto list = to_list<int64_t>(env, value, "shape", [&](napi_value v) { return to_integer(env, v, "shape"); });
  return list.vec();
}

napi_value number(napi_env env, double value) {
  napi_value result;
  check(napi_create_double(env, value, &result), "number");
  return result;
}

Parameter describe(const c10::Argument& argument) {
  Parameter parameter;
  parameter.name = argument.name();
  parameter.default_value = argument.default_value();
  c10::TypePtr type = argument.type();
  if (const auto optional = type->cast<c10::OptionalType>()) {
    parameter.is_optional = true;
    type = optional->getElementType();
  }
  if (const auto list = type->cast<c10::ListType>()) {
    parameter.is_list = true;
    type = list->getElementType();
    if (const auto optional = type->cast<c10::OptionalType>()) {
      parameter.has_optional_elements = true;
      type = optional->getElementType();
    }
  }
  parameter.kind = type->kind();
  parameter.enumerators = count_enumerators(argument);
  return parameter;
}

c10::IValue to_ivalue(napi_env env, napi_value value, const Parameter& parameter) {
  const char* what = parameter.name.c_str();
  // The commonest by far, and a handle needs no look at the JavaScript type first.
  if (parameter.kind == c10::TypeKind::TensorType && !parameter.is_list) {
    double handle;
    if (napi_get_value_double(env, value, &handle) == napi_ok) return tensors().get(whole(handle, what));
  }
  if (is_nothing(env, value)) {
    if (parameter.is_optional) return c10::IValue();
    if (parameter.default_value) return *parameter.default_value;
    throw std::runtime_error(parameter.name + ": a value is needed");
  }
  if (parameter.is_list) return to_list_ivalue(env, value, parameter);
  switch (parameter.kind) {
    case c10::TypeKind::TensorType:
      return to_tensor(env, value, what);
    case c10::TypeKind::IntType:
      return to_parameter_integer(env, value, parameter);
    case c10::TypeKind::FloatType:
      return to_number(env, value, what);
    case c10::TypeKind::BoolType:
      return to_bool(env, value, what);
    case c10::TypeKind::NumberType:
      return to_scalar(env, value, what);
    case c10::TypeKind::StringType:
      return to_string(env, value);
    case c10::TypeKind::DeviceObjType:
      return c10::Device(to_string(env, value));
    default:
      throw std::runtime_error(parameter.name + ": values of this type are not supported");
  }
}

napi_value to_js(napi_env env, const c10::IValue& value) {
  napi_value result;
  if (value.isTensor()) {
    if (value.toTensor().defined()) return number(env, static_cast<double>(tensors().add(value.toTensor())));
  } else if (value.isTensorList()) {
    const auto list = value.toTensorVector();
    check(napi_create_array_with_length(env, list.size(), &result), "array");
    for (uint32_t i = 0; i < list.size(); i++) {
      check(napi_set_element(env, result, i, to_js(env, list[i])), "array");
    }
    return result;
  } else if (value.isInt()) {
    return number(env, static_cast<double>(value.toInt()));
  } else if (value.isDouble()) {
    return number(env, value.toDouble());
  } else if (value.isBool()) {
    check(napi_get_boolean(env, value.toBool(), &result), "boolean");
    return result;
  } else if (!value.isNone()) {
    throw std::runtime_error("results of type " + value.tagKind() + " are not supported");
  }
  check(napi_get_null(env, &result), "null");
  return result;
}

}  // namespace posecraft

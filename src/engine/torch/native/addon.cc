// The Node-API addon: libtorch's operators by name, through the dispatcher's boxed calls. Kernels are written in
// TypeScript on top of it; what an operator takes and returns is read off its own schema.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <c10/core/InferenceMode.h>
#include <node_api.h>
#include <torch/version.h>

#include <algorithm>
#include <atomic>
#include <iomanip>
#include <iterator>
#include <memory>
#include <new>

#include "device.h"
#include "memory.h"
#include "tensors.h"
#include "values.h"

namespace posecraft {

TensorTable& tensors() {
  static TensorTable table;
  return table;
}

namespace {

struct Operator {
  c10::OperatorHandle handle;
  std::string name;
  std::vector<Parameter> parameters;
  // An in-place operator returns its own argument, which JavaScript holds already.
  std::vector<bool> is_argument;
};

std::vector<std::unique_ptr<Operator>> operators;
constexpr size_t kMaxArguments = 40;
constexpr size_t kFewArguments = 6;

struct Arguments {
  Arguments(napi_env env, napi_callback_info info) {
    // Node fills what is not given with undefined, so few are asked for first.
    count = kFewArguments;
    check(napi_get_cb_info(env, info, &count, values, nullptr, nullptr), "arguments");
    if (count <= kFewArguments) return;
    // The last place tells `call` that there are too many, which names the operator.
    count = std::min(count, kMaxArguments);
    check(napi_get_cb_info(env, info, &count, values, nullptr, nullptr), "arguments");
    count = std::min(count, kMaxArguments);
  }
  size_t count;
  napi_value values[kMaxArguments];
};

void throw_js(napi_env env, const std::string& message) {
  // What the allocators of the CPU (Linux; Windows), of CUDA and of C++ write.
  static constexpr const char* kRefusals[] = {"can't allocate memory", "not enough memory", "out of memory", "bad_alloc"};
  const bool memory = std::any_of(std::begin(kRefusals), std::end(kRefusals),
                                  [&](const char* text) { return message.find(text) != std::string::npos; });
  napi_throw_error(env, memory ? "ERR_OUT_OF_MEMORY" : "ERR_TORCH", message.c_str());
}

// Runs the body of an exported function; every C++ exception becomes a JavaScript error.
template <napi_value (*body)(napi_env, const Arguments&)>
napi_value guarded(napi_env env, napi_callback_info info) {
  try {
    return body(env, Arguments(env, info));
  } catch (const c10::Error& error) {
    throw_js(env, error.what_without_backtrace());
  } catch (const std::bad_alloc&) {
    throw_js(env, "bad_alloc: not enough memory");
  } catch (const std::exception& error) {
    throw_js(env, error.what());
  }
  return nullptr;
}

void need(const Arguments& arguments, size_t count) {
  if (arguments.count < count) throw std::runtime_error("expected " + std::to_string(count) + " arguments");
}

// operator("aten::add.Tensor") -> its number, for `call`
napi_value find_operator(napi_env env, const Arguments& arguments) {
  need(arguments, 1);
  const std::string name = to_string(env, arguments.values[0]);
  const size_t dot = name.find('.');
  const std::string overload = dot == std::string::npos ? "" : name.substr(dot + 1);
  const auto handle = c10::Dispatcher::singleton().findSchema({name.substr(0, dot), overload});
  if (!handle) throw std::runtime_error("libtorch " TORCH_VERSION " has no operator " + name);
  auto op = std::unique_ptr<Operator>(new Operator{*handle, name, {}, {}});
  for (const auto& argument : handle->schema().arguments()) op->parameters.push_back(describe(argument));
  for (const auto& result : handle->schema().returns()) {
    op->is_argument.push_back(result.alias_info() != nullptr && result.alias_info()->isWrite());
  }
  operators.push_back(std::move(op));
  return number(env, static_cast<double>(operators.size() - 1));
}

void push_arguments(napi_env env, const Arguments& arguments, const Operator& op, torch::jit::Stack& stack) {
  if (arguments.count - 1 > op.parameters.size()) throw std::runtime_error("too many arguments");
  for (size_t i = 0; i < op.parameters.size(); i++) {
    const Parameter& parameter = op.parameters[i];
    if (i + 1 < arguments.count) {
      stack.push_back(to_ivalue(env, arguments.values[i + 1], parameter));
    } else if (parameter.kind == c10::TypeKind::DeviceObjType) {
      // Operators that make tensors from nothing make them where all others are.
      stack.push_back(device());
    } else if (parameter.default_value) {
      stack.push_back(*parameter.default_value);
    } else {
      throw std::runtime_error(parameter.name + ": a value is needed");
    }
  }
}

napi_value results(napi_env env, const Operator& op, const torch::jit::Stack& stack) {
  const auto one = [&](size_t i) { return op.is_argument[i] ? to_js(env, c10::IValue()) : to_js(env, stack[i]); };
  if (stack.size() == 1) return one(0);
  napi_value array;
  check(napi_create_array_with_length(env, stack.size(), &array), "results");
  for (size_t i = 0; i < stack.size(); i++) check(napi_set_element(env, array, i, one(i)), "results");
  return array;
}


// call(operator, ...arguments) -> handle, list of handles, number, or null for an in-place operator
napi_value call(napi_env env, const Arguments& arguments) {
  need(arguments, 1);
  const int64_t index = to_integer(env, arguments.values[0], "operator");
  if (index < 0 || index >= static_cast<int64_t>(operators.size())) throw std::runtime_error("no such operator");
  const Operator& op = *operators[index];
  torch::jit::Stack stack;
  stack.reserve(op.parameters.size());
  try {
    push_arguments(env, arguments, op, stack);
    c10::InferenceMode no_autograd;
    op.handle.callBoxed(&stack);
    return results(env, op, stack);
  } catch (const c10::Error& error) {
    throw std::runtime_error(op.name + ": " + error.what_without_backtrace());
  } catch (const std::bad_alloc&) {
    throw std::runtime_error(op.name + ": bad_alloc: not enough memory");
  } catch (const std::exception& error) {
    throw std::runtime_error(op.name + ": " + error.what());
  }
}

struct View {
  void* data;
  size_t bytes;
};

View view_of(napi_env env, napi_value value) {
  napi_typedarray_type type;
  size_t length;
  void* data;
  if (napi_get_typedarray_info(env, value, &type, &length, &data, nullptr, nullptr) != napi_ok) {
    throw std::runtime_error("expected a typed array");
  }
  static constexpr size_t kWidths[] = {1, 1, 1, 2, 2, 4, 4, 4, 8, 8, 8};
  if (static_cast<size_t>(type) >= sizeof(kWidths) / sizeof(kWidths[0])) throw std::runtime_error("unknown typed array");
  return {data, length * kWidths[type]};
}

void check_bytes(const at::Tensor& tensor, const View& view) {
  if (tensor.nbytes() != view.bytes) {
    std::ostringstream text;
    text << "a tensor of shape " << tensor.sizes() << " has " << tensor.nbytes() << " bytes, the array " << view.bytes;
    throw std::runtime_error(text.str());
  }
}

// upload(typed array, shape, scalar type) -> handle of a copy
napi_value upload(napi_env env, const Arguments& arguments) {
  need(arguments, 3);
  // Before the array is looked at: reading the shape may run JavaScript (a getter), which may detach the array.
  const auto sizes = to_sizes(env, arguments.values[1]);
  const int64_t number_of_type = to_integer(env, arguments.values[2], "scalar type");
  if (number_of_type < 0 || number_of_type >= static_cast<int64_t>(at::ScalarType::Undefined) ||
      c10::isQIntType(static_cast<at::ScalarType>(number_of_type))) {
    throw std::runtime_error("scalar type: " + std::to_string(number_of_type) + " cannot be uploaded");
  }
  const auto type = static_cast<at::ScalarType>(number_of_type);
  const View view = view_of(env, arguments.values[0]);
  // Checked before anything is allocated: the product may be huge.
  double bytes = static_cast<double>(c10::elementSize(type));
  for (const int64_t size : sizes) {
    if (size < 0) throw std::runtime_error("shape: sizes must not be negative");
    bytes *= static_cast<double>(size);
  }
  if (bytes != static_cast<double>(view.bytes)) {
    std::ostringstream text;
    text << "the shape takes " << std::setprecision(17) << bytes << " bytes, the array has " << view.bytes;
    throw std::runtime_error(text.str());
  }
  c10::InferenceMode no_autograd;
  at::Tensor tensor = from_host(view.data, view.bytes, sizes, type);
  return number(env, static_cast<double>(tensors().add(std::move(tensor))));
}

// download(handle, typed array): copies the elements in row-major order
napi_value download(napi_env env, const Arguments& arguments) {
  need(arguments, 2);
  const View view = view_of(env, arguments.values[1]);
  c10::InferenceMode no_autograd;
  const at::Tensor& held = tensors().get(to_integer(env, arguments.values[0], "tensor"));
  // Before it is made contiguous: an expanded tensor takes little memory until then.
  check_bytes(held, view);
  const at::Tensor tensor = held.cpu().contiguous();
  if (view.bytes > 0) std::memcpy(view.data, tensor.data_ptr(), view.bytes);
  return nullptr;
}

// describe(handle) -> [scalar type, ...sizes]
napi_value describe_tensor(napi_env env, const Arguments& arguments) {
  need(arguments, 1);
  const at::Tensor& tensor = tensors().get(to_integer(env, arguments.values[0], "tensor"));
  napi_value array;
  check(napi_create_array_with_length(env, tensor.dim() + 1, &array), "describe");
  check(napi_set_element(env, array, 0, number(env, static_cast<double>(tensor.scalar_type()))), "describe");
  for (int64_t i = 0; i < tensor.dim(); i++) {
    const napi_value size = number(env, static_cast<double>(tensor.size(i)));
    check(napi_set_element(env, array, static_cast<uint32_t>(i + 1), size), "describe");
  }
  return array;
}

napi_value release(napi_env env, const Arguments& arguments) {
  need(arguments, 1);
  tensors().release(to_integer(env, arguments.values[0], "tensor"));
  return nullptr;
}

napi_value clear(napi_env, const Arguments&) {
  tensors().clear();
  return nullptr;
}

napi_value set_threads(napi_env env, const Arguments& arguments) {
  need(arguments, 1);
  const int64_t threads = to_integer(env, arguments.values[0], "threads");
  if (threads < 1 || threads > 1024) throw std::runtime_error("threads: expected 1 to 1024");
  at::set_num_threads(static_cast<int>(threads));
  return nullptr;
}

bool to_flag(napi_env env, const Arguments& arguments) {
  need(arguments, 1);
  bool flag;
  check(napi_get_value_bool(env, arguments.values[0], &flag), "expected true or false");
  return flag;
}

napi_value count_cuda_devices(napi_env env, const Arguments&) { return number(env, static_cast<double>(cuda_devices())); }

// setDevice("cpu" | "cuda" | "cuda:1")
napi_value choose_device(napi_env env, const Arguments& arguments) {
  need(arguments, 1);
  set_device(to_string(env, arguments.values[0]));
  return nullptr;
}

napi_value choose_tf32(napi_env env, const Arguments& arguments) {
  allow_tf32(to_flag(env, arguments));
  return nullptr;
}

napi_value choose_deterministic(napi_env env, const Arguments& arguments) {
  set_deterministic(to_flag(env, arguments));
  return nullptr;
}

napi_value set_seed(napi_env env, const Arguments& arguments) {
  need(arguments, 1);
  at::manual_seed(static_cast<uint64_t>(to_integer(env, arguments.values[0], "seed")));
  return nullptr;
}

void set(napi_env env, napi_value object, const char* name, napi_value value) {
  check(napi_set_named_property(env, object, name, value), name);
}

napi_value memory(napi_env env, const Arguments&) {
  napi_value object;
  check(napi_create_object(env, &object), "memory");
  set(env, object, "tensors", number(env, static_cast<double>(tensors().live())));
  set(env, object, "bytes", number(env, static_cast<double>(tensors().bytes())));
  return object;
}

template <napi_value (*body)(napi_env, const Arguments&)>
void define(napi_env env, napi_value exports, const char* name) {
  napi_value function;
  check(napi_create_function(env, name, NAPI_AUTO_LENGTH, guarded<body>, nullptr, &function), name);
  set(env, exports, name, function);
}

napi_value init(napi_env env, napi_value exports) {
  static std::atomic<bool> loaded{false};
  if (loaded.exchange(true)) {
    napi_throw_error(env, "ERR_TORCH", "the torch backend is already loaded in another thread of this process");
    return nullptr;
  }
  tune_allocator();
  define<find_operator>(env, exports, "operator");
  define<call>(env, exports, "call");
  define<upload>(env, exports, "upload");
  define<download>(env, exports, "download");
  define<describe_tensor>(env, exports, "describe");
  define<release>(env, exports, "release");
  define<clear>(env, exports, "clear");
  define<set_threads>(env, exports, "setThreads");
  define<count_cuda_devices>(env, exports, "cudaDevices");
  define<choose_device>(env, exports, "setDevice");
  define<choose_tf32>(env, exports, "allowTf32");
  define<choose_deterministic>(env, exports, "setDeterministic");
  define<set_seed>(env, exports, "setSeed");
  define<memory>(env, exports, "memory");
  napi_value version;
  check(napi_create_string_utf8(env, TORCH_VERSION, NAPI_AUTO_LENGTH, &version), "version");
  set(env, exports, "version", version);
  return exports;
}

}  // namespace
}  // namespace posecraft

NAPI_MODULE(posecraft_torch, posecraft::init)

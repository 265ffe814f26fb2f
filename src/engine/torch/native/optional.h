// libtorch had an optional of its own before it took the standard one.
#pragma once

#include <torch/version.h>

#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4)
#include <optional>
#define POSECRAFT_OPTIONAL std::optional
#else
#include <c10/util/Optional.h>
#define POSECRAFT_OPTIONAL c10::optional
#endif

namespace posecraft {

template <typename T>
using Optional = POSECRAFT_OPTIONAL<T>;

}  // namespace posecraft

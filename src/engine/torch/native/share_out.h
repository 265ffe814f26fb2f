// Work shared out among libtorch's threads.
#pragma once

#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>
#include <vector>

namespace posecraft {

inline int64_t parts_of(int64_t value, int64_t unit) { return (value + unit - 1) / unit; }

// body(from, to) for 0 to `count` in units. Each thread has its own run of units, the same at every call, so that what it
// wrote last is in its cache; one that has done its own helps with those of the others, for a processor that is
// shared with other programs is not as fast on all threads.
template <typename Body>
void share_out(int64_t count, int64_t unit, const Body& body) {
  const int64_t units = parts_of(count, unit), threads = std::min<int64_t>(at::get_num_threads(), units);
  if (threads <= 1) {
    if (count > 0) body(0, count);
    return;
  }
  struct alignas(64) Run {
    std::atomic<int64_t> next;
    int64_t end;
  };
  std::vector<Run> runs(threads);
  for (int64_t i = 0; i < threads; i++) {
    runs[i].next = i * units / threads;
    runs[i].end = (i + 1) * units / threads;
  }
  at::parallel_for(0, threads, 1, [&](int64_t first, int64_t) {
    for (int64_t i = 0; i < threads; i++) {
      Run& run = runs[(first + i) % threads];
      for (int64_t one; (one = run.next++) < run.end;) body(one * unit, std::min((one + 1) * unit, count));
    }
  });
}

// The same in units of about `grain`, of which all threads get as many.
template <typename Body>
void share_out_evenly(int64_t count, int64_t grain, const Body& body) {
  const int64_t threads = std::min<int64_t>(at::get_num_threads(), parts_of(count, grain));
  if (threads > 0) share_out(count, parts_of(count, threads * std::max<int64_t>(count / (grain * threads), 1)), body);
}

}  // namespace posecraft

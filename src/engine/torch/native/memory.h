// What glibc's allocator keeps and gives back.
#pragma once

namespace posecraft {

// Keeps freed memory for the next step.
void tune_allocator();

// Gives what is free to the kernel, holes between what is in use included.
void give_memory_back();

}  // namespace posecraft

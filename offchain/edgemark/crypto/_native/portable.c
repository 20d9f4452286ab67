/* The kernel for any 64-bit machine with gcc or clang: no instruction beyond the compiler's default. */
#include <stdlib.h>
#include <string.h>

#include "prepared.h"

#define SCALAR_PATH kernel_portable
#define SCALAR_NAME "portable-128"
#include "scalar.h"

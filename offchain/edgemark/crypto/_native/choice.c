/* Which paths this machine has; each but the portable one is checked against it before it is offered. */
#include <string.h>

#include "prepared.h"

#if defined(__x86_64__)
static int has_mulx(void)
{
    return __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
}

/* Asks for the registers' state in the operating system too, not for the processor alone. */
static int has_ifma(void)
{
    return has_mulx() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq")
           && __builtin_cpu_supports("avx512ifma");
}
#endif

size_t kernel_choose(const kernel_path *usable[MOST_PATHS])
{
    size_t count = 0;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (has_ifma() && kernel_agrees(&kernel_ifma, &kernel_portable))
        usable[count++] = &kernel_ifma;
    if (has_mulx() && kernel_agrees(&kernel_mulx, &kernel_portable))
        usable[count++] = &kernel_mulx;
#endif
    usable[count++] = &kernel_portable;
    return count;
}

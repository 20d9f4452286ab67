#define _DEFAULT_SOURCE /* mmap's anonymous memory, madvise */

#include "prepared.h"

#include <stdlib.h>
#include <string.h>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#define PLANE_ALIGNMENT 64
#define LARGE_PAGE ((size_t)1 << 21)

/* Bytes of one plane, and one number more so that none is empty. */
static size_t plane_bytes(size_t count)
{
    size_t needed = (count + 1) * sizeof(uint64_t);
    size_t alignment = needed < LARGE_PAGE ? PLANE_ALIGNMENT : LARGE_PAGE;
    return (needed + alignment - 1) / alignment * alignment;
}

#if defined(__linux__)
/* Fresh memory in large pages, where the system gives them on request: a large function is read from
 * end to end for each input, and small pages cost more lookups than the processor remembers. Not from
 * malloc: what it gives again has been touched before and stays in small pages. Measured on 2 cores of
 * a Xeon (model 167) in seconds of the processor, k = 2000, after other work had emptied the caches:
 * 1.8 ms; 2.3 ms in small pages. */
static uint64_t *map_large_pages(size_t bytes)
{
    uint8_t *memory = mmap(NULL, bytes + LARGE_PAGE, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return NULL;
    size_t before = (LARGE_PAGE - (uintptr_t)memory % LARGE_PAGE) % LARGE_PAGE;
    if (before)
        (void)munmap(memory, before);
    (void)munmap(memory + before + bytes, LARGE_PAGE - before);
    memory += before;
#if defined(MADV_HUGEPAGE)
    (void)madvise(memory, bytes, MADV_HUGEPAGE); /* a refusal costs speed only */
#endif
    return (uint64_t *)(void *)memory;
}
#endif

/* One plane of zeros; NULL when there is no memory. */
static uint64_t *plane_allocate(size_t bytes)
{
#if defined(__linux__)
    if (bytes >= LARGE_PAGE)
        return map_large_pages(bytes);
#endif
    uint64_t *plane = aligned_alloc(PLANE_ALIGNMENT, bytes);
    if (plane)
        memset(plane, 0, bytes);
    return plane;
}

static void plane_free(uint64_t *plane, size_t bytes)
{
#if defined(__linux__)
    if (plane && bytes >= LARGE_PAGE) {
        (void)munmap(plane, bytes);
        return;
    }
#endif
    free(plane);
}

int planes_allocate(coefficient_planes *planes, size_t count)
{
    planes->count = count;
    for (int limb = 0; limb < 2; limb++) {
        planes->limb[limb] = plane_allocate(plane_bytes(count));
        if (!planes->limb[limb])
            return 0;
    }
    return 1;
}

void planes_free(coefficient_planes *planes)
{
    for (int limb = 0; limb < 2; limb++) {
        plane_free(planes->limb[limb], plane_bytes(planes->count));
        planes->limb[limb] = NULL;
    }
}

int large_allocate(large_coefficients *large, const uint8_t *packed, size_t count)
{
    size_t many = 1; /* never NULL for none */
    for (size_t at = 0; at < count; at++)
        many += packed[at * ELEMENT_BYTES] != 0;
    large->count = 0;
    large->list = malloc(many * sizeof *large->list);
    return large->list != NULL;
}

int place_coefficient(coefficient_planes *planes, large_coefficients *large, size_t at,
                      large_coefficient where, const uint8_t *packed)
{
    if (element_load(&where.value, packed))
        return KERNEL_NOT_AN_ELEMENT;
    if (where.value.top)
        large->list[large->count++] = where; /* the planes keep their zeros */
    else {
        planes->limb[0][at] = where.value.limb[0];
        planes->limb[1][at] = where.value.limb[1];
    }
    return KERNEL_OK;
}

/* Elements from random bytes. */
#include "kernel.h"

size_t select_elements(uint8_t *out, const uint8_t *drawn, size_t count)
{
    size_t kept = 0;
    for (size_t at = 0; at < count; at++) {
        uint8_t *packed = out + kept * ELEMENT_BYTES;
        memcpy(packed, drawn + at * ELEMENT_BYTES, ELEMENT_BYTES);
        packed[0] &= 1;
        element a;
        kept += 1 - element_load(&a, packed);
        wipe(&a, sizeof a);
    }
    return kept;
}

/* Elements from random bytes. */
#include "kernel.h"

#define WHOLE 255 /* floor(2^136 / q): so often every remainder occurs below WHOLE q */

/* A number is high 2^128 + low = high q + (low - 51 high), which is below WHOLE q unless high is WHOLE
 * and the difference not negative. */
size_t select_elements(uint8_t *out, const uint8_t *drawn, size_t count)
{
    size_t kept = 0;
    for (size_t at = 0; at < count; at++, drawn += ELEMENT_BYTES) {
        uint64_t high = drawn[0];
        u128 low = ((u128)load_big_endian(drawn + 1) << 64) | load_big_endian(drawn + 9);
        u128 tail = (u128)high * Q_TAIL;
        u128 difference = low - tail;
        uint64_t negative = (uint64_t)(low < tail);
        u128 raised = difference + (mask_of(negative) & Q_TAIL);
        element a = element_from(raised, (uint64_t)(raised < difference));
        element_store(out + kept * ELEMENT_BYTES, &a);
        kept += (uint64_t)(high < WHOLE) | negative;
    }
    return kept;
}

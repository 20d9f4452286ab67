/* The portable code compiled for BMI2: mulx multiplies without moving its operands or setting flags.
 *
 * Of the processors since 2013, most have it. Only code between the two target lines may use it, and
 * only after the processor was asked (`kernel_choose`).
 */
#if defined(__x86_64__)

#include <stdlib.h>
#include <string.h>

#include "target.h"

BEGIN_TARGET("bmi,bmi2,adx")

#include "prepared.h"

#define SCALAR_PATH kernel_mulx
#define SCALAR_NAME "mulx"
#include "scalar.h"

END_TARGET

#else
typedef int no_mulx_here; /* a file may not be empty */
#endif

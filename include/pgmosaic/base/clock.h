/* Time. Monotonic for durations, wall clock only to be shown. */
#ifndef PGMOSAIC_BASE_CLOCK_H
#define PGMOSAIC_BASE_CLOCK_H

#include <stdint.h>

uint64_t clock_us(void);      /* monotonic */
uint64_t clock_wall_us(void); /* since 1970 */

#endif

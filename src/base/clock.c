#include "pgmosaic/base/clock.h"

#include <time.h>

static uint64_t clock_read(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

uint64_t clock_us(void)
{
	return clock_read(CLOCK_MONOTONIC);
}

uint64_t clock_wall_us(void)
{
	return clock_read(CLOCK_REALTIME);
}

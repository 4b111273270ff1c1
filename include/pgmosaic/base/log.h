/* Structured logs on stderr, one line an event: who, what, which shard, how long.
 *
 *	log_event(LOG_INFO, "client connected", LOG_U64("client", id), LOG_STR("user", name));
 *
 * text: 2026-11-23T20:53:01.123Z INFO client connected client=7 user=app
 * json: {"time":"…","level":"info","event":"client connected","client":7,"user":"app"}
 * A line is written with one write(2); values are escaped. Never pass secrets.
 * Threads: any. log_setup() once before the threads start, and on reload. */
#ifndef PGMOSAIC_BASE_LOG_H
#define PGMOSAIC_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "pgmosaic/base/err.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

enum log_kind { LOG_KIND_STR, LOG_KIND_U64, LOG_KIND_I64, LOG_KIND_MS };

struct log_field {
	const char *key;
	enum log_kind kind;
	const char *text;
	uint64_t number; /* LOG_MS: microseconds, shown as milliseconds */
};

#define LOG_STR(k, v) ((struct log_field){ .key = (k), .kind = LOG_KIND_STR, .text = (v) })
#define LOG_U64(k, v) \
	((struct log_field){ .key = (k), .kind = LOG_KIND_U64, .number = (uint64_t)(v) })
#define LOG_I64(k, v) \
	((struct log_field){ .key = (k), .kind = LOG_KIND_I64, .number = (uint64_t)(v) })
#define LOG_MS(k, us) ((struct log_field){ .key = (k), .kind = LOG_KIND_MS, .number = (us) })

void log_setup(enum log_level level, bool json);
bool log_is_on(enum log_level level);
void log_write(enum log_level level, const char *event, const struct log_field *fields, size_t n);
/* An error with its SQLSTATE, detail and hint as fields. */
void log_error(enum log_level level, const char *event, const struct err *err);

#define log_event(level, event, ...)                                                         \
	do {                                                                                 \
		if (log_is_on(level)) {                                                      \
			struct log_field log_fields_[] = { { .key = NULL }, ##__VA_ARGS__ }; \
			log_write(level, event, log_fields_ + 1,                             \
				  sizeof(log_fields_) / sizeof(log_fields_[0]) - 1);         \
		}                                                                            \
	} while (0)

#endif

#include "pgmosaic/base/log.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_BYTES 4096

static _Atomic int log_level_now = LOG_INFO;
static _Atomic bool log_json_now = false;

static const char *const level_names[] = { "debug", "info", "warning", "error" };
static const char *const level_marks[] = { "DEBUG", "INFO", "WARNING", "ERROR" };

struct line {
	char text[LINE_BYTES];
	size_t n;
};

void log_setup(enum log_level level, bool json)
{
	atomic_store(&log_level_now, (int)level);
	atomic_store(&log_json_now, json);
}

bool log_is_on(enum log_level level)
{
	return (int)level >= atomic_load_explicit(&log_level_now, memory_order_relaxed);
}

static void line_add(struct line *l, const char *text)
{
	size_t n = strlen(text), room = LINE_BYTES - 2 - l->n;

	if (n > room)
		n = room;
	memcpy(l->text + l->n, text, n);
	l->n += n;
}

static void line_add_char(struct line *l, unsigned char c)
{
	char text[8] = { (char)c, 0 };

	if (c == '"' || c == '\\')
		snprintf(text, sizeof(text), "\\%c", c);
	else if (c == '\n')
		snprintf(text, sizeof(text), "\\n");
	else if (c < 0x20)
		snprintf(text, sizeof(text), "\\u%04x", c);
	line_add(l, text);
}

static void line_add_quoted(struct line *l, const char *text)
{
	line_add(l, "\"");
	for (; *text; text++)
		line_add_char(l, (unsigned char)*text);
	line_add(l, "\"");
}

static bool is_plain(const char *text)
{
	if (!*text)
		return false;
	for (; *text; text++)
		if ((unsigned char)*text <= ' ' || *text == '"' || *text == '=' || *text == '\\')
			return false;
	return true;
}

static void line_add_value(struct line *l, const struct log_field *f, bool json)
{
	char number[48];
	const char *text = f->text ? f->text : "";

	switch (f->kind) {
	case LOG_KIND_STR:
		if (json || !is_plain(text))
			line_add_quoted(l, text);
		else
			line_add(l, text);
		return;
	case LOG_KIND_U64: snprintf(number, sizeof(number), "%" PRIu64, f->number); break;
	case LOG_KIND_I64: snprintf(number, sizeof(number), "%" PRId64, (int64_t)f->number); break;
	case LOG_KIND_MS:
		snprintf(number, sizeof(number), "%" PRIu64 ".%03u", f->number / 1000,
			 (unsigned)(f->number % 1000));
		break;
	}
	line_add(l, number);
}

static void line_add_time(struct line *l)
{
	struct timespec now;
	struct tm tm;
	char text[32], whole[48];

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(whole, sizeof(whole), "%s.%03ldZ", text, now.tv_nsec / 1000000);
	line_add(l, whole);
}

static void line_start(struct line *l, enum log_level level, const char *event, bool json)
{
	line_add(l, json ? "{\"time\":\"" : "");
	line_add_time(l);
	line_add(l, json ? "\",\"level\":\"" : " ");
	line_add(l, json ? level_names[level] : level_marks[level]);
	line_add(l, json ? "\",\"event\":" : " ");
	if (json)
		line_add_quoted(l, event);
	else
		line_add(l, event);
}

void log_write(enum log_level level, const char *event, const struct log_field *fields, size_t n)
{
	bool json = atomic_load_explicit(&log_json_now, memory_order_relaxed);
	struct line l = { .n = 0 };
	ssize_t done;

	line_start(&l, level, event, json);
	for (size_t i = 0; i < n; i++) {
		line_add(&l, json ? ",\"" : " ");
		line_add(&l, fields[i].key);
		line_add(&l, json ? "\":" : "=");
		line_add_value(&l, &fields[i], json);
	}
	if (json)
		line_add(&l, "}");
	l.text[l.n++] = '\n';
	done = write(STDERR_FILENO, l.text, l.n);
	(void)done; /* a log that cannot be written has nowhere to say so */
}

void log_error(enum log_level level, const char *event, const struct err *err)
{
	struct log_field fields[4];
	size_t n = 0;

	fields[n++] = LOG_STR("sqlstate", err->code);
	fields[n++] = LOG_STR("message", err->message);
	if (err->detail[0])
		fields[n++] = LOG_STR("detail", err->detail);
	if (err->hint[0])
		fields[n++] = LOG_STR("hint", err->hint);
	if (log_is_on(level))
		log_write(level, event, fields, n);
}

#include "pgmosaic/base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *code, *text;
} statuses[] = {
#define STATUS_ROW(name, code, text) [STATUS_##name] = { code, text },
	STATUS_MAP(STATUS_ROW)
#undef STATUS_ROW
};

const char *status_code(enum status status)
{
	return statuses[status].code;
}

const char *status_text(enum status status)
{
	return statuses[status].text;
}

static void err_start(struct err *err, enum status status, const char *code)
{
	memset(err, 0, sizeof(*err));
	err->status = status;
	snprintf(err->code, sizeof(err->code), "%s", code);
}

enum status err_set(struct err *err, enum status status, const char *format, ...)
{
	va_list args;

	err_start(err, status, status_code(status));
	va_start(args, format);
	vsnprintf(err->message, sizeof(err->message), format, args);
	va_end(args);
	return status;
}

enum status err_set_code(struct err *err, enum status status, const char *code, const char *format,
			 ...)
{
	va_list args;

	err_start(err, status, code);
	va_start(args, format);
	vsnprintf(err->message, sizeof(err->message), format, args);
	va_end(args);
	return status;
}

void err_detail(struct err *err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(err->detail, sizeof(err->detail), format, args);
	va_end(args);
}

void err_hint(struct err *err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(err->hint, sizeof(err->hint), format, args);
	va_end(args);
}

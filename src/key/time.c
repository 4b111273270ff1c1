/* Dates and timestamps as text: ISO form only, since every other form depends on the
 * session's DateStyle or TimeZone. Days and microseconds count from 2000-01-01. */
#include "pgmosaic/key/value.h"

#include <stdio.h>

#define US_PER_SECOND INT64_C(1000000)
#define US_PER_DAY    (INT64_C(86400) * US_PER_SECOND)

/* Exactly n digits at *s. */
static bool take_number(struct str *s, unsigned n, int *out)
{
	*out = 0;
	if (s->n < n)
		return false;
	for (unsigned i = 0; i < n; i++) {
		unsigned digit = (unsigned)(s->p[i] - '0');

		if (digit > 9)
			return false;
		*out = *out * 10 + (int)digit;
	}
	s->p += n;
	s->n -= n;
	return true;
}

static bool take_char(struct str *s, char c)
{
	if (!s->n || *s->p != c)
		return false;
	s->p++;
	s->n--;
	return true;
}

static int days_in_month(int year, int month)
{
	static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return month == 2 && leap ? 29 : days[month - 1];
}

/* Days since 2000-01-01 of a Gregorian date. */
static int64_t day_number(int year, int month, int day)
{
	int64_t y = year - (month <= 2), m = month + (month <= 2 ? 9 : -3);

	return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 730425;
}

static bool take_date(struct str *s, int64_t *days)
{
	int year, month, day;

	if (!take_number(s, 4, &year) || !take_char(s, '-') || !take_number(s, 2, &month) ||
	    !take_char(s, '-') || !take_number(s, 2, &day))
		return false;
	if (year < 1 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month))
		return false;
	*days = day_number(year, month, day);
	return true;
}

static bool take_fraction(struct str *s, int64_t *us)
{
	int64_t unit = 100000;

	if (!take_char(s, '.'))
		return true;
	if (!s->n || *s->p < '0' || *s->p > '9')
		return false;
	for (; s->n && *s->p >= '0' && *s->p <= '9'; unit /= 10) {
		if (!unit)
			return false;
		*us += (*s->p - '0') * unit;
		s->p++;
		s->n--;
	}
	return true;
}

static bool take_time(struct str *s, int64_t *us)
{
	int hour, minute, second;

	if (!take_number(s, 2, &hour) || !take_char(s, ':') || !take_number(s, 2, &minute) ||
	    !take_char(s, ':') || !take_number(s, 2, &second))
		return false;
	if (hour > 23 || minute > 59 || second > 59)
		return false;
	*us = ((hour * 60 + minute) * INT64_C(60) + second) * US_PER_SECOND;
	return take_fraction(s, us);
}

/* Z, +HH or +HH:MM. */
static bool take_zone(struct str *s, int64_t *offset_us)
{
	int hour, minute = 0;
	bool west;

	*offset_us = 0;
	if (take_char(s, 'Z'))
		return true;
	west = s->n && *s->p == '-';
	if (!west && !(s->n && *s->p == '+'))
		return false;
	s->p++;
	s->n--;
	if (!take_number(s, 2, &hour) || (take_char(s, ':') && !take_number(s, 2, &minute)))
		return false;
	if (hour > 15 || minute > 59)
		return false;
	*offset_us = (hour * 60 + minute) * INT64_C(60) * US_PER_SECOND * (west ? -1 : 1);
	return true;
}

/* "infinity" and "-infinity", in full. */
static int infinity_of(struct str text)
{
	return str_is_nocase(text, "infinity") ? 1 : str_is_nocase(text, "-infinity") ? -1 : 0;
}

enum value_outcome date_read_text(const struct value_spec *spec, struct str text, struct cell *cell)
{
	int infinity = infinity_of(text);
	int64_t days;

	if (infinity) {
		cell_number(cell, infinity > 0 ? INT32_MAX : INT32_MIN, 4);
		return VALUE_OK;
	}
	if (!take_date(&text, &days) || text.n)
		return value_refuse(spec, "is a date that is not written as YYYY-MM-DD",
				    "Write the date as YYYY-MM-DD.");
	cell_number(cell, days, 4);
	return VALUE_OK;
}

enum value_outcome timestamp_read_text(const struct value_spec *spec, struct str text,
				       bool with_zone, struct cell *cell)
{
	int64_t days, us = 0, offset_us = 0;
	int infinity = infinity_of(text);
	bool ok;

	if (infinity) {
		cell_number(cell, infinity > 0 ? INT64_MAX : INT64_MIN, 8);
		return VALUE_OK;
	}
	ok = take_date(&text, &days);
	if (ok && (text.n || with_zone)) {
		ok = (take_char(&text, ' ') || take_char(&text, 'T')) && take_time(&text, &us);
		if (ok && with_zone)
			ok = take_zone(&text, &offset_us);
	}
	if (ok && !text.n)
		return timestamp_store(spec, days * US_PER_DAY + us - offset_us, cell);
	if (with_zone)
		return value_refuse(spec, "is a timestamp with time zone in an unclear form",
				    "Write it as YYYY-MM-DD HH:MM:SS+HH, with its zone.");
	return value_refuse(spec, "is a timestamp that is not written in ISO form",
			    "Write it as YYYY-MM-DD HH:MM:SS.");
}

/* timestamp(n) rounds when it stores a value. */
static int64_t round_timestamp(int64_t us, int precision)
{
	int64_t scale = 1;

	for (int i = precision; i < 6; i++)
		scale *= 10;
	if (us >= 0)
		return (us + scale / 2) / scale * scale;
	return -((-us + scale / 2) / scale * scale);
}

enum value_outcome timestamp_store(const struct value_spec *spec, int64_t us, struct cell *cell)
{
	bool is_finite = us != INT64_MAX && us != INT64_MIN;

	if (spec->is_insert && spec->typmod == 0 && us % US_PER_SECOND != 0)
		return value_refuse(spec, "is a timestamp with fractional seconds",
				    "Use whole seconds in a shard key.");
	if (spec->is_insert && spec->typmod >= VALUE_TYPMOD(0) && is_finite)
		us = round_timestamp(us, spec->typmod - VALUE_TYPMOD(0));
	cell_number(cell, us, 8);
	return VALUE_OK;
}

/* ---- back to text ---- */

struct ymd {
	int64_t year; /* 0: 1 BC */
	unsigned month, day;
};

/* The Gregorian date of a day, counted from 2000-01-01. */
static struct ymd date_of(int64_t days)
{
	int64_t z = days + 730425, era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
	struct ymd d = { .day = (unsigned)(doy - (153 * mp + 2) / 5 + 1),
			 .month = (unsigned)(mp < 10 ? mp + 3 : mp - 9) };

	d.year = yoe + era * 400 + (d.month <= 2);
	return d;
}

static char *dated(struct arena *a, int64_t days, const char *time)
{
	struct ymd d = date_of(days);

	return arena_printf(a, "%04lld-%02u-%02u%s%s",
			    (long long)(d.year > 0 ? d.year : 1 - d.year), d.month, d.day, time,
			    d.year > 0 ? "" : " BC");
}

char *date_text(struct arena *a, int64_t days)
{
	if (days == INT32_MAX || days == INT32_MIN)
		return arena_strdup(a, days > 0 ? "infinity" : "-infinity");
	return dated(a, days, "");
}

char *timestamp_text(struct arena *a, int64_t us, bool with_zone)
{
	int64_t days = us / US_PER_DAY - (us % US_PER_DAY < 0), rest, fraction;
	char time[48];
	int n;

	if (us == INT64_MAX || us == INT64_MIN)
		return arena_strdup(a, us > 0 ? "infinity" : "-infinity");
	rest = us - days * US_PER_DAY;
	fraction = rest % US_PER_SECOND;
	rest /= US_PER_SECOND;
	n = snprintf(time, sizeof(time), " %02d:%02d:%02d", (int)(rest / 3600),
		     (int)(rest / 60 % 60), (int)(rest % 60));
	if (fraction) {
		n += snprintf(time + n, sizeof(time) - (size_t)n, ".%06d", (int)fraction);
		while (time[n - 1] == '0')
			n--;
	}
	snprintf(time + n, sizeof(time) - (size_t)n, "%s", with_zone ? "+00" : "");
	return dated(a, days, time);
}

/* The first packets. See the header for the contract.
 *
 * Happy path: length word and code are checked as soon as they are there, the rest when
 * the packet is whole. A first byte above 0 cannot start a packet of at most 10,004
 * bytes: it is TLS (0x16) or another protocol, known at once. */
#include "pgmosaic/wire/startup.h"

#include <string.h>
#include <strings.h>

#include "pgmosaic/wire/message.h"
#include "wire/text.h"

#define CODE_CANCEL	    80877102u
#define CODE_SSL	    80877103u
#define CODE_GSSENC	    80877104u
#define TLS_HANDSHAKE	    0x16
#define CANCEL_HEADER_BYTES 12
#define CANCEL_KEY_MIN	    4

static enum wire_startup_kind startup_bad(struct wire_startup *out, bool answer)
{
	out->answer = answer;
	return out->kind = STARTUP_BAD;
}

static enum wire_startup_kind startup_garbage(struct wire_startup *out, const char *what)
{
	err_set(&out->err, STATUS_PROTOCOL, "%s", what);
	err_hint(&out->err,
		 "The peer does not speak PostgreSQL's protocol, or the packet is damaged.");
	return startup_bad(out, false);
}

static enum wire_startup_kind parse_bare(struct wire_startup *out, enum wire_startup_kind kind)
{
	if (out->size != 8)
		return startup_garbage(out, "invalid length of encryption request");
	return out->kind = kind;
}

static enum wire_startup_kind parse_cancel(const uint8_t *p, struct wire_startup *out)
{
	if (out->size < CANCEL_HEADER_BYTES + CANCEL_KEY_MIN ||
	    out->size > CANCEL_HEADER_BYTES + WIRE_CANCEL_KEY_MAX)
		return startup_garbage(out, "invalid length of cancel request");
	out->pid = wire_get_u32(p + 8);
	out->key = p + CANCEL_HEADER_BYTES;
	out->n_key = out->size - CANCEL_HEADER_BYTES;
	return out->kind = STARTUP_CANCEL;
}

static bool add_param(struct wire_startup *out, const char *name, const char *value)
{
	if (strcmp(name, "user") == 0) {
		out->user = value;
	} else if (strcmp(name, "database") == 0) {
		out->database = value;
	} else if (strcmp(name, "options") == 0) {
		out->options = value;
	} else if (strcmp(name, "replication") == 0) {
		out->replication = value;
	} else if (strncmp(name, "_pq_.", 5) == 0) {
		if (out->n_unknown == WIRE_STARTUP_MAX_PARAMS)
			return false;
		out->unknown[out->n_unknown++] = name;
	} else {
		if (out->n_params == WIRE_STARTUP_MAX_PARAMS)
			return false;
		out->params[out->n_params++] = (struct wire_param){ name, value };
	}
	return true;
}

static bool read_params(struct wire_reader *r, struct wire_startup *out)
{
	const char *name, *value;

	while (*(name = wire_cstr(r))) {
		value = wire_cstr(r);
		if (r->bad)
			break;
		if (!add_param(out, name, value)) {
			err_set(&out->err, STATUS_LIMIT, "too many startup parameters");
			return false;
		}
	}
	if (wire_reader_end(r))
		return true;
	err_set(&out->err, STATUS_PROTOCOL,
		"invalid startup packet layout: expected terminator as last byte");
	return false;
}

static enum wire_startup_kind parse_session(const uint8_t *p, struct wire_startup *out)
{
	struct wire_reader r = wire_reader_of(p + 8, out->size - 8);

	out->major = wire_get_u16(p + 4);
	out->minor = wire_get_u16(p + 6);
	if (out->major != WIRE_PROTOCOL_MAJOR) {
		err_set_code(&out->err, STATUS_PROTOCOL, "0A000",
			     "unsupported frontend protocol %u.%u: server supports %d.0 to %d.%d",
			     out->major, out->minor, WIRE_PROTOCOL_MAJOR, WIRE_PROTOCOL_MAJOR,
			     WIRE_PROTOCOL_MINOR);
		return startup_bad(out, true);
	}
	if (!read_params(&r, out))
		return startup_bad(out, true);
	if (!out->user || !out->user[0]) {
		err_set_code(&out->err, STATUS_AUTH, "28000",
			     "no PostgreSQL user name specified in startup packet");
		return startup_bad(out, true);
	}
	if (!out->database || !out->database[0])
		out->database = out->user;
	return out->kind = STARTUP_SESSION;
}

static void startup_clear(struct wire_startup *out)
{
	memset(out, 0, offsetof(struct wire_startup, params));
	out->n_unknown = 0;
	out->answer = false;
	out->err = (struct err)ERR_INIT;
	out->kind = STARTUP_MORE;
}

enum wire_startup_kind wire_startup_next(const uint8_t *p, size_t n, struct wire_startup *out)
{
	uint32_t length;

	startup_clear(out);
	if (n == 0)
		return STARTUP_MORE;
	if (p[0] == TLS_HANDSHAKE)
		return out->kind = STARTUP_DIRECT_TLS;
	if (p[0] != 0)
		return startup_garbage(out, "invalid length of startup packet");
	if (n < 4)
		return STARTUP_MORE;
	length = wire_get_u32(p);
	if (length < 8 || length > WIRE_STARTUP_MAX_BYTES + 4)
		return startup_garbage(out, "invalid length of startup packet");
	if (n < length)
		return STARTUP_MORE;
	out->size = length;
	switch (wire_get_u32(p + 4)) {
	case CODE_SSL: return parse_bare(out, STARTUP_SSL);
	case CODE_GSSENC: return parse_bare(out, STARTUP_GSSENC);
	case CODE_CANCEL: return parse_cancel(p, out);
	default: return parse_session(p, out);
	}
}

uint32_t wire_startup_version(const struct wire_startup *s, bool *negotiate)
{
	bool newer = s->minor > WIRE_PROTOCOL_MINOR;

	*negotiate = newer || s->n_unknown > 0;
	return WIRE_PROTOCOL(s->major, newer ? WIRE_PROTOCOL_MINOR : s->minor);
}

size_t wire_cancel_key_size(uint32_t version)
{
	return version < WIRE_PROTOCOL(3, 2) ? 4 : 32;
}

/* PostgreSQL's parse_bool: any unambiguous beginning of a word will do. */
static bool is_prefix(const char *value, const char *word, size_t min)
{
	size_t n = strlen(value);

	return n >= min && n <= strlen(word) && strncasecmp(value, word, n) == 0;
}

enum wire_replication wire_startup_replication(const char *value)
{
	if (!value)
		return REPLICATION_NONE;
	if (strcmp(value, "database") == 0)
		return REPLICATION_DATABASE;
	if (is_prefix(value, "true", 1) || is_prefix(value, "yes", 1) ||
	    is_prefix(value, "on", 2) || strcmp(value, "1") == 0)
		return REPLICATION_PHYSICAL;
	if (is_prefix(value, "false", 1) || is_prefix(value, "no", 1) ||
	    is_prefix(value, "off", 2) || strcmp(value, "0") == 0)
		return REPLICATION_NONE;
	return REPLICATION_INVALID;
}

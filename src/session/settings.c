/* What a client has SET, so that every server connection it is lent behaves alike.
 *
 * A session keeps, per setting, the statement that puts it in force, in the client's own
 * words once a server has accepted them. A connection knows the hash of the settings it
 * is under; when that differs from the session's it gets RESET ALL and the statements,
 * in one message, before anything else. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "internal.h"
#include "pgmosaic/base/log.h"
#include "pgmosaic/base/mem.h"

static void setting_free(struct setting *x)
{
	free(x->name);
	free(x->sql);
	free(x);
}

static bool is_role(const char *name)
{
	return strcmp(name, "role") == 0 || strcmp(name, "session_authorization") == 0;
}

static void settings_rehash(struct settings *set)
{
	set->hash = 0;
	set->has_role = false;
	for (struct setting *x = set->first; x; x = x->next) {
		set->hash = hash_bytes(x->sql, strlen(x->sql), set->hash + 1);
		set->has_role |= is_role(x->name);
	}
}

static void settings_unlink(struct settings *set, const char *name)
{
	for (struct setting **at = &set->first; *at; at = &(*at)->next) {
		struct setting *x = *at;

		if (strcmp(x->name, name) != 0)
			continue;
		*at = x->next;
		setting_free(x);
		return;
	}
}

void settings_remove(struct settings *set, const char *name)
{
	settings_unlink(set, name);
	settings_rehash(set);
}

void settings_set(struct settings *set, const char *name, const char *sql)
{
	struct setting *x = mem_zero(1, sizeof(*x)), **at = &set->first;
	char *lower = mem_strdup(name);

	for (char *p = lower; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	settings_unlink(set, lower);
	x->name = lower;
	x->sql = mem_strdup(sql);
	/* By name, so that the same settings hash the same; roles last, they change rights. */
	while (*at && (is_role((*at)->name) < is_role(lower) ||
		       (is_role((*at)->name) == is_role(lower) && strcmp((*at)->name, lower) < 0)))
		at = &(*at)->next;
	x->next = *at;
	*at = x;
	settings_rehash(set);
}

void settings_clear(struct settings *set)
{
	while (set->first) {
		struct setting *x = set->first;

		set->first = x->next;
		setting_free(x);
	}
	settings_rehash(set);
}

void settings_copy(struct settings *to, const struct settings *from)
{
	struct setting **at;

	if (to == from)
		return;
	settings_clear(to);
	at = &to->first;
	for (const struct setting *x = from->first; x; x = x->next) {
		struct setting *copy = mem_zero(1, sizeof(*copy));

		copy->name = mem_strdup(x->name);
		copy->sql = mem_strdup(x->sql);
		*at = copy;
		at = &copy->next;
	}
	settings_rehash(to);
}

void settings_sql(const struct session *s, struct buf *out)
{
	buf_printf(out, "RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL");
	for (const struct setting *x = s->settings.first; x; x = x->next)
		buf_printf(out, "; %s", x->sql);
}

bool settings_apply(struct session *s, struct leg *leg)
{
	uint64_t version = session_world(s)->version;
	struct buf sql;
	bool ok = true;

	if (!leg->conn) /* lost while another one was made ready */
		return false;
	if (leg->conn->world_version != version || leg->conn->prepared.n > SETTINGS_MAX_PREPARED) {
		/* plans made before DDL may not fit any more */
		if (leg->conn->prepared.n)
			ok = leg_query(leg, "DEALLOCATE ALL", LEG_ROWS_DROP);
		if (!ok)
			return false;
		conn_forget_prepared(leg->conn);
		leg->conn->world_version = version;
	}
	if (leg->conn->settings_hash == s->settings.hash)
		return true;
	buf_init(&sql, 1u << 20);
	settings_sql(s, &sql);
	buf_put_u8(&sql, 0);
	leg->conn->settings_hash = UINT64_MAX; /* until it is known to have worked */
	ok = leg_query(leg, (const char *)buf_head(&sql), LEG_ROWS_DROP);
	buf_finish(&sql);
	if (ok && leg->conn)
		leg->conn->settings_hash = s->settings.hash;
	return ok;
}

/* ---- search_path: what names mean ---- */

void session_set_path(struct session *s, const char *path, const char *role)
{
	/* either may be the session's own */
	if (path != s->search_path)
		snprintf(s->search_path, sizeof(s->search_path), "%s", path);
	if (role != s->role)
		snprintf(s->role, sizeof(s->role), "%s", role);
	s->context = hash_bytes(s->search_path, strlen(s->search_path),
				hash_bytes(s->role, strlen(s->role), s->temp.hash));
}

static bool read_field(const struct wire_msg *m, uint16_t i, char *out, size_t size)
{
	const uint8_t *data;
	int32_t length;

	if (!wire_row_field(m->body, m->length, i, &data, &length) || length < 0 ||
	    (size_t)length >= size)
		return false;
	memcpy(out, data, (size_t)length);
	out[length] = 0;
	return true;
}

bool session_read_path(struct session *s, struct leg *leg)
{
	char path[sizeof(s->search_path)], role[sizeof(s->role)];
	struct wire_msg m;

	if (!leg_query(leg, "SELECT pg_catalog.current_setting('search_path'), current_user",
		       LEG_ROWS_KEEP))
		return false;
	if (wire_next(buf_head(&leg->rows), buf_len(&leg->rows), UINT32_MAX, &m) != WIRE_OK ||
	    !read_field(&m, 0, path, sizeof(path)) || !read_field(&m, 1, role, sizeof(role))) {
		err_set(&leg->err, STATUS_LIMIT, "search_path is longer than %zu bytes",
			sizeof(path) - 1);
		leg->failed = true;
		return false;
	}
	session_set_path(s, path, role);
	return true;
}

/* ---- ParameterStatus, told to the client once per change ---- */

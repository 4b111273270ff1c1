/* FunctionCall ('F'): what drivers use for large objects, which live on the home shard.
 *
 * The server's own functions for large objects are passed on; anything else might read tables or
 * change settings unseen, and is refused. */
#include "extended.h"

/* OIDs of pg_catalog's lo_*, loread and lowrite: the same in every PostgreSQL. */
static const uint32_t large_object[] = { 715, 952, 953,	 954,  955,  956, 957,
					 958, 964, 1004, 3170, 3171, 3172 };

static bool is_allowed(uint32_t function)
{
	for (size_t i = 0; i < sizeof(large_object) / sizeof(large_object[0]); i++)
		if (large_object[i] == function)
			return true;
	return false;
}

static bool refuse(struct session *s)
{
	struct err err = ERR_INIT;

	err_set(&err, STATUS_UNROUTED,
		"the function call message is supported for large objects only");
	err_hint(&err, "Use SELECT function(…).");
	return extended_fail(s, &err);
}

bool function_call(struct session *s, const struct wire_msg *m)
{
	struct relay how = { .keeps_ready = true };
	struct leg *leg = session_leg(s, session_world(s)->map->home);
	uint8_t *message; /* a copy: the input may move while this waits */

	if (refuse_aborted(s, NULL))
		return false;
	if (m->length < 4 || !is_allowed(wire_get_u32(m->body)))
		return refuse(s);
	message = arena_copy(&s->arena, m->body - WIRE_HEADER_BYTES, wire_size(m));
	if (!session_enlist(s, leg))
		return reply_leg_error(s, leg, str_of(""));
	leg->wrote |= leg->in_txn;
	conn_send(leg->conn, message, wire_size(m), 1);
	relay_start(s, leg, &how);
	relay_await(s);
	if (s->relay.failed)
		txn_fail(s);
	return !s->relay.failed;
}

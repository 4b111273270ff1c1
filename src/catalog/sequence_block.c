/* The arithmetic of blocks. Differences are taken unsigned: a bigint sequence may span all of
 * its type. */
#include "pgmosaic/catalog/sequence.h"

#define DEFAULT_BLOCK 1000
#define DEFAULT_SHARE 64 /* of a short sequence: a block is at most this part */
#define FAIR_SHARE    16 /* of what is left: nobody gets more at once */

static uint64_t step_of(int64_t increment)
{
	return increment < 0 ? 0 - (uint64_t)increment : (uint64_t)increment;
}

/* How many more values come after `from` up to `to`. */
static uint64_t steps(int64_t increment, int64_t from, int64_t to)
{
	uint64_t distance =
		increment < 0 ? (uint64_t)from - (uint64_t)to : (uint64_t)to - (uint64_t)from;

	return distance / step_of(increment);
}

static int64_t moved(int64_t increment, int64_t from, uint64_t n)
{
	return (int64_t)((uint64_t)from + n * (uint64_t)increment);
}

static int64_t end_of(const struct sequence_rule *rule)
{
	return rule->increment < 0 ? rule->minimum : rule->maximum;
}

uint64_t sequence_count(int64_t increment, int64_t from, int64_t to)
{
	uint64_t n;

	if (increment < 0 ? to > from : to < from)
		return 0;
	n = steps(increment, from, to);
	return n == UINT64_MAX ? n : n + 1;
}

bool sequence_take(const struct sequence_rule *rule, struct sequence_state *state, uint64_t wanted,
		   struct sequence_block *out)
{
	uint64_t more, n = wanted ? wanted - 1 : 0;

	if (state->is_done && !rule->cycle)
		return false;
	if (state->is_done)
		state->next = rule->increment < 0 ? rule->maximum : rule->minimum;
	more = steps(rule->increment, state->next, end_of(rule));
	state->is_done = n >= more;
	n = n < more ? n : more;
	out->first = state->next;
	out->last = moved(rule->increment, state->next, n);
	state->next = state->is_done ? out->last : moved(rule->increment, out->last, 1);
	return true;
}

uint64_t sequence_fair(const struct sequence_rule *rule, const struct sequence_state *state,
		       uint64_t wanted, uint64_t floor)
{
	uint64_t share = sequence_default_block(rule);

	if (!state->is_done)
		share = sequence_count(rule->increment, state->next, end_of(rule)) / FAIR_SHARE;
	if (share < 1)
		share = 1;
	if (share < floor)
		share = wanted = floor;
	return wanted < share ? wanted : share;
}

void sequence_pass(const struct sequence_rule *rule, struct sequence_state *state, int64_t used)
{
	state->is_done = steps(rule->increment, used, end_of(rule)) == 0;
	state->next = state->is_done ? used : moved(rule->increment, used, 1);
}

uint64_t sequence_default_block(const struct sequence_rule *rule)
{
	uint64_t n = steps(rule->increment, rule->minimum, rule->maximum);

	if (rule->increment < 0)
		n = steps(rule->increment, rule->maximum, rule->minimum);
	n /= DEFAULT_SHARE;
	return n < 1 ? 1 : n < DEFAULT_BLOCK ? n : DEFAULT_BLOCK;
}

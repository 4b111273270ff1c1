/* Hashes of shard keys: fixed vectors from a PostgreSQL 15 server, and any number of them
 * from a server at hand (tests/unit/key/compare_hash.sh). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include <stdlib.h>

#include "pgmosaic/key/hash.h"
#include "pgmosaic/key/array.h"
#include "pgmosaic/key/value.h"

static void integers_hash_as_on_the_server(void **state)
{
	static const int64_t vectors[][2] = {
		{ 0, -4403592609991167795 },
		{ 1, 5968994663651403477 },
		{ -1, -5017072347659237694 },
		{ 42, 7363975540656877951 },
		{ 963809240, 3366074078988405647 },
		{ -963809240, 272785361333497352 },
		{ 2147483647, -6050265599104649060 },
		{ -2147483648, 4938542303000433043 },
		{ 4294967296, 5968994663651403477 },
		{ -4294967297, 2147707635919668551 },
		{ INT64_MAX, 4938542303000433043 },
		{ -INT64_MAX, -7245255042433673601 },
		{ 123456789012345, 1245190300417211467 },
		{ -7, -7298374200968567817 },
		{ 8825, -7425094147693931516 }, /* date '2024-02-29' */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
		assert_int_equal(hash_pg_number(vectors[i][0]), vectors[i][1]);
	assert_int_equal(hash_pg_number(INT64_MIN), -6050265599104649060);
}

static void bytes_of_every_tail_length_hash_as_on_the_server(void **state)
{
	static const struct {
		const char *text;
		int64_t hash;
	} vectors[] = {
		{ "", -5700645584453517373 },
		{ "a", -6705225459120232837 },
		{ "abc", 3628778498291917250 },
		{ "abcd", 4029384952263848046 },
		{ "12345678", -2204672006923010885 },
		{ "123456789", -6670904959698644740 },
		{ "1234567890", 7479566144491445022 },
		{ "12345678901", -2167357967285883495 },
		{ "123456789012", 7684977364204133850 },
		{ "1234567890123", -1853215355844670445 },
		{ "äöü€", -516614768194795901 },
		{ "the quick brown fox jumps over the lazy dog", -760430510495933589 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
		assert_int_equal(hash_pg_bytes(vectors[i].text, strlen(vectors[i].text)),
				 vectors[i].hash);
}

/* The hash of a value given as text, by the reader of its type. */
static int64_t hash_of(uint32_t type, const char *text)
{
	struct err err = ERR_INIT;
	struct value_spec spec = { .type = type, .column_type = type, .err = &err };
	struct cell cell;
	int64_t hash;

	cell_init(&cell);
	if (value_read_text(&spec, str_of(text), &cell) != VALUE_OK)
		fail_msg("type %u cannot be read from \"%s\": %s", type, text, err.message);
	hash = hash_key(KEY_FUNCTION_PG, &cell.value, 1);
	cell_finish(&cell);
	return hash;
}

static void every_key_type_hashes_as_on_the_server(void **state)
{
	(void)state;
	assert_int_equal(hash_of(OID_UUID, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
			 424513190990560493);
	assert_int_equal(hash_of(OID_BPCHAR, "abc   "), 3628778498291917250);
	assert_int_equal(hash_of(OID_BOOL, "true"), 5968994663651403477);
	assert_int_equal(hash_of(OID_DATE, "2024-02-29"), -7425094147693931516);
	assert_int_equal(hash_of(OID_TIMESTAMP, "2024-02-29 12:34:56.789"), 3499541906658409207);
	assert_int_equal(hash_of(OID_TIMESTAMP, "1999-12-31 23:59:59"), 3831587772431092047);
	assert_int_equal(hash_of(OID_TIMESTAMPTZ, "2024-02-29 13:34:56.789+01"),
			 3499541906658409207);
	assert_int_equal(hash_of(OID_INT2, "-7"), hash_of(OID_INT8, " -7 "));
}

static struct key_value number(int64_t v)
{
	return (struct key_value){ .kind = KEY_VALUE_NUMBER, .width = 8, .number = v };
}

static struct key_value text(const char *v)
{
	return (struct key_value){ .kind = KEY_VALUE_BYTES, .bytes = v, .n = strlen(v) };
}

static void nulls_are_skipped_and_alone_hash_to_zero(void **state)
{
	struct key_value nulls[2] = { { .kind = KEY_VALUE_NULL }, { .kind = KEY_VALUE_NULL } };
	struct key_value mixed[3] = { number(5), nulls[0], text("x") };
	struct key_value bare[2] = { number(5), text("x") };

	(void)state;
	assert_int_equal(hash_key(KEY_FUNCTION_PG, nulls, 1), 0);
	assert_int_equal(hash_key(KEY_FUNCTION_PG, nulls, 2), 0);
	assert_int_equal(hash_key(KEY_FUNCTION_XXH3, nulls, 1), 0);
	assert_int_equal(hash_key(KEY_FUNCTION_XXH3, nulls, 2), 0);
	assert_int_equal(hash_key(KEY_FUNCTION_PG, mixed, 3), hash_key(KEY_FUNCTION_PG, bare, 2));
	assert_int_equal(hash_key(KEY_FUNCTION_PG, bare, 1), hash_pg_number(5));
	assert_int_not_equal(hash_key(KEY_FUNCTION_PG, bare, 2), hash_pg_number(5));
}

/* XXH3-64 of the big-endian bytes, as xxhsum -H3 prints them. */
static void xxh3_hashes_the_canonical_binary_form(void **state)
{
	struct key_value v = number(1), pair[2] = { number(1), text("ab") };
	struct key_value moved[2] = { text("a"), text("b") }, other[2] = { text("ab"), text("") };

	(void)state;
	assert_int_equal(hash_key(KEY_FUNCTION_XXH3, &v, 1), -906549423298343949);
	v = text("abc");
	assert_int_equal(hash_key(KEY_FUNCTION_XXH3, &v, 1),
			 8696274497037089104 /* 0x78af5f94892f3950 */);
	assert_int_equal(hash_key(KEY_FUNCTION_XXH3, pair, 2), -3623755291807472572);
	assert_int_not_equal(hash_key(KEY_FUNCTION_XXH3, moved, 2),
			     hash_key(KEY_FUNCTION_XXH3, other, 2));
}

/* ---- lines of compare_hash.sh: "what<TAB>the server's answer<TAB>text" ---- */

static void differ(const char *what, const char *expected, const char *value, const char *ours)
{
	fail_msg("%s \"%s\": %s here, %s on the server", what, value, ours, expected);
}

/* "hash 20": both must read it, and give one hash. */
static void compare_hash(uint32_t type, const char *expected, const char *value)
{
	char ours[32];

	snprintf(ours, sizeof(ours), "%lld", (long long)hash_of(type, value));
	if (strcmp(ours, expected) != 0)
		differ("hash", expected, value, ours);
}

/* "pair 0": remainder by 64 of hash partitioning by (bigint, text). */
static void compare_pair(const char *expected, char *value)
{
	struct key_value pair[2];
	char *second = strchr(value, ';'), ours[32];

	*second++ = 0;
	pair[0] = number(strtoll(value, NULL, 10));
	pair[1] = text(second);
	snprintf(ours, sizeof(ours), "%llu",
		 (unsigned long long)hash_key(KEY_FUNCTION_PG, pair, 2) % 64);
	if (strcmp(ours, expected) != 0)
		differ("pair", expected, value, ours);
}

/* "read 20": any text. ERR: the server refuses it. NONE: it equals no bigint. We may refuse
 * what we are not sure of, but not be sure of anything else than the server. */
static unsigned compare_spec(struct value_spec spec, const char *expected, const char *value)
{
	struct err err = ERR_INIT;
	enum value_outcome outcome;
	struct cell cell;
	char ours[32] = "ERR";

	spec.err = &err;
	cell_init(&cell);
	outcome = value_read_text(&spec, str_of(value), &cell);
	if (outcome == VALUE_OK)
		snprintf(ours, sizeof(ours), "%lld",
			 (long long)hash_key(KEY_FUNCTION_PG, &cell.value, 1));
	else if (outcome == VALUE_NOTHING)
		strcpy(ours, "NONE");
	cell_finish(&cell);
	if (outcome == VALUE_REFUSED)
		return 0;
	if (strcmp(ours, expected) != 0)
		differ("read", expected, value, ours);
	return 1;
}

static unsigned compare_read(uint32_t type, bool is_insert, const char *expected, const char *value)
{
	struct value_spec spec = { .type = type,
				   .column_type = type == OID_NUMERIC ? OID_INT8 : type,
				   .is_insert = is_insert };

	return compare_spec(spec, expected, value);
}

/* "cut 1043 5": stored in a column with this length, precision or typmod. "dec 1700": as it is. */
static unsigned compare_cut(uint32_t type, char *rest, bool has_typmod)
{
	struct value_spec spec = {
		.type = type, .column_type = type, .typmod = VALUE_TYPMOD_NONE, .is_insert = true
	};
	char *expected = rest, *value;

	if (has_typmod) {
		int typmod = (int)strtol(rest, &expected, 10);

		spec.typmod = VALUE_TYPMOD(type == OID_TIMESTAMP ? typmod : typmod + 4);
		expected++;
	}
	value = strchr(expected, '\t');
	*value++ = 0;
	if (strcmp(expected, "NONE") == 0 || strcmp(expected, "ERR") == 0)
		return 0; /* not compared, or too large: each shard raises the error */
	return compare_spec(spec, expected, value);
}

static void read_or_fail(uint32_t type, const char *text, struct cell *cell)
{
	struct err err = ERR_INIT;
	struct value_spec spec = { .type = type, .column_type = type, .err = &err };

	cell_init(cell);
	if (value_read_text(&spec, str_of(text), cell) != VALUE_OK)
		fail_msg("type %u cannot be read from \"%s\": %s", type, text, err.message);
}

/* "text 1082": printed as the server prints it. */
static void compare_text(uint32_t type, const char *expected)
{
	struct cell cell;
	struct arena a;
	char *ours;

	arena_init(&a, 0);
	read_or_fail(type, expected, &cell);
	ours = value_text(&a, type, &cell.value);
	if (strcmp(ours, expected) != 0)
		differ("text", expected, expected, ours);
	cell_finish(&cell);
	arena_finish(&a);
}

static void compare_order(uint32_t type, const char *expected, char *value)
{
	char *second = strchr(value, ';'), ours[8];
	struct cell x, y;
	int order;

	*second++ = 0;
	read_or_fail(type, value, &x);
	read_or_fail(type, second, &y);
	order = key_compare(&x.value, &y.value);
	snprintf(ours, sizeof(ours), "%d", order < 0 ? -1 : order > 0);
	if (strcmp(ours, expected) != 0)
		differ("order", expected, value, ours);
	cell_finish(&x);
	cell_finish(&y);
}

/* "array 20": the elements, each behind a semicolon, NULL ones as N. What the server refuses
 * may be read in any way: each shard raises the error. */
static unsigned compare_array(const char *expected, const char *value)
{
	char ours[1024] = "";
	struct array_reader a;
	enum array_step step;
	struct str e;

	array_open_text(&a, str_of(value));
	while ((step = array_next(&a, &e)) == ARRAY_ELEMENT || step == ARRAY_NULL) {
		size_t n = strlen(ours);

		if (step == ARRAY_NULL)
			snprintf(ours + n, sizeof(ours) - n, ";N");
		else
			snprintf(ours + n, sizeof(ours) - n, ";%.*s", STR_ARG(e));
	}
	array_close(&a);
	if (step == ARRAY_MALFORMED || strcmp(expected, "ERR") == 0)
		return 0;
	if (strcmp(ours, expected) != 0)
		differ("array", expected, value, ours);
	return 1;
}

/* 1: compared; 0: refused here. */
static unsigned compare_line(char *line)
{
	char *what = strtok_r(line, " ", &line);
	char *expected, *value;
	uint32_t type = (uint32_t)strtoul(line, &line, 10);

	line++;
	line[strcspn(line, "\n")] = 0;
	if (strcmp(what, "cut") == 0 || strcmp(what, "dec") == 0)
		return compare_cut(type, line, *what == 'c');
	expected = strtok_r(NULL, "\t", &line), value = line;
	if (strcmp(what, "read") == 0)
		return compare_read(type, false, expected, value);
	if (strcmp(what, "store") == 0)
		return compare_read(type, true, expected, value);
	if (strcmp(what, "array") == 0)
		return compare_array(strcmp(expected, "EMPTY") == 0 ? "" : expected, value);
	if (strcmp(what, "pair") == 0)
		compare_pair(expected, value);
	else if (strcmp(what, "text") == 0)
		compare_text(type, expected);
	else if (strcmp(what, "order") == 0)
		compare_order(type, expected, value);
	else
		compare_hash(type, expected, value);
	return 1;
}

static void a_servers_hashes_are_ours(void **state)
{
	const char *path = getenv("PGMOSAIC_HASH_VECTORS");
	char line[1024];
	unsigned long n = 0, n_compared = 0;
	FILE *f;

	(void)state;
	if (!path)
		skip();
	f = fopen(path, "r");
	assert_non_null(f);
	for (; fgets(line, sizeof(line), f); n++)
		n_compared += compare_line(line);
	fclose(f);
	assert_true(n_compared > 1000);
	print_message("%lu values compared, %lu refused here\n", n_compared, n - n_compared);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers_hash_as_on_the_server),
		cmocka_unit_test(bytes_of_every_tail_length_hash_as_on_the_server),
		cmocka_unit_test(every_key_type_hashes_as_on_the_server),
		cmocka_unit_test(nulls_are_skipped_and_alone_hash_to_zero),
		cmocka_unit_test(xxh3_hashes_the_canonical_binary_form),
		cmocka_unit_test(a_servers_hashes_are_ours),
	};

	return cmocka_run_group_tests_name("hash", tests, NULL, NULL);
}

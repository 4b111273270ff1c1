/* Plan, literals and parameters → shards, with plans made by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "route_fixture.h"

#define HOME 3

/* What became of a value: a shard, or one of these. */
enum { REFUSED = -1, PROTOCOL = -2, SEVERAL = -3 };

static int outcome_of(struct fixture *f, const char *text, const struct param_values *params)
{
	static struct scan scan;
	struct err err = ERR_INIT;
	struct route route;
	enum status status;

	scan_text(str_of(text), &scan);
	status = route_bind(&f->plan, str_of(text), &scan, params, &f->map, NULL, &route, &err);
	if (status == STATUS_UNROUTED) {
		assert_string_equal(err.code, "0A000");
		assert_true(err.hint[0] != 0);
		return REFUSED;
	}
	if (status == STATUS_PROTOCOL)
		return PROTOCOL;
	assert_int_equal(status, STATUS_OK);
	assert_int_equal(err.status, STATUS_OK);
	return route.shards.n == 1 ? shard_set_next(&route.shards, -1) : SEVERAL;
}

/* The literal of a text, for a key column of this type. */
static int literal(const char *text, uint32_t type, bool is_insert, bool negative)
{
	struct fixture f;

	fixture_map(&f, 1, type);
	f.plan.keys.is_insert = is_insert;
	f.sources[0] = (struct key_source){
		.kind = KEY_LITERAL, .type_oid = type, .column_type = type, .negative = negative
	};
	return outcome_of(&f, text, NULL);
}

static int in_condition(const char *text, uint32_t type)
{
	return literal(text, type, false, false);
}

static int in_insert(const char *text, uint32_t type)
{
	return literal(text, type, true, false);
}

static int param_of(uint32_t type, uint32_t column_type, const void *p, int32_t n, int format,
		    bool is_insert)
{
	const uint8_t *data[1] = { p }, formats[2] = { 0, (uint8_t)format };
	struct param_values params = {
		.n = 1, .n_formats = 1, .formats = formats, .data = data, .length = &n
	};
	struct fixture f;

	fixture_map(&f, 1, column_type);
	f.plan.keys.is_insert = is_insert;
	f.sources[0] = (struct key_source){
		.kind = KEY_PARAM, .index = 1, .type_oid = type, .column_type = column_type
	};
	return outcome_of(&f, "", &params);
}

static int text_param(uint32_t type, uint32_t column_type, const char *text)
{
	return param_of(type, column_type, text, (int32_t)strlen(text), 0, false);
}

static struct fixture fixed; /* for owner_of_…() only */

static int setup(void **state)
{
	(void)state;
	fixture_map(&fixed, 1, OID_INT8);
	return 0;
}

static void an_integer_literal_goes_to_its_owner(void **state)
{
	(void)state;
	assert_int_equal(in_condition("42", OID_INT8), owner_of_int(&fixed, 42));
	assert_int_equal(in_condition("0000042", OID_INT4), owner_of_int(&fixed, 42));
	assert_int_equal(in_condition("963809240", OID_INT8), owner_of_int(&fixed, 963809240));
	assert_int_equal(literal("42", OID_INT2, false, true), owner_of_int(&fixed, -42));
	assert_int_equal(literal("9223372036854775808", OID_INT8, false, true),
			 owner_of_int(&fixed, INT64_MIN));
	assert_int_equal(in_insert("9223372036854775807", OID_INT8),
			 owner_of_int(&fixed, INT64_MAX));
}

static void a_quoted_integer_is_read_as_the_server_reads_it(void **state)
{
	(void)state;
	assert_int_equal(in_condition("'42'", OID_INT8), owner_of_int(&fixed, 42));
	assert_int_equal(in_condition("' \t+42\n'", OID_INT8), owner_of_int(&fixed, 42));
	assert_int_equal(in_condition("' -0042 '", OID_INT4), owner_of_int(&fixed, -42));
	assert_int_equal(in_condition("$$42$$", OID_INT4), owner_of_int(&fixed, 42));
	assert_int_equal(in_condition("E'42'", OID_INT4), owner_of_int(&fixed, 42));
}

static void a_value_no_server_reads_goes_home_to_fail_there(void **state)
{
	(void)state;
	assert_int_equal(in_condition("'zebra'", OID_INT8), HOME);
	assert_int_equal(in_condition("''", OID_INT8), HOME);
	assert_int_equal(in_condition("'fed'", OID_INT8), HOME);
	assert_int_equal(in_condition("'4 2.'", OID_INT8), HOME);
	assert_int_equal(in_condition("'99999999999999999999'", OID_INT8), HOME);
	assert_int_equal(in_condition("'40000'", OID_INT2), HOME);
	assert_int_equal(in_condition("'not a uuid'", OID_UUID), HOME);
	assert_int_equal(in_condition("'maybe'", OID_BOOL), HOME);
	assert_int_equal(in_insert("99999999999999999999", OID_INT8), HOME);
}

static void a_value_another_version_reads_otherwise_is_refused(void **state)
{
	(void)state;
	assert_int_equal(in_condition("'0x2A'", OID_INT8), REFUSED);
	assert_int_equal(in_condition("'1_000'", OID_INT8), REFUSED);
	assert_int_equal(in_condition("'0b1'", OID_INT8), REFUSED);
	assert_int_equal(in_condition("E'4\\x32'", OID_INT8), REFUSED);
	assert_int_equal(in_condition("U&'42'", OID_INT8), REFUSED);
	assert_int_equal(in_condition("'4'\n'2'", OID_INT8), REFUSED);
}

static void a_decimal_equals_an_integer_or_nothing(void **state)
{
	(void)state;
	assert_int_equal(in_condition("42.0", OID_INT8), owner_of_int(&fixed, 42));
	assert_int_equal(in_condition("4.2e1", OID_INT8), owner_of_int(&fixed, 42));
	assert_int_equal(in_condition("4200e-2", OID_INT8), owner_of_int(&fixed, 42));
	assert_int_equal(in_condition("0.0", OID_INT8), owner_of_int(&fixed, 0));
	assert_int_equal(in_condition("42.5", OID_INT8), HOME);
	assert_int_equal(in_condition("0.05e1", OID_INT8), HOME);
	assert_int_equal(in_condition("1e30", OID_INT8), HOME);
	assert_int_equal(in_condition("99999999999999999999", OID_INT8), HOME);
	assert_int_equal(in_condition("1e9999", OID_INT8), REFUSED);
}

static void a_stored_decimal_is_rounded_half_away_from_zero(void **state)
{
	(void)state;
	assert_int_equal(in_insert("42.5", OID_INT8), owner_of_int(&fixed, 43));
	assert_int_equal(in_insert("42.49999999999999999999999999", OID_INT8),
			 owner_of_int(&fixed, 42));
	assert_int_equal(literal("2.5", OID_INT8, true, true), owner_of_int(&fixed, -3));
	assert_int_equal(in_insert(".05e1", OID_INT8), owner_of_int(&fixed, 1));
	assert_int_equal(in_insert("0.04e1", OID_INT8), owner_of_int(&fixed, 0));
	assert_int_equal(in_insert("9223372036854775807.5", OID_INT8), HOME);
}

static void text_keys_hash_their_bytes(void **state)
{
	(void)state;
	assert_int_equal(in_condition("'acme'", OID_TEXT), owner_of_text(&fixed, "acme"));
	assert_int_equal(in_condition("'it''s'", OID_TEXT), owner_of_text(&fixed, "it's"));
	assert_int_equal(in_condition("''", OID_VARCHAR), owner_of_text(&fixed, ""));
	assert_int_equal(in_condition("'acme  '", OID_VARCHAR), owner_of_text(&fixed, "acme  "));
	assert_int_equal(in_condition("'acme  '", OID_BPCHAR), owner_of_text(&fixed, "acme"));
	assert_int_equal(in_insert("'acme  '", OID_BPCHAR), owner_of_text(&fixed, "acme"));
	assert_int_equal(in_insert("'acme  '", OID_TEXT), owner_of_text(&fixed, "acme  "));
	assert_int_equal(in_insert("'acme  '", OID_VARCHAR), REFUSED);
}

static void a_number_stored_as_text_gets_its_canonical_digits(void **state)
{
	(void)state;
	assert_int_equal(in_insert("007", OID_TEXT), owner_of_text(&fixed, "7"));
	assert_int_equal(in_insert("000", OID_TEXT), owner_of_text(&fixed, "0"));
	assert_int_equal(literal("07", OID_TEXT, true, true), owner_of_text(&fixed, "-7"));
	assert_int_equal(literal("0", OID_TEXT, true, true), owner_of_text(&fixed, "0"));
	assert_int_equal(in_insert("1.50", OID_TEXT), REFUSED);
	assert_int_equal(param_of(OID_INT4, OID_TEXT, "\0\0\0\7", 4, 1, true),
			 owner_of_text(&fixed, "7"));
	assert_int_equal(param_of(OID_INT8, OID_TEXT, " -07", 4, 0, true),
			 owner_of_text(&fixed, "-7"));
	assert_int_equal(param_of(OID_INT8, OID_TEXT, "7", 1, 0, false), REFUSED);
}

static void a_uuid_may_be_spelt_in_every_way(void **state)
{
	static const uint8_t bytes[16] = { 0xa0, 0xee, 0xbc, 0x99, 0x9c, 0x0b, 0x4e, 0xf8,
					   0xbb, 0x6d, 0x6b, 0xb9, 0xbd, 0x38, 0x0a, 0x11 };
	int expected = owner(&fixed, hash_pg_bytes(bytes, 16));

	(void)state;
	assert_int_equal(in_condition("'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", OID_UUID),
			 expected);
	assert_int_equal(in_condition("'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'", OID_UUID),
			 expected);
	assert_int_equal(in_condition("'{a0eebc99-9c0b4ef8-bb6d6bb9-bd380a11}'", OID_UUID),
			 expected);
	assert_int_equal(in_condition("'a0eebc999c0b4ef8bb6d6bb9bd380a11'", OID_UUID), expected);
	assert_int_equal(in_condition("'a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11'", OID_UUID),
			 expected);
	assert_int_equal(in_condition("'{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", OID_UUID), HOME);
	assert_int_equal(in_condition("'a0-eebc999c0b4ef8bb6d6bb9bd380a11'", OID_UUID), HOME);
	assert_int_equal(in_condition("' a0eebc999c0b4ef8bb6d6bb9bd380a11'", OID_UUID), HOME);
	assert_int_equal(param_of(OID_UUID, OID_UUID, bytes, 16, 1, false), expected);
	assert_int_equal(param_of(OID_UUID, OID_UUID, bytes, 15, 1, false), REFUSED);
}

static void dates_are_read_in_iso_form_only(void **state)
{
	(void)state;
	assert_int_equal(in_condition("'2024-02-29'", OID_DATE), owner_of_int(&fixed, 8825));
	assert_int_equal(in_condition("'1999-12-31'", OID_DATE), owner_of_int(&fixed, -1));
	assert_int_equal(in_condition("'2023-02-29'", OID_DATE), REFUSED);
	assert_int_equal(in_condition("'29.02.2024'", OID_DATE), REFUSED);
	assert_int_equal(in_condition("'today'", OID_DATE), REFUSED);
	assert_int_equal(in_condition("'2000-01-02 00:00:01'", OID_TIMESTAMP),
			 owner_of_int(&fixed, INT64_C(86401000000)));
	assert_int_equal(in_condition("'2000-01-01 00:00:00.5+01'", OID_TIMESTAMPTZ),
			 owner_of_int(&fixed, INT64_C(-3599500000)));
	assert_int_equal(in_condition("'2000-01-01 00:00:00'", OID_TIMESTAMPTZ), REFUSED);
	assert_int_equal(in_condition("'2000-01-01 00:00:00+01'", OID_TIMESTAMP), REFUSED);
	assert_int_equal(in_insert("'2000-01-01 00:00:00.25'", OID_TIMESTAMP), REFUSED);
	assert_int_equal(param_of(OID_DATE, OID_DATE, "\0\0\x22\x79", 4, 1, false),
			 owner_of_int(&fixed, 8825));
}

static void booleans_and_bytea_have_their_spellings(void **state)
{
	(void)state;
	assert_int_equal(in_condition("' TRU '", OID_BOOL), owner_of_int(&fixed, 1));
	assert_int_equal(in_condition("'of'", OID_BOOL), owner_of_int(&fixed, 0));
	assert_int_equal(in_condition("'o'", OID_BOOL), HOME);
	assert_int_equal(in_condition("'\\x414243'", OID_BYTEA), owner_of_text(&fixed, "ABC"));
	assert_int_equal(
		in_condition("$$\\x4142434445464748494A4b4c4d4e4f505152535455565758595a6162"
			     "636465666768696a6b6c6d6e6f707172737475767778797a$$",
			     OID_BYTEA),
		owner_of_text(&fixed, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"));
	assert_int_equal(in_condition("'\\x4'", OID_BYTEA), REFUSED);
	assert_int_equal(in_condition("'\\101'", OID_BYTEA), REFUSED);
}

static void parameters_come_as_text_or_binary(void **state)
{
	(void)state;
	assert_int_equal(text_param(OID_INT8, OID_INT8, "42"), owner_of_int(&fixed, 42));
	assert_int_equal(text_param(0, OID_INT4, "42"), owner_of_int(&fixed, 42));
	assert_int_equal(text_param(OID_UNKNOWN, OID_TEXT, "42"), owner_of_text(&fixed, "42"));
	assert_int_equal(text_param(OID_VARCHAR, OID_TEXT, "acme"), owner_of_text(&fixed, "acme"));
	assert_int_equal(param_of(OID_INT2, OID_INT8, "\xff\xfe", 2, 1, false),
			 owner_of_int(&fixed, -2));
	assert_int_equal(param_of(OID_INT4, OID_INT2, "\xff\xff\xff\xfe", 4, 1, false),
			 owner_of_int(&fixed, -2));
	assert_int_equal(param_of(OID_INT8, OID_INT8, "\0\0\0\1\0\0\0\0", 8, 1, false),
			 owner_of_int(&fixed, INT64_C(1) << 32));
	assert_int_equal(param_of(OID_INT8, OID_INT8, "\0\0\0\1", 4, 1, false), REFUSED);
	assert_int_equal(param_of(OID_TEXT, OID_INT8, "42", 2, 0, false), REFUSED);
	assert_int_equal(param_of(OID_BPCHAR, OID_TEXT, "a", 1, 0, false), REFUSED);
	assert_int_equal(param_of(OID_TIMESTAMP, OID_DATE, "2024-02-29", 10, 0, false), REFUSED);
}

static void numeric_and_float_parameters_match_integers_exactly(void **state)
{
	static const uint8_t n42[] = { 0, 1, 0, 0, 0, 0, 0, 0, 0, 42 };
	static const uint8_t minus_120000[] = { 0, 1, 0, 1, 0x40, 0, 0, 0, 0, 12 };
	static const uint8_t n42_5[] = { 0, 2, 0, 0, 0, 0, 0, 1, 0, 42, 0x13, 0x88 };
	static const uint8_t nan[] = { 0, 0, 0, 0, 0xc0, 0, 0, 0 };
	/* 42.5 of scale 0: the server drops the fraction. */
	static const uint8_t cut[] = { 0, 2, 0, 0, 0, 0, 0, 0, 0, 42, 0x13, 0x88 };

	(void)state;
	assert_int_equal(text_param(OID_NUMERIC, OID_INT8, "42.00"), owner_of_int(&fixed, 42));
	assert_int_equal(text_param(OID_NUMERIC, OID_INT8, " -1.2e5 "),
			 owner_of_int(&fixed, -120000));
	assert_int_equal(text_param(OID_NUMERIC, OID_INT8, "42.01"), HOME);
	assert_int_equal(text_param(OID_NUMERIC, OID_INT8, "NaN"), REFUSED);
	assert_int_equal(param_of(OID_NUMERIC, OID_INT8, n42, 10, 1, false),
			 owner_of_int(&fixed, 42));
	assert_int_equal(param_of(OID_NUMERIC, OID_INT8, minus_120000, 10, 1, false),
			 owner_of_int(&fixed, -120000));
	assert_int_equal(param_of(OID_NUMERIC, OID_INT8, n42_5, 12, 1, false), HOME);
	assert_int_equal(param_of(OID_NUMERIC, OID_INT8, n42_5, 12, 1, true),
			 owner_of_int(&fixed, 43));
	assert_int_equal(param_of(OID_NUMERIC, OID_INT8, cut, 12, 1, false),
			 owner_of_int(&fixed, 42));
	assert_int_equal(param_of(OID_NUMERIC, OID_INT8, nan, 8, 1, false), REFUSED);
	assert_int_equal(param_of(OID_NUMERIC, OID_INT8, n42, 9, 1, false), REFUSED);
	assert_int_equal(param_of(OID_FLOAT8, OID_INT8, "\x40\x45\0\0\0\0\0\0", 8, 1, false),
			 owner_of_int(&fixed, 42));
	assert_int_equal(param_of(OID_FLOAT8, OID_INT8, "\x40\x45\x40\0\0\0\0\0", 8, 1, false),
			 HOME);
	assert_int_equal(param_of(OID_FLOAT8, OID_INT8, "\x43\x40\0\0\0\0\0\0", 8, 1, false),
			 REFUSED);
	assert_int_equal(text_param(OID_FLOAT8, OID_INT8, "42"), owner_of_int(&fixed, 42));
	assert_int_equal(text_param(OID_FLOAT8, OID_INT8, "9007199254740993"), REFUSED);
}

static void a_bind_message_that_lies_is_a_protocol_error(void **state)
{
	const uint8_t *data[1] = { (const uint8_t *)"1" }, formats[4] = { 0, 0, 0, 1 };
	int32_t length = 1;
	struct param_values params = {
		.n = 1, .n_formats = 2, .formats = formats, .data = data, .length = &length
	};
	struct fixture f;

	(void)state;
	fixture_map(&f, 1, OID_INT8);
	f.sources[0] = (struct key_source){
		.kind = KEY_PARAM, .index = 1, .type_oid = OID_INT8, .column_type = OID_INT8
	};
	assert_int_equal(outcome_of(&f, "", &params), PROTOCOL);
	params.n_formats = 0;
	assert_int_equal(outcome_of(&f, "", &params), owner_of_int(&fixed, 1));
	f.sources[0].index = 2;
	assert_int_equal(outcome_of(&f, "", &params), PROTOCOL);
	assert_int_equal(outcome_of(&f, "", NULL), PROTOCOL);
}

static void null_excludes_in_a_condition_and_places_in_an_insert(void **state)
{
	struct fixture f;

	(void)state;
	fixture_map(&f, 1, OID_INT8);
	f.sources[0] = (struct key_source){ .kind = KEY_NULL, .column_type = OID_INT8 };
	assert_int_equal(outcome_of(&f, "", NULL), HOME);
	f.plan.keys.is_insert = true;
	assert_int_equal(outcome_of(&f, "", NULL), owner(&f, 0));
	assert_int_equal(param_of(OID_INT8, OID_INT8, NULL, -1, 0, false), HOME);
	assert_int_equal(param_of(OID_INT8, OID_INT8, NULL, -1, 1, true), owner(&f, 0));
}

static struct shard_set owners_of(const struct fixture *f, const int *values, unsigned n)
{
	struct shard_set set = { .n = 0 };

	for (unsigned i = 0; i < n; i++)
		shard_set_add(&set, owner_of_int(f, values[i]));
	return set;
}

static void set_is(const struct shard_set *a, const struct shard_set *b)
{
	assert_int_equal(a->n, b->n);
	assert_memory_equal(a->bits, b->bits, sizeof(a->bits));
}

static struct route bind_array(uint32_t type, const void *p, size_t n, int format,
			       enum status expected)
{
	const uint8_t *data[1] = { p }, formats[2] = { 0, (uint8_t)format };
	int32_t length = (int32_t)n;
	struct param_values params = {
		.n = 1, .n_formats = 1, .formats = formats, .data = data, .length = &length
	};
	struct err err = ERR_INIT;
	struct route route;
	struct fixture f;

	fixture_map(&f, 1, OID_INT8);
	f.sources[0] = (struct key_source){
		.kind = KEY_PARAM_ARRAY, .index = 1, .type_oid = type, .column_type = OID_INT8
	};
	assert_int_equal(route_bind(&f.plan, str_of(""), NULL, &params, &f.map, NULL, &route, &err),
			 expected);
	return route;
}

static void array_names(const char *text, const int *values, unsigned n)
{
	struct route r = bind_array(OID_INT8, text, strlen(text), 0, STATUS_OK);
	struct shard_set set = owners_of(&fixed, values, n);

	if (!n)
		shard_set_add(&set, HOME);
	set_is(&r.shards, &set);
}

static void every_element_of_an_array_names_its_owner(void **state)
{
	static const int values[] = { 1, 2, 42, -7 };
	static const uint8_t binary[] = { 0,	0,    0, 1, 0, 0, 0,	1,    0,    0,
					  0,	23,   0, 0, 0, 3, 0,	0,    0,    1,
					  0,	0,    0, 4, 0, 0, 0,	1,    0xff, 0xff,
					  0xff, 0xff, 0, 0, 0, 4, 0xff, 0xff, 0xff, 0xf9 };
	struct shard_set pair;
	struct route r;

	(void)state;
	array_names("{1,2,42,-7}", values, 4);
	array_names(" { 1 , \"2\",NULL, 42 , null,-7 } ", values, 4);
	array_names("{{1,2},{42,-7}}", values, 4);
	array_names("{}", values, 0);
	array_names("{NULL}", values, 0);
	bind_array(OID_INT8, "[0:1]={1,2}", 11, 0, STATUS_UNROUTED);
	bind_array(OID_INT8, "{1,2", 4, 0, STATUS_UNROUTED);
	bind_array(OID_INT8, "{1,}", 4, 0, STATUS_UNROUTED);
	bind_array(OID_INT8, "{1}x", 4, 0, STATUS_UNROUTED);
	bind_array(OID_INT8, "{\"1", 3, 0, STATUS_UNROUTED);
	/* The shard that gets it raises the error. */
	array_names("{zebra,1,42}", (const int[]){ 1, 42 }, 2);
	array_names("{zebra}", values, 0);
	r = bind_array(1016, binary, sizeof(binary), 1, STATUS_OK);
	pair = owners_of(&fixed, (const int[]){ 1, -7 }, 2);
	set_is(&r.shards, &pair);
	for (size_t n = 0; n < sizeof(binary); n++)
		bind_array(1016, binary, n, 1, STATUS_UNROUTED);
}

static void an_in_list_names_each_shard_once(void **state)
{
	const char *text = "1, 2, 42, 7, '42'";
	struct err err = ERR_INIT;
	struct shard_set set = owners_of(&fixed, (const int[]){ 1, 2, 42, 7 }, 4);
	struct route route;
	struct fixture f;
	struct scan scan;
	int at = -1;

	(void)state;
	fixture_map(&f, 1, OID_INT8);
	f.plan.keys.n_rows = 5;
	for (uint16_t i = 0; i < 5; i++)
		f.sources[i] = (struct key_source){ .kind = KEY_LITERAL,
						    .index = i,
						    .type_oid = OID_INT8,
						    .column_type = OID_INT8 };
	scan_text(str_of(text), &scan);
	assert_int_equal(route_bind(&f.plan, str_of(text), &scan, NULL, &f.map, NULL, &route, &err),
			 STATUS_OK);
	set_is(&route.shards, &set);
	for (unsigned i = 0; i < route.shards.n; i++) {
		int next = shard_set_next(&route.shards, at);

		assert_true(next > at);
		at = next;
	}
	assert_int_equal(shard_set_next(&route.shards, at), -1);
}

/* 99999999999999999999 known to the plan as text: it equals no row, but 42 may. */
static void a_value_out_of_range_takes_no_other_value_along(void **state)
{
	struct fixture f;

	(void)state;
	fixture_map(&f, 1, OID_INT8);
	f.plan.keys.n_rows = 2;
	f.sources[0] = (struct key_source){ .kind = KEY_TEXT,
					    .type_oid = OID_INT8,
					    .column_type = OID_INT8,
					    .text = str_of("99999999999999999999") };
	f.sources[1] = f.sources[0];
	f.sources[1].text = str_of("42");
	assert_int_equal(outcome_of(&f, "", NULL), owner_of_int(&f, 42));
	f.plan.keys.is_insert = true;
	assert_int_equal(outcome_of(&f, "", NULL), HOME);
}

static void composite_keys_combine_as_hash_partitioning_does(void **state)
{
	struct key_value pair[2] = {
		{ .kind = KEY_VALUE_NUMBER, .width = 8, .number = 42 },
		{ .kind = KEY_VALUE_BYTES, .bytes = "acme", .n = 4 },
	};
	struct fixture f;

	(void)state;
	fixture_map(&f, 2, OID_INT8);
	f.sources[0] = (struct key_source){
		.kind = KEY_LITERAL, .index = 1, .type_oid = OID_INT8, .column_type = OID_INT8
	};
	f.sources[1] = (struct key_source){ .kind = KEY_TEXT,
					    .type_oid = OID_TEXT,
					    .column_type = OID_TEXT,
					    .text = str_of("acme") };
	assert_int_equal(outcome_of(&f, "'x' 42", NULL),
			 owner(&f, hash_key(KEY_FUNCTION_PG, pair, 2)));
	f.sources[1].kind = KEY_NULL;
	assert_int_equal(outcome_of(&f, "'x' 42", NULL), HOME);
}

static void rows_of_an_insert_get_their_shards_in_order(void **state)
{
	const char *text = "1, 2, '3', NULL";
	struct err err = ERR_INIT;
	uint16_t shards[4];
	struct fixture f;
	struct scan scan;

	(void)state;
	fixture_map(&f, 1, OID_INT8);
	f.plan.keys.n_rows = 4;
	f.plan.keys.is_insert = true;
	for (uint16_t i = 0; i < 3; i++)
		f.sources[i] = (struct key_source){ .kind = KEY_LITERAL,
						    .index = i,
						    .type_oid = OID_INT8,
						    .column_type = OID_INT8 };
	f.sources[3] = (struct key_source){ .kind = KEY_NULL, .column_type = OID_INT8 };
	scan_text(str_of(text), &scan);
	assert_int_equal(route_rows(&f.plan, str_of(text), &scan, NULL, &f.map, shards, &err),
			 STATUS_OK);
	for (int i = 0; i < 3; i++)
		assert_int_equal(shards[i], owner_of_int(&f, i + 1));
	assert_int_equal(shards[3], owner(&f, 0));

	/* One row that must fail: all of them home, so that the statement fails there. */
	text = "1, 2, 'x'";
	scan_text(str_of(text), &scan);
	assert_int_equal(route_rows(&f.plan, str_of(text), &scan, NULL, &f.map, shards, &err),
			 STATUS_OK);
	for (int i = 0; i < 4; i++)
		assert_int_equal(shards[i], HOME);
	text = "1, 2, '0x3'";
	scan_text(str_of(text), &scan);
	assert_int_equal(route_rows(&f.plan, str_of(text), &scan, NULL, &f.map, shards, &err),
			 STATUS_UNROUTED);
}

static void a_key_off_the_single_tables_shard_is_refused(void **state)
{
	struct err err = ERR_INIT;
	struct route route;
	struct fixture f;
	struct scan scan;

	(void)state;
	fixture_map(&f, 1, OID_INT8);
	f.sources[0] = (struct key_source){ .kind = KEY_LITERAL,
					    .type_oid = OID_INT8,
					    .column_type = OID_INT8 };
	f.plan.must_be_shard = owner_of_int(&f, 42);
	assert_int_equal(outcome_of(&f, "42", NULL), f.plan.must_be_shard);
	assert_int_equal(outcome_of(&f, "42.5", NULL), f.plan.must_be_shard);
	f.plan.must_be_shard = (f.plan.must_be_shard + 1) % 4;
	assert_int_equal(outcome_of(&f, "42", NULL), REFUSED);
	err_set(&f.plan.refusal, STATUS_UNROUTED, "the plan's own words");
	scan_text(str_of("42"), &scan);
	assert_int_equal(route_bind(&f.plan, str_of("42"), &scan, NULL, &f.map, NULL, &route, &err),
			 STATUS_UNROUTED);
	assert_string_equal(err.message, "the plan's own words");
}

static void targets_without_keys_name_their_shards(void **state)
{
	struct err err = ERR_INIT;
	struct route route;
	struct fixture f;

	(void)state;
	fixture_map(&f, 1, OID_INT8);
	f.chunks[2].shard = f.chunks[6].shard = f.chunks[10].shard = f.chunks[14].shard = 0;
	f.plan.target = TARGET_OWNERS;
	assert_int_equal(route_bind(&f.plan, str_of(""), NULL, NULL, &f.map, NULL, &route, &err),
			 0);
	assert_int_equal(route.shards.n, 3);
	assert_false(shard_set_has(&route.shards, 2));
	f.plan.target = TARGET_EVERY;
	assert_int_equal(route_bind(&f.plan, str_of(""), NULL, NULL, &f.map, NULL, &route, &err),
			 0);
	assert_int_equal(route.shards.n, 4);
	assert_false(route.any);
	f.plan.target = TARGET_SHARD;
	f.plan.shard = 2;
	assert_int_equal(outcome_of(&f, "", NULL), 2);
	f.plan.target = TARGET_ANY;
	assert_int_equal(route_bind(&f.plan, str_of(""), NULL, NULL, &f.map, NULL, &route, &err),
			 0);
	assert_true(route.any);
	assert_true(shard_set_has(&route.shards, HOME));
	assert_int_equal(route.shards.n, 1);
}

static void a_condition_without_any_key_runs_on_one_shard(void **state)
{
	struct fixture f;

	(void)state;
	fixture_map(&f, 1, OID_INT8);
	f.plan.keys.n_rows = 0;
	assert_int_equal(outcome_of(&f, "", NULL), HOME);
}

static void a_single_key_value_is_placed_by_text_or_bytes(void **state)
{
	uint32_t type = OID_INT8;
	struct str value = str_of("42"), bad = str_of("x"), strange = str_of("0x2A"), none = { 0 };
	const uint8_t *bytes = (const uint8_t *)"\0\0\0\0\0\0\0\x2a";
	int32_t length = 8, wrong = 4;
	struct err err = ERR_INIT;
	uint16_t shard = 99;

	(void)state;
	assert_int_equal(route_key_text(&fixed.dist, &value, &type, NULL, NULL, &shard, &err),
			 STATUS_OK);
	assert_int_equal(shard, owner_of_int(&fixed, 42));
	assert_int_equal(route_key_text(&fixed.dist, &none, &type, NULL, NULL, &shard, &err),
			 STATUS_OK);
	assert_int_equal(shard, owner(&fixed, 0));
	assert_int_equal(err.status, STATUS_OK);
	assert_int_equal(route_key_text(&fixed.dist, &bad, &type, NULL, NULL, &shard, &err),
			 STATUS_INVALID);
	assert_string_equal(err.code, "22P02");
	assert_int_equal(route_key_text(&fixed.dist, &strange, &type, NULL, NULL, &shard, &err),
			 STATUS_UNROUTED);
	assert_int_equal(
		route_key_binary(&fixed.dist, &bytes, &length, &type, NULL, NULL, &shard, &err),
		STATUS_OK);
	assert_int_equal(shard, owner_of_int(&fixed, 42));
	assert_int_equal(
		route_key_binary(&fixed.dist, &bytes, &wrong, &type, NULL, NULL, &shard, &err),
		STATUS_INVALID);
}

static void sets_hold_every_shard_up_to_the_limit(void **state)
{
	struct shard_set set = { .n = 0 };
	int at = -1;

	(void)state;
	for (int i = MAP_MAX_SHARDS - 1; i >= 0; i -= 51)
		shard_set_add(&set, (uint16_t)i);
	shard_set_add(&set, 255);
	assert_int_equal(set.n, 6);
	for (int i = 0; i < MAP_MAX_SHARDS; i += 51) {
		at = shard_set_next(&set, at);
		assert_int_equal(at, i);
	}
	assert_int_equal(shard_set_next(&set, at), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_integer_literal_goes_to_its_owner),
		cmocka_unit_test(a_quoted_integer_is_read_as_the_server_reads_it),
		cmocka_unit_test(a_value_no_server_reads_goes_home_to_fail_there),
		cmocka_unit_test(a_value_another_version_reads_otherwise_is_refused),
		cmocka_unit_test(a_decimal_equals_an_integer_or_nothing),
		cmocka_unit_test(a_stored_decimal_is_rounded_half_away_from_zero),
		cmocka_unit_test(text_keys_hash_their_bytes),
		cmocka_unit_test(a_number_stored_as_text_gets_its_canonical_digits),
		cmocka_unit_test(a_uuid_may_be_spelt_in_every_way),
		cmocka_unit_test(dates_are_read_in_iso_form_only),
		cmocka_unit_test(booleans_and_bytea_have_their_spellings),
		cmocka_unit_test(parameters_come_as_text_or_binary),
		cmocka_unit_test(numeric_and_float_parameters_match_integers_exactly),
		cmocka_unit_test(a_bind_message_that_lies_is_a_protocol_error),
		cmocka_unit_test(null_excludes_in_a_condition_and_places_in_an_insert),
		cmocka_unit_test(every_element_of_an_array_names_its_owner),
		cmocka_unit_test(an_in_list_names_each_shard_once),
		cmocka_unit_test(a_value_out_of_range_takes_no_other_value_along),
		cmocka_unit_test(composite_keys_combine_as_hash_partitioning_does),
		cmocka_unit_test(rows_of_an_insert_get_their_shards_in_order),
		cmocka_unit_test(a_key_off_the_single_tables_shard_is_refused),
		cmocka_unit_test(targets_without_keys_name_their_shards),
		cmocka_unit_test(a_condition_without_any_key_runs_on_one_shard),
		cmocka_unit_test(a_single_key_value_is_placed_by_text_or_bytes),
		cmocka_unit_test(sets_hold_every_shard_up_to_the_limit),
	};

	return cmocka_run_group_tests_name("route", tests, setup, NULL);
}

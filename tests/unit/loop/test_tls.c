#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pgmosaic/loop/stream.h"
#include "pgmosaic/loop/tls.h"

/* ---- a certificate in a folder of its own ---- */

static char folder[] = "/tmp/pgmosaic-tls.XXXXXX";
static char cert_path[64], key_path[64];

static X509 *make_certificate(EVP_PKEY *key)
{
	X509 *cert = X509_new();
	X509_NAME *name = X509_get_subject_name(cert);

	X509_set_version(cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
	X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	X509_set_pubkey(cert, key);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)"localhost", -1, -1,
				   0);
	X509_set_issuer_name(cert, name);
	assert_true(X509_sign(cert, key, EVP_sha384()) > 0);
	return cert;
}

static int write_files(void **state)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = make_certificate(key);
	FILE *f;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(cert_path, sizeof(cert_path), "%s/crt", folder);
	snprintf(key_path, sizeof(key_path), "%s/key", folder);
	f = fopen(cert_path, "w");
	assert_int_equal(PEM_write_X509(f, cert), 1);
	fclose(f);
	f = fopen(key_path, "w");
	assert_int_equal(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
	fclose(f);
	chmod(key_path, 0600);
	X509_free(cert);
	EVP_PKEY_free(key);
	return 0;
}

static int remove_files(void **state)
{
	(void)state;
	unlink(cert_path);
	unlink(key_path);
	rmdir(folder);
	return 0;
}

/* ---- a server that echoes, and a client by OpenSSL itself ---- */

struct peer {
	struct loop *loop;
	struct tls_server *tls;
	struct stream stream;
	size_t n_got, n_echo;
	bool is_secured, was_lost, is_gone;
	char reason[100];
	int fd; /* the client's end */
	SSL_CTX *ctx;
	SSL *ssl;
};

static void on_readable(struct stream *s)
{
	static char scratch[64 << 10];
	struct peer *p = s->owner;
	ssize_t n = stream_read(s, scratch, sizeof(scratch));

	if (n > 0) {
		p->n_got += (size_t)n;
		stream_write(s, scratch, (size_t)n);
	} else if (n < 0) {
		p->was_lost = true;
		snprintf(p->reason, sizeof(p->reason), "%s", stream_tls_reason(s));
		stream_close(s);
	}
}

static void on_secured(struct stream *s)
{
	((struct peer *)s->owner)->is_secured = true;
}

static void on_gone(struct stream *s)
{
	((struct peer *)s->owner)->is_gone = true;
}

static const struct stream_ops ops = { .on_readable = on_readable,
				       .on_secured = on_secured,
				       .on_gone = on_gone };

static void peer_open(struct peer *p)
{
	struct tls_options options = { .cert = cert_path, .key = key_path };
	struct err err = ERR_INIT;
	int pair[2];

	*p = (struct peer){ .loop = loop_create() };
	assert_int_equal(tls_server_create(&options, &p->tls, &err), STATUS_OK);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	stream_open(&p->stream, p->loop, pair[0], &ops, p, 16u << 20);
	p->fd = pair[1];
	p->ctx = SSL_CTX_new(TLS_client_method());
	p->ssl = SSL_new(p->ctx);
	SSL_set_fd(p->ssl, p->fd);
	SSL_set_connect_state(p->ssl);
}

static void turn(struct peer *p)
{
	uv_run(&p->loop->uv, UV_RUN_NOWAIT);
}

static bool client_handshake(struct peer *p)
{
	for (int i = 0; i < 100 && !(SSL_is_init_finished(p->ssl) && p->is_secured); i++) {
		SSL_do_handshake(p->ssl);
		turn(p);
	}
	return SSL_is_init_finished(p->ssl) && p->is_secured;
}

static void peer_close(struct peer *p)
{
	SSL_free(p->ssl);
	SSL_CTX_free(p->ctx);
	close(p->fd);
	loop_run(p->loop);
	assert_true(p->is_gone);
	tls_server_destroy(p->tls);
	loop_destroy(p->loop);
}

/* ---- tests ---- */

static void a_handshake_then_bytes_both_ways(void **state)
{
	struct peer p;
	char back[16] = "", text[64];

	(void)state;
	peer_open(&p);
	assert_true(stream_accept_tls(&p.stream, p.tls, NULL, 0));
	assert_true(client_handshake(&p));
	assert_int_equal(SSL_write(p.ssl, "ping", 4), 4);
	for (int i = 0; i < 10 && SSL_read(p.ssl, back, sizeof(back)) <= 0; i++)
		turn(&p);
	assert_string_equal(back, "ping");
	stream_tls_describe(&p.stream, text, sizeof(text));
	assert_non_null(strstr(text, "TLSv1.3/"));
	assert_false(stream_tls_has_alpn(&p.stream));
	assert_false(stream_tls_client_name(&p.stream, text, sizeof(text)));
	peer_close(&p);
}

/* Everything was written before the server stream was asked to read it: what TLS has decrypted
 * already shows on no socket, and must be found all the same. */
static void megabytes_come_back_though_the_socket_is_small(void **state)
{
	static char much[256 << 10], back[64 << 10];
	struct peer p;
	size_t sent = 0, got = 0, total = 4 * sizeof(much);

	(void)state;
	peer_open(&p);
	assert_true(stream_accept_tls(&p.stream, p.tls, NULL, 0));
	assert_true(client_handshake(&p));
	SSL_set_mode(p.ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	for (int i = 0; i < 100000 && got < total; i++) {
		size_t left = total - sent;
		int n = left ? SSL_write(p.ssl, much,
					 (int)(left < sizeof(much) ? left : sizeof(much)))
			     : 0;

		sent += n > 0 ? (size_t)n : 0;
		turn(&p);
		n = SSL_read(p.ssl, back, sizeof(back));
		got += n > 0 ? (size_t)n : 0;
	}
	assert_int_equal(got, total);
	assert_int_equal(p.n_got, total);
	peer_close(&p);
}

static void bytes_read_before_tls_was_known_are_part_of_the_handshake(void **state)
{
	static const size_t cuts[] = { 1, 5, 6, 100, 4096 };
	struct peer p;
	uint8_t hello[4096];
	ssize_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
		peer_open(&p);
		SSL_do_handshake(p.ssl);
		n = read(p.stream.fd, hello, cuts[i]); /* the rest stays in the socket */
		assert_true(n > 0);
		assert_true(stream_accept_tls(&p.stream, p.tls, hello, (size_t)n));
		assert_true(client_handshake(&p));
		peer_close(&p);
	}
}

static void what_is_no_handshake_breaks_the_stream_with_a_reason(void **state)
{
	struct peer p;

	(void)state;
	peer_open(&p);
	assert_true(stream_accept_tls(&p.stream, p.tls, "Q\0\0\0\x0dSELECT 1", 14));
	for (int i = 0; i < 10 && !p.was_lost; i++)
		turn(&p);
	assert_true(p.was_lost);
	assert_string_equal(p.reason, "wrong version number");
	assert_false(p.is_secured);
	peer_close(&p);
}

static void a_client_that_leaves_in_the_handshake_is_a_lost_stream(void **state)
{
	struct peer p;

	(void)state;
	peer_open(&p);
	SSL_do_handshake(p.ssl);
	assert_true(stream_accept_tls(&p.stream, p.tls, NULL, 0));
	turn(&p);
	shutdown(p.fd, SHUT_RDWR);
	for (int i = 0; i < 10 && !p.was_lost; i++)
		turn(&p);
	assert_true(p.was_lost);
	peer_close(&p);
}

static void nothing_is_sent_in_clear_while_the_handshake_lasts(void **state)
{
	struct peer p;
	char raw[100];

	(void)state;
	peer_open(&p);
	assert_true(stream_accept_tls(&p.stream, p.tls, NULL, 0));
	stream_write(&p.stream, "secret", 6);
	stream_flush(&p.stream);
	for (int i = 0; i < 5; i++)
		turn(&p);
	assert_int_equal(read(p.fd, raw, sizeof(raw)), -1);
	assert_true(client_handshake(&p));
	for (int i = 0; i < 10 && SSL_read(p.ssl, raw, sizeof(raw)) != 6; i++)
		turn(&p);
	assert_memory_equal(raw, "secret", 6);
	peer_close(&p);
}

static void a_closed_stream_says_goodbye(void **state)
{
	struct peer p;
	char raw[8];
	int n = 1;

	(void)state;
	peer_open(&p);
	assert_true(stream_accept_tls(&p.stream, p.tls, NULL, 0));
	assert_true(client_handshake(&p));
	stream_close(&p.stream);
	for (int i = 0; i < 10 && n > 0; i++)
		n = SSL_read(p.ssl, raw, sizeof(raw));
	assert_int_equal(SSL_get_error(p.ssl, n), SSL_ERROR_ZERO_RETURN);
	peer_close(&p);
}

static void the_binding_is_the_certificates_hash_by_its_own_digest(void **state)
{
	struct tls_options options = { .cert = cert_path, .key = key_path };
	struct tls_server *t;
	struct err err = ERR_INIT;
	uint8_t binding[TLS_BINDING_MAX], want[EVP_MAX_MD_SIZE];
	unsigned n;
	FILE *f = fopen(cert_path, "r");
	X509 *cert = PEM_read_X509(f, NULL, NULL, NULL);

	(void)state;
	fclose(f);
	assert_int_equal(tls_server_create(&options, &t, &err), STATUS_OK);
	X509_digest(cert, EVP_sha384(), want, &n);
	assert_int_equal(tls_server_binding(t, binding), 48);
	assert_memory_equal(binding, want, 48);
	X509_free(cert);
	tls_server_destroy(t);
}

static void a_key_that_others_can_read_is_refused(void **state)
{
	struct tls_options options = { .cert = cert_path, .key = key_path };
	struct tls_server *t;
	struct err err = ERR_INIT;

	(void)state;
	chmod(key_path, 0604);
	assert_int_equal(tls_server_create(&options, &t, &err), STATUS_CONFIG);
	assert_non_null(strstr(err.message, "can be read by others"));
	chmod(key_path, 0600);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_handshake_then_bytes_both_ways),
		cmocka_unit_test(megabytes_come_back_though_the_socket_is_small),
		cmocka_unit_test(bytes_read_before_tls_was_known_are_part_of_the_handshake),
		cmocka_unit_test(what_is_no_handshake_breaks_the_stream_with_a_reason),
		cmocka_unit_test(a_client_that_leaves_in_the_handshake_is_a_lost_stream),
		cmocka_unit_test(nothing_is_sent_in_clear_while_the_handshake_lasts),
		cmocka_unit_test(a_closed_stream_says_goodbye),
		cmocka_unit_test(the_binding_is_the_certificates_hash_by_its_own_digest),
		cmocka_unit_test(a_key_that_others_can_read_is_refused),
	};

	return cmocka_run_group_tests_name("tls", tests, write_files, remove_files);
}

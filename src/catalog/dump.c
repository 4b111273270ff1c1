#include "dump.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pgmosaic/catalog/pq.h"

#define MAX_ARGS 24
#define MAX_ENV	 512

extern char **environ;

/* ---- the program ---- */

static char *find_in_path(struct arena *a)
{
	const char *path = getenv("PATH");

	while (path && *path) {
		size_t n = strcspn(path, ":");
		char *file = arena_printf(a, "%.*s/pg_dump", (int)n, path);

		if (access(file, X_OK) == 0)
			return file;
		path += n + (path[n] == ':');
	}
	return NULL;
}

/* Debian's places, the highest version last. */
static char *find_versioned(struct arena *a)
{
	char *file = NULL;
	glob_t g;

	if (glob("/usr/lib/postgresql/[1-9][0-9]/bin/pg_dump", 0, NULL, &g) == 0 && g.gl_pathc)
		file = arena_strdup(a, g.gl_pathv[g.gl_pathc - 1]);
	globfree(&g);
	return file;
}

/* ---- its environment ---- */

static enum status make_env(struct arena *a, const char *dsn, char **env, struct err *err)
{
	PQconninfoOption *options = PQconninfoParse(dsn, NULL);
	unsigned n = 0;

	if (!options)
		return err_set(err, STATUS_INVALID, "the connection string cannot be read");
	for (char **e = environ; *e && n < MAX_ENV / 2; e++)
		if (strncmp(*e, "PG", 2) != 0)
			env[n++] = *e;
	for (PQconninfoOption *o = options; o->keyword && n < MAX_ENV - 1; o++)
		if (o->val && *o->val && o->envvar)
			env[n++] = arena_printf(a, "%s=%s", o->envvar, o->val);
	env[n] = NULL;
	PQconninfoFree(options);
	return STATUS_OK;
}

/* ---- running it ---- */

static char *read_whole(struct arena *a, int fd)
{
	off_t size = lseek(fd, 0, SEEK_END);
	char *text = arena_alloc(a, (size_t)(size > 0 ? size : 0) + 1);
	off_t at = 0;

	while (at < size) {
		ssize_t n = pread(fd, text + at, (size_t)(size - at), at);

		if (n <= 0)
			break;
		at += n;
	}
	return text;
}

static int spawn_and_wait(const char *file, char **argv, char **env, int out, int errors)
{
	posix_spawn_file_actions_t actions;
	pid_t pid;
	int status = -1;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, out, 1);
	posix_spawn_file_actions_adddup2(&actions, errors, 2);
	if (posix_spawn(&pid, file, &actions, NULL, argv, env) == 0)
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
	posix_spawn_file_actions_destroy(&actions);
	return status;
}

static enum status fail_with(const char *text, struct err *err)
{
	const char *error = strstr(text, "error: ");
	size_t n;

	text = error ? error + strlen("error: ") : text;
	n = strcspn(text, "\n");
	return err_set(err, STATUS_CATALOG, "pg_dump failed: %.*s", (int)(n < 300 ? n : 300),
		       n ? text : "no message");
}

/* \restrict and \unrestrict are for psql; newer versions write them. */
static void strip_psql(char *sql)
{
	char *out = sql;

	while (*sql) {
		size_t n = strcspn(sql, "\n");

		n += sql[n] == '\n';
		if (strncmp(sql, "\\restrict ", 10) != 0 &&
		    strncmp(sql, "\\unrestrict ", 12) != 0) {
			memmove(out, sql, n);
			out += n;
		}
		sql += n;
	}
	*out = '\0';
}

static enum status run(struct arena *a, const char *file, char **argv, char **env, char **sql,
		       struct err *err)
{
	int out = memfd_create("pg_dump", MFD_CLOEXEC);
	int errors = memfd_create("pg_dump errors", MFD_CLOEXEC);
	enum status st = STATUS_OK;

	if (out < 0 || errors < 0)
		st = err_set(err, STATUS_INTERNAL, "no memory for pg_dump's output");
	else if (spawn_and_wait(file, argv, env, out, errors) != 0)
		st = fail_with(read_whole(a, errors), err);
	else
		*sql = read_whole(a, out);
	if (out >= 0)
		close(out);
	if (errors >= 0)
		close(errors);
	if (st == STATUS_OK)
		strip_psql(*sql);
	return st;
}

enum status dump_run(struct arena *a, const char *dsn, const char *const *args, char **sql,
		     struct err *err)
{
	char *argv[MAX_ARGS + 2], *env[MAX_ENV], *file = find_in_path(a);
	unsigned n = 0;
	enum status st;

	if (!file)
		file = find_versioned(a);
	if (!file) {
		err_set(err, STATUS_CATALOG,
			"pg_dump is needed to copy table definitions, and is not here");
		err_hint(err,
			 "Install it where the proxy runs: apt-get install postgresql-client.");
		return err->status;
	}
	argv[n++] = file;
	for (; *args && n < MAX_ARGS; args++)
		argv[n++] = arena_strdup(a, *args);
	argv[n] = NULL;
	st = make_env(a, dsn, env, err);
	return st == STATUS_OK ? run(a, file, argv, env, sql, err) : st;
}

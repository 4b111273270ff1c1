/* Between proxy_*.c, shard_install.c and store.c. */
#ifndef CATALOG_PROXY_INTERNAL_H
#define CATALOG_PROXY_INTERNAL_H

#include "pgmosaic/catalog/pq.h"
#include "pgmosaic/catalog/proxy.h"

/* In the catalog database: columns of mosaic.proxies that older catalogs lack. */
enum status proxy_prepare_catalog(struct pq *pq, struct err *err);
/* On a shard: tables and mosaic.hello(). */
enum status proxy_install(struct pq *pq, struct err *err);
/* Refused by hello from now on, and its sessions are gone. */
enum status proxy_evict_on_shard(const char *dsn, const char *cluster, uint64_t incarnation,
				 struct err *err);
/* hello refuses proxies whose map is older than this. */
enum status proxy_raise_epoch(const char *dsn, const char *cluster, uint64_t epoch,
			      struct err *err);

#endif

/* Looking users up on the home shard (auth.query). See lookup.c. */
#ifndef APP_LOOKUP_H
#define APP_LOOKUP_H

#include "process.h"

struct lookups *lookups_start(struct process *p);
/* Any thread; answered through ask->reply_to, exactly once. */
void lookups_ask(struct lookups *l, struct auth_lookup *ask);
/* When nobody asks any more. */
void lookups_stop(struct lookups *l);

#endif

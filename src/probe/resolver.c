#include "probe/resolver.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "probe/dns_channel.h"
#include "probe/name_cache.h"

struct pm_name {
  struct pm_name_entry entry; /* first, for the cache knows it as that */
  struct pm_dns_query query;
  struct pm_lookup *lookups;
  bool asked;      /* its query is under way, or its answer not yet told; held meanwhile */
  enum pm_err err; /* of the last query, as the reason */
  const char *reason;
  struct pm_time answered_at;
  struct pm_name *answered_next;
};

struct pm_resolver {
  struct pm_dns_channel *channel;
  struct pm_name_cache *names;
  uv_timer_t timer; /* deadlines of lookups, time-outs of the channel, answers to be told */
  struct pm_name *answered, *answered_last; /* in the order of the answers */
  size_t answered_count;
  uint64_t lookups_started;
  struct pm_lookup *first, *last; /* by deadline */
  bool closing;
  int parts; /* not yet closed */
  void (*closed)(void *owner);
  void *closed_owner;
};

static void on_timer(uv_timer_t *timer);

/* --- asking --------------------------------------------------------------------------------- */

static void ask(struct pm_resolver *resolver, struct pm_name *n) {
  n->asked = true;
  pm_name_entry_hold(&n->entry);
  pm_dns_channel_ask(resolver->channel, &n->query, n->entry.host, n);
}

/* What RFC 6761, 6.3 promises. c-ares keeps that promise only where a hosts file exists. */
static void fill_with_loopback(struct pm_name *n) {
  const struct pm_ip loopback[] = {
      pm_ip_from_bytes(PM_IP_V4, &(struct in_addr){htonl(INADDR_LOOPBACK)}),
      pm_ip_from_bytes(PM_IP_V6, &in6addr_loopback),
  };
  pm_name_entry_fill(&n->entry, loopback, 2, PM_RESOLVER_REUSE_S_MAX, n->answered_at);
}

/* It may come from inside ask, so it only takes the answer down; the timer tells it. */
static void on_answered(void *owner, void *query_owner, const struct pm_dns_answer *answer) {
  struct pm_resolver *resolver = owner;
  struct pm_name *n = query_owner;
  n->answered_at = pm_clock_now();
  n->err = answer->err;
  n->reason = answer->reason;
  if (answer->err == PM_OK) {
    pm_name_entry_fill(&n->entry, answer->addresses, answer->count, answer->ttl_s, n->answered_at);
  } else if (strcmp(n->entry.host, "localhost") == 0) {
    fill_with_loopback(n);
    n->err = PM_OK;
    n->reason = "";
  }
  n->answered_next = NULL;
  if (resolver->answered)
    resolver->answered_last->answered_next = n;
  else
    resolver->answered = n;
  resolver->answered_last = n;
  resolver->answered_count++;
}

/* --- waiting lookups ------------------------------------------------------------------------ */

/* Most lookups have the same time to live, so a new one nearly always belongs at the end. */
static void link_by_deadline(struct pm_resolver *resolver, struct pm_lookup *l) {
  struct pm_lookup *before = resolver->last;
  while (before && pm_time_before(l->deadline, before->deadline)) before = before->prev;
  l->prev = before;
  l->next = before ? before->next : resolver->first;
  if (l->next)
    l->next->prev = l;
  else
    resolver->last = l;
  if (before)
    before->next = l;
  else
    resolver->first = l;
}

static void link_to_name(struct pm_lookup *l, struct pm_name *n) {
  pm_name_entry_hold(&n->entry);
  l->name = n;
  l->name_prev = NULL;
  l->name_next = n->lookups;
  if (n->lookups) n->lookups->name_prev = l;
  n->lookups = l;
}

static void lookup_unlink(struct pm_resolver *resolver, struct pm_lookup *l) {
  struct pm_name *n = l->name;
  if (!n) return; /* not under way */
  if (l->prev)
    l->prev->next = l->next;
  else
    resolver->first = l->next;
  if (l->next)
    l->next->prev = l->prev;
  else
    resolver->last = l->prev;
  if (l->name_prev)
    l->name_prev->name_next = l->name_next;
  else
    n->lookups = l->name_next;
  if (l->name_next) l->name_next->name_prev = l->name_prev;
  l->name = NULL;
  pm_name_entry_release(&n->entry);
}

/* --- telling -------------------------------------------------------------------------------- */

/* The answer is a copy: the callback may bring about anything, a refreshed name included. */
static void tell(struct pm_resolver *resolver, struct pm_lookup *l) {
  const struct pm_name *n = l->name;
  struct pm_ip addresses[PM_RESOLVER_ADDRESSES_MAX];
  size_t count = n->err == PM_OK ? n->entry.count : 0;
  memcpy(addresses, n->entry.addresses, count * sizeof *addresses);
  int64_t took_ns = pm_time_since_ns(n->answered_at, l->started);
  struct pm_resolver_answer answer = {
      .err = n->err,
      .addresses = addresses,
      .count = count,
      .took_ns =
          took_ns > 0 ? took_ns : 0, /* it may have come between the answer and its telling */
      .reason = n->reason,
  };
  lookup_unlink(resolver, l);
  l->cb(l->owner, &answer);
}

static struct pm_lookup *lookup_before(const struct pm_name *n, uint64_t serial) {
  struct pm_lookup *l = n->lookups;
  while (l && l->serial >= serial) l = l->name_next;
  return l;
}

/* Exactly the names and lookups that are there now: a callback that asks again for the name that
 * has just failed waits for a query of its own, and the loop gets its turn in between. */
static void tell_answered(struct pm_resolver *resolver) {
  uint64_t serial = resolver->lookups_started;
  for (size_t left = resolver->answered_count; left > 0 && !resolver->closing; left--) {
    struct pm_name *n = resolver->answered;
    struct pm_lookup *l;
    while (!resolver->closing && (l = lookup_before(n, serial))) tell(resolver, l);
    if (resolver->closing) return;
    resolver->answered = n->answered_next;
    resolver->answered_count--;
    n->asked = false;
    pm_name_entry_release(&n->entry);
    if (n->lookups) ask(resolver, n);
  }
}

static void tell_overdue(struct pm_resolver *resolver) {
  struct pm_time now = pm_clock_now();
  while (!resolver->closing && resolver->first && !pm_time_before(now, resolver->first->deadline)) {
    struct pm_lookup *l = resolver->first;
    struct pm_resolver_answer answer = {.err = PM_ERR_TIMEOUT,
                                        .took_ns = pm_time_since_ns(now, l->started),
                                        .reason = "no answer in time"};
    lookup_unlink(resolver, l);
    l->cb(l->owner, &answer);
  }
}

/* --- the timer ------------------------------------------------------------------------------ */

/* When something has to be done next: at once for answers, else the nearer of two deadlines. */
static void timer_arm(struct pm_resolver *resolver) {
  int64_t wait_ms = pm_dns_channel_wait_ms(resolver->channel);
  if (resolver->first) {
    int64_t left_ns = pm_time_since_ns(resolver->first->deadline, pm_clock_now());
    int64_t left_ms = left_ns <= 0 ? 0 : (left_ns - 1) / PM_NS_PER_MS + 1;
    if (left_ms < wait_ms) wait_ms = left_ms;
  }
  if (resolver->answered) wait_ms = 0;
  if (wait_ms == INT64_MAX) {
    uv_timer_stop(&resolver->timer);
    return;
  }
  /* The loop's own idea of now may be old; a timer counts from it. */
  uv_update_time(resolver->timer.loop);
  uv_timer_start(&resolver->timer, on_timer, (uint64_t)wait_ms, 0);
}

static void on_worked(void *owner) {
  struct pm_resolver *resolver = owner;
  tell_answered(resolver);
  if (!resolver->closing) timer_arm(resolver);
}

static void on_timer(uv_timer_t *timer) {
  struct pm_resolver *resolver = timer->data;
  pm_dns_channel_process(resolver->channel);
  tell_overdue(resolver);
  on_worked(resolver);
}

/* --- life ----------------------------------------------------------------------------------- */

enum pm_err pm_resolver_open(struct uv_loop_s *loop, uint64_t key_seed, const char *name_servers,
                             struct pm_resolver **out, struct pm_why *why) {
  static const struct pm_dns_channel_hooks hooks = {.answered = on_answered, .worked = on_worked};
  struct pm_resolver *resolver = calloc(1, sizeof *resolver);
  if (!resolver) return PM_ERR_NOMEM;
  enum pm_err err =
      pm_name_cache_new(key_seed, PM_RESOLVER_NAMES_MAX, sizeof(struct pm_name), &resolver->names);
  if (err == PM_OK)
    err = pm_dns_channel_open(loop, name_servers, &hooks, resolver, &resolver->channel, why);
  if (err != PM_OK) {
    pm_name_cache_free(resolver->names);
    free(resolver);
    return err;
  }
  uv_timer_init(loop, &resolver->timer); /* cannot fail: it only fills the handle */
  resolver->timer.data = resolver;
  *out = resolver;
  return PM_OK;
}

static void on_part_closed(void *owner) {
  struct pm_resolver *resolver = owner;
  if (--resolver->parts > 0) return;
  void (*closed)(void *) = resolver->closed;
  void *closed_owner = resolver->closed_owner;
  pm_name_cache_free(resolver->names);
  free(resolver);
  if (closed) closed(closed_owner);
}

static void on_timer_closed(uv_handle_t *handle) {
  on_part_closed(handle->data);
}

void pm_resolver_close(struct pm_resolver *resolver, void (*closed)(void *owner), void *owner) {
  resolver->closing = true;
  resolver->closed = closed;
  resolver->closed_owner = owner;
  while (resolver->first) lookup_unlink(resolver, resolver->first);
  /* The channel may be closed at once, the timer only from the loop. */
  resolver->parts = 2;
  uv_close((uv_handle_t *)&resolver->timer, on_timer_closed);
  pm_dns_channel_close(resolver->channel, on_part_closed, resolver);
}

/* --- names and lookups ---------------------------------------------------------------------- */

const struct pm_ip *pm_resolver_cached(struct pm_resolver *resolver, const char *host,
                                       size_t *out_count) {
  struct pm_name_entry *entry = pm_name_cache_find(resolver->names, host);
  if (!entry || !pm_name_entry_is_fresh(entry, pm_clock_now())) return NULL;
  pm_name_cache_use(resolver->names, entry);
  *out_count = entry->count;
  return entry->addresses;
}

enum pm_err pm_resolver_start(struct pm_resolver *resolver, struct pm_lookup *lookup,
                              const char *host, int64_t timeout_ms, pm_resolver_cb cb,
                              void *owner) {
  struct pm_name_entry *entry;
  enum pm_err err = pm_name_cache_take(resolver->names, host, &entry);
  if (err != PM_OK) return err;
  struct pm_name *n = (struct pm_name *)entry;
  lookup->started = pm_clock_now();
  lookup->deadline = pm_time_add_ms(lookup->started, timeout_ms);
  lookup->cb = cb;
  lookup->owner = owner;
  lookup->serial = resolver->lookups_started++;
  link_by_deadline(resolver, lookup);
  link_to_name(lookup, n);
  if (!n->asked) ask(resolver, n);
  timer_arm(resolver);
  return PM_OK;
}

void pm_resolver_cancel(struct pm_resolver *resolver, struct pm_lookup *lookup) {
  lookup_unlink(resolver, lookup);
}

void pm_resolver_avoid(struct pm_resolver *resolver, const char *host, const struct pm_ip *ip) {
  struct pm_name_entry *entry = pm_name_cache_find(resolver->names, host);
  if (entry) pm_name_entry_avoid(entry, ip);
}

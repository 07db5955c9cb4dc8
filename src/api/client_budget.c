#include "api/client_budget.h"

#include <stdlib.h>
#include <string.h>

#include "gossip/auth.h"

enum {
  IDLE_MIN = 512,     /* addresses without a connection that are remembered at the least */
  V6_KEY_BYTES = 8,   /* a /64 */
  BUCKETS_FACTOR = 2, /* lists of one entry, mostly */
};

struct pm_client {
  struct pm_ip key;
  uint32_t open;
  int64_t full_at_ns; /* when all tokens are back */
  struct pm_client_place *first, *last;
  struct pm_client *next;           /* in its bucket, or of the free ones */
  struct pm_client *before, *after; /* among those without a connection, the latest last */
};

struct pm_clients {
  struct pm_clients_config config;
  int64_t step_ns; /* a token's; 0: no limit */
  struct pm_client *entries;
  struct pm_client *unused;
  struct pm_client *idle_first, *idle_last;
  struct pm_client **buckets;
  size_t buckets_count; /* a power of two */
  size_t count;
};

enum pm_err pm_clients_new(const struct pm_clients_config *config, struct pm_clients **out) {
  const size_t entries =
      config->connections_max +
      (config->connections_max > IDLE_MIN ? config->connections_max : (size_t)IDLE_MIN);
  struct pm_clients *clients = calloc(1, sizeof(*clients));
  if (clients == NULL) return PM_ERR_NOMEM;
  clients->config = *config;
  if (config->share_max == 0) clients->config.share_max = 1;
  if (config->burst == 0) clients->config.burst = 1; /* a newcomer always has his first request */
  if (config->requests_per_s > 0) clients->step_ns = PM_NS_PER_S / config->requests_per_s;
  clients->buckets_count = 1;
  while (clients->buckets_count < BUCKETS_FACTOR * entries) clients->buckets_count *= 2;
  clients->entries = calloc(entries, sizeof(*clients->entries));
  clients->buckets = calloc(clients->buckets_count, sizeof(struct pm_client *));
  if (clients->entries == NULL || clients->buckets == NULL) {
    pm_clients_free(clients);
    return PM_ERR_NOMEM;
  }
  for (size_t i = 0; i < entries; i++) {
    clients->entries[i].next = clients->unused;
    clients->unused = &clients->entries[i];
  }
  *out = clients;
  return PM_OK;
}

void pm_clients_free(struct pm_clients *clients) {
  if (clients == NULL) return;
  free(clients->buckets);
  free(clients->entries);
  free(clients);
}

/* ---- addresses ---- */

static struct pm_ip key_of(const struct pm_ip *ip) {
  struct pm_ip key = *ip;
  if (ip->family == PM_IP_V6) memset(key.bytes + V6_KEY_BYTES, 0, sizeof(key.bytes) - V6_KEY_BYTES);
  return key;
}

/* The machine itself, by the addresses that its programs use when they are told no other. */
static bool is_own(const struct pm_ip *ip) {
  static const struct pm_ip v4 = {PM_IP_V4, {127, 0, 0, 1}};
  static const struct pm_ip v6 = {PM_IP_V6, {[15] = 1}};
  return pm_ip_equal(ip, &v4) || pm_ip_equal(ip, &v6);
}

static struct pm_client **bucket_of(struct pm_clients *clients, const struct pm_ip *key) {
  const uint64_t hash = pm_siphash(clients->config.seed, key->bytes, sizeof(key->bytes));
  return &clients->buckets[hash & (clients->buckets_count - 1)];
}

static struct pm_client *find(struct pm_clients *clients, const struct pm_ip *key) {
  struct pm_client *client = *bucket_of(clients, key);
  while (client != NULL && !pm_ip_equal(&client->key, key)) client = client->next;
  return client;
}

static void leave_idle(struct pm_clients *clients, struct pm_client *client) {
  *(client->before != NULL ? &client->before->after : &clients->idle_first) = client->after;
  *(client->after != NULL ? &client->after->before : &clients->idle_last) = client->before;
  client->before = client->after = NULL;
}

static void join_idle(struct pm_clients *clients, struct pm_client *client) {
  client->before = clients->idle_last;
  *(client->before != NULL ? &client->before->after : &clients->idle_first) = client;
  clients->idle_last = client;
}

static void forget(struct pm_clients *clients, struct pm_client *client) {
  struct pm_client **at = bucket_of(clients, &client->key);
  while (*at != client) at = &(*at)->next;
  *at = client->next;
  leave_idle(clients, client);
  client->next = clients->unused;
  clients->unused = client;
  clients->count--;
}

/* Not in the list of the idle ones: it is about to have a connection. NULL only if there were more
 * connections than the table was made for. */
static struct pm_client *remember(struct pm_clients *clients, const struct pm_ip *key) {
  if (clients->unused == NULL && clients->idle_first != NULL) forget(clients, clients->idle_first);
  struct pm_client *client = clients->unused;
  if (client == NULL) return NULL;
  clients->unused = client->next;
  struct pm_client **bucket = bucket_of(clients, key);
  *client = (struct pm_client){.key = *key, .next = *bucket};
  *bucket = client;
  clients->count++;
  return client;
}

/* ---- places ---- */

static void unlink_place(struct pm_client *client, struct pm_client_place *place) {
  *(place->before != NULL ? &place->before->after : &client->first) = place->after;
  *(place->after != NULL ? &place->after->before : &client->last) = place->before;
}

static void append_place(struct pm_client *client, struct pm_client_place *place) {
  *place = (struct pm_client_place){.client = client, .before = client->last, .paid = place->paid};
  *(client->last != NULL ? &client->last->after : &client->first) = place;
  client->last = place;
}

/* ---- tokens ---- */

/* The generic cell rate algorithm: one time stands for the whole bucket. */
static bool pay(const struct pm_clients *clients, struct pm_client *client, struct pm_time now) {
  if (clients->step_ns == 0 || is_own(&client->key)) return true;
  const int64_t from_ns = client->full_at_ns > now.ns ? client->full_at_ns : now.ns;
  const int64_t then_ns = from_ns + clients->step_ns;
  if (then_ns - now.ns > clients->step_ns * (int64_t)clients->config.burst) return false;
  client->full_at_ns = then_ns;
  return true;
}

enum pm_client_verdict pm_clients_enter(struct pm_clients *clients, const struct pm_ip *ip,
                                        struct pm_time now, struct pm_client_place *place) {
  const struct pm_ip key = is_own(ip) ? *ip : key_of(ip);
  struct pm_client *client = find(clients, &key);
  const bool known = client != NULL;
  *place = (struct pm_client_place){0};
  if (!known) client = remember(clients, &key);
  if (client == NULL) return PM_CLIENT_SHARE;
  if (client->open >= clients->config.share_max && !is_own(&key)) return PM_CLIENT_SHARE;
  if (!pay(clients, client, now)) return PM_CLIENT_RATE;
  if (known && client->open == 0) leave_idle(clients, client);
  client->open++;
  place->paid = true;
  append_place(client, place);
  return PM_CLIENT_WELCOME;
}

void pm_clients_leave(struct pm_clients *clients, struct pm_client_place *place) {
  struct pm_client *client = place->client;
  if (client == NULL) return;
  unlink_place(client, place);
  *place = (struct pm_client_place){0};
  if (--client->open == 0) join_idle(clients, client);
}

struct pm_client_place *pm_clients_longest(struct pm_clients *clients, const struct pm_ip *ip) {
  const struct pm_ip key = is_own(ip) ? *ip : key_of(ip);
  const struct pm_client *client = find(clients, &key);
  return client != NULL ? client->first : NULL;
}

bool pm_clients_request(struct pm_clients *clients, struct pm_client_place *place,
                        struct pm_time now) {
  struct pm_client *client = place->client;
  if (client == NULL) return true;
  unlink_place(client, place);
  append_place(client, place);
  const bool paid = place->paid;
  place->paid = false;
  return paid || pay(clients, client, now);
}

size_t pm_clients_open_of(const struct pm_client_place *place) {
  return place->client != NULL ? place->client->open : 0;
}

size_t pm_clients_count(const struct pm_clients *clients) {
  return clients->count;
}

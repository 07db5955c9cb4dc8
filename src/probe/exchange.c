#include "probe/exchange.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "base/clock.h"
#include "base/secret.h"
#include "probe/curl_multi.h"
#include "probe/kernel.h"
#include "probe/resolver.h"
#include "probe/transfer.h"
#include "probe/trust.h"
#include "probe/verdict.h"

/* An id is a serial number above the index of its exchange, so that a late cancel finds that its
 * exchange is another one by now. */
enum { INDEX_BITS = 16 };

enum state {
  RESTING,
  LOOKING_UP,
  TRANSFERRING,
  FAILED, /* before anything was sent; the callback is due */
  TELLING,
};

struct exchange {
  struct pm_exchanger *exchanger;
  uint64_t id; /* 0 while it rests or its callback runs */
  uint32_t index;
  enum state state;
  struct pm_transfer transfer;
  struct pm_lookup lookup;
  struct exchange *next; /* of the resting or of the failed ones */
  bool connecting;       /* it is in the list of those */
  struct exchange *connecting_prev, *connecting_next;
  pm_exchange_cb cb;
  void *owner;

  /* of the request */
  char host[PM_HOST_BYTES];
  uint16_t port;
  bool host_is_ip;
  bool looked_up; /* the address is one of several, perhaps */
  enum pm_learned learned;
  struct pm_ip source;
  struct pm_exchange_limits limits;

  struct pm_time started;
  bool timeout_is_ours;
  int64_t run_delay_ns_before; /* of our thread, when it started */
  struct pm_sample sample;
  struct pm_why why;
};

/* Of our thread, read at most once in a millisecond of the loop's time. */
struct run_delay {
  int fd;
  uint64_t read_at_ms;
  int64_t ns;
};

struct pm_exchanger {
  struct pm_exchanger_config config;
  struct pm_transfer_config transfer_config;
  struct pm_curl_multi *multi;
  struct pm_resolver *resolver;
  struct run_delay run_delay;
  /* Whose sockets are not known to be connected, in the order of their beginnings. */
  struct exchange *connecting_first, *connecting_last;
  int64_t patience_ns_min; /* the least that any of them ever had */
  int stamping_fd;         /* keeps the kernel's receive stamps switched on */
  uv_timer_t soon;         /* ends failed exchanges outside of their start */
  struct exchange **exchanges;
  uint32_t count; /* of them, resting ones included */
  struct exchange *resting;
  struct exchange *failed; /* in the order of failing; a tick may bring thousands */
  struct exchange **failed_end;
  size_t in_flight;
  uint64_t serial;
  bool closing;
  int parts; /* not yet closed */
  void (*closed)(void *owner);
  void *closed_owner;
};

/* --- the pool ------------------------------------------------------------------------------- */

static enum pm_err exchange_new(struct pm_exchanger *exchanger, struct exchange **out) {
  struct exchange *e = calloc(1, sizeof *e);
  if (!e) return PM_ERR_NOMEM;
  if (pm_transfer_init(&e->transfer, &exchanger->transfer_config, e) != PM_OK) {
    free(e);
    return PM_ERR_NOMEM;
  }
  e->exchanger = exchanger;
  e->index = exchanger->count;
  exchanger->exchanges[exchanger->count++] = e;
  *out = e;
  return PM_OK;
}

static enum pm_err exchange_take(struct pm_exchanger *exchanger, struct exchange **out) {
  struct exchange *e = exchanger->resting;
  if (e) {
    exchanger->resting = e->next;
  } else {
    enum pm_err err = exchange_new(exchanger, &e);
    if (err != PM_OK) return err;
  }
  e->id = ++exchanger->serial << INDEX_BITS | e->index;
  exchanger->in_flight++;
  *out = e;
  return PM_OK;
}

/* No longer in flight: neither counted nor found by its id. */
static void exchange_retire(struct exchange *e) {
  e->id = 0;
  e->exchanger->in_flight--;
}

/* The last used is the next used: its memory is warm, and a peak leaves the others untouched. */
static void exchange_rest(struct exchange *e) {
  pm_transfer_rest(&e->transfer);
  e->state = RESTING;
  e->next = e->exchanger->resting;
  e->exchanger->resting = e;
}

static struct exchange *exchange_by_id(const struct pm_exchanger *exchanger, uint64_t id) {
  uint64_t index = id & ((1u << INDEX_BITS) - 1);
  if (id == 0 || index >= exchanger->count || exchanger->exchanges[index]->id != id) return NULL;
  return exchanger->exchanges[index];
}

/* --- endings -------------------------------------------------------------------------------- */

static int64_t run_delay_ns(struct pm_exchanger *exchanger) {
  struct run_delay *delay = &exchanger->run_delay;
  uint64_t now_ms = uv_now(exchanger->soon.loop);
  if (delay->fd < 0 || now_ms == delay->read_at_ms) return delay->ns;
  delay->read_at_ms = now_ms;
  delay->ns = pm_kernel_run_delay_ns(delay->fd);
  return delay->ns;
}

static void tell(struct exchange *e) {
  exchange_retire(e);
  e->state = TELLING;
  e->sample.run_delay_ns = run_delay_ns(e->exchanger) - e->run_delay_ns_before;
  e->sample.verdict = e->timeout_is_ours ? PM_VERDICT_STARVED : pm_verdict_of(&e->sample);
  e->sample.ended = pm_clock_now();
  struct pm_exchange_result result = {
      .sample = e->sample,
      .body = e->transfer.body.data,
      .body_bytes = e->transfer.body.len,
      .header = e->transfer.header,
      .long_header = e->transfer.long_header.data,
      .detail = e->why.text,
  };
  e->cb(e->owner, &result);
  exchange_rest(e);
}

static void forget_failed(struct exchange *e) {
  struct exchange **at = &e->exchanger->failed;
  while (*at != e) at = &(*at)->next;
  *at = e->next;
  if (!e->next) e->exchanger->failed_end = at;
}

/* Only as many as there are now: a callback may start one that fails at once, too. */
static void on_soon(uv_timer_t *timer) {
  struct pm_exchanger *exchanger = timer->data;
  size_t count = 0;
  for (struct exchange *e = exchanger->failed; e; e = e->next) count++;
  for (; count > 0 && exchanger->failed && !exchanger->closing; count--) {
    struct exchange *e = exchanger->failed;
    forget_failed(e);
    tell(e);
  }
  if (exchanger->failed && !exchanger->closing) uv_timer_start(&exchanger->soon, on_soon, 0, 0);
}

static void fail_soon(struct exchange *e, enum pm_outcome outcome) {
  struct pm_exchanger *exchanger = e->exchanger;
  e->state = FAILED;
  e->sample.outcome = outcome;
  e->next = NULL;
  *exchanger->failed_end = e;
  exchanger->failed_end = &e->next;
  if (!uv_is_active((uv_handle_t *)&exchanger->soon))
    uv_timer_start(&exchanger->soon, on_soon, 0, 0);
}

enum { WHERE_BYTES = PM_HOST_PORT_BYTES + PM_IP_TEXT_BYTES + 4 };

/* "127.0.0.1:80", "[::1]:80", "name:80", or "name:80 (127.0.0.1)" once the address is known. */
static void where(const struct exchange *e, char out[WHERE_BYTES]) {
  bool v6 = strchr(e->host, ':') != NULL;
  char ip[PM_IP_TEXT_BYTES];
  pm_ip_text(&e->sample.remote, ip);
  bool name = ip[0] && strcmp(ip, e->host) != 0;
  snprintf(out, WHERE_BYTES, "%s%s%s:%u%s%s%s", v6 ? "[" : "", e->host, v6 ? "]" : "", e->port,
           name ? " (" : "", name ? ip : "", name ? ")" : "");
}

static void explain(struct exchange *e, CURLcode code) {
  char place[WHERE_BYTES];
  where(e, place);
  e->sample.outcome = pm_transfer_outcome(&e->transfer, code, place, &e->why);
  int64_t delay_ns = run_delay_ns(e->exchanger) - e->run_delay_ns_before;
  if (pm_transfer_timeout_is_ours(&e->transfer, code, delay_ns)) {
    e->timeout_is_ours = true;
    e->sample.outcome = PM_OUTCOME_INTERNAL;
    pm_why_set(&e->why, PM_OK, "%s: this node got no processor in time to see an answer", place);
    return;
  }
  if (e->looked_up && !pm_transfer_connected(&e->transfer))
    pm_resolver_avoid(e->exchanger->resolver, e->host, &e->sample.remote);
}

/* --- looking at connections ----------------------------------------------------------------- */

static void connecting_join(struct exchange *e) {
  struct pm_exchanger *exchanger = e->exchanger;
  if (e->connecting) return;
  e->connecting = true;
  e->connecting_next = NULL;
  e->connecting_prev = exchanger->connecting_last;
  if (e->connecting_prev)
    e->connecting_prev->connecting_next = e;
  else
    exchanger->connecting_first = e;
  exchanger->connecting_last = e;
}

static void connecting_leave(struct exchange *e) {
  struct pm_exchanger *exchanger = e->exchanger;
  if (!e->connecting) return;
  e->connecting = false;
  if (e->connecting_prev)
    e->connecting_prev->connecting_next = e->connecting_next;
  else
    exchanger->connecting_first = e->connecting_next;
  if (e->connecting_next)
    e->connecting_next->connecting_prev = e->connecting_prev;
  else
    exchanger->connecting_last = e->connecting_prev;
}

static void on_socket_event(void *socket_owner, int fd, const struct pm_curl_multi_event *event) {
  struct exchange *e = socket_owner;
  (void)fd;
  connecting_leave(e);
  pm_trace_event(&e->transfer.trace, event->readable, event->broken);
}

static void on_socket_handled(void *socket_owner) {
  struct exchange *e = socket_owner;
  pm_trace_handled(&e->transfer.trace);
}

static void on_socket_closing(void *socket_owner, int fd) {
  struct exchange *e = socket_owner;
  (void)fd;
  connecting_leave(e);
  pm_trace_ending(&e->transfer.trace);
}

/* Only those of the list can be overdue that are older than the least patient one may be, and the
 * oldest are at its beginning. */
static void on_timing_out(void *owner) {
  struct pm_exchanger *exchanger = owner;
  if (!exchanger->connecting_first) return;
  struct pm_time now = pm_clock_now();
  struct exchange *next;
  for (struct exchange *e = exchanger->connecting_first; e; e = next) {
    next = e->connecting_next;
    int64_t age_ns = pm_time_since_ns(now, e->transfer.trace.begun);
    if (age_ns < exchanger->patience_ns_min - PM_NS_PER_MS) break;
    if (!pm_trace_is_overdue(&e->transfer.trace, now)) continue;
    connecting_leave(e);
    pm_trace_ending(&e->transfer.trace);
  }
}

static void on_transfer_done(void *owner, CURL *easy, CURLcode code) {
  struct exchange *e = NULL;
  (void)owner;
  curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&e);
  connecting_leave(e);
  pm_transfer_read(&e->transfer, code, &e->sample);
  if (!pm_transfer_succeeded(&e->transfer, code)) explain(e, code);
  tell(e);
}

/* --- from request to transfer --------------------------------------------------------------- */

static int64_t left_ms(const struct exchange *e) {
  int64_t spent_ns = pm_time_since_ns(pm_clock_now(), e->started);
  return e->limits.total_ms - spent_ns / PM_NS_PER_MS;
}

/* All https in one: the parsed authorities are a megabyte for each that has any, and it is not the
 * walk through its hosts that an https probe spends its time with. */
static unsigned shard_of(const struct exchange *e) {
  return e->sample.tls ? 0 : 1 + e->index % (PM_CURL_MULTI_SHARDS_MAX - 1);
}

static void launch(struct exchange *e, const struct pm_ip *ip) {
  struct pm_exchanger *exchanger = e->exchanger;
  e->sample.remote = *ip;
  int64_t total_ms = e->looked_up ? left_ms(e) : e->limits.total_ms;
  int64_t connect_ms = e->limits.connect_ms < total_ms ? e->limits.connect_ms : total_ms;
  enum pm_err err =
      pm_transfer_connect_to(&e->transfer, e->host_is_ip ? NULL : ip, connect_ms, total_ms);
  if (err == PM_OK) err = pm_curl_multi_add(exchanger->multi, shard_of(e), e->transfer.easy);
  e->state = TRANSFERRING;
  if (err == PM_OK) {
    const struct pm_trace *trace = &e->transfer.trace;
    if (!trace->on) return;
    connecting_join(e);
    if (trace->patience_ns < exchanger->patience_ns_min)
      exchanger->patience_ns_min = trace->patience_ns;
    return;
  }
  pm_why_set(&e->why, err, "request to %s: %s", e->host, pm_err_text(err));
  fail_soon(e, PM_OUTCOME_INTERNAL);
}

static bool bind_reaches(const struct pm_exchanger *exchanger, const struct pm_ip *ip) {
  return exchanger->config.bind.family == PM_IP_NONE || exchanger->config.bind.family == ip->family;
}

/* A host beside an address that came with the target is only a claim. */
static enum pm_policy_verdict judge(const struct pm_policy *policy, bool overridden,
                                    enum pm_learned learned, const struct pm_ip *source,
                                    const char *host, const struct pm_ip *ip) {
  return overridden ? pm_policy_check_override(policy, learned, source, host, ip)
                    : pm_policy_check(policy, learned, source, host, ip);
}

/* The first address that may and can be connected to. */
static void choose(struct exchange *e, const struct pm_ip *addresses, size_t count) {
  const struct pm_exchanger *exchanger = e->exchanger;
  char text[PM_IP_TEXT_BYTES];
  enum pm_policy_verdict refused = PM_POLICY_ALLOWED;
  size_t refused_at = 0;
  for (size_t i = 0; i < count; i++) {
    const struct pm_ip *ip = &addresses[i];
    enum pm_policy_verdict verdict =
        judge(exchanger->config.policy, !e->looked_up && !e->host_is_ip, e->learned, &e->source,
              e->host, ip);
    if (verdict == PM_POLICY_ALLOWED && bind_reaches(exchanger, ip)) {
      launch(e, ip);
      return;
    }
    if (verdict == PM_POLICY_ALLOWED || refused != PM_POLICY_ALLOWED) continue;
    refused = verdict;
    refused_at = i;
  }
  if (refused != PM_POLICY_ALLOWED) {
    pm_ip_text(&addresses[refused_at], text);
    pm_why_set(&e->why, PM_OK, "%s (%s) may not be probed: %s", e->host, text,
               pm_policy_text(refused));
    fail_soon(e, PM_OUTCOME_POLICY);
    return;
  }
  pm_ip_text(&exchanger->config.bind, text);
  pm_why_set(&e->why, PM_OK, "connect to %s: it has no address of the family of %s, our source",
             e->host, text);
  fail_soon(e, PM_OUTCOME_CONNECT);
}

static void on_looked_up(void *owner, const struct pm_resolver_answer *answer) {
  struct exchange *e = owner;
  e->sample.phase_ns[PM_PHASE_DNS] = answer->took_ns;
  if (answer->err != PM_OK) {
    pm_why_set(&e->why, answer->err, "lookup of %s: %s", e->host, answer->reason);
    fail_soon(e, answer->err == PM_ERR_NOMEM ? PM_OUTCOME_INTERNAL : PM_OUTCOME_LOOKUP);
    return;
  }
  choose(e, answer->addresses, answer->count);
}

static void look_up(struct exchange *e) {
  struct pm_exchanger *exchanger = e->exchanger;
  size_t count;
  const struct pm_ip *cached = pm_resolver_cached(exchanger->resolver, e->host, &count);
  if (cached) {
    choose(e, cached, count);
    return;
  }
  int64_t timeout_ms =
      e->limits.lookup_ms < e->limits.total_ms ? e->limits.lookup_ms : e->limits.total_ms;
  e->state = LOOKING_UP;
  enum pm_err err =
      pm_resolver_start(exchanger->resolver, &e->lookup, e->host, timeout_ms, on_looked_up, e);
  if (err == PM_OK) return;
  pm_why_set(&e->why, err, "lookup of %s: %s", e->host, pm_err_text(err));
  fail_soon(e, PM_OUTCOME_INTERNAL);
}

static void exchange_fill(struct exchange *e, const struct pm_exchange_request *request) {
  const struct pm_endpoint *endpoint = request->endpoint;
  snprintf(e->host, sizeof e->host, "%s", endpoint->host);
  e->port = endpoint->port;
  bool overridden = endpoint->ip_override.family != PM_IP_NONE;
  e->host_is_ip = endpoint->host_is_ip && !overridden;
  e->looked_up = !endpoint->host_is_ip && !overridden;
  e->learned = request->learned;
  e->source = request->source;
  e->limits = request->limits;
  e->started = pm_clock_now();
  e->timeout_is_ours = false;
  e->run_delay_ns_before = run_delay_ns(e->exchanger);
  e->sample = (struct pm_sample){.at = pm_clock_wall(), .tls = endpoint->https};
  e->why.text[0] = '\0';
}

enum pm_err pm_exchange_start(struct pm_exchanger *exchanger,
                              const struct pm_exchange_request *request, pm_exchange_cb cb,
                              void *owner, uint64_t *out_id) {
  if (exchanger->closing) return PM_ERR_CLOSED;
  if (exchanger->in_flight >= exchanger->config.in_flight_max) return PM_ERR_FULL;
  struct exchange *e;
  enum pm_err err = exchange_take(exchanger, &e);
  if (err != PM_OK) return err;
  err = pm_transfer_aim(&e->transfer, request);
  if (err != PM_OK) {
    exchange_retire(e);
    exchange_rest(e);
    return err;
  }
  exchange_fill(e, request);
  e->cb = cb;
  e->owner = owner;
  *out_id = e->id;
  const struct pm_endpoint *endpoint = request->endpoint;
  if (e->looked_up)
    look_up(e);
  else
    choose(e, e->host_is_ip ? &endpoint->host_ip : &endpoint->ip_override, 1);
  return PM_OK;
}

void pm_exchange_cancel(struct pm_exchanger *exchanger, uint64_t id) {
  struct exchange *e = exchange_by_id(exchanger, id);
  if (!e) return;
  if (e->state == LOOKING_UP) pm_resolver_cancel(exchanger->resolver, &e->lookup);
  if (e->state == TRANSFERRING)
    pm_curl_multi_remove(exchanger->multi, shard_of(e), e->transfer.easy);
  connecting_leave(e);
  if (e->state == FAILED) forget_failed(e);
  exchange_retire(e);
  exchange_rest(e);
}

struct pm_resolver *pm_exchanger_resolver(struct pm_exchanger *exchanger) {
  return exchanger->resolver;
}

size_t pm_exchange_in_flight(const struct pm_exchanger *exchanger) {
  return exchanger->in_flight;
}

enum pm_err pm_exchanger_check(const struct pm_exchanger *exchanger,
                               const struct pm_endpoint *endpoint, enum pm_learned learned,
                               const struct pm_ip *source, struct pm_why *why) {
  bool overridden = endpoint->ip_override.family != PM_IP_NONE;
  if (!overridden && !endpoint->host_is_ip) return PM_OK;
  const struct pm_ip *ip = overridden ? &endpoint->ip_override : &endpoint->host_ip;
  enum pm_policy_verdict verdict =
      judge(exchanger->config.policy, overridden, learned, source, endpoint->host, ip);
  if (verdict == PM_POLICY_ALLOWED) return PM_OK;
  char text[PM_IP_TEXT_BYTES];
  pm_ip_text(ip, text);
  return pm_why_set(why, PM_ERR_DENIED, "%s (%s) may not be probed: %s", endpoint->url, text,
                    pm_policy_text(verdict));
}

/* --- life ----------------------------------------------------------------------------------- */

static void exchanger_free(struct pm_exchanger *exchanger) {
  for (uint32_t i = 0; exchanger->exchanges && i < exchanger->count; i++) {
    pm_transfer_deinit(&exchanger->exchanges[i]->transfer);
    free(exchanger->exchanges[i]);
  }
  free(exchanger->exchanges);
  curl_slist_free_all(exchanger->transfer_config.headers);
  if (exchanger->stamping_fd >= 0) close(exchanger->stamping_fd);
  if (exchanger->run_delay.fd >= 0) close(exchanger->run_delay.fd);
  curl_global_cleanup();
  free(exchanger);
}

static void on_part_closed(void *owner) {
  struct pm_exchanger *exchanger = owner;
  if (--exchanger->parts > 0) return;
  void (*closed)(void *) = exchanger->closed;
  void *closed_owner = exchanger->closed_owner;
  exchanger_free(exchanger);
  if (closed) closed(closed_owner);
}

static void on_soon_closed(uv_handle_t *handle) {
  on_part_closed(handle->data);
}

void pm_exchanger_close(struct pm_exchanger *exchanger, void (*closed)(void *owner), void *owner) {
  if (exchanger->closing) return;
  exchanger->closing = true;
  exchanger->closed = closed;
  exchanger->closed_owner = owner;
  for (uint32_t i = 0; i < exchanger->count; i++)
    pm_exchange_cancel(exchanger, exchanger->exchanges[i]->id);
  exchanger->parts = 3;
  uv_close((uv_handle_t *)&exchanger->soon, on_soon_closed);
  pm_resolver_close(exchanger->resolver, on_part_closed, exchanger);
  pm_curl_multi_close(exchanger->multi, on_part_closed, exchanger);
}

/* The parts that do not live on the loop. */
static enum pm_err exchanger_new(const struct pm_exchanger_config *config,
                                 struct pm_exchanger **out, struct pm_why *why) {
  const char *ca_file;
  enum pm_err err = pm_trust_file(config->ca_file, &ca_file, why);
  if (err != PM_OK) return err;
  struct pm_exchanger *exchanger = calloc(1, sizeof *exchanger);
  if (!exchanger || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
    free(exchanger);
    return PM_ERR_NOMEM;
  }
  exchanger->config = *config;
  exchanger->failed_end = &exchanger->failed;
  exchanger->patience_ns_min = INT64_MAX;
  /* One more than in flight: the one whose callback runs is out of flight, but not at rest. */
  exchanger->exchanges = calloc(config->in_flight_max + 1, sizeof(struct exchange *));
  exchanger->transfer_config = (struct pm_transfer_config){
      .header_kept = config->header_kept,
      .long_header_kept = config->long_header_kept,
      .ca_file = ca_file,
      .cert_file = config->cert_file,
      .key_file = config->key_file,
      .user_agent = config->user_agent,
      .headers = curl_slist_append(NULL, "Connection: close"),
      .bind = config->bind,
      .kernel_timing = !config->without_kernel_timing,
  };
  exchanger->stamping_fd = config->without_kernel_timing ? -1 : pm_kernel_stamping_open();
  exchanger->run_delay.fd = config->without_kernel_timing ? -1 : pm_kernel_run_delay_open();
  if (!exchanger->exchanges || !exchanger->transfer_config.headers) {
    exchanger_free(exchanger);
    return PM_ERR_NOMEM;
  }
  *out = exchanger;
  return PM_OK;
}

static enum pm_err exchanger_start(struct pm_exchanger *exchanger, struct uv_loop_s *loop,
                                   struct pm_why *why) {
  uint64_t seed;
  enum pm_err err = pm_secret_fill(&seed, sizeof seed);
  if (err == PM_OK)
    err = pm_resolver_open(loop, seed, exchanger->config.name_servers, &exchanger->resolver, why);
  if (err != PM_OK) return err;
  static const struct pm_curl_multi_hooks bare = {.done = on_transfer_done};
  static const struct pm_curl_multi_hooks looking = {
      .done = on_transfer_done,
      .socket_event = on_socket_event,
      .socket_handled = on_socket_handled,
      .socket_closing = on_socket_closing,
      .timing_out = on_timing_out,
  };
  bool looks = exchanger->transfer_config.kernel_timing;
  err = pm_curl_multi_open(loop, PM_CURL_MULTI_SHARDS_MAX, looks ? &looking : &bare, exchanger,
                           &exchanger->multi, why);
  if (err != PM_OK) {
    pm_resolver_close(exchanger->resolver, NULL, NULL);
    return err;
  }
  exchanger->transfer_config.multi = exchanger->multi;
  uv_timer_init(loop, &exchanger->soon);
  exchanger->soon.data = exchanger;
  return PM_OK;
}

enum pm_err pm_exchanger_open(struct uv_loop_s *loop, const struct pm_exchanger_config *config,
                              struct pm_exchanger **out, struct pm_why *why) {
  if (config->in_flight_max == 0 || config->in_flight_max > PM_EXCHANGES_IN_FLIGHT_MAX)
    return pm_why_set(why, PM_ERR_RANGE, "%zu requests at once: 1 to %d are possible",
                      config->in_flight_max, PM_EXCHANGES_IN_FLIGHT_MAX);
  struct pm_exchanger *exchanger;
  enum pm_err err = exchanger_new(config, &exchanger, why);
  if (err != PM_OK) return err;
  err = exchanger_start(exchanger, loop, why);
  if (err != PM_OK) {
    exchanger_free(exchanger);
    return err;
  }
  *out = exchanger;
  return PM_OK;
}

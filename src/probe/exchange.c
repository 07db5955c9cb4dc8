#include "probe/exchange.h"

#include <stdio.h>
#include <string.h>

#include "probe/exchange_parts.h"
#include "probe/verdict.h"

/* --- endings -------------------------------------------------------------------------------- */

static int64_t run_delay_ns(struct pm_exchanger *exchanger) {
  return pm_run_delay_ns(&exchanger->run_delay, uv_now(exchanger->soon.loop));
}

static void tell(struct pm_exchange *e) {
  struct pm_exchange_pool *pool = &e->exchanger->pool;
  pm_exchange_pool_retire(pool, e);
  e->state = PM_EXCHANGE_TELLING;
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
  pm_exchange_pool_rest(pool, e);
}

static void forget_failed(struct pm_exchange *e) {
  struct pm_exchange **at = &e->exchanger->failed;
  while (*at != e) at = &(*at)->next;
  *at = e->next;
  if (!e->next) e->exchanger->failed_end = at;
}

/* Only as many as there are now: a callback may start one that fails at once, too. */
static void on_soon(uv_timer_t *timer) {
  struct pm_exchanger *exchanger = timer->data;
  size_t count = 0;
  for (struct pm_exchange *e = exchanger->failed; e; e = e->next) count++;
  for (; count > 0 && exchanger->failed && !exchanger->closing; count--) {
    struct pm_exchange *e = exchanger->failed;
    forget_failed(e);
    tell(e);
  }
  if (exchanger->failed && !exchanger->closing) uv_timer_start(&exchanger->soon, on_soon, 0, 0);
}

static void fail_soon(struct pm_exchange *e, enum pm_outcome outcome) {
  struct pm_exchanger *exchanger = e->exchanger;
  e->state = PM_EXCHANGE_FAILED;
  e->sample.outcome = outcome;
  e->next = NULL;
  *exchanger->failed_end = e;
  exchanger->failed_end = &e->next;
  if (!uv_is_active((uv_handle_t *)&exchanger->soon))
    uv_timer_start(&exchanger->soon, on_soon, 0, 0);
}

enum { WHERE_BYTES = PM_HOST_PORT_BYTES + PM_IP_TEXT_BYTES + 4 };

/* "127.0.0.1:80", "[::1]:80", "name:80", or "name:80 (127.0.0.1)" once the address is known. */
static void where(const struct pm_exchange *e, char out[WHERE_BYTES]) {
  bool v6 = strchr(e->host, ':') != NULL;
  char ip[PM_IP_TEXT_BYTES];
  pm_ip_text(&e->sample.remote, ip);
  bool name = ip[0] && strcmp(ip, e->host) != 0;
  snprintf(out, WHERE_BYTES, "%s%s%s:%u%s%s%s", v6 ? "[" : "", e->host, v6 ? "]" : "", e->port,
           name ? " (" : "", name ? ip : "", name ? ")" : "");
}

static void explain(struct pm_exchange *e, CURLcode code) {
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
  if (e->origin == PM_ADDRESS_ORIGIN_LOOKUP && !pm_transfer_connected(&e->transfer))
    pm_resolver_avoid(e->exchanger->resolver, e->host, &e->sample.remote);
}

/* --- what libcurl's binding tells ----------------------------------------------------------- */

static void no_longer_connecting(struct pm_exchange *e) {
  pm_connecting_leave(&e->exchanger->connecting, &e->connecting);
}

static void on_socket_event(void *socket_owner, int fd, const struct pm_curl_multi_event *event) {
  struct pm_exchange *e = socket_owner;
  (void)fd;
  no_longer_connecting(e);
  pm_trace_event(&e->transfer.trace, event->readable, event->broken);
}

static void on_socket_handled(void *socket_owner) {
  struct pm_exchange *e = socket_owner;
  pm_trace_handled(&e->transfer.trace);
}

static void on_socket_closing(void *socket_owner, int fd) {
  struct pm_exchange *e = socket_owner;
  (void)fd;
  no_longer_connecting(e);
  pm_trace_ending(&e->transfer.trace);
}

static void on_timing_out(void *owner) {
  struct pm_exchanger *exchanger = owner;
  if (pm_connecting_is_empty(&exchanger->connecting)) return;
  pm_connecting_end_overdue(&exchanger->connecting, pm_clock_now());
}

static void on_transfer_done(void *owner, CURL *easy, CURLcode code) {
  struct pm_exchange *e = NULL;
  (void)owner;
  curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&e);
  no_longer_connecting(e);
  pm_transfer_read(&e->transfer, code, &e->sample);
  if (!pm_transfer_succeeded(&e->transfer, code)) explain(e, code);
  tell(e);
}

const struct pm_curl_multi_hooks *pm_exchange_hooks(bool looking) {
  static const struct pm_curl_multi_hooks bare = {.done = on_transfer_done};
  static const struct pm_curl_multi_hooks all = {
      .done = on_transfer_done,
      .socket_event = on_socket_event,
      .socket_handled = on_socket_handled,
      .socket_closing = on_socket_closing,
      .timing_out = on_timing_out,
  };
  return looking ? &all : &bare;
}

/* --- from request to transfer --------------------------------------------------------------- */

static int64_t left_ms(const struct pm_exchange *e) {
  int64_t spent_ns = pm_time_since_ns(pm_clock_now(), e->started);
  return e->limits.total_ms - spent_ns / PM_NS_PER_MS;
}

/* All https in one: the parsed authorities are a megabyte for each that has any, and it is not the
 * walk through its hosts that an https probe spends its time with. */
static unsigned shard_of(const struct pm_exchange *e) {
  return e->sample.tls ? 0 : 1 + e->index % (PM_CURL_MULTI_SHARDS_MAX - 1);
}

static enum pm_err begin_transfer(struct pm_exchange *e, const struct pm_ip *ip) {
  bool url_names_it = e->origin == PM_ADDRESS_ORIGIN_HOST;
  int64_t total_ms = e->origin == PM_ADDRESS_ORIGIN_LOOKUP ? left_ms(e) : e->limits.total_ms;
  int64_t connect_ms = e->limits.connect_ms < total_ms ? e->limits.connect_ms : total_ms;
  enum pm_err err =
      pm_transfer_connect_to(&e->transfer, url_names_it ? NULL : ip, connect_ms, total_ms);
  if (err != PM_OK) return err;
  return pm_curl_multi_add(e->exchanger->multi, shard_of(e), e->transfer.easy);
}

static void launch(struct pm_exchange *e, const struct pm_ip *ip) {
  struct pm_trace *trace = &e->transfer.trace;
  e->sample.remote = *ip;
  enum pm_err err = begin_transfer(e, ip);
  if (err != PM_OK) {
    pm_why_set(&e->why, err, "request to %s: %s", e->host, pm_err_text(err));
    fail_soon(e, PM_OUTCOME_INTERNAL);
    return;
  }
  e->state = PM_EXCHANGE_TRANSFERRING;
  if (trace->on) pm_connecting_join(&e->exchanger->connecting, &e->connecting, trace);
}

static void choose(struct pm_exchange *e, const struct pm_ip *addresses, size_t count) {
  const struct pm_exchanger_config *config = &e->exchanger->config;
  const struct pm_address_choice choice = {
      .policy = config->policy,
      .bind = &config->bind,
      .host = e->host,
      .called = e->host,
      .origin = e->origin,
      .learned = e->learned,
      .source = &e->source,
  };
  const struct pm_ip *ip;
  enum pm_err err = pm_address_choose(&choice, addresses, count, &ip, &e->why);
  if (err == PM_OK)
    launch(e, ip);
  else
    fail_soon(e, err == PM_ERR_DENIED ? PM_OUTCOME_POLICY : PM_OUTCOME_CONNECT);
}

static void on_looked_up(void *owner, const struct pm_resolver_answer *answer) {
  struct pm_exchange *e = owner;
  e->sample.phase_ns[PM_PHASE_DNS] = answer->took_ns;
  if (answer->err != PM_OK) {
    pm_why_set(&e->why, answer->err, "lookup of %s: %s", e->host, answer->reason);
    fail_soon(e, answer->err == PM_ERR_NOMEM ? PM_OUTCOME_INTERNAL : PM_OUTCOME_LOOKUP);
    return;
  }
  choose(e, answer->addresses, answer->count);
}

static void look_up(struct pm_exchange *e) {
  struct pm_resolver *resolver = e->exchanger->resolver;
  size_t count;
  const struct pm_ip *cached = pm_resolver_cached(resolver, e->host, &count);
  if (cached) {
    choose(e, cached, count);
    return;
  }
  int64_t timeout_ms =
      e->limits.lookup_ms < e->limits.total_ms ? e->limits.lookup_ms : e->limits.total_ms;
  e->state = PM_EXCHANGE_LOOKING_UP;
  enum pm_err err = pm_resolver_start(resolver, &e->lookup, e->host, timeout_ms, on_looked_up, e);
  if (err == PM_OK) return;
  pm_why_set(&e->why, err, "lookup of %s: %s", e->host, pm_err_text(err));
  fail_soon(e, PM_OUTCOME_INTERNAL);
}

static void fill(struct pm_exchange *e, const struct pm_exchange_request *request) {
  const struct pm_endpoint *endpoint = request->endpoint;
  snprintf(e->host, sizeof e->host, "%s", endpoint->host);
  e->port = endpoint->port;
  e->learned = request->learned;
  e->source = request->source;
  e->limits = request->limits;
  e->started = pm_clock_now();
  e->timeout_is_ours = false;
  e->run_delay_ns_before = run_delay_ns(e->exchanger);
  e->sample = (struct pm_sample){.at = pm_clock_wall(), .tls = endpoint->https};
  e->why.text[0] = '\0';
}

/* --- the interface -------------------------------------------------------------------------- */

enum pm_err pm_exchange_start(struct pm_exchanger *exchanger,
                              const struct pm_exchange_request *request, pm_exchange_cb cb,
                              void *owner, uint64_t *out_id) {
  if (exchanger->closing) return PM_ERR_CLOSED;
  struct pm_exchange *e;
  enum pm_err err = pm_exchange_pool_take(&exchanger->pool, &e);
  if (err != PM_OK) return err;
  err = pm_transfer_aim(&e->transfer, request);
  if (err != PM_OK) {
    pm_exchange_pool_retire(&exchanger->pool, e);
    pm_exchange_pool_rest(&exchanger->pool, e);
    return err;
  }
  fill(e, request);
  e->cb = cb;
  e->owner = owner;
  *out_id = e->id;
  const struct pm_ip *written;
  e->origin = pm_address_origin_of(request->endpoint, &written);
  if (written)
    choose(e, written, 1);
  else
    look_up(e);
  return PM_OK;
}

void pm_exchange_cancel(struct pm_exchanger *exchanger, uint64_t id) {
  struct pm_exchange *e = pm_exchange_pool_by_id(&exchanger->pool, id);
  if (!e) return;
  if (e->state == PM_EXCHANGE_LOOKING_UP) pm_resolver_cancel(exchanger->resolver, &e->lookup);
  if (e->state == PM_EXCHANGE_TRANSFERRING)
    pm_curl_multi_remove(exchanger->multi, shard_of(e), e->transfer.easy);
  no_longer_connecting(e);
  if (e->state == PM_EXCHANGE_FAILED) forget_failed(e);
  pm_exchange_pool_retire(&exchanger->pool, e);
  pm_exchange_pool_rest(&exchanger->pool, e);
}

size_t pm_exchange_in_flight(const struct pm_exchanger *exchanger) {
  return exchanger->pool.in_flight;
}

#include <stdlib.h>
#include <unistd.h>

#include "base/secret.h"
#include "probe/exchange_parts.h"
#include "probe/kernel.h"
#include "probe/trust.h"

/* --- without an exchange -------------------------------------------------------------------- */

enum pm_err pm_exchanger_check(const struct pm_exchanger *exchanger,
                               const struct pm_endpoint *endpoint, enum pm_learned learned,
                               const struct pm_ip *source, struct pm_why *why) {
  const struct pm_ip *written;
  const struct pm_address_choice choice = {
      .origin = pm_address_origin_of(endpoint, &written),
      .policy = exchanger->config.policy,
      .host = endpoint->host,
      .called = endpoint->url,
      .learned = learned,
      .source = source,
  };
  return written ? pm_address_choose(&choice, written, 1, &written, why) : PM_OK;
}

struct pm_resolver *pm_exchanger_resolver(struct pm_exchanger *exchanger) {
  return exchanger->resolver;
}

/* --- its end -------------------------------------------------------------------------------- */

static void exchanger_free(struct pm_exchanger *exchanger) {
  pm_exchange_pool_deinit(&exchanger->pool);
  curl_slist_free_all(exchanger->transfer_config.headers);
  if (exchanger->stamping_fd >= 0) close(exchanger->stamping_fd);
  pm_run_delay_close(&exchanger->run_delay);
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
  for (uint32_t i = 0; i < exchanger->pool.count; i++)
    pm_exchange_cancel(exchanger, exchanger->pool.all[i]->id);
  exchanger->parts = 3;
  uv_close((uv_handle_t *)&exchanger->soon, on_soon_closed);
  pm_resolver_close(exchanger->resolver, on_part_closed, exchanger);
  pm_curl_multi_close(exchanger->multi, on_part_closed, exchanger);
}

/* --- its beginning -------------------------------------------------------------------------- */

/* What all its transfers share, but for the binding. PM_ERR_NOMEM. */
static enum pm_err fill_transfer_config(struct pm_exchanger *exchanger, const char *ca_file) {
  const struct pm_exchanger_config *config = &exchanger->config;
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
  return exchanger->transfer_config.headers ? PM_OK : PM_ERR_NOMEM;
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
  pm_connecting_init(&exchanger->connecting);
  exchanger->stamping_fd = config->without_kernel_timing ? -1 : pm_kernel_stamping_open();
  pm_run_delay_open(&exchanger->run_delay, !config->without_kernel_timing);
  err = pm_exchange_pool_init(&exchanger->pool, exchanger, config->in_flight_max);
  if (err == PM_OK) err = fill_transfer_config(exchanger, ca_file);
  if (err != PM_OK) {
    exchanger_free(exchanger);
    return err;
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
  const struct pm_curl_multi_hooks *hooks =
      pm_exchange_hooks(exchanger->transfer_config.kernel_timing);
  err =
      pm_curl_multi_open(loop, PM_CURL_MULTI_SHARDS_MAX, hooks, exchanger, &exchanger->multi, why);
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

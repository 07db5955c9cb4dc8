#include "node/healthcheck.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/ip.h"
#include "probe/exchange.h"

struct check {
  struct pm_exchanger *exchanger;
  struct pm_why *why;
  enum pm_err err;
};

static bool names_pingmesh(const char *argument) {
  const char *slash = strrchr(argument, '/');
  return strcmp(slash ? slash + 1 : argument, "pingmesh") == 0;
}

int pm_healthcheck_arguments(char *command, size_t bytes, char **argv, size_t argv_max) {
  size_t count = 0;
  for (char *at = command; at < command + bytes; at += strlen(at) + 1) {
    if (count == 0 && !names_pingmesh(at)) continue;
    if (count + 1 >= argv_max) return 0;
    argv[count++] = at;
  }
  argv[count] = NULL;
  return (int)count;
}

/* Where a server that listens on that address can be reached from its own machine. */
static const char *reachable(const char *bind) {
  if (!bind || !*bind || strcmp(bind, "0.0.0.0") == 0) return "127.0.0.1";
  return strcmp(bind, "::") == 0 ? "::1" : bind;
}

enum pm_err pm_healthcheck_endpoint(const struct pm_options *node, struct pm_endpoint *out,
                                    struct pm_why *why) {
  char url[PM_URL_BYTES];
  const char *host = reachable(node->bind);
  bool v6 = strchr(host, ':') != NULL;
  if (!node->listen_port)
    return pm_why_set(why, PM_ERR_MISSING,
                      "--healthcheck: nothing says whom to ask; name a URL, or -s and the port as "
                      "the node has them");
  snprintf(url, sizeof(url), "%s://%s%s%s:%lld/healthz", node->tls_cert ? "https" : "http",
           v6 ? "[" : "", host, v6 ? "]" : "", (long long)node->listen_port);
  return pm_endpoint_parse(url, NULL, out, why);
}

/* The whole file, ended by a NUL that is not counted; 0 bytes if it cannot be read. */
static size_t read_command(const char *path, char *out, size_t out_bytes) {
  FILE *file = fopen(path, "re");
  if (!file) return 0;
  size_t bytes = fread(out, 1, out_bytes - 1, file);
  fclose(file);
  out[bytes] = '\0';
  return bytes;
}

/* The options of process 1, if that is a node. Its environment is ours: a container has one. */
static bool read_first_process(const char *path, char *command, char **argv, pm_options_env env,
                               void *env_owner, struct pm_options *out) {
  struct pm_why ignored;
  size_t bytes = read_command(path, command, PM_HEALTHCHECK_COMMAND_BYTES_MAX);
  int argc = pm_healthcheck_arguments(command, bytes, argv, PM_HEALTHCHECK_ARGUMENTS_MAX);
  if (argc == 0) return false;
  if (pm_options_parse(argc, argv, env, env_owner, out, &ignored) == PM_OPTIONS_RUN) return true;
  pm_options_deinit(out);
  return false;
}

/* As a node that runs as process 1 was told; *nobody is set if it has no server. */
static enum pm_err ask_first_process(const struct pm_options *options, pm_options_env env,
                                     void *env_owner, const char *first_process,
                                     struct pm_endpoint *out, bool *nobody, struct pm_why *why) {
  struct pm_options first;
  enum pm_err err = PM_ERR_NOMEM;
  char *command = malloc(PM_HEALTHCHECK_COMMAND_BYTES_MAX);
  char **argv = calloc(PM_HEALTHCHECK_ARGUMENTS_MAX, sizeof(*argv));
  if (!command || !argv) {
    pm_why_set(why, err, "--healthcheck: %s", pm_err_text(err));
  } else if (read_first_process(first_process, command, argv, env, env_owner, &first)) {
    *nobody = first.listen_port == 0;
    err = *nobody ? PM_OK : pm_healthcheck_endpoint(&first, out, why);
    pm_options_deinit(&first);
  } else {
    err = pm_healthcheck_endpoint(options, out, why);
  }
  free(argv);
  free(command);
  return err;
}

static enum pm_err choose(const struct pm_options *options, pm_options_env env, void *env_owner,
                          const char *first_process, struct pm_endpoint *out, bool *nobody,
                          struct pm_why *why) {
  *nobody = false;
  if (options->targets_named > 0) {
    *out = options->targets[0].endpoint;
    return PM_OK;
  }
  if (pm_options_is_flag(options, "s")) return pm_healthcheck_endpoint(options, out, why);
  return ask_first_process(options, env, env_owner, first_process, out, nobody, why);
}

static void on_answer(void *owner, const struct pm_exchange_result *result) {
  struct check *check = owner;
  check->err = PM_OK;
  if (result->sample.outcome != PM_OUTCOME_SUCCESS)
    check->err = pm_why_set(check->why, PM_ERR_IO, "--healthcheck: %s", result->detail);
  pm_exchanger_close(check->exchanger, NULL, NULL);
}

static enum pm_err ask(uv_loop_t *loop, const struct pm_endpoint *endpoint, struct pm_why *why) {
  static const struct pm_policy anywhere;
  struct pm_exchanger_config config = {
      .policy = &anywhere, .user_agent = "pingmesh-healthcheck/" PM_VERSION, .in_flight_max = 1};
  struct pm_exchange_request request = {
      .endpoint = endpoint,
      .learned = PM_LEARNED_CONFIG,
      .insecure = true,
      .limits = {.lookup_ms = PM_HEALTHCHECK_MS,
                 .connect_ms = PM_HEALTHCHECK_MS,
                 .total_ms = PM_HEALTHCHECK_MS,
                 .body_bytes_max = 1 << 20},
  };
  struct check check = {.why = why, .err = PM_ERR_IO};
  uint64_t id;
  enum pm_err err = pm_exchanger_open(loop, &config, &check.exchanger, why);
  if (err != PM_OK) return err;
  err = pm_exchange_start(check.exchanger, &request, on_answer, &check, &id);
  if (err != PM_OK) {
    pm_why_set(why, err, "--healthcheck: %s", pm_err_text(err));
    pm_exchanger_close(check.exchanger, NULL, NULL);
  }
  uv_run(loop, UV_RUN_DEFAULT);
  return err == PM_OK ? check.err : err;
}

enum pm_err pm_healthcheck_run(const struct pm_options *options, pm_options_env env,
                               void *env_owner, const char *first_process, struct pm_why *why) {
  struct pm_endpoint endpoint;
  uv_loop_t loop;
  bool nobody;
  enum pm_err err = choose(options, env, env_owner, first_process, &endpoint, &nobody, why);
  if (err != PM_OK || nobody) return err;
  if (uv_loop_init(&loop) != 0) return pm_why_set(why, PM_ERR_SYSTEM, "no loop to wait on");
  err = ask(&loop, &endpoint, why);
  uv_loop_close(&loop);
  return err;
}

#include "api/addpeer.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/html.h"
#include "base/json_write.h"

enum {
  DIGITS_MAX = 10,      /* of the largest number that a field takes */
  SHOWN_BYTES_MAX = 40, /* of a wrong value, so that the sentence stays readable */
};

static enum pm_err read_number(const struct pm_form *form, const char *name, int64_t low,
                               int64_t high, int64_t fallback, int64_t *out, struct pm_why *why) {
  const char *text = pm_form_value(form, name);
  size_t digits = strspn(text, "0123456789");
  if (text[0] == '\0') {
    *out = fallback;
    return PM_OK;
  }
  int64_t value = 0;
  for (size_t i = 0; i < digits && i <= DIGITS_MAX; i++) value = value * 10 + (text[i] - '0');
  bool whole = digits > 0 && text[digits] == '\0';
  if (!whole || digits > DIGITS_MAX || value < low || value > high) {
    return pm_why_set(why, whole ? PM_ERR_RANGE : PM_ERR_SYNTAX,
                      "%s \"%.*s\": write a whole number from %" PRId64 " to %" PRId64, name,
                      SHOWN_BYTES_MAX, text, low, high);
  }
  *out = value;
  return PM_OK;
}

static enum pm_err read_switch(const struct pm_form *form, const char *name, bool *out,
                               struct pm_why *why) {
  static const char *const words[2][4] = {{"", "false", "0", "off"}, {"true", "1", "on", "yes"}};
  const char *text = pm_form_value(form, name);
  for (size_t i = 0; i < 8; i++) {
    if (strcmp(text, words[i / 4][i % 4]) != 0) continue;
    *out = i / 4 == 1;
    return PM_OK;
  }
  return pm_why_set(why, PM_ERR_SYNTAX, "%s \"%.*s\": write true or false", name, SHOWN_BYTES_MAX,
                    text);
}

static bool names_a_list(const struct pm_endpoint *endpoint) {
  const char *word = strstr(pm_endpoint_query(endpoint), "addpeers");
  return word != NULL && strstr(word, "true") != NULL;
}

/* …/v1/peers becomes …/v1/ping, and so does a bare host; another path was somebody's own wish. */
static enum pm_err to_ping_target(struct pm_endpoint *endpoint, struct pm_why *why) {
  static const char list[] = "/v1/peers";
  char path[PM_URL_BYTES];
  pm_endpoint_path(endpoint, path);
  size_t bytes = strlen(path);
  size_t list_bytes = sizeof(list) - 1;
  if (bytes <= 1) {
    memcpy(path, "/v1/ping", sizeof("/v1/ping"));
  } else if (bytes >= list_bytes && strcmp(path + bytes - list_bytes, list) == 0) {
    memcpy(path + bytes - list_bytes, "/v1/ping", sizeof("/v1/ping"));
  }
  enum pm_err err = pm_endpoint_with_path(endpoint, path, endpoint);
  if (err == PM_OK) return PM_OK;
  return pm_why_set(why, err, "the url is %s", pm_err_text(err));
}

static enum pm_err read_endpoint(const struct pm_form *form, struct pm_addpeer *out,
                                 struct pm_why *why) {
  const char *url = pm_form_value(form, "url");
  if (url[0] == '\0') {
    return pm_why_set(why, PM_ERR_MISSING,
                      "the url is missing: write host, host:port or http://host/path");
  }
  enum pm_err err = pm_endpoint_parse(url, pm_form_value(form, "ip"), &out->spec.endpoint, why);
  if (err != PM_OK || !names_a_list(&out->spec.endpoint)) return err;
  out->with_peers = true;
  return to_ping_target(&out->spec.endpoint, why);
}

enum pm_err pm_addpeer_read(const struct pm_form *form, const struct pm_target_spec *defaults,
                            struct pm_addpeer *out, struct pm_why *why) {
  struct pm_addpeer add = {.spec.learned = PM_LEARNED_OPERATOR};
  struct pm_target_spec *spec = &add.spec;
  enum pm_err err = read_endpoint(form, &add, why);
  if (err == PM_OK) {
    err = read_number(form, "limit", 0, PM_ADDPEER_LIMIT_MAX, defaults->limit, &spec->limit, why);
  }
  if (err == PM_OK) {
    err = read_number(form, "delay", 0, PM_TARGET_DELAY_S_MAX, defaults->delay_s, &spec->delay_s,
                      why);
  }
  if (err == PM_OK) {
    err = read_number(form, "fails", 1, PM_ADDPEER_FAILS_MAX, defaults->fail_max, &spec->fail_max,
                      why);
  }
  if (err == PM_OK) err = read_switch(form, "insecure", &spec->insecure, why);
  if (err == PM_OK) *out = add;
  return err;
}

/* ---- pages ---- */

static void number_field(struct pm_buf *out, const struct pm_form *form, const char *name,
                         const char *label, const char *explanation, int64_t fallback) {
  char hint[160];
  snprintf(hint, sizeof(hint), "%s Empty: %" PRId64 ".", explanation, fallback);
  pm_html_field(out, &(struct pm_html_field){.name = name,
                                             .label = label,
                                             .hint = hint,
                                             .type = "text",
                                             .value = pm_form_value(form, name),
                                             .attributes = "inputmode=\"numeric\""});
}

static void address_fields(struct pm_buf *out, const struct pm_form *form) {
  pm_html_field(
      out, &(struct pm_html_field){
               .name = "url",
               .label = "URL",
               .hint = "host, host:port, http://… or https://…; #Location behind it gives it a "
                       "name. A node's …/v1/peers?addpeers=true adds that node and, once, every "
                       "peer that it lists.",
               .type = "text",
               .value = pm_form_value(form, "url"),
               .attributes = "required inputmode=\"url\" autocapitalize=\"none\" "
                             "spellcheck=\"false\""});
  pm_html_field(out, &(struct pm_html_field){
                         .name = "ip",
                         .label = "IP address",
                         .hint = "Connect there instead of looking the name up. May be empty.",
                         .type = "text",
                         .value = pm_form_value(form, "ip"),
                         .attributes = "autocapitalize=\"none\" spellcheck=\"false\""});
}

static void insecure_field(struct pm_buf *out, const struct pm_form *form) {
  bool checked = false;
  if (read_switch(form, "insecure", &checked, NULL) != PM_OK) checked = false;
  pm_html_field(out, &(struct pm_html_field){
                         .name = "insecure",
                         .label = "Insecure",
                         .hint = "Do not verify the certificate of an https URL. The table of "
                                 "peers shows it.",
                         .type = "checkbox",
                         .value = checked ? "true" : ""});
}

void pm_addpeer_page(struct pm_buf *out, const struct pm_form *form,
                     const struct pm_target_spec *defaults, const char *complaint) {
  pm_html_begin(out, "Add a peer");
  if (complaint != NULL) pm_html_alert(out, complaint);
  pm_html_form_begin(out, "/v1/addpeer");
  address_fields(out, form);
  number_field(out, form, "limit", "Limit", "So many answers, then it ends; 0: no end.",
               defaults->limit);
  number_field(out, form, "delay", "Delay", "Seconds between pings; 0: one ping.",
               defaults->delay_s);
  number_field(out, form, "fails", "Failures", "So many in a row, and it is given up.",
               defaults->fail_max);
  insecure_field(out, form);
  pm_html_form_end(out, "Add");
  pm_html_end(out);
}

void pm_addpeer_done_html(struct pm_buf *out, const struct pm_addpeer *added, bool is_new) {
  const char *url = added->spec.endpoint.url;
  pm_html_begin(out, is_new ? "Peer added" : "Peer known");
  if (is_new) {
    pm_html_element(out, "p", "%s is probed from now on.", url);
  } else {
    pm_html_element(out, "p", "%s was there already; nothing was changed.", url);
  }
  if (added->with_peers) pm_html_element(out, "p", "The peers that it lists are being added.");
  pm_buf_text(out, "<p><a href=\"/v1/peers?format=html\">All peers</a></p>\n");
  pm_html_end(out);
}

void pm_addpeer_done_json(struct pm_buf *out, const struct pm_addpeer *added, bool is_new) {
  struct pm_json_writer w;
  pm_json_writer_init(&w, out, true);
  pm_json_object_begin(&w, NULL);
  pm_json_put_string(&w, "Url", added->spec.endpoint.url);
  pm_json_put_bool(&w, "Added", is_new);
  pm_json_put_bool(&w, "WithPeers", added->with_peers);
  pm_json_object_end(&w);
  pm_buf_char(out, '\n');
}

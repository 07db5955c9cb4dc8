/* Form fields from bytes, and what /v1/addpeer makes of them. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api/addpeer.h"
#include "api/form.h"
#include "base/escape.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Written out again and read again, a form is the same. */
static void check_round_trip(const struct pm_form *form) {
  struct pm_buf text;
  struct pm_form again;
  pm_buf_init(&text, 4 * PM_FORM_TEXT_BYTES);
  for (size_t i = 0; i < form->count; i++) {
    const struct pm_form_field *field = &form->fields[i];
    pm_buf_char(&text, '&');
    pm_escape_query(&text, field->name, strlen(field->name));
    pm_buf_char(&text, '=');
    pm_escape_query(&text, field->value, strlen(field->value));
  }
  if (pm_buf_status(&text) != PM_OK) abort();
  if (pm_form_parse(text.data, text.len, &again, NULL) != PM_OK) abort();
  if (again.count != form->count) abort();
  for (size_t i = 0; i < form->count; i++) {
    if (strcmp(again.fields[i].name, form->fields[i].name) != 0) abort();
    if (strcmp(again.fields[i].value, form->fields[i].value) != 0) abort();
  }
  pm_buf_deinit(&text);
}

static void check_addpeer(const struct pm_form *form) {
  static const struct pm_target_spec defaults = {.delay_s = 10, .fail_max = 100};
  struct pm_addpeer add;
  struct pm_why why = {""};
  struct pm_buf page;
  enum pm_err err = pm_addpeer_read(form, &defaults, &add, &why);
  if (err != PM_OK && why.text[0] == '\0') abort();
  if (err == PM_OK && (add.spec.limit < 0 || add.spec.fail_max < 1)) abort();
  if (err == PM_OK && add.with_peers && strchr(add.spec.endpoint.url, '?') != NULL) abort();
  pm_buf_init(&page, 1 << 20);
  pm_addpeer_page(&page, form, &defaults, why.text);
  if (pm_buf_status(&page) != PM_OK || strstr(page.data, "<script") != NULL) abort();
  pm_buf_deinit(&page);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct pm_form form;
  struct pm_why why = {""};
  if (pm_form_parse((const char *)data, size, &form, &why) != PM_OK) {
    if (form.count != 0 || why.text[0] == '\0') abort();
    return 0;
  }
  check_round_trip(&form);
  check_addpeer(&form);
  return 0;
}

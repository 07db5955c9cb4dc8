/* A file of keys: what is taken and written a line each is read as the same keys, and no byte of
 * the file is in what is said of it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "node/mesh_key.h"

#define CHECK(condition)       \
  do {                         \
    if (!(condition)) abort(); \
  } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_taken(const struct pm_mesh_keys *keys, const uint8_t *data, size_t size) {
  struct pm_mesh_keys again;
  struct pm_buf text;
  CHECK(keys->count > 0 && keys->count <= PM_GOSSIP_KEYS_MAX);
  pm_buf_init(&text, 1 << 16);
  for (unsigned i = 0; i < keys->count; i++) {
    const size_t length = strlen(keys->keys[i]);
    CHECK(length >= PM_MESH_KEY_BYTES_MIN && length <= PM_MESH_KEY_BYTES_MAX);
    CHECK(memmem(data, size, keys->keys[i], length) != NULL);
    pm_buf_printf(&text, "# key %u\n \t%s\r\n", i, keys->keys[i]);
  }
  CHECK(pm_mesh_keys_parse(text.data, text.len, &again, NULL) == PM_OK);
  CHECK(again.count == keys->count);
  for (unsigned i = 0; i < keys->count; i++) CHECK(strcmp(again.keys[i], keys->keys[i]) == 0);
  pm_buf_deinit(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct pm_mesh_keys keys;
  struct pm_why why = {""};
  const char *text = size > 0 ? (const char *)data : "";
  enum pm_err err = pm_mesh_keys_parse(text, size, &keys, &why);
  if (err == PM_OK)
    check_taken(&keys, data, size);
  else
    CHECK((err == PM_ERR_MISSING) == (strncmp(why.text, "line ", 5) != 0) && why.text[0] != '\0');
  return 0;
}

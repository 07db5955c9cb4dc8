/* embed DIR OUT FUNCTION: writes the files under DIR as C source for api/assets.h, where FUNCTION
 * gives them, each as it is and, where that is shorter, compressed once and for all. Runs while
 * building; its output depends on nothing but the files' names and bytes.
 *
 * index.html becomes "/", other files keep their path below DIR. A name that ends in a hash
 * ("app-3F9K2QXA.js") never stands for other bytes: browsers may keep it for good.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

enum {
  FILES_MAX = 256,
  PATH_BYTES = 512,
  FILE_BYTES_MAX = 8 << 20,
  DEPTH_MAX = 4,
  HASH_CHARS = 8, /* of esbuild's names */
  GZIP_WINDOW_BITS = 15 + 16,
  MEMORY_LEVEL = 9,
  BYTES_A_LINE = 24,
};

struct file {
  char path[PATH_BYTES]; /* as asked for */
  const char *type;
  unsigned char *bytes, *gzip;
  size_t count, gzip_count; /* gzip_count 0: not shorter */
  bool immutable;
};

struct files {
  struct file items[FILES_MAX];
  size_t count;
};

static const char *type_of(const char *path) {
  static const struct {
    const char *ending, *type;
  } types[] = {{".html", "text/html; charset=utf-8"},
               {".js", "text/javascript; charset=utf-8"},
               {".css", "text/css; charset=utf-8"},
               {".json", "application/json"},
               {".svg", "image/svg+xml"},
               {".png", "image/png"},
               {".ico", "image/x-icon"},
               {".woff2", "font/woff2"},
               {".txt", "text/plain; charset=utf-8"},
               {".webmanifest", "application/manifest+json"}};
  const char *ending = strrchr(path, '.');
  for (size_t i = 0; ending != NULL && i < sizeof(types) / sizeof(types[0]); i++)
    if (strcmp(ending, types[i].ending) == 0) return types[i].type;
  return NULL;
}

/* "…-3F9K2QXA.js" */
static bool has_hash(const char *path) {
  const char *name = strrchr(path, '/');
  const char *dash = strrchr(name != NULL ? name : path, '-');
  if (dash == NULL) return false;
  size_t chars = 0;
  while (isalnum((unsigned char)dash[1 + chars])) chars++;
  return chars >= HASH_CHARS && dash[1 + chars] == '.';
}

static unsigned char *read_all(const char *name, size_t *out_count) {
  FILE *in = fopen(name, "rb");
  if (in == NULL) return NULL;
  unsigned char *bytes = malloc(FILE_BYTES_MAX + 1);
  size_t count = bytes != NULL ? fread(bytes, 1, FILE_BYTES_MAX + 1, in) : 0;
  bool good = bytes != NULL && ferror(in) == 0 && count <= FILE_BYTES_MAX;
  fclose(in);
  if (good) {
    *out_count = count;
    return bytes;
  }
  free(bytes);
  return NULL;
}

/* Nothing if it does not get shorter, as with images. */
static bool compress_file(struct file *file) {
  z_stream stream = {.next_in = file->bytes, .avail_in = (uInt)file->count};
  if (deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, GZIP_WINDOW_BITS, MEMORY_LEVEL,
                   Z_DEFAULT_STRATEGY) != Z_OK)
    return false;
  size_t room = deflateBound(&stream, (uLong)file->count);
  file->gzip = malloc(room);
  stream.next_out = file->gzip;
  stream.avail_out = (uInt)room;
  bool good = file->gzip != NULL && deflate(&stream, Z_FINISH) == Z_STREAM_END;
  if (good && stream.total_out < file->count) file->gzip_count = stream.total_out;
  deflateEnd(&stream);
  return good;
}

static bool take_file(struct files *files, const char *name, const char *path) {
  const char *type = type_of(path);
  if (type == NULL) {
    fprintf(stderr, "embed: %s: passed over, its type is unknown\n", name);
    return true;
  }
  if (files->count == FILES_MAX) {
    fprintf(stderr, "embed: more than %d files\n", FILES_MAX);
    return false;
  }
  struct file *file = &files->items[files->count++];
  snprintf(file->path, sizeof(file->path), "%s", strcmp(path, "/index.html") == 0 ? "/" : path);
  file->type = type;
  file->immutable = has_hash(path);
  file->bytes = read_all(name, &file->count);
  if (file->bytes != NULL && compress_file(file)) return true;
  fprintf(stderr, "embed: %s: cannot be read, or is larger than %d bytes\n", name, FILE_BYTES_MAX);
  return false;
}

static bool take_folder(struct files *files, const char *folder, const char *path, int depth) {
  DIR *listing = opendir(folder);
  const struct dirent *entry;
  bool good = true;
  if (listing == NULL) return depth == 0 && errno == ENOENT; /* nothing to embed */
  while (good && (entry = readdir(listing)) != NULL) {
    char name[PATH_BYTES], below[PATH_BYTES];
    struct stat status;
    if (entry->d_name[0] == '.') continue;
    if (snprintf(name, sizeof(name), "%s/%s", folder, entry->d_name) >= (int)sizeof(name) ||
        snprintf(below, sizeof(below), "%s/%s", path, entry->d_name) >= (int)sizeof(below) ||
        stat(name, &status) != 0)
      good = false;
    else if (S_ISDIR(status.st_mode))
      good = depth < DEPTH_MAX && take_folder(files, name, below, depth + 1);
    else
      good = take_file(files, name, below);
  }
  closedir(listing);
  return good;
}

static int by_path(const void *a, const void *b) {
  return strcmp(((const struct file *)a)->path, ((const struct file *)b)->path);
}

static void put_bytes(FILE *out, const char *name, size_t index, const unsigned char *bytes,
                      size_t count) {
  fprintf(out, "static const unsigned char %s_%zu[] = {", name, index);
  for (size_t i = 0; i < count; i++)
    fprintf(out, "%s%u,", i % BYTES_A_LINE == 0 ? "\n" : "", bytes[i]);
  fprintf(out, "%s};\n", count == 0 ? "0" : "\n");
}

static void put_entry(FILE *out, const struct file *file, size_t index) {
  const char *shorter = file->gzip_count > 0 ? "gzip" : "";
  fprintf(out, "    {.path = \"%s\",\n     .type = \"%s\",\n", file->path, file->type);
  fprintf(out, "     .tag = \"%08lx%08lx\",\n", crc32(0, file->bytes, (uInt)file->count),
          adler32(1, file->bytes, (uInt)file->count));
  fprintf(out, "     .identity = {bytes_%zu, %zu},\n", index, file->count);
  if (shorter[0] != '\0') fprintf(out, "     .gzip = {gzip_%zu, %zu},\n", index, file->gzip_count);
  fprintf(out, "     .immutable = %s},\n", file->immutable ? "true" : "false");
}

static bool put_all(const char *name, const char *function, const struct files *files) {
  FILE *out = fopen(name, "w");
  if (out == NULL) return false;
  fprintf(out, "/* Written while building. */\n#include \"api/assets.h\"\n\n");
  for (size_t i = 0; i < files->count; i++) {
    const struct file *file = &files->items[i];
    put_bytes(out, "bytes", i, file->bytes, file->count);
    if (file->gzip_count > 0) put_bytes(out, "gzip", i, file->gzip, file->gzip_count);
  }
  if (files->count > 0) {
    fprintf(out, "\nstatic const struct pm_asset ASSETS[] = {\n");
    for (size_t i = 0; i < files->count; i++) put_entry(out, &files->items[i], i);
    fprintf(out, "};\n");
  }
  fprintf(out,
          "\nstruct pm_assets %s(void) {\n"
          "  return (struct pm_assets){%s, %zu};\n}\n",
          function, files->count > 0 ? "ASSETS" : "0", files->count);
  return fclose(out) == 0;
}

int main(int argc, char **argv) {
  static struct files files;
  if (argc != 4) {
    fprintf(stderr, "use: embed DIR OUT FUNCTION\n");
    return 2;
  }
  if (!take_folder(&files, argv[1], "", 0)) {
    fprintf(stderr, "embed: %s cannot be read\n", argv[1]);
    return 1;
  }
  qsort(files.items, files.count, sizeof(files.items[0]), by_path);
  if (put_all(argv[2], argv[3], &files)) return 0;
  fprintf(stderr, "embed: %s cannot be written\n", argv[2]);
  return 1;
}

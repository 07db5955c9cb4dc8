/* Requests as they go over the wire, byte for byte, and cut at AWS's limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "publish/cloudwatch_encode.h"
#include "publish/gzip.h"

static void fill(struct pm_cloudwatch_batch *batch, enum pm_cloudwatch_metric metric,
                 const char *to, int http_status, const struct pm_cloudwatch_value *values,
                 size_t count) {
  size_t at = 0;
  assert_int_equal(pm_cloudwatch_batch_text(batch, to, &at), PM_OK);
  assert_int_equal(pm_cloudwatch_batch_add(batch, metric, at, http_status, values, count), PM_OK);
}

static void test_one_request(void **state) {
  (void)state;
  static const struct pm_cloudwatch_value values[] = {{0.27125, 2}, {100, 1}};
  struct pm_cloudwatch_batch batch;
  struct pm_buf out;
  size_t at = 0;
  pm_cloudwatch_batch_init(&batch);
  pm_buf_init(&out, PM_CLOUDWATCH_ENCODE_BUF_BYTES);
  batch.at = (struct pm_wall){INT64_C(1795388400) * PM_NS_PER_S};
  batch.high_resolution = true;
  snprintf(batch.from, sizeof(batch.from), "Paris,FR");
  fill(&batch, PM_CLOUDWATCH_TCP_RTT, "New York,US&x=1", 0, values, 2);
  fill(&batch, PM_CLOUDWATCH_LEGACY, "Tokyo,JP", 200, values, 1);
  assert_int_equal(pm_cloudwatch_encode(&batch, &at, &out), PM_OK);
  assert_int_equal(at, 2);
  assert_string_equal(
      out.data,
      "Action=PutMetricData&Version=2010-08-01&Namespace=pingmesh"
      "&MetricData.member.1.MetricName=TcpRtt"
      "&MetricData.member.1.Unit=Milliseconds"
      "&MetricData.member.1.Timestamp=2026-11-22T23%3A00%3A00Z"
      "&MetricData.member.1.StorageResolution=1"
      "&MetricData.member.1.Dimensions.member.1.Name=FromLocation"
      "&MetricData.member.1.Dimensions.member.1.Value=Paris%2CFR"
      "&MetricData.member.1.Dimensions.member.2.Name=ToLocation"
      "&MetricData.member.1.Dimensions.member.2.Value=New%20York%2CUS%26x%3D1"
      "&MetricData.member.1.Values.member.1=0.27125&MetricData.member.1.Counts.member.1=2"
      "&MetricData.member.1.Values.member.2=100&MetricData.member.1.Counts.member.2=1"
      "&MetricData.member.2.MetricName=TCP%20RTT"
      "&MetricData.member.2.Unit=Milliseconds"
      "&MetricData.member.2.Timestamp=2026-11-22T23%3A00%3A00Z"
      "&MetricData.member.2.StorageResolution=1"
      "&MetricData.member.2.Dimensions.member.1.Name=TestUrl"
      "&MetricData.member.2.Dimensions.member.1.Value=Tokyo%2CJP"
      "&MetricData.member.2.Dimensions.member.2.Name=HTTP%20Resp%20Code"
      "&MetricData.member.2.Dimensions.member.2.Value=200"
      "&MetricData.member.2.Dimensions.member.3.Name=FromLocation"
      "&MetricData.member.2.Dimensions.member.3.Value=Paris%2CFR"
      "&MetricData.member.2.Values.member.1=0.27125&MetricData.member.2.Counts.member.1=2");
  pm_buf_deinit(&out);
  pm_cloudwatch_batch_deinit(&batch);
}

/* How many data each request got; returns how many requests. */
static size_t encode_all(const struct pm_cloudwatch_batch *batch, size_t counts[16]) {
  struct pm_buf out;
  size_t requests = 0;
  pm_buf_init(&out, PM_CLOUDWATCH_ENCODE_BUF_BYTES);
  for (size_t at = 0; at < batch->count; requests++) {
    size_t before = at;
    pm_buf_reset(&out);
    assert_int_equal(pm_cloudwatch_encode(batch, &at, &out), PM_OK);
    assert_true(out.len <= PM_CLOUDWATCH_REQUEST_BYTES_MAX);
    assert_true(requests < 16);
    counts[requests] = at - before;
  }
  pm_buf_deinit(&out);
  return requests;
}

static void test_a_thousand_data_a_request(void **state) {
  (void)state;
  static const struct pm_cloudwatch_value value = {1, 1};
  struct pm_cloudwatch_batch batch;
  size_t counts[16];
  pm_cloudwatch_batch_init(&batch);
  for (int i = 0; i < 2001; i++) fill(&batch, PM_CLOUDWATCH_TOTAL, "x", 0, &value, 1);
  assert_int_equal(encode_all(&batch, counts), 3);
  assert_int_equal(counts[0], 1000);
  assert_int_equal(counts[1], 1000);
  assert_int_equal(counts[2], 1);
  pm_cloudwatch_batch_deinit(&batch);
}

static void test_a_megabyte_a_request(void **state) {
  (void)state;
  struct pm_cloudwatch_value values[PM_CLOUDWATCH_VALUES_MAX];
  char name[PM_CLOUDWATCH_DIMENSION_BYTES];
  struct pm_cloudwatch_batch batch;
  size_t counts[16], data = 0;
  memset(name, ' ', sizeof(name) - 1); /* three bytes each in the request */
  name[sizeof(name) - 1] = '\0';
  for (int i = 0; i < PM_CLOUDWATCH_VALUES_MAX; i++)
    values[i] = (struct pm_cloudwatch_value){137438.0 + i, UINT32_MAX};
  pm_cloudwatch_batch_init(&batch);
  memcpy(batch.from, name, sizeof(name));
  for (int i = 0; i < 100; i++)
    fill(&batch, PM_CLOUDWATCH_LEGACY, name, 200, values, PM_CLOUDWATCH_VALUES_MAX);
  size_t requests = encode_all(&batch, counts);
  assert_in_range(requests, 2, 3);
  for (size_t i = 0; i < requests; i++) data += counts[i];
  assert_int_equal(data, 100);
  /* The bound on one datum has room for the largest one. */
  assert_in_range(PM_CLOUDWATCH_REQUEST_BYTES_MAX / counts[0], 10000,
                  PM_CLOUDWATCH_DATUM_BYTES_MAX);
  pm_cloudwatch_batch_deinit(&batch);
}

static void test_gzip_unpacks_to_the_same(void **state) {
  (void)state;
  size_t bytes = 300000;
  char *text = malloc(bytes), *packed = NULL, *unpacked = malloc(bytes);
  size_t packed_bytes = 0;
  for (size_t i = 0; i < bytes; i++) text[i] = (char)('a' + i * i % 23);
  assert_int_equal(pm_gzip(text, bytes, &packed, &packed_bytes), PM_OK);
  assert_true(packed_bytes < bytes / 5);
  z_stream stream = {.next_in = (Bytef *)packed,
                     .avail_in = (uInt)packed_bytes,
                     .next_out = (Bytef *)unpacked,
                     .avail_out = (uInt)bytes};
  assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
  assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
  assert_int_equal(stream.total_out, bytes);
  assert_memory_equal(unpacked, text, bytes);
  inflateEnd(&stream);
  free(packed);
  free(unpacked);
  free(text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_one_request),
      cmocka_unit_test(test_a_thousand_data_a_request),
      cmocka_unit_test(test_a_megabyte_a_request),
      cmocka_unit_test(test_gzip_unpacks_to_the_same),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

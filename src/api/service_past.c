#include "api/past_answer.h"
#include "api/service_parts.h"

void pm_service_history(struct pm_service *service, const struct pm_http_request *request,
                        struct pm_http_response *response) {
  pm_past_answer(service->config.past, PM_PAST_SERIES, request, response);
}

void pm_service_profile(struct pm_service *service, const struct pm_http_request *request,
                        struct pm_http_response *response) {
  pm_past_answer(service->config.past, PM_PAST_WEEK, request, response);
}

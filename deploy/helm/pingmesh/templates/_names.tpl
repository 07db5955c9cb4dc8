{{- define "pingmesh.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/* Short enough that "-seed" can follow. */}}
{{- define "pingmesh.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 48 | trimSuffix "-" -}}
{{- else if contains (include "pingmesh.name" .) .Release.Name -}}
{{- .Release.Name | trunc 48 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "pingmesh.name" .) | trunc 48 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "pingmesh.selector" -}}
app.kubernetes.io/name: {{ include "pingmesh.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "pingmesh.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "pingmesh.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "pingmesh.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "pingmesh.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "pingmesh.scheme" -}}
{{- if .Values.tls.existingSecret }}https{{ else }}http{{ end -}}
{{- end -}}

{{/* Name of the Secret with the mesh's keys, and of that with the token; "" without one. */}}
{{- define "pingmesh.meshKeySecret" -}}
{{- if .Values.meshKey.existingSecret -}}
{{- .Values.meshKey.existingSecret -}}
{{- else if .Values.meshKey.value -}}
{{- include "pingmesh.fullname" . -}}
{{- end -}}
{{- end -}}
{{- define "pingmesh.adminTokenSecret" -}}
{{- if .Values.adminToken.existingSecret -}}
{{- .Values.adminToken.existingSecret -}}
{{- else if .Values.adminToken.value -}}
{{- include "pingmesh.fullname" . -}}
{{- end -}}
{{- end -}}

{{/* All pods behind one name, and the seeds beyond the cluster. */}}
{{- define "pingmesh.seeds" -}}
{{- $own := printf "%s://%s-seed.%s.svc:%v/v1/ping" (include "pingmesh.scheme" .) (include "pingmesh.fullname" .) .Release.Namespace .Values.port -}}
{{- join " " (prepend .Values.seeds $own) -}}
{{- end -}}

{{/*
One pod of the mesh. Takes a dictionary: root (the chart's scope), place (what to show as its
location, or "" for what values.location.from says), operator and zones (In or NotIn which zones it
is to run; no zones: anywhere).
*/}}
{{- define "pingmesh.pod" -}}
{{- $root := .root -}}
{{- $values := $root.Values -}}
{{- $meshKey := include "pingmesh.meshKeySecret" $root -}}
{{- $adminToken := include "pingmesh.adminTokenSecret" $root -}}
metadata:
  labels:
    {{- include "pingmesh.selector" $root | nindent 4 }}
    {{- with $values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    checksum/secrets: {{ printf "%s/%s" $values.meshKey.value $values.adminToken.value | sha256sum }}
    {{- with $values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "pingmesh.serviceAccount" $root }}
  automountServiceAccountToken: false
  # The variables of a Service named pingmesh would read as options.
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ $values.terminationGracePeriodSeconds }}
  {{- with $values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 65532
    runAsGroup: 65532
    fsGroup: 65532
    seccompProfile:
      type: RuntimeDefault
  containers:
    - name: pingmesh
      image: "{{ $values.image.repository }}:{{ $values.image.tag | default $root.Chart.AppVersion }}"
      imagePullPolicy: {{ $values.image.pullPolicy }}
      args:
        {{- range $values.args }}
        - {{ . | quote }}
        {{- end }}
        - "-s"
        - {{ $values.port | quote }}
      env:
        {{- if .place }}
        - name: REP_LOCATION
          value: {{ .place | quote }}
        {{- else if eq $values.location.from "labels" }}
        - name: REP_CITY
          valueFrom:
            fieldRef:
              fieldPath: metadata.labels['topology.kubernetes.io/zone']
        - name: REP_COUNTRY
          valueFrom:
            fieldRef:
              fieldPath: metadata.labels['topology.kubernetes.io/region']
        {{- else if eq $values.location.from "node" }}
        - name: REP_LOCATION
          valueFrom:
            fieldRef:
              fieldPath: spec.nodeName
        {{- end }}
        - name: PINGMESH_URL
          value: {{ include "pingmesh.seeds" $root | quote }}
        - name: PINGMESH_MESH
          value: {{ $values.mesh | quote }}
        - name: PINGMESH_STATE_DIR
          value: /var/lib/pingmesh
        - name: PINGMESH_STATE_MAX_MB
          value: {{ $values.stateMaxMb | quote }}
        {{- if $meshKey }}
        - name: PINGMESH_MESH_KEY_FILE
          value: /etc/pingmesh/mesh/key
        {{- end }}
        {{- if $adminToken }}
        - name: PINGMESH_ADMIN_TOKEN_FILE
          value: /etc/pingmesh/admin/token
        {{- end }}
        {{- if $values.tls.existingSecret }}
        - name: PINGMESH_TLS_CERT
          value: /etc/pingmesh/tls/tls.crt
        - name: PINGMESH_TLS_KEY
          value: /etc/pingmesh/tls/tls.key
        {{- end }}
        {{- range $name, $value := $values.env }}
        - name: {{ $name }}
          value: {{ $value | quote }}
        {{- end }}
      {{- with $values.envFrom }}
      envFrom:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      ports:
        - name: mesh
          containerPort: {{ $values.port }}
          protocol: TCP
      readinessProbe:
        httpGet:
          path: /readyz
          port: mesh
          scheme: {{ include "pingmesh.scheme" $root | upper }}
        periodSeconds: 10
        timeoutSeconds: 3
      # A node that is alive depends on no other: nothing of the mesh restarts it.
      livenessProbe:
        httpGet:
          path: /healthz
          port: mesh
          scheme: {{ include "pingmesh.scheme" $root | upper }}
        initialDelaySeconds: 20
        periodSeconds: 20
        timeoutSeconds: 5
        failureThreshold: 3
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities:
          drop: [ALL]
      resources:
        {{- toYaml $values.resources | nindent 8 }}
      volumeMounts:
        - name: state
          mountPath: /var/lib/pingmesh
        {{- if $meshKey }}
        - name: mesh-key
          mountPath: /etc/pingmesh/mesh
          readOnly: true
        {{- end }}
        {{- if $adminToken }}
        - name: admin-token
          mountPath: /etc/pingmesh/admin
          readOnly: true
        {{- end }}
        {{- if $values.tls.existingSecret }}
        - name: tls
          mountPath: /etc/pingmesh/tls
          readOnly: true
        {{- end }}
  volumes:
    {{- if eq $values.kind "DaemonSet" }}
    - name: state
      emptyDir:
        sizeLimit: {{ add $values.stateMaxMb 512 }}Mi
    {{- end }}
    {{- if $meshKey }}
    - name: mesh-key
      secret:
        secretName: {{ $meshKey }}
        defaultMode: 0440
        items:
          - key: {{ $values.meshKey.key }}
            path: key
    {{- end }}
    {{- if $adminToken }}
    - name: admin-token
      secret:
        secretName: {{ $adminToken }}
        defaultMode: 0440
        items:
          - key: {{ $values.adminToken.key }}
            path: token
    {{- end }}
    {{- if $values.tls.existingSecret }}
    - name: tls
      secret:
        secretName: {{ $values.tls.existingSecret }}
        defaultMode: 0440
    {{- end }}
    {{- if and (ne $values.kind "DaemonSet") (not (or $meshKey $adminToken $values.tls.existingSecret)) }}
    []
    {{- end }}
  {{- with $values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if .zones }}
  affinity:
    nodeAffinity:
      requiredDuringSchedulingIgnoredDuringExecution:
        nodeSelectorTerms:
          - matchExpressions:
              - key: topology.kubernetes.io/zone
                operator: {{ .operator }}
                values: {{ .zones | toJson }}
  {{- else }}
  {{- with $values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- end }}
  {{- with $values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{/*
The workload itself, around such a pod. Takes the same, and its name.
*/}}
{{- define "pingmesh.workload" -}}
apiVersion: apps/v1
kind: {{ .root.Values.kind }}
metadata:
  name: {{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "pingmesh.labels" .root | nindent 4 }}
spec:
  selector:
    matchLabels:
      {{- include "pingmesh.selector" .root | nindent 6 }}
      pingmesh/workload: {{ .name }}
  {{- if eq .root.Values.kind "StatefulSet" }}
  replicas: {{ .root.Values.replicas }}
  serviceName: {{ include "pingmesh.fullname" .root }}-seed
  podManagementPolicy: Parallel
  volumeClaimTemplates:
    - metadata:
        name: state
      spec:
        accessModes: [ReadWriteOnce]
        {{- with .root.Values.persistence.storageClassName }}
        storageClassName: {{ . }}
        {{- end }}
        resources:
          requests:
            storage: {{ .root.Values.persistence.size }}
  {{- else }}
  updateStrategy:
    rollingUpdate:
      maxUnavailable: 10%
  {{- end }}
  template:
    {{- $pod := include "pingmesh.pod" . | fromYaml }}
    {{- $_ := set $pod.metadata.labels "pingmesh/workload" .name }}
    {{- toYaml $pod | nindent 4 }}
{{- end -}}

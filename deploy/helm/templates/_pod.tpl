{{/* What every pod of this chart has. */}}
{{- define "aptos-backup.podSettings" -}}
serviceAccountName: {{ include "aptos-backup.serviceAccountName" . }}
# Nothing here asks Kubernetes for anything.
automountServiceAccountToken: false
enableServiceLinks: false
# Then processes that lost their parent are cleared away, as `init: true` does in Compose.
shareProcessNamespace: true
{{- with .Values.imagePullSecret }}
imagePullSecrets:
  - name: {{ . }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: {{ int .Values.runAs.user }}
  runAsGroup: {{ int .Values.runAs.group }}
  fsGroup: {{ int .Values.runAs.group }}
  # Else each start would look at every file of the backups.
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- end -}}

{{- define "aptos-backup.containerSettings" -}}
image: {{ include "aptos-backup.image" . | quote }}
imagePullPolicy: {{ .Values.backup.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
{{- end -}}

{{- define "aptos-backup.podLabels" -}}
{{ include "aptos-backup.labels" . }}
{{- with .Values.podLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Where the Temporal server is, and where the files with secrets are. */}}
{{- define "aptos-backup.env" -}}
{{- $temporal := .Values.temporal -}}
{{- $config := .Values.backup.config -}}
- name: TEMPORAL_ADDRESS
  value: {{ required "temporal.address: say where the Temporal server is, as HOST:PORT" $temporal.address | quote }}
- name: TEMPORAL_NAMESPACE
  value: {{ $temporal.namespace | quote }}
{{- if $temporal.configSecret }}
- name: TEMPORAL_CONFIG_FILE
  value: /run/secrets/temporal-config/temporal.toml
{{- end }}
{{- if $temporal.tls.enabled }}
- name: TEMPORAL_TLS
  value: 'true'
{{- with $temporal.tls.serverName }}
- name: TEMPORAL_TLS_SERVER_NAME
  value: {{ . | quote }}
{{- end }}
{{- if $temporal.tls.secretName }}
{{- range $name, $file := dict "SERVER_CA_CERT" $temporal.tls.ca "CLIENT_CERT" $temporal.tls.cert "CLIENT_KEY" $temporal.tls.key }}
{{- if $file }}
- name: TEMPORAL_TLS_{{ $name }}_PATH
  value: {{ printf "/run/secrets/temporal-tls/%s" $file | quote }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- $secret := include "aptos-backup.credentialsSecret" . }}
{{- if and $secret (eq $config.location "s3") }}
- name: AWS_SHARED_CREDENTIALS_FILE
  value: /run/secrets/storage/credentials
{{- else if and $secret (eq $config.location "gcs") }}
- name: GOOGLE_APPLICATION_CREDENTIALS
  value: /run/secrets/storage/credentials.json
{{- else if and $secret (eq $config.location "azure") }}
{{- /* Azure's library takes them from no file. */}}
{{- range list "AZURE_STORAGE_KEY" "AZURE_STORAGE_SAS_TOKEN" "AZURE_STORAGE_CONNECTION_STRING" }}
- name: {{ . }}
  valueFrom:
    secretKeyRef: { name: {{ $secret }}, key: {{ . }}, optional: true }
{{- end }}
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Takes `root` and `readOnly`: whether the backups are only read. */}}
{{- define "aptos-backup.volumeMounts" -}}
{{- $values := .root.Values -}}
- { name: tmp, mountPath: /tmp }
# Crash reports, verified epochs and caches: all of it is made again when it is gone.
- { name: data, mountPath: /data }
{{- if eq $values.backup.config.location "folder" }}
- { name: backups, mountPath: /backups, readOnly: {{ .readOnly }} }
{{- end }}
{{- if has $values.backup.config.location (list "s3" "gcs") }}
{{- if include "aptos-backup.credentialsSecret" .root }}
- { name: storage-credentials, mountPath: /run/secrets/storage, readOnly: true }
{{- end }}
{{- end }}
{{- if and $values.temporal.tls.enabled $values.temporal.tls.secretName }}
- { name: temporal-tls, mountPath: /run/secrets/temporal-tls, readOnly: true }
{{- end }}
{{- if $values.temporal.configSecret }}
- { name: temporal-config, mountPath: /run/secrets/temporal-config, readOnly: true }
{{- end }}
{{- with $values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "aptos-backup.volumes" -}}
- name: tmp
  emptyDir: { sizeLimit: 2Gi }
- name: data
  emptyDir: { sizeLimit: 2Gi }
{{- if eq .Values.backup.config.location "folder" }}
- name: backups
  persistentVolumeClaim:
    claimName: {{ include "aptos-backup.claimName" . }}
{{- end }}
{{- if has .Values.backup.config.location (list "s3" "gcs") }}
{{- with include "aptos-backup.credentialsSecret" . }}
- name: storage-credentials
  secret: { secretName: {{ . }}, defaultMode: 0440 }
{{- end }}
{{- end }}
{{- if and .Values.temporal.tls.enabled .Values.temporal.tls.secretName }}
- name: temporal-tls
  secret: { secretName: {{ .Values.temporal.tls.secretName }}, defaultMode: 0440 }
{{- end }}
{{- with .Values.temporal.configSecret }}
- name: temporal-config
  secret: { secretName: {{ . }}, defaultMode: 0440 }
{{- end }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Whether a process lives and is ready. /healthz is not asked: it tells of the backups, which no restart makes better. */}}
{{- define "aptos-backup.probes" -}}
livenessProbe:
  httpGet: { path: /livez, port: http }
  initialDelaySeconds: 30
  periodSeconds: 30
  timeoutSeconds: 10
  failureThreshold: 4
readinessProbe:
  httpGet: { path: /readyz, port: http }
  periodSeconds: 10
  timeoutSeconds: 5
{{- end -}}

{{- define "aptos-backup.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/* Short enough for the longest suffix, within the 63 characters of a label. */}}
{{- define "aptos-backup.fullname" -}}
{{- $name := include "aptos-backup.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "aptos-backup.selectorLabels" -}}
app.kubernetes.io/name: {{ include "aptos-backup.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "aptos-backup.labels" -}}
{{ include "aptos-backup.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end -}}

{{- define "aptos-backup.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "aptos-backup.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "aptos-backup.image" -}}
{{- $tag := .Values.backup.image.tag | default .Values.imageTag | default .Chart.AppVersion -}}
{{- printf "%s:%s" .Values.backup.image.repo $tag -}}
{{- end -}}

{{- define "aptos-backup.claimName" -}}
{{- default (printf "%s-backups" (include "aptos-backup.fullname" .)) .Values.backup.config.folder.existingClaim -}}
{{- end -}}

{{/* The storage as a URL: where the location says, below the era. */}}
{{- define "aptos-backup.storage" -}}
{{- $config := .Values.backup.config -}}
{{- $place := "" -}}
{{- $parameters := dict -}}
{{- if eq $config.location "folder" -}}
{{- $place = "file:///backups" -}}
{{- if $config.url_parameters -}}
{{- fail "backup.config.url_parameters are of buckets: a folder has none" -}}
{{- end -}}
{{- else if eq $config.location "s3" -}}
{{- $place = printf "s3://%s" (required "backup.config.s3.bucket: say in which bucket backups are kept" $config.s3.bucket) -}}
{{- with $config.s3.endpoint_url }}{{ $_ := set $parameters "endpoint" . }}{{ end -}}
{{- with $config.s3.region }}{{ $_ := set $parameters "region" . }}{{ end -}}
{{- else if eq $config.location "gcs" -}}
{{- $place = printf "gs://%s" (required "backup.config.gcs.bucket: say in which bucket backups are kept" $config.gcs.bucket) -}}
{{- else if eq $config.location "azure" -}}
{{- $account := required "backup.config.azure.account: say in which account backups are kept" $config.azure.account -}}
{{- $place = printf "azblob://%s/%s" $account (required "backup.config.azure.container: say in which container backups are kept" $config.azure.container) -}}
{{- else -}}
{{- fail "backup.config.location: say where backups are kept: folder, s3, gcs or azure" -}}
{{- end -}}
{{- range $name, $value := $config.url_parameters }}{{ $_ := set $parameters $name $value }}{{ end -}}
{{- $query := list -}}
{{- range $name := keys $parameters | sortAlpha }}{{ $query = append $query (printf "%s=%s" $name (get $parameters $name | toString | urlquery)) }}{{ end -}}
{{- printf "%s/e%d" $place (int .Values.chain.era) -}}
{{- if $query }}{{ printf "?%s" (join "&" $query) }}{{ end -}}
{{- end -}}

{{/* The name of the Secret that opens the storage; empty when an identity does. */}}
{{- define "aptos-backup.credentialsSecret" -}}
{{- $config := .Values.backup.config -}}
{{- if has $config.location (list "s3" "gcs" "azure") -}}
{{- (get $config $config.location).credentialsSecret -}}
{{- end -}}
{{- end -}}

{{/* Flags that say what is stored where, of `continuously` and of `schedule create`. */}}
{{- define "aptos-backup.storageArgs" -}}
- {{ printf "--storage=%s" (include "aptos-backup.storage" .) | quote }}
{{- with .Values.chain.name }}
- {{ printf "--network=%s" . | quote }}
{{- end }}
{{- range .Values.backup.config.trusted_waypoints }}
- {{ printf "--trust-waypoint=%s" . | quote }}
{{- end }}
{{- end -}}

{{/* The port of a URL. */}}
{{- define "aptos-backup.portOf" -}}
{{- $url := urlParse . -}}
{{- $named := regexFind "[0-9]+$" (regexFind ":[0-9]+$" $url.host) -}}
{{- default (ternary "80" "443" (eq $url.scheme "http")) $named -}}
{{- end -}}

{{/* The TCP ports that pods ask: of the Temporal server, of the nodes, and of buckets. As JSON. */}}
{{- define "aptos-backup.askedPorts" -}}
{{- $config := .Values.backup.config -}}
{{- $ports := list (default "443" (regexFind "[0-9]+$" (regexFind ":[0-9]+$" .Values.temporal.address))) -}}
{{- range $config.backup_service_address }}{{ $ports = append $ports (include "aptos-backup.portOf" .) }}{{ end -}}
{{- if ne $config.location "folder" -}}
{{- $endpoint := get $config.url_parameters "endpoint" -}}
{{- if eq $config.location "s3" }}{{ $endpoint = default $endpoint $config.s3.endpoint_url }}{{ end -}}
{{- $ports = append $ports (include "aptos-backup.portOf" (default "https://bucket" $endpoint)) -}}
{{- end -}}
{{- if contains "://" (toString $config.copy_to) }}
{{- $of := regexFind "[?&]endpoint=[^&]+" $config.copy_to | trimPrefix "?" | trimPrefix "&" | trimPrefix "endpoint=" }}
{{- $of = $of | replace "%3A" ":" | replace "%3a" ":" | replace "%2F" "/" | replace "%2f" "/" }}
{{- $ports = append $ports (include "aptos-backup.portOf" (default "https://bucket" $of)) }}
{{- end -}}
{{- if .Values.notifications.webhookSecret }}{{ $ports = append $ports (toString .Values.notifications.webhookPort) }}{{ end -}}
{{- $ports | uniq | toJson -}}
{{- end -}}

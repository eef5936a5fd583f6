{{/* Durations and quantities: the ranges are those of the agent's own table of keys (_config_keys.tpl, which is generated). */}}

{{- define "pod-checkpointer.rangeProblems" -}}
{{- $amounts := dict -}}
{{- range include "pod-checkpointer.configKeys" . | fromJsonArray -}}
{{- $path := splitList "." .name -}}
{{- $inner := $.Values.config -}}
{{- range initial $path -}}{{- $inner = get $inner . | default dict -}}{{- end -}}
{{- $given := hasKey $inner (last $path) -}}
{{- $text := ternary (get $inner (last $path)) .default $given | toString -}}
{{- $amount := include "pod-checkpointer.amount" (dict "text" $text "kind" .kind) | float64 -}}
{{- $_ := set $amounts .name $amount -}}
{{- if and $given (or (lt $amount (float64 .min)) (gt $amount (float64 .max))) }}
config.{{ .name }}: {{ $text }} is out of range; write {{ .form }}.
{{- end -}}
{{- end -}}
{{- if gt (get $amounts "limits.bytesPerPod") (get $amounts "limits.bytesTotal") }}
config.limits.bytesPerPod: larger than limits.bytesTotal, of which it is the share of one pod; raise the total or lower the share.
{{- end -}}
{{- $limits := .Values.resources.limits | default dict -}}
{{- range $name, $request := .Values.resources.requests -}}
{{- if hasKey $limits $name -}}
{{- $limit := get $limits $name -}}
{{- if gt (include "pod-checkpointer.amount" (dict "text" $request "kind" "bytes") | float64) (include "pod-checkpointer.amount" (dict "text" $limit "kind" "bytes") | float64) }}
resources.requests.{{ $name }}: {{ $request }} is more than the limit of {{ $limit }}; raise resources.limits.{{ $name }} or lower the request.
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Of a text that the schema has let pass: milliseconds of a duration, or what a quantity is without its unit. */}}
{{- define "pod-checkpointer.amount" -}}
{{- $units := dict "" 1 "n" 1e-9 "u" 1e-6 "m" 1e-3 "k" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "P" 1e15 "E" 1e18
  "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 "Ti" 1099511627776 "Pi" 1125899906842624 "Ei" 1152921504606846976 -}}
{{- if eq .kind "duration" -}}{{- $units = dict "" 1 "ns" 1e-6 "us" 1e-3 "ms" 1 "s" 1e3 "m" 6e4 "h" 36e5 -}}{{- end -}}
{{- $sum := 0.0 -}}
{{- range regexFindAll "[0-9.]+([eE][+-]?[0-9]+)?[a-zA-Z]*" (toString .text) -1 -}}
{{- $unit := regexFind "[a-zA-Z]*$" . -}}
{{- $sum = addf $sum (mulf (trimSuffix $unit . | float64) (get $units $unit)) -}}
{{- end -}}
{{- printf "%f" $sum -}}
{{- end -}}

{{/* Names and labels of all objects. */}}

{{/* At most 52 characters: a DaemonSet's pods and revisions append to it. */}}
{{- define "pod-checkpointer.name" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Of objects without a namespace: two releases of one name may live in two namespaces. */}}
{{- define "pod-checkpointer.clusterName" -}}
{{- printf "%s-%s" (include "pod-checkpointer.name" .) .Release.Namespace -}}
{{- end -}}

{{- define "pod-checkpointer.selectorLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "pod-checkpointer.labels" -}}
{{ include "pod-checkpointer.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "pod-checkpointer.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{- printf "%s@%s" .repository .digest -}}
{{- else -}}
{{- printf "%s:%s" .repository (.tag | default $.Chart.AppVersion) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Where the annotation is honoured, as JSON: the release's own namespace is always among them, or the agent could not keep itself. */}}
{{- define "pod-checkpointer.namespaces" -}}
{{- if has "*" .Values.namespaces -}}
{{- list "*" | toJson -}}
{{- else -}}
{{- append .Values.namespaces .Release.Namespace | uniq | sortAlpha | toJson -}}
{{- end -}}
{{- end -}}

{{/* The configuration file. */}}
{{- define "pod-checkpointer.config" -}}
{{- $metrics := dict "address" (printf "%s:%d" (ternary "" "127.0.0.1" .Values.metrics.enabled) (int .Values.metrics.port)) -}}
{{- $own := dict
  "stateDir" .Values.stateDir
  "staticPodPath" .Values.staticPodPath
  "kubeletRootDir" .Values.kubeletRootDir
  "criSocket" .Values.criSocket
  "kubeletConfig" "/dev/null"
  "agentImage" (include "pod-checkpointer.image" .)
  "apiEndpoints" .Values.apiEndpoints
  "namespaces" (include "pod-checkpointer.namespaces" . | fromJsonArray)
  "metrics" $metrics -}}
{{- merge $own (deepCopy .Values.config) | toYaml -}}
{{- end -}}

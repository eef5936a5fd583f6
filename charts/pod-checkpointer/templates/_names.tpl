{{/* Names and labels of all objects. */}}

{{/* At most 52 characters: a DaemonSet's pods and revisions append to it. */}}
{{- define "pod-checkpointer.name" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/*
The name with something appended, of at most 52 characters too: what is cut off a long one is told apart by a digest.
Takes a list: the root, and what is appended.
*/}}
{{- define "pod-checkpointer.nameWith" -}}
{{- $name := include "pod-checkpointer.name" (index . 0) -}}
{{- $room := int (sub 51 (len (index . 1))) -}}
{{- if gt (len $name) $room -}}
{{- $name = printf "%s-%s" ($name | trunc (int (sub $room 7)) | trimSuffix "-") ($name | sha256sum | trunc 6) -}}
{{- end -}}
{{- printf "%s-%s" $name (index . 1) -}}
{{- end -}}

{{/* Of objects without a namespace: two releases of one name may live in two namespaces. */}}
{{- define "pod-checkpointer.clusterName" -}}
{{- printf "%s-%s" (include "pod-checkpointer.name" .) .Release.Namespace -}}
{{- end -}}

{{- define "pod-checkpointer.selectorLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{- define "pod-checkpointer.labels" -}}
{{ include "pod-checkpointer.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | quote }}
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

{{/* A release that is uninstalled runs these objects, in the order of their weights, before any other is deleted. */}}
{{- define "pod-checkpointer.uninstallHook" -}}
helm.sh/hook: pre-delete
helm.sh/hook-weight: {{ .weight | quote }}
helm.sh/hook-delete-policy: before-hook-creation{{ if .once }},hook-succeeded{{ end }}
{{- end -}}

{{/* Of the configuration file: what every pod of ours on a node needs, and the preflight has judged. */}}
{{- define "pod-checkpointer.nodeConfig" -}}
stateDir: {{ .Values.stateDir }}
staticPodPath: {{ .Values.staticPodPath }}
kubeletRootDir: {{ .Values.kubeletRootDir }}
criSocket: {{ .Values.criSocket }}
kubeletConfig: /dev/null
apiEndpoints: {{ .Values.apiEndpoints | toJson }}
metrics:
  address: {{ printf "%s:%d" (ternary "" "127.0.0.1" .Values.metrics.enabled) (int .Values.metrics.port) | quote }}
{{- end -}}

{{/* The agent's configuration file. */}}
{{- define "pod-checkpointer.config" -}}
{{- $own := dict
  "agentImage" (include "pod-checkpointer.image" .)
  "kubeletConfig" (.Values.kubeletConfig | default "/dev/null")
  "namespaces" (include "pod-checkpointer.namespaces" . | fromJsonArray) -}}
{{- merge $own (include "pod-checkpointer.nodeConfig" . | fromYaml) (deepCopy .Values.config) | toYaml -}}
{{- end -}}

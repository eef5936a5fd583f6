{{/*
Combinations that cannot work, each as a sentence: what, where, and what to do. All of them are told at once. The schema
has already refused unknown names and wrong types.
*/}}

{{- define "pod-checkpointer.preflight" -}}
{{- $problems := include "pod-checkpointer.problems" . | trim -}}
{{- if $problems -}}
{{- fail (printf "\n\n%s\n" (regexReplaceAll "\n\n+" $problems "\n")) -}}
{{- end -}}
{{- end -}}

{{- define "pod-checkpointer.problems" -}}
{{- include "pod-checkpointer.pathProblems" . }}
{{ include "pod-checkpointer.imageProblems" . }}
{{ include "pod-checkpointer.namespaceProblems" . }}
{{ include "pod-checkpointer.configProblems" . }}
{{ include "pod-checkpointer.rangeProblems" . }}
{{ include "pod-checkpointer.optionProblems" . }}
{{ include "pod-checkpointer.upgradeProblems" . }}
{{ include "pod-checkpointer.installProblems" . }}
{{- end -}}

{{- define "pod-checkpointer.imageProblems" -}}
{{- with .Values.image -}}
{{- if not .repository }}
image.repository: empty; name the image that you built, without its tag.
{{- else if or (contains "@" .repository) (regexMatch ":[^/]*$" .repository) }}
image.repository: {{ .repository | quote }} has a tag or a digest in it; put them into image.tag and image.digest.
{{- else if not (regexMatch "^([A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]{1,5})?/)?[a-z0-9]+(([.]|_{1,2}|-+)[a-z0-9]+)*(/[a-z0-9]+(([.]|_{1,2}|-+)[a-z0-9]+)*)*$" .repository) }}
image.repository: {{ .repository | quote }} is no name of an image; write it in small letters, without spaces, as registry.example.com/pod-checkpointer.
{{- end -}}
{{- if and .digest (not (regexMatch "^sha256:[0-9a-f]{64}$" .digest)) }}
image.digest: {{ .digest | quote }} is no digest; write sha256: and 64 digits from 0 to f.
{{- end -}}
{{- if and .tag (not (regexMatch "^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$" .tag)) }}
image.tag: {{ .tag | quote }} is no tag; write something such as 0.1.0.
{{- end -}}
{{- if and (eq .tag "latest") (not .digest) }}
image.tag: latest may be another image on every node and after every reboot; name a version, or a digest.
{{- end -}}
{{- if not (has .pullPolicy (list "IfNotPresent" "Never")) }}
image.pullPolicy: {{ .pullPolicy | quote }} is neither IfNotPresent nor Never; with Always the agent could not start again in an outage that takes the registry along.
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "pod-checkpointer.namespaceProblems" -}}
{{- $values := .Values -}}
{{- if not $values.namespaces }}
namespaces: the list is empty, so the agent would keep nothing but itself; name at least one namespace, or "*" for all.
{{- end -}}
{{- if and (has "*" $values.namespaces) (gt (len $values.namespaces) 1) }}
namespaces: "*" already means all; remove it, or the others.
{{- end -}}
{{- range $values.namespaces -}}
{{- if and (ne . "*") (not (regexMatch "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$" .)) }}
namespaces: {{ . | quote }} is no name of a namespace; write small letters, digits and -, or "*" alone for all.
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "pod-checkpointer.configProblems" -}}
{{- $elsewhere := dict
  "nodeName" "every agent learns it from its own pod; remove it"
  "stateDir" "it must be mounted too; set the value stateDir"
  "staticPodPath" "it must be mounted too; set the value staticPodPath"
  "kubeletRootDir" "it must be mounted too; set the value kubeletRootDir"
  "criSocket" "its directory must be mounted too; set the value criSocket"
  "podResourcesSocket" "only pod-resources/kubelet.sock below kubeletRootDir is mounted; set the value kubeletRootDir"
  "kubeletConfig" "it must be mounted too; set the value kubeletConfig"
  "agentImage" "it is the agent's own; set the values below image"
  "kubeconfig" "the agent uses its own service account; remove it"
  "apiEndpoints" "set the value apiEndpoints"
  "namespaces" "set the value namespaces, to which the release's own is added"
  "bootIdFile" "it is for tests; remove it"
  "machineIdFile" "it is for tests; remove it"
  "allowTmpfs" "it is for tests; remove it, and choose a stateDir on a disk" -}}
{{- range $key, $advice := $elsewhere -}}
{{- if hasKey $.Values.config $key }}
config.{{ $key }}: {{ $advice }}.
{{- end -}}
{{- end -}}
{{- if hasKey (.Values.config.metrics | default dict) "address" }}
config.metrics.address: the kubelet's probes must find it; set the values metrics.enabled and metrics.port.
{{- end -}}
{{- end -}}

{{- define "pod-checkpointer.optionProblems" -}}
{{- $values := .Values -}}
{{- $port := int $values.metrics.port -}}
{{- if lt $port 1024 }}
metrics.port: {{ $port }} is below 1024, and the agent has no right to open such ports; choose a higher one.
{{- else if has $port (list 2379 2380 6443 10248 10249 10250 10255 10256 10257 10259) }}
metrics.port: {{ $port }} is a port of Kubernetes itself on the node's network; choose another one.
{{- end -}}
{{- if and $values.podMonitor.enabled (not $values.metrics.enabled) }}
podMonitor.enabled: Prometheus cannot reach 127.0.0.1 of the nodes; set metrics.enabled too.
{{- end -}}
{{- if and $values.podMonitor.labels (not $values.podMonitor.enabled) }}
podMonitor.labels: there is no PodMonitor to carry them; set podMonitor.enabled too.
{{- end -}}
{{- if and $values.admissionPolicy.enabled (semverCompare "<1.30.0-0" .Capabilities.KubeVersion.Version) }}
admissionPolicy.enabled: Kubernetes {{ .Capabilities.KubeVersion.Version }} has no ValidatingAdmissionPolicy of version v1; it needs 1.30 or newer.
{{- end -}}
{{- if and $values.admissionPolicy.denySecretEnvInline (not $values.admissionPolicy.enabled) }}
admissionPolicy.denySecretEnvInline: there is no policy to deny it; set admissionPolicy.enabled too.
{{- end -}}
{{- if and $values.admissionPolicy.enabled (has "*" $values.namespaces) (not $values.admissionPolicy.denySecretEnvInline) }}
admissionPolicy.enabled: with namespaces "*" there is nothing to refuse; name the namespaces, or set admissionPolicy.denySecretEnvInline.
{{- end -}}
{{- range $values.apiEndpoints -}}
{{- if not (regexMatch "^https://([A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?|\\[[0-9A-Fa-f:.]+\\])(:([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?/?$" .) }}
apiEndpoints: {{ . | quote }} is not the URL of an API server; write it as https://10.0.0.1:6443.
{{- end -}}
{{- end -}}
{{- range $key, $_ := $values.podAnnotations -}}
{{- if or (hasPrefix "checkpointer/" $key) (eq $key "checksum/config") }}
podAnnotations: {{ $key }} is set by the chart itself; remove it.
{{- end -}}
{{- end -}}
{{- end -}}

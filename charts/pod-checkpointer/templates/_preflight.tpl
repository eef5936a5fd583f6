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

{{/* "yes" if the path `inner` is `outer` or lies in it. */}}
{{- define "pod-checkpointer.within" -}}
{{- if or (eq .inner .outer) (hasPrefix (printf "%s/" .outer) .inner) -}}yes{{- end -}}
{{- end -}}

{{- define "pod-checkpointer.problems" -}}
{{- include "pod-checkpointer.pathProblems" . }}
{{ include "pod-checkpointer.imageProblems" . }}
{{ include "pod-checkpointer.namespaceProblems" . }}
{{ include "pod-checkpointer.configProblems" . }}
{{ include "pod-checkpointer.optionProblems" . }}
{{ include "pod-checkpointer.upgradeProblems" . }}
{{ include "pod-checkpointer.installProblems" . }}
{{- end -}}

{{- define "pod-checkpointer.pathProblems" -}}
{{- $values := .Values -}}
{{- $clean := true -}}
{{- range $name := list "stateDir" "staticPodPath" "kubeletRootDir" "criSocket" -}}
{{- $path := get $values $name -}}
{{- if not (regexMatch "^(/[A-Za-z0-9_.@+-]+)+$" $path) -}}
{{- $clean = false }}
{{ $name }}: {{ $path | quote }} is not an absolute path of plain names; write it as /var/lib/name, without unix://, spaces or a slash at its end.
{{- else if regexMatch "/[.][.]?(/|$)" $path -}}
{{- $clean = false }}
{{ $name }}: {{ $path | quote }} has . or .. in it; write the path that is meant.
{{- end -}}
{{- end -}}
{{- if $clean -}}
{{- range $name := list "stateDir" "staticPodPath" -}}
{{- range $volatile := list "/run" "/var/run" "/tmp" "/var/tmp" "/dev" "/proc" "/sys" -}}
{{- if include "pod-checkpointer.within" (dict "inner" (get $values $name) "outer" $volatile) }}
{{ $name }}: {{ get $values $name }} lies in {{ $volatile }}, which a reboot or a clean-up empties; what is kept there must survive one, so choose a directory on a disk.
{{- end -}}
{{- end -}}
{{- end -}}
{{- $socketDir := dir $values.criSocket -}}
{{- $broad := has $socketDir (list "/" "/run" "/var/run" "/var" "/var/lib") -}}
{{- if $broad }}
criSocket: {{ $values.criSocket }} lies directly in {{ $socketDir }}, so the agent would see everything in there; have the runtime make its socket in a directory of its own.
{{- end -}}
{{- $mounted := dict "stateDir" $values.stateDir "staticPodPath" $values.staticPodPath "kubeletRootDir" $values.kubeletRootDir -}}
{{- if not $broad -}}{{- $_ := set $mounted "criSocket" $socketDir -}}{{- end -}}
{{- range $name, $path := $mounted -}}
{{- range $own := list "/bin" "/lib" "/lib64" "/sbin" "/usr" "/etc/pod-checkpointer" "/etc/machine-id" "/var/run/secrets" -}}
{{- if or (include "pod-checkpointer.within" (dict "inner" $path "outer" $own)) (include "pod-checkpointer.within" (dict "inner" $own "outer" $path)) }}
{{ $name }}: {{ $path }} and the agent's own {{ $own }} would lie in each other inside its container; choose another path.
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $other, $path := dict "staticPodPath" $values.staticPodPath "the volumes of pods," (printf "%s/pods" $values.kubeletRootDir) -}}
{{- if or (include "pod-checkpointer.within" (dict "inner" $values.stateDir "outer" $path)) (include "pod-checkpointer.within" (dict "inner" $path "outer" $values.stateDir)) }}
stateDir: {{ $values.stateDir }} and {{ $other }} {{ $path }}: neither may lie in the other; choose another stateDir.
{{- end -}}
{{- end -}}
{{- $pods := printf "%s/pods" $values.kubeletRootDir -}}
{{- if include "pod-checkpointer.within" (dict "inner" $values.staticPodPath "outer" $pods) }}
staticPodPath: {{ $values.staticPodPath }} lies among the volumes of pods; name the directory that the kubelet's configuration calls staticPodPath.
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "pod-checkpointer.imageProblems" -}}
{{- with .Values.image -}}
{{- if not .repository }}
image.repository: empty; name the image that you built, without its tag.
{{- else if or (contains "@" .repository) (regexMatch ":[^/]*$" .repository) }}
image.repository: {{ .repository | quote }} has a tag or a digest in it; put them into image.tag and image.digest.
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
  "kubeletConfig" "the kubelet's file is not mounted; set the values staticPodPath and kubeletRootDir"
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
{{- if not (regexMatch "^https://([A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?|\\[[0-9A-Fa-f:.]+\\])(:[0-9]{1,5})?/?$" .) }}
apiEndpoints: {{ . | quote }} is not the URL of an API server; write it as https://10.0.0.1:6443.
{{- end -}}
{{- end -}}
{{- range $key, $_ := $values.podAnnotations -}}
{{- if or (hasPrefix "checkpointer/" $key) (eq $key "checksum/config") }}
podAnnotations: {{ $key }} is set by the chart itself; remove it.
{{- end -}}
{{- end -}}
{{- end -}}

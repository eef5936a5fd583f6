{{/* Paths of the node that cannot work, each as a sentence; see _preflight.tpl. */}}

{{/* "yes" if the path `inner` is `outer` or lies in it. */}}
{{- define "pod-checkpointer.within" -}}
{{- if or (eq .inner .outer) (hasPrefix (printf "%s/" .outer) .inner) -}}yes{{- end -}}
{{- end -}}

{{- define "pod-checkpointer.pathProblems" -}}
{{- $values := .Values -}}
{{- $clean := true -}}
{{- range $name := list "stateDir" "staticPodPath" "kubeletRootDir" "criSocket" "kubeletConfig" -}}
{{- $path := get $values $name -}}
{{- if and (eq $name "kubeletConfig") (not $path) -}}
{{- else if not (regexMatch "^(/[A-Za-z0-9_.@+-]+)+$" $path) -}}
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
{{- with $values.kubeletConfig -}}{{- $_ := set $mounted "kubeletConfig" . -}}{{- end -}}
{{- range $name, $path := $mounted -}}
{{- range $own := list "/bin" "/lib" "/lib64" "/sbin" "/usr" "/etc/pod-checkpointer" "/etc/machine-id" "/var/run/secrets" -}}
{{- if or (include "pod-checkpointer.within" (dict "inner" $path "outer" $own)) (include "pod-checkpointer.within" (dict "inner" $own "outer" $path)) }}
{{ $name }}: {{ $path }} and the agent's own {{ $own }} would lie in each other inside its container; choose another path.
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $unreal := list "/dev" "/proc" "/sys" -}}
{{- if include "pod-checkpointer.within" (dict "inner" $values.kubeletConfig "outer" $unreal) }}
kubeletConfig: {{ $values.kubeletConfig }} lies in {{ $unreal }}, where no configuration is; name the kubelet's file, or leave it empty so that none is looked at.
{{- end -}}
{{- end -}}
{{- include "pod-checkpointer.nestedProblems" (dict "values" $values "socketDir" (ternary "" $socketDir $broad)) -}}
{{- end -}}
{{- end -}}

{{/* Every mounted path with every other: no two may be one, or lie in each other. Takes the values and the mounted directory of criSocket, if any. */}}
{{- define "pod-checkpointer.nestedProblems" -}}
{{- $root := .values.kubeletRootDir -}}
{{- $mounted := list
  (list "stateDir" "stateDir" .values.stateDir)
  (list "staticPodPath" "staticPodPath" .values.staticPodPath)
  (list "kubeletConfig" "kubeletConfig" .values.kubeletConfig)
  (list "criSocket" "the directory of criSocket," .socketDir)
  (list "kubeletRootDir" "the volumes of pods," (printf "%s/pods" $root)) -}}
{{- range list "pod-resources" "pods-api" "image_manager" -}}
{{- $mounted = append $mounted (list "kubeletRootDir" "the kubelet's own" (printf "%s/%s" $root .)) -}}
{{- end -}}
{{- $told := list -}}
{{- range $at, $one := $mounted -}}
{{- range slice $mounted (add1 $at | int) -}}
{{- $inner := include "pod-checkpointer.within" (dict "inner" (index $one 2) "outer" (index . 2)) -}}
{{- $outer := include "pod-checkpointer.within" (dict "inner" (index . 2) "outer" (index $one 2)) -}}
{{- $pair := printf "%s %s" (index $one 0) (index . 0) -}}
{{- if and (index $one 2) (index . 2) (or $inner $outer) (not (has $pair $told)) -}}
{{- $told = append $told $pair }}
{{ index $one 0 }}: {{ index $one 2 }} and {{ index . 1 }} {{ index . 2 }}: neither may lie in the other, because the agent gets both; correct one of the two.
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

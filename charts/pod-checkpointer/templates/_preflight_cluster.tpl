{{/*
What cannot work beside that which the cluster already has. `helm template` asks no cluster, and a rollback renders nothing:
both know of nothing that is installed.
*/}}

{{/*
The lock that DaemonSet's pod and standby share lies in the stateDir. With another one the old standby, which keeps the old one, would act beside
the new agents for good; so would one in a staticPodPath that they do not look at, or on a node that has no agent any more.
*/}}
{{- define "pod-checkpointer.upgradeProblems" -}}
{{- $values := .Values -}}
{{- if .Release.IsUpgrade -}}
{{- $pod := dig "spec" "template" "spec" dict (lookup "apps/v1" "DaemonSet" .Release.Namespace (include "pod-checkpointer.name" .)) -}}
{{- range dig "containers" list $pod -}}
{{- range .env -}}
{{- if and (eq .name "POD_CHECKPOINTER_STATE_DIR") (ne .value $values.stateDir) }}
stateDir: the release that is installed has {{ .value }}, and its standbys would go on with that beside the new agents; keep it, or run helm uninstall, which cleans the nodes, and install with {{ $values.stateDir }}.
{{- end -}}
{{- end -}}
{{- end -}}
{{- range dig "volumes" list $pod -}}
{{- if and (eq .name "manifests") (ne (dig "hostPath" "path" "" .) $values.staticPodPath) }}
staticPodPath: the release that is installed has {{ .hostPath.path }}, and its standbys would stay there beside the new agents; keep it, or run helm uninstall, which cleans the nodes, and install with {{ $values.staticPodPath }}.
{{- end -}}
{{- end -}}
{{- if $pod -}}
{{- include "pod-checkpointer.placementProblems" (dict "old" $pod "new" $values) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Takes the pod's spec as it is installed, and the new values. Only what is sure to narrow the choice of nodes counts, or cannot be told from it. */}}
{{- define "pod-checkpointer.placementProblems" -}}
{{- $lost := "so a node may lose its agent, and its standby would go on there for good; run helm uninstall, which cleans every node that has an agent, and install with the new placement" -}}
{{- $selector := .old.nodeSelector | default dict -}}
{{- range $key, $value := .new.nodeSelector -}}
{{- if ne (dig $key "\n" $selector) $value }}
nodeSelector: the release that is installed does not ask for {{ $key }}={{ $value }}, {{ $lost }}.
{{- end -}}
{{- end -}}
{{- range $kind := list "nodeAffinity" "podAffinity" "podAntiAffinity" -}}
{{- $rule := "requiredDuringSchedulingIgnoredDuringExecution" -}}
{{- $before := include "pod-checkpointer.alternatives" (dig $kind $rule list ($.old.affinity | default dict)) | fromJsonArray -}}
{{- $after := include "pod-checkpointer.alternatives" (dig $kind $rule list $.new.affinity) | fromJsonArray -}}
{{- $kept := gt (len $before) 0 -}}
{{- range $before -}}{{- if not (has . $after) -}}{{- $kept = false -}}{{- end -}}{{- end -}}
{{- if and $after (not $kept) }}
affinity.{{ $kind }}: it is not certain to choose every node that the installed one chooses, {{ $lost }}.
{{- end -}}
{{- end -}}
{{- range $old := .old.tolerations -}}
{{- $kept := eq (dig "effect" "" $old) "PreferNoSchedule" -}}
{{- range concat $.new.tolerations (include "pod-checkpointer.givenTolerations" $ | fromJsonArray) -}}
{{- if include "pod-checkpointer.tolerates" (dict "wide" . "narrow" $old) -}}{{- $kept = true -}}{{- end -}}
{{- end -}}
{{- if not $kept }}
tolerations: {{ toJson $old }}, which the release that is installed has, is not among the new ones, {{ $lost }}.
{{- end -}}
{{- end -}}
{{- end -}}

{{/*
A required rule as a JSON list of texts. Terms of nodes are alternatives, each a text; rules for pods hold together, and are
one. The API server leaves out what is empty.
*/}}
{{- define "pod-checkpointer.alternatives" -}}
{{- $rules := list -}}
{{- if kindIs "map" . -}}{{- $rules = .nodeSelectorTerms | default list -}}{{- else if . -}}{{- $rules = list . -}}{{- end -}}
{{- $texts := list -}}
{{- range $rules -}}
{{- $texts = append $texts (regexReplaceAll "\"[A-Za-z]+\":(null|\\[\\]),?" (toJson .) "" | replace ",}" "}") -}}
{{- end -}}
{{- toJson $texts -}}
{{- end -}}

{{/* What the DaemonSet controller gives each of its pods, whatever the template says. */}}
{{- define "pod-checkpointer.givenTolerations" -}}
{{- $given := list -}}
{{- range $effect, $keys := dict "NoExecute" (list "not-ready" "unreachable") "NoSchedule" (list "disk-pressure" "memory-pressure" "pid-pressure" "unschedulable" "network-unavailable") -}}
{{- range $keys -}}
{{- $given = append $given (dict "key" (printf "node.kubernetes.io/%s" .) "operator" "Exists" "effect" $effect) -}}
{{- end -}}
{{- end -}}
{{- toJson $given -}}
{{- end -}}

{{/* "yes" if the toleration `wide` tolerates, for as long, whatever `narrow` does. */}}
{{- define "pod-checkpointer.tolerates" -}}
{{- $key := dig "key" "" .wide -}}
{{- $operator := dig "operator" "" .wide | default "Equal" -}}
{{- $effect := dig "effect" "" .wide -}}
{{- $seconds := dig "tolerationSeconds" "" .wide | toJson -}}
{{- $sameKey := or (eq $key (dig "key" "" .narrow)) (and (eq $key "") (eq $operator "Exists")) -}}
{{- $sameEffect := or (eq $effect "") (eq $effect (dig "effect" "" .narrow)) -}}
{{- $sameTime := or (eq $seconds (toJson "")) (eq $seconds (dig "tolerationSeconds" "" .narrow | toJson)) -}}
{{- $sameValue := and (eq $operator (dig "operator" "" .narrow | default "Equal")) (eq (dig "value" "" .wide) (dig "value" "" .narrow)) -}}
{{- if and $sameKey $sameEffect $sameTime (or (eq $operator "Exists") $sameValue) -}}yes{{- end -}}
{{- end -}}

{{/*
Agents of two releases on one node would wait for each other's lock, and a cleanup that is still on its way would clean what is
new. The pods of both have the stateDir as a volume of one name. Releases for nodes that differ in a label do not meet.
*/}}
{{- define "pod-checkpointer.installProblems" -}}
{{- $root := . -}}
{{- if .Release.IsInstall -}}
{{- range dig "items" list (lookup "apps/v1" "DaemonSet" "" "") -}}
{{- $release := dig "metadata" "labels" "app.kubernetes.io/instance" "" . -}}
{{- $own := and (eq $release $root.Release.Name) (eq .metadata.namespace $root.Release.Namespace) -}}
{{- if and (eq (dig "metadata" "labels" "app.kubernetes.io/name" "" .) $root.Chart.Name) (not $own) -}}
{{- $apart := false -}}
{{- range $key, $value := dig "spec" "template" "spec" "nodeSelector" dict . -}}
{{- if and (hasKey $root.Values.nodeSelector $key) (ne $value (get $root.Values.nodeSelector $key)) -}}{{- $apart = true -}}{{- end -}}
{{- end -}}
{{- $where := printf "%s/%s" .metadata.namespace .metadata.name -}}
{{- range dig "spec" "template" "spec" "volumes" list . -}}
{{- if and (eq .name "state") (eq (dig "hostPath" "path" "" .) $root.Values.stateDir) (not $apart) }}
stateDir: DaemonSet {{ $where }} of the release {{ $release }} has {{ $root.Values.stateDir }} too, and on a node with pods of both each would wait for the other's lock; upgrade that release or uninstall it first, or, if no node is to have both, choose another stateDir.
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

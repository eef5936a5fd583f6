{{/* Which taints the Jobs of the uninstall must live with. */}}

{{/* Taints of conditions of a node, which come and go, and are no choice of its owner. */}}
{{- define "pod-checkpointer.conditionTaint" -}}
{{- if or (hasPrefix "node.kubernetes.io/" .) (hasPrefix "node.cloudprovider.kubernetes.io/" .) -}}yes{{- end -}}
{{- end -}}

{{/* Keys of the others that keep pods off nodes, as JSON; none where no cluster is asked. */}}
{{- define "pod-checkpointer.customTaints" -}}
{{- $keys := list -}}
{{- range dig "items" list (lookup "v1" "Node" "" "") -}}
{{- range dig "spec" "taints" list . -}}
{{- if and (ne .effect "PreferNoSchedule") (not (include "pod-checkpointer.conditionTaint" .key)) -}}
{{- $keys = append $keys .key -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $keys | uniq | sortAlpha | toJson -}}
{{- end -}}

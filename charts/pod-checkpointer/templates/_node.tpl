{{/*
What of the node a pod of ours sees, at the same path inside: leaves only. Whatever else must run on every node (a hook
that cleans up, say) includes these two.

Not every kubelet has pods-api (1.36) and image_manager (1.33): they are made where they are missing, empty, which says the
same as none.
*/}}

{{- define "pod-checkpointer.nodeVolumes" -}}
- name: state
  hostPath:
    path: {{ .Values.stateDir }}
    type: DirectoryOrCreate
- name: manifests
  hostPath:
    path: {{ .Values.staticPodPath }}
    type: Directory
- name: kubelet-pods
  hostPath:
    path: {{ .Values.kubeletRootDir }}/pods
    type: Directory
- name: pod-resources
  hostPath:
    path: {{ .Values.kubeletRootDir }}/pod-resources
    type: Directory
- name: pods-api
  hostPath:
    path: {{ .Values.kubeletRootDir }}/pods-api
    type: DirectoryOrCreate
- name: image-manager
  hostPath:
    path: {{ .Values.kubeletRootDir }}/image_manager
    type: DirectoryOrCreate
- name: runtime
  hostPath:
    path: {{ dir .Values.criSocket }}
    type: Directory
- name: machine-id
  hostPath:
    path: /etc/machine-id
    type: File
{{- end -}}

{{- define "pod-checkpointer.nodeMounts" -}}
- name: state
  mountPath: {{ .Values.stateDir }}
- name: manifests
  mountPath: {{ .Values.staticPodPath }}
# what the kubelet mounts there later must be seen too, and what it unmounts must not be held
- name: kubelet-pods
  mountPath: {{ .Values.kubeletRootDir }}/pods
  readOnly: true
  mountPropagation: HostToContainer
- name: pod-resources
  mountPath: {{ .Values.kubeletRootDir }}/pod-resources
  readOnly: true
- name: pods-api
  mountPath: {{ .Values.kubeletRootDir }}/pods-api
  readOnly: true
- name: image-manager
  mountPath: {{ .Values.kubeletRootDir }}/image_manager
  readOnly: true
# the directory, because the socket of a restarted runtime is another file; runtimes mount containers' roots below it
- name: runtime
  mountPath: {{ dir .Values.criSocket }}
  readOnly: true
  mountPropagation: HostToContainer
- name: machine-id
  mountPath: /etc/machine-id
  readOnly: true
{{- end -}}

{{/*
The kubelet's own configuration file, for the agent alone: a file that is missing or says something else must not keep a node
from being cleaned.
*/}}
{{- define "pod-checkpointer.kubeletConfigVolume" -}}
{{- with .Values.kubeletConfig -}}
- name: kubelet-config
  hostPath:
    path: {{ . }}
    type: File
{{- end -}}
{{- end -}}

{{- define "pod-checkpointer.kubeletConfigMount" -}}
{{- with .Values.kubeletConfig -}}
- name: kubelet-config
  mountPath: {{ . }}
  readOnly: true
{{- end -}}
{{- end -}}

{{/*
What of the node a pod of ours sees, at the same path inside: leaves only. Whatever else must run on every node (a hook
that cleans up, say) includes these two.

Not mounted, though kubelets may have them: <kubeletRootDir>/pods-api and <kubeletRootDir>/image_manager. A hostPath that
is absent is either made by the runtime or keeps the pod from starting; there is no third way.
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
# the directory, because the socket of a restarted runtime is another file; runtimes mount containers' roots below it
- name: runtime
  mountPath: {{ dir .Values.criSocket }}
  readOnly: true
  mountPropagation: HostToContainer
- name: machine-id
  mountPath: /etc/machine-id
  readOnly: true
{{- end -}}

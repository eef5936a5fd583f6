{{/* What the agent's pod and the pod that cleans its node have in common. */}}

{{- define "pod-checkpointer.podPlace" -}}
# no network plugin and no cluster DNS are needed to start
hostNetwork: true
hostPID: {{ .Values.hostPID }}
dnsPolicy: Default
{{- with .Values.priorityClassName }}
priorityClassName: {{ toYaml . }}
{{- end }}
automountServiceAccountToken: false
enableServiceLinks: false
terminationGracePeriodSeconds: 30
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsUser: 0
  runAsGroup: 0
  seccompProfile:
    type: RuntimeDefault
  {{- with .Values.selinux.type }}
  seLinuxOptions:
    type: {{ toYaml . }}
  {{- end }}
{{- end -}}

{{- define "pod-checkpointer.containerRights" -}}
privileged: false
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
  # a copy's files get their owner; the tokens of pods with a user of their own are readable by that one only
  add: [CHOWN, DAC_READ_SEARCH]
{{- end -}}

{{/* The service account's token, the cluster's CA and the namespace. */}}
{{- define "pod-checkpointer.apiAccess" -}}
- name: api-access
  projected:
    sources:
      - serviceAccountToken:
          path: token
          expirationSeconds: 3607
      - configMap:
          name: kube-root-ca.crt
          items:
            - key: ca.crt
              path: ca.crt
      - downwardAPI:
          items:
            - path: namespace
              fieldRef:
                fieldPath: metadata.namespace
{{- end -}}

{{- define "pod-checkpointer.ownMounts" -}}
- name: config
  mountPath: /etc/pod-checkpointer
  readOnly: true
{{ include "pod-checkpointer.apiMount" . }}
{{- end -}}

{{- define "pod-checkpointer.apiMount" -}}
- name: api-access
  mountPath: /var/run/secrets/kubernetes.io/serviceaccount
  readOnly: true
{{- end -}}

{{- /* A container's image: (dict "root" $ "program" NAME). */ -}}
{{- define "loadbalancer.image" -}}
{{ .root.Values.image.registry }}/loadbalancer/{{ .program }}:{{ .root.Values.image.tag | default .root.Chart.AppVersion }}
{{- end }}

{{- /* The flags that both programs have. */ -}}
{{- define "loadbalancer.args" -}}
{{- if ne .Values.namespace.name "loadbalancer-system" }}
- --namespace={{ .Values.namespace.name }}
{{- end }}
{{- with .Values.lbClass }}
- {{ printf "--lb-class=%s" . | quote }}
{{- end }}
{{- with .Values.logLevel }}
- --log-level={{ . }}
{{- end }}
{{- end }}

{{- define "loadbalancer.pullSecrets" -}}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
{{- range . }}
- name: {{ . }}
{{- end }}
{{- end }}
{{- end }}

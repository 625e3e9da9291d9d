{{- define "zenvoices.labels" -}}
app.kubernetes.io/name: zenvoices
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .name }}
{{- end }}

{{- /* A pod of one process: .root, .name, .process */ -}}
{{- define "zenvoices.pod" -}}
{{- $values := .root.Values -}}
{{- $hasFiles := and .process.files $values.filesSecretName -}}
{{- $needed := list "SECRET_KEY" "CREDENTIAL_KEYS" "DATABASE_URL" "REDIS_URL" "EMAIL_URL" -}}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with $values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
terminationGracePeriodSeconds: {{ .process.grace | default 30 }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile:
    type: RuntimeDefault
containers:
  - name: {{ .name }}
    image: "{{ required "image.repository: where the Dockerfile's image lies" $values.image.repository }}@{{ required "image.digest: sha256:… of that image" $values.image.digest }}"
    {{- with .process.command }}
    command: {{ toJson . }}
    {{- end }}
    securityContext:
      allowPrivilegeEscalation: false
      readOnlyRootFilesystem: true
      capabilities:
        drop: [ALL]
    resources:
      requests:
        cpu: {{ .process.cpu }}
        memory: {{ .process.memory }}
      limits:
        memory: {{ .process.memory }}
    env:
      {{- /* A number of a values file is a float, and from a million on toString writes 1e+06. */}}
      {{- range $name, $value := $values.settings }}
      {{- /* A file that is not here would stop the program. */}}
      {{- if or $hasFiles (not (hasPrefix "/etc/zenvoices/" (toString $value))) }}
      - name: {{ $name }}
        value: {{ kindIs "float64" $value | ternary (toJson $value) (toString $value) | quote }}
      {{- end }}
      {{- end }}
      - name: DATA_DIR
        value: {{ eq .name "beat" | ternary "/tmp/beat" "/data" }}
      {{- if ne .name "beat" }}
      # Uploads and answers that are too large for memory: not into /tmp, which is memory.
      - name: TMPDIR
        value: /data
      {{- end }}
      {{- with .process.withheld }}
      - name: WITHHELD
        value: {{ . }}
      {{- end }}
      {{- range concat .process.knows $values.everyProcessKnows }}
      {{- if not (hasKey $values.settings .) }}
      - name: {{ . }}
        valueFrom:
          secretKeyRef:
            name: {{ $values.secretName }}
            key: {{ . }}
            optional: {{ not (has . $needed) }}
      {{- end }}
      {{- end }}
    {{- if eq .name "web" }}
    ports:
      - name: http
        containerPort: 8000
    # This process alone; /status says of the whole portal whether it works.
    readinessProbe: &alive
      httpGet:
        path: /healthz
        port: http
      periodSeconds: 15
      timeoutSeconds: 5
      failureThreshold: 4
    livenessProbe: *alive
    startupProbe:
      httpGet:
        path: /healthz
        port: http
      periodSeconds: 3
      timeoutSeconds: 5
      failureThreshold: 40
    # Until no new request is led here any more.
    lifecycle:
      preStop:
        exec:
          command: [sleep, "5"]
    {{- else if .process.node }}
    # Told, not acted on: it is asked through the broker, and a broker that is away is no reason to end a fetch.
    readinessProbe:
      exec:
        command: [sh, -c, "celery -A zenvoices.celery inspect ping --destination {{ .process.node }}@$HOSTNAME --timeout 10"]
      initialDelaySeconds: 20
      periodSeconds: 60
      timeoutSeconds: 30
      failureThreshold: 3
    {{- else if eq .name "beat" }}
    # beat writes down what it queued: a file that is not touched any more is a schedule that stands still.
    livenessProbe:
      exec:
        command: [python, -c, "import glob, os, sys, time; sys.exit(time.time() - max(map(os.path.getmtime, glob.glob('/tmp/beat/celerybeat-schedule*'))) > 150)"]
      initialDelaySeconds: 60
      periodSeconds: 60
      timeoutSeconds: 5
      failureThreshold: 3
    {{- end }}
    volumeMounts:
      - name: tmp
        mountPath: /tmp
      {{- if ne .name "beat" }}
      - name: data
        mountPath: /data
      {{- end }}
      {{- if $hasFiles }}
      - name: files
        mountPath: /etc/zenvoices
        readOnly: true
      {{- end }}
      {{- if $values.authoritiesConfigMap }}
      - name: authorities
        mountPath: /etc/zenvoices-authorities
        readOnly: true
      {{- end }}
volumes:
  - name: tmp
    emptyDir:
      medium: Memory
      sizeLimit: 64Mi
  {{- if ne .name "beat" }}
  - name: data
    emptyDir:
      sizeLimit: {{ $values.dataSizeLimit }}
  {{- end }}
  {{- if $hasFiles }}
  - name: files
    secret:
      secretName: {{ $values.filesSecretName }}
      defaultMode: 0440
  {{- end }}
  {{- with $values.authoritiesConfigMap }}
  - name: authorities
    configMap:
      name: {{ . }}
  {{- end }}
{{- end }}

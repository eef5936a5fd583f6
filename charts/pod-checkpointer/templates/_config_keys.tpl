{{/* Made by deploy/chart.ts of the agent's own table of configuration keys; change it there. */}}

{{/* Keys below `config` with a range, as JSON: least and most in milliseconds or bytes. */}}
{{- define "pod-checkpointer.configKeys" -}}
[{"name":"minReady","kind":"duration","default":"10s","min":0,"max":3600000,"form":"a duration such as 500ms, 10s or 2m, 1h at most"},
{"name":"maxAge","kind":"duration","default":"0","min":0,"max":9007199254740991,"form":"a duration such as 500ms, 10s or 2m"},
{"name":"unreachable.window","kind":"duration","default":"6s","min":0,"max":600000,"form":"a duration such as 500ms, 10s or 2m, 10m at most"},
{"name":"unreachable.deadline","kind":"duration","default":"2s","min":50,"max":60000,"form":"a duration such as 500ms, 10s or 2m, from 50ms to 1m"},
{"name":"orphanGrace","kind":"duration","default":"30s","min":0,"max":3600000,"form":"a duration such as 500ms, 10s or 2m, 1h at most"},
{"name":"stuckGrace","kind":"duration","default":"60s","min":0,"max":86400000,"form":"a duration such as 500ms, 10s or 2m, 24h at most"},
{"name":"kubeletBlindGrace","kind":"duration","default":"10m","min":0,"max":86400000,"form":"a duration such as 500ms, 10s or 2m, 24h at most"},
{"name":"endedGrace","kind":"duration","default":"5m","min":0,"max":86400000,"form":"a duration such as 500ms, 10s or 2m, 24h at most"},
{"name":"retireGrace","kind":"duration","default":"60s","min":0,"max":86400000,"form":"a duration such as 500ms, 10s or 2m, 24h at most"},
{"name":"handBackTimeout","kind":"duration","default":"10m","min":1000,"max":86400000,"form":"a duration such as 500ms, 10s or 2m, from 1s to 24h"},
{"name":"limits.bytesPerPod","kind":"bytes","default":"10Mi","min":4096,"max":1073741824,"form":"a quantity of bytes such as 512Ki, 10Mi or 1Gi, from 4Ki to 1Gi"},
{"name":"limits.bytesTotal","kind":"bytes","default":"200Mi","min":4096,"max":1099511627776,"form":"a quantity of bytes such as 512Ki, 10Mi or 1Gi, from 4Ki to 1Ti"}]
{{- end -}}

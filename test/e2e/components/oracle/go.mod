// What a real kubelet and a real API server say of pods. Marks the directory only: it is built with the go.mod of the
// Kubernetes version whose judgement is asked for (go build -modfile, see ../../components.ts).
module pod-checkpointer/test/e2e/oracle

go 1.26.0

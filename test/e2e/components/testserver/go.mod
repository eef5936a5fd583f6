// The workload, the sandbox image and the prober of the end-to-end tests: one static program without dependencies.
module pod-checkpointer/test/e2e/testserver

go 1.25

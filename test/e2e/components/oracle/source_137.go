//go:build kubelet_1_37

package main

import (
	"context"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/record"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/kubelet/config"
	kubetypes "k8s.io/kubernetes/pkg/kubelet/types"
)

type observer struct{}

func (observer) ObservedPodOnWatch(klog.Logger, *v1.Pod, time.Time) {}

// startFileSource wires a file source to a pod configuration as kubelet 1.37 does (pkg/kubelet/kubelet.go, makePodSourceConfig).
func startFileSource(ctx context.Context, dir string, node types.NodeName, period time.Duration, recorder *record.FakeRecorder) <-chan kubetypes.PodUpdate {
	pods := config.NewPodConfig(recorder, observer{})
	config.NewSourceFile(klog.Background(), dir, node, period, pods.Channel(ctx, kubetypes.FileSource))
	return pods.Updates()
}

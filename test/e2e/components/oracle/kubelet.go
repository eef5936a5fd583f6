package main

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/record"
	kubetypes "k8s.io/kubernetes/pkg/kubelet/types"
)

// never is longer than this program lives: the directory is listed once, at the start.
const never = 24 * time.Hour

// patience is how long one list may take.
const patience = 5 * time.Minute

// acceptedPod is a pod that came out of the kubelet's update channel.
type acceptedPod struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	UID       string `json:"uid"`
	// Pod is what the kubelet would run.
	Pod any `json:"pod"`
}

// refusedFile is a file that the kubelet logged a problem of.
type refusedFile struct {
	File    string `json:"file"`
	Problem string `json:"problem"`
}

// judgeFiles lets the kubelet's own file source and pod configuration read a directory.
func judgeFiles(dir, node string, sink *problems, write *json.Encoder) error {
	updates := startFileSource(context.Background(), dir, types.NodeName(node), never, &record.FakeRecorder{})
	select {
	case update := <-updates:
		if update.Op != kubetypes.ADD {
			return fmt.Errorf("the first update is no ADD but %v", update.Op)
		}
		for _, pod := range update.Pods {
			accepted := acceptedPod{Namespace: pod.Namespace, Name: pod.Name, UID: string(pod.UID), Pod: pod.Spec}
			if err := write.Encode(accepted); err != nil {
				return err
			}
		}
	case <-time.After(patience):
		return fmt.Errorf("no update within %v", patience)
	}
	for file, problem := range sink.all() {
		if err := write.Encode(refusedFile{File: file, Problem: problem}); err != nil {
			return err
		}
	}
	return nil
}

// problems keeps, of all that Kubernetes logs, the errors that name a file.
type problems struct {
	lock   sync.Mutex
	byPath map[string]string
}

func (p *problems) all() map[string]string {
	p.lock.Lock()
	defer p.lock.Unlock()
	return p.byPath
}

func (p *problems) Init(logr.RuntimeInfo)          {}
func (p *problems) Enabled(int) bool               { return false }
func (p *problems) Info(int, string, ...any)       {}
func (p *problems) WithName(string) logr.LogSink   { return p }
func (p *problems) WithValues(...any) logr.LogSink { return p }

func (p *problems) Error(err error, message string, pairs ...any) {
	p.lock.Lock()
	defer p.lock.Unlock()
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i] == "path" {
			p.byPath[fmt.Sprint(pairs[i+1])] = fmt.Sprintf("%s: %v", message, err)
		}
	}
}

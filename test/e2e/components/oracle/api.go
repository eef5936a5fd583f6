package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	core "k8s.io/kubernetes/pkg/apis/core"
	_ "k8s.io/kubernetes/pkg/apis/core/install"
	pods "k8s.io/kubernetes/pkg/registry/core/pod"
)

// longestPod is the API server's own limit of a request, twice.
const longestPod = 6 << 20

// storedPod is the answer to one line.
type storedPod struct {
	Pod     json.RawMessage `json:"pod,omitempty"`
	Problem string          `json:"problem,omitempty"`
}

// storePods decodes, defaults and validates pods as an API server with these gates does, without its admission plugins.
func storePods(in io.Reader, gates string, write *json.Encoder) error {
	if err := utilfeature.DefaultMutableFeatureGate.Set(gates); err != nil {
		return err
	}
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 1<<20), longestPod)
	for lines.Scan() {
		var answer storedPod
		stored, err := store(lines.Bytes())
		if err != nil {
			answer.Problem = err.Error()
		} else {
			answer.Pod = stored
		}
		if err := write.Encode(answer); err != nil {
			return err
		}
	}
	return lines.Err()
}

func store(text []byte) (json.RawMessage, error) {
	object, err := runtime.Decode(legacyscheme.Codecs.UniversalDecoder(), text)
	if err != nil {
		return nil, err
	}
	pod, ok := object.(*core.Pod)
	if !ok {
		return nil, fmt.Errorf("no Pod: %T", object)
	}
	given := pod.UID
	rest.FillObjectMetaSystemFields(pod)
	// equal questions get equal answers
	pod.UID, pod.CreationTimestamp = given, metav1.Unix(1, 0)
	ctx := request.WithNamespace(context.Background(), pod.Namespace)
	ctx = request.WithRequestInfo(ctx, &request.RequestInfo{IsResourceRequest: true, Verb: "create", APIVersion: "v1", Resource: "pods"})
	if err := rest.BeforeCreate(pods.Strategy, ctx, pod); err != nil {
		return nil, err
	}
	return runtime.Encode(legacyscheme.Codecs.LegacyCodec(v1.SchemeGroupVersion), pod)
}

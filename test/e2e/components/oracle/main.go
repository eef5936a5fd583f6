// Program oracle asks the code of Kubernetes itself about pods. It never decides anything on its own.
//
//	oracle kubelet DIR NODE   reads DIR as the kubelet's file source does, and writes which files became pods
//	oracle api GATES          reads pods, one JSON a line, and writes each as an API server would have stored it;
//	                          GATES are its feature gates, or nothing
//	oracle fields             writes which fields this version's pods have
//
// All write one JSON a line to standard output.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/capabilities"
)

func main() {
	code, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintf(os.Stderr, "oracle: %v\n", err)
		code = 1
	}
	os.Exit(code)
}

func run(args []string) (int, error) {
	sink := &problems{byPath: map[string]string{}}
	klog.SetLogger(logr.New(sink))
	// the kubelet always does, and API servers of clusters that have anything to do with us do
	capabilities.Setup(true, 0)
	out := bufio.NewWriterSize(os.Stdout, 1<<20)
	defer out.Flush()
	write := json.NewEncoder(out)
	write.SetEscapeHTML(false)
	switch {
	case len(args) == 3 && args[0] == "kubelet":
		return 0, judgeFiles(args[1], args[2], sink, write)
	case len(args) == 2 && args[0] == "api":
		return 0, storePods(os.Stdin, args[1], write)
	case len(args) == 1 && args[0] == "fields":
		return 0, writeFields(write)
	default:
		return 2, fmt.Errorf("usage: oracle kubelet DIR NODE | oracle api GATES | oracle fields")
	}
}

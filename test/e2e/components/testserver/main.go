// Command testserver is everything the end-to-end tests run inside and against pods: a small HTTP server that shows what
// its container sees, a prober that times every answer of such servers, and the process of the sandbox image.
// It writes to a file inside a container only when told to copy or to lock one, and has no dependencies, so it is one static
// binary.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

const usage = `usage:
  testserver serve [--listen :8080] [--lock FILE]
                                        answer HTTP until SIGTERM; with a lock only while no other process holds it
  testserver probe --url URL... --out FILE [--interval 10ms] [--timeout 1s] [--cacert F --cert F --key F]
                                        ask every URL at the interval; more URLs may come on stdin, one a line
  testserver get URL                    print the answer; exit 1 unless it is a 200
  testserver copy FROM TO               copy a file, as init containers and hooks do
  testserver pause                      wait for SIGTERM (the sandbox image)
`

func main() {
	if len(os.Args) < 2 {
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	}
	var err error
	switch os.Args[1] {
	case "serve":
		err = serve(os.Args[2:])
	case "probe":
		err = probe(os.Args[2:])
	case "get":
		err = get(os.Args[2:])
	case "copy":
		err = copyFile(os.Args[2:])
	case "pause":
		stopped := make(chan os.Signal, 1)
		signal.Notify(stopped, syscall.SIGTERM, syscall.SIGINT)
		<-stopped
	default:
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "testserver:", err)
		os.Exit(1)
	}
}

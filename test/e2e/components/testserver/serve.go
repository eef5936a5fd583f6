package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"sort"
	"strings"
	"syscall"
	"time"
)

// instanceHeader tells two incarnations of the same pod apart: pid and start time in Unix nanoseconds.
const instanceHeader = "Testserver-Instance"

// file is one regular file as the container sees it; content travels as base64.
type file struct {
	Path    string `json:"path"`
	Mode    string `json:"mode"`
	UID     uint32 `json:"uid"`
	GID     uint32 `json:"gid"`
	Content []byte `json:"content"`
	Problem string `json:"problem,omitempty"`
}

// serve answers until SIGTERM or SIGINT, and then ends at once: a port that stays open would hide a gap.
func serve(args []string) error {
	flags := flag.NewFlagSet("serve", flag.ExitOnError)
	listen := flags.String("listen", ":8080", "address to listen on")
	lock := flags.String("lock", "", "file to lock first; it fails where another process holds that lock")
	_ = flags.Parse(args)

	started := time.Now()
	instance := fmt.Sprintf("%d-%d", os.Getpid(), started.UnixNano())
	if *lock != "" {
		if err := takeLock(*lock, instance); err != nil {
			return fmt.Errorf("taking the lock of %s: %w", *lock, err)
		}
	}
	hostname, _ := os.Hostname()
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("/env", func(w http.ResponseWriter, _ *http.Request) {
		env := os.Environ()
		sort.Strings(env)
		reply(w, env)
	})
	mux.HandleFunc("/file", func(w http.ResponseWriter, r *http.Request) {
		reply(w, readFile(r.URL.Query().Get("path")))
	})
	mux.HandleFunc("/tree", func(w http.ResponseWriter, r *http.Request) {
		reply(w, readTree(r.URL.Query().Get("path")))
	})
	mux.HandleFunc("/inspect", func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		reply(w, inspect(query["tree"], query["root"], query["sysctl"]))
	})
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, map[string]any{
			"pod": os.Getenv("POD_NAME"), "hostname": hostname, "uid": os.Getuid(), "pid": os.Getpid(),
			"instance": instance, "startedAt": started.Format(time.RFC3339Nano),
		})
	})

	stopped := make(chan os.Signal, 1)
	signal.Notify(stopped, syscall.SIGTERM, syscall.SIGINT)
	failed := make(chan error, 1)
	go func() {
		failed <- http.ListenAndServe(*listen, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set(instanceHeader, instance)
			mux.ServeHTTP(w, r)
		}))
	}()
	select {
	case <-stopped:
		return nil
	case err := <-failed:
		return fmt.Errorf("serving on %s: %w", *listen, err)
	}
}

func reply(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value)
}

// readFile follows symlinks, as a program in the container would.
func readFile(path string) file {
	result := file{Path: path}
	info, err := os.Stat(path)
	if err == nil {
		result.Mode = fmt.Sprintf("%04o", info.Mode().Perm())
		if stat, ok := info.Sys().(*syscall.Stat_t); ok {
			result.UID, result.GID = stat.Uid, stat.Gid
		}
		result.Content, err = os.ReadFile(path)
	}
	if err != nil {
		result.Problem = err.Error()
	}
	return result
}

// readTree lists every file below a volume's root, sorted; the kubelet's own ..data and ..<time> entries are left out.
func readTree(root string) []file {
	files := []file{}
	var walk func(dir string)
	walk = func(dir string) {
		entries, err := os.ReadDir(dir)
		if err != nil {
			files = append(files, file{Path: dir, Problem: err.Error()})
			return
		}
		for _, entry := range entries {
			path := filepath.Join(dir, entry.Name())
			if strings.HasPrefix(entry.Name(), "..") {
				continue
			}
			info, err := os.Stat(path)
			switch {
			case err != nil:
				files = append(files, file{Path: path, Problem: err.Error()})
			case info.IsDir():
				walk(path)
			case info.Mode()&fs.ModeType == 0:
				files = append(files, readFile(path))
			}
		}
	}
	walk(root)
	sort.Slice(files, func(a, b int) bool { return files[a].Path < files[b].Path })
	return files
}

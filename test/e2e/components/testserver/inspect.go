package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"syscall"
)

// view is everything a program can see of the world its container gives it, as long as it can be compared.
type view struct {
	Args     []string          `json:"args"`
	Env      []string          `json:"env"`
	Cwd      string            `json:"cwd"`
	Hostname string            `json:"hostname"`
	Domain   string            `json:"domain"`
	First    string            `json:"first"`
	Hosts    string            `json:"hosts"`
	Resolv   string            `json:"resolv"`
	Status   map[string]string `json:"status"`
	Limits   map[string]string `json:"limits"`
	Kernel   map[string]string `json:"kernel"`
	Mounts   []mount           `json:"mounts"`
	Entries  []entry           `json:"entries"`
}

type mount struct {
	Point       string `json:"point"`
	Type        string `json:"type"`
	Options     string `json:"options"`
	Propagation string `json:"propagation"`
}

// entry is a file or directory; of a file's bytes only the digest travels, because some are secret.
type entry struct {
	Path    string `json:"path"`
	Kind    string `json:"kind"`
	Mode    string `json:"mode"`
	UID     uint32 `json:"uid"`
	GID     uint32 `json:"gid"`
	SHA256  string `json:"sha256,omitempty"`
	Problem string `json:"problem,omitempty"`
}

// The lines of /proc/self/status that say who the process is and what it may do.
var statusLine = regexp.MustCompile(`(?m)^(Uid|Gid|Groups|Umask|NoNewPrivs|Seccomp|Seccomp_filters|Cap\w+|Cpus_allowed_list):[ \t]*(.*)$`)

// A row of /proc/self/limits: name, soft and hard limit are columns of fixed width.
const limitName, limitValues = 26, 68

// What the control groups grant, by either version's file names, seen from inside.
var controlFiles = []string{
	"memory/memory.limit_in_bytes", "cpu/cpu.shares", "cpu/cpu.cfs_quota_us", "pids/pids.max",
	"memory.max", "cpu.weight", "cpu.max", "pids.max",
}

// inspect looks at the process and its mounts, at everything below `trees`, and at each of `roots` without what is below.
func inspect(trees, roots, sysctls []string) view {
	cwd, _ := os.Getwd()
	hostname, _ := os.Hostname()
	env := os.Environ()
	sort.Strings(env)
	result := view{
		Args: os.Args, Env: env, Cwd: cwd, Hostname: hostname, Domain: text("/proc/sys/kernel/domainname"),
		First: strings.TrimRight(strings.ReplaceAll(text("/proc/1/cmdline"), "\x00", " "), " "),
		Hosts: text("/etc/hosts"), Resolv: text("/etc/resolv.conf"),
		Status: map[string]string{}, Limits: map[string]string{}, Kernel: map[string]string{},
		Mounts: mounts(roots), Entries: []entry{},
	}
	for _, match := range statusLine.FindAllStringSubmatch(text("/proc/self/status"), -1) {
		result.Status[match[1]] = strings.Join(strings.Fields(match[2]), " ")
	}
	for _, line := range strings.Split(text("/proc/self/limits"), "\n")[1:] {
		if len(line) >= limitValues {
			result.Limits[strings.TrimSpace(line[:limitName])] = strings.Join(strings.Fields(line[limitName:limitValues]), " ")
		}
	}
	result.Kernel["oom_score_adj"] = text("/proc/self/oom_score_adj")
	for _, name := range sysctls {
		result.Kernel[name] = text("/proc/sys/" + strings.ReplaceAll(name, ".", "/"))
	}
	for _, name := range controlFiles {
		if value, err := os.ReadFile("/sys/fs/cgroup/" + name); err == nil {
			result.Kernel["cgroup "+name] = strings.TrimSpace(string(value))
		}
	}
	for _, root := range roots {
		result.Entries = append(result.Entries, look(root))
	}
	for _, root := range trees {
		result.Entries = append(result.Entries, walk(root)...)
	}
	return result
}

func text(path string) string {
	bytes, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(bytes))
}

// mounts reads /proc/self/mountinfo (proc(5)); what lies below one of `roots` belongs to the host and is left out.
func mounts(roots []string) []mount {
	found := []mount{}
	for _, line := range strings.Split(text("/proc/self/mountinfo"), "\n") {
		fields := strings.Fields(line)
		separator := 6
		for separator < len(fields) && fields[separator] != "-" {
			separator++
		}
		if separator+1 >= len(fields) || below(fields[4], roots) {
			continue
		}
		kinds := []string{}
		for _, tag := range fields[6:separator] {
			kinds = append(kinds, strings.SplitN(tag, ":", 2)[0])
		}
		found = append(found, mount{fields[4], fields[separator+1], fields[5], strings.Join(kinds, " ")})
	}
	sort.SliceStable(found, func(a, b int) bool { return found[a].Point < found[b].Point })
	return found
}

func below(path string, roots []string) bool {
	for _, root := range roots {
		if strings.HasPrefix(path, strings.TrimSuffix(root, "/")+"/") {
			return true
		}
	}
	return false
}

// look follows symlinks, as a program would.
func look(path string) entry {
	result := entry{Path: path}
	info, err := os.Stat(path)
	if err != nil {
		result.Problem = err.Error()
		return result
	}
	result.Kind = "file"
	if kind := info.Mode().Type(); kind != 0 {
		result.Kind = strings.TrimRight(kind.String(), "-")
	}
	stat := info.Sys().(*syscall.Stat_t)
	result.Mode = fmt.Sprintf("%04o", stat.Mode&0o7777)
	result.UID, result.GID = stat.Uid, stat.Gid
	if info.Mode().IsRegular() {
		bytes, err := os.ReadFile(path)
		if err != nil {
			result.Problem = err.Error()
		}
		sum := sha256.Sum256(bytes)
		result.SHA256 = hex.EncodeToString(sum[:])
	}
	return result
}

// walk looks at a tree without the entries that the kubelet's atomic writer makes for itself (..data, ..<time>).
func walk(root string) []entry {
	found := []entry{look(root)}
	if found[0].Kind != "d" {
		return found
	}
	entries, err := os.ReadDir(root)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		found[0].Problem = err.Error()
	}
	for _, each := range entries {
		if !strings.HasPrefix(each.Name(), "..") {
			found = append(found, walk(filepath.Join(root, each.Name()))...)
		}
	}
	return found
}

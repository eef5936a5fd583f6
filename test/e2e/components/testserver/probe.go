package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A target remembers the last failure written, so that an outage is two lines and not a thousand.
type target struct {
	url  string
	last string
}

// probe asks every URL on a fresh connection at a fixed beat and writes one line per success and one per *change* of
// failure, tab separated:
//
//	<sent, Unix ns> <answered, Unix ns> ok|fail <url> <instance header, or error class>
//
// Both stamps come from one wall clock read at the start plus the monotonic clock, so differences are exact. Requests
// overlap: one that hangs does not delay the next.
func probe(args []string) error {
	flags := flag.NewFlagSet("probe", flag.ExitOnError)
	var urls []string
	flags.Func("url", "URL to ask (repeatable)", func(value string) error { urls = append(urls, value); return nil })
	out := flags.String("out", "", "file to write")
	interval := flags.Duration("interval", 10*time.Millisecond, "time between two requests to one URL")
	timeout := flags.Duration("timeout", time.Second, "limit of one request")
	caFile, certFile, keyFile := flags.String("cacert", "", ""), flags.String("cert", "", ""), flags.String("key", "", "")
	_ = flags.Parse(args)

	client, err := newClient(*caFile, *certFile, *keyFile)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(*out, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return fmt.Errorf("opening the result file: %w", err)
	}
	defer file.Close()

	var lock sync.Mutex
	var targets []*target
	for _, url := range urls {
		targets = append(targets, &target{url: url})
	}
	go func() {
		lines := bufio.NewScanner(os.Stdin)
		for lines.Scan() {
			if url := strings.TrimSpace(lines.Text()); url != "" {
				lock.Lock()
				targets = append(targets, &target{url: url})
				lock.Unlock()
			}
		}
	}()

	zero := time.Now()
	stamp := func() int64 { return zero.UnixNano() + int64(time.Since(zero)) }
	one := func(t *target) {
		ctx, cancel := context.WithTimeout(context.Background(), *timeout)
		defer cancel()
		sent := stamp()
		who, err := ask(ctx, client, t.url)
		answered := stamp()
		verdict := "ok"
		if err != nil {
			verdict, who = "fail", class(err)
		}
		lock.Lock()
		defer lock.Unlock()
		if verdict == "fail" && t.last == who {
			return
		}
		t.last = ""
		if verdict == "fail" {
			t.last = who
		}
		fmt.Fprintf(file, "%d\t%d\t%s\t%s\t%s\n", sent, answered, verdict, t.url, who)
	}

	stopped := make(chan os.Signal, 1)
	signal.Notify(stopped, syscall.SIGTERM, syscall.SIGINT)
	beat := time.NewTicker(*interval)
	defer beat.Stop()
	for {
		select {
		case <-stopped:
			return nil
		case <-beat.C:
			lock.Lock()
			for _, t := range targets {
				go one(t)
			}
			lock.Unlock()
		}
	}
}

// get prints one answer, for programs outside the pod's network.
func get(args []string) error {
	if len(args) != 1 {
		return errors.New("get: exactly one URL")
	}
	client := &http.Client{Timeout: 5 * time.Second}
	response, err := client.Get(args[0])
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: status %d", args[0], response.StatusCode)
	}
	_, err = io.Copy(os.Stdout, response.Body)
	return err
}

func newClient(caFile, certFile, keyFile string) (*http.Client, error) {
	config := &tls.Config{}
	if caFile != "" {
		pem, err := os.ReadFile(caFile)
		if err != nil {
			return nil, fmt.Errorf("reading the CA: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		config.RootCAs.AppendCertsFromPEM(pem)
	}
	if certFile != "" {
		pair, err := tls.LoadX509KeyPair(certFile, keyFile)
		if err != nil {
			return nil, fmt.Errorf("reading the client certificate: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: config}}, nil
}

func ask(ctx context.Context, client *http.Client, url string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return "", err
	}
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("status %d", response.StatusCode)
	}
	return response.Header.Get(instanceHeader), nil
}

// class names an error in one word, so that repeated failures look alike.
func class(err error) string {
	var netError net.Error
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, io.EOF):
		return "reset"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "unroutable"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &netError) && netError.Timeout():
		return "timeout"
	}
	text := err.Error()
	return strings.ReplaceAll(text[strings.LastIndex(text, ": ")+1:], "\t", " ")
}
